"""Webhooks: programs that are told what happens, tried, given a new secret, taken away."""

import secrets
from typing import Final

import msgspec
from starlette.responses import Response

from consentry.actions.keep_webhooks import (
    RemoveWebhook,
    WebhookWays,
    build_test_event,
    rotate_secret,
    save_webhook,
)
from consentry.console.pages import Page, Visit, pages_below
from consentry.console.settings.filled import Filled, fill, join_several, read_form
from consentry.console.settings.sections import (
    WEBHOOKS,
    brands_of,
    check_all_brands,
    go_saved,
    show,
)
from consentry.domain.agents import Permission
from consentry.domain.webhooks import (
    CHOSEN_TYPES,
    DESCRIPTION_CHARACTERS_MAX,
    SECRET_BYTES,
    URL_CHARACTERS_MAX,
    EventType,
    Webhook,
)
from consentry.ports import NoticeFilter, Rejected, Told, Untold
from consentry.ports import Page as ListPage

EVENTS: Final = {
    EventType.CONSENT_GRANTED: ("Consent given", "Somebody agreed to be texted."),
    EventType.CONSENT_REVOKED: ("Consent withdrawn", "Somebody opted out."),
    EventType.BLOCK_CHANGED: (
        "Block changed",
        "A number may not be texted, or may be again.",
    ),
    EventType.MESSAGE_RECEIVED: ("Text received", "With its words."),
    EventType.MESSAGE_STATUS: ("Text on its way", "Queued, sent, delivered, failed."),
    EventType.REVIEW_NEEDED: ("Review needed", "A text may be an opt-out."),
    EventType.DRIFT_FOUND: ("Drift found", "A carrier and the ledger differ."),
}
"""What each event is, in words."""

_SEVERAL: Final = ("events", "brands")
_FIELDS: Final = {"invalid_url": "url", "description_too_long": "description"}
_NEW: Final = {"url": "", "description": "", "events": "", "brands": ""}
_FAILED_SHOWN: Final = 10


async def list_webhooks(visit: Visit) -> Response:
    """List the webhooks, and how telling each went last."""
    store = visit.services.store
    health = {one.id: one for one in await store.read_webhook_health()}
    webhooks = (await store.read_directory()).webhooks.values()
    rows = [(webhook, health.get(webhook.id)) for webhook in webhooks]
    return await show(visit, WEBHOOKS, "webhooks.html", rows=rows, events=EVENTS)


async def new_webhook(visit: Visit) -> Response:
    """Show the form for a new webhook."""
    return await _show_form(visit, fill(_NEW), None)


async def add_webhook(visit: Visit) -> Response:
    """Set a webhook up, and show its secret, this once."""
    check_all_brands(visit)
    filled = await _check(visit, read_form(visit, _NEW, several=_SEVERAL))
    known = (await visit.services.store.read_directory()).webhooks.values()
    if any(webhook.url == filled.values["url"] for webhook in known):
        # A form that is sent twice would else leave a webhook behind whose secret nobody has.
        filled = filled.refused(url="There is a webhook for this address. Change that one.")
    if not filled.is_fine:
        return await _show_form(visit, filled, None)
    now = visit.services.clock.now()
    webhook = Webhook("", filled.values["url"], now, now)
    try:
        saved = await save_webhook(
            visit.services.store,
            _ways(visit).check,
            _take(webhook, filled),
            by=visit.actor,
            randomness=secrets.token_bytes(SECRET_BYTES),
        )
    except Rejected as error:
        return await _show_form(visit, filled.rejected(error, _FIELDS), None)
    return await _show_secret(visit, saved.webhook, saved.secret or "", status=201)


async def show_webhook(visit: Visit) -> Response:
    """Show a webhook, and what it could not be told."""
    webhook = await _find(visit)
    if webhook is None:
        return visit.missing("webhook")
    return await _show_form(visit, fill(_stored(webhook)), webhook)


async def change_webhook(visit: Visit) -> Response:
    """Change a webhook."""
    check_all_brands(visit)
    webhook = await _find(visit)
    if webhook is None:
        return visit.missing("webhook")
    filled = await _check(visit, read_form(visit, _stored(webhook), several=_SEVERAL))
    if not filled.is_fine:
        return await _show_form(visit, filled, webhook)
    return await _save(visit, _take(webhook, filled), webhook, filled)


async def switch_webhook(visit: Visit) -> Response:
    """Switch a webhook on or off."""
    check_all_brands(visit)
    webhook = await _find(visit)
    if webhook is None:
        return visit.missing("webhook")
    switched = msgspec.structs.replace(webhook, enabled=visit.field("to") == "on")
    return await _save(visit, switched, webhook, fill(_stored(webhook)))


async def _save(visit: Visit, wanted: Webhook, known: Webhook, filled: Filled) -> Response:
    if wanted == known:
        return go_saved(visit, _path(known), changed=False)
    ways = _ways(visit)
    try:
        await save_webhook(visit.services.store, ways.check, wanted, by=visit.actor)
    except Rejected as error:
        return await _show_form(visit, filled.rejected(error, _FIELDS), known)
    return go_saved(visit, _path(known))


