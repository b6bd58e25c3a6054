"""An opt-out of a number that somebody told an agent, whether or not a customer has it."""

from typing import Final

from starlette.responses import Response

from consentry.console.pages import Page, Visit
from consentry.console.timeline_page import read_zone
from consentry.console.told_form import (
    OptOutForm,
    list_media,
    list_scopes,
    read_opt_out_form,
    record_told,
)
from consentry.domain.agents import Permission
from consentry.domain.entries import Medium
from consentry.domain.phone import InvalidNumber, normalize_phone

_PATH: Final = "/opt-outs/told"
_LIST: Final = "/console/reports/told"


async def ask_told(visit: Visit) -> Response:
    """Show the form."""
    values = {"medium": str(Medium.PHONE), "phone": visit.query("phone")}
    return await _show(visit, OptOutForm(values))


async def _show(visit: Visit, form: OptOutForm, status: int = 200) -> Response:
    directory = await visit.services.store.read_directory()
    return visit.render(
        "opt_out_told.html",
        status=status,
        opt_out=form,
        scopes=list_scopes(await visit.senders(), directory),
        media=list_media(),
        zone=read_zone(visit).key,
    )


async def take_told(visit: Visit) -> Response:
    """Record it; from then on nothing leaves for this number."""
    directory = await visit.services.store.read_directory()
    form = read_opt_out_form(visit, list_scopes(await visit.senders(), directory))
    recipient = ""
    try:
        recipient = normalize_phone(form.values["phone"], region=visit.services.default_region)
    except InvalidNumber as error:
        form = form.refused(phone=str(error))
    if form.errors:
        return await _show(visit, form, 422)
    recorded = await record_told(visit, form, recipient)
    if not visit.agent.may(Permission.READ_REPORTS):
        return visit.go(f"/console/opt-outs?search=%2B{recipient.removeprefix('+')}")
    return visit.go(f"{_LIST}#{recorded.entry}")


PAGES: Final = (
    Page(path=_PATH, view=ask_told, permission=Permission.RECORD_CONSENT),
    Page(path=_PATH, view=take_told, permission=Permission.RECORD_CONSENT, method="POST"),
)
