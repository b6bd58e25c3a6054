"""Whether a person may be solicited now, and if not, from when on.

All laws of all candidate places must allow, on the clock of every candidate zone. A day of the
UTC calendar is judged once for everybody in the same whereabouts, and looked up afterwards.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from consentry.domain.rules.calendar import find_holiday
from consentry.domain.rules.places import Whereabouts
from consentry.domain.rules.rows import Law, Row, RulesProfile, laws
from consentry.domain.rules.zones import read_zone

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_SEARCH_DAYS: Final = 21
"""How far the next open minute is looked for; no row closes for longer than holidays do."""
_UNITED_STATES: Final = "US"
_STATE: Final = "US-"
_FIRST_YEAR: Final = 1971
_LAST_YEAR: Final = 8999
_CACHED_DAYS: Final = 8192


class Hours(msgspec.Struct, frozen=True, gc=False):
    """Whether solicitations are open; where not, `until` is the next open minute (UTC).

    `until` is None where they are open, and where no minute ever is. `rules`: the rows that were
    asked, or those that close it.
    """

    is_open: bool
    until: datetime | None
    rules: tuple[str, ...]


class _Segment(msgspec.Struct, frozen=True, gc=False):
    """A part of a UTC day, up to `end` (seconds of the day), in which nothing changes."""

    end: int
    hours: Hours


NEVER: Final = Hours(is_open=False, until=None, rules=("profile/off",))
"""The profile `off`: conversations only."""
_OUTSIDE: Final = Hours(is_open=False, until=None, rules=("time/outside_calendar",))


def judge_hours(profile: RulesProfile, whereabouts: Whereabouts, at: datetime) -> Hours:
    """Judge whether a person may be solicited at a time (aware); total, and cheap when repeated."""
    if profile is RulesProfile.OFF:
        return NEVER
    if not is_in_calendar(at):
        return _OUTSIDE
    moment = at.astimezone(UTC)
    second = moment.hour * 3600 + moment.minute * 60 + moment.second
    segments = _judge_day(profile, whereabouts, moment.date())
    return next(segment.hours for segment in segments if second < segment.end)


def is_in_calendar(at: datetime) -> bool:
    """Tell whether zones and calendars say anything sensible about a time."""
    return _FIRST_YEAR <= at.year <= _LAST_YEAR


@lru_cache(maxsize=1024)
def laws_for(profile: RulesProfile, whereabouts: Whereabouts) -> tuple[Law, ...]:
    """List the laws of a place with the profile's own rows.

    A place whose law no row tells is given national-safe: a country without rows, and a number
    that does not tell a state.
    """
    places = whereabouts.jurisdictions
    found = [law for law in laws() if law.jurisdiction in places]
    own = profile
    if profile is RulesProfile.PER_STATE:
        knows_state = any(place.startswith(_STATE) for place in places)
        if knows_state or any(law.jurisdiction != _UNITED_STATES for law in found):
            return tuple(found)
        own = RulesProfile.NATIONAL_SAFE
    return (*found, *(law for law in laws() if law.jurisdiction == own))


def judge_law(law: Law, whereabouts: Whereabouts, wall: datetime) -> tuple[bool, tuple[Row, ...]]:
    """Say whether a law allows at a time on the recipient's clock, and by which rows.

    Rows that are not yet or no longer in force say nothing; a law of which none is allows.
    """
    day, at = wall.date(), wall.time()
    in_force = tuple(row for row in law.rows if row.is_in_force(day))
    today = tuple(row for row in in_force if row.covers(day))
    if not in_force:
        return True, ()
    open_rows = tuple(
        row
        for row in today
        if row.holds(at)
        and find_holiday(row.holidays, holiday_places(law, whereabouts), day) is None
    )
    return bool(open_rows), open_rows or today or in_force


def holiday_places(law: Law, whereabouts: Whereabouts) -> tuple[str, ...]:
    """Say whose holidays a law means: its own jurisdiction's; a profile's, all of the place's."""
    if law.jurisdiction in whereabouts.jurisdictions:
        return (law.jurisdiction,)
    return whereabouts.jurisdictions


