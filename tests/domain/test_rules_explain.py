"""An explanation names every row on every clock, and says the same as the judge."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules_world import WINTER_MONDAY, local, place_of

from consentry.domain.directory import Purpose
from consentry.domain.explain_rules import explain_rules, spell_end
from consentry.domain.policy import Policy
from consentry.domain.rules.hours import judge_hours
from consentry.domain.rules.places import find_whereabouts
from consentry.domain.rules.rows import MIDNIGHT, RulesProfile
from consentry.domain.standing import Place

pytestmark = pytest.mark.unit

MIAMI, PROVIDENCE, TOLL_FREE = "+13055550142", "+14015550142", "+18005550142"


def test_each_law_is_told_on_its_clock() -> None:
    """At 20:30 in Miami federal law allows and Florida's does not, until 8 in the morning."""
    at = local(place_of("FL"), WINTER_MONDAY, "20:30")
    told = explain_rules(MIAMI, None, Policy(), at)
    assert [(row.rules, row.window, row.is_open) for row in told.rows] == [
        (("us-federal",), "08:00-21:00", True),
        (("us-fl",), "08:00-20:00", False),
    ]
    assert {f"{row.local:%H:%M}" for row in told.rows} == {"20:30"}
    assert not told.is_open
    assert told.until == local(place_of("FL"), date(2026, 12, 8), "08:00")
    assert [cap.id for cap in told.caps] == ["us-fl"]
    assert told.regimes == ("us-2024",)


def test_a_holiday_and_a_closed_day_are_told() -> None:
    """Christmas closes Rhode Island by name; no row of it covers a Sunday."""
    christmas = local(place_of("RI"), date(2026, 12, 25), "12:00")
    (_, state) = explain_rules(PROVIDENCE, None, Policy(), christmas).rows
    assert (state.rules, state.holiday, state.window) == (
        ("us-ri-weekdays",),
        "Christmas Day",
        None,
    )
    sunday = local(place_of("RI"), date(2026, 12, 13), "12:00")
    (_, state) = explain_rules(PROVIDENCE, None, Policy(), sunday).rows
    assert (state.holiday, state.window, state.is_open) == (None, None, False)


def test_rows_that_are_not_in_force_are_left_out() -> None:
    """Before 2026 Oregon had no row: federal law alone is told."""
    at = local(place_of("OR"), date(2025, 12, 1), "12:00")
    told = explain_rules("+15035550142", None, Policy(), at)
    assert [row.rules for row in told.rows] == [("us-federal",)]


@pytest.mark.parametrize("purpose", [Purpose.CONVERSATIONAL, Purpose.INFORMATIONAL])
def test_hours_hold_back_marketing_alone(purpose: Purpose) -> None:
    """An answer at midnight is asked nothing."""
    at = local(place_of("FL"), WINTER_MONDAY, "00:30")
    told = explain_rules(MIAMI, None, Policy(), at, purpose=purpose)
    assert (told.applies, told.is_open, told.until, told.rows, told.caps) == (
        False,
        True,
        None,
        (),
        (),
    )


def test_off_and_times_outside_the_calendar_have_no_rows() -> None:
    """With `off` nobody is solicited; at the end of the calendar no row says anything."""
    noon = local(place_of("FL"), WINTER_MONDAY, "12:00")
    off = explain_rules(MIAMI, None, Policy(rules_profile=RulesProfile.OFF), noon)
    assert (off.is_open, off.until, off.rows, off.caps) == (False, None, (), ())
    late = explain_rules(MIAMI, None, Policy(), datetime.max.replace(tzinfo=UTC))
    assert (late.is_open, late.rows) == (False, ())


def test_the_end_of_the_day_is_written_as_24() -> None:
    """A window to midnight ends at 24:00, not at the beginning of the same day."""
    assert spell_end(MIDNIGHT) == "24:00"


@pytest.mark.property
@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(
        [MIAMI, PROVIDENCE, TOLL_FREE, "+18505550142", "+33612345678", "+819012345678"]
    ),
    st.sampled_from([None, Place(zone="America/Denver"), Place(postal_code="02903")]),
    st.sampled_from(list(RulesProfile)),
    st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - aware by the last argument
)
def test_an_explanation_says_what_the_judge_says(
    number: str, place: Place | None, profile: RulesProfile, at: datetime
) -> None:
    """Open where every row is open, and until the same minute."""
    told = explain_rules(number, place, Policy(rules_profile=profile), at)
    judged = judge_hours(profile, find_whereabouts(number, place), at)
    assert (told.is_open, told.until) == (judged.is_open, judged.until)
    if profile is not RulesProfile.OFF:
        assert told.is_open is all(row.is_open for row in told.rows)
        assert all((row.window is None) <= (not row.is_open) for row in told.rows)
