"""Every row at both edges of its window, the profiles, and what `until` promises."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules_world import (
    MINUTE,
    STATES,
    SUMMER_MONDAY,
    WINTER_MONDAY,
    judge,
    local,
    place_of,
)

from consentry.domain.rules.hours import NEVER, Hours, judge_hours, judge_law, laws_for
from consentry.domain.rules.places import UNKNOWN, Whereabouts, WhereaboutsBy, find_whereabouts
from consentry.domain.rules.rows import Law, RulesProfile, read_rules
from consentry.domain.standing import Place

pytestmark = pytest.mark.unit

# By hand, from the specification: weekday, Saturday and Sunday; None where nothing may be sent.
WINDOWS = {
    "CA": (("08:00", "21:00"),) * 3,
    "AL": (("08:00", "20:00"), ("08:00", "20:00"), None),
    "AZ": (("08:00", "21:00"),) * 3,
    "CT": (("09:00", "20:00"),) * 3,
    "FL": (("08:00", "20:00"),) * 3,
    "IL": (("09:00", "21:00"),) * 3,
    "KY": (("10:00", "21:00"),) * 3,
    "LA": (("08:00", "20:00"), ("08:00", "20:00"), None),
    "MD": (("08:00", "20:00"),) * 3,
    "MA": (("08:00", "20:00"),) * 3,
    "MI": (("09:00", "21:00"),) * 3,
    "MN": (("09:00", "21:00"),) * 3,
    "MS": (("08:00", "20:00"), ("08:00", "20:00"), None),
    "NV": (("09:00", "20:00"),) * 3,
    "OK": (("08:00", "20:00"),) * 3,
    "OR": (("08:00", "20:00"),) * 3,
    "PA": (("08:00", "21:00"),) * 3,
    "RI": (("09:00", "18:00"), ("10:00", "17:00"), None),
    "TX": (("09:00", "21:00"), ("09:00", "21:00"), ("12:00", "21:00")),
    "UT": (("08:00", "21:00"), ("08:00", "21:00"), None),
    "VA": (("08:00", "21:00"),) * 3,
    "WA": (("08:00", "20:00"),) * 3,
    "FR": (("08:00", "20:00"), ("08:00", "20:00"), None),
    "DE": (("09:00", "20:00"), ("09:00", "20:00"), ("12:00", "20:00")),
}
DAYS = {0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 1, 6: 2}


@pytest.mark.parametrize("monday", [SUMMER_MONDAY, WINTER_MONDAY], ids=["summer", "winter"])
@pytest.mark.parametrize("state", WINDOWS)
def test_each_row_opens_and_closes_at_its_minute(state: str, monday: date) -> None:
    """First minute open and the one before, last minute open and the one after, on all days."""
    place = place_of(state)
    for ahead in range(7):
        day = monday + timedelta(days=ahead)
        window = WINDOWS[state][DAYS[ahead]]
        if window is None:
            hours = (local(place, day, f"{hour:02}:00") for hour in range(24))
            assert not any(judge_hours(RulesProfile.PER_STATE, place, at).is_open for at in hours)
            continue
        opens, closes = (local(place, day, clock) for clock in window)
        asked = (opens - MINUTE, opens, closes - MINUTE, closes)
        answers = [judge_hours(RulesProfile.PER_STATE, place, at) for at in asked]
        assert [answer.is_open for answer in answers] == [False, True, True, False]
        assert answers[0].until == opens


HOLIDAYS = [
    ("AL", date(2026, 12, 25)),
    ("AL", date(2026, 4, 27)),
    ("LA", date(2026, 2, 17)),
    ("LA", date(2026, 10, 12)),
    ("PA", date(2026, 7, 4)),
    ("PA", date(2026, 11, 27)),
    ("RI", date(2026, 8, 10)),
    ("RI", date(2026, 12, 25)),
    ("UT", date(2026, 7, 24)),
    ("UT", date(2026, 11, 26)),
    ("FR", date(2026, 7, 14)),
    ("FR", date(2026, 5, 14)),
    ("DE", date(2026, 10, 3)),
]


@pytest.mark.parametrize(("state", "day"), HOLIDAYS)
def test_rows_that_close_on_holidays_do(state: str, day: date) -> None:
    """On federal and on the state's own holidays nothing is sent all day, until the next one."""
    answer = judge(state, day, "12:00")
    assert not answer.is_open
    assert answer.until is not None
    assert answer.until > local(place_of(state), day, "24:00")
    assert not judge(state, day, "17:59").is_open


