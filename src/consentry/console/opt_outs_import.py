"""Bringing opt-outs in: first a look at what a list would do, then the list itself."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Final, TypeGuard

import msgspec
from starlette.responses import Response

from consentry.actions.import_opt_outs import (
    Fate,
    Imported,
    ImportOptOut,
    ImportSource,
    ReadLine,
    RepeatedNumber,
    count_lines,
    decide_fate,
    hash_list,
    name_columns,
    normalize_list,
    read_list,
)
from consentry.actions.record_audit import RecordImport
from consentry.console.pages import Page, View, Visit
from consentry.console.sender_choice import EVERY_BRAND, name_brand
from consentry.console.wording import show_number
from consentry.domain.agents import Permission
from consentry.domain.listed_numbers import ListedNumber, UnreadableLine
from consentry.ports import Rejected, StoreUnavailable

ROWS_MAX: Final = 10_000
"""How many rows this page takes at once."""

SOURCE_MAX: Final = 200
_SHOWN_MAX: Final = 300
_READ_AT_ONCE: Final = 20
_WRITTEN_AT_ONCE: Final = 100
"""How many rows are dealt with before others come on again."""

REST_SECONDS: Final = 0.003
"""For so long nothing is done between two slices: the store's writer needs the time too."""

FORM_BYTES_MAX: Final = 8_000_000
_PERSON: Final = "person"
_COMPANY: Final = "company"


class Typed(msgspec.Struct, frozen=True):
    """The form as it was typed, and what is wrong with it by the name of the field."""

    text: str = ""
    source: str = ""
    brand: str = ""
    decided_by: str = _PERSON
    errors: dict[str, str] = {}


class Outcome(msgspec.Struct, frozen=True):
    """What becomes, or became, of a line of the list, in words."""

    line: int
    number: str
    words: str
    is_new: bool = False


class Plan(msgspec.Struct, frozen=True):
    """What a list would do. `rows` are the numbers that are not on the list yet."""

    rows: tuple[ListedNumber, ...]
    counts: Counter[str]
    outcomes: list[Outcome]


_FATES: Final = {
    Fate.NEW: "Will be recorded",
    Fate.LISTED: "On the list already",
    Fate.CAME_BACK: "Came back by their own text since, so nothing changes",
}


async def show_import(visit: Visit) -> Response:
    """Show the form for a list."""
    return await _form(visit, Typed())


async def _form(visit: Visit, typed: Typed) -> Response:
    brands = [
        brand
        for brand in (await visit.services.store.read_directory()).brands.values()
        if visit.agent.sees(brand.id)
    ]
    if not typed.brand and len(brands) == 1:
        typed = msgspec.structs.replace(typed, brand=brands[0].id)
    return visit.render(
        "opt_outs_import.html",
        status=422 if typed.errors else 200,
        typed=typed,
        brands=brands,
        every_brand="" if visit.agent.brands else EVERY_BRAND,
        rows_max=ROWS_MAX,
    )


async def check_import(visit: Visit) -> Response:
    """Say what the list would do; nothing is written."""
    typed = await _read_form(visit)
    if typed.errors:
        return await _form(visit, typed)
    source = _source(visit, typed)
    plan = await _make_plan(visit, typed.text, source)
    return visit.render(
        "opt_outs_import_check.html",
        typed=typed,
        plan=plan,
        shown=most_telling(plan.outcomes),
        digest=source.digest,
        scope=await _name_scope(visit, source),
        columns=name_columns(typed.text, region=visit.services.default_region),
    )


async def carry_out_import(visit: Visit) -> Response:
    """Put the list's numbers on the do-not-text list, and say what became of each row."""
    typed = await _read_form(visit)
    if typed.errors:
        return await _form(visit, typed)
    source = _source(visit, typed)
    if source.digest != visit.field("digest"):
        changed = {"text": "This is another list than the one that was looked at. Look again."}
        return await _form(visit, msgspec.structs.replace(typed, errors=changed))
    plan = await _make_plan(visit, typed.text, source)
    written = await _write(visit, plan.rows, source)
    recorded = [row for row, imported in written if imported.fate is Fate.NEW]
    scope = await _name_scope(visit, source)
    part = f"from {source.name}, for {scope}, SHA-256 {source.digest}, import {source.id}"
    store = visit.services.store
    await store.submit(RecordImport("opt-outs", part, len(recorded), visit.actor))
    outcomes = [outcome for outcome in plan.outcomes if not outcome.is_new]
    outcomes += [_tell_written(row, imported) for row, imported in written]
    outcomes.sort(key=lambda outcome: outcome.line)
    return visit.render(
        "opt_outs_import_done.html",
        source=source,
        scope=scope,
        recorded=len(recorded),
        total=len(outcomes),
        shown=most_telling(outcomes),
    )


async def _read_form(visit: Visit) -> Typed:
    text = normalize_list(visit.field("text"))
    typed = Typed(
        text=text,
        source=" ".join(visit.field("source").split()),
        brand=visit.field("brand"),
        decided_by=visit.field("decided_by"),
    )
    errors = {**check_text(text), **await _check_choices(visit, typed)}
    return msgspec.structs.replace(typed, errors=errors)


def check_text(text: str) -> dict[str, str]:
    """Say what is wrong with a list by itself: that it is empty, or too long for a page."""
    lines = count_lines(text)
    if lines == 0:
        return {"text": "Paste the list, or choose a file. One number a line is enough."}
    if lines > ROWS_MAX + 1:
        told = f"The list has {lines:,} lines. This page takes {ROWS_MAX:,} rows at once: split it."
        return {"text": told}
    return {}


