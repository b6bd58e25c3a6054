"""A STOP is acknowledged when nothing for that person is with the carrier any more."""

import asyncio
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from delivery_world import PATIENCE_SECONDS, ScriptedCarrier, World, world

from consentry.actions.deliver_job import ClaimJobs, RecordSubmission
from consentry.domain.messages import MessageStatus
from consentry.ports import CarrierRefusal, Fence, OutboundText, Submission, Unanswered

pytestmark = pytest.mark.integration

RACES = 300


async def test_the_acknowledgement_waits_for_the_carrier(tmp_path: Path) -> None:
    """A text that was claimed before the STOP leaves before the STOP is acknowledged."""
    async with world(tmp_path) as made:
        may_answer = asyncio.Event()

        async def wait(text: OutboundText) -> Submission:
            await may_answer.wait()
            return await made.carrier.take(text)

        made.carrier.answer = wait
        sent = await made.send("Hi")
        await made.until_submitted(1)
        received = await made.hear("STOP")
        assert received.in_flight == (sent,)
        quiet = asyncio.create_task(made.loop.wait_quiet(received.in_flight))
        await asyncio.sleep(0.05)
        assert not quiet.done()
        may_answer.set()
        await quiet
        assert sent in {text.message for text in made.carrier.taken.values()}


async def test_the_wait_is_for_the_answer_not_for_the_note(tmp_path: Path) -> None:
    """A store that is away while the answer is noted does not hold the acknowledgement."""
    async with world(tmp_path) as made:
        noting = asyncio.Event()

        async def hold(_command: Any) -> None:
            await noting.wait()

        made.store.before[RecordSubmission] = hold
        sent = await made.send("Hi")
        await made.until_submitted(1)
        await asyncio.wait_for(made.loop.wait_quiet((sent,)), PATIENCE_SECONDS / 2)
        assert await made.status(sent) is MessageStatus.SENDING
        noting.set()
        await made.until_outbox_is(0)


async def test_the_wait_is_bounded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A carrier slower than its own time limit is told of, and the webhook is answered."""
    async with world(tmp_path, started=False) as made:
        made.loop = made.new_loop(quiet_seconds=0.1)
        made.carrier.answer = lambda _text: asyncio.sleep(60, Unanswered("never"))
        made.start()
        sent = await made.send("Hi")
        await made.until_submitted(1)
        await asyncio.wait_for(made.loop.wait_quiet((sent,)), PATIENCE_SECONDS / 2)
        assert any("still_with_the_carrier" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("messages", [(), ("msg_unknown",)])
async def test_nothing_under_way_is_quiet(tmp_path: Path, messages: tuple[str, ...]) -> None:
    """Nothing to wait for, or something this process does not carry: at once."""
    async with world(tmp_path) as made:
        await asyncio.wait_for(made.loop.wait_quiet(messages), PATIENCE_SECONDS / 2)


async def test_a_claim_that_is_being_made_is_waited_for(tmp_path: Path) -> None:
    """Durable before the STOP but not yet known to the loop: the wait sees it all the same."""
    async with world(tmp_path) as made:
        claimed, go_on, may_answer = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def hold(_command: Any) -> None:
            claimed.set()
            await go_on.wait()

        async def wait(text: OutboundText) -> Submission:
            await may_answer.wait()
            return await made.carrier.take(text)

        made.store.after[ClaimJobs] = hold
        made.carrier.answer = wait
        sent = await made.send("Hi")
        await claimed.wait()
        received = await made.hear("STOP")
        quiet = asyncio.create_task(made.loop.wait_quiet(received.in_flight))
        await asyncio.sleep(0.02)
        go_on.set()
        await asyncio.sleep(0.05)
        assert (received.in_flight, quiet.done()) == ((sent,), False)
        may_answer.set()
        await quiet


async def test_a_crash_of_a_flight_ends_the_wait(tmp_path: Path) -> None:
    """Nobody waits for a text that nothing carries any more."""
    async with world(tmp_path, started=False) as made:
        made.loop = made.new_loop()
        made.carrier.answer = lambda _text: asyncio.sleep(60, Unanswered("never"))
        made.start()
        sent = await made.send("Hi")
        await made.until_submitted(1)
        quiet = asyncio.create_task(made.loop.wait_quiet((sent,)))
        await asyncio.sleep(0.02)
        await made.crash()
        await asyncio.wait_for(quiet, PATIENCE_SECONDS / 2)


class SlowCarrier(ScriptedCarrier):
    """Takes its time, notes what leaves after an acknowledgement, and refuses now and then."""

    def __init__(self, dice: random.Random, people: list[str]) -> None:
        super().__init__("one")
        self._dice = dice
        self.begun = {person: asyncio.Event() for person in people}
        self.acknowledged: set[str] = set()
        self.late: list[str] = []

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Take it after a moment, which is when it leaves; or refuse it."""
        assert fence.is_open
        self.submitted.append(text)
        self.begun[text.recipient].set()
        await asyncio.sleep(self._dice.random() * 0.004)
        if self._dice.random() < 0.2:
            return CarrierRefusal(permanent=False, opted_out=False, code="20503", text="Not now")
        if text.recipient in self.acknowledged:
            self.late.append(text.body)
        return await self.take(text)


async def race(made: World, carrier: SlowCarrier, person: str, dice: random.Random) -> None:
    """Let a person be texted by several doors and say STOP at some moment of it."""
    moment = dice.choice(["at once", "soon", "while one is being handed over"])

    async def stop() -> None:
        if moment == "soon":
            await asyncio.sleep(dice.random() * 0.006)
        elif moment != "at once":
            await carrier.begun[person].wait()
        await made.acknowledge("STOP", recipient=person)
        carrier.acknowledged.add(person)

    async def text(number: int) -> None:
        await asyncio.sleep(dice.random() * 0.006 * (number > 0))
        with suppress(AssertionError):  # refused at the door, which is as good
            await made.send(f"text {number}", recipient=person)

    await asyncio.gather(stop(), *(text(number) for number in range(4)))


async def test_no_text_leaves_after_a_stop_was_acknowledged(tmp_path: Path) -> None:
    """Hundreds of seeded races of a STOP with queued, claimed and retried texts."""
    dice = random.Random(20261123)
    async with world(tmp_path) as made:
        people = [f"+1212555{number:04}" for number in range(1000, 1000 + RACES)]
        await made.opt_in(*people)
        made.book.carriers["one"] = made.carrier = carrier = SlowCarrier(dice, people)
        for start in range(0, RACES, 20):
            batch = people[start : start + 20]
            await asyncio.gather(*(race(made, carrier, person, dice) for person in batch))
            made.clock.advance(2)
        await made.let_all_go()
        assert carrier.late == []
        assert carrier.acknowledged == set(people)
        texted = {text.recipient for text in carrier.taken.values()}
        assert RACES / 10 < len(texted) < RACES, "the races were won by one side only"
