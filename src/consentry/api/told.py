"""The opt-outs that people told by phone, by mail, on the web or in person."""

from typing import Final, Literal

import msgspec
from msgspec import UNSET

from consentry.actions.list_told import ToldOptOut, list_told
from consentry.api.listing import Listing
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import PageQuery
from consentry.api.views import ClockView, view_clock
from consentry.domain.entries import Entry
from consentry.ports import Page, Scope


class ToldQuery(PageQuery, frozen=True, forbid_unknown_fields=True):
    """Which to list; `late`: only those that were recorded after the law's last day."""

    late: Literal["true", "false"] = "false"


class ToldView(msgspec.Struct, frozen=True):
    """An opt-out: whose, how fast it came into force, and the ledger entry with its evidence."""

    recipient: str
    clock: ClockView
    entry: Entry


async def list_told_opt_outs(call: Call[None, ToldQuery]) -> Answer:
    """List them, recorded last first."""
    query = call.query
    page = Page(query.limit, None if query.cursor is UNSET else query.cursor)
    found = await list_told(call.services.store, page, only_late=query.late == "true")
    return Answer(Listing([_view(told) for told in found.items], found.next))


def _view(told: ToldOptOut) -> ToldView:
    return ToldView(told.entry.recipient, view_clock(told.clock), told.entry)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/opt-outs/told",
        tag=Tag.CONSENT,
        summary="Opt-outs that were told to somebody",
        description="By phone, mail, web or in person, recorded last first, each with its legal "
        "clock. What people texted is not among them. A page may hold fewer than `limit` and still "
        "have a `next`.",
        handler=list_told_opt_outs,
        scope=Scope.READ,
        for_brands=True,
        query=ToldQuery,
        answers={200: Listing[ToldView]},
    ),
)
