"""Double opt-in: one question, one exact yes, and nothing for whoever did not say it."""

from datetime import timedelta

import msgspec
import pytest

from action_world import KEY, World, statement
from consent_world import AT_NOON, DIRECTORY, LONG, NEWS, PERSON, PROMO, SECOND, SHORT, TOLL_FREE
from consentry.actions.record_consent import ConsentRecorded, GrantConsent, SuppressRecipient
from consentry.actions.request_consent import RequestConsent, queue_request
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.directory import Directory, Program, Purpose, Sender
from consentry.domain.entries import Actor, ActorKind, Box, EntryKind, Evidence, Medium, fold
from consentry.domain.gate import MessageKind
from consentry.domain.messages import MessageStatus
from consentry.domain.reasons import Reason
from consentry.domain.standing import BlockState, Cause, Consent, ConsentLevel, ConsentState
from consentry.ports import Rejected
from memory_store import START, MemoryFacts

pytestmark = pytest.mark.unit

SHOWN = (
    "Deals from Acme: marketing texts, sent by automated means from +1 415-555-0100. "
    "Consent is not a condition of purchase."
)
ON_A_FORM = Evidence(Medium.WEB, call_to_action=SHOWN, page_url="https://acme.example/deals")
CALL = CallToAction(
    id="deals",
    version=3,
    program=PROMO.id,
    medium=CallMedium.WEB,
    locale="en",
    wording=Wording("Deals"),
    text=SHOWN,
    html=SHOWN,
    sha256="",
    created_at=START,
)
IMPORT = Actor(ActorKind.IMPORT, "import-1")


def world_of(*programs: Program) -> World:
    """A company that has a call to action, perhaps with other programs."""
    directory = msgspec.structs.replace(
        DIRECTORY,
        calls_to_action={CALL.id: CALL},
        programs={**DIRECTORY.programs, **{program.id: program for program in programs}},
    )
    return World(directory=directory)


def request(
    world: World,
    program: str = PROMO.id,
    evidence: Evidence | None = ON_A_FORM,
    *,
    actor: Actor = KEY,
    call: str | None = None,
    sender: str | None = None,
    level: ConsentLevel | None = None,
) -> ConsentRecorded:
    """Ask the person for consent with a program."""
    told = statement(evidence, actor=actor)
    return world.store.run(RequestConsent(told, program, level, call, sender))


def dated(world: World, evidence: Evidence = ON_A_FORM) -> Evidence:
    """Evidence of an act of the person right now."""
    return msgspec.structs.replace(evidence, at=world.clock.now())


def deliver(world: World) -> list[MessageKind]:
    """Let all that is due go to the carrier, and say what it was."""
    works = world.claim()
    for work in works:
        world.answer(work)
    return [work.message.kind for work in works]


def consent(world: World, program: str = PROMO.id) -> Consent:
    """The consent with a program, which must be there."""
    found = world.standing().consent(program)
    assert found is not None
    return found


def market(world: World) -> Reason | None:
    """Say why marketing may not go at noon; None: it may."""
    world.put(AT_NOON)
    return world.send(purpose=Purpose.MARKETING, program=PROMO.id).decision.reason


def test_a_request_is_one_text_and_the_exact_yes_makes_the_consent_active() -> None:
    """Pending with its evidence, asked once, confirmed with the person's words as signature."""
    world = world_of()
    recorded = request(world, call="deals")
    assert recorded.state is ConsentState.PENDING
    assert recorded.note == "Waiting for the person's YES until 2026-11-25 12:00 UTC."
    asked = world.last_entry(EntryKind.CONSENT_REQUESTED)
    assert (asked.id, asked.sender) == (recorded.entry, LONG.number)
    shown = msgspec.structs.replace(
        ON_A_FORM, call_to_action_version="deals/3", call_to_action_sha256=CALL.sha256
    )
    assert asked.evidence == shown
    assert consent(world).call_to_action == "deals/3"
    text = world.message(recorded.message)
    assert text.body == (
        "Acme: reply YES to get Deals. Msg & data rates may apply. Reply HELP for help, "
        "STOP to opt out."
    )
    assert (text.segments, text.kind) == (1, MessageKind.OPT_IN_REQUEST)
    assert deliver(world) == [MessageKind.OPT_IN_REQUEST]
    assert market(world) is Reason.CONSENT_PENDING
    world.clock.advance(hours=1)
    world.receive(" yes ")
    granted = world.last_entry(EntryKind.CONSENT_GRANTED)
    assert granted.evidence is not None
    assert (granted.evidence.verbatim, granted.evidence.medium) == (" yes ", Medium.TEXT)
    assert granted.evidence.note == f"Answer to {recorded.message}"
    active = consent(world)
    assert (active.state, active.level) == (ConsentState.ACTIVE, ConsentLevel.EXPRESS_WRITTEN)
    assert (active.entry, active.call_to_action) == (granted.id, "deals/3")
    assert market(world) is None
    assert fold(world.store.entries_of(PERSON)) == world.standing()


