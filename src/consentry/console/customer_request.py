"""Having a person asked for consent: an agent says how they know, and the handset answers."""

from datetime import datetime
from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.record_consent import Statement
from consentry.actions.request_consent import RequestConsent
from consentry.console.customer_page import read_frame
from consentry.console.customer_seen import Seen, SeenPhone, with_customer
from consentry.console.pages import Page, Visit
from consentry.console.timeline_page import read_zone
from consentry.console.timeline_words import spell_medium, spell_program
from consentry.console.told_form import TOLD_BY, read_when
from consentry.domain.agents import Permission
from consentry.domain.entries import Evidence, Medium
from consentry.ports import Rejected

_NOTE_CHARACTERS_MAX: Final = 500
_FIELDS: Final = ("phone", "program", "medium", "call", "note", "when")


class RequestForm(msgspec.Struct, frozen=True):
    """What was typed, by field, what is wrong with it, and why nothing is sent."""

    values: dict[str, str] = {}
    errors: dict[str, str] = {}
    told: str = ""


async def ask_request(visit: Visit, seen: Seen) -> Response:
    """Show the form."""
    main = seen.find_phone(visit.query("phone")) or seen.main
    values = {"medium": Medium.PAPER.value, "program": visit.query("program")}
    if main is not None:
        values["phone"] = main.number
    return await _show(visit, seen, RequestForm(values))


async def _show(visit: Visit, seen: Seen, form: RequestForm, status: int = 200) -> Response:
    frame = await read_frame(visit, seen)
    programs = _list_programs(seen)
    calls = [
        (call.id, f"{call.wording.heading} ({spell_program(call.program, seen.directory)})")
        for call in seen.directory.calls_to_action.values()
        if call.program in dict(programs)
    ]
    return visit.render(
        "customer_request.html",
        status=status,
        asked=form,
        programs=programs,
        calls=[("", "None; the texts are no marketing"), *calls],
        media=[(medium.value, spell_medium(medium)) for medium in TOLD_BY],
        zone=read_zone(visit).key,
        **frame,
    )


def _list_programs(seen: Seen) -> list[tuple[str, str]]:
    """List what this person can be asked for: the programs of the brands that the agent sees."""
    brands = {sender.brand for sender in seen.senders}
    return [
        (program.id, spell_program(program.id, seen.directory))
        for program in seen.directory.programs.values()
        if program.enabled and program.brand in brands and not program.is_conversation
    ]


async def request_consent(visit: Visit, seen: Seen) -> Response:
    """Have the person asked; where nothing is sent, say why."""
    values = {name: visit.field(name).replace("\r\n", "\n").strip() for name in _FIELDS}
    phone = seen.find_phone(values["phone"])
    at, errors = _check(visit, seen, values, phone)
    if errors or phone is None:
        return await _show(visit, seen, RequestForm(values, errors), 422)
    medium = Medium(values["medium"])
    statement = Statement(
        recipient=phone.number,
        actor=visit.actor,
        reason=f"Told {spell_medium(medium)} to {visit.agent.name or visit.agent.email}",
        evidence=Evidence(medium=medium, at=at, note=values["note"] or None),
    )
    command = RequestConsent(statement, values["program"], call_to_action=values["call"] or None)
    try:
        recorded = await visit.services.store.submit(command)
    except Rejected as error:
        return await _show(visit, seen, RequestForm(values, told=str(error)), error.status)
    if recorded.message is None:
        return await _show(visit, seen, RequestForm(values, told=recorded.note or ""), 409)
    visit.services.delivery.wake()
    return visit.go(f"{seen.address}/consent")


def _check(
    visit: Visit, seen: Seen, values: dict[str, str], phone: SeenPhone | None
) -> tuple[datetime | None, dict[str, str]]:
    errors = {}
    if phone is None:
        errors["phone"] = "Choose the phone to ask."
    if values["program"] not in dict(_list_programs(seen)):
        errors["program"] = "Choose what to ask for."
    if values["medium"] not in {str(medium) for medium in TOLD_BY}:
        errors["medium"] = "Choose how they told it."
    if len(values["note"]) > _NOTE_CHARACTERS_MAX:
        errors["note"] = f"At most {_NOTE_CHARACTERS_MAX} characters fit."
    at, wrong = read_when(visit, values["when"])
    if wrong:
        errors["when"] = wrong
    return at, errors


_PATH: Final = "/customers/{id}/request"

PAGES: Final = (
    Page(path=_PATH, view=with_customer(ask_request), permission=Permission.RECORD_CONSENT),
    Page(
        path=_PATH,
        view=with_customer(request_consent),
        permission=Permission.RECORD_CONSENT,
        method="POST",
    ),
)
