"""What time it is where a phone is, by the resolution that marketing's hours are judged by."""

from datetime import datetime
from typing import Final

import msgspec

from consentry.domain.rules.places import WhereaboutsBy, find_whereabouts
from consentry.domain.rules.zones import read_zone
from consentry.domain.standing import Place

_MORNING: Final = 8
_EVENING: Final = 21


class LocalTime(msgspec.Struct, frozen=True):
    """The time of day where a phone may be; `latest` differs where it may be in several zones."""

    earliest: datetime
    latest: datetime

    @property
    def is_quiet(self) -> bool:
        """Tell whether it is outside 8 to 21 in any place where the phone may be."""
        return any(not _MORNING <= at.hour < _EVENING for at in (self.earliest, self.latest))

    @property
    def words(self) -> str:
        """Write the time, or the range of times."""
        first, last = f"{self.earliest:%H:%M}", f"{self.latest:%H:%M}"
        return first if first == last else f"between {first} and {last}"


def find_local_time(number: str, place: Place | None, now: datetime) -> LocalTime | None:
    """Find what time it is where a phone is; None where nothing tells where that is."""
    whereabouts = find_whereabouts(number, place)
    if whereabouts.by is WhereaboutsBy.UNKNOWN:
        return None
    times = [now.astimezone(read_zone(name)) for name in whereabouts.zones]
    ordered = sorted(times, key=lambda at: at.utcoffset() or now - now)
    return LocalTime(ordered[0], ordered[-1])
