"""From the outbox to the carrier: pace, gate, answers, retries, receipts."""

import asyncio
import itertools
from datetime import timedelta
from pathlib import Path

import pytest
from delivery_world import OTHER_SENDER, PERSON, SENDER, ScriptedCarrier, last_entries, world

from consentry.actions.deliver_job import (
    ATTEMPTS_MAX,
    ClaimJobs,
    RecordSubmission,
    retry_delay_seconds,
)
from consentry.delivery.limits import Portion
from consentry.domain.messages import MessageStatus
from consentry.domain.standing import SMSPreference
from consentry.ports import Accepted, CarrierRefusal, OutboundText, Submission, Unanswered

pytestmark = pytest.mark.integration

SECOND_PERSON = "+12125550143"
BUSY = CarrierRefusal(permanent=False, opted_out=False, code="20503", text="Not now")
NEVER = CarrierRefusal(permanent=True, opted_out=False, code="21211", text="No such number")
OPTED_OUT = CarrierRefusal(permanent=True, opted_out=True, code="21610", text="Unsubscribed")


async def test_a_text_is_carried_and_noted(tmp_path: Path) -> None:
    """It is handed over whole, once, and its job is over."""
    async with world(tmp_path) as made:
        await made.save_sender(messaging_service_sid="MG1")
        sent = await made.send("Hi", media=("https://media.example.com/a",))
        await made.until_outbox_is(0)
        known = await made.message(sent)
        assert known.status is MessageStatus.SENT
        assert (known.carrier, made.carrier.taken[known.carrier_message_id or ""]) == (
            "one",
            OutboundText(
                message=sent,
                recipient=PERSON,
                sender=SENDER,
                body="Hi",
                media=("https://media.example.com/a",),
                messaging_service_sid="MG1",
            ),
        )
        assert made.carrier.bodies() == ["Hi"]


async def test_each_sender_keeps_its_pace(tmp_path: Path) -> None:
    """Two a second are two at once and one each half second, whatever another sender does."""
    async with world(tmp_path) as made:
        await made.save_sender(messages_per_second=2.0)
        await made.hear("Hello", sender=OTHER_SENDER)
        made.clock.advance(10)
        for number in range(6):
            await made.send(f"slow {number}")
            await made.send(f"fast {number}", sender=OTHER_SENDER)
        await made.until_submitted(2 + 6)
        for count in (9, 10, 11):
            await made.settle()
            assert len(made.carrier.bodies()) == count - 1
            made.clock.advance(0.5)
            await made.until_submitted(count)
        assert [b for b in made.carrier.bodies() if "slow" in b] == [f"slow {n}" for n in range(5)]


async def test_a_busy_sender_leaves_slots_to_others(tmp_path: Path) -> None:
    """A sender that fills all slots gives the next free one to a sender that has none."""
    async with world(tmp_path, started=False) as made:
        made.loop = made.new_loop(flights=3)
        releases = asyncio.Semaphore(0)

        async def hold(text: OutboundText) -> Submission:
            if text.body.startswith("campaign"):
                await releases.acquire()
            return await made.carrier.take(text)

        made.carrier.answer = hold
        made.start()
        for number in range(10):
            await made.send(f"campaign {number}")
        await made.until_submitted(3)
        await made.hear("Hello", sender=OTHER_SENDER)
        await made.send("reply", sender=OTHER_SENDER)
        await made.settle()
        assert len(made.carrier.bodies()) == 3
        releases.release()
        await made.until_submitted(5)
        assert made.carrier.bodies()[3:] == ["reply", "campaign 3"]
        for _ in range(9):
            releases.release()
        await made.until_outbox_is(0)


async def test_a_scheduled_text_waits_for_its_time(tmp_path: Path) -> None:
    """It goes when it is due, without anybody waking the loop."""
    async with world(tmp_path) as made:
        later = await made.send("Later", send_at=made.clock.now() + timedelta(hours=1))
        await made.settle()
        assert await made.status(later) is MessageStatus.SCHEDULED
        made.clock.advance(3600)
        await made.until_outbox_is(0)
        assert made.carrier.bodies() == ["Later"]


async def test_the_second_gate_wins(tmp_path: Path) -> None:
    """What was allowed when it was accepted, and is not when it is claimed, does not go."""
    async with world(tmp_path, started=False) as made:
        sent = await made.send("Hi")
        await made.save_sender(enabled=False)
        made.start()
        stopped = await made.until_status(sent, MessageStatus.CANCELED)
        assert (stopped.error_code, made.carrier.bodies()) == ("sender_disabled", [])
        assert (await last_entries(made))[0] == "job_canceled"


