"""Settings, Webhooks: set up, tried, changed; what could not be told is seen and told anew."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from accounts import read_form_token
from settings_world import (
    ACME_ADMIN,
    COMPLIANCE,
    SETTINGS,
    Desk,
    Shown,
    World,
    open_world,
    read_page,
)

from consentry.actions.keep_webhooks import SaveWebhook
from consentry.actions.record_consent import Statement, SuppressRecipient
from consentry.console.settings.webhooks import EVENTS
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.webhooks import CHOSEN_TYPES, EventType, Webhook
from consentry.ports import Untold
from consentry.wire.webhook_address import RetryCause
from fake_webhooks import FakePosting

pytestmark = pytest.mark.integration

URL = "https://shop.example.com/x"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A company without a webhook."""
    async with open_world(tmp_path) as made:
        yield made


async def webhooks(world: World) -> list[Webhook]:
    """List the webhooks."""
    return list((await world.console.store.read_directory()).webhooks.values())


async def add(desk: Desk, **form: str | list[str]) -> Shown:
    """Add a webhook; the answer shows its secret."""
    made = await desk.change("/new-webhook", **{"url": URL, **form})
    assert made.status == 201, made.text
    return made


async def press(desk: Desk, path: str, **form: str) -> Shown:
    """Press a button that stands in a form of its own."""
    data = {"form_token": await read_form_token(desk.browser), **form}
    return read_page(await desk.browser.post(f"{SETTINGS}{path}", data=data))


def test_every_event_is_told_in_words() -> None:
    """What a program is told can be read before it is chosen."""
    assert set(EVENTS) == set(CHOSEN_TYPES)


async def test_a_webhook_is_added_and_its_secret_shown_once(world: World) -> None:
    """The page offers it for copying; no other page or entry has it."""
    desk = await world.desk()
    assert "No webhook yet" in (await desk.open("/webhooks")).text
    made = await add(desk, description="Shop", events=["consent.revoked"], brands=["acme"])
    (secret,) = made.copies
    assert secret.startswith("whsec_")
    (webhook,) = await webhooks(world)
    assert (webhook.url, webhook.description, webhook.brands) == (URL, "Shop", ("acme",))
    assert webhook.events == (EventType.CONSENT_REVOKED,)
    listed = await desk.open("/webhooks")
    assert "Consent withdrawn" in listed.text
    assert "nothing yet" in listed.text
    shown = str([listed, await desk.open(f"/webhooks/{webhook.id}"), await world.told()])
    assert secret not in shown
    again = await desk.change("/new-webhook", url=URL)
    assert again.invalid == {"url"}


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"url": ""}, "Write where the program is"),
        ({"url": "https://127.0.0.1/x"}, "CONSENTRY_WEBHOOK_PRIVATE_NETWORKS"),
        ({"url": "shop.example.com"}, "https://"),
        ({"url": URL, "events": ["consent.given"]}, "Choose among these."),
        ({"url": URL, "brands": ["none"]}, "Choose among these."),
    ],
)
async def test_wrong_input_loses_nothing(
    world: World, form: dict[str, str | list[str]], said: str
) -> None:
    """What is wrong is told, and no webhook is made."""
    shown = await (await world.desk()).change("/new-webhook", **form)
    assert shown.status == 422
    assert said in shown.text
    assert shown.value("url") == form["url"]
    assert await webhooks(world) == []


async def test_a_webhook_is_changed_switched_rotated_and_removed(world: World) -> None:
    """Each says what was saved."""
    desk = await world.desk()
    (first,) = (await add(desk)).copies
    (webhook,) = await webhooks(world)
    path = f"/webhooks/{webhook.id}"
    saved = await desk.follow(await desk.change(path, description="Shop"))
    assert "Saved. Webhook" in saved.text
    same = await desk.follow(await desk.change(path))
    assert "Nothing was different" in same.text
    wrong = await desk.change(path, url="https://10.0.0.1/")
    assert wrong.invalid == {"url"}
    off = await desk.follow(await press(desk, f"{path}/switch", to="off"))
    assert "Switched on, it is told" in off.text
    await press(desk, f"{path}/switch", to="on")
    (second,) = (await press(desk, f"{path}/rotate")).copies
    assert second not in ("", first)
    gone = await desk.follow(await press(desk, f"{path}/remove"))
    assert "removed" in gone.text
    for what in ("", "/switch", "/test", "/rotate", "/remove"):
        assert (await press(desk, f"{path}{what}")).status == 404
    assert (await desk.open(path)).status == 404


