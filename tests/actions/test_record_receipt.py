"""A delivery report comes in, in any order, any number of times."""

from itertools import permutations

import msgspec
import pytest

from action_world import CARRIER, OPTED_OUT, TOO_MANY, World
from consent_world import LONG, OTHER_PERSON, SERVICE_A, SERVICE_B, minute
from consentry.actions.record_receipt import has_refusal_burst, learn_delivery, learn_refusal
from consentry.domain.consent import PairState, pair_state
from consentry.domain.entries import EntryKind
from consentry.domain.messages import JobState, MessageStatus
from consentry.domain.policy import Policy
from consentry.ports import Change, Needs
from memory_store import MemoryFacts

pytestmark = pytest.mark.unit

SENT, DELIVERED = MessageStatus.SENT, MessageStatus.DELIVERED
READ, FAILED = MessageStatus.READ, MessageStatus.FAILED


def talking(sender_of: World | None = None) -> World:
    """A world in which the person has written."""
    world = sender_of or World()
    world.receive("Hello")
    for work in world.claim():
        world.answer(work)
    return world


@pytest.mark.parametrize("order", list(permutations([SENT, DELIVERED, READ])))
def test_receipts_move_a_message_forward_only(order: tuple[MessageStatus, ...]) -> None:
    """In whatever order they come, and repeated, the farthest one stays."""
    world = talking()
    message = world.sent()
    for status in (*order, *order):
        world.report(message, status)
    assert world.message(message.id).status is READ
    assert len(world.store.receipts) == 3


def test_a_failure_that_comes_after_delivery_is_not_believed() -> None:
    """Delivered is proof; a failure before it was not the end."""
    world = talking()
    message = world.sent()
    world.report(message, FAILED, error_code="30003")
    assert world.message(message.id).error_code == "30003"
    recorded = world.report(message, DELIVERED)
    assert (recorded.message, recorded.status) == (message.id, DELIVERED)
    assert world.message(message.id).error_code is None
    world.report(message, FAILED, error_code="30003")
    assert world.message(message.id).status is DELIVERED


def test_a_report_is_kept_until_its_message_is_known() -> None:
    """Under an id that is not known yet, and unnamed, it waits."""
    world = talking()
    world.send()
    (work,) = world.claim()
    recorded = world.report(work.message, named=False)
    assert (recorded.message, recorded.status) == (None, DELIVERED)
    (receipt,) = world.store.receipts.values()
    assert (receipt.message, receipt.recipient) == (None, work.message.recipient)
    assert world.message(work.message.id).status is MessageStatus.SENDING


def test_a_callback_that_names_another_persons_text_is_not_believed() -> None:
    """The message must be to the person that the report is about."""
    world = talking()
    message = world.sent()
    recorded = world.report(message, recipient=OTHER_PERSON)
    assert recorded.message is None
    assert world.message(message.id).status is SENT


def test_a_callback_for_a_text_that_was_never_handed_over_is_not_believed() -> None:
    """What still waits in the outbox was not delivered, whoever says so."""
    world = talking()
    sent = world.send()
    recorded = world.report(world.message(sent.message))
    assert recorded.message is None
    assert len(world.claim()) == 1


def test_an_unsure_text_is_settled_by_any_report() -> None:
    """Indeterminate, or back in line after a refusal: a report proves that it went out."""
    for recover in (True, False):
        world = talking()
        world.send()
        (work,) = world.claim()
        if recover:
            world.recover()
        else:
            world.answer(work, TOO_MANY)
        world.report(work.message, MessageStatus.QUEUED)
        assert world.message(work.message.id).status is SENT
        assert world.store.jobs == {}


def test_a_claimed_job_is_left_to_its_answer() -> None:
    """A report during the request moves the message; the job ends with the answer."""
    world = talking()
    world.send()
    (work,) = world.claim()
    world.report(work.message, SENT)
    assert world.store.jobs[work.message.id].state is JobState.CLAIMED


# --- Carrier evidence (rule 8) ----------------------------------------------------------------


def test_an_asynchronous_refusal_blocks_the_pair() -> None:
    """21610 in the status callback: blocked by the carrier, no word of the person."""
    world = talking()
    message = world.sent()
    waiting = world.send("waiting")
    recorded = world.report(message, FAILED, error_code="21610", opted_out=True)
    assert (recorded.status, recorded.refusal_burst) == (FAILED, False)
    assert pair_state(world.standing(), LONG) is PairState.CARRIER_BLOCKED
    assert world.message(waiting.message).error_code == "carrier_blocked"
    assert world.last_entry(EntryKind.CARRIER_REFUSED).reason == "21610"