async def test_a_stop_cancels_what_waits(tmp_path: Path) -> None:
    """An opt-out between acceptance and claim stops queued and scheduled texts alike."""
    async with world(tmp_path, started=False) as made:
        queued = await made.send("Hi")
        scheduled = await made.send("Later", send_at=made.clock.now() + timedelta(hours=1))
        await made.acknowledge("STOP")
        made.start()
        await made.until_outbox_is(0)
        await made.settle()
        assert {await made.status(queued), await made.status(scheduled)} == {MessageStatus.CANCELED}
        assert made.carrier.bodies() == []


async def test_a_passing_refusal_is_tried_again_later(tmp_path: Path) -> None:
    """A 503 goes back in line, waits, and leaves with the next attempt."""
    async with world(tmp_path) as made:
        made.carrier.always(BUSY)
        sent = await made.send("Hi")
        await made.until_back_in_line(sent)
        await made.settle()
        assert len(made.carrier.bodies()) == 1
        made.carrier.answer = made.carrier.take
        made.clock.advance(retry_delay_seconds(1))
        await made.until_outbox_is(0)
        assert made.carrier.bodies() == ["Hi", "Hi"]
        assert await made.status(sent) is MessageStatus.SENT


async def test_a_retry_passes_the_gate_again(tmp_path: Path) -> None:
    """A STOP while a text waits for its next attempt stops it."""
    async with world(tmp_path) as made:
        made.carrier.always(BUSY)
        sent = await made.send("Hi")
        await made.until_back_in_line(sent)
        await made.acknowledge("Stop")
        made.carrier.answer = made.carrier.take
        made.clock.advance(3600)
        await made.until_status(sent, MessageStatus.CANCELED)
        await made.settle()
        assert made.carrier.bodies() == ["Hi"]


async def test_the_carrier_says_how_long_to_wait(tmp_path: Path) -> None:
    """Retry-After counts instead of our own delay."""
    async with world(tmp_path) as made:
        made.carrier.always(
            CarrierRefusal(
                permanent=False,
                opted_out=False,
                code="20429",
                text="Slowly",
                retry_after_seconds=30.0,
            )
        )
        sent = await made.send("Hi")
        await made.until_back_in_line(sent)
        made.clock.advance(29.9)
        await made.settle()
        assert len(made.carrier.bodies()) == 1
        made.clock.advance(0.1)
        await made.until_submitted(2)


async def test_attempts_are_bounded(tmp_path: Path) -> None:
    """A carrier that never gets better gets each text a few times, and then it has failed."""
    async with world(tmp_path) as made:
        made.carrier.always(BUSY)
        sent = await made.send("Hi")
        for attempt in range(1, ATTEMPTS_MAX):
            await made.until_back_in_line(sent, attempt)
            made.clock.advance(retry_delay_seconds(attempt))
        failed = await made.until_status(sent, MessageStatus.FAILED)
        made.clock.advance(3600)
        await made.settle()
        assert (len(made.carrier.bodies()), failed.error_code) == (ATTEMPTS_MAX, "20503")


async def test_a_permanent_refusal_fails_at_once(tmp_path: Path) -> None:
    """It is not tried again, and says why."""
    async with world(tmp_path) as made:
        made.carrier.always(NEVER)
        sent = await made.send("Hi")
        failed = await made.until_status(sent, MessageStatus.FAILED)
        assert (failed.error_code, failed.error_text) == ("21211", "No such number")
        assert (await made.store.read_standing(PERSON)).sms_preference is SMSPreference.ON
        assert await made.store.count_outbox() == 0


async def test_opted_out_in_the_answer_blocks_the_pair(tmp_path: Path) -> None:
    """21610 is learnt, and what waits for the same person is cancelled."""
    async with world(tmp_path) as made:
        later = await made.send("Later", send_at=made.clock.now() + timedelta(hours=1))
        made.carrier.always(OPTED_OUT)
        sent = await made.send("Hi")
        await made.until_status(sent, MessageStatus.FAILED)
        assert await made.status(later) is MessageStatus.CANCELED
        standing = await made.store.read_standing(PERSON)
        assert standing.sms_preference is SMSPreference.FORBIDDEN
        assert made.carrier.bodies() == ["Hi"]


async def test_a_text_whose_time_is_over_is_not_sent(tmp_path: Path) -> None:
    """Its time to live ended in the outbox: recorded, not dropped."""
    async with world(tmp_path, started=False) as made:
        sent = await made.send("Hi", expires_at=made.clock.now() + timedelta(minutes=5))
        made.clock.advance(301)
        made.start()
        expired = await made.until_status(sent, MessageStatus.CANCELED)
        assert (expired.error_code, made.carrier.bodies()) == ("expired", [])