async def try_webhook(visit: Visit) -> Response:
    """Post a test event now, and say what came of it."""
    check_all_brands(visit)
    webhook = await _find(visit)
    if webhook is None:
        return visit.missing("webhook")
    services = visit.services
    notice = build_test_event(webhook, services.clock, services.ids)
    told = await _ways(visit).posting.post(webhook, notice)
    return await _show_form(visit, fill(_stored(webhook)), webhook, tested=told)


async def rotate_webhook(visit: Visit) -> Response:
    """Give a webhook a new secret, and show it, this once."""
    check_all_brands(visit)
    webhook = await _find(visit)
    if webhook is None:
        return visit.missing("webhook")
    randomness = secrets.token_bytes(SECRET_BYTES)
    store = visit.services.store
    secret = await rotate_secret(store, webhook.id, randomness=randomness, by=visit.actor)
    return await _show_secret(visit, webhook, secret)


async def remove_webhook(visit: Visit) -> Response:
    """Take a webhook away."""
    check_all_brands(visit)
    webhook = await _find(visit)
    if webhook is None:
        return visit.missing("webhook")
    await visit.services.store.submit(RemoveWebhook(webhook.id, visit.actor))
    return go_saved(visit, WEBHOOKS.path)


def _path(webhook: Webhook) -> str:
    return f"{WEBHOOKS.path}/{webhook.id}"


def _ways(visit: Visit) -> WebhookWays:
    ways = visit.services.webhook_ways
    if ways is None:
        raise Rejected("not_found", "This server tells no webhooks.", status=404)
    return ways


def _stored(webhook: Webhook) -> dict[str, str]:
    return {
        "url": webhook.url,
        "description": webhook.description,
        "events": join_several(webhook.events),
        "brands": join_several(webhook.brands),
    }


def _take(webhook: Webhook, filled: Filled) -> Webhook:
    return msgspec.structs.replace(
        webhook,
        url=filled.values["url"],
        description=filled.values["description"],
        events=tuple(EventType(name) for name in filled.several("events")),
        brands=filled.several("brands"),
    )


async def _check(visit: Visit, filled: Filled) -> Filled:
    if not filled.values["url"]:
        filled = filled.refused(url="Write where the program is, for example https://….")
    if not set(filled.several("events")) <= set(CHOSEN_TYPES):
        filled = filled.refused(events="Choose among these.")
    if not set(filled.several("brands")) <= {brand.id for brand in await brands_of(visit)}:
        filled = filled.refused(brands="Choose among these.")
    return filled


async def _show_form(
    visit: Visit, filled: Filled, webhook: Webhook | None, *, tested: Told | Untold | None = None
) -> Response:
    store = visit.services.store
    health, failed = None, []
    if webhook is not None:
        health = next((h for h in await store.read_webhook_health() if h.id == webhook.id), None)
        wanted = NoticeFilter(lane=webhook.id)
        failed = (await store.list_notices(wanted, ListPage(_FAILED_SHOWN))).items
    return await show(
        visit,
        WEBHOOKS,
        "webhook.html",
        status=200 if filled.is_fine else 422,
        form=filled,
        webhook=webhook,
        health=health,
        failed=failed,
        tested=tested,
        taken=isinstance(tested, Told),
        longest={"url": URL_CHARACTERS_MAX, "description": DESCRIPTION_CHARACTERS_MAX},
        events=[(str(event), *words) for event, words in EVENTS.items()],
        brands=[(brand.id, brand.name, "") for brand in await brands_of(visit)],
        names=EVENTS,
    )


async def _show_secret(
    visit: Visit, webhook: Webhook, secret: str, *, status: int = 200
) -> Response:
    return await show(
        visit,
        WEBHOOKS,
        "webhook_secret.html",
        status=status,
        webhook=webhook,
        secret=secret,
        is_new=status == 201,
    )


async def _find(visit: Visit) -> Webhook | None:
    return (await visit.services.store.read_directory()).webhooks.get(visit.path("id"))


_EXAMPLE: Final = {"id": "whk_1"}
_MAY: Final = Permission.MANAGE_KEYS

PAGES: Final = (
    Page(path="/settings/webhooks", view=list_webhooks, permission=Permission.READ_SETTINGS),
    Page(path="/settings/new-webhook", view=new_webhook, permission=_MAY),
    Page(path="/settings/new-webhook", view=add_webhook, permission=_MAY, method="POST"),
    Page(
        path="/settings/webhooks/{id}",
        view=show_webhook,
        permission=Permission.READ_SETTINGS,
        example=_EXAMPLE,
    ),
    *pages_below(
        "/settings/webhooks/{id}",
        {
            "": change_webhook,
            "/switch": switch_webhook,
            "/test": try_webhook,
            "/rotate": rotate_webhook,
            "/remove": remove_webhook,
        },
        permission=_MAY,
        example=_EXAMPLE,
    ),
)
