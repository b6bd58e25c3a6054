"""Business days, holidays, caps, regimes, and what a policy is named."""

from datetime import UTC, date, datetime, timedelta

import pytest
from holidays_table import TABLE, render_table
from rules_world import WINTER_MONDAY, judge, local, place_of

from consentry.domain.policy import Policy
from consentry.domain.rules.calendar import add_business_days, find_holiday, is_business_day
from consentry.domain.rules.caps import Cap, caps_for
from consentry.domain.rules.places import UNKNOWN
from consentry.domain.rules.rows import (
    CapScope,
    Holidays,
    RulesProfile,
    list_regimes,
    read_rules,
)

pytestmark = pytest.mark.unit

DAY_SECONDS = 24 * 3600


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        (date(2026, 11, 30), 10, date(2026, 12, 14)),
        (date(2026, 12, 18), 10, date(2027, 1, 5)),
        (date(2026, 11, 24), 1, date(2026, 11, 25)),
        (date(2026, 11, 25), 1, date(2026, 11, 27)),
        (date(2026, 7, 2), 1, date(2026, 7, 6)),
        (date(2026, 11, 28), 1, date(2026, 11, 30)),
        (date(2026, 11, 28), 0, date(2026, 11, 28)),
    ],
)
def test_business_days_skip_weekends_and_federal_holidays(
    start: date, days: int, end: date
) -> None:
    """Counted from the day after; a holiday kept on a Friday is none either."""
    assert add_business_days(start, days) == end


def test_a_new_year_kept_in_december_is_no_business_day() -> None:
    """1 January 2028 is a Saturday, so that 31 December 2027 is the holiday."""
    assert not is_business_day(date(2027, 12, 31))
    assert is_business_day(date(2026, 12, 31))


@pytest.mark.parametrize(
    ("kind", "places", "day", "name"),
    [
        (Holidays.NONE, ("US",), date(2026, 12, 25), None),
        (Holidays.FEDERAL, ("US",), date(2026, 12, 25), "Christmas Day"),
        (Holidays.FEDERAL, ("US-UT",), date(2026, 7, 24), None),
        (Holidays.STATE, ("US-UT",), date(2026, 7, 24), "Pioneer Day"),
        (Holidays.STATE, ("US-UT",), date(2026, 12, 25), "Christmas Day"),
        (Holidays.STATE, ("US-UT",), date(2026, 7, 23), None),
        (Holidays.STATE, ("US-PA",), date(2026, 4, 3), "Good Friday"),
        (Holidays.STATE, ("US-PA",), date(2026, 6, 14), "Flag Day"),
        (Holidays.STATE, ("US-PA",), date(2026, 11, 3), "Election Day"),
        (Holidays.STATE, ("US-RI",), date(2026, 11, 3), "Election Day"),
        (Holidays.STATE, ("US-RI",), date(2027, 11, 2), None),
        (Holidays.STATE, ("US-RI",), date(2031, 5, 5), "Rhode Island Independence Day"),
        (Holidays.STATE, ("US-UT",), date(2026, 6, 15), "Juneteenth, as Utah keeps it"),
        (Holidays.STATE, ("US-UT",), date(2026, 4, 3), None),
        (Holidays.STATE, ("US-UT",), date(2027, 3, 26), "Good Friday"),
        (Holidays.FEDERAL, ("US-PA",), date(2026, 4, 3), None),
        (Holidays.NATIONAL, ("US", "FR"), date(2026, 7, 14), "National Day"),
        (Holidays.NATIONAL, ("CA", "CA-ON"), date(2026, 7, 1), "Canada Day"),
        (Holidays.NATIONAL, ("QQ",), date(2026, 12, 25), None),
    ],
)
def test_holidays_are_those_of_the_place(
    kind: Holidays, places: tuple[str, ...], day: date, name: str | None
) -> None:
    """Federal, the state's with the federal, or a country's; a country nobody knows has none."""
    assert find_holiday(kind, places, day) == name


def test_the_table_is_what_the_library_says() -> None:
    """Written anew from the installed library it is the same: an update of it is seen here."""
    assert render_table() == TABLE.read_text(encoding="utf-8")


def test_years_without_a_table_are_closed_where_holidays_are() -> None:
    """Nobody knows their holidays: rows that close on them do, the others stay as they are."""
    day = date(2040, 7, 3)
    assert find_holiday(Holidays.STATE, ("US-UT",), day) == "no calendar of 2040"
    assert find_holiday(Holidays.NONE, ("US-UT",), day) is None
    assert not judge("UT", day, "12:00").is_open
    assert judge("FL", day, "12:00").is_open
    assert add_business_days(date(2040, 7, 3), 1) == date(2040, 7, 4)


@pytest.mark.parametrize("state", ["FL", "MD", "OK", "OR"])
def test_four_states_cap_at_three_in_a_day(state: str) -> None:
    """FL, MD, OK and OR allow three in 24 hours from one brand."""
    at = local(place_of(state), WINTER_MONDAY, "12:00")
    cap = Cap(f"us-{state.lower()}", 3, DAY_SECONDS, CapScope.BRAND)
    assert caps_for(RulesProfile.PER_STATE, place_of(state), at) == (cap,)


def test_a_cap_begins_with_its_row() -> None:
    """Oregon caps from the first minute of 2026 on its own clock, and none before."""
    place = place_of("OR")
    begins = local(place, date(2026, 1, 1), "00:00")
    assert caps_for(RulesProfile.PER_STATE, place, begins)
    assert caps_for(RulesProfile.PER_STATE, place, begins - timedelta(minutes=1)) == ()
    assert caps_for(RulesProfile.PER_STATE, place, datetime.max.replace(tzinfo=UTC))


@pytest.mark.parametrize("profile", [RulesProfile.NATIONAL_SAFE, RulesProfile.STRICT])
def test_profiles_cap_everywhere(profile: RulesProfile) -> None:
    """Three in 24 hours where the state caps nothing, once though the profile has more rows."""
    at = local(place_of("CA"), WINTER_MONDAY, "12:00")
    assert [cap.count for cap in caps_for(profile, place_of("CA"), at)] == [3]
    assert [cap.count for cap in caps_for(profile, place_of("FL"), at)] == [3, 3]
    assert [cap.count for cap in caps_for(RulesProfile.PER_STATE, UNKNOWN, at)] == [3]
    assert caps_for(RulesProfile.PER_STATE, place_of("CA"), at) == ()
    assert caps_for(RulesProfile.OFF, place_of("FL"), at) == ()


def test_the_amended_regime_holds_from_the_day_that_the_operator_sets() -> None:
    """us-26-67 is off until its first day is known; us-2024 holds since 2025-04-11."""
    in_force = [r.id for r in list_regimes(None) if r.is_in_force(date(2030, 1, 1))]
    assert in_force == ["us-2024"]
    known = list_regimes(date(2027, 3, 1))
    assert [r.id for r in known if r.is_in_force(date(2027, 2, 28))] == ["us-2024"]
    assert [r.id for r in known if r.is_in_force(date(2027, 3, 1))] == ["us-2024", "us-26-67"]
    assert not any(r.is_in_force(date(2025, 4, 10)) for r in known)


def test_a_policy_names_its_profile_and_the_edition_of_the_rows() -> None:
    """A decision tells by which rows it was made: profile, edition, and the regime's first day."""
    edition = read_rules().version
    assert f"/per-state@{edition}" in Policy().version
    assert f"/strict@{edition}" in Policy(rules_profile=RulesProfile.STRICT).version
    assert "/us-26-67@2027-03-01" in Policy(us_26_67_since=date(2027, 3, 1)).version
