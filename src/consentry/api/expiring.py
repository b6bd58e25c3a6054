"""Consents that run out soon, so that people can be asked again before they do."""

from datetime import timedelta
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.api.listing import Listing
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import Limit
from consentry.api.views import ConsentView, view_consent
from consentry.ports import ExpiringFilter, Page, Scope

WITHIN_DAYS_MAX: Final = 3660


class ExpiringQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which consents to list: those that run out within so many days, of one program or all."""

    within_days: Annotated[int, msgspec.Meta(ge=1, le=WITHIN_DAYS_MAX)] = 30
    program: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    limit: Limit = 50
    cursor: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=1,
                max_length=1000,
                pattern=r"^[0-9a-f]+$",
                description="`next` of the page before.",
            ),
        ]
        | UnsetType
    ) = UNSET


class ExpiringView(msgspec.Struct, frozen=True):
    """A consent that runs out, and the number that gave it."""

    recipient: str
    consent: ConsentView


async def list_expiring(call: Call[None, ExpiringQuery]) -> Answer:
    """List the active consents that run out soon, what runs out first first."""
    asked, now = call.query, call.services.clock.now()
    wanted = ExpiringFilter(
        since=now,
        until=now + timedelta(days=asked.within_days),
        programs=None if asked.program is UNSET else (asked.program,),
    )
    page = Page(asked.limit, None if asked.cursor is UNSET else asked.cursor)
    found = await call.services.store.read_expiring(wanted, page)
    items = [ExpiringView(item.recipient, view_consent(item.consent)) for item in found.items]
    return Answer(Listing(items, found.next))


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/consents/expiring",
        tag=Tag.CONSENT,
        summary="Consents that run out soon",
        description="Active ones, what runs out first first. Nothing is sent by itself: ask the "
        "person again, or record what renews it. A page may hold fewer than `limit` and still have "
        "a `next`.",
        handler=list_expiring,
        scope=Scope.READ,
        for_brands=True,
        query=ExpiringQuery,
        answers={200: Listing[ExpiringView]},
    ),
)