def test_the_first_text_of_a_recurring_program_says_what_it_is() -> None:
    """It takes the place of the initial reply, also where the carrier answered the yes itself."""
    world = world_of(msgspec.structs.replace(PROMO, frequency="up to 4 msgs/month"))
    request(world)
    deliver(world)
    world.receive("YES")
    (work,) = world.claim()
    assert work.message.kind is MessageKind.PROGRAM_CONFIRMATION
    assert work.message.body == (
        "Acme: you get Deals now, up to 4 msgs/month. Msg & data rates may apply. "
        "Reply HELP for help, STOP to opt out."
    )
    assert (work.message.segments, work.message.program) == (1, PROMO.id)


def test_a_program_that_does_not_recur_is_answered_as_any_text_is() -> None:
    """It has no first text; who texts a toll-free number first gets the initial reply."""
    once = msgspec.structs.replace(NEWS, recurring=False, sender=TOLL_FREE.number)
    world = world_of(once)
    request(world, NEWS.id)
    deliver(world)
    world.receive("YES", TOLL_FREE)
    assert consent(world, NEWS.id).state is ConsentState.ACTIVE
    assert world.queued() == [MessageKind.INITIAL_REPLY]


@pytest.mark.parametrize("word", ["yes please", "Y", "YES!", "ok", "Sure, YES"])
def test_no_other_word_confirms(word: str) -> None:
    """Opt-in is never widened."""
    world = world_of()
    request(world)
    deliver(world)
    world.receive(word)
    assert consent(world).state is ConsentState.PENDING


@pytest.mark.parametrize(("word", "sender"), [("START", LONG), ("unstop", TOLL_FREE)])
def test_the_carriers_own_opt_in_words_confirm_too(word: str, sender: Sender) -> None:
    """START and UNSTOP, where the carrier takes them for an opt-in."""
    world = world_of()
    request(world, sender=sender.number)
    deliver(world)
    world.receive(word, sender)
    assert consent(world).state is ConsentState.ACTIVE
    assert world.queued() == [MessageKind.PROGRAM_CONFIRMATION]


def test_start_to_a_short_code_alone_confirms_nothing() -> None:
    """No carrier reads it there; YES is what was asked for."""
    world = world_of()
    request(world, sender=SHORT.number)
    deliver(world)
    world.receive("START", SHORT)
    assert consent(world).state is ConsentState.PENDING
    world.receive("YES", SHORT)
    assert consent(world).state is ConsentState.ACTIVE


def test_a_yes_to_another_sender_or_before_the_question_went_out_confirms_nothing() -> None:
    """It answers something else."""
    world = world_of()
    request(world, sender=LONG.number)
    world.receive("YES", LONG)
    assert consent(world).state is ConsentState.PENDING
    deliver(world)
    world.receive("YES", SECOND)
    assert consent(world).state is ConsentState.PENDING
    world.receive("YES", LONG, sent_at=START - timedelta(minutes=5))
    assert consent(world).state is ConsentState.PENDING
    world.receive("YES", LONG)
    assert consent(world).state is ConsentState.ACTIVE


def test_a_word_that_was_texted_before_a_stop_answers_nothing_that_was_asked_since() -> None:
    """However late an old UNSTOP comes; the same word of now does, by the carrier's time."""
    world = world_of()
    old = world.clock.now()
    world.receive("Hello", sent_at=old)
    for word in ("STOP", "START"):
        world.clock.advance(seconds=1)
        world.receive(word, sent_at=world.clock.now())
    request(world, evidence=dated(world))
    deliver(world)
    world.receive("UNSTOP", sent_at=old)
    assert consent(world).state is ConsentState.PENDING
    world.clock.advance(seconds=1)
    world.receive("UNSTOP", sent_at=world.clock.now())
    assert consent(world).state is ConsentState.ACTIVE


