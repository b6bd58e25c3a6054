"""Webhooks are set up, changed, given a new secret and taken away; what changed is in the audit."""

from datetime import timedelta

import msgspec
import pytest

from action_world import AGENT, World
from consent_world import DIRECTORY, LONG
from consentry.actions.keep_webhooks import (
    RemoveWebhook,
    RotateSecret,
    SavedWebhook,
    SaveWebhook,
    build_test_event,
    check_inbound_url,
    find_webhook,
    rotate_secret,
    save_webhook,
)
from consentry.actions.replay_notices import (
    ForgetNotices,
    ReplayNotices,
    replay_all,
    replay_one,
)
from consentry.domain.entries import EntryKind
from consentry.domain.messages import Callback
from consentry.domain.notices import EventNotice, notice_of_text
from consentry.domain.webhooks import OVERLAP, EventType, Webhook, WebhookHealth
from consentry.ports import NoticeFilter, Rejected
from consentry.wire.public_address import AddressRefused
from memory_store import START

pytestmark = pytest.mark.unit

NEW = Webhook("", "https://shop.example/events", START, START, description="Shop")
RANDOMNESS = bytes(range(32))
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def add(world: World, webhook: Webhook = NEW) -> SavedWebhook:
    """Set a webhook up."""
    return world.store.run(SaveWebhook(webhook, AGENT, RANDOMNESS))


async def test_a_new_webhook_has_a_secret_that_is_shown_once() -> None:
    """The audit names its URL and no secret."""
    world = World()
    saved = add(world)
    assert (saved.secret, saved.webhook.id[:4]) == (SECRET, "whk_")
    assert await find_webhook(world.store, saved.webhook.id) == saved.webhook  # type: ignore[arg-type]
    entry = world.last_entry(EntryKind.SETTING_CHANGED)
    assert entry.actor == AGENT
    assert entry.text is not None
    assert entry.text.startswith("webhook https://shop.example/events added: ")
    assert SECRET not in entry.text
    assert world.store.webhook_secrets[saved.webhook.id].in_use(START) == (SECRET,)


def test_what_is_named_twice_is_kept_once() -> None:
    """An event is told once, and is listed once."""
    twice = (EventType.CONSENT_REVOKED, EventType.BLOCK_CHANGED, EventType.CONSENT_REVOKED)
    named = msgspec.structs.replace(NEW, events=twice, brands=("acme", "acme"))
    kept = add(World(), named).webhook
    assert (kept.events, kept.brands) == (twice[:2], ("acme",))


def test_a_webhook_is_changed_and_keeps_its_secret() -> None:
    """What we switched off ourselves is forgotten when it is switched on again."""
    world = World()
    made = add(world).webhook
    world.clock.advance(seconds=60)
    off = msgspec.structs.replace(made, enabled=False, disabled_because="It is gone.")
    stopped = add(world, off)
    assert (stopped.secret, stopped.webhook.disabled_at) == (None, world.clock.now())
    again = add(world, msgspec.structs.replace(stopped.webhook, enabled=True)).webhook
    assert (again.disabled_because, again.disabled_at) == (None, None)
    assert (again.created_at, again.updated_at) == (START, world.clock.now())
    assert len(world.store.webhook_secrets) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"brands": ("acme", "none")}, "unknown_brand"),
        ({"description": "d" * 201}, "description_too_long"),
        ({"events": (EventType.TEST,)}, "unknown_event"),
        ({"id": "whk_none"}, "not_found"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], code: str) -> None:
    """Each by a code of its own, and nothing is kept."""
    world = World()
    with pytest.raises(Rejected) as refused:
        add(world, msgspec.structs.replace(NEW, **change))
    assert refused.value.code == code
    assert world.store.directory().webhooks == {}


