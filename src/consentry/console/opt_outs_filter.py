"""Which opted-out numbers to list, as it stands in the address."""

from datetime import date
from typing import Final
from urllib.parse import urlencode

import msgspec

from consentry.console.days import day_begin, day_end, read_day
from consentry.console.opt_outs_words import CAUSES
from consentry.console.pages import Visit
from consentry.console.sender_choice import (
    EVERY_BRAND,
    Choice,
    find_choice,
    list_choices,
    visible_scopes,
)
from consentry.domain.standing import EVERYTHING, Cause
from consentry.ports import OptOutFilter

_SEARCH_MAX: Final = 200


class Asked(msgspec.Struct, frozen=True):
    """What the address asks for: the words as they came, what they mean, what is wrong with them.

    `errors` are by the name of the field; `words` say in one line what is listed.
    """

    fields: dict[str, str]
    wanted: OptOutFilter
    errors: dict[str, str]
    words: str

    @property
    def is_narrowed(self) -> bool:
        """Tell whether anything is asked for but the whole list."""
        return any(self.fields.values())

    def query(self, **more: str) -> str:
        """Write the address of this list, or of what follows from it."""
        return urlencode({name: value for name, value in {**self.fields, **more}.items() if value})


async def list_scope_choices(visit: Visit) -> list[Choice]:
    """List the senders and brands to choose from, and what holds for every brand."""
    every = Choice(EVERY_BRAND, "Every brand at once", (EVERYTHING,), ())
    return [*await list_choices(visit), every]


async def read_asked(visit: Visit, choices: list[Choice]) -> Asked:
    """Read the filters of an address."""
    names = ("search", "of", "cause", "since", "until")
    fields = {name: visit.query(name) for name in names}
    errors: dict[str, str] = {}
    choice = find_choice(choices, fields["of"])
    if fields["of"] and choice is None:
        errors["of"] = "There is no such number or brand. Choose one of the list."
    cause = _read_cause(fields["cause"], errors)
    since = _read_day(fields, "since", errors)
    until = _read_day(fields, "until", errors)
    if since and until and until < since:
        errors["until"] = "The last day is before the first. Choose a later one."
    if len(fields["search"]) > _SEARCH_MAX:
        errors["search"] = f"Search for at most {_SEARCH_MAX} characters."
    wanted = OptOutFilter(
        search=fields["search"] or None,
        scopes=await visible_scopes(visit) if choice is None else choice.scopes,
        cause=cause,
        since=None if since is None else day_begin(since),
        until=None if until is None else day_end(until),
    )
    return Asked(fields, wanted, errors, _spell(fields, choice, cause))


def _read_cause(text: str, errors: dict[str, str]) -> Cause | None:
    if not text:
        return None
    try:
        return Cause(text)
    except ValueError:
        errors["cause"] = "There is no such reason. Choose one of the list."
        return None


def _read_day(fields: dict[str, str], name: str, errors: dict[str, str]) -> date | None:
    day = read_day(fields[name])
    if fields[name] and day is None:
        errors[name] = "This is no day. Write it as 2026-11-23."
    return day


def _spell(fields: dict[str, str], choice: Choice | None, cause: Cause | None) -> str:
    """Say what is listed, for people who read the audit."""
    parts = []
    if fields["search"]:
        parts.append(f"with “{fields['search'][:_SEARCH_MAX]}”")
    if choice is not None:
        parts.append(f"of {choice.words}")
    if cause is not None:
        parts.append(f"because: {CAUSES[cause].lower()}")
    if fields["since"]:
        parts.append(f"from {fields['since']}")
    if fields["until"]:
        parts.append(f"to {fields['until']}")
    return ", ".join(parts)