def test_of_several_requests_of_one_sender_the_newest_is_confirmed() -> None:
    """A yes means what was asked last. A second one is a repeat, and confirms nothing older."""
    world = world_of()
    request(world, PROMO.id)
    deliver(world)
    world.clock.advance(minutes=1)
    request(world, NEWS.id)
    deliver(world)
    world.receive("YES")
    world.receive("YES")
    assert consent(world, NEWS.id).state is ConsentState.ACTIVE
    assert consent(world).state_at(world.clock.now()) is ConsentState.EXPIRED
    assert fold(world.store.entries_of(PERSON)) == world.standing()
    world.clock.advance(minutes=1)
    assert request(world).message is None
    assert request(world, evidence=dated(world)).message is not None


def test_a_yes_leaves_the_question_of_another_number_open() -> None:
    """Each number has its own last question, and what was never sent waits on."""
    world = world_of()
    request(world, sender=SECOND.number)
    deliver(world)
    request(world, NEWS.id, sender=LONG.number)
    deliver(world)
    world.receive("YES")
    assert consent(world, NEWS.id).state is ConsentState.ACTIVE
    assert consent(world).state_at(world.clock.now()) is ConsentState.PENDING
    world.receive("YES", sender=SECOND)
    assert consent(world).state is ConsentState.ACTIVE


def test_a_yes_behind_an_unclear_text_is_told_what_it_leads_to() -> None:
    """The first text of the program goes, as their exact yes is clear; its marketing waits."""
    world = world_of()
    request(world)
    deliver(world)
    world.receive("who is this")
    world.receive("YES")
    assert deliver(world) == [MessageKind.PROGRAM_CONFIRMATION]
    assert market(world) is Reason.PAUSED_FOR_REVIEW


def test_asking_twice_sends_one_text() -> None:
    """The second says since when it waits, and is in the ledger."""
    world = world_of()
    request(world)
    again = request(world, evidence=dated(world))
    assert again.message is None
    assert again.note is not None
    assert "Asked already" in again.note
    assert again.state is ConsentState.PENDING
    assert deliver(world) == [MessageKind.OPT_IN_REQUEST]
    assert world.last_entry(EntryKind.CONSENT_REQUESTED).pieces == ()


def test_a_yes_twice_or_delivered_twice_changes_nothing_more() -> None:
    """One consent, one first text of the program."""
    world = world_of()
    request(world)
    deliver(world)
    world.receive("YES", known_as="SM-yes")
    world.receive("YES", known_as="SM-yes")
    world.receive("YES")
    assert world.kinds().count(EntryKind.CONSENT_GRANTED) == 1
    assert deliver(world) == [MessageKind.PROGRAM_CONFIRMATION]


def test_silence_ends_it_and_only_a_newer_act_of_the_person_asks_again() -> None:
    """After 48 hours the consent has expired; a yes is then an ordinary text."""
    world = world_of()
    request(world)
    deliver(world)
    world.clock.advance(hours=48)
    assert consent(world).state_at(world.clock.now()) is ConsentState.EXPIRED
    assert market(world) is Reason.CONSENT_EXPIRED
    world.receive("YES")
    assert consent(world).state is ConsentState.PENDING
    refused = request(world)
    assert (refused.state, refused.message) == (ConsentState.EXPIRED, None)
    assert refused.note is not None
    assert "evidence.at" in refused.note
    old = msgspec.structs.replace(ON_A_FORM, at=START)
    assert request(world, evidence=old).message is None
    deliver(world)
    assert request(world, evidence=dated(world)).message is not None
    assert deliver(world) == [MessageKind.OPT_IN_REQUEST]


def test_a_request_that_waits_too_long_is_not_sent() -> None:
    """The gate is asked again when it is claimed."""
    world = world_of()
    recorded = request(world)
    world.clock.advance(hours=48)
    assert deliver(world) == []
    message = world.message(recorded.message)
    assert (message.status, message.error_code) == (MessageStatus.CANCELED, "consent_expired")