def test_there_are_fifty_at_most() -> None:
    """Each is looked at for whatever happens; those that are there may still be changed."""
    known = {f"whk_{n}": msgspec.structs.replace(NEW, id=f"whk_{n}") for n in range(50)}
    world = World(directory=msgspec.structs.replace(DIRECTORY, webhooks=known))
    with pytest.raises(Rejected) as refused:
        add(world)
    assert refused.value.code == "too_many_webhooks"
    assert add(world, msgspec.structs.replace(NEW, id="whk_7", description="x")).secret is None


def test_a_rotated_secret_overlaps_with_the_one_before() -> None:
    """Both sign for a day; then the new one alone."""
    world = World()
    made = add(world).webhook
    known = world.store.webhook_secrets[made.id]
    new = world.store.run(RotateSecret(made.id, known, bytes(32), AGENT))
    secrets = world.store.webhook_secrets[made.id]
    assert secrets.in_use(START) == (new, SECRET)
    assert secrets.in_use(START + OVERLAP - timedelta(seconds=1)) == (new, SECRET)
    assert secrets.in_use(START + OVERLAP) == (new,)
    assert world.last_entry(EntryKind.SETTING_CHANGED).text == (
        "webhook https://shop.example/events: secret rotated"
    )
    lost = world.store.run(RotateSecret(made.id, None, RANDOMNESS))
    assert world.store.webhook_secrets[made.id].in_use(START) == (lost,)


def test_a_removed_webhook_leaves_no_secret() -> None:
    """It is told nothing from then on, and cannot be removed or rotated again."""
    world = World()
    made = add(world).webhook
    world.store.webhook_health[made.id] = WebhookHealth(made.id, why="no")
    removed = world.store.run(RemoveWebhook(made.id, AGENT))
    assert removed.removed_at == START
    assert world.store.directory().webhooks == {}
    assert world.store.webhook_secrets[made.id].current == ""
    assert world.store.webhook_health[made.id].why is None
    for command in (RemoveWebhook(made.id), RotateSecret(made.id, None, RANDOMNESS)):
        with pytest.raises(Rejected, match="There is no webhook"):
            world.store.run(command)  # type: ignore[arg-type]


async def test_a_webhook_that_is_not_there_is_not_found() -> None:
    """The answer says to list them."""
    with pytest.raises(Rejected, match="List the webhooks"):
        await find_webhook(World().store, "whk_none")  # type: ignore[arg-type]


def test_a_test_event_goes_out_whether_or_not_the_webhook_is_on() -> None:
    """It tells nothing but that it came."""
    world = World()
    off = msgspec.structs.replace(NEW, id="whk_1", enabled=False, disabled_because="no")
    notice = build_test_event(off, world.clock, world.store.ids)
    assert (notice.event, notice.given_up, notice.recipient) == (EventType.TEST, None, "")
    assert msgspec.json.decode(notice.data) == {"webhook": "whk_1"}


def make_failed(world: World, count: int) -> str:
    """Switch a webhook off by ourselves and let so many texts come in."""
    made = add(world, msgspec.structs.replace(NEW, events=(EventType.MESSAGE_RECEIVED,))).webhook
    off = msgspec.structs.replace(made, enabled=False, disabled_because="It is gone.")
    world.store.run(SaveWebhook(off))
    for _ in range(count):
        world.receive("hello")
    return made.id


class Refusing:
    """Implements `ports.URLCheck`: one host may not be posted to."""

    async def check(self, url: str) -> None:
        """Refuse it."""
        if "inside" in url:
            raise AddressRefused("It is inside.")

    async def check_program(self, url: str) -> None:
        """Refuse it to programs as well."""
        await self.check(url)


async def test_texts_are_not_passed_on_to_where_nothing_is_posted() -> None:
    """What stays was there before; what cannot be called is for the sender's own check to say."""
    inside = msgspec.structs.replace(LONG, inbound_url="http://inside.example/sms#rc=1")
    with pytest.raises(Rejected, match="It is inside") as refused:
        await check_inbound_url(Refusing(), inside)
    assert refused.value.code == "invalid_inbound_url"
    await check_inbound_url(Refusing(), inside, inside)
    await check_inbound_url(None, inside)
    await check_inbound_url(Refusing(), LONG, inside)
    odd = msgspec.structs.replace(LONG, inbound_url="inside.example")
    await check_inbound_url(Refusing(), odd, inside)
    outside = msgspec.structs.replace(LONG, inbound_url="http://shop.example/sms")
    await check_inbound_url(Refusing(), outside)


