"""Webhooks are told by the one that leads: of one person in order, each webhook by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from delivery_world import PERSON, World, world

from consentry.actions.keep_webhooks import SaveWebhook
from consentry.domain.entries import EntryKind
from consentry.domain.notices import EventNotice, Notice
from consentry.domain.webhooks import EventType, Webhook
from consentry.ports import NoticeFilter, Page, Told, Untold
from consentry.wire.webhook_address import RetryCause
from memory_store import START

pytestmark = pytest.mark.integration

DOWN = Untold("HTTP 503.", RetryCause.SERVER_ERROR, is_server_down=True, status=503)
TEXTS = (EventType.MESSAGE_RECEIVED,)
Answer = Callable[[EventNotice], Told | Untold]


class ScriptedTeller:
    """Implements `ports.Teller` for events: keeps what it told, and answers by a script."""

    def __init__(self) -> None:
        self.told: list[EventNotice] = []
        self.answer: Answer = lambda _notice: Told()
        self.held: dict[str, asyncio.Event] = {}
        self.busy: dict[tuple[str, str], int] = {}

    async def tell(self, notice: Notice) -> Told | Untold:
        """Answer by the script, when the webhook is not held up."""
        assert isinstance(notice, EventNotice)
        self.told.append(notice)
        turn = notice.webhook, notice.recipient
        assert not self.busy.get(turn), "one after the other"
        self.busy[turn] = 1
        try:
            if notice.webhook in self.held:
                await self.held[notice.webhook].wait()
            return self.answer(notice)
        finally:
            self.busy[turn] = 0

    async def close(self) -> None:
        """Nothing to close."""


@asynccontextmanager
async def telling(folder: Path) -> AsyncIterator[tuple[World, ScriptedTeller, Webhook]]:
    """Run a world with a webhook that is told of texts."""
    async with world(folder, started=False) as made:
        teller = ScriptedTeller()
        made.teller = teller
        made.loop = made.new_loop()
        webhook = await add(made)
        made.start()
        yield made, teller, webhook


async def add(made: World) -> Webhook:
    """Set a webhook up for texts."""
    new = Webhook("", "https://shop.example", made.clock.now(), START, TEXTS)
    return (await made.store.submit(SaveWebhook(new, randomness=bytes(32)))).webhook


async def none_waits(made: World) -> None:
    """Wait until everything was told or given up."""
    await made.until(made.store.count_notices, 0)


async def read_attempts(made: World, notice: Notice) -> int | None:
    """Read how often something was told in vain, as far as it is written down."""
    found = await made.store.read_notice(notice.id)
    return None if found is None else found.attempts


async def list_failed(made: World) -> list[Notice]:
    """List what was given up."""
    page = await made.store.list_notices(NoticeFilter(), Page())
    return [item.notice for item in page.items]


async def test_texts_of_one_person_are_told_in_order_one_at_a_time(tmp_path: Path) -> None:
    """However many may go at once."""
    async with telling(tmp_path) as (made, teller, webhook):
        gate = teller.held[webhook.id] = asyncio.Event()
        for number in range(5):
            await made.hear(f"text {number}")
        await made.hear("another", recipient="+14155550177")
        gate.set()
        await none_waits(made)
        mine = [notice.id for notice in teller.told if notice.recipient == PERSON]
        assert mine == sorted(mine)
        assert len(mine) == 5
        (health,) = await made.store.read_webhook_health()
        assert (health.status, health.failing_since) == (200, None)


async def test_a_webhook_that_answers_slowly_holds_no_other_up(tmp_path: Path) -> None:
    """Each has a lane of its own, at the same server too."""
    async with telling(tmp_path) as (made, teller, slow):
        other = await add(made)
        teller.held[slow.id] = asyncio.Event()
        for number in range(3):
            await made.hear(f"text {number}")

        await made.until_seen(lambda: [n.webhook for n in teller.told].count(other.id), 3)
        teller.held.pop(slow.id).set()
        await none_waits(made)


async def test_who_asks_to_be_left_alone_is(tmp_path: Path) -> None:
    """Nothing else is told there meanwhile; then all of it."""
    async with telling(tmp_path) as (made, teller, _webhook):
        teller.answer = lambda _notice: msgspec.structs.replace(DOWN, retry_after_seconds=60)
        await made.hear("first")

        await made.until_seen(lambda: len(teller.told), 1)
        await made.until(lambda: read_attempts(made, teller.told[0]), 1)
        await made.hear("second", recipient="+14155550177")
        await asyncio.sleep(0.1)
        assert len(teller.told) == 1
        teller.answer = lambda _notice: Told()
        made.clock.advance(61)
        await none_waits(made)
        assert len(teller.told) == 3


async def test_a_webhook_that_is_gone_is_switched_off_and_nothing_is_lost(tmp_path: Path) -> None:
    """What came and what comes is kept as not told, with its reason."""
    async with telling(tmp_path) as (made, teller, webhook):
        teller.answer = lambda _notice: Untold("HTTP 410.", None, status=410, is_gone=True)
        await made.hear("first")
        await none_waits(made)
        directory = await made.store.read_directory()
        assert not directory.webhooks[webhook.id].enabled
        await made.hear("second")
        assert [notice.given_up is not None for notice in await list_failed(made)] == [True] * 2
        (entry, *_) = await made.store.read_audit(Page(), kinds=(EntryKind.SETTING_CHANGED,))
        assert entry.text is not None
        assert "switched off. It answered 410 Gone" in entry.text
