"""Two profiles of one person are merged: found, shown as they will be, then joined."""

from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.keep_customers import MergeCustomers, join_profiles
from consentry.console.card import build_card, worst_state
from consentry.console.customer_page import read_frame
from consentry.console.customer_seen import Seen, look_at, with_customer
from consentry.console.pages import Page, Visit
from consentry.domain.agents import Permission
from consentry.ports import Page as ListPage
from consentry.ports import Rejected

_FOUND_MAX: Final = 20
_SEARCH_CHARACTERS_MAX: Final = 200


async def ask_merge(visit: Visit, seen: Seen) -> Response:
    """Search for the other profile; with one chosen, show what will become of both."""
    return await _show(visit, seen, visit.query("with"))


async def _show(
    visit: Visit, seen: Seen, other_id: str, *, error: str = "", status: int = 200
) -> Response:
    other = await _find(visit, seen, other_id) if other_id else None
    find = visit.query("find")[:_SEARCH_CHARACTERS_MAX]
    frame = await read_frame(visit, seen)
    return visit.render(
        "customer_merge.html",
        status=status,
        find=find,
        found=await _search(visit, seen, find) if find else (),
        other=other,
        merged=None if other is None else _preview(seen, other),
        error=error or ("There is no such customer to merge." if other_id and not other else ""),
        **frame,
    )


async def _find(visit: Visit, seen: Seen, other_id: str) -> Seen | None:
    """Find the other profile, where it is another one that the agent may see."""
    found = await visit.services.store.read_customer(other_id)
    if found is None or found.merged_into is not None or found.id == seen.customer.id:
        return None
    return await look_at(visit, found)


async def _search(visit: Visit, seen: Seen, find: str) -> tuple[Seen, ...]:
    page = ListPage(limit=_FOUND_MAX)
    customers = await visit.services.store.read_customers(page, search=find)
    others = [one for one in customers if one.id != seen.customer.id and not one.merged_into]
    looked = [await look_at(visit, one) for one in others]
    return tuple(one for one in looked if one is not None)


def _preview(seen: Seen, other: Seen) -> dict[str, object]:
    """Show the profile as it will be: every number keeps what stands for it."""
    joined = join_profiles(seen.customer, other.customer)
    known = {phone.number: phone for phone in (*other.phones, *seen.phones)}
    phones = tuple(
        msgspec.structs.replace(known[phone.normalized], phone=phone) for phone in joined.phones
    )
    whole = msgspec.structs.replace(seen, customer=joined, phones=phones)
    card = build_card(whole)
    return {
        "seen": whole,
        "phones": [(phone, worst_state((phone,))) for phone in card],
        "state": worst_state(card),
    }


async def merge(visit: Visit, seen: Seen) -> Response:
    """Merge the other profile into this one."""
    other = await _find(visit, seen, visit.field("other"))
    if other is None:
        return await _show(visit, seen, visit.field("other") or "none", status=422)
    command = MergeCustomers(seen.customer.id, other.customer.id, visit.actor)
    try:
        await visit.services.store.submit(command)
    except Rejected as error:
        return await _show(visit, seen, "", error=str(error), status=error.status)
    return visit.go(f"{seen.address}#card")


_PATH: Final = "/customers/{id}/merge"

PAGES: Final = (
    Page(path=_PATH, view=with_customer(ask_merge), permission=Permission.EDIT_CUSTOMERS),
    Page(
        path=_PATH, view=with_customer(merge), permission=Permission.EDIT_CUSTOMERS, method="POST"
    ),
)
