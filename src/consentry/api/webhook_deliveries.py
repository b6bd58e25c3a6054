"""What webhooks and programs are still to be told, or could not be told: listed and replayed."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.keep_webhooks import find_webhook
from consentry.actions.replay_notices import check_is_on, replay_all, replay_one
from consentry.api.listing import Listing
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import Limit, to_utc
from consentry.domain.notices import EventNotice, NoticeKind, Try
from consentry.domain.webhooks import EventType
from consentry.ports import ListedNotice, NoticeFilter, Page, Scope

Cursor = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=400,
        pattern=r"^[0-9a-f]+$",
        description="`next` of the page before.",
    ),
]
Time = Annotated[datetime, msgspec.Meta(tz=True)]


class DeliveryStatus(StrEnum):
    """Whether it waits for its next try, or was given up."""

    WAITING = "waiting"
    FAILED = "failed"


class DeliveryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which deliveries to list."""

    status: DeliveryStatus = DeliveryStatus.FAILED
    limit: Limit = 50
    cursor: Cursor | UnsetType = UNSET


class ReplayRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of what time to replay, by when it happened; left out: all that was kept."""

    since: Time | None = None
    until: Time | None = None


class Replayed(msgspec.Struct, frozen=True):
    """How many deliveries are tried anew."""

    replayed: int


class DeliveryView(msgspec.Struct, frozen=True):
    """One thing to tell one program.

    `event`, `webhook`: of a webhook. `url`, `message`: of a program at the Twilio-compatible door,
    where `kind` says what it was to be told. `due_at`: when it is tried again, null where it was
    given up, and `why` says for what reason. `tries`: the newest, the last one last.
    """

    id: str
    kind: NoticeKind
    status: DeliveryStatus
    recipient: str
    made_at: datetime
    due_at: datetime | None
    attempts: int
    why: str | None
    tries: tuple[Try, ...]
    replayed_at: datetime | None
    event: EventType | None = None
    webhook: str | None = None
    url: str | None = None
    message: str | None = None


def view_delivery(listed: ListedNotice) -> DeliveryView:
    """Show a delivery, without what it tells."""
    notice, failed = listed.notice, listed.notice.given_up is not None
    view = DeliveryView(
        id=notice.id,
        kind=notice.kind,
        status=DeliveryStatus.FAILED if failed else DeliveryStatus.WAITING,
        recipient=notice.recipient,
        made_at=notice.made_at,
        due_at=None if failed else listed.at,
        attempts=notice.attempts,
        why=notice.given_up,
        tries=notice.tries,
        replayed_at=notice.replayed_at,
    )
    if isinstance(notice, EventNotice):
        return msgspec.structs.replace(view, event=notice.event, webhook=notice.webhook)
    return msgspec.structs.replace(view, url=notice.callback.url, message=notice.message.id)


async def _list(call: Call[None, DeliveryQuery], lane: str | None) -> Answer:
    query = call.query
    wanted = NoticeFilter(given_up=query.status is DeliveryStatus.FAILED, lane=lane)
    before = None if query.cursor is UNSET else query.cursor
    page = await call.services.store.list_notices(wanted, Page(query.limit, before))
    return Answer(Listing([view_delivery(one) for one in page.items], page.next))


async def list_webhook_deliveries(call: Call[None, DeliveryQuery]) -> Answer:
    """List what is to be told, or could not be, of all webhooks and programs."""
    return await _list(call, None)


async def list_deliveries_of_webhook(call: Call[None, DeliveryQuery]) -> Answer:
    """List what a webhook is to be told, or could not be."""
    webhook = await find_webhook(call.services.store, call.path["id"])
    return await _list(call, webhook.id)


async def replay_webhook_delivery(call: Call[None, None]) -> Answer:
    """Have one told anew that was given up."""
    await replay_one(call.services.store, call.path["id"], call.actor)
    return Answer(Replayed(1))


async def replay_deliveries_of_webhook(call: Call[ReplayRange, None]) -> Answer:
    """Have all of a time told anew that a webhook could not be told."""
    store, asked, webhook = call.services.store, call.body, call.path["id"]
    await check_is_on(store, webhook)
    since = None if asked.since is None else to_utc(asked.since, "since")
    until = None if asked.until is None else to_utc(asked.until, "until")
    wanted = NoticeFilter(lane=webhook, since=since, until=until)
    return Answer(Replayed(await replay_all(store, wanted, call.actor)))


_DELIVERY: Final = {
    "id": "evt_ent_01KAPZ5V0Q3M9X8ZC4T2N6R7HD_00.whk_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
    "kind": "event",
    "status": "failed",
    "event": "consent.revoked",
    "webhook": "whk_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
    "url": None,
    "recipient": "+14155550142",
    "message": None,
    "made_at": "2026-11-30T10:00:00Z",
    "due_at": None,
    "attempts": 10,
    "why": "It answered with HTTP 500.",
    "tries": [{"at": "2026-11-30T10:00:00Z", "why": "It answered with HTTP 500.", "status": 500}],
    "replayed_at": None,
}
_LIST: Final = {"items": [_DELIVERY], "next": None}

OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/webhook-deliveries",
        tag=Tag.WEBHOOKS,
        summary="What could not be told",
        description="Of all webhooks, and of programs at the Twilio-compatible door. What was "
        "given up is kept for `CONSENTRY_WEBHOOK_FAILED_DAYS`.",
        handler=list_webhook_deliveries,
        scope=Scope.ADMIN,
        query=DeliveryQuery,
        answers={200: Listing[DeliveryView]},
        answer_example=_LIST,
    ),
    Operation(
        method="POST",
        path="/v1/webhook-deliveries/{id}/replay",
        tag=Tag.WEBHOOKS,
        summary="Replay one delivery",
        description="It is tried at once, and again as it was the first time.",
        handler=replay_webhook_delivery,
        scope=Scope.ADMIN,
        answers={200: Replayed},
        errors=("not_found", "not_failed", "webhook_disabled"),
        answer_example={"replayed": 1},
    ),
    Operation(
        method="GET",
        path="/v1/webhooks/{id}/deliveries",
        tag=Tag.WEBHOOKS,
        summary="What a webhook could not be told",
        handler=list_deliveries_of_webhook,
        scope=Scope.ADMIN,
        query=DeliveryQuery,
        answers={200: Listing[DeliveryView]},
        errors=("not_found",),
        answer_example=_LIST,
    ),
    Operation(
        method="POST",
        path="/v1/webhooks/{id}/replay",
        tag=Tag.WEBHOOKS,
        summary="Replay what a webhook could not be told",
        description="All of it, or what happened in a time: to catch up after an outage.",
        handler=replay_deliveries_of_webhook,
        scope=Scope.ADMIN,
        body=ReplayRange,
        answers={200: Replayed},
        errors=("not_found", "webhook_disabled", "invalid_time"),
        example={"since": "2026-11-30T09:00:00Z"},
        answer_example={"replayed": 12},
    ),
)
