"""The table of public holidays, made from the `holidays` library.

The library takes half a second and 43 MB to load, which no request may wait for; so what it says
is shipped as data. Run this file to write the table anew after the library was updated.
"""

import json
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Final

import holidays

from consentry.domain.rules.rows import Holidays, read_rules

TABLE: Final = Path(__file__).parents[2] / "src/consentry/domain/data/holidays.json"
FIRST_YEAR: Final = 2024
LAST_YEAR: Final = 2035
_YEARS: Final = range(FIRST_YEAR, LAST_YEAR + 1)


def _list_days(country: str, state: str | None = None) -> dict[date, str]:
    return dict(holidays.country_holidays(country, subdiv=state, years=_YEARS, language="en_US"))


def _by_name(days: dict[date, str]) -> dict[str, list[int]]:
    named: dict[str, list[int]] = {}
    for day in sorted(days):
        named.setdefault(days[day], []).append(day.year * 10_000 + day.month * 100 + day.day)
    return named


def _places() -> Iterable[tuple[str, dict[str, list[int]]]]:
    """Give each country, and the states of our rows with what they have beside their country."""
    for country in sorted(holidays.list_supported_countries(include_aliases=False)):
        yield country, _by_name(_list_days(country))
    states = {row.jurisdiction for row in read_rules().rows if row.holidays is Holidays.STATE}
    for jurisdiction in sorted(states):
        country, _, state = jurisdiction.partition("-")
        federal = _list_days(country)
        own = _list_days(country, state)
        yield jurisdiction, _by_name({day: own[day] for day in own if day not in federal})


def render_table() -> str:
    """Write the table as JSON, a line for each place."""
    head = {
        "version": f"holidays {holidays.__version__}",
        "first_year": FIRST_YEAR,
        "last_year": LAST_YEAR,
    }
    lines = [
        f"{json.dumps(place)}: {json.dumps(named, ensure_ascii=False, separators=(',', ':'))}"
        for place, named in _places()
        if named
    ]
    joined = ",\n".join(lines)
    return f'{json.dumps(head)[:-1]}, "places": {{\n{joined}\n}}}}\n'


if __name__ == "__main__":
    TABLE.write_text(render_table(), encoding="utf-8")
    sys.stdout.write(f"wrote {TABLE.name}\n")
