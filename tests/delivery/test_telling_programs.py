"""The one that leads tells programs: in order, again if it was in vain, each server by itself."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from delivery_world import PERSON, World, world

from consentry.actions.tell_program import NoteTold, TakeAnswer
from consentry.domain.messages import Callback, MessageStatus
from consentry.domain.notices import Notice, NoticeKind
from consentry.ports import Page, StoreUnavailable, Told, Untold
from consentry.telemetry.tallies import Tallies
from consentry.wire.twiml import AskedText
from consentry.wire.webhook_address import RetryCause

pytestmark = pytest.mark.integration

SHOP, SLOW = "http://shop.example", "http://slow.example"
DOWN = Untold("No connection.", RetryCause.CONNECT, is_server_down=True)
Answer = Callable[[Notice], Told | Untold]


class ScriptedTeller:
    """Implements `ports.Teller`: keeps what it told, and answers by a script."""

    def __init__(self) -> None:
        self.told: list[Notice] = []
        self.answer: Answer = lambda _notice: Told()
        self.held: dict[str, asyncio.Event] = {}
        self.under_way: dict[str, int] = {}
        self.most: dict[str, int] = {}

    async def tell(self, notice: Notice) -> Told | Untold:
        """Answer by the script, when the server is not held up."""
        server = notice.callback.url[: len(SHOP)]
        self.told.append(notice)
        self.under_way[server] = self.under_way.get(server, 0) + 1
        self.most[server] = max(self.most.get(server, 0), self.under_way[server])
        try:
            if server in self.held:
                await self.held[server].wait()
            return self.answer(notice)
        finally:
            self.under_way[server] -= 1

    async def close(self) -> None:
        """Nothing to close."""

    def statuses(self, message: str) -> list[str]:
        """List what was told of a message, in order."""
        return [str(n.message.status) for n in self.told if n.message.id == message]


@asynccontextmanager
async def telling(folder: Path, **limits: float) -> AsyncIterator[tuple[World, ScriptedTeller]]:
    """Run a world whose loop tells programs."""
    async with world(folder, started=False) as made:
        teller = ScriptedTeller()
        made.teller = teller
        made.loop = made.new_loop(**limits)
        made.start()
        yield made, teller


async def until_none_waits(made: World) -> None:
    """Wait until everything was told or given up."""
    await made.until(made.store.count_notices, 0)


async def until_postponed(made: World, notice: Notice) -> None:
    """Wait until it is written down that something was told in vain: only then it has a time."""

    async def read() -> int | None:
        found = await made.store.read_notice(notice.id)
        return None if found is None else found.attempts

    await made.until(read, notice.attempts + 1)


async def test_each_status_is_told_in_order_and_then_gone(tmp_path: Path) -> None:
    """From sent to delivered; what was told leaves nothing behind."""
    async with telling(tmp_path) as (made, teller):
        message = await made.send("hello", callback=Callback(SHOP, "AC1"))
        await made.until_status(message, MessageStatus.SENT)
        await made.report(message, MessageStatus.DELIVERED)
        await made.until_seen(lambda: teller.statuses(message), ["sent", "delivered"])
        await until_none_waits(made)
        assert await made.store.next_notices() == ()


async def test_a_text_is_passed_on_and_its_answer_sent(tmp_path: Path) -> None:
    """Through the outbox to the carrier, without anybody else waking the loop."""
    async with telling(tmp_path, idle_seconds=30) as (made, teller):
        await made.save_sender(inbound_url=f"{SHOP}/sms", inbound_account="AC1")
        teller.answer = lambda notice: Told((AskedText(f"You said {notice.message.body}"),))
        await made.hear("ping")
        await made.until_seen(lambda: made.carrier.bodies()[-1:], ["You said ping"])
        (notice,) = teller.told
        assert (notice.kind, notice.callback) == (
            NoticeKind.RECEIVED,
            Callback(f"{SHOP}/sms", "AC1"),
        )
        await until_none_waits(made)


async def test_after_a_stop_nothing_is_sent(tmp_path: Path) -> None:
    """Whatever the program answers; that it wanted to is kept."""
    async with telling(tmp_path) as (made, teller):
        await made.save_sender(inbound_url=SHOP)
        teller.answer = lambda _notice: Told((AskedText("Please come back!"),))
        await made.acknowledge("STOP")
        await until_none_waits(made)
        await made.settle()
        assert "Please come back!" not in made.carrier.bodies()
        entries = await made.store.read_entries(PERSON, Page(limit=5))
        assert entries[0].reason == "opted_out"
        assert entries[0].text == "Please come back!"


async def test_what_was_in_vain_is_tried_again(tmp_path: Path) -> None:
    """After the time it takes, and what is behind it waits so long."""
    async with telling(tmp_path) as (made, teller):
        teller.answer = lambda _notice: Untold("HTTP 404", RetryCause.CLIENT_ERROR)
        message = await made.send("hello", callback=Callback(SHOP, "AC1"))
        await made.until_status(message, MessageStatus.SENT)
        await made.until_seen(lambda: len(teller.told), 1)
        await until_postponed(made, teller.told[0])
        await made.report(message, MessageStatus.DELIVERED)
        await made.settle()
        assert teller.statuses(message) == ["sent"]
        teller.answer = lambda _notice: Told()
        made.clock.advance(2.1)
        await until_none_waits(made)
        assert teller.statuses(message) == ["sent", "sent", "delivered"]
        assert [notice.attempts for notice in teller.told] == [0, 1, 0]


async def test_a_server_that_is_down_rests_and_holds_up_nobody(tmp_path: Path) -> None:
    """It is tried with one thing at a time, less and less often; others hear all at once."""
    async with telling(tmp_path) as (made, teller):
        teller.answer = lambda n: DOWN if n.callback.url == SLOW else Told()
        for _ in range(5):
            await made.send("hello", callback=Callback(SLOW, "AC1"))
        for _ in range(5):
            await made.send("hello", callback=Callback(SHOP, "AC1"))
        await made.until(made.store.count_notices, 5)
        await made.until_seen(lambda: any(n.callback.url == SLOW for n in teller.told))
        await made.settle()
        tried = [notice for notice in teller.told if notice.callback.url == SLOW]
        assert len(tried) <= 5
        for notice in tried:
            await until_postponed(made, notice)
        await made.settle()
        assert sum(n.callback.url == SLOW for n in teller.told) == len(tried)
        assert sum(n.callback.url == SHOP for n in teller.told) == 5
        teller.answer = lambda _notice: Told()
        made.clock.advance(60)
        await until_none_waits(made)


async def test_a_slow_server_has_so_many_at_once(tmp_path: Path) -> None:
    """And no more; meanwhile another one hears what it must."""
    async with telling(tmp_path, tells_per_server=3) as (made, teller):
        teller.held[SLOW] = asyncio.Event()
        for _ in range(8):
            await made.send("hello", callback=Callback(SLOW, "AC1"))
        quick = await made.send("hello", callback=Callback(SHOP, "AC1"))
        await made.until_seen(lambda: teller.statuses(quick), ["sent"])
        await made.until_seen(lambda: teller.most.get(SLOW), 3)
        await made.settle()
        assert teller.under_way[SLOW] == 3
        teller.held[SLOW].set()
        await until_none_waits(made)
        assert teller.most[SLOW] == 3


async def test_given_up_is_kept_said_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With the reason; the next status of the same text is told."""
    async with telling(tmp_path) as (made, teller):
        teller.answer = lambda n: (
            Untold("It cannot be told.", None)
            if n.message.status is MessageStatus.SENT
            else Told(unread="not TwiML")
        )
        message = await made.send("hello", callback=Callback(SHOP, "AC1"))
        await made.until_status(message, MessageStatus.SENT)
        await made.report(message, MessageStatus.DELIVERED)
        await until_none_waits(made)
        assert teller.statuses(message) == ["sent", "delivered"]
        await made.until_said(caplog, "program_not_told")
        await made.until_said(caplog, "answer_not_read")
        said = {record.getMessage(): record for record in caplog.records}
        assert said["program_not_told"].levelno == logging.ERROR
        assert said["program_not_told"].__dict__["why"] == "It cannot be told."


