"""Time zones, from the database shipped with the product: the same on every machine."""

from functools import lru_cache
from io import BytesIO
from pkgutil import get_data
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

US_ZONES: Final = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "America/Adak",
    "Pacific/Honolulu",
)
"""Every clock that the fifty states keep (49 CFR Part 71)."""


class UnknownZone(ValueError):
    """A name that is no time zone; the message says what to do."""


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """List the names of all zones."""
    return frozenset((get_data("tzdata", "zones") or b"").decode().split())


@lru_cache(maxsize=1024)
def read_zone(name: str) -> "ZoneInfo":
    """Read a zone by its IANA name, such as America/Denver; raises UnknownZone."""
    # Imported here: only what is judged by the clock needs it, and a command's --help is not.
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - see above

    if name not in zone_names():
        raise UnknownZone(
            f"{name!a} is not a time zone. Name one of the IANA database, such as America/Denver."
        )
    # The database lies on a path that only holds names of `zone_names`: none leaves it.
    return ZoneInfo.from_file(BytesIO(get_data("tzdata", f"zoneinfo/{name}") or b""), key=name)


@lru_cache(maxsize=1)
def _zones_by_country() -> dict[str, tuple[str, ...]]:
    listed: dict[str, tuple[str, ...]] = {}
    for line in (get_data("tzdata", "zoneinfo/zone.tab") or b"").decode().splitlines():
        if not line.startswith("#"):
            country, _, name = line.split("\t")[:3]
            listed[country] = (*listed.get(country, ()), name)
    return listed


def zones_of_country(country: str) -> tuple[str, ...]:
    """List the zones of a country (ISO 3166, two letters); none where it has none."""
    return _zones_by_country().get(country, ())