async def _check_choices(visit: Visit, typed: Typed) -> dict[str, str]:
    errors = {}
    if not typed.source:
        errors["source"] = "Say where the list comes from. It stands in every number's history."
    elif len(typed.source) > SOURCE_MAX:
        errors["source"] = f"Say it in at most {SOURCE_MAX} characters."
    brands = (await visit.services.store.read_directory()).brands
    everything = typed.brand == EVERY_BRAND and not visit.agent.brands
    if not everything and not (typed.brand in brands and visit.agent.sees(typed.brand)):
        errors["brand"] = "Choose whose texts these people do not want."
    if typed.decided_by not in (_PERSON, _COMPANY):
        errors["decided_by"] = "Choose one of the two."
    return errors


def _source(visit: Visit, typed: Typed) -> ImportSource:
    return ImportSource(
        id=visit.services.ids.new("imp"),
        name=typed.source,
        digest=hash_list(typed.text),
        agent=visit.agent.id,
        brand=None if typed.brand == EVERY_BRAND else typed.brand,
        by_person=typed.decided_by == _PERSON,
    )


async def _name_scope(visit: Visit, source: ImportSource) -> str:
    if source.brand is None:
        return "every brand"
    return name_brand(await visit.services.store.read_directory(), source.brand)


async def _make_plan(visit: Visit, text: str, source: ImportSource) -> Plan:
    """Read the list and look every number up, letting others come on in between."""
    services = visit.services
    lines = read_list(text, region=services.default_region)
    judged: list[tuple[ReadLine, Fate | None]] = []
    while part := list(islice(lines, _READ_AT_ONCE)):
        judged += await _judge(visit, part, source)
        await asyncio.sleep(REST_SECONDS)
    return Plan(
        rows=tuple(line for line, fate in judged if _is_new(line, fate)),
        counts=Counter(_count_as(line, fate) for line, fate in judged),
        outcomes=[_tell(line, fate) for line, fate in judged],
    )


def _is_new(line: ReadLine, fate: Fate | None) -> TypeGuard[ListedNumber]:
    return isinstance(line, ListedNumber) and fate is Fate.NEW


async def _judge(
    visit: Visit, lines: Sequence[ReadLine], source: ImportSource
) -> list[tuple[ReadLine, Fate | None]]:
    """Say what becomes of each number; a line without a new number has no fate."""
    store = visit.services.store
    rows = [line for line in lines if isinstance(line, ListedNumber)]
    standings = await store.read_standings([row.recipient for row in rows])
    fates = {
        row.line: decide_fate(standing, row, source, await store.read_directory())
        for row, standing in zip(rows, standings, strict=True)
    }
    return [(line, fates.get(line.line)) for line in lines]


def _count_as(line: ReadLine, fate: Fate | None) -> str:
    if fate is not None:
        return str(fate)
    return "repeated" if isinstance(line, RepeatedNumber) else "unreadable"


def _tell(line: ReadLine, fate: Fate | None) -> Outcome:
    match line:
        case UnreadableLine():
            return Outcome(line.line, line.text, line.why)
        case RepeatedNumber():
            return Outcome(line.line, show_number(line.recipient), f"Same as line {line.first}")
        case ListedNumber():
            fate = fate or Fate.NEW
            number = show_number(line.recipient)
            return Outcome(line.line, number, _FATES[fate], is_new=fate is Fate.NEW)


def _tell_written(row: ListedNumber, imported: Imported) -> Outcome:
    is_new = imported.fate is Fate.NEW
    words = "Recorded" if is_new else _FATES[imported.fate]
    return Outcome(row.line, show_number(row.recipient), words, is_new=is_new)


def most_telling(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Show what is not simply new first, where there is more than fits a page."""
    if len(outcomes) <= _SHOWN_MAX:
        return list(outcomes)
    return sorted(outcomes, key=lambda outcome: (outcome.is_new, outcome.line))[:_SHOWN_MAX]


async def _write(
    visit: Visit, rows: Sequence[ListedNumber], source: ImportSource
) -> list[tuple[ListedNumber, Imported]]:
    """Write slice by slice, so that what others do is never behind all of it."""
    services = visit.services
    written: list[tuple[ListedNumber, Imported]] = []
    for start in range(0, len(rows), _WRITTEN_AT_ONCE):
        part = rows[start : start + _WRITTEN_AT_ONCE]
        commands = [services.store.submit(ImportOptOut(row, source)) for row in part]
        outcomes = await asyncio.gather(*commands, return_exceptions=True)
        for row, outcome in zip(part, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                raise _broken_off(len(written), len(rows), outcome)
            written.append((row, outcome))
    in_flight = tuple(message for _, imported in written for message in imported.in_flight)
    if in_flight:
        await services.delivery.wait_quiet(in_flight)
    return written


def _broken_off(done: int, total: int, error: BaseException) -> BaseException:
    """Say how far it came; what is recorded stays, so the list can be brought in again."""
    if not isinstance(error, StoreUnavailable):
        return error
    return Rejected(
        "store_unavailable",
        f"The database stopped answering after at least {done:,} of {total:,} numbers were "
        "recorded. Import the same list again in a while: what is recorded stays as it is.",
        status=503,
    )


def _post(path: str, view: View) -> Page:
    return Page(
        path=path,
        view=view,
        permission=Permission.IMPORT_OPT_OUTS,
        method="POST",
        form_bytes_max=FORM_BYTES_MAX,
    )


PAGES: Final = (
    Page(path="/opt-outs/import", view=show_import, permission=Permission.IMPORT_OPT_OUTS),
    _post("/opt-outs/import/check", check_import),
    _post("/opt-outs/import", carry_out_import),
)