async def test_a_crash_between_telling_and_noting_tells_again(tmp_path: Path) -> None:
    """At least once, under the same id; what the answer asked for is sent once."""
    async with telling(tmp_path) as (made, teller):
        await made.save_sender(inbound_url=SHOP)
        teller.answer = lambda _notice: Told((AskedText("pong"),))
        noted = asyncio.Event()

        async def crash(_command: object) -> None:
            noted.set()
            await asyncio.Event().wait()

        made.store.before[TakeAnswer] = crash
        await made.hear("ping")
        await noted.wait()
        await made.crash()
        made.store.before.clear()
        await made.restart()
        await until_none_waits(made)
        await made.until_seen(lambda: made.carrier.bodies().count("pong"), 1)
        assert [notice.id for notice in teller.told] == [teller.told[0].id] * 2


async def test_an_answer_that_was_noted_before_the_crash_is_not_sent_twice(tmp_path: Path) -> None:
    """Though the one that told it never knew that it was noted."""
    async with telling(tmp_path) as (made, teller):
        await made.save_sender(inbound_url=SHOP)
        teller.answer = lambda _notice: Told((AskedText("pong"),))
        await made.hear("ping")
        await made.until_seen(lambda: made.carrier.bodies().count("pong"), 1)
        (notice,) = teller.told
        again = await made.store.submit(TakeAnswer(notice, (AskedText("pong"),)))
        assert again.queued == ()
        await made.settle()
        assert made.carrier.bodies().count("pong") == 1


