"""A job goes to the carrier: once, behind a second gate, and what becomes of it is written down."""

import msgspec
import pytest

from action_world import BROKEN, CARRIER, OPTED_OUT, PROCESS, TOO_MANY, World, statement
from consent_world import LONG, OTHER_PERSON, PERSON, SECOND, SHORT, minute
from consentry.actions.deliver_job import (
    ATTEMPTS_MAX,
    SEALED_RETRY_SECONDS,
    RecordSubmission,
    RecoverJobs,
    ResolveIndeterminate,
    Settled,
    retry_delay_seconds,
)
from consentry.actions.keep_lease import EndLease, RenewLease
from consentry.actions.record_consent import RevokeConsent
from consentry.domain.consent import PairState, pair_state
from consentry.domain.entries import EntryKind
from consentry.domain.gate import MessageKind, Verdict
from consentry.domain.messages import JobState, MessageStatus
from consentry.domain.standing import Cause
from consentry.ports import Accepted, CarrierRefusal, Unanswered, Withheld, Work
from memory_store import START

pytestmark = pytest.mark.unit

SILENCE = Unanswered("no answer within 10 s")


def claimed(world: World) -> Work:
    """Open a conversation and claim one text of an agent."""
    world.receive("Hello")
    for work in world.claim():
        world.answer(work)
    world.send()
    (work,) = world.claim()
    return work


def resolve(world: World, work: Work, found: Accepted | None) -> MessageStatus | None:
    """Tell what the carrier's own list says."""
    message = work.message
    return world.store.run(
        ResolveIndeterminate(
            message.id, message.recipient, CARRIER, found, attempt=work.job.attempts
        )
    )


# --- Claiming ---------------------------------------------------------------------------------


def test_a_claim_is_written_before_anything_leaves() -> None:
    """Job claimed, message sending, the second decision in the ledger, the thread moved."""
    world = World()
    work = claimed(world)
    assert (work.job.state, work.job.attempts, work.job.claimed_at) == (JobState.CLAIMED, 1, START)
    assert (work.message.status, work.message.submitted_at) == (MessageStatus.SENDING, START)
    assert world.store.jobs[work.message.id] == work.job
    assert work.job.process == PROCESS
    entry = world.last_entry(EntryKind.JOB_CLAIMED)
    assert entry.decision is not None
    assert entry.decision.decision is Verdict.ALLOW
    assert world.standing().thread(LONG.number).last_outbound_at == START
    assert world.claim() == ()


def test_the_gate_is_asked_again_in_the_claim() -> None:
    """Whatever changed since acceptance wins: the job is canceled with its decision."""
    world = World()
    world.receive("Hello", SHORT)
    sent = world.send(sender=SHORT)
    revocation = statement()
    # The withdrawal cancels what waits itself, so a job that slipped past is put back by hand.
    job = world.store.jobs[sent.message or ""]
    message = world.message(sent.message)
    world.store.run(RevokeConsent(revocation, SHORT.conversation))
    world.store.jobs[message.id], world.store.messages[message.id] = job, message
    assert world.claim() == ()
    assert world.message(message.id).status is MessageStatus.CANCELED
    assert message.id not in world.store.jobs
    assert world.last_entry(EntryKind.JOB_CANCELED).reason == "opted_out"


def test_a_text_that_cannot_be_opened_waits_for_its_key() -> None:
    """It is neither handed over nor given up, and a STOP meanwhile cancels it."""
    world = World()
    world.receive("Hello")
    for work in world.claim():
        world.answer(work)
    sent = world.send().message or ""
    before = world.message(sent)
    world.store.sealed.add(sent)
    assert world.claim() == ()
    assert world.message(sent) == before
    waits = world.store.jobs[sent].due_at - START
    assert waits.total_seconds() == SEALED_RETRY_SECONDS
    world.receive("STOP")
    assert world.message(sent).status is MessageStatus.CANCELED


