"""Templates: wordings with a name, judged and shown on a phone while they are written."""

from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.keep_templates import DeleteTemplate, SaveTemplate, judge_wording
from consentry.console.pages import Page, Visit
from consentry.console.settings.filled import Filled, fill, read_form
from consentry.console.settings.judging import spell_size
from consentry.console.settings.sections import TEMPLATES, brands_of, go_saved, may_change, show
from consentry.domain.agents import Permission
from consentry.domain.directory import Brand
from consentry.domain.templates import BODY_CHARACTERS_MAX, NAME_CHARACTERS_MAX, Template
from consentry.domain.wording_lint import Finding, Level, WordingKind, simplify
from consentry.ports import Rejected

KINDS: Final = {
    WordingKind.MARKETING: "Marketing: offers, news, campaigns",
    WordingKind.INFORMATIONAL: "Informational: order updates, appointments, alerts",
    WordingKind.CONVERSATIONAL: "Conversational: an answer to a question",
    WordingKind.OPT_IN_REQUEST: "Request to opt in: reply YES",
    WordingKind.PROGRAM_CONFIRMATION: "Confirmation of a program",
    WordingKind.INITIAL_REPLY: "Initial reply",
    WordingKind.OPT_OUT_CONFIRMATION: "Confirmation of an opt-out",
    WordingKind.OPT_IN_CONFIRMATION: "Opt-in again",
    WordingKind.HELP_REPLY: "Answer to HELP",
}
"""What a wording is for, in words; the purposes come first, as they are written most."""

_ERRORS: Final = "Nothing was saved: mend what is marked as an error below."
_FIELDS: Final = {"name_missing": "name", "unknown_brand": "brand"}


class Said(msgspec.Struct, frozen=True):
    """What is to say about a wording; `brand` is None where none is chosen yet."""

    filled: str = ""
    size: str = ""
    findings: tuple[Finding, ...] = ()
    brand: Brand | None = None
    simpler: bool = False

    @property
    def has_errors(self) -> bool:
        """Tell whether it may not be saved."""
        return any(one.level is Level.ERROR for one in self.findings)


async def list_templates(visit: Visit) -> Response:
    """List the wordings of the brands this agent works for, and how many findings each has."""
    brands = {brand.id: brand for brand in await brands_of(visit)}
    kept = [t for t in await visit.services.store.read_templates() if t.brand in brands]
    rows = [
        (one, brands[one.brand], KINDS[one.kind].partition(":")[0], _judge(visit, one, brands))
        for one in kept
        if one.deleted_at is None
    ]
    return await show(visit, TEMPLATES, "templates.html", rows=rows, brands=brands)


async def new_template(visit: Visit) -> Response:
    """Show the form for a new wording."""
    return await _show_form(visit, fill(await _new(visit)), None)


async def add_template(visit: Visit) -> Response:
    """Keep a new wording of a brand this agent works for."""
    filled = read_form(visit, await _new(visit))
    if visit.field("look"):
        return await _show_form(visit, _simplified(visit, filled), None)
    if not any(brand.id == filled.values["brand"] for brand in await brands_of(visit)):
        filled = filled.refused(brand="Choose one of the brands.")
    if filled.values["kind"] not in [kind.value for kind in KINDS]:
        filled = filled.refused(kind="Choose what the text is for.")
    return await _save(visit, filled, None)


async def show_template(visit: Visit) -> Response:
    """Show a wording's form."""
    template = await _find(visit)
    if template is None:
        return visit.missing("template")
    return await _show_form(visit, fill(_stored(template)), template)


async def change_template(visit: Visit) -> Response:
    """Change a wording. Its brand and what it is for stay."""
    known = await _find(visit)
    if known is None:
        return visit.missing("template")
    filled = read_form(visit, _stored(known))
    if visit.field("look"):
        return await _show_form(visit, _simplified(visit, filled), known)
    return await _save(visit, filled, known)


async def delete_template(visit: Visit) -> Response:
    """Take a wording away."""
    known = await _find(visit)
    if known is None:
        return visit.missing("template")
    await visit.services.store.submit(DeleteTemplate(known, visit.actor))
    return go_saved(visit, TEMPLATES.path)


