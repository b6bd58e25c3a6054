"""Times as databases keep them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentry.domain.microseconds import from_microseconds, to_microseconds

pytestmark = pytest.mark.unit

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def test_they_are_counted_from_1970() -> None:
    """In UTC, whole microseconds."""
    assert to_microseconds(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)) == 1_000_005
    assert to_microseconds(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)) == -1_000_000


@pytest.mark.property
@given(st.datetimes(timezones=ZONES, allow_imaginary=False))
def test_a_time_comes_back(time: datetime) -> None:
    """The same moment, whatever zone it was told in."""
    moment = time.astimezone(UTC) if 1 < time.year < 9999 else time.replace(tzinfo=UTC)
    assert from_microseconds(to_microseconds(moment)) == moment