@pytest.mark.parametrize("state", ["FL", "TX", "MS", "VA", "CA"])
def test_rows_without_holidays_stay_open_on_them(state: str) -> None:
    """Christmas of 2026 is a Friday, and these rows do not close on it."""
    assert judge(state, date(2026, 12, 25), "12:00").is_open


def test_oregon_ends_at_eight_from_2026_on() -> None:
    """A row holds from its first day, on the recipient's calendar, and not an hour before."""
    assert judge("OR", date(2025, 12, 31), "20:59").is_open
    assert not judge("OR", date(2026, 1, 1), "20:00").is_open
    assert judge("OR", date(2025, 12, 31), "12:00").rules == ("us-federal",)
    assert judge("OR", date(2026, 1, 1), "12:00").rules == ("us-federal", "us-or")


def test_a_row_that_ends_holds_no_more() -> None:
    """`until` is the first day on which a row says nothing; a law without rows then allows."""
    law = next(
        law for law in laws_for(RulesProfile.PER_STATE, place_of("KY")) if "KRS" in law.statute
    )
    ended = msgspec.structs.replace(law.rows[0], until=date(2026, 1, 1))
    changed = Law(law.jurisdiction, law.statute, (ended,))
    zone = ZoneInfo("America/New_York")
    before = datetime(2025, 12, 31, 9, tzinfo=zone)
    assert judge_law(changed, place_of("KY"), before) == (False, (ended,))
    assert judge_law(changed, place_of("KY"), before + timedelta(days=1)) == (True, ())


@pytest.mark.parametrize(
    ("profile", "weekday", "saturday", "sunday"),
    [
        (RulesProfile.NATIONAL_SAFE, ("09:00", "20:00"), ("09:00", "20:00"), ("12:00", "20:00")),
        (RulesProfile.STRICT, ("10:00", "18:00"), None, None),
    ],
)
def test_profiles_have_hours_of_their_own(
    profile: RulesProfile,
    weekday: tuple[str, str],
    saturday: tuple[str, str] | None,
    sunday: tuple[str, str] | None,
) -> None:
    """A profile's hours hold in a state whose law is wider, and close on federal holidays."""
    for ahead, window in ((0, weekday), (4, weekday), (5, saturday), (6, sunday)):
        day = WINTER_MONDAY + timedelta(days=ahead)
        if window is None:
            assert not judge("CA", day, "12:30", profile).is_open
            continue
        place = place_of("CA")
        opens, closes = (local(place, day, clock) for clock in window)
        asked = (opens - MINUTE, opens, closes - MINUTE, closes)
        assert [judge_hours(profile, place, at).is_open for at in asked] == [
            False,
            True,
            True,
            False,
        ]
    assert not judge("CA", date(2026, 12, 25), "13:00", profile).is_open


def test_no_profile_is_wider_than_the_law_of_a_place() -> None:
    """National-safe opens at 9; in Kentucky the law opens at 10, in Utah no Sunday is open."""
    assert not judge("KY", WINTER_MONDAY, "09:30", RulesProfile.NATIONAL_SAFE).is_open
    sunday = WINTER_MONDAY + timedelta(days=6)
    assert not judge("UT", sunday, "13:00", RulesProfile.NATIONAL_SAFE).is_open


def test_off_is_never_open() -> None:
    """With the profile off nobody is solicited: no hour is open, and none will be."""
    assert judge("CA", WINTER_MONDAY, "12:00", RulesProfile.OFF) == NEVER
    assert Hours(is_open=False, until=None, rules=("profile/off",)) == NEVER


def test_a_prefix_in_two_zones_must_be_inside_in_both() -> None:
    """Area code 850 is in the Eastern and the Central zone: open from 9 to 20 Eastern."""
    place = find_whereabouts("+18505550142", None)
    assert place.zones == ("America/New_York", "America/Chicago")
    opens = local(place, WINTER_MONDAY, "09:00")
    closes = local(place, WINTER_MONDAY, "20:00")
    asked = (opens - MINUTE, opens, closes - MINUTE, closes)
    answers = [judge_hours(RulesProfile.PER_STATE, place, at).is_open for at in asked]
    assert answers == [False, True, True, False]


def test_an_unknown_place_is_national_safe_in_every_zone() -> None:
    """A number that tells nothing waits for 9 in Honolulu and ends at 20 in New York."""
    opens = datetime(2026, 12, 7, 19, tzinfo=UTC)
    closes = datetime(2026, 12, 8, 1, tzinfo=UTC)
    asked = (opens - MINUTE, opens, closes - MINUTE, closes)
    answers = [judge_hours(RulesProfile.PER_STATE, UNKNOWN, at).is_open for at in asked]
    assert answers == [False, True, True, False]


