"""Marketing outside the hours waits in the outbox: when it goes, when it is given up."""

from datetime import timedelta

import msgspec
import pytest

from action_world import AGENT, KEY, TOO_MANY, World
from consent_world import LONG, PROMO, consent
from consentry.actions.cancel_message import CancelMessage
from consentry.actions.outgoing import Draft
from consentry.actions.replay import replay_decisions
from consentry.actions.send_message import Idempotency, SendMessage, Sent
from consentry.domain.directory import Purpose
from consentry.domain.entries import EntryKind, fold
from consentry.domain.gate import Door, Verdict
from consentry.domain.messages import Callback, Message, MessageStatus
from consentry.domain.policy import Policy
from consentry.domain.reasons import Reason
from consentry.domain.rules.rows import RulesProfile
from consentry.domain.standing import ConsentLevel, Place
from memory_store import START

pytestmark = pytest.mark.unit

FLORIDIAN = "+13055550142"
IN_FLORIDA = Place(zone="America/New_York")
WRITTEN = consent(PROMO.id, level=ConsentLevel.EXPRESS_WRITTEN)
EIGHT = START + timedelta(hours=1)
"""The start is seven in the morning there."""
JITTER = timedelta(seconds=900)
OFFER = Draft(
    FLORIDIAN, LONG.number, "Half off today", KEY, door=Door.API, purpose=Purpose.MARKETING
)


def agreed(policy: Policy | None = None) -> World:
    """A company with somebody in Florida who agreed to its offers; it is seven there."""
    world = World(policy)
    world.put(IN_FLORIDA, WRITTEN, recipient=FLORIDIAN)
    return world


def send(world: World, **changed: object) -> Sent:
    """Send an offer."""
    return world.store.run(SendMessage(msgspec.structs.replace(OFFER, **changed)))


def test_an_offer_at_seven_waits_until_after_eight() -> None:
    """Let in as scheduled, with the decision in the ledger; due a moment after the hours open."""
    world = agreed()
    sent = send(world)
    assert (sent.status, sent.decision.decision) == (MessageStatus.SCHEDULED, Verdict.DEFER)
    assert sent.decision.until == EIGHT
    entry = world.last_entry(EntryKind.SEND_DEFERRED)
    assert (entry.message, entry.reason, entry.decision) == (
        sent.message,
        "quiet_hours",
        sent.decision,
    )
    job = world.store.jobs[sent.message or ""]
    assert EIGHT <= job.due_at <= EIGHT + JITTER
    assert job.expires_at == EIGHT + timedelta(hours=72)
    assert world.claim() == ()
    world.clock.advance(hours=1, seconds=900)
    (work,) = world.claim()
    assert work.message.id == sent.message
    assert work.message.status is MessageStatus.SENDING


def test_a_text_that_names_its_time_to_live_keeps_it() -> None:
    """One that ends before it may leave is refused, with what to do; nothing is queued."""
    world = agreed()
    later = START + timedelta(hours=3)
    assert world.store.jobs[send(world, expires_at=later).message or ""].expires_at == later
    refused = send(world, expires_at=EIGHT)
    assert (refused.message, refused.decision.decision) == (None, Verdict.DENY)
    assert refused.decision.reason is Reason.QUIET_HOURS
    entry = world.last_entry(EntryKind.SEND_REFUSED)
    assert (entry.reason, entry.text) == ("quiet_hours", OFFER.body)
    assert len(world.store.jobs) == 1


def test_who_wants_no_waiting_is_refused() -> None:
    """Where the door says so a deferred text is no text: its attempt is kept, with the decision."""
    world = agreed()
    sent = world.store.run(SendMessage(OFFER, may_wait=False))
    assert (sent.message, sent.decision.decision) == (None, Verdict.DEFER)
    entry = world.last_entry(EntryKind.SEND_REFUSED)
    assert (entry.reason, entry.decision) == ("quiet_hours", sent.decision)
    kept = world.store.run(SendMessage(OFFER, keeps_refused=True, may_wait=False))
    assert kept.status is not None
    assert world.message(kept.message).status is MessageStatus.FAILED
    assert world.message(kept.message).error_code == "quiet_hours"


def test_an_idempotent_retry_hears_the_same() -> None:
    """The second request with a key is told the first answer: the text waits once."""
    world = agreed()
    once = Idempotency("key-1", "k", "f")
    first, second = (world.store.run(SendMessage(OFFER, once)) for _ in range(2))
    assert second == msgspec.structs.replace(first, repeated=True)
    assert len(world.store.jobs) == 1


def test_the_person_and_the_program_may_stop_what_waits() -> None:
    """An opt-out cancels it as it cancels anything; so does whoever sent it."""
    world = agreed()
    first = send(world)
    canceled = world.store.run(CancelMessage(first.message or "", FLORIDIAN, AGENT))
    assert canceled.status is MessageStatus.CANCELED
    second = send(world)
    world.receive("STOP", recipient=FLORIDIAN)
    assert world.message(second.message).status is MessageStatus.CANCELED
    assert world.message(second.message).error_code == "opted_out"
    assert world.store.jobs == {}


