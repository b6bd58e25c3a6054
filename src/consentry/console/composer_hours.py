"""What time it is where a phone is, as far as its number tells."""

from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

_MORNING: Final = 8
_EVENING: Final = 21
_CACHE_ENTRIES: Final = 4096
_UNKNOWN: Final = "Etc/Unknown"


class LocalTime(msgspec.Struct, frozen=True):
    """The time of day where a phone may be; `latest` differs where its number spans zones."""

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


def find_local_time(number: str, now: datetime) -> LocalTime | None:
    """Find what time it is where a phone is; None where its number does not tell."""
    places = [now.astimezone(zone) for zone in _find_zones(number)]
    if not places:
        return None
    ordered = sorted(places, key=lambda at: at.utcoffset() or now - now)
    return LocalTime(ordered[0], ordered[-1])


@lru_cache(maxsize=_CACHE_ENTRIES)
def _find_zones(number: str) -> tuple[ZoneInfo, ...]:
    # Imported here: the table of all prefixes takes 50 ms to load, and only this page needs it.
    import phonenumbers  # noqa: PLC0415 - see above
    from phonenumbers.timezone import time_zones_for_number  # noqa: PLC0415 - see above

    try:
        names = time_zones_for_number(phonenumbers.parse(number))
        return tuple(ZoneInfo(name) for name in names if name != _UNKNOWN)
    except (phonenumbers.NumberParseException, ZoneInfoNotFoundError):
        return ()
