"""Calls to action: what people are shown before they consent, and where to put it."""

from typing import Final

import msgspec
from markupsafe import Markup
from starlette.responses import Response

from consentry.actions.save_call_to_action import (
    HEADING_CHARACTERS_MAX,
    KEYWORD_CHARACTERS_MAX,
    SENTENCE_CHARACTERS_MAX,
    TEXT_CHARACTERS_MAX,
    Drawn,
    SaveCallToAction,
    draw,
    read_wording,
)
from consentry.actions.take_opt_in import is_open
from consentry.console.pages import Page, Visit
from consentry.console.settings.filled import Filled, fill, read_form
from consentry.console.settings.sections import CALLS_TO_ACTION, brands_of, go_saved, show
from consentry.domain.agents import Permission
from consentry.domain.call_to_action_embedding import opt_in_path, write_form, write_script_tag
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.directory import Directory, Program
from consentry.ports import Page as ListPage
from consentry.ports import Rejected

MEDIA: Final = {
    CallMedium.WEB.value: "On a web page: a form with a box to tick",
    CallMedium.KEYWORD.value: "By keyword: “text JOIN to …” on a poster or in an ad",
    CallMedium.PAPER.value: "On paper: a list or a card to sign",
    CallMedium.VERBAL.value: "Spoken: read out at a counter or on the phone",
}
LANGUAGES: Final = {"en": "English", "es": "Spanish"}
_LONGEST: Final = {
    "heading": HEADING_CHARACTERS_MAX,
    "frequency": SENTENCE_CHARACTERS_MAX,
    "keyword": KEYWORD_CHARACTERS_MAX,
    "text": TEXT_CHARACTERS_MAX,
}
_VERSIONS_SHOWN: Final = 50
_NEW: Final = {
    "program": "",
    "medium": CallMedium.WEB.value,
    "locale": "en",
    "heading": "",
    "frequency": "",
    "keyword": "",
    "text": "",
}


class Row(msgspec.Struct, frozen=True):
    """A call to action in the list; `is_open` says whether people can be asked with it."""

    call: CallToAction
    program: Program
    is_open: bool


class Embedding(msgspec.Struct, frozen=True):
    """What to put where: the page's address, a form to copy, a script tag, a code's addresses."""

    address: str
    form: str
    script: str
    code: str


async def list_calls(visit: Visit) -> Response:
    """List the calls to action of the brands this agent works for."""
    directory = await visit.services.store.read_directory()
    rows = []
    for call in directory.calls_to_action.values():
        program = _program_of(visit, call.program, directory)
        if program is not None:
            rows.append(Row(call, program, is_open=is_open(call, directory)))
    programs = await _programs(visit)
    return await show(
        visit, CALLS_TO_ACTION, "calls_to_action.html", rows=rows, has_programs=bool(programs)
    )


async def new_call(visit: Visit) -> Response:
    """Show the form for a new call to action."""
    asked = visit.query("program")
    return await _show_form(visit, fill({**_NEW, "program": asked}), None)


async def add_call(visit: Visit) -> Response:
    """Add a call to action to a program of a brand that this agent works for."""
    filled = read_form(visit, _NEW)
    directory = await visit.services.store.read_directory()
    if _program_of(visit, filled.values["program"], directory) is None:
        filled = filled.refused(program="Choose one of the programs.")
    return await _save(visit, filled, None)


async def show_call(visit: Visit) -> Response:
    """Show a call to action: its form, its versions, and where to put it."""
    known = await _find(visit)
    if known is None:
        return visit.missing("call to action")
    return await _show_form(visit, fill(_stored(known)), known)


async def change_call(visit: Visit) -> Response:
    """Make a new version."""
    known = await _find(visit)
    if known is None:
        return visit.missing("call to action")
    return await _save(visit, read_form(visit, _stored(known)), known)


async def look_at_new(visit: Visit) -> Response:
    """Draw what is being written for a new one, without saving it."""
    return await _show_form(visit, read_form(visit, _NEW), None)


async def look_at_call(visit: Visit) -> Response:
    """Draw what is being written, without saving it."""
    known = await _find(visit)
    if known is None:
        return visit.missing("call to action")
    return await _show_form(visit, read_form(visit, _stored(known)), known)


async def show_version(visit: Visit) -> Response:
    """Show a version exactly as people saw it."""
    known, number = await _find(visit), visit.path("version")
    call = None
    if known is not None and number.isascii() and number.isdigit() and len(number) <= 9:
        call = await visit.services.store.read_call_to_action(known.id, int(number))
    if call is None:
        return visit.missing("version")
    drawn = Markup(call.html)  # noqa: S704 - it was escaped when the version was made
    return await show(visit, CALLS_TO_ACTION, "call_version.html", call=call, drawn=drawn)


def _stored(call: CallToAction) -> dict[str, str]:
    wording = call.wording
    return {
        "locale": call.locale,
        "heading": wording.heading,
        "frequency": wording.frequency or "",
        "keyword": wording.keyword or "",
        "text": wording.text or "",
    }


def _command(visit: Visit, filled: Filled, known: CallToAction | None) -> SaveCallToAction:
    """Build what would be saved. Raises `Rejected` for a medium that there is not."""
    values = filled.values
    kept = Wording("") if known is None else known.wording
    wording = msgspec.structs.replace(
        kept,
        heading=values["heading"],
        frequency=values["frequency"] or None,
        keyword=values["keyword"] or None,
        text=values["text"] or None,
    )
    if known is not None:
        return SaveCallToAction(
            known.id, known.program, known.medium, values["locale"], wording, visit.actor
        )
    if values["medium"] not in MEDIA:
        raise Rejected("wording_invalid", "Choose where people meet it.", status=422)
    medium = CallMedium(values["medium"])
    return SaveCallToAction("", values["program"], medium, values["locale"], wording, visit.actor)