def test_what_was_let_in_by_day_and_is_due_by_night_goes_back_in_line() -> None:
    """Night falls while a text waits for its sender: it is scheduled again, and told so."""
    world = agreed()
    world.clock.advance(hours=2)
    sent = send(world)
    assert sent.status is MessageStatus.QUEUED
    world.clock.advance(hours=12)
    assert world.claim() == ()
    message, job = world.message(sent.message), world.store.jobs[sent.message or ""]
    assert (message.status, message.updated_at) == (MessageStatus.SCHEDULED, world.clock.now())
    assert EIGHT + timedelta(days=1) <= job.due_at <= EIGHT + timedelta(days=1) + JITTER
    assert job.expires_at == EIGHT + timedelta(days=4)
    assert (job.attempts, job.claimed_at) == (0, None)
    entry = world.last_entry(EntryKind.JOB_DEFERRED)
    assert (entry.message, entry.reason) == (sent.message, "quiet_hours")
    world.clock.advance(hours=12)
    assert [work.message.id for work in world.claim()] == [sent.message]


def test_what_would_wait_past_its_time_to_live_is_given_up_and_told() -> None:
    """At the claim as at the door: canceled with the reason, and nothing is silent."""
    world = agreed()
    world.clock.advance(hours=2)
    sent = send(world, expires_at=START + timedelta(hours=20))
    world.clock.advance(hours=12)
    assert world.claim() == ()
    message = world.message(sent.message)
    assert (message.status, message.error_code) == (MessageStatus.CANCELED, "quiet_hours")
    assert "time to live" in (message.error_text or "")
    assert world.last_entry(EntryKind.JOB_CANCELED).message == sent.message
    assert world.store.jobs == {}


def test_only_three_of_many_leave_in_a_day() -> None:
    """The cap counts what is claimed in the same transaction; the rest is put back until then."""
    world = agreed()
    world.clock.advance(hours=2)
    sent = [send(world).message for _ in range(5)]
    assert [work.message.id for work in world.claim()] == sent[:3]
    first_at = world.clock.now()
    for message_id in sent[3:]:
        assert world.message(message_id).status is MessageStatus.SCHEDULED
        due = world.store.jobs[message_id or ""].due_at - timedelta(days=1)
        assert first_at <= due <= first_at + JITTER
    kept = world.standing(FLORIDIAN).solicitations("acme")
    assert [text.message for text in kept] == sent[:3]
    world.clock.advance(days=1, seconds=900)
    assert {work.message.id for work in world.claim()} == set(sent[3:])


def test_a_text_that_is_tried_again_counts_once() -> None:
    """A carrier that is busy costs the person's day nothing: the third text may be tried again."""
    world = agreed()
    world.clock.advance(hours=2)
    sent = [send(world).message for _ in range(3)]
    for work in world.claim():
        world.answer(work, TOO_MANY)
    assert {world.message(message_id).status for message_id in sent} == {MessageStatus.QUEUED}
    world.clock.advance(minutes=5)
    assert len(world.claim()) == 3
    assert len(world.standing(FLORIDIAN).solicitations("acme")) == 3
    assert send(world).decision.reason is Reason.FREQUENCY_CAP


def test_conversations_are_not_counted_and_not_held_back() -> None:
    """An agent answers at night, and after three offers too."""
    world = agreed()
    world.receive("Hello", recipient=FLORIDIAN)
    answer = world.send(recipient=FLORIDIAN)
    assert answer.status is MessageStatus.QUEUED
    assert len(world.claim()) == 2
    assert world.standing(FLORIDIAN).solicitations("acme") == ()


def test_profile_off_cancels_what_was_let_in_before() -> None:
    """A profile that is set while texts wait counts for them too."""
    world = agreed()
    sent = send(world)
    world.store.policy = Policy(rules_profile=RulesProfile.OFF)
    world.clock.advance(hours=2)
    assert world.claim() == ()
    assert world.message(sent.message).error_code == "quiet_hours"


async def test_each_of_these_decisions_comes_out_again() -> None:
    """Deferred, put back, claimed, tried again and given up: replayed from the ledger (I5)."""
    world = agreed()
    send(world)
    send(world, expires_at=EIGHT)
    send(world, send_at=START + timedelta(days=1))
    world.clock.advance(hours=2)
    for work in world.claim():
        world.answer(work, TOO_MANY)
    for _ in range(3):
        send(world)
    world.clock.advance(minutes=5)
    for work in world.claim():
        world.answer(work)
    world.clock.advance(hours=12)
    world.claim()
    replayed = await replay_decisions(FLORIDIAN, world.store, world.store.policy)
    kinds = {again.kind for again in replayed}
    assert {EntryKind.SEND_DEFERRED, EntryKind.JOB_DEFERRED, EntryKind.JOB_CLAIMED} <= kinds
    assert [again for again in replayed if not again.is_same] == []
    assert fold(world.store.entries_of(FLORIDIAN)) == world.standing(FLORIDIAN)


def told_to_program(world: World) -> list[str]:
    """List the statuses that the program is told of, in their order."""
    notices = sorted(world.store.notices.values(), key=lambda notice: notice.made_at)
    return [str(notice.message.status) for notice in notices]


def test_a_program_is_told_when_its_text_leaves_and_not_that_it_waits_again() -> None:
    """It was told `scheduled` in the answer; the next word is that the text is on its way."""
    world = agreed()
    sent = send(world, callback=Callback("https://shop.example/told", "AC1"))
    world.clock.advance(hours=1, seconds=900)
    (work,) = world.claim()
    world.answer(work)
    assert told_to_program(world) == ["sending", "sent"]
    message: Message = world.message(sent.message)
    assert message.status is MessageStatus.SENT