@pytest.mark.parametrize("is_out", [False, True])
def test_stop_ends_what_is_asked(*, is_out: bool) -> None:
    """Before the question went out it is cancelled; after it, a yes confirms nothing."""
    world = world_of()
    recorded = request(world)
    if is_out:
        deliver(world)
    world.receive("STOP")
    assert consent(world).state is ConsentState.REVOKED
    assert deliver(world) == []
    status = world.message(recorded.message).status
    assert status is (MessageStatus.SENT if is_out else MessageStatus.CANCELED)
    world.receive("YES")
    assert consent(world).state is ConsentState.REVOKED
    assert market(world) is not None
    assert request(world).message is None
    world.clock.advance(minutes=1)
    assert request(world, evidence=dated(world)).message is not None


def test_who_is_opted_out_is_not_asked_before_they_are_back() -> None:
    """The consent waits for the carrier and says what to text; after it, the question goes."""
    world = world_of()
    world.receive("STOP", TOLL_FREE)
    world.clock.advance(minutes=1)
    held = request(world, evidence=dated(world), sender=TOLL_FREE.number)
    assert (held.state, held.message) == (ConsentState.PENDING_CARRIER, None)
    assert held.note is not None
    assert "START or UNSTOP" in held.note
    assert deliver(world) == []
    world.receive("YES", TOLL_FREE)
    assert consent(world).state is ConsentState.PENDING_CARRIER
    world.receive("START", TOLL_FREE)
    assert world.last_entry(EntryKind.CONSENT_REQUESTED).message is not None
    assert deliver(world) == [MessageKind.OPT_IN_REQUEST]
    assert consent(world).state is ConsentState.PENDING
    world.receive("YES", TOLL_FREE)
    assert consent(world).state is ConsentState.ACTIVE


def test_who_comes_back_too_late_or_is_still_held_is_not_asked() -> None:
    """What they asked for has expired, or another number of the brand is still closed."""
    world = world_of()
    world.receive("STOP", LONG)
    world.receive("STOP", SECOND)
    world.clock.advance(minutes=1)
    request(world, evidence=dated(world))
    world.receive("START", LONG)
    assert deliver(world) == []
    world.clock.advance(hours=48)
    world.receive("START", SECOND)
    assert deliver(world) == []


def test_an_older_wish_never_beats_a_newer_opt_out() -> None:
    """It is kept and changes nothing."""
    world = world_of()
    world.clock.advance(hours=1)
    world.receive("STOP")
    world.receive("START")
    older = request(world, evidence=msgspec.structs.replace(ON_A_FORM, at=START))
    assert older.note is not None
    assert "newer revocation" in older.note
    assert world.last_entry(EntryKind.CONSENT_REQUESTED).superseded
    assert deliver(world) == []


def test_a_list_asks_nobody_who_withdrew() -> None:
    """An import never overwrites a revocation, whatever date it claims."""
    world = world_of()
    world.receive("STOP")
    world.clock.advance(hours=1)
    paper = msgspec.structs.replace(dated(world), medium=Medium.PAPER)
    blocked = request(world, evidence=paper, actor=IMPORT)
    assert blocked.note == "A revocation stands; an import never overwrites one."
    world.receive("START")
    world.store.run(GrantConsent(statement(paper), NEWS.id))
    world.clock.advance(hours=1)
    assert request(world, evidence=dated(world), actor=IMPORT).message is not None


def test_active_consent_is_not_asked_for_again_unless_it_is_too_weak() -> None:
    """Marketing needs express written consent, so an express one is asked for anew."""
    world = world_of()
    texted = Evidence(Medium.TEXT, verbatim="JOIN", call_to_action=SHOWN)
    world.store.run(GrantConsent(statement(texted), PROMO.id, ConsentLevel.EXPRESS))
    assert request(world).message is not None
    world.store.run(GrantConsent(statement(texted), NEWS.id, ConsentLevel.EXPRESS))
    again = request(world, NEWS.id, level=ConsentLevel.EXPRESS_WRITTEN, evidence=ON_A_FORM_NEWS)
    assert (again.state, again.message) == (ConsentState.ACTIVE, None)


ON_A_FORM_NEWS = msgspec.structs.replace(
    ON_A_FORM, call_to_action=SHOWN.replace("Deals", "Order news")
)


