"""Programs: what people consent to beyond a conversation."""

from typing import Final

from starlette.responses import Response

from consentry.actions.administer import SaveProgram
from consentry.actions.if_unchanged import IfUnchanged
from consentry.console.pages import Page, Visit
from consentry.console.settings.filled import Filled, fill, read_form
from consentry.console.settings.sections import PROGRAMS, brands_of, go_saved, show
from consentry.domain.agents import Permission
from consentry.domain.directory import Program, Purpose
from consentry.ports import Rejected

NAME_CHARACTERS_MAX: Final = 200
PURPOSES: Final = {
    Purpose.INFORMATIONAL.value: "Informational: order updates, appointments, alerts",
    Purpose.MARKETING.value: "Marketing: offers, news, campaigns",
}
_FIELDS: Final = {"unknown_brand": "brand", "name_missing": "name"}


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
    filled = _check_name(filled)
    if not filled.is_fine:
        return await _show_form(visit, filled, None)
    values = filled.values
    program = Program("", values["brand"], Purpose(values["purpose"]), values["name"])
    return await _save(visit, filled, program, None)


async def show_program(visit: Visit) -> Response:
    """Show a program's form."""
    program = await _find(visit)
    if program is None:
        return visit.missing("program")
    return await _show_form(visit, fill({"name": program.name}), program)


async def rename_program(visit: Visit) -> Response:
    """Rename a program. Brand and purpose are what people consented to, so they stay."""
    known = await _find(visit)
    if known is None:
        return visit.missing("program")
    filled = _check_name(read_form(visit, {"name": known.name}))
    if not filled.is_fine:
        return await _show_form(visit, filled, known)
    program = Program(known.id, known.brand, known.purpose, filled.values["name"])
    return await _save(visit, filled, program, known)


async def _new(visit: Visit) -> dict[str, str]:
    brands = await brands_of(visit)
    first = brands[0].id if len(brands) == 1 else ""
    return {"brand": first, "purpose": "", "name": ""}


def _check_name(filled: Filled) -> Filled:
    name = filled.values["name"]
    if not name:
        return filled.refused(name="Write a name. Whoever consents must see it.")
    if len(name) > NAME_CHARACTERS_MAX:
        return filled.refused(name=f"Write at most {NAME_CHARACTERS_MAX} characters.")
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
    brand = None
    if program is not None:
        brand = (await visit.services.store.read_directory()).brands[program.brand]
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
        view=rename_program,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
        example={"id": "promo"},
    ),
)
