"""Somebody wants to send a text."""

import msgspec
import pytest

from action_world import AGENT, World
from consent_world import DIRECTORY, LONG, NEWS, PERSON, minute
from consentry.actions.outgoing import Draft, join
from consentry.actions.send_message import Idempotency, RecordRefusal, RepeatAnswer, SendMessage
from consentry.domain.entries import EntryKind, fold
from consentry.domain.gate import Door, Facts, Verdict, decide
from consentry.domain.messages import Callback, MessageStatus
from consentry.domain.reasons import OPTED_OUT_SENTENCE, Reason
from consentry.ports import Change, Rejected
from memory_store import START

pytestmark = pytest.mark.unit


def draft(body: str = "Hello", *, door: Door = Door.CONSOLE) -> Draft:
    """A text an agent writes."""
    return Draft(PERSON, LONG.number, body, AGENT, door=door)


def test_an_allowed_text_is_queued_with_its_decision() -> None:
    """Message, job and entry are written together; nothing leaves yet."""
    world = World()
    world.receive("Hello")
    sent = world.send("How can we help?")
    message = world.message(sent.message)
    assert (sent.status, message.status) == (MessageStatus.QUEUED, MessageStatus.QUEUED)
    assert (message.program, message.carrier) == (LONG.conversation, LONG.carrier)
    job = world.store.jobs[message.id]
    assert (job.due_at, job.priority, job.attempts) == (START, 1, 0)
    entry = world.last_entry(EntryKind.SEND_ACCEPTED)
    assert (entry.message, entry.decision) == (message.id, sent.decision)


@pytest.mark.parametrize(
    ("minutes", "status"), [(5, MessageStatus.SCHEDULED), (-5, MessageStatus.QUEUED)]
)
def test_a_text_for_later_is_scheduled(minutes: float, status: MessageStatus) -> None:
    """It waits in the outbox until it is due; a time that is past is now."""
    world = World()
    world.receive("Hello")
    sent = world.send(send_at=minute(minutes))
    assert sent.status is status
    assert sent.message is not None
    assert world.store.jobs[sent.message].due_at == max(START, minute(minutes))


def test_a_refused_text_is_kept_with_the_reason() -> None:
    """Nothing is dropped silently: the attempt, its body, the reason and the exact sentence."""
    world = World()
    world.receive("Hello")
    world.receive("STOP")
    sent = world.send("Are you sure?")
    assert (sent.message, sent.decision.decision) == (None, Verdict.DENY)
    assert sent.decision.detail == OPTED_OUT_SENTENCE
    entry = world.last_entry(EntryKind.SEND_REFUSED)
    assert (entry.text, entry.reason, entry.actor) == ("Are you sure?", "opted_out", AGENT)
    assert (entry.decision, entry.pieces) == (sent.decision, ())


def by_callback(body: str = "Are you sure?") -> SendMessage:
    """A text of a program that learns of a refusal by callback."""
    told = Callback("https://shop.example/status", "AC1")
    return SendMessage(msgspec.structs.replace(draft(body), callback=told), keeps_refused=True)


def test_a_refusal_by_callback_is_a_message_that_failed() -> None:
    """It looks let in, fails at once with the reason, its program is told, and nothing waits."""
    world = World()
    world.receive("Hello")
    world.receive("STOP")
    sent = world.store.run(by_callback())
    assert (sent.status, sent.decision.reason) == (MessageStatus.QUEUED, Reason.OPTED_OUT)
    message = world.message(sent.message)
    assert (message.status, message.error_code) == (MessageStatus.FAILED, "opted_out")
    assert message.error_text == OPTED_OUT_SENTENCE
    assert message.id not in world.store.jobs
    entry = world.last_entry(EntryKind.SEND_REFUSED)
    assert (entry.message, entry.decision) == (message.id, sent.decision)
    (notice,) = [n for n in world.store.notices.values() if n.message.id == message.id]
    assert notice.message.status is MessageStatus.FAILED


def test_what_is_wrong_with_the_request_is_refused_at_once() -> None:
    """Only what consent forbids fails by callback; an empty text is refused, a good one sent."""
    world = World()
    world.receive("Hello")
    assert world.store.run(by_callback("")).message is None
    good = world.store.run(by_callback("Hi"))
    assert world.message(good.message).status is MessageStatus.QUEUED


def test_an_unknown_sender_is_refused_without_a_message() -> None:
    """A draft from a number that is not set up is denied like any other."""
    world = World()
    sent = world.store.run(SendMessage(msgspec.structs.replace(draft(), sender="+19995550100")))
    assert sent.decision.reason is Reason.UNKNOWN_SENDER


def test_a_key_gives_the_first_answer_again() -> None:
    """The same Idempotency-Key and request: one message, however often it is asked."""
    world = World()
    world.receive("Hello")
    once = Idempotency("key-1", "abc", "fingerprint")
    first = world.store.run(SendMessage(draft(), once))
    world.receive("STOP")
    entries = len(world.store.entries)
    again = world.store.run(SendMessage(draft(), once))
    assert (again.message, again.repeated, first.repeated) == (first.message, True, False)
    assert len(world.store.entries) == entries
    record = world.store.idempotency["key-1", "abc"]
    assert (record.status, record.created_at) == (202, START)


