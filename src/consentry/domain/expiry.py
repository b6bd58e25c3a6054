"""When a consent runs out: by the law where the person is, or because the grant itself said so."""

import calendar
from collections.abc import Collection
from datetime import date, datetime
from typing import Final

import msgspec

from consentry.domain.entries import Basis
from consentry.domain.reading_data import read_rows
from consentry.domain.standing import ConsentLevel


class ExpiryRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long consent of a level lasts that rests on a basis, from the day of that."""

    id: str
    jurisdiction: str
    level: ConsentLevel
    basis: Basis
    months: int
    statute: str
    source: str
    checked_on: date


class ExpiryTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rows of one edition."""

    version: str
    rows: tuple[ExpiryRow, ...]


TABLE: Final = read_rows("consent_expiry.json", ExpiryTable)


def may_run_out(level: ConsentLevel) -> bool:
    """Tell whether the law of any place ends a consent of this level after a while."""
    return any(row.level is level for row in TABLE.rows)


def find_expiry(
    level: ConsentLevel, basis: Basis | None, jurisdictions: Collection[str]
) -> ExpiryRow | None:
    """Find the row that ends a consent, None where no law does.

    Where it is not known on what a consent rests, or on something else, it is what ends first.
    """
    rows = [row for row in TABLE.rows if row.level is level and row.jurisdiction in jurisdictions]
    named = [row for row in rows if row.basis is basis]
    return min(named or rows, key=lambda row: row.months, default=None)


def end_of(row: ExpiryRow, since: datetime) -> datetime:
    """Say when a consent ends: some months on, at the same time of day."""
    years, month = divmod(since.month - 1 + row.months, 12)
    year, month = since.year + years, month + 1
    return since.replace(
        year=year, month=month, day=min(since.day, calendar.monthrange(year, month)[1])
    )


def earlier_end(first: datetime | None, second: datetime | None) -> datetime | None:
    """Give the end that comes first; None is no end."""
    ends = [end for end in (first, second) if end is not None]
    return min(ends, default=None)
