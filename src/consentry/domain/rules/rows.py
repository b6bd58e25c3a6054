"""The rows of law and of our own profiles: when and how often a person may be solicited."""

from datetime import date, time
from enum import StrEnum
from functools import lru_cache
from typing import Final, Literal

import msgspec

from consentry.domain.reading_data import read_rows

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The days as rows name them, in the order of `date.weekday()`."""

MIDNIGHT: Final = time(0)
_HOUR_SECONDS: Final = 3600


class RulesProfile(StrEnum):
    """Which rules the operator keeps beside the law of each place.

    `per_state`: the law alone, and national-safe where no row tells it. `national_safe` and
    `strict`: the law and hours of their own. `off`: conversations only, nobody is solicited.
    """

    PER_STATE = "per-state"
    NATIONAL_SAFE = "national-safe"
    STRICT = "strict"
    OFF = "off"

    __hash__ = str.__hash__
    """An enum's own is slow, and hours are looked up by it."""


class Holidays(StrEnum):
    """On which holidays a row allows nothing."""

    NONE = "none"
    FEDERAL = "federal"
    STATE = "state"
    NATIONAL = "national"


class CapScope(StrEnum):
    """Over what solicitations of one person are counted."""

    BRAND = "brand"


class AppliesTo(StrEnum):
    """What a row is about; every text that a program sends is automated."""

    SOLICITATIONS = "solicitations"
    AUTOMATED_SOLICITATIONS = "automated_solicitations"


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row: on `days`, a person of `jurisdiction` may be solicited from `start` before `end`.

    `jurisdiction`: a country (US), a state (US-FL), or the name of a profile. `start` and `end`:
    HH:MM on the recipient's clock; `end` 00:00 is the end of the day. `cap`: how many in
    `cap_window` (24h) over `cap_scope`. `exemptions`: what the row does not hold back. In force
    from `since`, before `until`, on the recipient's calendar.
    """

    id: str
    jurisdiction: str
    days: tuple[Day, ...]
    start: str
    end: str
    holidays: Holidays
    cap: int | None
    cap_window: str | None
    cap_scope: CapScope | None
    consent_level: str
    applies_to: AppliesTo
    exemptions: tuple[str, ...]
    statute: str
    source: str
    checked_on: date
    since: date | None
    until: date | None

    @property
    def opens(self) -> time:
        """The first time of day at which it allows."""
        return time.fromisoformat(self.start)

    @property
    def closes(self) -> time:
        """The first time of day at which it allows no more; midnight is the end of the day."""
        return time.fromisoformat(self.end)

    @property
    def cap_seconds(self) -> int:
        """The window in which the cap counts."""
        return int((self.cap_window or "0h").removesuffix("h")) * _HOUR_SECONDS

    def is_in_force(self, day: date) -> bool:
        """Tell whether it is the law on a day of the recipient's calendar."""
        if self.since is not None and day < self.since:
            return False
        return self.until is None or day < self.until

    def covers(self, day: date) -> bool:
        """Tell whether its days take in this one, whatever the holidays say."""
        return DAYS[day.weekday()] in self.days

    def holds(self, at: time) -> bool:
        """Tell whether a time of day is inside its window."""
        return self.opens <= at and (self.closes == MIDNIGHT or at < self.closes)


class Law(msgspec.Struct, frozen=True):
    """The rows of one statute: one of them must allow; several laws must all allow."""

    jurisdiction: str
    statute: str
    rows: tuple[Row, ...]


class Regime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule of revocation and the days between which it holds; `since` None: not yet known."""

    id: str
    since: date | None
    until: date | None
    statute: str
    source: str
    checked_on: date
    says: str

    def is_in_force(self, day: date) -> bool:
        """Tell whether it holds on a day; one whose first day is unknown does not."""
        return self.since is not None and self.since <= day and (not self.until or day < self.until)


class AddedHoliday(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A state's legal holiday that the library does not have, and its days."""

    jurisdiction: str
    name: str
    days: tuple[date, ...]
    statute: str
    source: str
    checked_on: date


class Rules(msgspec.Struct, frozen=True):
    """All rows, and the edition they are; a decision's policy version names it."""

    version: str
    rows: tuple[Row, ...]
    holidays: tuple[AddedHoliday, ...]
    regimes: tuple[Regime, ...]


US_26_67: Final = "us-26-67"
"""The regime whose first day only the operator can tell."""


@lru_cache(maxsize=1)
def read_rules() -> Rules:
    """Read the rows shipped with the package, once."""
    return read_rows("rules.json", Rules)


def list_regimes(us_26_67_since: date | None) -> tuple[Regime, ...]:
    """List the regimes, the amended one from the day that the operator set."""
    return tuple(
        msgspec.structs.replace(regime, since=us_26_67_since) if regime.id == US_26_67 else regime
        for regime in read_rules().regimes
    )


@lru_cache(maxsize=1)
def laws() -> tuple[Law, ...]:
    """Gather the rows by statute, in the order of the file."""
    gathered: dict[tuple[str, str], list[Row]] = {}
    for row in read_rules().rows:
        gathered.setdefault((row.jurisdiction, row.statute), []).append(row)
    return tuple(Law(place, statute, tuple(rows)) for (place, statute), rows in gathered.items())
