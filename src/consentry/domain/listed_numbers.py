"""Rows of a list that name numbers: what another system says of each, as it says it."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec

from consentry.domain.import_columns import Columns, bare_number
from consentry.domain.phone import InvalidNumber, normalize_phone

CELL_MAX: Final = 200
TEXT_MAX: Final = 1600
"""The longest text that a handset sends in one go with every carrier we know."""

_TIMES_REMEMBERED: Final = 4096
_WRITTEN_DAY: Final = re.compile(
    r"(?P<one>\d{1,2})[/.](?P<two>\d{1,2})[/.](?P<year>\d{4})"
    r"(?:[ ,T]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?\s*(?P<half>[ap]m)?)?",
    re.IGNORECASE,
)
_CLOCK: Final = re.compile(r"(?<=[T ,])\d{1,2}:\d{2}(?P<second>:\d{2}(?P<fraction>[.,]\d)?)?")
_TWELVE: Final = 12
_FARTHEST_WEST: Final = timedelta(hours=12)
"""How far behind UTC clocks are: what has no zone may be so much later than it looks."""
_UNKNOWN: Final = datetime.max.replace(tzinfo=UTC)


class DayOrder(StrEnum):
    """How days are written where no ISO date stands: 12/31/2025 or 31/12/2025."""

    MONTH_FIRST = "month_first"
    DAY_FIRST = "day_first"


class ListedNumber(msgspec.Struct, frozen=True, gc=False):
    """A row that names a number: what the other system said of it, and when.

    `line` is its row in the list, counted from 1 with the header. `at` is None where no date is
    given, or one that cannot be read; `claimed` is it as it stands. `text` is what the person is
    said to have texted.
    """

    line: int
    recipient: str
    reason: str = ""
    claimed: str = ""
    at: datetime | None = None
    text: str = ""


class UnreadableLine(msgspec.Struct, frozen=True, gc=False):
    """A row that names no number, and why."""

    line: int
    text: str
    why: str


def read_listed(
    line: int,
    cells: Sequence[str],
    columns: Columns,
    *,
    region: str | None = None,
    days: DayOrder | None = None,
) -> ListedNumber | UnreadableLine:
    """Read one row by its columns; a row too short for a column has nothing in it."""
    written = _cell(cells, columns.number)
    try:
        # A number with its country code needs no region, and then takes the fast path.
        recipient = normalize_phone(
            bare_number(written), region=None if written.startswith("+") else region
        )
    except InvalidNumber as error:
        return UnreadableLine(line, written, str(error))
    claimed = "" if columns.date is None else _cell(cells, columns.date)[:CELL_MAX]
    return ListedNumber(
        line,
        recipient,
        "" if columns.reason is None else _cell(cells, columns.reason)[:CELL_MAX],
        claimed,
        read_time(claimed, days) if claimed else None,
        "" if columns.text is None else _cell(cells, columns.text)[:TEXT_MAX],
    )


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place].strip() if place < len(cells) else ""


@lru_cache(maxsize=_TIMES_REMEMBERED)
def read_time(text: str, days: DayOrder | None = None) -> datetime | None:
    """Read a time, or a plain day, which begins at midnight UTC; None where it can be none.

    A day that is not written as ISO is read where only one order of day and month fits, or the
    order is told: a wrong guess could make an old grant newer than a revocation.
    """
    try:
        at = datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        return _read_written(text, days)
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return None


def latest_time(row: ListedNumber) -> datetime | None:
    """Tell the latest time that a row's date may mean; None where the row claims none.

    A day may be any hour of it, and what is written to the minute or the second any moment within.
    What has no zone may be of anywhere, and what cannot be read may be any time.
    """
    if row.at is None:
        return _UNKNOWN if row.claimed else None
    if not row.claimed:
        return row.at
    written = row.claimed.removesuffix(" UTC")
    behind = timedelta() if written != row.claimed or _has_zone(written) else _FARTHEST_WEST
    try:
        return row.at + _find_length(written) + behind
    except OverflowError:
        return _UNKNOWN


def _has_zone(written: str) -> bool:
    try:
        return datetime.fromisoformat(written).tzinfo is not None
    except ValueError:
        return False


def _find_length(written: str) -> timedelta:
    """Tell how long what a date says lasts: the whole day, where no time of it is written."""
    clock = _CLOCK.search(written)
    if clock is None:
        return timedelta(days=1)
    if clock["second"] is None:
        return timedelta(minutes=1)
    return timedelta() if clock["fraction"] else timedelta(seconds=1)


def _read_written(text: str, days: DayOrder | None) -> datetime | None:
    found = _WRITTEN_DAY.fullmatch(text.strip())
    if found is None:
        return None
    month, day = int(found["one"]), int(found["two"])
    if days is None and month <= _TWELVE and day <= _TWELVE and month != day:
        return None
    if days is DayOrder.DAY_FIRST or (days is None and month > _TWELVE):
        month, day = day, month
    hour = _read_hour(int(found["hour"] or 0), found["half"])
    try:
        return datetime(
            int(found["year"]),
            month,
            day,
            hour,
            int(found["minute"] or 0),
            int(found["second"] or 0),
            tzinfo=UTC,
        )
    except ValueError:
        return None


def _read_hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    return hour % _TWELVE + (_TWELVE if half.casefold() == "pm" else 0)
