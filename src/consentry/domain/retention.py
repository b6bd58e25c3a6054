"""How long records are kept: rows with their statutes, and what they say of one number."""

from collections.abc import Collection
from datetime import date, datetime
from enum import StrEnum
from typing import Final

import msgspec

from consentry.domain.reading_data import read_rows

EVERYWHERE: Final = "*"
"""The jurisdiction of a row that counts wherever somebody is."""


class Kept(StrEnum):
    """What a row is about."""

    RECORDS = "records"
    RECORDS_OF_OPT_OUTS = "records_of_opt_outs"
    OPT_OUTS = "opt_outs"


class RetentionRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many years something is kept after the last of it."""

    id: str
    jurisdiction: str
    what: Kept
    years: int
    says: str
    statute: str
    source: str
    checked_on: date


class RetentionTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rows of one edition."""

    version: str
    rows: tuple[RetentionRow, ...]


TABLE: Final = read_rows("retention.json", RetentionTable)


class KeptUntil(msgspec.Struct, frozen=True):
    """Until when the records of a number are kept, by the row that says so."""

    at: datetime
    row: str


def keep_until(
    last_at: datetime,
    opted_out_at: datetime | None,
    jurisdictions: Collection[str],
    *,
    is_certain: bool,
) -> KeptUntil:
    """Say until when the records of a number are kept: by the row that lasts longest.

    `last_at` is when something last happened, `opted_out_at` when the newest opt-out that stands
    was made. Where somebody is not known (`is_certain` is false), every place's row counts.
    """
    ends = []
    for row in TABLE.rows:
        if row.jurisdiction != EVERYWHERE and is_certain and row.jurisdiction not in jurisdictions:
            continue
        since = last_at if row.what is Kept.RECORDS else opted_out_at
        # That somebody said no outlives the records, as a keyed hash.
        if since is not None and row.what is not Kept.OPT_OUTS:
            ends.append(KeptUntil(_years_after(since, row.years), row.id))
    return max(ends, key=lambda end: end.at)


def _years_after(time: datetime, years: int) -> datetime:
    """Give the same day some years on; the 29th of February counts as the 1st of March."""
    try:
        return time.replace(year=time.year + years)
    except ValueError:
        return time.replace(year=time.year + years, month=3, day=1)
