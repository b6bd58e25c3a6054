"""An opt-out that a customer told an agent: by phone, by mail or in person, with their words."""

from typing import Final

from starlette.responses import Response

from consentry.console.customer_page import read_frame
from consentry.console.customer_seen import Seen, with_customer
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


async def ask_opt_out(visit: Visit, seen: Seen) -> Response:
    """Show the form."""
    main = seen.find_phone(visit.query("phone")) or seen.main
    values = {} if main is None else {"phone": main.number}
    return await _show(visit, seen, OptOutForm({"medium": Medium.PHONE, **values}))


async def _show(visit: Visit, seen: Seen, form: OptOutForm, status: int = 200) -> Response:
    frame = await read_frame(visit, seen)
    return visit.render(
        "customer_opt_out.html",
        status=status,
        opt_out=form,
        scopes=list_scopes(seen.senders, seen.directory),
        media=list_media(),
        zone=read_zone(visit).key,
        **frame,
    )


async def record_opt_out(visit: Visit, seen: Seen) -> Response:
    """Record it with its evidence; from then on nothing leaves for this number."""
    form = read_opt_out_form(visit, list_scopes(seen.senders, seen.directory))
    phone = seen.find_phone(form.values["phone"])
    if phone is None:
        form = form.refused(phone="Choose the phone that this is about.")
    if form.errors or phone is None:
        return await _show(visit, seen, form, 422)
    await record_told(visit, form, phone.number)
    return visit.go(seen.address)


_PATH: Final = "/customers/{id}/opt-out"

PAGES: Final = (
    Page(path=_PATH, view=with_customer(ask_opt_out), permission=Permission.RECORD_CONSENT),
    Page(
        path=_PATH,
        view=with_customer(record_opt_out),
        permission=Permission.RECORD_CONSENT,
        method="POST",
    ),
)
