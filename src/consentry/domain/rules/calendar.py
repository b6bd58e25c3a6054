"""Holidays and business days, from a kept library that is imported when first asked."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from consentry.domain.rules.rows import Holidays, read_rules

_SATURDAY: Final = 5
_UNITED_STATES: Final = "US"


@lru_cache(maxsize=1024)
def _list_holidays(country: str, state: str | None, year: int) -> dict[date, str]:
    # Imported here: it takes 100 ms and more, and most processes never ask for a holiday.
    import holidays  # noqa: PLC0415 - see above

    try:
        listed = holidays.country_holidays(country, subdiv=state, years=year, language="en_US")
    except NotImplementedError:
        return {}
    return {**_list_added(f"{country}-{state}"), **listed}


@lru_cache(maxsize=64)
def _list_added(jurisdiction: str) -> dict[date, str]:
    """List the legal holidays of a state that the library does not have."""
    added = (one for one in read_rules().holidays if one.jurisdiction == jurisdiction)
    return {day: one.name for one in added for day in one.days}


def find_holiday(kind: Holidays, jurisdictions: tuple[str, ...], day: date) -> str | None:
    """Name the holiday of a kind that a day is in any of these jurisdictions, else None.

    A state's holidays take in the federal ones. A holiday that is kept on another day because it
    falls on a weekend is one on both days. A country that the library does not know has none.
    """
    for jurisdiction in jurisdictions if kind is not Holidays.NONE else ():
        country, _, state = jurisdiction.partition("-")
        named = _list_holidays(country, None, day.year).get(day)
        if named is None and state and kind is Holidays.STATE:
            named = _list_holidays(country, state, day.year).get(day)
        if named is not None:
            return named
    return None


def is_business_day(day: date) -> bool:
    """Tell a business day: Monday to Friday, and no US federal holiday."""
    if day.weekday() >= _SATURDAY:
        return False
    return find_holiday(Holidays.FEDERAL, (_UNITED_STATES,), day) is None


def add_business_days(start: date, days: int) -> date:
    """Give the day that is so many business days after `start`, which itself does not count.

    47 CFR 64.1200(a)(10) bounds the honouring of a revocation by ten of them.
    """
    day = start
    while days > 0:
        day += timedelta(days=1)
        days -= is_business_day(day)
    return day
