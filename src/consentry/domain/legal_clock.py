"""The legal clock of an opt-out that was told to us: received, in force, and due by law when.

An opt-out is honoured the moment it is recorded. Where somebody recorded it days after the person
had said it, the clock shows that, and whether it was too late.
"""

from datetime import UTC, date, datetime
from typing import Final

import msgspec

from consentry.domain.entries import Entry, EntryKind, Medium
from consentry.domain.reading_data import read_rows
from consentry.domain.rules.calendar import add_business_days
from consentry.domain.rules.zones import read_zone
from consentry.domain.standing import Consent, ConsentState, Piece, Suppression


class DeadlineRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many business days the law leaves for what was received since a day."""

    id: str
    since: date
    business_days: int
    statute: str
    source: str
    checked_on: date


class DeadlineTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rows of one edition, oldest first, and the zone that their days are counted in."""

    version: str
    zone: str
    rows: tuple[DeadlineRow, ...]


TABLE: Final = read_rows("revocation_deadlines.json", DeadlineTable)

_BY_ITSELF: Final = frozenset({Medium.TEXT, Medium.IMPORT})
"""What came so was read by us, or listed elsewhere: nobody told it to us."""

_EARLIEST: Final = datetime(1992, 12, 3, tzinfo=UTC)
"""The first text ever. A time before it is a blank that a program sent (the year 1)."""


class LegalClock(msgspec.Struct, frozen=True):
    """When an opt-out was received, from when on it is in force, and by which day it had to be.

    `regime` is the row that says so.
    """

    received_at: datetime
    honoured_at: datetime
    due_on: date
    is_late: bool
    regime: str
    business_days: int

    @property
    def latency_seconds(self) -> float:
        """How long it took from being received to being in force."""
        return (self.honoured_at - self.received_at).total_seconds()


def start_clock(received_at: datetime, honoured_at: datetime) -> LegalClock:
    """Set the clock of an opt-out.

    What was received before the first row came into force is held to that row all the same.
    A time before there were texts is taken for that of the first.
    """
    zone = read_zone(TABLE.zone)
    day = max(received_at, _EARLIEST).astimezone(zone).date()
    row = next((row for row in reversed(TABLE.rows) if row.since <= day), TABLE.rows[0])
    due_on = add_business_days(day, row.business_days)
    is_late = honoured_at.astimezone(zone).date() > due_on
    return LegalClock(received_at, honoured_at, due_on, is_late, row.id, row.business_days)


def read_clock(entry: Entry) -> LegalClock | None:
    """Read the clock of an entry; None where it is no opt-out that a person told to somebody."""
    if entry.kind not in (EntryKind.CONSENT_REVOKED, EntryKind.SUPPRESSED):
        return None
    if entry.evidence is not None and entry.evidence.medium in _BY_ITSELF:
        return None
    if not any(_is_withdrawal(piece) for piece in entry.pieces):
        return None
    return start_clock(entry.at, entry.recorded_at)


def _is_withdrawal(piece: Piece) -> bool:
    match piece:
        case Suppression():
            return piece.active and piece.by_person
        case Consent():
            return piece.state is ConsentState.REVOKED and piece.by_person
        case _:
            return False
