"""Having everybody on a list asked: first a look at what it would do, then the list itself."""

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.import_consents import (
    ConsentList,
    ImportConsent,
    ImportedConsent,
    Row,
    count_rows,
    find_counting,
    read_asked,
    sort_lines,
)
from consentry.actions.import_opt_outs import (
    ReadLine,
    RepeatedNumber,
    hash_list,
    normalize_list,
)
from consentry.actions.record_audit import RecordImport
from consentry.console.opt_outs_import import (
    FORM_BYTES_MAX,
    REST_SECONDS,
    ROWS_MAX,
    SOURCE_MAX,
    Outcome,
    check_text,
    most_telling,
)
from consentry.console.pages import Page, View, Visit
from consentry.console.wording import show_number
from consentry.domain.agents import Permission
from consentry.domain.directory import Directory
from consentry.domain.listed_numbers import ListedNumber, UnreadableLine
from consentry.ports import Rejected

_AT_ONCE: Final = 50
_WORDS: Final = {
    Row.ASKED: "Asked",
    Row.KNOWN: "Asked or active already",
    Row.WITHDREW: "Withdrew, so not asked",
    Row.HELD: "Cannot be asked now",
}


class Typed(msgspec.Struct, frozen=True):
    """The form as it was typed, and what is wrong with it by the name of the field."""

    text: str = ""
    source: str = ""
    program: str = ""
    call: str = ""
    errors: dict[str, str] = {}


async def show_import(visit: Visit) -> Response:
    """Show the form for a list."""
    return await _form(visit, Typed(program=visit.query("program")))


async def _form(visit: Visit, typed: Typed) -> Response:
    directory = await visit.services.store.read_directory()
    programs = _list_programs(visit, directory)
    calls = [
        (call.id, f"{call.wording.heading} ({call.id})")
        for call in directory.calls_to_action.values()
        if call.program in dict(programs)
    ]
    return visit.render(
        "consents_import.html",
        status=422 if typed.errors else 200,
        typed=typed,
        programs=programs,
        calls=calls,
        rows_max=ROWS_MAX,
    )


def _list_programs(visit: Visit, directory: Directory) -> list[tuple[str, str]]:
    return [
        (program.id, f"{program.name} ({program.purpose})")
        for program in directory.programs.values()
        if program.enabled and visit.agent.sees(program.brand)
    ]


async def check_import(visit: Visit) -> Response:
    """Say what the list would do; nothing is written."""
    typed = await _read_form(visit)
    return await _carry_out(visit, typed, is_dry=True)


async def carry_out_import(visit: Visit) -> Response:
    """Have the people on the list asked, and say what became of each row."""
    typed = await _read_form(visit)
    if not typed.errors and hash_list(typed.text) != visit.field("digest"):
        changed = {"text": "This is another list than the one that was looked at. Look again."}
        typed = msgspec.structs.replace(typed, errors=changed)
    return await _carry_out(visit, typed, is_dry=False)


async def _carry_out(visit: Visit, typed: Typed, *, is_dry: bool) -> Response:
    if typed.errors:
        return await _form(visit, typed)
    source = _source(visit, typed)
    try:
        rows, outcomes = await _bring_in(visit, typed.text, source, is_dry=is_dry)
    except Rejected as error:
        return await _form(visit, msgspec.structs.replace(typed, errors={"call": str(error)}))
    counts = count_rows(rows)
    if not is_dry:
        part = f"from {source.name}, for {source.program}, SHA-256 {source.digest}, {source.id}"
        await visit.services.store.submit(
            RecordImport("consents", part, counts[Row.ASKED.value], visit.actor)
        )
        visit.services.delivery.wake()
    return visit.render(
        "consents_import_rows.html",
        typed=typed,
        source=source,
        counts=counts,
        is_dry=is_dry,
        total=len(outcomes),
        shown=most_telling(outcomes),
    )


async def _read_form(visit: Visit) -> Typed:
    typed = Typed(
        text=normalize_list(visit.field("text")),
        source=" ".join(visit.field("source").split()),
        program=visit.field("program"),
        call=visit.field("call"),
    )
    errors = check_text(typed.text)
    if not 0 < len(typed.source) <= SOURCE_MAX:
        errors["source"] = f"Say where the list comes from, in at most {SOURCE_MAX} characters."
    directory = await visit.services.store.read_directory()
    if typed.program not in dict(_list_programs(visit, directory)):
        errors["program"] = "Choose what to ask for."
    return msgspec.structs.replace(typed, errors=errors)


def _source(visit: Visit, typed: Typed) -> ConsentList:
    return ConsentList(
        id=visit.services.ids.new("imp"),
        name=typed.source,
        digest=hash_list(typed.text),
        by=visit.agent.id,
        program=typed.program,
        call_to_action=typed.call or None,
    )


async def _bring_in(
    visit: Visit, text: str, source: ConsentList, *, is_dry: bool
) -> tuple[list[Row], list[Outcome]]:
    """Deal with the list slice by slice, letting others come on in between."""
    region = visit.services.default_region
    # Beside the event loop: it reads all of the list at once.
    counting = await asyncio.to_thread(find_counting, text, region=region)
    lines = sort_lines(read_asked(text, counting, region=region))
    rows: list[Row] = []
    outcomes: list[Outcome] = []
    while part := list(islice(lines, _AT_ONCE)):
        for line, imported in await _bring_in_part(visit, part, source, is_dry=is_dry):
            rows.append(imported.row)
            outcomes.append(_tell(line, imported, is_dry=is_dry))
        await asyncio.sleep(REST_SECONDS)
    return rows, outcomes


async def _bring_in_part(
    visit: Visit,
    part: Sequence[tuple[ReadLine, Row | None]],
    source: ConsentList,
    *,
    is_dry: bool,
) -> list[tuple[ReadLine, ImportedConsent]]:
    async def one(line: ReadLine, row: Row | None) -> tuple[ReadLine, ImportedConsent]:
        if row is not None or not isinstance(line, ListedNumber):
            return line, ImportedConsent(row or Row.UNREADABLE)
        command = ImportConsent(line, source, is_dry=is_dry)
        return line, await visit.services.store.submit(command, is_patient=True)

    return await asyncio.gather(*(one(line, row) for line, row in part))


def _tell(line: ReadLine, imported: ImportedConsent, *, is_dry: bool) -> Outcome:
    match line:
        case UnreadableLine():
            return Outcome(line.line, line.text, line.why)
        case RepeatedNumber():
            return Outcome(line.line, show_number(line.recipient), f"Same as line {line.first}")
        case ListedNumber():
            is_new = imported.row is Row.ASKED
            words = "Will be asked" if is_new and is_dry else _WORDS[imported.row]
            if imported.row is Row.HELD and imported.note:
                words = f"{words}. {imported.note}"
            return Outcome(line.line, show_number(line.recipient), words, is_new=is_new)


def _post(path: str, view: View) -> Page:
    return Page(
        path=path,
        view=view,
        permission=Permission.IMPORT_OPT_OUTS,
        method="POST",
        form_bytes_max=FORM_BYTES_MAX,
    )


PAGES: Final = (
    Page(path="/consents/import", view=show_import, permission=Permission.IMPORT_OPT_OUTS),
    _post("/consents/import/check", check_import),
    _post("/consents/import", carry_out_import),
)
