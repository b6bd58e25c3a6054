"""Programs: what people consent to beyond a conversation."""

from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.administer import (
    PROGRAM_TEXT_CHARACTERS_MAX,
    SaveProgram,
    is_page_address,
)
from consentry.actions.if_unchanged import IfUnchanged
from consentry.console.pages import Page, Visit
from consentry.console.settings.filled import Filled, fill, read_form
from consentry.console.settings.sections import PROGRAMS, brands_of, go_saved, show
from consentry.console.wording import show_number
from consentry.domain.agents import Permission
from consentry.domain.directory import Program, Purpose
from consentry.ports import Rejected

PURPOSES: Final = {
    Purpose.INFORMATIONAL.value: "Informational: order updates, appointments, alerts",
    Purpose.MARKETING.value: "Marketing: offers, news, campaigns",
}
_TEXTS: Final = ("description", "frequency", "terms_url", "privacy_url")
_RECURRING: Final = "yes"
_ONE_TIME: Final = "no"
_FIELDS: Final = {
    "unknown_brand": "brand",
    "name_missing": "name",
    "sender_not_set_up": "sender",
}


async def list_programs(visit: Visit) -> Response:
    """List the programs of the brands this agent works for."""
    brands = await brands_of(visit)
    programs = (await visit.services.store.read_directory()).programs.values()
    rows = [(b, p) for b in brands for p in programs if p.brand == b.id]
    return await show(visit, PROGRAMS, "programs.html", rows=rows, brands=brands)


async def new_program(visit: Visit) -> Response:
    """Show the form for a new program."""
    return await _show_form(visit, fill(await _new(visit)), None)


async def add_program(visit: Visit) -> Response:
    """Add a program of a brand this agent works for."""
    filled = read_form(visit, await _new(visit))
    if not any(brand.id == filled.values["brand"] for brand in await brands_of(visit)):
        filled = filled.refused(brand="Choose one of the brands.")
    if filled.values["purpose"] not in PURPOSES:
        filled = filled.refused(purpose="Choose what the texts are for.")
    filled = _check_texts(filled)
    if not filled.is_fine:
        return await _show_form(visit, filled, None)
    blank = Program("", filled.values["brand"], Purpose(filled.values["purpose"]), "")
    return await _save(visit, filled, _put(blank, filled), None)


async def show_program(visit: Visit) -> Response:
    """Show a program's form."""
    program = await _find(visit)
    if program is None:
        return visit.missing("program")
    return await _show_form(visit, fill(_stored(program)), program)


async def change_program(visit: Visit) -> Response:
    """Change a program. Brand and purpose are what people consented to, so they stay."""
    known = await _find(visit)
    if known is None:
        return visit.missing("program")
    filled = _check_texts(read_form(visit, _stored(known)))
    if not filled.is_fine:
        return await _show_form(visit, filled, known)
    return await _save(visit, filled, _put(known, filled), known)


async def switch_program(visit: Visit) -> Response:
    """Switch a program off or on; consents stay as they are."""
    known = await _find(visit)
    if known is None:
        return visit.missing("program")
    program = msgspec.structs.replace(known, enabled=visit.field("to") == "on")
    return await _save(visit, fill(_stored(known)), program, known)


async def _new(visit: Visit) -> dict[str, str]:
    brands = await brands_of(visit)
    first = brands[0].id if len(brands) == 1 else ""
    return {"brand": first, "purpose": "", "name": "", **dict.fromkeys(_TEXTS, "")}


def _stored(program: Program) -> dict[str, str]:
    """Give the fields of a program's form; who texts for it is chosen once."""
    values = {"name": program.name, **{name: getattr(program, name) or "" for name in _TEXTS}}
    values["recurring"] = _RECURRING if program.recurring else _ONE_TIME
    return values if program.sender is not None else {**values, "sender": ""}


def _put(program: Program, filled: Filled) -> Program:
    values = filled.values
    changes: dict[str, str | bool | None] = {name: values[name] or None for name in _TEXTS}
    changes["name"] = values["name"]
    if values.get("sender"):
        changes["sender"] = values["sender"]
    if "recurring" in values:
        changes["recurring"] = values["recurring"] != _ONE_TIME
    return msgspec.structs.replace(program, **changes)


def _check_texts(filled: Filled) -> Filled:
    if not filled.values["name"]:
        filled = filled.refused(name="Write a name. Whoever consents must see it.")
    for name, longest in PROGRAM_TEXT_CHARACTERS_MAX.items():
        if len(filled.values[name]) > longest:
            filled = filled.refused(**{name: f"Write at most {longest:,} characters."})
    for name in ("terms_url", "privacy_url"):
        if filled.values[name] and not is_page_address(filled.values[name]):
            wrong = "Write the whole address, for example https://example.com/terms."
            filled = filled.refused(**{name: wrong})
    return filled


async def _save(visit: Visit, filled: Filled, program: Program, known: Program | None) -> Response:
    try:
        saved = await visit.services.store.submit(
            IfUnchanged(SaveProgram(program, visit.actor), known)
        )
    except Rejected as error:
        return await _show_form(visit, filled.rejected(error, _FIELDS), known)
    return go_saved(visit, PROGRAMS.path, changed=saved != known)


async def _show_form(visit: Visit, filled: Filled, program: Program | None) -> Response:
    status = 200 if filled.is_fine else 422
    brand, senders = None, []
    if program is not None:
        brand = (await visit.services.store.read_directory()).brands[program.brand]
        senders = [s.number for s in await visit.senders() if s.brand == program.brand]
    return await show(
        visit,
        PROGRAMS,
        "program.html",
        status=status,
        form=filled,
        program=program,
        brand=brand,
        brands=[(b.id, b.name) for b in await brands_of(visit)],
        purposes=list(PURPOSES.items()),
        senders=[("", "Every number of the brand"), *((n, show_number(n)) for n in senders)],
        recurring=[(_RECURRING, "Again and again"), (_ONE_TIME, "Once for each request")],
        longest=PROGRAM_TEXT_CHARACTERS_MAX,
    )


async def _find(visit: Visit) -> Program | None:
    program = (await visit.services.store.read_directory()).programs.get(visit.path("id"))
    return program if program is not None and visit.agent.sees(program.brand) else None


PAGES: Final = (
    Page(path="/settings/programs", view=list_programs, permission=Permission.READ_SETTINGS),
    Page(path="/settings/new-program", view=new_program, permission=Permission.CHANGE_SETTINGS),
    Page(
        path="/settings/new-program",
        view=add_program,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
    ),
    Page(
        path="/settings/programs/{id}",
        view=show_program,
        permission=Permission.READ_SETTINGS,
        example={"id": "promo"},
    ),
    Page(
        path="/settings/programs/{id}",
        view=change_program,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
        example={"id": "promo"},
    ),
    Page(
        path="/settings/programs/{id}/switch",
        view=switch_program,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
        example={"id": "promo"},
    ),
)
