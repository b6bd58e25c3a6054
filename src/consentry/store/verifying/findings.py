"""What can be found wrong with a ledger, and what to do then."""

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec


class Problem(StrEnum):
    """What is wrong."""

    CHANGED = "changed"
    COLUMNS = "columns"
    REMOVED = "removed"
    INSERTED = "inserted"
    UNACCOUNTED = "unaccounted"
    SEALED = "sealed"
    HEAD = "head"
    LEAVES = "leaves"
    TILE = "tile"
    SIGNATURE = "signature"
    ROOT = "root"
    SHRUNK = "shrunk"
    STANDING = "standing"
    NO_STANDING = "no_standing"
    KEPT = "kept"
    NOT_KEPT = "not_kept"


SAID: Final = {
    Problem.CHANGED: "was changed, or stands in the place of another entry",
    Problem.COLUMNS: "has other columns than what was recorded in it",
    Problem.REMOVED: "was removed",
    Problem.INSERTED: "was inserted afterwards: it is not in the log",
    Problem.UNACCOUNTED: "was erased, and no entry of the kind `erased` accounts for it",
    Problem.SEALED: "could not be opened",
    Problem.HEAD: "is missing, or says another place than the leaves: what comes next goes astray",
    Problem.LEAVES: "is not what the log's tree was made of: salts or numbers were changed",
    Problem.TILE: "is not what the hashes below it make",
    Problem.SIGNATURE: "is not signed by a key of the log",
    Problem.ROOT: "says another tree than the ledger has",
    Problem.SHRUNK: "is of a larger tree than the ledger has now: entries were cut off at its end",
    Problem.STANDING: "says something else than its entries lead to: it was changed",
    Problem.NO_STANDING: "was removed: its entries lead to one",
    Problem.KEPT: "is not what its erasure kept: it was changed",
    Problem.NOT_KEPT: "was removed: what that number said no to counts no longer",
}
"""The sentence about whatever it is."""

_RESTORE: Final = (
    "{} the row in the table {} from a backup from before. Find out who could write, and verify "
    "again."
)

ADVICE: Final = {
    Problem.CHANGED: "Compare it with a backup from before, and find out who could write.",
    Problem.COLUMNS: "Compare it with a backup: lists look for entries by these columns.",
    Problem.REMOVED: "Restore it from a backup from before, and find out who could write.",
    Problem.INSERTED: "Believe nothing that rests on it, and find out who could write.",
    Problem.UNACCOUNTED: "Look for who destroyed it: an erasure leaves an entry behind.",
    Problem.SEALED: "Set the text key that it was sealed with in CONSENTRY_TEXT_KEYS.",
    Problem.HEAD: "Restore the table log_head from a backup, and verify again.",
    Problem.LEAVES: "Restore the tables log_leaves and log_tiles from a backup, and verify again.",
    Problem.TILE: "Restore the table log_tiles from a backup, and verify again.",
    Problem.SIGNATURE: "Hold it against the checkpoints that you keep elsewhere.",
    Problem.ROOT: "Hold the ledger against a backup from before this checkpoint.",
    Problem.SHRUNK: "Find the newest backup that has this checkpoint, and what was lost since.",
    Problem.STANDING: _RESTORE.format("Text them nothing, and restore", "standings"),
    Problem.NO_STANDING: _RESTORE.format("Text them nothing, and restore", "standings"),
    Problem.KEPT: _RESTORE.format("Restore", "erased"),
    Problem.NOT_KEPT: _RESTORE.format("Restore", "erased"),
}
"""What to do next."""


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong.

    `what` names it: an entry by its id, or by its number where only that is known; a tile, a
    checkpoint. `leaf` is its place in the log. `recorded_at` is when the entry says that it was
    recorded, or, of one that is gone, its neighbour before.
    """

    problem: Problem
    what: str
    leaf: int | None = None
    recorded_at: datetime | None = None
    told: str = ""

    @property
    def sentence(self) -> str:
        """Say what is wrong, and what to do."""
        told = f" ({self.told})" if self.told else ""
        return f"{self.what} {SAID[self.problem]}{told}. {ADVICE[self.problem]}"


class ChunkReport(msgspec.Struct, frozen=True):
    """What a run of tiles came to.

    `roots` are the hashes of its full tiles, side by side. `strays` are entries that stand between
    its own and are not among its leaves (number, id, recorded at, in microseconds). `erased` are
    the numbers of entries whose leaf nothing shows any more, with their leaves. `lost` are
    recipients whose entries carry parts of a standing, and who have none.
    """

    entries: int
    roots: bytes
    findings: list[Finding]
    strays: list[tuple[int, str, int]]
    erased: list[tuple[int, int]]
    lost: list[str] = []
