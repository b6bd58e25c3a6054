"""What the reports are about, as it stands in the address: which days, which senders."""

from datetime import date, timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec

from consentry.console.days import read_day
from consentry.console.pages import Visit
from consentry.console.sender_choice import Choice, find_choice

PERIODS: Final = (7, 30, 90)
"""How many days back one can ask for by a link."""

_PERIOD: Final = 30
_DAYS_MAX: Final = 366


class Period(msgspec.Struct, frozen=True):
    """The days and senders of a report.

    `days` is set where the last so many days are asked for. `senders` None: all of them, and what
    is about no sender. `errors` are by the name of the field.
    """

    first: date
    last: date
    days: int | None
    fields: dict[str, str]
    senders: tuple[str, ...] | None
    errors: dict[str, str]
    words: str

    def query(self, **changed: str) -> str:
        """Write the address of this report, or of another one beside it."""
        fields = {**self.fields, **changed}
        return urlencode({name: value for name, value in fields.items() if value})

    def query_days(self, days: int) -> str:
        """Write the address of the last so many days."""
        return self.query(days=str(days), since="", until="")


async def read_period(visit: Visit, choices: list[Choice]) -> Period:
    """Read what is asked for; raises nothing, what cannot be is in `errors`."""
    fields = {name: visit.query(name) for name in ("days", "since", "until", "of")}
    errors: dict[str, str] = {}
    choice = find_choice(choices, fields["of"])
    if fields["of"] and choice is None:
        errors["of"] = "There is no such number or brand. Choose one of the list."
    today = visit.services.clock.now().date()
    days = _read_days(fields["days"]) if not (fields["since"] or fields["until"]) else None
    if days is not None:
        first, last = today - timedelta(days=days - 1), today
    else:
        first, last = _read_dates(fields, today, errors)
    of = "" if choice is None else f", {choice.words}"
    return Period(
        first=first,
        last=last,
        days=days,
        fields=fields,
        senders=await visit.sender_scope() if choice is None else choice.senders,
        errors=errors,
        words=f"{first} to {last}{of}",
    )


def _read_days(text: str) -> int:
    known = {str(days): days for days in PERIODS}
    return known.get(text, _PERIOD)


def _read_dates(fields: dict[str, str], today: date, errors: dict[str, str]) -> tuple[date, date]:
    """Read the first and the last day; one that is missing is today, or a month before."""
    read = {name: read_day(fields[name]) for name in ("since", "until")}
    for name, day in read.items():
        if fields[name] and day is None:
            errors[name] = "This is no day. Write it as 2026-11-23."
    last = min(read["until"] or today, today)
    first = read["since"] or _days_before(last, _PERIOD - 1)
    if first > last:
        errors["until"] = "The last day is before the first, or the first is still to come."
    elif (last - first).days >= _DAYS_MAX:
        errors["since"] = f"A report covers at most {_DAYS_MAX} days. Choose a later first day."
    return (today, today) if errors else (first, last)


def _days_before(day: date, days: int) -> date:
    """Count back, but not beyond the calendar."""
    return day - min(timedelta(days=days), day - date.min)
