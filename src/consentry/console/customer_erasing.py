"""A customer is erased, after a plain word of what goes and what stays; or taken along as it is."""

from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.erase import REASON_CHARACTERS_MAX, Erased, erase_number
from consentry.actions.export_customer import export_customer
from consentry.actions.keep_customers import DeleteCustomer
from consentry.console.customer_page import read_frame
from consentry.console.customer_seen import Seen, look_at, with_customer
from consentry.console.pages import Page, Visit
from consentry.console.rendering import PRIVATE
from consentry.domain.agents import Permission
from consentry.domain.standing import SMSPreference
from consentry.ports import Rejected

_ONLY_COUNTED: Final = "Counted before somebody is erased"


class EraseForm(msgspec.Struct, frozen=True):
    """What was typed, and what is wrong with it, by field; `form` is about all of it."""

    reason: str = ""
    is_sure: bool = False
    errors: dict[str, str] = {}


async def ask_to_erase(visit: Visit, seen: Seen) -> Response:
    """Say what would go and what would stay, and ask."""
    return await _show(visit, seen, EraseForm())


async def _show(visit: Visit, seen: Seen, form: EraseForm, status: int = 200) -> Response:
    if not seen.sees_all:
        return visit.missing("customer")
    counted = [await _erase(visit, n, _ONLY_COUNTED, is_dry_run=True) for n in seen.numbers]
    frame = await read_frame(visit, seen)
    return visit.render(
        "customer_erase.html",
        status=status,
        erasing=form,
        entries=sum(one.entries for one in counted),
        texts=sum(one.rows.get("messages", 0) for one in counted),
        waiting_texts=sum(one.rows.get("jobs", 0) for one in counted),
        kept=any(one.kept for one in counted),
        forbids=any(p.standing.sms_preference is SMSPreference.FORBIDDEN for p in seen.phones),
        reason_max=REASON_CHARACTERS_MAX,
        **frame,
    )


async def _erase(visit: Visit, number: str, reason: str, *, is_dry_run: bool) -> Erased:
    store = visit.services.store
    return await erase_number(number, reason, visit.actor, store, is_dry_run=is_dry_run)


async def erase(visit: Visit, seen: Seen) -> Response:
    """Erase every number of the customer, one after the other, and the profile with the last."""
    form = EraseForm(visit.field("reason").strip(), visit.field("sure") == "yes")
    errors = {}
    if not form.reason:
        errors["reason"] = "Say why: it is kept as the reason."
    if not form.is_sure:
        errors["sure"] = "Tick this, or keep the customer."
    if errors or not seen.sees_all:
        return await _show(visit, seen, msgspec.structs.replace(form, errors=errors), 422)
    try:
        for number in seen.numbers:
            await _erase(visit, number, form.reason, is_dry_run=False)
        if not seen.numbers:
            await visit.services.store.submit(DeleteCustomer(seen.customer.id, visit.actor))
    except Rejected as error:
        # Numbers before this one are erased: what is left of the customer is shown.
        return await _show_rest(visit, seen, form, error)
    return visit.go("/console")


async def _show_rest(visit: Visit, seen: Seen, form: EraseForm, error: Rejected) -> Response:
    customer = await visit.services.store.read_customer(seen.customer.id)
    rest = None if customer is None else await look_at(visit, customer)
    field = "reason" if error.code.startswith("reason") else "form"
    told = msgspec.structs.replace(form, errors={field: str(error)})
    return await _show(visit, rest or seen, told, error.status)


async def take_along(visit: Visit, seen: Seen) -> Response:
    """Send all that is held of the customer as JSON; the audit says who took it."""
    if not seen.sees_all:
        return visit.missing("customer")
    services = visit.services
    held = await export_customer(
        seen.customer.id, visit.actor, services.store, services.clock.now()
    )
    return Response(
        msgspec.json.format(msgspec.json.encode(held), indent=2),
        media_type="application/json",
        headers={
            **PRIVATE,
            "Content-Disposition": f'attachment; filename="held-{seen.customer.id}.json"',
        },
    )


_PATH: Final = "/customers/{id}/erase"

PAGES: Final = (
    Page(path=_PATH, view=with_customer(ask_to_erase), permission=Permission.ERASE),
    Page(path=_PATH, view=with_customer(erase), permission=Permission.ERASE, method="POST"),
    Page(
        path="/customers/{id}/held.json",
        view=with_customer(take_along),
        permission=Permission.ERASE,
    ),
)
