"""The zip of a bundle: its files in order, then the manifest and its signature, and nothing else.

Every byte follows from the files and the time, so that verify.py can find one that differs.
"""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import msgspec

FORMAT: Final = "consentry evidence bundle 1"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
_FILE_MODE: Final = 0o100644 << 16
_ON_UNIX: Final = 3
_HEADER_BYTES: Final = 30
"""What stands before the name of each file in a zip."""

_PACKED_FROM_BYTES: Final = 1000
"""Smaller files are not packed: it would gain nothing, and readers can look into the zip."""


class Packed(msgspec.Struct, frozen=True):
    """One file as the manifest lists it; `packed_sha256` is over its bytes in the zip."""

    name: str
    size: int
    sha256: str
    packed_size: int
    packed_sha256: str


class ZipWriter:
    """Writes the files of a bundle one after the other."""

    def __init__(self, made_at: datetime) -> None:
        """Date every file with this time, UTC."""
        self._made_at = made_at.astimezone(UTC)
        self._out = io.BytesIO()
        self._zip = zipfile.ZipFile(self._out, "w", zipfile.ZIP_DEFLATED)
        self._packed: list[Packed] = []

    def add(self, name: str, data: bytes) -> None:
        """Add a file."""
        method = zipfile.ZIP_DEFLATED if len(data) >= _PACKED_FROM_BYTES else zipfile.ZIP_STORED
        info = self._write(name, data, method)
        begin = info.header_offset + _HEADER_BYTES + len(name)
        packed = self._out.getbuffer()[begin : begin + info.compress_size]
        digest = sha256(packed).hexdigest()
        packed.release()
        self._packed.append(
            Packed(name, len(data), sha256(data).hexdigest(), info.compress_size, digest)
        )

    def _write(self, name: str, data: bytes, method: int) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(name, self._made_at.timetuple()[:6])
        info.create_system = _ON_UNIX
        info.external_attr = _FILE_MODE
        self._zip.writestr(info, data, compress_type=method)
        return info

    def close(self, about: dict[str, str], sign: Callable[[str], str]) -> bytes:
        """Add the manifest with what is told `about` the bundle, have it signed, give the zip."""
        files = [msgspec.to_builtins(packed) for packed in self._packed]
        made_at = self._made_at.replace(microsecond=0).isoformat().replace("+00:00", "Z")
        told = {"format": FORMAT, "made_at": made_at, **about, "files": files}
        manifest = msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n"
        signed = sign(f"{FORMAT}\n{MANIFEST} sha256:{sha256(manifest).hexdigest()}\n")
        self._write(MANIFEST, manifest, zipfile.ZIP_STORED)
        self._write(SIGNATURE, signed.encode(), zipfile.ZIP_STORED)
        self._zip.close()
        return self._out.getvalue()
