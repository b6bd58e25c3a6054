"""A person's text comes in."""

import msgspec
import pytest

from action_world import CARRIER, World
from consent_world import LONG, OTHER_PERSON, PERSON, SECOND, SHORT, TOLL_FREE, minute
from consentry.actions.receive_message import stranger
from consentry.domain.customers import PhoneType
from consentry.domain.directory import Sender
from consentry.domain.entries import ActorKind, EntryKind, fold
from consentry.domain.gate import MessageKind
from consentry.domain.messages import Direction, MessageStatus
from consentry.domain.reading import BlockLayer, CarrierWord, LegalMeaning, SenderKind
from consentry.domain.reasons import Reason
from consentry.domain.standing import ConsentState, SMSPreference
from consentry.ports import Rejected
from consentry.wire.twilio_sids import parse_message_sid
from memory_store import START

pytestmark = pytest.mark.unit


def test_the_first_text_is_kept_filed_opted_in_and_answered() -> None:
    """Steps 2 and 3 of the story: profile, Mobile, SMS tag, implied consent, initial reply."""
    world = World()
    received = world.receive("Hello there")
    assert (received.kind, received.duplicate, received.known_sender) == (
        EntryKind.OPTED_IN,
        False,
        True,
    )
    message = world.message(received.message)
    assert (message.direction, message.status) == (Direction.INBOUND, MessageStatus.RECEIVED)
    assert (message.body, message.carrier) == ("Hello there", CARRIER)
    (customer,) = world.store.customers.values()
    (phone,) = customer.phones
    assert (phone.normalized, phone.type, phone.primary) == (PERSON, PhoneType.MOBILE, True)
    assert world.standing().sms_preference is SMSPreference.ON
    assert world.queued() == [MessageKind.INITIAL_REPLY]
    entry = world.last_entry(EntryKind.OPTED_IN)
    assert (entry.actor.kind, entry.text, entry.at) == (ActorKind.PERSON, "Hello there", START)
    assert entry.carrier_reading is not None
    assert entry.legal_reading is not None
    assert entry.carrier_reading.word is CarrierWord.NONE
    assert entry.legal_reading.meaning is LegalMeaning.NONE


def test_the_initial_reply_goes_first_and_says_how_to_stop() -> None:
    """Our answer is ahead of other work, at most 300 characters, with the opt-out instruction."""
    world = World()
    world.receive("Hello")
    (work,) = world.claim()
    assert work.job.priority == 0
    assert work.message.actor.kind is ActorKind.SYSTEM
    assert len(work.message.body) <= 300
    assert "Reply STOP to opt out" in work.message.body


def test_a_second_text_makes_no_second_profile() -> None:
    """A number that a customer has is not filed again; its text is an ordinary one."""
    world = World()
    world.receive("Hello")
    received = world.receive("Anybody there?")
    assert received.kind is EntryKind.MESSAGE_RECEIVED
    assert len(world.store.customers) == 1
    assert len(world.queued()) == 1


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("STOP", EntryKind.OPTED_OUT),
        ("please stop texting me", EntryKind.OPTED_OUT),
        ("START", EntryKind.OPTED_IN),
        ("HELP", EntryKind.HELP_ASKED),
        ("see you", EntryKind.MESSAGE_RECEIVED),
        ("YES", EntryKind.MESSAGE_RECEIVED),
    ],
)
def test_every_text_is_one_entry_of_its_kind(body: str, kind: EntryKind) -> None:
    """The ledger says what the text was, with the verbatim text and both readings."""
    world = World()
    world.receive("Hello")
    received = world.receive(body)
    assert received.kind is kind
    entry = world.last_entry(kind)
    assert (entry.text, entry.message) == (body, received.message)


def test_it_is_told_whether_an_answer_waits() -> None:
    """So that delivery is woken for an answer of ours, and not for each opt-out."""
    world = World()
    assert world.receive("Hello").answered
    assert not world.receive("Anybody there?").answered
    assert not world.receive("STOP").answered


