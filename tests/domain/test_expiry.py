"""When a consent runs out: the rows of the law, and the calendar."""

from datetime import UTC, date, datetime

import pytest

from consentry.domain.entries import Basis
from consentry.domain.expiry import TABLE, earlier_end, end_of, find_expiry
from consentry.domain.standing import ConsentLevel
from memory_store import START

pytestmark = pytest.mark.unit

IMPLIED = ConsentLevel.IMPLIED


@pytest.mark.parametrize(
    ("level", "basis", "places", "row"),
    [
        (IMPLIED, Basis.PURCHASE, ("CA",), "ca-purchase"),
        (IMPLIED, Basis.INQUIRY, ("CA", "CA-ON"), "ca-inquiry"),
        (IMPLIED, Basis.OTHER, ("CA",), "ca-inquiry"),
        (IMPLIED, None, ("CA",), "ca-inquiry"),
        (IMPLIED, Basis.PURCHASE, ("US", "US-FL"), None),
        (ConsentLevel.EXPRESS, Basis.PURCHASE, ("CA",), None),
        (ConsentLevel.EXPRESS_WRITTEN, None, ("CA",), None),
    ],
)
def test_implied_consent_ends_in_canada(
    level: ConsentLevel, basis: Basis | None, places: tuple[str, ...], row: str | None
) -> None:
    """By what it rests on; where that is not known, by what ends first. Express does not end."""
    found = find_expiry(level, basis, places)
    assert (None if found is None else found.id) == row


@pytest.mark.parametrize(
    ("since", "purchase", "inquiry"),
    [
        (date(2026, 1, 15), date(2028, 1, 15), date(2026, 7, 15)),
        (date(2026, 8, 31), date(2028, 8, 31), date(2027, 2, 28)),
        (date(2028, 2, 29), date(2030, 2, 28), date(2028, 8, 29)),
        (date(2026, 12, 31), date(2028, 12, 31), date(2027, 6, 30)),
    ],
)
def test_months_are_counted_by_the_calendar(since: date, purchase: date, inquiry: date) -> None:
    """Two years after a purchase, six months after an inquiry, at the same time of day."""
    at = datetime(since.year, since.month, since.day, 23, 59, 30, tzinfo=UTC)
    for row, end in zip(TABLE.rows, (purchase, inquiry), strict=True):
        assert end_of(row, at) == at.replace(year=end.year, month=end.month, day=end.day)


def test_each_row_names_its_source_and_date() -> None:
    """So that whoever doubts it can look."""
    for row in TABLE.rows:
        assert row.statute
        assert row.source.startswith("https://")
        assert row.checked_on <= START.date().replace(year=2027)


def test_the_earlier_end_counts() -> None:
    """No end is later than any."""
    later = START.replace(year=2030)
    assert earlier_end(None, None) is None
    assert earlier_end(START, None) == earlier_end(None, START) == START
    assert earlier_end(START, later) == earlier_end(later, START) == START
