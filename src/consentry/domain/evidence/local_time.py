"""The time it was where the person is, as far as anything tells where that is."""

from datetime import datetime, timedelta

import msgspec

from consentry.domain.rules.places import WhereaboutsBy, find_whereabouts
from consentry.domain.rules.zones import read_zone
from consentry.domain.standing import Place


class LocalTime(msgspec.Struct, frozen=True):
    """The earliest and the latest that a clock there may have shown, and what told the place.

    Both are the same where one clock is kept. Aware, with the offset of that clock.
    """

    earliest: datetime
    latest: datetime
    by: WhereaboutsBy
    zones: tuple[str, ...]

    @property
    def is_one(self) -> bool:
        """Tell whether all clocks that may be theirs show the same."""
        return self.earliest.utcoffset() == self.latest.utcoffset()

    @property
    def says(self) -> str:
        """Write it for people."""
        if self.is_one:
            return f"{self.earliest:%Y-%m-%d %H:%M} {spell_offset(self.earliest)}"
        return f"{self.earliest:%Y-%m-%d %H:%M} to {self.latest:%H:%M}"


def spell_offset(at: datetime) -> str:
    """Write the offset of a time: UTC-5, UTC+5:30."""
    minutes = int((at.utcoffset() or timedelta()).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{hours}:{rest:02}" if rest else f"UTC{sign}{hours}"


def find_local_time(at: datetime, recipient: str, place: Place | None) -> LocalTime:
    """Find what the person's clock showed at a time."""
    where = find_whereabouts(recipient, place)
    clocks = [at.astimezone(read_zone(zone)) for zone in where.zones]
    earliest = min(clocks, key=lambda clock: clock.utcoffset() or timedelta())
    latest = max(clocks, key=lambda clock: clock.utcoffset() or timedelta())
    return LocalTime(earliest, latest, where.by, where.zones)
