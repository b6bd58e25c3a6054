"""When an event is tried again, when it is given up, and when its webhook is switched off."""

from datetime import datetime, timedelta

import msgspec
import pytest

from action_world import World
from consent_world import DIRECTORY
from consentry.actions.deliver_event import (
    DISABLED_AFTER,
    JITTER,
    RETRY_AFTER,
    NoteDelivered,
    NoteUndelivered,
    Undelivered,
    next_delivery,
)
from consentry.domain.entries import EntryKind
from consentry.domain.notices import EventNotice
from consentry.domain.webhooks import Webhook, WebhookHealth
from consentry.ports import Told, Untold
from consentry.wire.webhook_address import RetryCause
from memory_store import START

pytestmark = pytest.mark.unit

HOOK = Webhook("whk_1", "https://shop.example/events", START, START)
DOWN = Untold("It answered with HTTP 500.", RetryCause.SERVER_ERROR, status=500)
GONE = Untold("It answered with HTTP 410.", None, status=410, is_gone=True)
WELL = WebhookHealth(HOOK.id)


def make_world(webhook: Webhook = HOOK) -> World:
    """Make a world with a webhook that was told of a text."""
    world = World(directory=msgspec.structs.replace(DIRECTORY, webhooks={webhook.id: webhook}))
    world.receive("hello")
    return world


def first(world: World) -> EventNotice:
    """Give the first event."""
    notice = next(iter(world.store.notices.values()))
    assert isinstance(notice, EventNotice)
    return notice


def tried(attempts: int) -> EventNotice:
    """Give an event that was tried so often."""
    return msgspec.structs.replace(first(make_world()), attempts=attempts)


@pytest.mark.parametrize(("attempts", "wait"), list(enumerate(RETRY_AFTER, start=1)))
def test_it_is_tried_again_as_the_specification_says(attempts: int, wait: timedelta) -> None:
    """Up to a fifth later, not the same for each event, and the same when decided again."""
    due_at = next_delivery(tried(attempts), DOWN, START)
    assert due_at is not None
    assert START + wait <= due_at <= START + wait * (1 + JITTER)
    assert due_at == next_delivery(tried(attempts), DOWN, START)
    other = msgspec.structs.replace(tried(attempts), id="evt_other.whk_1")
    assert due_at != next_delivery(other, DOWN, START)


def test_after_the_last_try_and_after_what_will_never_work_it_is_given_up() -> None:
    """It stays to be looked at."""
    assert next_delivery(tried(len(RETRY_AFTER) + 1), DOWN, START) is None
    assert next_delivery(tried(1), GONE, START) is None


@pytest.mark.parametrize(
    ("asked", "least"),
    [(60, timedelta(seconds=60)), (10**8, timedelta(hours=24)), (0, RETRY_AFTER[0])],
)
def test_a_server_that_asks_to_be_left_alone_is(asked: int, least: timedelta) -> None:
    """For a day at most, and never sooner than by the schedule."""
    busy = msgspec.structs.replace(DOWN, retry_after_seconds=asked)
    due_at = next_delivery(tried(1), busy, START)
    assert due_at is not None
    assert least <= due_at - START <= max(least, RETRY_AFTER[0] * (1 + JITTER))


def test_what_was_taken_is_gone_and_its_webhook_well() -> None:
    """Since when it failed is forgotten."""
    world = make_world()
    notice, failing = first(world), WebhookHealth(HOOK.id, failing_since=START, why="no")
    health = world.store.run(NoteDelivered(notice, Told(status=204), failing))
    assert health == WebhookHealth(HOOK.id, START, 204, taken_at=START)
    assert world.store.webhook_health == {HOOK.id: health}
    assert notice.id not in world.store.notices


def test_what_was_not_taken_waits_with_its_reason() -> None:
    """The webhook fails since the first of these."""
    world = make_world()
    noted = world.store.run(NoteUndelivered(first(world), DOWN, WELL))
    assert noted == Undelivered(
        is_due=True, health=WebhookHealth(HOOK.id, START, 500, DOWN.why, None, START)
    )
    world.clock.advance(seconds=60)
    noted = world.store.run(NoteUndelivered(first(world), DOWN, noted.health))
    assert noted.health.failing_since == START
    assert [one.status for one in first(world).tries] == [500, 500]
    assert world.store.directory().webhooks[HOOK.id].enabled


def test_a_webhook_that_is_gone_is_switched_off_at_once() -> None:
    """The audit says so, the event is kept, and so is what comes from then on."""
    world = make_world()
    noted = world.store.run(NoteUndelivered(first(world), GONE, WELL))
    assert (noted.is_due, noted.is_disabled) == (False, True)
    off = world.store.directory().webhooks[HOOK.id]
    assert (off.enabled, off.disabled_at) == (False, START)
    entry = world.last_entry(EntryKind.SETTING_CHANGED)
    assert entry.text == f"webhook {HOOK.url} switched off. {off.disabled_because}"
    assert first(world).given_up == GONE.why
    world.receive("hello again")
    last = list(world.store.notices.values())[-1]
    assert last.given_up == off.disabled_because


def at(days: float) -> datetime:
    """Give the time some days after the start."""
    return START + timedelta(days=days)


@pytest.mark.parametrize(
    ("failing_days", "changed_days", "is_disabled"),
    [(5, 5, True), (4.9, 5, False), (5, 1, False), (30, 6, True)],
)
def test_a_webhook_that_fails_for_days_is_switched_off(
    failing_days: float, changed_days: float, *, is_disabled: bool
) -> None:
    """Counted from its last change, as by being switched on again."""
    assert timedelta(days=5) == DISABLED_AFTER
    world = make_world(msgspec.structs.replace(HOOK, updated_at=at(-changed_days)))
    failing = WebhookHealth(HOOK.id, failing_since=at(-failing_days))
    noted = world.store.run(NoteUndelivered(first(world), DOWN, failing))
    assert noted.is_disabled is is_disabled
    assert world.store.directory().webhooks[HOOK.id].enabled is not is_disabled


@pytest.mark.parametrize("webhook", [None, msgspec.structs.replace(HOOK, enabled=False)])
def test_what_was_not_posted_says_nothing_of_its_program(webhook: Webhook | None) -> None:
    """The webhook was removed or switched off meanwhile: the event is kept, and nothing else."""
    made = make_world()
    webhooks = {} if webhook is None else {webhook.id: webhook}
    world = World(directory=msgspec.structs.replace(DIRECTORY, webhooks=webhooks))
    notice = first(made)
    noted = world.store.run(NoteUndelivered(notice, Untold("It was removed.", None), WELL))
    assert noted == Undelivered(is_due=False, health=WELL)
    assert world.store.webhook_health == {}
    assert world.store.notices[notice.id].given_up == "It was removed."
    world.store.run(NoteDelivered(notice, Told(), WELL))
    assert (notice.id in world.store.notices, len(world.store.webhook_health)) == (
        False,
        len(webhooks),
    )