async def _save(visit: Visit, filled: Filled, known: CallToAction | None) -> Response:
    if not filled.is_fine:
        return await _show_form(visit, filled, known)
    try:
        saved = await visit.services.store.submit(_command(visit, filled, known))
    except Rejected as error:
        return await _show_form(
            visit, filled.rejected(error, {"unknown_program": "program"}), known
        )
    path = f"{CALLS_TO_ACTION.path}/{saved.id}"
    return go_saved(visit, path, changed=known is None or saved.version != known.version)


async def _show_form(visit: Visit, filled: Filled, known: CallToAction | None) -> Response:
    """Show the page; while one types, only how it would be shown."""
    directory = await visit.services.store.read_directory()
    drawn, problem = _draw(visit, filled, known, directory)
    checks = () if drawn is None else drawn.checks
    # What is marked safe was escaped where it was drawn.
    html = None if drawn is None else Markup(drawn.html)  # noqa: S704 - see above
    if visit.is_fragment:
        return visit.render("settings/call_said.html", checks=checks, drawn=html, problem=problem)
    programs = await _programs(visit)
    return await show(
        visit,
        CALLS_TO_ACTION,
        "call_to_action.html",
        status=200 if filled.is_fine else 422,
        form=filled,
        call=known,
        program=None if known is None else directory.program(known.program),
        programs=[(program.id, program.name) for program in programs],
        media=list(MEDIA.items()),
        languages=_languages(filled.values["locale"]),
        longest=_LONGEST,
        versions=[] if known is None else await _versions(visit, known),
        embedding=None if known is None else _embed(visit, known),
        checks=checks,
        drawn=html,
        problem=problem,
    )


def _languages(locale: str) -> list[tuple[str, str]]:
    """List the languages, and the locale that was set by a program where it has a region."""
    more = [] if locale in LANGUAGES else [(locale, locale)]
    return [*LANGUAGES.items(), *more]


def _draw(
    visit: Visit, filled: Filled, known: CallToAction | None, directory: Directory
) -> tuple[Drawn | None, str]:
    """Draw what is written so far, or say what it needs first."""
    program = filled.values.get("program", "")
    if known is None and _program_of(visit, program, directory) is None:
        return None, "Choose a program, and you see here what people are shown."
    if not filled.values["heading"]:
        return None, "Write a heading, and you see here what people are shown."
    try:
        asked = _command(visit, filled, known)
        return draw(asked, asked.id or "new", read_wording(asked.wording), directory), ""
    except Rejected as error:
        return None, str(error)


async def _versions(visit: Visit, known: CallToAction) -> list[CallToAction]:
    page = ListPage(limit=_VERSIONS_SHOWN)
    return await visit.services.store.read_calls_to_action(known.id, page)


def _embed(visit: Visit, call: CallToAction) -> Embedding:
    base = visit.services.public_url or str(visit.request.base_url).rstrip("/")
    address = base + opt_in_path(call.id)
    is_form = call.medium is CallMedium.WEB
    return Embedding(
        address if is_form else "",
        write_form(call, address) if is_form else "",
        write_script_tag(address) if is_form else "",
        f"{opt_in_path(call.id)}/qr" if call.medium in {CallMedium.WEB, CallMedium.KEYWORD} else "",
    )


async def _programs(visit: Visit) -> list[Program]:
    seen = {brand.id for brand in await brands_of(visit)}
    programs = (await visit.services.store.read_directory()).programs.values()
    return [program for program in programs if program.brand in seen]


def _program_of(visit: Visit, program_id: str, directory: Directory) -> Program | None:
    program = directory.programs.get(program_id)
    return program if program is not None and visit.agent.sees(program.brand) else None


async def _find(visit: Visit) -> CallToAction | None:
    directory = await visit.services.store.read_directory()
    call = directory.calls_to_action.get(visit.path("id"))
    if call is None or _program_of(visit, call.program, directory) is None:
        return None
    return call


_EXAMPLE: Final = {"id": "deals"}
_READ: Final = Permission.READ_SETTINGS
_CHANGE: Final = Permission.CHANGE_SETTINGS

PAGES: Final = (
    Page(path="/settings/calls-to-action", view=list_calls, permission=_READ),
    Page(path="/settings/new-call-to-action", view=new_call, permission=_CHANGE),
    Page(path="/settings/new-call-to-action", view=add_call, permission=_CHANGE, method="POST"),
    Page(
        path="/settings/new-call-to-action/look",
        view=look_at_new,
        permission=_CHANGE,
        method="POST",
    ),
    Page(path="/settings/calls-to-action/{id}", view=show_call, permission=_READ, example=_EXAMPLE),
    Page(
        path="/settings/calls-to-action/{id}",
        view=change_call,
        permission=_CHANGE,
        method="POST",
        example=_EXAMPLE,
    ),
    Page(
        path="/settings/calls-to-action/{id}/look",
        view=look_at_call,
        permission=_READ,
        method="POST",
        example=_EXAMPLE,
    ),
    Page(
        path="/settings/calls-to-action/{id}/versions/{version}",
        view=show_version,
        permission=_READ,
        example={**_EXAMPLE, "version": "1"},
    ),
)
