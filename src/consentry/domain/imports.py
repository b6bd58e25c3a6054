"""Lists that are brought in: what each is to do, how far it has come, what became of its rows."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from consentry.domain.entries import Actor

STALE_AFTER: Final = timedelta(seconds=60)
"""An import that has not moved for so long is taken for cut off."""


class ImportKind(StrEnum):
    """What the rows of a list say."""

    OPT_OUTS = "opt_outs"
    CONSENTS = "consents"


class ImportState(StrEnum):
    """Where an import is. `cut_off`: nobody goes on with it until the same list comes again."""

    RUNNING = "running"
    CUT_OFF = "cut_off"
    FINISHED = "finished"


class RowOutcome(StrEnum):
    """What becomes of a row of a list.

    `recorded`: it counts from now on. `pending`: it is kept, and counts when the handset says so.
    `stands`: nothing changes, it is so already. `came_back`: the person has opted in since.
    `withdrew`: a revocation stands, or is newer, or the person's own words are one, which counts
    from now on. `expired`: it ran out long ago. `refused`: something is missing, or the words are
    no consent. `unreadable`: the row names no number.
    """

    RECORDED = "recorded"
    PENDING = "pending"
    STANDS = "stands"
    CAME_BACK = "came_back"
    WITHDREW = "withdrew"
    EXPIRED = "expired"
    REFUSED = "refused"
    UNREADABLE = "unreadable"

    __hash__ = str.__hash__
    """An enum's own is slow, and every row is counted by it."""


BAD: Final = frozenset({RowOutcome.REFUSED, RowOutcome.UNREADABLE})
"""Rows that somebody should look at: nothing came of them."""


class ImportAim(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a list is brought in for.

    `source` names where it comes from, `digest` is the SHA-256 of its bytes, `by` says who brings
    it in. Of opt-outs: `brand` None is every brand, and `by_person` says that the people said so
    themselves. Of consents: `program`, and `texted` is who vouches that each row's text came from
    that handset to the program's own number.
    """

    kind: ImportKind
    source: str
    digest: str
    by: str
    brand: str | None = None
    by_person: bool = True
    program: str | None = None
    texted: str | None = None


class ImportRun(msgspec.Struct, frozen=True, omit_defaults=True):
    """One bringing in of a list, and how far it has come.

    `key` is the same for the same list, read in the same way, for the same aim: such a one goes on
    where it was cut off. `position` counts the rows that were decided, `parts` the pieces in which
    what became of them is kept.
    """

    id: str
    key: str
    aim: ImportAim
    actor: Actor
    started_at: datetime
    changed_at: datetime
    position: int = 0
    parts: int = 0
    counts: dict[str, int] = {}
    finished_at: datetime | None = None

    def state_at(self, now: datetime) -> ImportState:
        """Tell where it is at a time."""
        if self.finished_at is not None:
            return ImportState.FINISHED
        is_stale = now - self.changed_at > STALE_AFTER
        return ImportState.CUT_OFF if is_stale else ImportState.RUNNING


class ImportPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of some rows, by their numbers in the list: nothing here tells whose they are.

    `block` counts the pieces of the list that are read at once: all rows of one come before those
    of the next. `shared` says more about all rows of an outcome, and `why` about single rows.
    """

    run: str
    part: int
    block: int
    rows: dict[str, list[int]]
    why: dict[int, str] = {}
    shared: dict[str, str] = {}


class DecidedRow(msgspec.Struct, frozen=True):
    """What became of one row of the list."""

    row: int
    outcome: RowOutcome
    why: str | None = None


def list_rows(parts: list[ImportPart]) -> list[DecidedRow]:
    """List what became of the rows of these parts, in the order of the list."""
    found = [
        DecidedRow(row, RowOutcome(outcome), part.why.get(row, part.shared.get(outcome)))
        for part in parts
        for outcome, rows in part.rows.items()
        for row in rows
    ]
    return sorted(found, key=lambda decided: decided.row)


def count_all(counts: dict[str, int]) -> dict[str, int]:
    """Count every outcome, those that no row has too."""
    return {outcome.value: counts.get(outcome.value, 0) for outcome in RowOutcome}
