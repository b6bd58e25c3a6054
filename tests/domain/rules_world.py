"""What the tests of rules share: times on a recipient's clock, and places of rows."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from consentry.domain.rules.hours import Hours, judge_hours
from consentry.domain.rules.places import Whereabouts, WhereaboutsBy
from consentry.domain.rules.rows import RulesProfile

SUMMER_MONDAY = date(2026, 7, 6)
WINTER_MONDAY = date(2026, 12, 7)
"""Weeks in summer and winter time without a holiday of any place in the rows."""

MINUTE = timedelta(minutes=1)

STATES = {
    "AL": "America/Chicago",
    "AZ": "America/Phoenix",
    "CT": "America/New_York",
    "FL": "America/New_York",
    "IL": "America/Chicago",
    "KY": "America/New_York",
    "LA": "America/Chicago",
    "MD": "America/New_York",
    "MA": "America/New_York",
    "MI": "America/Detroit",
    "MN": "America/Chicago",
    "MS": "America/Chicago",
    "NV": "America/Los_Angeles",
    "OK": "America/Chicago",
    "OR": "America/Los_Angeles",
    "PA": "America/New_York",
    "RI": "America/New_York",
    "TX": "America/Chicago",
    "UT": "America/Denver",
    "VA": "America/New_York",
    "WA": "America/Los_Angeles",
}
"""A zone of each state with a row of its own."""


def place_of(state: str) -> Whereabouts:
    """Give the whereabouts of a state; CA has no row of its own, FR and DE are countries."""
    if state in ("FR", "DE"):
        zone = {"FR": "Europe/Paris", "DE": "Europe/Berlin"}[state]
        return Whereabouts((state,), (zone,), WhereaboutsBy.PREFIX)
    zone = STATES.get(state, "America/Los_Angeles")
    return Whereabouts(("US", f"US-{state}"), (zone,), WhereaboutsBy.PREFIX)


def local(whereabouts: Whereabouts, day: date, clock: str) -> datetime:
    """Give a time on the clock of a place's first zone; 24:00 is the day after's midnight."""
    if clock == "24:00":
        return local(whereabouts, day + timedelta(days=1), "00:00")
    wall = datetime.combine(day, time.fromisoformat(clock), ZoneInfo(whereabouts.zones[0]))
    return wall.astimezone(UTC)


def judge(
    state: str, day: date, clock: str, profile: RulesProfile = RulesProfile.PER_STATE
) -> Hours:
    """Judge a state at a time of its clock."""
    place = place_of(state)
    return judge_hours(profile, place, local(place, day, clock))