def test_a_service_report_without_our_sender_is_learnt() -> None:
    """A messaging service may name another of its numbers, or none that we know."""
    for sender in (SERVICE_B.number, "+19995550100"):
        world = World()
        world.receive("Hello", SERVICE_A)
        message = world.sent(sender=SERVICE_A)
        world.report(message, FAILED, error_code="21610", opted_out=True, sender=sender)
        assert pair_state(world.standing(), SERVICE_B) is PairState.CARRIER_BLOCKED


def test_a_refusal_that_comes_again_counts_once() -> None:
    """A callback that is repeated adds no refusal, so it cannot look like a burst."""
    world = talking()
    message = world.sent()
    for _ in range(3):
        world.report(message, FAILED, error_code="21610", opted_out=True)
    assert world.kinds().count(EntryKind.CARRIER_REFUSED) == 1


def test_other_failures_opt_nobody_out() -> None:
    """An error code that is not an opt-out says nothing of consent."""
    world = talking()
    world.report(world.sent(), FAILED, error_code="30007")
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN


def test_a_later_delivery_opens_what_a_refusal_closed() -> None:
    """Only a text submitted after the refused one; it is an entry of its own."""
    world = talking()
    early = world.sent("early")
    world.clock.advance(minutes=1)
    refused = world.sent("refused")
    world.clock.advance(minutes=1)
    late = world.sent("late")
    world.report(refused, FAILED, error_code="21610", opted_out=True)
    world.report(early)
    assert pair_state(world.standing(), LONG) is PairState.CARRIER_BLOCKED
    world.report(late)
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN
    entry = world.last_entry(EntryKind.CARRIER_DELIVERED)
    assert (entry.message, entry.actor.id) == (late.id, CARRIER)
    entries = len(world.store.entries)
    world.report(late, READ)
    assert len(world.store.entries) == entries


def test_a_delivery_never_opens_what_the_person_closed() -> None:
    """A text under way when they said STOP may arrive; the STOP stands."""
    world = talking()
    message = world.sent()
    world.receive("STOP")
    world.report(message)
    assert pair_state(world.standing(), LONG) is PairState.OPTED_OUT


def test_a_refusal_of_a_text_that_is_not_ours_is_learnt_too() -> None:
    """Another program of the account, or a report ahead of its answer: the pair is blocked."""
    world = talking()
    foreign = msgspec.structs.replace(world.sent(), id="msg_foreign")
    world.clock.advance(minutes=1)
    world.report(foreign, FAILED, error_code="21610", opted_out=True, named=False)
    assert pair_state(world.standing(), LONG) is PairState.CARRIER_BLOCKED
    (block,) = world.standing().blocks
    assert block.since == minute(1)
    assert world.last_entry(EntryKind.CARRIER_REFUSED).message is None
    world = talking()
    world.report(foreign, FAILED, error_code="30003", named=False)
    world.report(
        foreign, FAILED, error_code="21610", opted_out=True, named=False, sender="+19995550100"
    )
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN


def test_a_burst_of_refusals_opts_out_nobody() -> None:
    """Too many at once are a fault of the sender: kept, marked, and nobody is blocked."""
    world = talking(World(Policy(refusal_burst_count=2, refusal_burst_window_seconds=60)))
    people = [f"+1415555{number:04}" for number in range(4)]
    for person in people:
        world.receive("Hello", recipient=person)
    works = {work.message.recipient: work for work in world.claim()}
    bursts = [world.answer(works[person], OPTED_OUT).refusal_burst for person in people]
    assert bursts == [False, False, True, True]
    states = [pair_state(world.standing(person), LONG) for person in people]
    assert states == [PairState.CARRIER_BLOCKED] * 2 + [PairState.OPTED_IN] * 2
    assert world.last_entry(EntryKind.CARRIER_REFUSED).reason == "refusal_burst"
    world.clock.advance(seconds=61)
    message = world.sent()
    late = world.report(message, FAILED, error_code="21610", opted_out=True)
    assert not late.refusal_burst
    assert not has_refusal_burst(Change())


def test_a_sender_that_is_gone_teaches_nothing() -> None:
    """A report for a number that is no longer set up moves the message and no block."""
    world = talking()
    message = msgspec.structs.replace(world.sent(), sender="+19995550100")
    needs = Needs(recipients=(message.recipient,), queued_jobs=True, refusals_of=message.sender)
    facts = MemoryFacts(world.store, needs)
    assert learn_refusal(message, facts, code="21610") == Change()
    assert learn_delivery(message, DELIVERED, None, facts).entries == ()
    never_submitted = msgspec.structs.replace(world.sent(), submitted_at=None)
    assert learn_delivery(never_submitted, DELIVERED, None, facts).entries == ()
