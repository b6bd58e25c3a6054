"""A SQLite file, as it is verified."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from consentry.store.log_leaves import Leaves
from consentry.store.queries import read_queries
from consentry.store.rows import encode
from consentry.store.sqlite.answering import answering
from consentry.store.sqlite.connection import open_for_reading
from consentry.store.verifying.chunk import RawEntry
from consentry.store.verifying.sources import (
    NO_HEAD,
    Bounds,
    KeptRow,
    Measured,
    StandingRun,
    StoredCheckpoint,
    make_bounds,
    make_runs,
)
from consentry.wire.tiles import TileName

_BEYOND: Final = "+9223372036854775807"
_VERIFY: Final = read_queries("sqlite", "verify")


class OpenFile(NamedTuple):
    """A file; each process reads it as it is when it begins, and leaves out what is new since."""

    path: Path

    def open(self) -> "FileSource":
        """Open it and begin to read."""
        return FileSource(self.path)


class FileSource:
    """Implements `LogSource` on a file; everything raises `StoreUnavailable`."""

    def __init__(self, path: Path) -> None:
        """Open it and hold on to this moment."""
        self._path = path
        with answering():
            self._connection = open_for_reading(path)
            self._connection.execute("BEGIN")
            # The moment is that of the first reading.
            self.measure()

    def describe(self) -> OpenFile:
        """Tell how another process opens it."""
        return OpenFile(self._path)

    def measure(self) -> Measured:
        """Tell how large the log is."""
        for size, waiting, has_head in self._all("measure"):
            return Measured(size, max(0, waiting), bool(has_head))
        return NO_HEAD

    def list_bounds(self) -> list[Bounds]:
        """List the chunks in order."""
        return make_bounds(self._all("list_spans"))

    def read_leaves(self, first: int, count: int) -> list[Leaves]:
        """Read the leaves of tiles, in order."""
        return [Leaves(*row) for row in self._all("read_leaves", first, count)]

    def read_tiles(self, level: int, first: int, count: int) -> dict[TileName, bytes]:
        """Read tiles of a level."""
        found = self._all("read_tiles", level, first, count)
        return {TileName(level, number): hashes for number, hashes in found}

    def read_entries(self, lowest: int, highest: int) -> list[RawEntry]:
        """Read the rows between two numbers, in order."""
        try:
            return self._all("read_entries", lowest, highest)
        except UnicodeDecodeError:
            # Somebody wrote what is no text: with signs in its place it is found as changed.
            odd = self._all("read_odd_entries", lowest, highest)
            return [(row[0], *map(_decode, row[1:5]), *row[5:]) for row in odd]

    def find_waiting(self, seqs: Sequence[int]) -> set[int]:
        """Tell which of these entries wait to get into the log."""
        return {seq for (seq,) in self._all("find_waiting", encode(list(seqs)).decode())}

    def list_erasures(self) -> list[bytes]:
        """Read the values of all entries of the kind `erased`."""
        return [value for (value,) in self._all("list_erasures")]

    def list_standings(self, at_once: int) -> list[StandingRun]:
        """Part all standings into runs of so many."""
        ends = [recipient for (recipient,) in self._all("list_standings", at_once)]
        return make_runs(ends, _BEYOND) if ends or self._all("has_standings") else []

    def read_standings(self, run: StandingRun) -> list[tuple[str, str]]:
        """Read standings, each with its recipient."""
        return [
            (str(name), value.decode(errors="replace"))
            for name, value in self._of(run, "standings")
        ]

    def read_pieces(self, run: StandingRun) -> list[tuple[str, bytes]]:
        """Read the entries that may carry parts of these standings."""
        return [(str(name), bytes(value)) for name, value in self._of(run, "pieces")]

    def read_pieces_of(self, recipient: str) -> list[tuple[str, bytes]]:
        """Read the entries of a recipient that may carry parts of a standing."""
        return [(recipient, value) for (value,) in self._all("read_pieces_of", recipient)]

    def list_without_standing(self, recipients: Sequence[str]) -> list[str]:
        """List those of these recipients who have no standing."""
        found = self._all("list_without_standing", encode(list(recipients)).decode())
        return [recipient for (recipient,) in found]

    def list_kept(self) -> list[KeptRow]:
        """Read all that is kept of erased numbers."""
        return [
            KeptRow(key, hash_, value.decode(errors="replace"))
            for key, hash_, value in self._all("list_kept")
        ]

    def _of(self, run: StandingRun, what: str) -> list[tuple[Any, ...]]:
        return self._all(f"read_{what}", run.behind, run.upto)

    def read_checkpoints(self, behind: int, count: int) -> list[StoredCheckpoint]:
        """Read checkpoints of larger trees than this, in order."""
        return list(map(StoredCheckpoint._make, self._all("read_checkpoints", behind, count)))

    def count_checkpoints(self) -> int:
        """Count the checkpoints."""
        return int(self._all("count_checkpoints")[0][0])

    def read_keys(self) -> list[tuple[str, str]]:
        """List the keys that the log knows, each with its row's value."""
        return [(str(key), str(value)) for key, value in self._all("read_keys")]

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _all(self, name: str, *values: str | int) -> list[tuple[Any, ...]]:
        with answering():
            return list(self._connection.execute(_VERIFY[name], values))


def _decode(text: bytes | None) -> str | None:
    return None if text is None else text.decode(errors="replace")