def test_a_claim_takes_what_is_due_and_no_more_than_asked() -> None:
    """Per sender up to the limit, our answers first, nothing that is scheduled for later."""
    world = World()
    world.receive("Hello")
    first, second = world.send("first"), world.send("second")
    world.send("later", send_at=minute(10))
    world.receive("Hello", SECOND)
    kinds = [work.message.kind for work in world.claim(LONG, limit=2)]
    assert kinds == [MessageKind.INITIAL_REPLY, MessageKind.MESSAGE]
    assert [work.message.id for work in world.claim(LONG)] == [second.message]
    assert first.message in world.store.jobs
    world.clock.advance(minutes=10)
    assert [work.message.body for work in world.claim(LONG)] == ["later"]


def test_a_text_whose_time_is_over_is_given_up_and_recorded() -> None:
    """Past its time to live it is not sent, and the ledger says so."""
    world = World()
    world.receive("Hello")
    sent = world.send(expires_at=minute(5))
    world.clock.advance(minutes=5, microseconds=1)
    world.claim()
    assert world.message(sent.message).error_code == "expired"
    assert world.message(sent.message).status is MessageStatus.CANCELED
    assert world.last_entry(EntryKind.JOB_CANCELED).reason == "expired"


def test_one_confirmation_leaves_and_a_second_never_does() -> None:
    """The claim notes it on the thread; whatever else is queued under that name is stopped (I2)."""
    world = World()
    world.receive("STOP", SHORT)
    (job,) = world.store.jobs.values()
    message = world.message(job.message)
    (work,) = world.claim()
    assert work.message.kind is MessageKind.OPT_OUT_CONFIRMATION
    assert world.standing().thread(SHORT.number).confirmation_at == START
    world.store.jobs[message.id], world.store.messages[message.id] = job, message
    assert world.claim() == ()
    entry = world.last_entry(EntryKind.JOB_CANCELED)
    assert entry.decision is not None
    assert entry.decision.rules == ("confirmation/already_sent",)


def test_a_confirmation_that_is_late_is_not_sent_and_recorded_so() -> None:
    """After five minutes it stays unsent, and the entry says which rule stopped it."""
    world = World()
    world.receive("STOP", SHORT)
    world.clock.advance(minutes=5, microseconds=1)
    assert world.claim() == ()
    entry = world.last_entry(EntryKind.JOB_CANCELED)
    assert entry.decision is not None
    assert entry.decision.rules == ("confirmation/deadline_missed",)


def test_claims_of_one_batch_see_each_other() -> None:
    """Two jobs of one recipient in one claim: the second is judged after the first."""
    world = World()
    world.receive("STOP", SHORT)
    (job,) = world.store.jobs.values()
    twin = world.message(job.message)
    copy = "msg_copy"
    world.store.messages[copy] = type(twin)(**{**_fields(twin), "id": copy})
    world.store.jobs[copy] = type(job)(**{**_fields(job), "message": copy})
    assert len(world.claim()) == 1
    assert world.kinds().count(EntryKind.JOB_CANCELED) == 1


def _fields(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__struct_fields__}  # type: ignore[attr-defined]


# --- Answers ----------------------------------------------------------------------------------


def test_an_accepted_text_is_sent_and_its_job_over() -> None:
    """The carrier's id is noted; the job leaves the outbox."""
    world = World()
    work = claimed(world)
    settled = world.answer(work, Accepted("SM1"))
    message = world.message(work.message.id)
    assert settled == Settled(MessageStatus.SENT)
    assert (message.status, message.carrier_message_id) == (MessageStatus.SENT, "SM1")
    assert world.store.jobs == {}


def test_a_carriers_own_queue_is_out_of_our_hands() -> None:
    """Accepted as "queued" is sent as far as we are concerned."""
    world = World()
    work = claimed(world)
    assert world.answer(work, Accepted("SM1", MessageStatus.QUEUED)).status is MessageStatus.SENT


def test_receipts_that_were_faster_than_the_answer_count() -> None:
    """A report under an id we did not know yet is caught up with."""
    world = World()
    work = claimed(world)
    assert world.report(work.message, named=False).message is None
    world.answer(work)
    message = world.message(work.message.id)
    assert message.status is MessageStatus.DELIVERED
    (receipt,) = world.store.receipts.values()
    assert receipt.message == message.id


