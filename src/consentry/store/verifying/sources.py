"""What is read of a database to verify it: all from one moment, and nothing is changed."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple, Protocol

from consentry.store.log_leaves import Leaves
from consentry.store.verifying.chunk import RawEntry
from consentry.wire.tiles import TileName

LOWEST: Final = -(2**63) + 1
"""No number of an entry is lower."""

TILES_AT_ONCE: Final = 256
"""A chunk is one full tile of level 1: 65,536 entries."""


class Measured(NamedTuple):
    """How large the log is, and how many entries wait to get in.

    `has_head`: the row is there that says so, and agrees with the leaves.
    """

    size: int
    waiting: int
    has_head: bool = True


NO_HEAD: Final = Measured(0, 0, has_head=False)
"""Of a log whose head is gone nothing else can be said."""


class Bounds(NamedTuple):
    """A chunk: its number, and the lowest and highest number of its entries.

    Its rows are read from `begin` on, so that nothing between two chunks is left out.
    """

    number: int
    lowest: int
    highest: int
    begin: int


class StoredCheckpoint(NamedTuple):
    """A row of the checkpoints."""

    size: int
    value: str


class StandingRun(NamedTuple):
    """Standings in a row: those behind one number, up to another."""

    behind: str
    upto: str


class KeptRow(NamedTuple):
    """What is kept of an erased number, under its keyed hash."""

    key: str
    hash: str
    value: str


def make_runs(ends: Sequence[str], last: str) -> list[StandingRun]:
    """Part all standings into runs, which end at these numbers; `last` is beyond all of them."""
    return [StandingRun(*pair) for pair in pairwise(("", *ends, last))]


class LogSource(Protocol):
    """A database, read as it was at one moment."""

    def describe(self) -> "Opening":
        """Tell how another process opens it at the same moment."""

    def measure(self) -> Measured:
        """Tell how large the log is."""

    def list_bounds(self) -> list[Bounds]:
        """List the chunks in order; the first reaches down to the lowest number there can be."""

    def read_leaves(self, first: int, count: int) -> list[Leaves]:
        """Read the leaves of tiles, in order."""

    def read_tiles(self, level: int, first: int, count: int) -> dict[TileName, bytes]:
        """Read tiles of a level."""

    def read_entries(self, lowest: int, highest: int) -> list[RawEntry]:
        """Read the rows between two numbers, both included, in order."""

    def find_waiting(self, seqs: Sequence[int]) -> set[int]:
        """Tell which of these entries wait to get into the log, as late ones may."""

    def list_erasures(self) -> list[bytes]:
        """Read the values of all entries of the kind `erased`, in order."""

    def list_standings(self, at_once: int) -> list[StandingRun]:
        """Part all standings into runs of so many; none where there are no standings."""

    def read_standings(self, run: StandingRun) -> list[tuple[str, str]]:
        """Read standings, each with its recipient."""

    def read_pieces(self, run: StandingRun) -> list[tuple[str, bytes]]:
        """Read the entries that may carry parts of these standings, in order for each recipient."""

    def read_pieces_of(self, recipient: str) -> list[tuple[str, bytes]]:
        """Read the entries of a recipient that may carry parts of a standing, in order."""

    def list_without_standing(self, recipients: Sequence[str]) -> list[str]:
        """List those of these recipients who have no standing."""

    def list_kept(self) -> list[KeptRow]:
        """Read all that is kept of erased numbers."""

    def read_checkpoints(self, behind: int, count: int) -> list[StoredCheckpoint]:
        """Read checkpoints of larger trees than this, in order."""

    def count_checkpoints(self) -> int:
        """Count the checkpoints."""

    def read_keys(self) -> list[tuple[str, str]]:
        """List the keys that the log knows, as verifiers take them, and what is told of each."""

    def close(self) -> None:
        """Let go of the database."""


class Opening(Protocol):
    """How a process opens a source; it is handed from process to process."""

    def open(self) -> LogSource:
        """Open it."""


def make_bounds(spans: Sequence[tuple[int, int, int]]) -> list[Bounds]:
    """Close the gaps between chunks, each given by its number, lowest and highest number."""
    bounds = []
    reached = LOWEST - 1
    for number, lowest, highest in spans:
        bounds.append(Bounds(number, lowest, highest, min(lowest, reached + 1)))
        reached = max(reached, highest)
    return bounds