async def test_what_is_gone_meanwhile_is_told_and_not_replayed(world: World) -> None:
    """Whoever replays what somebody else removed is told so, and sees what else failed."""
    desk = await world.desk()
    for form in ({"webhook": "whk_gone"}, {"webhook": "whk_gone", "delivery": "evt_gone"}, {}):
        shown = await press(desk, "/webhooks-failed", **form)
        assert shown.status == 404
        assert "There is no" in shown.text
        assert "To webhooks, and to programs" in shown.text
    assert (await desk.open("/webhooks-failed?webhook=whk_gone&before=%00x")).status == 200


async def test_a_test_is_posted_and_its_answer_told(world: World) -> None:
    """Taken or not, and why."""
    desk = await world.desk()
    await add(desk)
    (webhook,) = await webhooks(world)
    assert "The test was taken" in (await press(desk, f"/webhooks/{webhook.id}/test")).text
    ways = world.console.services.webhook_ways
    assert ways is not None
    assert isinstance(ways.posting, FakePosting)
    ways.posting.answer = Untold("No connection.", RetryCause.CONNECT)
    shown = await press(desk, f"/webhooks/{webhook.id}/test")
    assert "The test was not taken. No connection." in shown.text


async def test_what_could_not_be_told_is_seen_and_replayed(world: World) -> None:
    """One that we switched off says so, and keeps what happens."""
    desk, store = await world.desk(), world.console.store
    await add(desk)
    (webhook,) = await webhooks(world)
    off = msgspec.structs.replace(webhook, enabled=False, disabled_because="It is gone.")
    await store.submit(SaveWebhook(off))
    assert "Switched off by us" in (await desk.open("/webhooks")).text
    told = Statement("+14155550142", Actor(ActorKind.SYSTEM), "told")
    for brand in ("acme", "other"):
        await store.submit(SuppressRecipient(told, brand))
    path = f"/webhooks/{webhook.id}"
    shown = await desk.open(path)
    assert "It is gone." in shown.text
    assert "Block changed" in shown.text
    failed = await desk.open("/webhooks-failed")
    assert URL in failed.text
    refused = await press(desk, "/webhooks-failed", webhook=webhook.id)
    assert (refused.status, "Switch it on first" in refused.text) == (409, True)
    await press(desk, f"{path}/switch", to="on")
    delivery = (await desk.open("/webhooks-failed")).value("delivery")
    assert (await press(desk, "/webhooks-failed", delivery=delivery)).status == 303
    missing = await press(desk, "/webhooks-failed", delivery=delivery)
    assert "waits for its next try" in missing.text
    await press(desk, "/webhooks-failed", webhook=webhook.id)
    assert "Nothing failed" in (await desk.open(f"/webhooks-failed?webhook={webhook.id}")).text
    assert "Nothing." in (await desk.open(path)).text


async def test_who_works_for_some_brands_or_may_not_sees_no_forms(world: World) -> None:
    """They concern every brand; compliance may look."""
    await add(await world.desk())
    (webhook,) = await webhooks(world)
    some = await world.desk(ACME_ADMIN)
    for path in ("/webhooks", f"/webhooks/{webhook.id}", "/webhooks-failed"):
        assert (await some.open(path)).status == 403
    assert (await press(some, f"/webhooks/{webhook.id}/remove")).status == 403
    looks = await world.desk(COMPLIANCE)
    assert "You can look at this" in (await looks.open(f"/webhooks/{webhook.id}")).text
    assert (await press(looks, f"/webhooks/{webhook.id}/test")).status == 403
    assert len(await webhooks(world)) == 1
