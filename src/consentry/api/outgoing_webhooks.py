"""Programs that are told what happens: set up, changed, tried, taken away."""

import secrets
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.keep_webhooks import (
    RemoveWebhook,
    SavedWebhook,
    WebhookWays,
    build_test_event,
    find_webhook,
    rotate_secret,
    save_webhook,
)
from consentry.api.listing import Listing, whole
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.problems import Problem
from consentry.domain.webhooks import (
    DESCRIPTION_CHARACTERS_MAX,
    SECRET_BYTES,
    URL_CHARACTERS_MAX,
    EventType,
    Webhook,
    WebhookHealth,
)
from consentry.ports import Scope, Untold

URL = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=URL_CHARACTERS_MAX,
        pattern="^https?://[!-~]+$",
        description="https://, to a public address. Others, and http://, only into networks that "
        "`CONSENTRY_WEBHOOK_PRIVATE_NETWORKS` names.",
    ),
]
Events = Annotated[
    tuple[EventType, ...],
    msgspec.Meta(max_length=20, description="What it is told of; none named: everything."),
]
Brands = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=200)], ...],
    msgspec.Meta(max_length=100, description="About which brands; none named: all."),
]
Description = Annotated[str, msgspec.Meta(max_length=DESCRIPTION_CHARACTERS_MAX)]


class NewWebhook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program that wants to be told."""

    url: URL
    events: Events = ()
    brands: Brands = ()
    description: Description = ""
    enabled: bool = True


class WebhookChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to change; what is left out stays. The secret is changed by rotating it."""

    url: URL | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    brands: Brands | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class LastResult(msgspec.Struct, frozen=True):
    """How telling it went last. `why`: it was not taken; `status`: what it answered, if at all.

    `taken_at`: when it last took something; `failing_since`: it took nothing since then.
    """

    at: datetime | None
    status: int | None
    why: str | None
    taken_at: datetime | None
    failing_since: datetime | None


class WebhookView(msgspec.Struct, frozen=True, kw_only=True):
    """A program that is told. `disabled_because`: we switched it off ourselves, and why."""

    id: str
    url: str
    events: tuple[EventType, ...]
    brands: tuple[str, ...]
    description: str
    enabled: bool
    disabled_because: str | None
    disabled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    last: LastResult | None = None


class NewWebhookAnswer(WebhookView, frozen=True, kw_only=True):
    """The program with its secret, which is shown this once."""

    secret: str


class NewSecret(msgspec.Struct, frozen=True):
    """The new secret, which is shown this once. The one of before signs as well for 24 hours."""

    secret: str


class TestResult(msgspec.Struct, frozen=True):
    """What came of a test event. `why`: it was not taken."""

    taken: bool
    status: int | None
    why: str | None


def view_webhook(webhook: Webhook, health: WebhookHealth | None) -> WebhookView:
    """Show a webhook, never its secret."""
    last = None
    if health is not None and health.at is not None:
        last = LastResult(
            health.at, health.status, health.why, health.taken_at, health.failing_since
        )
    return WebhookView(
        id=webhook.id,
        url=webhook.url,
        events=webhook.events,
        brands=webhook.brands,
        description=webhook.description,
        enabled=webhook.enabled,
        disabled_because=webhook.disabled_because,
        disabled_at=webhook.disabled_at,
        created_at=webhook.created_at,
        updated_at=webhook.updated_at,
        last=last,
    )


def _ways(call: Call[object, object]) -> WebhookWays:
    ways = call.services.webhook_ways
    if ways is None:
        raise Problem("not_found", "This server tells no webhooks.")
    return ways


async def _answer(call: Call[object, object], webhook: Webhook) -> Answer:
    known = {one.id: one for one in await call.services.store.read_webhook_health()}
    return Answer(view_webhook(webhook, known.get(webhook.id)))


async def list_outgoing_webhooks(call: Call[None, None]) -> Answer:
    """List the programs that are told."""
    store = call.services.store
    known = {one.id: one for one in await store.read_webhook_health()}
    webhooks = (await store.read_directory()).webhooks.values()
    return Answer(whole([view_webhook(one, known.get(one.id)) for one in webhooks]))


async def create_outgoing_webhook(call: Call[NewWebhook, None]) -> Answer:
    """Set a program up."""
    asked, services, now = call.body, call.services, call.services.clock.now()
    webhook = Webhook(
        id="",
        url=asked.url,
        created_at=now,
        updated_at=now,
        events=asked.events,
        brands=asked.brands,
        description=asked.description,
        enabled=asked.enabled,
    )
    saved: SavedWebhook = await save_webhook(
        services.store,
        _ways(call).check,
        webhook,
        by=call.actor,
        randomness=secrets.token_bytes(SECRET_BYTES),
    )
    shown = msgspec.structs.asdict(view_webhook(saved.webhook, None))
    return Answer(NewWebhookAnswer(**shown, secret=saved.secret or ""), status=201)


async def read_outgoing_webhook(call: Call[None, None]) -> Answer:
    """Show a program and how telling it went last."""
    return await _answer(call, await find_webhook(call.services.store, call.path["id"]))


async def change_outgoing_webhook(call: Call[WebhookChange, None]) -> Answer:
    """Change a program, or switch it on or off."""
    store = call.services.store
    known = await find_webhook(store, call.path["id"])
    asked = msgspec.structs.asdict(call.body)
    changed = {name: value for name, value in asked.items() if value is not UNSET}
    webhook = msgspec.structs.replace(known, **changed)
    saved = await save_webhook(store, _ways(call).check, webhook, by=call.actor)
    return await _answer(call, saved.webhook)