async def test_a_url_that_may_not_be_posted_to_is_not_kept() -> None:
    """It is checked before anything is saved, when it is changed as well."""
    world = World()
    inside = msgspec.structs.replace(NEW, url="https://inside.example")
    with pytest.raises(Rejected, match="It is inside") as refused:
        await save_webhook(world.store, Refusing(), inside)  # type: ignore[arg-type]
    assert (refused.value.code, world.store.directory().webhooks) == ("invalid_url", {})
    saved = await save_webhook(world.store, Refusing(), NEW, by=AGENT, randomness=RANDOMNESS)  # type: ignore[arg-type]
    assert saved.secret == SECRET
    new = await rotate_secret(world.store, saved.webhook.id, randomness=bytes(32))  # type: ignore[arg-type]
    assert world.store.webhook_secrets[saved.webhook.id].in_use(START) == (new, SECRET)


async def test_one_thing_is_told_anew_where_that_can_be() -> None:
    """Not what waits, nor what is not there, nor to a webhook that is off."""
    world = World()
    webhook = make_failed(world, 1)
    (failed,) = world.store.notices.values()
    for notice_id, code in ((failed.id, "webhook_disabled"), ("evt_none", "not_found")):
        with pytest.raises(Rejected) as refused:
            await replay_one(world.store, notice_id)  # type: ignore[arg-type]
        assert refused.value.code == code
    known = world.store.directory().webhooks[webhook]
    world.store.run(SaveWebhook(msgspec.structs.replace(known, enabled=True)))
    assert await replay_one(world.store, failed.id, AGENT) == failed  # type: ignore[arg-type]
    with pytest.raises(Rejected, match="waits for its next try"):
        await replay_one(world.store, failed.id)  # type: ignore[arg-type]
    message = next(iter(world.store.messages.values()))
    told = notice_of_text(message, Callback("https://a.example/x", "AC1"))
    of_program = msgspec.structs.replace(told, given_up="no")
    world.store.notices[of_program.id] = of_program
    assert await replay_one(world.store, of_program.id) == of_program  # type: ignore[arg-type]


async def test_what_was_given_up_is_told_anew() -> None:
    """One by one or all of a webhook, once each, with an entry in the audit."""
    world = World()
    webhook = make_failed(world, 3)
    one, *others = world.store.notices.values()
    assert world.store.run(ReplayNotices((one,), AGENT)) == 1
    assert world.last_entry(EntryKind.SETTING_CHANGED).text == (
        f"1 notice replayed, the first of them {one.id}"
    )
    assert world.store.notices[one.id].given_up is None
    assert world.store.run(ReplayNotices((world.store.notices[one.id],))) == 0
    assert await replay_all(world.store, NoticeFilter(lane=webhook), AGENT) == len(others)  # type: ignore[arg-type]
    assert world.last_entry(EntryKind.SETTING_CHANGED).text.startswith("2 notices")  # type: ignore[union-attr]
    assert await replay_all(world.store, NoticeFilter(lane=webhook)) == 0  # type: ignore[arg-type]


async def test_many_are_told_anew_in_parts() -> None:
    """So that nobody waits behind them."""
    world = World()
    webhook = make_failed(world, 201)
    assert await replay_all(world.store, NoticeFilter(lane=webhook)) == 201  # type: ignore[arg-type]
    assert all(notice.given_up is None for notice in world.store.notices.values())


def test_what_is_too_old_is_forgotten() -> None:
    """By its id."""
    world = World()
    make_failed(world, 1)
    (notice,) = world.store.notices.values()
    assert isinstance(notice, EventNotice)
    world.store.run(ForgetNotices((notice.id,)))
    assert world.store.notices == {}