def test_a_zone_of_the_united_states_brings_their_law() -> None:
    """A German number with a zone in the United States is judged by federal law and nationally."""
    place = find_whereabouts("+4915112345678", Place(zone="America/New_York"))
    rules = judge_hours(RulesProfile.PER_STATE, place, local(place, WINTER_MONDAY, "12:00")).rules
    assert rules == ("us-federal", "national-safe-weekdays")


def test_clocks_too_far_apart_are_never_open_together() -> None:
    """A Russian mobile may be in zones ten hours apart: strict's eight hours have no minute."""
    place = find_whereabouts("+79161234567", None)
    at = datetime(2026, 12, 7, 9, tzinfo=UTC)
    answer = judge_hours(RulesProfile.STRICT, place, at)
    assert (answer.is_open, answer.until) == (False, None)
    assert judge_hours(RulesProfile.PER_STATE, place, at).until is not None


def test_closing_rows_are_named_alone() -> None:
    """At 20:30 in Florida the state closes and the federal row does not."""
    assert judge("FL", WINTER_MONDAY, "20:30").rules == ("us-fl",)
    assert judge("FL", WINTER_MONDAY, "21:30").rules == ("us-federal", "us-fl")
    assert judge("RI", WINTER_MONDAY + timedelta(days=6), "12:00").rules == (
        "us-ri-weekdays",
        "us-ri-saturday",
    )


def test_times_outside_the_calendar_are_closed() -> None:
    """A time that no calendar knows opens nothing, and is no error."""
    for at in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        answer = judge_hours(RulesProfile.PER_STATE, place_of("CA"), at)
        assert (answer.is_open, answer.until) == (False, None)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/New_York", date(2026, 3, 8)),
        ("America/New_York", date(2026, 11, 1)),
        ("Europe/Paris", date(2026, 3, 29)),
        ("Africa/Cairo", date(2026, 4, 24)),
        ("Pacific/Apia", date(2011, 12, 30)),
    ],
)
def test_days_on_which_clocks_are_set_are_judged_by_the_clock(zone: str, day: date) -> None:
    """In gaps, folds and skipped days each minute is open exactly where its own clock says so."""
    place = Whereabouts(("US", "US-CA"), (zone,), WhereaboutsBy.ZONE)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=18)
    for minutes in range(0, 48 * 60, 5):
        at = start + timedelta(minutes=minutes)
        hour = at.astimezone(ZoneInfo(zone)).hour
        assert judge_hours(RulesProfile.PER_STATE, place, at).is_open is (8 <= hour < 21)


PLACES = [*(place_of(state) for state in (*STATES, "CA", "FR", "DE")), UNKNOWN]
TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - aware by the last argument


@pytest.mark.property
@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(PLACES),
    st.sampled_from([p for p in RulesProfile if p is not RulesProfile.OFF]),
    TIMES,
)
def test_until_is_open_and_the_minute_before_is_not(
    place: Whereabouts, profile: RulesProfile, at: datetime
) -> None:
    """Where it is closed, `until` is the first open minute, a whole one, and nothing before is."""
    answer = judge_hours(profile, place, at)
    if answer.is_open:
        assert answer.until is None
        return
    until = answer.until
    assert until is not None
    assert until > at
    assert (until.second, until.microsecond) == (0, 0)
    assert judge_hours(profile, place, until).is_open
    assert not judge_hours(profile, place, until - MINUTE).is_open
    halfway = at + (until - at) / 2
    assert judge_hours(profile, place, halfway).until == until


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(
    st.one_of(st.from_regex(r"\+[0-9]{2,15}", fullmatch=True), st.text(max_size=20)),
    st.datetimes(timezones=st.just(UTC)),
)
def test_any_number_at_any_time_has_an_answer(number: str, at: datetime) -> None:
    """Hours are total: whatever the number and the time, there is an answer that names rows."""
    whereabouts = find_whereabouts(number, None)
    assert whereabouts.zones
    assert judge_hours(RulesProfile.PER_STATE, whereabouts, at).rules


def test_rows_are_whole_and_named_once() -> None:
    """Each row has an id of its own, a statute, a source and a day on which it was checked."""
    rows = read_rules().rows
    assert len({row.id for row in rows}) == len(rows)
    assert all(row.statute and row.source and row.checked_on and row.days for row in rows)
    assert {row.jurisdiction.removeprefix("US-") for row in rows if "-" in row.jurisdiction} == {
        *STATES,
        "national-safe",
    }
    gathered = [(row.jurisdiction, row.statute) for row in rows]
    changes = sum(first != second for first, second in pairwise(gathered))
    assert changes + 1 == len(set(gathered)), "rows of one law stand together"