async def remove_outgoing_webhook(call: Call[None, None]) -> Answer:
    """Take a program away."""
    await call.services.store.submit(RemoveWebhook(call.path["id"], call.actor))
    return Answer(status=204)


async def rotate_webhook_secret(call: Call[None, None]) -> Answer:
    """Give a program a new secret."""
    randomness = secrets.token_bytes(SECRET_BYTES)
    store = call.services.store
    return Answer(
        NewSecret(await rotate_secret(store, call.path["id"], randomness=randomness, by=call.actor))
    )


async def test_outgoing_webhook(call: Call[None, None]) -> Answer:
    """Post a test event, now, whether or not the program is switched on."""
    services = call.services
    webhook = await find_webhook(services.store, call.path["id"])
    notice = build_test_event(webhook, services.clock, services.ids)
    told = await _ways(call).posting.post(webhook, notice)
    if isinstance(told, Untold):
        return Answer(TestResult(taken=False, status=told.status, why=told.why))
    return Answer(TestResult(taken=True, status=told.status, why=None))


_ID: Final = "whk_01KAPZ5V0Q3M9X8ZC4T2N6R7HD"
_WEBHOOK: Final = {
    "id": _ID,
    "url": "https://shop.example.com/consentry",
    "events": ["consent.revoked", "block.changed"],
    "brands": [],
    "description": "The shop's backend",
    "enabled": True,
    "disabled_because": None,
    "disabled_at": None,
    "created_at": "2026-11-30T10:00:00Z",
    "updated_at": "2026-11-30T10:00:00Z",
    "last": {
        "at": "2026-11-30T10:05:00Z",
        "status": 204,
        "why": None,
        "taken_at": "2026-11-30T10:05:00Z",
        "failing_since": None,
    },
}
_NEW: Final = {key: _WEBHOOK[key] for key in ("url", "events", "description")}
_SECRET: Final = "whsec_bm90IGEgc2VjcmV0IGJ1dCBhbiBleGFtcGxlIG9mIG9uZQ=="  # noqa: S105 - an example
_REFUSED: Final = ("invalid_url", "unknown_brand", "unknown_event", "description_too_long")

OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/webhooks",
        tag=Tag.WEBHOOKS,
        summary="Webhooks",
        description="Programs of yours that are told what happens. What each is told stands under "
        "`webhooks` in this document.",
        handler=list_outgoing_webhooks,
        scope=Scope.ADMIN,
        answers={200: Listing[WebhookView]},
        answer_example={"items": [_WEBHOOK], "next": None},
    ),
    Operation(
        method="POST",
        path="/v1/webhooks",
        tag=Tag.WEBHOOKS,
        summary="Set a webhook up",
        description="The secret that signs (Standard Webhooks) is in this answer and nowhere else.",
        handler=create_outgoing_webhook,
        scope=Scope.ADMIN,
        body=NewWebhook,
        answers={201: NewWebhookAnswer},
        errors=(*_REFUSED, "too_many_webhooks", "not_found"),
        example=_NEW,
        answer_example={**_WEBHOOK, "last": None, "secret": _SECRET},
    ),
    Operation(
        method="GET",
        path="/v1/webhooks/{id}",
        tag=Tag.WEBHOOKS,
        summary="One webhook",
        handler=read_outgoing_webhook,
        scope=Scope.ADMIN,
        answers={200: WebhookView},
        errors=("not_found",),
        answer_example=_WEBHOOK,
    ),
    Operation(
        method="PATCH",
        path="/v1/webhooks/{id}",
        tag=Tag.WEBHOOKS,
        summary="Change a webhook",
        description="`enabled` switches it off and on. Of what happens while somebody has switched "
        "it off nothing is made.",
        handler=change_outgoing_webhook,
        scope=Scope.ADMIN,
        body=WebhookChange,
        answers={200: WebhookView},
        errors=("not_found", *_REFUSED),
        example={"enabled": False},
        answer_example={**_WEBHOOK, "enabled": False, "disabled_at": "2026-11-30T10:06:00Z"},
    ),
    Operation(
        method="DELETE",
        path="/v1/webhooks/{id}",
        tag=Tag.WEBHOOKS,
        summary="Take a webhook away",
        handler=remove_outgoing_webhook,
        scope=Scope.ADMIN,
        answers={204: None},
        errors=("not_found",),
    ),
    Operation(
        method="POST",
        path="/v1/webhooks/{id}/rotate-secret",
        tag=Tag.WEBHOOKS,
        summary="Give a webhook a new secret",
        description="For 24 hours events are signed with both, so that its program can change.",
        handler=rotate_webhook_secret,
        scope=Scope.ADMIN,
        answers={200: NewSecret},
        errors=("not_found",),
        answer_example={"secret": _SECRET},
    ),
    Operation(
        method="POST",
        path="/v1/webhooks/{id}/test",
        tag=Tag.WEBHOOKS,
        summary="Post a test event",
        description="Once, now, whether or not the webhook is switched on.",
        handler=test_outgoing_webhook,
        scope=Scope.ADMIN,
        answers={200: TestResult},
        errors=("not_found",),
        answer_example={"taken": True, "status": 204, "why": None},
    ),
)