def test_an_answer_does_not_hide_a_failure_that_was_faster() -> None:
    """A text that failed by report stays failed, with its code, when the answer comes."""
    world = World()
    work = claimed(world)
    world.report(work.message, MessageStatus.FAILED, error_code="30003")
    world.answer(work)
    message = world.message(work.message.id)
    assert (message.status, message.error_code) == (MessageStatus.FAILED, "30003")


def test_a_passing_refusal_is_tried_again_later() -> None:
    """429 and 5xx go back in line with a growing delay, opt nobody out, and meet the gate again."""
    world = World()
    work = claimed(world)
    settled = world.answer(work, TOO_MANY)
    assert settled.status is MessageStatus.QUEUED
    job = world.store.jobs[work.message.id]
    assert (job.state, job.due_at, job.claimed_at) == (JobState.QUEUED, minute(2 / 60), None)
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN
    assert world.claim() == ()
    world.clock.advance(seconds=2)
    (again,) = world.claim()
    assert again.job.attempts == 2
    waits = CarrierRefusal(
        permanent=False, opted_out=False, code="20429", text="wait", retry_after_seconds=60
    )
    world.answer(again, waits)
    assert world.store.jobs[work.message.id].due_at == minute(62 / 60)
    world.clock.advance(minutes=5)
    world.receive("STOP")
    assert world.claim() == ()