def test_the_company_s_own_list_holds_the_question_back() -> None:
    """The consent is pending and unasked; the note says what to lift."""
    world = world_of()
    world.store.run(SuppressRecipient(statement(by_person=False), "acme"))
    world.clock.advance(minutes=1)
    held = request(world)
    assert (held.state, held.message) == (ConsentState.PENDING, None)
    assert held.note is not None
    assert "do-not-text list" in held.note
    assert deliver(world) == []


def test_a_question_that_the_gate_refuses_leaves_the_consent_unasked() -> None:
    """The refusal and its reason are kept; a yes then confirms nothing."""
    long_name = msgspec.structs.replace(PROMO, frequency="very often " * 200)
    world = world_of(long_name)
    refused = request(world)
    assert (refused.state, refused.message) == (ConsentState.PENDING, None)
    assert refused.note is not None
    assert "1600" in refused.note
    assert EntryKind.SEND_REFUSED in world.kinds()
    world.receive("YES")
    assert consent(world).state is ConsentState.PENDING


def test_what_cannot_be_asked_for_is_refused() -> None:
    """Each with its code, and nothing is written."""
    off = Program("off", "acme", Purpose.INFORMATIONAL, "Off", enabled=False)
    world = world_of(off)
    bare = Evidence(Medium.WEB)
    cases: list[tuple[str, Evidence | None, str | None, str]] = [
        ("nothing", ON_A_FORM, None, "unknown_program"),
        (LONG.conversation, ON_A_FORM, None, "conversation_is_built_in"),
        ("off", ON_A_FORM, None, "program_disabled"),
        (PROMO.id, None, None, "evidence_missing"),
        (PROMO.id, None, "deals", "evidence_missing"),
        (PROMO.id, bare, None, "evidence_missing"),
        (PROMO.id, ON_A_FORM, "other", "unknown_call_to_action"),
        (PROMO.id, ON_A_FORM, "deals/4", "unknown_call_to_action"),
        (PROMO.id, ON_A_FORM, "deals/0", "unknown_call_to_action"),
        (NEWS.id, ON_A_FORM, "deals", "unknown_call_to_action"),
    ]
    for program, evidence, call, code in cases:
        with pytest.raises(Rejected) as rejected:
            request(world, program, evidence, call=call)
        assert rejected.value.code == code
    assert world.store.entries == []


def test_the_wording_of_the_version_shown_is_the_evidence() -> None:
    """The current version's is filled in; an older one must come with its own wording."""
    world = world_of()
    request(world, evidence=Evidence(Medium.WEB), call="deals/3")
    asked = world.last_entry(EntryKind.CONSENT_REQUESTED)
    assert asked.evidence is not None
    assert asked.evidence.call_to_action == SHOWN
    other = world_of()
    with pytest.raises(Rejected, match="call_to_action"):
        request(other, evidence=Evidence(Medium.WEB), call="deals/2")
    request(other, evidence=ON_A_FORM, call="deals/2")
    assert consent(other).call_to_action == "deals/2"


def test_without_a_sender_that_can_hear_the_answer_nobody_is_asked() -> None:
    """The note says what to do."""
    world = world_of()
    alone = request(world, sender="+19995550100")
    assert (alone.state, alone.message) == (ConsentState.NONE, None)
    assert alone.note == "No sender of Deals can ask. Add or switch on one."


def test_the_person_is_asked_over_the_number_they_texted_last() -> None:
    """They know it."""
    world = world_of()
    world.receive("Hello", LONG)
    world.clock.advance(minutes=1)
    world.receive("Hello", SECOND)
    recorded = request(world)
    assert world.message(recorded.message).sender == SECOND.number


def test_a_yes_that_lifts_a_block_brings_no_marketing() -> None:
    """It says that texts may come again, not which."""
    world = world_of()
    request(world)
    (work,) = world.claim()
    world.answer(work)
    world.report(work.message, MessageStatus.FAILED, opted_out=True)
    (refusal,) = world.standing().blocks
    assert (refusal.state, refusal.cause) == (BlockState.BLOCKED, Cause.CARRIER_REFUSAL)
    world.clock.advance(minutes=1)
    world.receive("YES")
    assert world.standing().blocks[0].state is BlockState.OPEN
    assert consent(world).state is ConsentState.PENDING


