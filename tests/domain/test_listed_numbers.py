"""Rows of a list that name numbers, and the days that are written in them."""

from datetime import UTC, datetime

import pytest

from consentry.domain.import_columns import Columns
from consentry.domain.listed_numbers import (
    DayOrder,
    ListedNumber,
    UnreadableLine,
    read_listed,
    read_time,
)

pytestmark = pytest.mark.unit

ALL = Columns(0, 1, 2, 3, 4)


def test_a_row_is_read_by_its_columns() -> None:
    """Each cell for what its column is, without white space; long ones are cut."""
    cells = [" +14155550142 ", "r" * 300, "2025-01-02", "STOP please", "Ada"]
    assert read_listed(2, cells, ALL) == ListedNumber(
        2,
        "+14155550142",
        "r" * 200,
        "2025-01-02",
        datetime(2025, 1, 2, tzinfo=UTC),
        "STOP please",
    )


def test_a_row_that_ends_early_has_nothing_in_the_rest() -> None:
    """And one that ends before its number names none."""
    assert read_listed(3, ["+14155550142"], ALL) == ListedNumber(3, "+14155550142")
    assert isinstance(read_listed(3, [], ALL), UnreadableLine)


def test_a_region_is_for_numbers_without_a_country() -> None:
    """A number that names its country is taken at its word."""
    assert read_listed(1, ["4155550142"], Columns(), region="US") == ListedNumber(1, "+14155550142")
    german = read_listed(1, ["+4915112345678"], Columns(), region="US")
    assert german == ListedNumber(1, "+4915112345678")


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2025-01-02 03:04:05 UTC", None, datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2025-01-02T03:04:05+02:00", None, datetime(2025, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None, None),
        ("12/31/2025", None, datetime(2025, 12, 31, tzinfo=UTC)),
        ("31.12.2025", None, datetime(2025, 12, 31, tzinfo=UTC)),
        ("5/5/2025", None, datetime(2025, 5, 5, tzinfo=UTC)),
        ("3/4/2025", None, None),
        ("3/4/2025", DayOrder.MONTH_FIRST, datetime(2025, 3, 4, tzinfo=UTC)),
        ("3/4/2025", DayOrder.DAY_FIRST, datetime(2025, 4, 3, tzinfo=UTC)),
        ("3/14/2025", DayOrder.DAY_FIRST, None),
        ("3/14/2025 1:05 PM", None, datetime(2025, 3, 14, 13, 5, tzinfo=UTC)),
        ("3/14/2025 12:05:09 am", None, datetime(2025, 3, 14, 0, 5, 9, tzinfo=UTC)),
        ("3/14/2025 23:59", None, datetime(2025, 3, 14, 23, 59, tzinfo=UTC)),
        ("2/30/2025", None, None),
        ("last spring", None, None),
    ],
)
def test_days_are_read_where_they_can_mean_one_day_alone(
    text: str, order: DayOrder | None, expected: datetime | None
) -> None:
    """A wrong guess could make an old grant newer than a revocation, so there is none."""
    assert read_time(text, order) == expected
