"""The numbers that must not be texted: searched, filtered, paged, taken along."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

import msgspec
from starlette.responses import Response

from consentry.console.exports import Export, Row, send_export
from consentry.console.opt_outs_filter import Asked, list_scope_choices, read_asked
from consentry.console.opt_outs_words import CAUSES, Hold, HoldLine, describe, list_holds, state_of
from consentry.console.pages import Page, Visit
from consentry.console.rendering import rfc3339
from consentry.console.sender_choice import visible_scopes
from consentry.console.visible import name_visible
from consentry.domain.agents import Permission
from consentry.domain.consent import PairState
from consentry.domain.customers import Customer
from consentry.ports import OptOut, Rejected
from consentry.ports import Page as ListPage

_ON_A_PAGE: Final = 50
_IN_A_SLICE: Final = 200
_COLUMNS: Final = (
    "number",
    "since",
    "cause",
    "scope",
    "layer",
    "by_person",
    "customer_name",
    "entry",
)


class OptOutRow(msgspec.Struct, frozen=True):
    """A number of the list as it is shown."""

    recipient: str
    since: datetime
    state: PairState
    customer: Customer | None
    lines: list[HoldLine]


async def show_opt_outs(visit: Visit) -> Response:
    """List the opted-out numbers, newest first."""
    choices = await list_scope_choices(visit)
    asked = await read_asked(visit, choices)
    before = visit.query("before") or None
    page = ListPage(limit=_ON_A_PAGE, before=before)
    items, following = [], None
    if not asked.errors:
        found = await visit.services.store.read_opt_outs(asked.wanted, page)
        items, following = found.items, found.next
    return visit.render(
        "opt_outs.html",
        status=400 if asked.errors else 200,
        rows=[row for item in items if (row := await _describe(visit, item)) is not None],
        asked=asked,
        choices=choices,
        causes=CAUSES,
        before=before,
        following=following,
    )


async def _describe(visit: Visit, item: OptOut) -> OptOutRow | None:
    directory = await visit.services.store.read_directory()
    holds = list_holds(item.standing, directory, await visible_scopes(visit))
    if not holds:
        return None
    return OptOutRow(
        recipient=item.recipient,
        since=holds[0].since,
        state=state_of(holds),
        customer=await name_visible(visit, item.customer),
        lines=describe(holds, directory),
    )


async def export_opt_outs(visit: Visit) -> Response:
    """Send all that the filters let through as CSV, a row for everything that holds a number."""
    asked = await read_asked(visit, await list_scope_choices(visit))
    if asked.errors:
        raise Rejected("invalid_filter", " ".join(asked.errors.values()), status=400)
    day = visit.services.clock.now()
    export = Export(
        name=f"opt-outs-{day:%Y-%m-%d}.csv",
        columns=_COLUMNS,
        what="opt-outs",
        part=asked.words,
    )
    return send_export(visit, export, _read_all(visit, asked))


async def _read_all(visit: Visit, asked: Asked) -> AsyncIterator[list[Row]]:
    scopes = await visible_scopes(visit)
    before: str | None = None
    while True:
        page = ListPage(limit=_IN_A_SLICE, before=before)
        found = await visit.services.store.read_opt_outs(asked.wanted, page)
        rows: list[Row] = []
        for item in found.items:
            holds = list_holds(item.standing, await visit.services.store.read_directory(), scopes)
            customer = await name_visible(visit, item.customer) if holds else None
            rows += [_cells(item, hold, customer) for hold in holds]
        yield rows
        if found.next is None:
            return
        before = found.next


def _cells(item: OptOut, hold: Hold, customer: Customer | None) -> Row:
    return (
        item.recipient,
        rfc3339(hold.since),
        hold.cause or "",
        hold.scope,
        hold.layer or "",
        "true" if hold.by_person else "false",
        "" if customer is None else customer.name,
        hold.entry,
    )


PAGES: Final = (
    Page(path="/opt-outs", view=show_opt_outs, permission=Permission.READ_OPT_OUTS),
    Page(path="/opt-outs.csv", view=export_opt_outs, permission=Permission.EXPORT),
)