def test_a_request_without_its_program_cannot_be_worded() -> None:
    """Who calls it must have found the program."""
    world = World(directory=Directory())
    facts = MemoryFacts(world.store, RequestConsent(statement(), "gone").needs())
    orphan = Consent("gone", ConsentState.PENDING, ConsentLevel.EXPRESS, START, START, "ent")
    with pytest.raises(LookupError, match="gone"):
        queue_request(PERSON, orphan, world.standing(), facts)


def test_what_was_told_and_never_asked_is_asked_now() -> None:
    """A grant that waits for the handset had no question yet."""
    world = world_of()
    sent = msgspec.structs.replace(ON_A_FORM, action="ticked", box=Box.UNTICKED, apart=True)
    world.store.run(GrantConsent(statement(sent), PROMO.id, ConsentLevel.EXPRESS_WRITTEN))
    assert consent(world).state is ConsentState.PENDING
    assert request(world).message is not None


def test_a_start_that_is_older_than_a_stop_asks_nothing() -> None:
    """What was asked for while opted out stays held."""
    world = world_of()
    world.receive("STOP", sent_at=START)
    world.clock.advance(minutes=1)
    request(world, evidence=dated(world))
    world.receive("START", sent_at=START - timedelta(seconds=1))
    assert deliver(world) == []
    assert consent(world).state is ConsentState.PENDING_CARRIER


def test_a_grant_that_is_told_meanwhile_takes_nothing_from_the_question() -> None:
    """Asked, the person's own answer counts; and a grant does not make them asked anew."""
    world = world_of()
    request(world)
    sent = msgspec.structs.replace(ON_A_FORM, action="ticked", box=Box.UNTICKED, apart=True)
    told = GrantConsent(statement(sent), PROMO.id, ConsentLevel.EXPRESS_WRITTEN)
    granted = world.store.run(told)
    assert granted.note == "The person was asked: only their own answer counts now."
    assert deliver(world) == [MessageKind.OPT_IN_REQUEST]
    world.clock.advance(hours=48)
    world.store.run(told)
    assert request(world).message is None
    world.receive("STOP")
    world.clock.advance(minutes=1)
    world.store.run(told)
    world.receive("START")
    assert consent(world).state is ConsentState.PENDING
    assert request(world).message is None
    assert deliver(world) == []


def test_who_said_yes_and_left_is_asked_again_only_for_a_new_act() -> None:
    """The question that was answered long ago counts as one."""
    world = world_of()
    request(world)
    deliver(world)
    world.receive("YES")
    world.receive("STOP")
    world.receive("START")
    deliver(world)
    world.clock.advance(minutes=1)
    assert request(world).message is None
    assert request(world, evidence=dated(world)).message is not None


def test_a_text_that_grants_ends_the_question_that_waits() -> None:
    """What the person texted is their answer already."""
    world = world_of()
    recorded = request(world)
    texted = Evidence(Medium.TEXT, verbatim="I want Deals", call_to_action=SHOWN)
    world.store.run(GrantConsent(statement(texted), PROMO.id, ConsentLevel.EXPRESS))
    assert deliver(world) == []
    assert world.message(recorded.message).status is MessageStatus.CANCELED


@pytest.mark.parametrize(
    ("changes", "actor", "waits"),
    [
        ({}, KEY, False),
        ({"medium": Medium.PHONE}, KEY, False),
        ({"medium": Medium.PAPER}, KEY, True),
        ({"at": START - timedelta(hours=2)}, KEY, True),
        ({"at": START - timedelta(minutes=59)}, KEY, False),
        ({}, IMPORT, True),
    ],
)
def test_who_is_not_there_just_now_is_asked_by_day(
    changes: dict[str, object], actor: Actor, *, waits: bool
) -> None:
    """It is four in the morning where this person is; their time to answer begins when it goes."""
    world = world_of()
    evidence = msgspec.structs.replace(ON_A_FORM, **changes)
    recorded = request(world, NEWS.id, evidence, actor=actor)
    status = world.message(recorded.message).status
    assert status is (MessageStatus.SCHEDULED if waits else MessageStatus.QUEUED)
    assert deliver(world) == ([] if waits else [MessageKind.OPT_IN_REQUEST])
    world.clock.advance(hours=14)
    assert deliver(world) == ([MessageKind.OPT_IN_REQUEST] if waits else [])
    until = START + timedelta(hours=62 if waits else 48)
    asked = consent(world, NEWS.id).request
    assert asked is not None
    assert asked.answer_by == until
