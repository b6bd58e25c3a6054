"""How many solicitations a person may be sent in a window, by each law and the profile."""

from datetime import datetime
from functools import lru_cache

import msgspec

from consentry.domain.rules.hours import is_in_calendar, laws_for
from consentry.domain.rules.places import Whereabouts
from consentry.domain.rules.rows import CapScope, Row, RulesProfile
from consentry.domain.rules.zones import read_zone


class Cap(msgspec.Struct, frozen=True, gc=False):
    """At most `count` solicitations of one person in any `window_seconds`, over `scope`.

    `id`: the row that says so.
    """

    id: str
    count: int
    window_seconds: int
    scope: CapScope


def caps_for(profile: RulesProfile, whereabouts: Whereabouts, at: datetime) -> tuple[Cap, ...]:
    """List the caps that hold at a time; a law is in force by the calendar of any candidate zone.

    The profile `off` has none: it lets no solicitation out in the first place.
    """
    if profile is RulesProfile.OFF:
        return ()
    capped = _capped_rows(profile, whereabouts)
    if not is_in_calendar(at) or all(row.since is None and row.until is None for row, _ in capped):
        return tuple(cap for _, cap in capped)
    days = [at.astimezone(read_zone(name)).date() for name in whereabouts.zones]
    return tuple(cap for row, cap in capped if any(row.is_in_force(day) for day in days))


@lru_cache(maxsize=1024)
def _capped_rows(profile: RulesProfile, whereabouts: Whereabouts) -> tuple[tuple[Row, Cap], ...]:
    """List the rows that cap; those of one law cap alike, so its first speaks for it."""
    first = (law.rows[0] for law in laws_for(profile, whereabouts))
    return tuple(
        (row, Cap(row.id, row.cap, row.cap_seconds, row.cap_scope))
        for row in first
        if row.cap is not None and row.cap_scope is not None
    )
