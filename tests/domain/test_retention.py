"""How long records are kept, at the edges of each row."""

from datetime import UTC, datetime, timedelta

import pytest

from consentry.domain.retention import TABLE, Kept, keep_until

pytestmark = pytest.mark.unit

LAST = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def test_records_are_kept_five_years_after_the_last() -> None:
    """Wherever somebody is, where they said no to nothing."""
    kept = keep_until(LAST, None, ("US", "US-VA"), is_certain=True)
    assert (kept.at, kept.row) == (LAST.replace(year=2031), "us-records")


@pytest.mark.parametrize(
    ("jurisdictions", "is_certain", "row", "year"),
    [
        (("US", "US-VA", "US-MD"), True, "us-va-opt-outs", 2036),
        (("US", "US-CA"), True, "us-records", 2031),
        (("US",), False, "us-va-opt-outs", 2036),
        (("FR",), True, "us-records", 2031),
    ],
)
def test_the_records_of_an_opt_out_are_kept_longer_in_virginia(
    jurisdictions: tuple[str, ...], is_certain: bool, row: str, year: int
) -> None:
    """Also where they may be there, and where nobody knows where they are."""
    kept = keep_until(LAST, LAST, jurisdictions, is_certain=is_certain)
    assert (kept.row, kept.at.year) == (row, year)


def test_what_ends_last_counts() -> None:
    """A text long after an old opt-out keeps the records longer than that does."""
    kept = keep_until(LAST, LAST - timedelta(days=9 * 365), ("US-VA",), is_certain=True)
    assert kept.row == "us-records"


def test_a_day_that_is_not_there_is_the_next() -> None:
    """Five years after a 29th of February is the 1st of March."""
    leap = datetime(2028, 2, 29, tzinfo=UTC)
    assert keep_until(leap, None, (), is_certain=True).at == datetime(2033, 3, 1, tzinfo=UTC)


def test_every_row_says_where_it_is_from() -> None:
    """A statute, a source, a day; ids are unique; an opt-out is kept ten years at least."""
    assert len({row.id for row in TABLE.rows}) == len(TABLE.rows)
    assert all(row.statute and row.source and row.says for row in TABLE.rows)
    assert min(row.years for row in TABLE.rows if row.what is not Kept.RECORDS) == 10