@lru_cache(maxsize=_CACHED_DAYS)
def _judge_day(profile: RulesProfile, whereabouts: Whereabouts, day: date) -> tuple[_Segment, ...]:
    """Judge a UTC day part by part; each closed part knows the next open minute."""
    segments = list(_open_parts(profile, whereabouts, day))
    after: datetime | None = None
    is_known = False
    for number in reversed(range(len(segments))):
        segment = segments[number]
        start = segments[number - 1].end if number else 0
        if segment.hours.is_open:
            after, is_known = _at(day, start), True
            continue
        if not is_known:
            after, is_known = _find_opening(profile, whereabouts, day), True
        hours = Hours(is_open=False, until=after, rules=segment.hours.rules)
        segments[number] = _Segment(segment.end, hours)
    return tuple(segments)


def _find_opening(profile: RulesProfile, whereabouts: Whereabouts, day: date) -> datetime | None:
    """Find the first open minute after a UTC day."""
    for ahead in range(1, _SEARCH_DAYS):
        later = day + _DAY * ahead
        start = 0
        for segment in _open_parts(profile, whereabouts, later):
            if segment.hours.is_open:
                return _at(later, start)
            start = segment.end
    return None


@lru_cache(maxsize=_CACHED_DAYS)
def _open_parts(profile: RulesProfile, whereabouts: Whereabouts, day: date) -> tuple[_Segment, ...]:
    """Cut a UTC day wherever a law may open or close in some zone, and judge each part."""
    asked = laws_for(profile, whereabouts)
    zones = [read_zone(name) for name in whereabouts.zones]
    cuts = {_DAY // _SECOND}
    for zone in zones:
        cuts.update(_cuts_of_zone(asked, zone, day))
    parts: list[_Segment] = []
    start = 0
    for end in sorted(cuts):
        walls = [_at(day, start).astimezone(zone) for zone in zones]
        parts.append(_Segment(end, _judge_part(asked, whereabouts, walls)))
        start = end
    return tuple(parts)


def _judge_part(asked: tuple[Law, ...], whereabouts: Whereabouts, walls: list[datetime]) -> Hours:
    """Ask every law on every clock; where some close, name those alone."""
    judged = [judge_law(law, whereabouts, wall) for law in asked for wall in walls]
    is_open = all(allows for allows, _ in judged)
    rows = dict.fromkeys(row.id for allows, found in judged if allows is is_open for row in found)
    return Hours(is_open=is_open, until=None, rules=tuple(rows))


def _cuts_of_zone(asked: tuple[Law, ...], zone: "ZoneInfo", day: date) -> Iterator[int]:
    """List the seconds of a UTC day at which something may change on a zone's clock."""
    times = {
        time(0),
        *(edge for law in asked for row in law.rows for edge in (row.opens, row.closes)),
    }
    midnight = _at(day, 0)
    edges = [_find_turn(midnight, zone)]
    for local in (day - _DAY, day, day + _DAY):
        for edge in times:
            # In the hour that a clock shows twice, the edge is there twice as well.
            for fold in (0, 1):
                wall = datetime.combine(local, edge, zone).replace(fold=fold)
                edges.append(wall.astimezone(UTC))
    for moment in edges:
        second = (moment - midnight) // _SECOND
        if 0 < second < _DAY // _SECOND:
            yield second


def _find_turn(midnight: datetime, zone: "ZoneInfo") -> datetime:
    """Find when in a UTC day a clock is set forward or back; midnight where it is not."""
    before, after = midnight, midnight + _DAY
    offset = before.astimezone(zone).utcoffset()
    if offset == after.astimezone(zone).utcoffset():
        return midnight
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def _at(day: date, second: int) -> datetime:
    return datetime.combine(day, time(0), UTC) + _SECOND * second
