"""The handsets page itself: its files, served with a policy that allows nothing else."""

from importlib import resources

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consentry.simulator.requests import Endpoint

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_FILES = {
    "/": ("handsets.html", "text/html"),
    "/handsets": ("handsets.html", "text/html"),
    "/page/handsets.css": ("handsets.css", "text/css"),
    "/page/handsets.js": ("handsets.js", "text/javascript"),
    "/page/phone.js": ("phone.js", "text/javascript"),
    "/page/faults.js": ("faults.js", "text/javascript"),
    "/page/page.js": ("page.js", "text/javascript"),
    "/page/icon.svg": ("icon.svg", "image/svg+xml"),
}


def build_page_routes() -> list[Route]:
    """List the routes of the page and its files."""
    folder = resources.files("consentry.simulator") / "page"
    return [
        Route(path, _serve_file((folder / name).read_bytes(), media_type), methods=["GET"])
        for path, (name, media_type) in _FILES.items()
    ]


def _serve_file(content: bytes, media_type: str) -> Endpoint:
    async def serve(_request: Request) -> Response:
        return Response(content, headers=_HEADERS, media_type=media_type)

    return serve
