"""Our own style, script and icons, and the vendored ones: read once, named by their content."""

import gzip
import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOREVER: Final = "public, max-age=31536000, immutable"
_JOINED: Final = {"console.css": "css", "console.js": "js"}
"""Files that are made of all files of a folder, in the order of their names: no build step."""


class StaticFile(msgspec.Struct, frozen=True):
    """A file as it is served."""

    content: bytes
    compressed: bytes
    media_type: str
    digest: str


class StaticFiles:
    """All static files in memory. An address carries the content's hash, so it never goes stale."""

    def __init__(self) -> None:
        """Read them; the package carries them all."""
        root = files("consentry.console") / "static"
        self._files = {
            **{name: _join(root / folder) for name, folder in _JOINED.items()},
            **{item.name: _read(item) for item in root.iterdir() if _is_served(item)},
            **{item.name: _read(item) for item in (root / "vendor").iterdir() if _is_served(item)},
        }

    def address(self, name: str) -> str:
        """Return the path under which a file is served."""
        return f"/console/static/{self._files[name].digest}/{name}"

    async def serve(self, request: Request) -> Response:
        """Serve a file; the hash in the address only makes a new one for every new content."""
        found = self._files.get(request.path_params["name"])
        if found is None:
            return Response("There is no such file.\n", status_code=404, media_type="text/plain")
        headers = {
            "Cache-Control": _FOREVER,
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(found.compressed, media_type=found.media_type, headers=headers)
        return Response(found.content, media_type=found.media_type, headers=headers)


@cache
def read_static_files() -> StaticFiles:
    """Read the static files once a process."""
    return StaticFiles()


def _is_served(item: Traversable) -> bool:
    return any(item.name.endswith(ending) for ending in _TYPES)


def _join(folder: Traversable) -> StaticFile:
    parts = sorted((item for item in folder.iterdir() if _is_served(item)), key=lambda i: i.name)
    content = b"\n".join(item.read_bytes() for item in parts)
    return _serve_as(content, parts[0].name)


def _read(item: Traversable) -> StaticFile:
    return _serve_as(item.read_bytes(), item.name)


def _serve_as(content: bytes, name: str) -> StaticFile:
    return StaticFile(
        content=content,
        compressed=gzip.compress(content, 9, mtime=0),
        media_type=_TYPES[f".{name.rpartition('.')[2]}"],
        digest=hashlib.sha256(content).hexdigest()[:12],
    )
