"""A file of events, one JSON object a line, so that a simulator can be started again.

Lines are buffered and written a few times a second: a power cut may cost the last moment, which a
demonstration can bear, and nothing waits for the disk.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from consentry.simulator.state import Event, State

FLUSH_INTERVAL_SECONDS = 0.2
_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


class JournalError(Exception):
    """A journal that cannot be read; str() names the file and line and says what to do."""


class Journal:
    """Appends events to a file, or to nothing where there is no path."""

    def __init__(self, path: Path | None) -> None:
        """Open the file for appending; its folder is made where it is missing."""
        self._file: BinaryIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab")

    def append(self, event: Event) -> None:
        """Write an event, soon."""
        if self._file is not None:
            self._file.write(_encoder.encode(event) + b"\n")

    async def flush_forever(self) -> None:
        """Hand the buffer to the system a few times a second."""
        while self._file is not None:
            await asyncio.sleep(FLUSH_INTERVAL_SECONDS)
            self._file.flush()

    def close(self) -> None:
        """Write what is left."""
        if self._file is not None:
            self._file.close()
            self._file = None


class Books:
    """State and journal together: what is recorded is known and kept."""

    def __init__(self, state: State, journal: Journal) -> None:
        """Join the two."""
        self.state = state
        self.journal = journal

    def record(self, event: Event) -> None:
        """Let an event happen."""
        self.state.apply(event)
        self.journal.append(event)


def open_books(path: Path | None) -> Books:
    """Replay what a file holds and go on writing to it."""
    state = State()
    if path is not None and path.exists():
        kept = _cut_torn_line(path)
        for event in _read_events(path, kept):
            state.apply(event)
    return Books(state, Journal(path))


def _cut_torn_line(path: Path) -> bytes:
    """Drop a last line that a sudden end left without its newline."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        path.write_bytes(whole)
    return whole


def _read_events(path: Path, content: bytes) -> Iterator[Event]:
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            yield _decoder.decode(line)
        except msgspec.DecodeError as error:
            raise JournalError(
                f"{path}, line {number}: {error}; move the file away to start with empty phones"
            ) from error