def test_a_text_is_dealt_with_once() -> None:
    """The same carrier id a second time changes nothing at all."""
    world = World()
    world.receive("Hello")
    first = world.receive("STOP", known_as="SM1")
    before = (list(world.store.entries), dict(world.store.messages), world.standing())
    again = world.receive("STOP", known_as="SM1")
    assert (again.duplicate, again.message) == (True, first.message)
    assert (world.store.entries, world.store.messages, world.standing()) == before


def test_an_id_that_somebody_else_had_is_no_repeat() -> None:
    """A carrier that gives an id twice must not make a STOP a repeat of another person's text."""
    world = World()
    world.receive("Hello", recipient=OTHER_PERSON, known_as="SM1")
    world.receive("Hello")
    stop = world.receive("STOP", known_as="SM1")
    assert (stop.duplicate, stop.kind) == (False, EntryKind.OPTED_OUT)
    assert world.standing().sms_preference is not SMSPreference.ON


def test_an_opt_out_waits_for_what_is_with_the_carrier() -> None:
    """It lists what is under way, so that it is acknowledged once that is over; a repeat too."""
    world = World()
    world.receive("Hello")
    (work,) = world.claim()
    received = world.receive("STOP", known_as="SM1")
    assert received.in_flight == (work.message.id,)
    assert world.receive("STOP", known_as="SM1").in_flight == (work.message.id,)
    world.answer(work)
    assert world.receive("STOP", known_as="SM1").in_flight == ()
    assert world.receive("Hi").in_flight == ()


def test_an_opt_out_cancels_what_waits_and_what_is_scheduled() -> None:
    """Everything queued to this person by this sender is canceled, with reason and decision."""
    world = World()
    world.receive("Hello")
    world.receive("Hello", SECOND)
    soon, later = world.send("soon"), world.send("later", send_at=minute(60))
    elsewhere = world.send("elsewhere", SECOND)
    world.receive("STOP")
    for outcome in (soon, later):
        message = world.message(outcome.message)
        assert message.status is MessageStatus.CANCELED
        assert message.error_code == str(Reason.OPTED_OUT)
        assert outcome.message not in world.store.jobs
    assert world.message(elsewhere.message).status is MessageStatus.QUEUED
    entry = world.last_entry(EntryKind.JOB_CANCELED)
    assert entry.decision is not None
    assert (entry.reason, entry.decision.reason) == ("opted_out", Reason.OPTED_OUT)


def test_our_confirmation_has_five_minutes() -> None:
    """After an opt-out that no carrier answers, one confirmation is queued with its deadline."""
    world = World()
    world.receive("Hello", SHORT)
    world.claim()
    world.receive("STOP", SHORT)
    assert world.queued() == [MessageKind.OPT_OUT_CONFIRMATION]
    (work,) = world.claim()
    assert work.job.expires_at == minute(5)
    assert work.message.segments == 1


def test_no_answer_of_ours_where_the_carrier_answers() -> None:
    """STOP, START and HELP on a long code or toll-free are the carrier's to answer."""
    for sender in (LONG, TOLL_FREE):
        world = World()
        for body in ("STOP", "START", "HELP"):
            world.receive(body, sender)
        assert world.queued() == []


def test_answers_of_ours_where_nobody_else_answers() -> None:
    """On a short code the application answers STOP, START and HELP."""
    world = World()
    world.receive("HELP", SHORT)
    world.receive("STOP", SHORT)
    world.receive("START", SHORT)
    kinds = [message.kind for message in world.store.messages.values() if message.sender == "55555"]
    assert kinds == [
        MessageKind.MESSAGE,
        MessageKind.HELP_REPLY,
        MessageKind.MESSAGE,
        MessageKind.OPT_OUT_CONFIRMATION,
        MessageKind.MESSAGE,
        MessageKind.OPT_IN_CONFIRMATION,
    ]


