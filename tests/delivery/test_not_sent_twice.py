"""Crashes, lost answers and lost stores: nothing is sent twice, and nothing is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from delivery_world import OTHER_SENDER, PATIENCE_SECONDS, ScriptedCarrier, World, world

from consentry.actions.deliver_job import (
    ATTEMPTS_MAX,
    ClaimJobs,
    RecordSubmission,
    ResolveIndeterminate,
)
from consentry.domain.messages import MessageStatus
from consentry.ports import Accepted, OutboundText, StoreUnavailable, Submission, Unanswered

pytestmark = pytest.mark.integration

Crash = Callable[[World, bool], Awaitable[str]]


async def never(_value: object) -> Any:
    """Wait for ever."""
    await asyncio.Event().wait()


async def crash_after_the_claim(made: World, _taken: bool) -> str:
    """Crash when the job is claimed and nobody has asked the carrier."""
    made.book.held = asyncio.Event()
    sent = await made.send("Hi")
    await made.until_status(sent, MessageStatus.SENDING)
    await made.crash()
    made.book.held = None
    return sent


async def crash_while_submitting(made: World, taken: bool) -> str:
    """Crash while the request is on its way; the carrier has taken the text, or not."""

    async def hang(text: OutboundText) -> Submission:
        if taken:
            made.carrier.keep(text)
        return await never(text)

    made.carrier.answer = hang
    sent = await made.send("Hi")
    await made.until_submitted(1)
    await made.crash()
    return sent


async def crash_before_the_note(made: World, taken: bool) -> str:
    """Crash when the carrier has answered and nothing is written down."""
    made.store.before[RecordSubmission] = never
    if not taken:
        made.carrier.always(Unanswered("silence"))
    sent = await made.send("Hi")
    await made.until_submitted(1)
    await made.settle()
    await made.crash()
    made.store.before.clear()
    return sent


POINTS = [
    pytest.param(crash_after_the_claim, False, id="after the claim"),
    pytest.param(crash_while_submitting, False, id="while submitting, not taken"),
    pytest.param(crash_while_submitting, True, id="while submitting, taken"),
    pytest.param(crash_before_the_note, False, id="before the note, not taken"),
    pytest.param(crash_before_the_note, True, id="before the note, taken"),
]


@pytest.mark.parametrize(("crash", "taken"), POINTS)
async def test_after_a_crash_the_carriers_list_decides(
    tmp_path: Path, crash: Crash, taken: bool
) -> None:
    """Wherever it stopped, the person gets the text exactly once."""
    async with world(tmp_path) as made:
        sent = await crash(made, taken)
        before = len(made.carrier.submitted)
        made.carrier.answer = made.carrier.take
        await made.restart()
        await made.until_status(sent, MessageStatus.INDETERMINATE)
        await made.settle()
        assert len(made.carrier.submitted) == before, "it was sent again on suspicion"
        await made.pass_grace()
        await made.until_outbox_is(0)
        assert await made.status(sent) is MessageStatus.SENT
        assert [text.body for text in made.carrier.taken.values()].count("Hi") == 1
        assert len(made.carrier.submitted) - before == (0 if taken else 1)


@pytest.mark.parametrize(("crash", "taken"), POINTS)
async def test_a_stop_during_the_outage_holds(tmp_path: Path, crash: Crash, taken: bool) -> None:
    """What was claimed before the crash passes the gate again: opted out, it does not go."""
    async with world(tmp_path) as made:
        sent = await crash(made, taken)
        before = len(made.carrier.submitted)
        made.carrier.answer = made.carrier.take
        await made.hear("STOP")
        await made.restart()
        await made.until_status(sent, MessageStatus.INDETERMINATE)
        await made.pass_grace()
        await made.until_outbox_is(0)
        expected = MessageStatus.SENT if taken else MessageStatus.CANCELED
        assert await made.status(sent) is expected
        assert len(made.carrier.submitted) == before


@pytest.mark.parametrize("status", [MessageStatus.SENT, MessageStatus.DELIVERED])
async def test_a_receipt_resolves_before_the_list(tmp_path: Path, status: MessageStatus) -> None:
    """The carrier reports on a text that got no answer: it is over, and nobody asks."""
    async with world(tmp_path) as made:

        async def lose_the_answer(text: OutboundText) -> Submission:
            made.carrier.keep(text)
            return Unanswered("silence")

        made.carrier.answer = lose_the_answer
        sent = await made.send("Hi")
        await made.until_status(sent, MessageStatus.INDETERMINATE)
        await made.report(sent, status)
        assert await made.store.count_outbox() == 0
        made.clock.advance(3600)
        await made.settle()
        known = await made.message(sent)
        assert (known.status, known.error_text, made.carrier.asked) == (status, None, 0)
        assert made.carrier.bodies() == ["Hi"]


async def test_a_receipt_between_the_question_and_its_answer_wins(tmp_path: Path) -> None:
    """The list did not have it yet, the receipt came: it is not sent again."""
    async with world(tmp_path) as made:
        made.carrier.always(Unanswered("silence"))
        sent = await made.send("Hi")
        await made.until_status(sent, MessageStatus.INDETERMINATE)

        async def receipt_first(_command: Any) -> None:
            await made.report(sent, MessageStatus.SENT, sid="SMreal")

        made.store.before[ResolveIndeterminate] = receipt_first
        await made.pass_grace()
        await made.until_outbox_is(0)
        await made.settle()
        assert (await made.message(sent)).carrier_message_id == "SMreal"
        assert made.carrier.bodies() == ["Hi"]


async def test_two_texts_that_read_the_same_are_told_apart(tmp_path: Path) -> None:
    """One of two equal texts went out: the list has one, so one is sent again, and not both."""
    async with world(tmp_path) as made:

        async def take_one(text: OutboundText) -> Submission:
            if not any(taken.body == "Hi" for taken in made.carrier.taken.values()):
                made.carrier.keep(text)
            return Unanswered("silence")

        made.carrier.answer = take_one
        both = [await made.send("Hi"), await made.send("Hi")]
        for sent in both:
            await made.until_status(sent, MessageStatus.INDETERMINATE)
        made.carrier.answer = made.carrier.take
        await made.pass_grace()
        await made.until_outbox_is(0)
        assert [text.body for text in made.carrier.taken.values()].count("Hi") == 2
        ids = {(await made.message(sent)).carrier_message_id for sent in both}
        assert len(ids) == 2


async def test_a_text_that_was_noted_is_not_found_for_another(tmp_path: Path) -> None:
    """Yesterday's "Hi" is on the list too; today's, which got no answer, is sent again."""
    async with world(tmp_path) as made:
        first = await made.send("Hi")
        await made.until_outbox_is(0)
        made.carrier.always(Unanswered("silence"))
        second = await made.send("Hi")
        await made.until_status(second, MessageStatus.INDETERMINATE)
        made.carrier.answer = made.carrier.take
        await made.pass_grace()
        await made.until_outbox_is(0)
        ids = [(await made.message(sent)).carrier_message_id for sent in (first, second)]
        assert len(set(ids)) == 2


async def test_a_list_that_cannot_be_had_decides_nothing(tmp_path: Path) -> None:
    """The text waits; texts of another carrier are resolved meanwhile."""
    async with world(tmp_path) as made:
        made.book.carriers["two"] = second = ScriptedCarrier("two")
        await made.save_sender(OTHER_SENDER, carrier="two")
        await made.hear("Hello", sender=OTHER_SENDER)
        await made.until_outbox_is(0)
        for carrier in (made.carrier, second):
            carrier.always(Unanswered("silence"))
        made.carrier.unreachable = True
        stuck = [await made.send(f"text {number}") for number in range(3)]
        other = await made.send("Hi", sender=OTHER_SENDER)
        for sent in (*stuck, other):
            await made.until_status(sent, MessageStatus.INDETERMINATE)
        second.answer = second.take
        await made.pass_grace()
        await made.until_status(other, MessageStatus.SENT)
        assert {await made.status(sent) for sent in stuck} == {MessageStatus.INDETERMINATE}
        made.carrier.unreachable = False
        made.carrier.answer = made.carrier.take
        await made.until_outbox_is(0)
        assert sorted(made.carrier.bodies()) == sorted(f"text {n % 3}" for n in range(6))


async def test_a_carrier_without_a_list_is_not_asked_for_ever(tmp_path: Path) -> None:
    """Nothing can tell whether it went out: it is not sent again, and the message says why."""
    async with world(tmp_path) as made:
        made.carrier.always(Unanswered("silence"))
        made.carrier.has_no_list = True
        sent = await made.send("Hi")
        await made.until_status(sent, MessageStatus.INDETERMINATE)
        await made.pass_grace()
        failed = await made.until_status(sent, MessageStatus.FAILED)
        assert (failed.error_code, made.carrier.bodies()) == ("unanswered", ["Hi"])
        assert "may have gone out" in (failed.error_text or "")


async def test_silence_for_ever_ends(tmp_path: Path) -> None:
    """A carrier that never answers and never has it gets a text a few times, then it failed."""
    async with world(tmp_path) as made:
        made.carrier.always(Unanswered("silence"))
        sent = await made.send("Hi")
        for attempt in range(1, ATTEMPTS_MAX + 1):
            await made.until_submitted(attempt)
            await made.until_status(sent, MessageStatus.INDETERMINATE)
            await made.pass_grace()
        failed = await made.until_status(sent, MessageStatus.FAILED)
        assert (failed.error_code, len(made.carrier.bodies())) == ("unanswered", ATTEMPTS_MAX)


async def test_an_indeterminate_text_of_an_account_that_is_gone_fails(tmp_path: Path) -> None:
    """Nobody is left to be asked, and it must not stay unknown for ever."""
    async with world(tmp_path) as made:
        made.carrier.always(Unanswered("silence"))
        sent = await made.send("Hi")
        await made.until_status(sent, MessageStatus.INDETERMINATE)
        del made.book.carriers["one"]
        await made.pass_grace()
        failed = await made.until_status(sent, MessageStatus.FAILED)
        assert failed.error_code == "carrier_missing"
        assert await made.store.count_outbox() == 0


async def test_a_fault_in_one_question_does_not_stop_the_others(tmp_path: Path) -> None:
    """A text that cannot be asked about is tried again; the next one is resolved."""
    async with world(tmp_path) as made:

        async def lose_the_answer(text: OutboundText) -> Submission:
            made.carrier.keep(text)
            return Unanswered("silence")

        made.carrier.answer = lose_the_answer
        bad, good = await made.send("bad"), await made.send("good")
        for sent in (bad, good):
            await made.until_status(sent, MessageStatus.INDETERMINATE)

        async def fail(command: Any) -> None:
            if command.message == bad:
                raise ZeroDivisionError

        made.store.before[ResolveIndeterminate] = fail
        await made.pass_grace()
        await made.until_status(good, MessageStatus.SENT)
        made.store.before.clear()
        await made.until_status(bad, MessageStatus.SENT)


async def test_resolving_goes_on_after_the_store_was_away(tmp_path: Path) -> None:
    """A round of questions that fails as a whole is told, and made again."""
    async with world(tmp_path) as made:
        made.carrier.always(Unanswered("silence"))
        sent = await made.send("Hi")
        await made.until_status(sent, MessageStatus.INDETERMINATE)
        made.carrier.answer = made.carrier.take
        made.store.unreadable = 2
        await made.pass_grace()
        await made.until_status(sent, MessageStatus.SENT)
        assert made.store.unreadable == 0


# --- The store is away -----------------------------------------------------------------------


def failing(times: int) -> Callable[[Any], Awaitable[None]]:
    """Fail a command so many times."""
    left = [times]

    async def fail(_command: Any) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise StoreUnavailable("The disk is full.")

    return fail


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_an_answer_is_kept_until_the_store_is_back(tmp_path: Path, moment: str) -> None:
    """The carrier's answer is noted late, but noted; whether or not the first try was kept."""
    async with world(tmp_path) as made:
        getattr(made.store, moment)[RecordSubmission] = failing(5)
        sent = await made.send("Hi")
        await made.until_status(sent, MessageStatus.SENT)
        await made.until_outbox_is(0)
        assert made.carrier.bodies() == ["Hi"]


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_claim_that_fails_is_cleared_up(tmp_path: Path, moment: str) -> None:
    """If the claim was kept all the same, its jobs are found; either way it goes out once."""
    async with world(tmp_path) as made:
        getattr(made.store, moment)[ClaimJobs] = failing(1)
        sent = await made.send("Hi")
        await made.until(made.store.count_outbox, 1)
        for _ in range(100):
            await asyncio.sleep(0.01)
            await made.pass_grace()
            if await made.store.count_outbox() == 0:
                break
        assert (await made.status(sent), made.carrier.bodies()) == (MessageStatus.SENT, ["Hi"])


