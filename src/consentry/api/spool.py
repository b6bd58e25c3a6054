"""A pipe of bytes between a reader and a writer of different speed, with little memory.

A caller may send all of its lines before it reads the first answer. Answers that it does not
take yet wait here: a little in memory, the rest in a temporary file.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from tempfile import TemporaryFile
from typing import IO, Final

_MEMORY_BYTES_MAX: Final = 256 * 1024
_CHUNK_BYTES: Final = 64 * 1024


class Spool:
    """First in, first out; `put` never waits, `chunks` waits for what comes."""

    def __init__(self) -> None:
        self._ready: deque[bytes] = deque()
        self._ready_bytes = 0
        self._file: IO[bytes] | None = None
        self._read_offset = 0
        self._write_offset = 0
        self._changed = asyncio.Event()
        self._finished = False

    def put(self, content: bytes) -> None:
        """Add bytes; beyond the memory limit they go to the file, and so does all after them."""
        if self._file is None and self._ready_bytes + len(content) <= _MEMORY_BYTES_MAX:
            self._ready.append(content)
            self._ready_bytes += len(content)
        else:
            self._spill(content)
        self._changed.set()

    def finish(self) -> None:
        """Say that nothing more comes."""
        self._finished = True
        self._changed.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Give what was put, in order, until it is finished and empty."""
        while True:
            chunk = self._take()
            if chunk:
                yield chunk
            elif self._finished:
                return
            else:
                self._changed.clear()
                await self._changed.wait()

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _spill(self, content: bytes) -> None:
        if self._file is None:
            self._file = TemporaryFile()  # noqa: SIM115 - it lives as long as the spool
            self._read_offset = self._write_offset = 0
        self._file.seek(self._write_offset)
        self._write_offset += self._file.write(content)

    def _take(self) -> bytes:
        if self._ready:
            taken = b"".join(self._ready)
            self._ready.clear()
            self._ready_bytes = 0
            return taken
        if self._file is None:
            return b""
        self._file.seek(self._read_offset)
        chunk = self._file.read(_CHUNK_BYTES)
        self._read_offset += len(chunk)
        if self._read_offset == self._write_offset:
            self.close()
        return chunk