def test_a_confirmation_is_one_segment_whatever_the_wording() -> None:
    """A wording that has become longer than a segment gives way to the brief one."""
    replies = msgspec.structs.replace(SHORT.replies, opt_out="{brand} " * 40)
    world = World()
    long_winded = msgspec.structs.replace(SHORT, replies=replies)
    directory = world.store.directory()
    senders = {**directory.senders, SHORT.number: long_winded}
    world = World(directory=msgspec.structs.replace(directory, senders=senders))
    world.receive("STOP", SHORT)
    (work,) = world.claim()
    assert work.message.body == "You are opted out and will get no further messages."


def test_what_is_older_is_kept_and_undoes_nothing() -> None:
    """A STOP that arrives late and is older than a START is in the ledger, superseded."""
    world = World()
    world.receive("Hello", sent_at=START)
    world.clock.advance(minutes=10)
    world.receive("START", sent_at=minute(5))
    world.receive("STOP", sent_at=minute(4))
    entry = world.last_entry(EntryKind.OPTED_OUT)
    assert (entry.superseded, entry.at, entry.recorded_at) == (True, minute(4), minute(10))
    assert world.send().message is not None


def test_a_text_to_a_number_that_is_not_set_up_is_kept() -> None:
    """Its opt-out counts once the number is added; nothing is answered or sent from it."""
    unknown = Sender("+14155559999", SenderKind.LONG_CODE, "acme", CARRIER)
    world = World()
    received = world.receive("STOP", unknown)
    assert (received.known_sender, received.kind) == (False, EntryKind.OPTED_OUT)
    block = world.standing().block(unknown.number, BlockLayer.PROVIDER)
    assert block is not None
    assert world.queued() == []
    short = stranger("44444", CARRIER)
    assert (short.kind, short.enabled, short.brand) == (SenderKind.SHORT_CODE, False, "")
    world.receive("Hello", short)
    assert world.queued() == []


def test_a_text_from_what_is_no_phone_number_is_kept_too() -> None:
    """A short code that texts us is filed as it is: no opt-out is lost to an unusual number."""
    world = World()
    received = world.receive("STOP", recipient="88888")
    assert received.kind is EntryKind.OPTED_OUT
    (customer,) = world.store.customers.values()
    assert (customer.phones[0].normalized, customer.phones[0].region_code) == ("88888", "001")
    assert world.send(recipient="88888").message is None


def test_the_carriers_own_verdict_reaches_the_readers() -> None:
    """OptOutType of the webhook is authoritative."""
    world = World()
    world.receive("Hello")
    assert world.receive("banana", opt_out_type="STOP").kind is EntryKind.OPTED_OUT


def test_the_standing_is_the_fold_of_the_entries() -> None:
    """Through a whole story the stored standing is what the ledger says."""
    world = World()
    for body in ("Hello", "STOP", "Hi", "START", "please stop texting me", "HELP", "YES"):
        world.receive(body)
        assert fold(world.store.entries_of(PERSON)) == world.standing()
    consent = world.standing().consent(LONG.conversation)
    assert consent is not None
    assert consent.state is ConsentState.ACTIVE


def test_a_text_that_comes_back_to_us_is_not_taken_in_again() -> None:
    """Passed on to ourselves, an old START would undo a newer STOP, and nothing would ever end."""
    world = World()
    world.receive("START")
    (start,) = [m for m in world.store.messages.values() if m.direction is Direction.INBOUND]
    sid = "SM" + "5" * 32
    ours = parse_message_sid(sid) or ""
    world.store.messages[ours] = msgspec.structs.replace(start, id=ours)
    world.receive("STOP")
    entries = len(world.store.entries)
    with pytest.raises(Rejected, match="inbound URL of your program") as rejected:
        world.receive("START", known_as=sid)
    assert rejected.value.code == "passed_on_to_itself"
    assert len(world.store.entries) == entries
    world.receive("START", known_as="SM" + "6" * 32)
    assert len(world.store.entries) > entries