async def test_a_sender_without_its_account_fails_clearly(tmp_path: Path) -> None:
    """It neither waits for ever nor tries for ever."""
    async with world(tmp_path) as made:
        del made.book.carriers["one"]
        sent = await made.send("Hi")
        failed = await made.until_status(sent, MessageStatus.FAILED)
        assert failed.error_code == "carrier_missing"
        assert "'one', which is not set up. Add that account" in (failed.error_text or "")
        assert await made.store.count_outbox() == 0


async def test_an_account_that_cannot_be_looked_up_is_looked_up_again(tmp_path: Path) -> None:
    """Nothing was sent, so it goes back in line."""
    async with world(tmp_path) as made:
        asked = made.book.asked
        made.book.failing = True
        sent = await made.send("Hi")
        await made.until_asked(asked + 1)
        await made.until_status(sent, MessageStatus.QUEUED)
        assert made.carrier.bodies() == []
        made.book.failing = False
        made.clock.advance(2)
        await made.until_status(sent, MessageStatus.SENT)
        assert made.carrier.bodies() == ["Hi"]


async def test_a_sender_that_moved_is_carried_by_its_new_account(tmp_path: Path) -> None:
    """A text accepted before the move goes where the sender is now, and its receipts match."""
    async with world(tmp_path, started=False) as made:
        made.book.carriers["two"] = second = ScriptedCarrier("two")
        sent = await made.send("Hi")
        await made.save_sender(carrier="two")
        made.start()
        await made.until_outbox_is(0)
        assert [text.message for text in second.submitted] == [sent]
        assert (await made.message(sent)).carrier == "two"


async def test_a_fault_in_a_carrier_stops_nobody_else(tmp_path: Path) -> None:
    """The text may have gone, so it is indeterminate; the loop goes on."""
    async with world(tmp_path) as made:

        async def fail(text: OutboundText) -> Submission:
            if text.body == "bad":
                raise ZeroDivisionError
            return await made.carrier.take(text)

        made.carrier.answer = fail
        bad = await made.send("bad")
        good = await made.send("good")
        unknown = await made.until_status(bad, MessageStatus.INDETERMINATE)
        assert "ZeroDivisionError" in (unknown.error_text or "")
        await made.until_outbox_is(1)
        assert await made.status(good) is MessageStatus.SENT


async def test_a_carrier_that_never_answers_is_cut_off(tmp_path: Path) -> None:
    """A hanging submission ends in time and its slot is free again."""
    async with world(tmp_path, started=False) as made:
        made.loop = made.new_loop(submit_seconds=0.05, flights=1)
        made.carrier.answer = lambda _text: asyncio.sleep(60, BUSY)
        made.start()
        sent = [await made.send(f"text {number}") for number in range(3)]
        for message in sent:
            await made.until_status(message, MessageStatus.INDETERMINATE)
        assert len(made.carrier.bodies()) == 3


ORDERS = list(itertools.permutations(["answer", "sent", "delivered"]))


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
async def test_answer_and_receipts_come_in_any_order(
    tmp_path: Path, order: tuple[str, ...]
) -> None:
    """The end is delivered, once, whichever comes first."""
    async with world(tmp_path) as made:
        answered, may_answer = asyncio.Event(), asyncio.Event()

        async def wait(text: OutboundText) -> Submission:
            accepted = await made.carrier.take(text)
            answered.set()
            await may_answer.wait()
            return accepted

        made.carrier.answer = wait
        sent = await made.send("Hi")
        await answered.wait()
        for event in order:
            if event == "answer":
                may_answer.set()
                await made.until_outbox_is(0)
            else:
                await made.report(sent, MessageStatus(event))
        known = await made.message(sent)
        assert known.status is MessageStatus.DELIVERED
        assert (known.carrier_message_id, known.error_code) == (
            next(reversed(made.carrier.taken)),
            None,
        )
        assert made.carrier.bodies() == ["Hi"]


async def test_a_receipt_is_faster_than_the_retry_of_a_refusal_that_was_none(
    tmp_path: Path,
) -> None:
    """The carrier says 503 and sends the text all the same: the receipt ends the retry."""
    async with world(tmp_path) as made:

        async def lie(text: OutboundText) -> Submission:
            made.carrier.keep(text)
            return BUSY

        made.carrier.answer = lie
        sent = await made.send("Hi")
        await made.until_back_in_line(sent)
        await made.report(sent, MessageStatus.SENT)
        made.clock.advance(3600)
        await made.settle()
        assert (made.carrier.bodies(), await made.status(sent)) == (["Hi"], MessageStatus.SENT)
        assert await made.store.count_outbox() == 0