async def test_clearing_up_leaves_what_is_under_way_alone(tmp_path: Path) -> None:
    """Jobs are only cleared up that nobody carries."""
    async with world(tmp_path, started=False) as made:
        made.loop = made.new_loop()
        made.start()
        may_answer = asyncio.Event()

        async def wait(text: OutboundText) -> Submission:
            await may_answer.wait()
            return await made.carrier.take(text)

        made.carrier.answer = wait
        sent = await made.send("Hi")
        await made.until_submitted(1)
        made.store.before[ClaimJobs] = failing(1)
        await made.send("Another")
        await made.until_submitted(2)
        assert await made.status(sent) is MessageStatus.SENDING
        may_answer.set()
        await made.until_outbox_is(0)
        assert sorted(made.carrier.bodies()) == ["Another", "Hi"]


async def test_an_answer_that_cannot_be_noted_is_looked_up_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A fault in noting it does not resend the text: it becomes indeterminate."""
    async with world(tmp_path) as made:

        async def fail(_command: Any) -> None:
            raise ZeroDivisionError

        made.store.before[RecordSubmission] = fail
        sent = await made.send("Hi")
        await made.until_status(sent, MessageStatus.INDETERMINATE)
        assert any("answer_not_noted" in record.getMessage() for record in caplog.records)
        made.store.before.clear()
        await made.pass_grace()
        await made.until_outbox_is(0)
        assert (await made.status(sent), made.carrier.bodies()) == (MessageStatus.SENT, ["Hi"])


async def test_an_unforeseen_fault_does_not_end_the_loop(tmp_path: Path) -> None:
    """One bad round is told and the next one works."""
    async with world(tmp_path) as made:
        faults = iter([ZeroDivisionError()])

        async def fail(_command: Any) -> None:
            for fault in faults:
                raise fault

        made.store.before[ClaimJobs] = fail
        await made.send("Hi")
        await made.until_outbox_is(0)
        assert made.carrier.bodies() == ["Hi"]


# --- Stopping --------------------------------------------------------------------------------


async def test_stopping_finishes_what_is_under_way(tmp_path: Path) -> None:
    """The answer of a text under way is noted; nothing more is claimed."""
    async with world(tmp_path, started=False) as made:
        made.loop = made.new_loop(stop_seconds=60.0)
        made.start()
        may_answer = asyncio.Event()

        async def wait(text: OutboundText) -> Submission:
            await may_answer.wait()
            return await made.carrier.take(text)

        made.carrier.answer = wait
        sent = await made.send("Hi")
        await made.until_submitted(1)
        stopping = asyncio.create_task(made.stop())
        await asyncio.sleep(0.02)
        waiting = await made.send("Another")
        may_answer.set()
        await stopping
        assert await made.status(sent) is MessageStatus.SENT
        assert await made.status(waiting) is MessageStatus.QUEUED
        assert made.carrier.bodies() == ["Hi"]


async def test_a_round_that_is_stopped_in_the_middle_claims_nothing(tmp_path: Path) -> None:
    """It had found a text that is due: that waits for the next server."""
    async with world(tmp_path, started=False) as made:
        looked, go_on = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            looked.set()
            await go_on.wait()

        made.store.before_planning = wait
        sent = await made.send("Hi")
        made.start()
        await looked.wait()
        stopping = asyncio.create_task(made.stop())
        await asyncio.sleep(0)
        go_on.set()
        await stopping
        assert await made.status(sent) is MessageStatus.QUEUED
        assert made.carrier.bodies() == []


async def test_stopping_is_bounded(tmp_path: Path) -> None:
    """A carrier that hangs does not hold the exit; the text is cleared up at the next start."""
    async with world(tmp_path, started=False) as made:
        made.loop = made.new_loop(stop_seconds=0.1)
        made.carrier.answer = never
        made.start()
        sent = await made.send("Hi")
        await made.until_submitted(1)
        await asyncio.wait_for(made.stop(), PATIENCE_SECONDS / 2)
        assert await made.status(sent) is MessageStatus.SENDING
        await made.restart()
        await made.until_status(sent, MessageStatus.INDETERMINATE)


async def test_a_loop_that_never_ran_stops(tmp_path: Path) -> None:
    """A server that fails at its start can still shut down."""
    async with world(tmp_path, started=False) as made:
        await asyncio.wait_for(made.loop.stop(), PATIENCE_SECONDS)
        assert made.carrier.bodies() == []


@pytest.mark.parametrize("hours", [1, -1])
async def test_a_clock_that_is_set_does_not_shorten_the_grace(tmp_path: Path, hours: int) -> None:
    """The carrier may still be about to take the text: only time that passed counts, either way."""
    async with world(tmp_path) as made:
        made.carrier.always(Unanswered("silence"))
        sent = await made.send("Hi")
        await made.until_status(sent, MessageStatus.INDETERMINATE)
        made.clock.set_off(hours)
        await asyncio.sleep(0.2)
        assert made.carrier.asked == 0
        made.carrier.always(Accepted("SM1"))
        await made.pass_grace()
        made.clock.set_off(1)
        await made.until_submitted(2)
        assert made.carrier.asked == 1
