"""The day or time by which a list of messages is filtered."""

from datetime import UTC, date, datetime

import pytest

from consentry.wire.twilio_errors import TwilioRefusedError
from consentry.wire.twilio_sent_filter import SENT_ON, parse_sent_filter

pytestmark = pytest.mark.unit

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        (SENT_ON, "2026-05-01", date(2026, 5, 1)),
        (SENT_ON, "2026-05-01T00:00:00Z", date(2026, 5, 1)),
        ("DateSent<", "2026-05-01", date(2026, 5, 1)),
        ("DateSent>", "2026-05-01T12:00:00Z", NOON),
        ("DateSent>", "2026-05-01T14:00:00+02:00", NOON),
        ("DateSent>", "2026-05-01T12:00:00", NOON),
    ],
)
def test_a_day_is_all_of_it_and_a_time_bounds(name: str, text: str, wanted: date) -> None:
    """What was sent on a date is asked for by its day, however that is written."""
    assert parse_sent_filter(name, text) == wanted


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_time_is_refused_by_the_parameters_name(text: str) -> None:
    """The answer is Twilio's 20001, and says which parameter and how it is written."""
    with pytest.raises(TwilioRefusedError, match="DateSent<: must be YYYY-MM-DD") as told:
        parse_sent_filter("DateSent<", text)
    assert told.value.error.code == 20001