def test_a_key_of_a_refused_text_is_refused_again() -> None:
    """The first answer may be a refusal; it is given again and kept once."""
    world = World()
    once = Idempotency("key-1", "abc", "fingerprint")
    first = world.store.run(SendMessage(draft(), once))
    again = world.store.run(SendMessage(draft(), once))
    assert (first.decision, again.repeated) == (again.decision, True)
    assert world.kinds() == [EntryKind.SEND_REFUSED]
    assert world.store.idempotency["key-1", "abc"].status == 403


def test_a_key_is_for_one_request() -> None:
    """The same key with another request is rejected and changes nothing."""
    world = World()
    world.receive("Hello")
    world.store.run(SendMessage(draft(), Idempotency("key-1", "abc", "one")))
    before = dict(world.store.messages)
    with pytest.raises(Rejected, match="Take a new key") as rejected:
        world.store.run(SendMessage(draft("Other"), Idempotency("key-1", "abc", "two")))
    assert (rejected.value.code, rejected.value.status) == ("idempotency_key_reused", 422)
    assert world.store.messages == before
    world.store.run(SendMessage(draft("Other"), Idempotency("key-2", "abc", "two")))
    assert len(world.store.messages) == len(before) + 1


def test_the_first_answer_can_be_asked_for_alone() -> None:
    """It is given where there is one, to the same request, and nothing is written."""
    world = World()
    world.receive("Hello")
    once = Idempotency("key-1", "abc", "one")
    assert world.store.run(RepeatAnswer(once)) is None
    first = world.store.run(SendMessage(draft(), once))
    entries = len(world.store.entries)
    again = world.store.run(RepeatAnswer(once))
    assert again == msgspec.structs.replace(first, repeated=True)
    with pytest.raises(Rejected, match="Take a new key"):
        world.store.run(RepeatAnswer(Idempotency("key-1", "abc", "two")))
    assert len(world.store.entries) == entries


def test_a_refusal_at_the_door_is_kept_as_it_stands_now() -> None:
    """What is recorded is asked in the same transaction, so that it can be asked again (I5)."""
    world = World()
    world.receive("Hello")
    world.receive("STOP")
    decision = world.send().decision
    world.clock.advance(minutes=1)
    world.store.run(RecordRefusal(draft(), decision))
    entry = world.last_entry(EntryKind.SEND_REFUSED)
    assert entry.decision is not None
    assert entry.request is not None
    assert (entry.decision.reason, entry.decision.as_of) == (Reason.OPTED_OUT, minute(1))
    facts = Facts(DIRECTORY, fold(world.store.entries[:-1]))
    assert decide(entry.request, facts, world.store.policy, minute(1)) == entry.decision


def test_a_refusal_that_would_be_none_now_is_kept_without_a_decision() -> None:
    """The person came back in between: the attempt and its reason are kept, no decision is."""
    world = World()
    world.receive("Hello")
    world.receive("STOP")
    decision = world.send().decision
    world.receive("START")
    world.store.run(RecordRefusal(draft("Hello?"), decision))
    entry = world.last_entry(EntryKind.SEND_REFUSED)
    assert (entry.reason, entry.text) == ("opted_out", "Hello?")
    assert (entry.decision, entry.request) == (None, None)


def test_the_question_is_kept_without_its_body_unless_it_turned_on_it() -> None:
    """A bad body is needed to ask again; a good one is in the message already."""
    world = World()
    world.receive("Hello")
    world.send("fine")
    world.send("x" * 1601)
    accepted = world.last_entry(EntryKind.SEND_ACCEPTED)
    refused = world.last_entry(EntryKind.SEND_REFUSED)
    assert accepted.request is not None
    assert refused.request is not None
    assert accepted.request.body is None
    assert refused.request.body == "x" * 1601
    assert refused.reason == "body_invalid"


def test_the_purpose_that_was_assumed_is_kept_for_the_second_gate() -> None:
    """A program's answer within the window may go later: its purpose was settled then."""
    world = World()
    world.receive("Hello")
    sent = world.send(door=Door.API, send_at=minute(60 * 30))
    world.clock.advance(hours=31)
    message_ids = [work.message.id for work in world.claim()]
    assert sent.message in message_ids
    assert world.send(door=Door.API).decision.reason is Reason.NO_CONSENT


def test_a_named_program_stays_named() -> None:
    """The program a text was accepted under is asked about again when it is claimed."""
    world = World()
    sent = world.send(program=NEWS.id)
    assert sent.decision.reason is Reason.NO_CONSENT
    assert world.last_entry(EntryKind.SEND_REFUSED).program == NEWS.id


def test_changes_join_in_order() -> None:
    """Joining keeps every part, the earlier first."""
    world = World()
    world.receive("Hello")
    entries = tuple(world.store.entries)
    joined = join(Change(entries=entries[:1]), Change(), Change(entries=entries[1:]))
    assert joined.entries == entries
    assert join() == Change()