def _judge(visit: Visit, template: Template, brands: dict[str, Brand]) -> Said:
    brand = brands.get(template.brand)
    if brand is None or not template.body:
        return Said(brand=brand)
    today = visit.services.clock.now().date()
    judged = judge_wording(template.kind, template.body, brand, today=today)
    simpler = simplify(template.body) != template.body
    return Said(judged.filled, spell_size(judged.filled), judged.findings, brand, simpler)


def _simplified(visit: Visit, filled: Filled) -> Filled:
    if visit.field("look") != "simplify":
        return filled
    values = {**filled.values, "body": simplify(filled.values["body"])}
    return msgspec.structs.replace(filled, values=values)


async def _new(visit: Visit) -> dict[str, str]:
    brands = await brands_of(visit)
    first = brands[0].id if len(brands) == 1 else ""
    return {"brand": first, "kind": WordingKind.MARKETING.value, "name": "", "body": ""}


def _stored(template: Template) -> dict[str, str]:
    return {"name": template.name, "body": template.body}


def _put(visit: Visit, filled: Filled, known: Template | None) -> Template:
    """Make the wording that is written; a kind that is none is taken for the first."""
    values, now = filled.values, visit.services.clock.now()
    if known is not None:
        return msgspec.structs.replace(known, name=values["name"], body=values["body"])
    chosen = next((one for one in KINDS if one.value == values["kind"]), WordingKind.MARKETING)
    return Template("", values["brand"], values["name"], chosen, values["body"], now, now)


async def _save(visit: Visit, filled: Filled, known: Template | None) -> Response:
    template = _put(visit, filled, known)
    if not filled.values["name"]:
        filled = filled.refused(name="Write a name. You find it again by it.")
    if not filled.values["body"]:
        filled = filled.refused(body="Write the text.")
    brands = {brand.id: brand for brand in await brands_of(visit)}
    if _judge(visit, template, brands).has_errors:
        filled = filled.refused(_ERRORS)
    if not filled.is_fine:
        return await _show_form(visit, filled, known)
    if known is not None and filled.values == _stored(known):
        return go_saved(visit, TEMPLATES.path, changed=False)
    try:
        await visit.services.store.submit(SaveTemplate(template, visit.actor, known))
    except Rejected as error:
        return await _show_form(visit, filled.rejected(error, _FIELDS), known)
    return go_saved(visit, TEMPLATES.path)


async def _show_form(visit: Visit, filled: Filled, template: Template | None) -> Response:
    """Show the page; while one types, only what is said about the wording."""
    brands = {brand.id: brand for brand in await brands_of(visit)}
    said = _judge(visit, _put(visit, filled, template), brands)
    if visit.is_fragment and visit.field("look"):
        changes = may_change(visit, TEMPLATES)
        return visit.render("settings/template_said.html", said=said, may_change=changes)
    return await show(
        visit,
        TEMPLATES,
        "template.html",
        status=200 if filled.is_fine else 422,
        form=filled,
        kept=template,
        kind="" if template is None else KINDS[template.kind],
        kinds=[(kind.value, words) for kind, words in KINDS.items()],
        brands=[(brand.id, brand.name) for brand in brands.values()],
        said=said,
        longest=BODY_CHARACTERS_MAX,
        longest_name=NAME_CHARACTERS_MAX,
    )


async def _find(visit: Visit) -> Template | None:
    wanted = visit.path("id")
    for template in await visit.services.store.read_templates():
        if template.id == wanted and template.deleted_at is None:
            return template if visit.agent.sees(template.brand) else None
    return None


PAGES: Final = (
    Page(path="/settings/templates", view=list_templates, permission=Permission.READ_SETTINGS),
    Page(path="/settings/new-template", view=new_template, permission=Permission.CHANGE_SETTINGS),
    Page(
        path="/settings/new-template",
        view=add_template,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
    ),
    Page(
        path="/settings/templates/{id}",
        view=show_template,
        permission=Permission.READ_SETTINGS,
        example={"id": "friday"},
    ),
    Page(
        path="/settings/templates/{id}",
        view=change_template,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
        example={"id": "friday"},
    ),
    Page(
        path="/settings/templates/{id}/delete",
        view=delete_template,
        permission=Permission.CHANGE_SETTINGS,
        method="POST",
        example={"id": "friday"},
    ),
)