@pytest.mark.parametrize("late", [BUSY, NEVER, Unanswered("silence")])
async def test_a_receipt_counts_more_than_a_refusal_that_comes_later(
    tmp_path: Path, late: Submission
) -> None:
    """What is proved to be out is neither failed nor put back in line by a late answer."""
    async with world(tmp_path) as made:
        may_answer = asyncio.Event()

        async def wait(text: OutboundText) -> Submission:
            made.carrier.keep(text)
            await may_answer.wait()
            return late

        made.carrier.answer = wait
        sent = await made.send("Hi")
        await made.until_submitted(1)
        await made.report(sent, MessageStatus.SENT)
        may_answer.set()
        await made.until_outbox_is(0)
        assert await made.status(sent) is MessageStatus.SENT


async def test_an_answer_that_is_noted_twice_counts_once(tmp_path: Path) -> None:
    """A repeat of the first attempt's answer does not touch the second attempt."""
    async with world(tmp_path) as made:
        made.carrier.always(BUSY)
        sent = await made.send("Hi")
        await made.until_back_in_line(sent)
        holding = asyncio.Event()

        async def hold(text: OutboundText) -> Submission:
            await holding.wait()
            return await made.carrier.take(text)

        made.carrier.answer = hold
        made.clock.advance(2)
        await made.until_submitted(2)
        repeat = RecordSubmission(sent, PERSON, SENDER, "one", BUSY, 1)
        await made.store.submit(repeat)
        assert await made.status(sent) is MessageStatus.SENDING
        holding.set()
        await made.until_outbox_is(0)
        assert made.carrier.bodies() == ["Hi", "Hi"]


async def test_a_burst_of_refusals_raises_an_alarm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Dozens of refusals at once are a fault of the sender: told once, blocking nobody more."""
    async with world(tmp_path) as made:
        people = [f"+1212555{number:04}" for number in range(2000, 2056)]
        await made.opt_in(*people)
        made.carrier.always(OPTED_OUT)
        sent = [await made.send("Hi", recipient=person) for person in people]
        await made.until_outbox_is(0)
        assert {await made.status(message) for message in sent} == {MessageStatus.FAILED}
        standings = await made.store.read_standings(people)
        blocked = [s.sms_preference for s in standings].count(SMSPreference.FORBIDDEN)
        assert blocked == 50
        alarms = [r for r in caplog.records if r.getMessage().startswith("refusal_burst")]
        assert [(alarm.levelname, alarm.__dict__["sender"]) for alarm in alarms] == [
            ("ERROR", SENDER)
        ]


async def test_accepted_again_after_a_refusal_is_accepted(tmp_path: Path) -> None:
    """The carrier's id of a repeat counts, also where the first note was of a refusal."""
    async with world(tmp_path) as made:
        made.carrier.always(BUSY)
        sent = await made.send("Hi")
        await made.until_back_in_line(sent)
        late = RecordSubmission(sent, PERSON, SENDER, "one", Accepted("SMlate"), 1)
        await made.store.submit(late)
        made.clock.advance(3600)
        await made.settle()
        assert (await made.message(sent)).carrier_message_id == "SMlate"
        assert made.carrier.bodies() == ["Hi"]


@pytest.mark.parametrize(("pressed_seconds", "most"), [(60.0, 3), (-1.0, 7)])
async def test_a_large_send_goes_on_in_small_portions_while_people_wait(
    tmp_path: Path, pressed_seconds: float, most: int
) -> None:
    """However many texts are due and slots free, a claim takes few while somebody is at a door."""
    async with world(tmp_path, started=False) as made:
        portions = {"small": Portion(claims=3, starts=2), "large": Portion(claims=7, starts=7)}
        made.loop = made.new_loop(pressed_seconds=pressed_seconds, **portions)
        claimed: list[int] = []

        async def count(command: ClaimJobs) -> None:
            claimed.append(sum(limit for _, limit in command.due))

        made.store.before[ClaimJobs] = count
        for number in range(20):
            await made.send(f"campaign {number}")
        made.start()
        await made.until_outbox_is(0)
        assert max(claimed) == most
        assert sorted(made.carrier.bodies()) == sorted(f"campaign {n}" for n in range(20))


async def test_delivery_lets_people_go_first(tmp_path: Path) -> None:
    """Claims and the carrier's answers are patient; what a person says is not."""
    async with world(tmp_path) as made:
        await made.send("Hi")
        await made.acknowledge("STOP")
        await made.until_outbox_is(0)
        assert made.store.patient == {ClaimJobs, RecordSubmission}
