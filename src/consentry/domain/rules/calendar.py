"""Holidays and business days, from a table that is made from a kept library."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import msgspec

from consentry.domain.reading_data import read_rows
from consentry.domain.rules.rows import Holidays, read_rules

_SATURDAY: Final = 5
_UNITED_STATES: Final = "US"


class _Table(msgspec.Struct, frozen=True):
    """Holidays by place (US, US-UT), by name, as numbers like 20261225; read when first asked."""

    version: str
    first_year: int
    last_year: int
    places: dict[str, msgspec.Raw]


@lru_cache(maxsize=1)
def _read_table() -> _Table:
    return read_rows("holidays.json", _Table)


@lru_cache(maxsize=512)
def _list_holidays(place: str) -> dict[date, str]:
    """List a place's holidays, with those that the library lacks; unknown places have none."""
    raw = _read_table().places.get(place, b"{}")
    named = msgspec.json.decode(raw, type=dict[str, tuple[int, ...]])
    listed = {
        date(day // 10_000, day // 100 % 100, day % 100): name
        for name, days in named.items()
        for day in days
    }
    added = (one for one in read_rules().holidays if one.jurisdiction == place)
    return {day: one.name for one in added for day in one.days} | listed


def find_holiday(kind: Holidays, jurisdictions: tuple[str, ...], day: date) -> str | None:
    """Name the holiday of a kind that a day is in any of these jurisdictions, else None.

    A state's holidays take in the federal ones. A holiday that is kept on another day because it
    falls on a weekend is one on both days. A country that the library does not know has none. Of
    years that the table does not have every day is taken for one: whether it is, nobody knows.
    """
    if kind is Holidays.NONE:
        return None
    table = _read_table()
    if not table.first_year <= day.year <= table.last_year:
        return f"no calendar of {day.year}"
    for jurisdiction in jurisdictions:
        country, _, state = jurisdiction.partition("-")
        named = _list_holidays(country).get(day)
        if named is None and state and kind is Holidays.STATE:
            named = _list_holidays(jurisdiction).get(day)
        if named is not None:
            return named
    return None


def is_business_day(day: date) -> bool:
    """Tell a business day: Monday to Friday, and no US federal holiday that is known."""
    return day.weekday() < _SATURDAY and day not in _list_holidays(_UNITED_STATES)


def add_business_days(start: date, days: int) -> date:
    """Give the day that is so many business days after `start`, which itself does not count.

    47 CFR 64.1200(a)(10) bounds the honouring of a revocation by ten of them.
    """
    day = start
    while days > 0:
        day += timedelta(days=1)
        days -= is_business_day(day)
    return day