def test_delays_double_up_to_five_minutes() -> None:
    """2, 4, 8 … at most 300 seconds; never less than the first."""
    delays = [retry_delay_seconds(attempts) for attempts in range(12)]
    assert delays == [2, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_trying_ends() -> None:
    """After the last attempt a passing refusal fails the text, with the carrier's code."""
    world = World()
    work = claimed(world)
    for _ in range(ATTEMPTS_MAX):
        world.answer(work, TOO_MANY)
        world.clock.advance(minutes=10)
        work = next(iter(world.claim()), work)
    message = world.message(work.message.id)
    assert (message.status, message.error_code) == (MessageStatus.FAILED, "20429")
    assert world.store.jobs == {}


def test_a_permanent_refusal_fails_and_opts_nobody_out() -> None:
    """A bad number says nothing of consent."""
    world = World()
    work = claimed(world)
    assert world.answer(work, BROKEN).status is MessageStatus.FAILED
    assert world.message(work.message.id).error_text == "no such number"
    assert EntryKind.CARRIER_REFUSED not in world.kinds()
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN


def test_an_opted_out_refusal_blocks_the_pair_and_cancels_the_rest() -> None:
    """Block by carrier_refusal; what waits for the pair is canceled, another sender's is not."""
    world = World()
    work = claimed(world)
    world.receive("Hello", SECOND)
    waiting, elsewhere = world.send("waiting"), world.send("elsewhere", SECOND)
    settled = world.answer(work, OPTED_OUT)
    assert (settled.status, settled.refusal_burst) == (MessageStatus.FAILED, False)
    (block,) = world.standing().blocks
    assert (block.cause, block.since, block.by_person) == (Cause.CARRIER_REFUSAL, START, False)
    assert world.message(waiting.message).error_code == "carrier_blocked"
    assert world.message(elsewhere.message).status is MessageStatus.QUEUED
    entry = world.last_entry(EntryKind.CARRIER_REFUSED)
    assert (entry.reason, entry.message, entry.actor.id) == ("21610", work.message.id, CARRIER)


def test_no_answer_is_indeterminate_and_not_sent_again() -> None:
    """It may have gone out: neither claimed again nor failed."""
    world = World()
    work = claimed(world)
    assert world.answer(work, SILENCE).status is MessageStatus.INDETERMINATE
    world.clock.advance(hours=1)
    assert world.claim() == ()
    assert world.store.jobs[work.message.id].state is JobState.INDETERMINATE


@pytest.mark.parametrize("answer", [TOO_MANY, SILENCE, BROKEN, OPTED_OUT])
@pytest.mark.parametrize("status", [MessageStatus.SENT, MessageStatus.QUEUED])
def test_what_a_receipt_proved_is_not_sent_again(
    answer: CarrierRefusal | Unanswered, status: MessageStatus
) -> None:
    """A report that came before the answer proves that the carrier has the text (I4)."""
    world = World()
    work = claimed(world)
    world.report(work.message, status)
    world.answer(work, answer)
    assert world.message(work.message.id).status is MessageStatus.SENT
    assert world.store.jobs == {}
    blocked = pair_state(world.standing(), LONG) is PairState.CARRIER_BLOCKED
    assert blocked is (answer is OPTED_OUT)


def test_an_answer_noted_twice_counts_once() -> None:
    """The second note, when the job is back in line or claimed again, does not resend it."""
    world = World()
    work = claimed(world)
    world.answer(work, TOO_MANY)
    job = world.store.jobs[work.message.id]
    world.clock.advance(seconds=1)
    for answer in (TOO_MANY, SILENCE):
        world.answer(work, answer)
        assert world.store.jobs[work.message.id] == job
    world.clock.advance(seconds=1)
    (again,) = world.claim()
    world.answer(work, SILENCE)
    assert world.store.jobs[work.message.id] == again.job


def test_a_late_opted_out_is_learnt_though_the_job_moved_on() -> None:
    """An answer that was overtaken still says that the pair is blocked; the job is canceled."""
    world = World()
    work = claimed(world)
    world.answer(work, TOO_MANY)
    world.answer(work, OPTED_OUT)
    assert pair_state(world.standing(), LONG) is PairState.CARRIER_BLOCKED
    assert world.store.jobs == {}


def test_an_answer_for_a_message_that_is_gone_changes_nothing() -> None:
    """An erased message is no reason to fail."""
    world = World()
    command = RecordSubmission(
        message="msg_gone",
        recipient=PERSON,
        sender=LONG.number,
        carrier=CARRIER,
        submission=Accepted("SM1"),
        attempt=1,
    )
    assert world.store.run(command) == Settled(None)
    assert world.store.messages == {}


WITHHELD = Withheld("too late")


def test_what_was_not_handed_over_waits_again() -> None:
    """It is due at once, and asks the gate again; a stop meanwhile cancels it."""
    world = World()
    work = claimed(world)
    assert world.answer(work, WITHHELD) == Settled(MessageStatus.QUEUED)
    (again,) = world.claim()
    assert (again.message.id, again.job.attempts) == (work.message.id, 2)
    assert world.answer(work, WITHHELD) == Settled(MessageStatus.SENDING)
    assert world.store.jobs[work.message.id] == again.job
    world.answer(again, WITHHELD)
    world.receive("STOP")
    assert world.claim() == ()
    assert world.message(work.message.id).status is MessageStatus.CANCELED


def test_what_is_withheld_ever_again_is_not_given_up() -> None:
    """No carrier has refused it, however often it was claimed."""
    world = World()
    work = claimed(world)
    for _ in range(ATTEMPTS_MAX + 1):
        world.answer(work, WITHHELD)
        (work,) = world.claim()
    world.answer(work)
    assert world.message(work.message.id).status is MessageStatus.SENT


def test_what_is_withheld_after_it_was_taken_for_lost_waits_again() -> None:
    """Its process woke up and knows better than the carrier's list: it never left."""
    world = World()
    work = claimed(world)
    world.recover()
    world.answer(work, WITHHELD)
    assert [again.message.id for again in world.claim()] == [work.message.id]


@pytest.mark.parametrize("proved", [False, True])
def test_what_is_over_stays_so_though_it_was_withheld(proved: bool) -> None:
    """A report proved that it went out, or the job is gone: it is not put in line again."""
    world = World()
    work = claimed(world)
    if proved:
        world.report(work.message, MessageStatus.SENT)
    else:
        world.answer(work)
    world.answer(work, WITHHELD)
    assert world.store.jobs == {}
    assert world.message(work.message.id).status is MessageStatus.SENT


# --- After a crash ----------------------------------------------------------------------------


def test_after_a_crash_nothing_claimed_is_sent_again() -> None:
    """Every claimed job becomes indeterminate, but those that are being handed over right now."""
    world = World()
    world.receive("Hello")
    world.receive("Hello", recipient=OTHER_PERSON)
    first, second = world.claim()
    assert world.recover(second) == 1
    assert world.store.jobs[first.message.id].state is JobState.INDETERMINATE
    assert world.store.jobs[second.message.id].state is JobState.CLAIMED
    assert world.recover() == 1
    assert world.claim() == ()
    assert world.recover() == 0


def test_a_job_of_a_process_that_lives_is_left_to_it() -> None:
    """Only the dead are cleared up after, and each process after itself."""
    world = World()
    work = claimed(world)
    world.store.run(RenewLease(PROCESS, is_new=True))
    assert world.store.run(RecoverJobs("prc_2", (work.job,))) == 0
    assert world.store.jobs[work.message.id] == work.job
    world.store.run(EndLease(PROCESS))
    assert world.store.run(RecoverJobs("prc_2", (work.job,))) == 1
    world.store.run(RenewLease(PROCESS, is_new=True))
    assert world.recover() == 0


def test_what_moved_on_since_it_was_read_is_left_alone() -> None:
    """Answered, claimed again, or erased meanwhile: what was read is not so any more."""
    world = World()
    work = claimed(world)
    world.answer(work, TOO_MANY)
    world.clock.advance(seconds=2)
    (again,) = world.claim()
    assert world.store.run(RecoverJobs(PROCESS, (work.job,))) == 0
    assert world.store.jobs[work.message.id] == again.job
    world.answer(again)
    assert world.store.run(RecoverJobs(PROCESS, (work.job, again.job))) == 0
    gone = msgspec.structs.replace(again.job, message="msg_gone")
    assert world.store.run(RecoverJobs(PROCESS, (gone,))) == 0


def test_after_a_crash_a_proved_text_is_over() -> None:
    """A receipt came before the crash: there is nothing to find out."""
    world = World()
    work = claimed(world)
    world.report(work.message, MessageStatus.SENT)
    world.recover()
    assert world.store.jobs == {}
    assert world.message(work.message.id).status is MessageStatus.SENT


def test_what_the_carriers_list_has_went_out() -> None:
    """Found: sent, with the carrier's id, and receipts that waited for it."""
    world = World()
    work = claimed(world)
    world.answer(work, SILENCE)
    found = Accepted(f"SM-{work.message.id}")
    assert resolve(world, work, found) is MessageStatus.SENT
    assert world.store.jobs == {}
    assert resolve(world, work, found) is None


def test_what_the_carriers_list_has_not_did_not_go_out() -> None:
    """Not found: it may be claimed again, behind the gate, until the attempts are used up."""
    world = World()
    work = claimed(world)
    for attempt in range(1, ATTEMPTS_MAX):
        world.answer(work, SILENCE)
        assert resolve(world, work, None) is MessageStatus.QUEUED
        (work,) = world.claim()
        assert work.job.attempts == attempt + 1
    world.answer(work, SILENCE)
    assert resolve(world, work, None) is MessageStatus.FAILED
    assert world.message(work.message.id).error_code == "unanswered"


@pytest.mark.parametrize("found", [None, Accepted("SM-late")])
def test_what_the_list_said_of_an_earlier_attempt_is_too_late(found: Accepted | None) -> None:
    """Two asked at once, and one of them only tells when the text is unknown anew."""
    world = World()
    work = claimed(world)
    world.answer(work, SILENCE)
    assert resolve(world, work, None) is MessageStatus.QUEUED
    (again,) = world.claim()
    world.answer(again, SILENCE)
    assert resolve(world, work, found) is None
    assert world.store.jobs[work.message.id].state is JobState.INDETERMINATE
    assert world.claim() == ()


def test_a_stop_while_it_was_unknown_wins() -> None:
    """A text that did not go out and waits again is stopped by what the person said meanwhile."""
    world = World()
    work = claimed(world)
    world.answer(work, SILENCE)
    world.receive("STOP")
    resolve(world, work, None)
    assert world.claim() == ()
    assert world.message(work.message.id).status is MessageStatus.CANCELED


def test_an_answer_after_recovery_settles_it() -> None:
    """The carrier's answer may still be noted after the job was marked indeterminate."""
    world = World()
    work = claimed(world)
    world.recover()
    world.answer(work)
    assert world.message(work.message.id).status is MessageStatus.SENT
    assert world.message(work.message.id).error_text is None
    assert world.store.jobs == {}