async def test_what_is_noted_while_it_is_looked_for_is_not_told_again(tmp_path: Path) -> None:
    """A look that began before the note finds it waiting still."""
    async with telling(tmp_path) as (made, teller):
        teller.held[SHOP], looked, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            if teller.told:
                looked.set()
                await go_on.wait()

        made.store.after_looking = wait
        await made.send("hello", callback=Callback(SHOP, "AC1"))
        await looked.wait()
        teller.held[SHOP].set()
        await until_none_waits(made)
        await made.until_seen(lambda: teller.under_way[SHOP], 0)
        await made.settle()
        go_on.set()
        await made.settle()
        assert len(teller.told) == 1


@pytest.mark.parametrize("error", [StoreUnavailable("The disk is away."), OSError("a fault")])
async def test_what_cannot_be_noted_is_not_lost(tmp_path: Path, error: Exception) -> None:
    """An outage is waited for; after a fault of ours it is told again."""
    async with telling(tmp_path) as (made, teller):
        failures = iter([error, error])

        async def fail(_command: object) -> None:
            for failure in failures:
                raise failure

        made.store.before[NoteTold] = fail
        await made.send("hello", callback=Callback(SHOP, "AC1"))
        await made.until_seen(lambda: bool(teller.told))
        for _ in range(3):
            await made.settle()
            made.clock.advance(30)
        await until_none_waits(made)
        assert len(teller.told) == (1 if isinstance(error, StoreUnavailable) else 3)


async def test_a_fault_while_telling_is_given_up_in_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried again like any other, and stands in the way of none."""
    async with telling(tmp_path) as (made, teller):
        faulty = await made.send("hello", callback=Callback(SHOP, "AC1"))

        def fail_on_one(notice: Notice) -> Told:
            if notice.message.id == faulty:
                raise ZeroDivisionError
            return Told()

        teller.answer = fail_on_one
        fine = await made.send("hello", callback=Callback(SHOP, "AC1"))
        await made.until_seen(lambda: teller.statuses(fine), ["sent"])
        await made.until(made.store.count_notices, 1)
        made.clock.advance(25 * 3600)
        await until_none_waits(made)
        assert any("telling_failed" in record.getMessage() for record in caplog.records)


async def test_an_outage_while_looking_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it is: it is said, and looked again."""
    async with telling(tmp_path) as (made, teller):
        failures = [StoreUnavailable("The disk is away."), OSError("a fault")]
        made.store.look_failures = iter(failures)
        message = await made.send("hello", callback=Callback(SHOP, "AC1"))
        await made.until_status(message, MessageStatus.SENT)
        await until_none_waits(made)
        assert teller.told
        assert any("telling_failed" in record.getMessage() for record in caplog.records)


async def test_only_who_leads_tells(tmp_path: Path) -> None:
    """A loop that was told to stop begins nothing new, and what it leaves is told by the next."""
    async with telling(tmp_path) as (made, teller):
        teller.held[SHOP] = asyncio.Event()
        await made.send("hello", callback=Callback(SHOP, "AC1"))
        await made.until_seen(lambda: len(teller.told), 1)
        await made.stop()
        assert teller.under_way[SHOP] == 0
        teller.held.clear()
        await made.restart()
        await until_none_waits(made)
        assert len(teller.told) == 2


async def test_what_is_told_is_counted(tmp_path: Path) -> None:
    """By what it was and what came of it."""
    async with world(tmp_path, started=False) as made:
        tallies, teller = Tallies(), ScriptedTeller()
        made.teller = teller
        made.measuring = tallies
        made.loop = made.new_loop()
        made.start()
        answers = iter([Untold("no", RetryCause.CONNECT), Untold("no", None), Told()])
        teller.answer = lambda _notice: next(answers)
        message = await made.send("hello", callback=Callback(SHOP, "AC1"))
        await made.until_seen(lambda: len(teller.told), 1)
        await until_postponed(made, teller.told[0])
        made.clock.advance(3)
        await made.report(message, MessageStatus.DELIVERED)
        await until_none_waits(made)
        # It is counted right after the store knows of it.
        await made.until_seen(
            lambda: dict(tallies.snapshot().counters["consentry_notices_total"]),
            dict.fromkeys((("status", "postponed"), ("status", "given_up"), ("status", "told")), 1),
        )
