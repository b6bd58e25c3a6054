"""Unclear texts go to the review queue, and somebody says what they are."""

from datetime import timedelta

import msgspec
import pytest

from action_world import AGENT, World
from consent_world import AT_NOON, LONG, NEWS, PERSON, PROMO, SECOND, consent, minute
from consentry.actions.answer_review import AnswerReview, ReviewAnswered, answer_review
from consentry.domain.consent import PairState, pair_state
from consentry.domain.directory import Purpose
from consentry.domain.entries import AUDIT_KINDS, Actor, ActorKind, Entry, EntryKind, Medium
from consentry.domain.gate import Door, MessageKind, Verdict
from consentry.domain.messages import MessageStatus
from consentry.domain.reading import LegalMeaning
from consentry.domain.reasons import Reason
from consentry.domain.review import ReviewAnswer, ReviewCase, ReviewState
from consentry.domain.standing import Cause, ConsentLevel, ConsentState
from consentry.ports import Change, Rejected

pytestmark = pytest.mark.unit

OTHER_AGENT = Actor(ActorKind.AGENT, "agent-2")
GIVEN = (
    consent(),
    consent(PROMO.id, level=ConsentLevel.EXPRESS_WRITTEN),
    consent(NEWS.id, level=ConsentLevel.EXPRESS),
)


def texted(world: World | None = None) -> World:
    """Have the person consent to everything, and get a marketing text."""
    world = world or World()
    entry = Entry(
        "ent_given",
        PERSON,
        EntryKind.CONSENT_GRANTED,
        minute(-9),
        minute(-9),
        AGENT,
        pieces=(*GIVEN, AT_NOON),
    )
    world.store._apply(Change(entries=(entry,)))  # noqa: SLF001 -- what stood before the story.
    sent = world.send("Sale today", door=Door.API, purpose=Purpose.MARKETING)
    assert sent.message is not None
    for work in world.claim():
        world.answer(work)
    return world


def unclear(body: str = "who is this") -> tuple[World, ReviewCase]:
    """Have the person answer a marketing text unclearly."""
    world = texted()
    world.receive(body)
    (case,) = world.store.reviews.values()
    return world, case


def answer(
    world: World, case: ReviewCase, what: ReviewAnswer, *, note: str | None = None
) -> ReviewAnswered:
    """Let an agent answer."""
    return world.store.run(AnswerReview(case, what, AGENT, note))


# --- Asked ------------------------------------------------------------------------------------


def test_an_unclear_text_is_filed_and_waits_to_be_reviewed() -> None:
    """It is kept verbatim with its reading, and listed with what went before it."""
    world, case = unclear()
    assert (case.recipient, case.sender, case.state) == (PERSON, LONG.number, ReviewState.OPEN)
    assert case.unclear.after is Purpose.MARKETING
    assert world.message(case.unclear.message).body == "who is this"
    entry = world.last_entry(EntryKind.REVIEW_OPENED)
    assert (entry.id, entry.text, entry.message) == (
        case.unclear.entry,
        "who is this",
        case.unclear.message,
    )
    assert entry.legal_reading == case.unclear.reading
    assert entry.legal_reading is not None
    assert entry.legal_reading.meaning is LegalMeaning.AMBIGUOUS
    assert world.store.reviews == {case.id: case}


def test_what_waits_for_the_person_is_canceled_and_told() -> None:
    """Queued, scheduled, and what another sender of the brand would send; an agent's reply goes."""
    world = texted()
    world.receive("Hello")
    sale = world.send("More", door=Door.API, purpose=Purpose.MARKETING)
    later = world.send("Later", door=Door.API, program=NEWS.id, send_at=minute(60))
    other = world.send("There too", SECOND, door=Door.API, purpose=Purpose.MARKETING)
    reply = world.send("It is Acme", door=Door.CONSOLE)
    world.receive("not interested")
    for gone in (sale, later, other):
        message = world.message(gone.message)
        assert (message.status, message.error_code) == (
            MessageStatus.CANCELED,
            "paused_for_review",
        )
    assert world.message(reply.message).status is MessageStatus.QUEUED
    canceled = [e for e in world.store.entries if e.kind is EntryKind.JOB_CANCELED]
    assert {e.reason for e in canceled} == {str(Reason.PAUSED_FOR_REVIEW)}


def test_a_text_that_is_with_the_carrier_is_waited_for() -> None:
    """As after an opt-out, nothing is under way any more when the text is acknowledged."""
    world = texted()
    sale = world.send("More", door=Door.API, purpose=Purpose.MARKETING)
    (work,) = world.claim()
    received = world.receive("remove")
    assert received.in_flight == (sale.message,)
    world.answer(work)


def test_our_own_answers_are_no_conversation() -> None:
    """Behind the initial reply alone "no" counts; behind an agent's text it is an answer."""
    world = World()
    world.receive("Hello")
    for work in world.claim():
        world.answer(work)
    assert world.standing().thread(LONG.number).last_outbound_at is not None
    talking = World()
    talking.receive("Hello")
    talking.sent("Shall I put one aside?")
    for told, counts in ((world, True), (talking, False)):
        told.receive("no")
        assert bool(told.store.reviews) is counts


def test_a_conversation_goes_on_under_review() -> None:
    """An agent may answer, a program may not; the person's next texts are read as ever."""
    world, _ = unclear()
    assert world.send("It is Acme", door=Door.CONSOLE).decision.decision is Verdict.ALLOW
    refused = world.send("Sale", door=Door.API, purpose=Purpose.MARKETING)
    assert refused.decision.reason is Reason.PAUSED_FOR_REVIEW


@pytest.mark.parametrize("word", ["STOP", "START"])
def test_the_persons_own_word_ends_the_review(word: str) -> None:
    """It is over without an answer, and can have none any more."""
    world, case = unclear()
    world.receive(word)
    (ended,) = world.store.reviews.values()
    assert (ended.state, ended.settled_by) == (
        ReviewState.ENDED,
        Actor(ActorKind.PERSON, PERSON),
    )
    assert world.standing().reviews == ()
    with pytest.raises(Rejected, match="the person said themselves") as refused:
        answer(world, case, ReviewAnswer.OPT_OUT)
    assert refused.value.code == "already_settled"


# --- Answered ---------------------------------------------------------------------------------


def test_an_opt_out_is_the_persons_own_word() -> None:
    """As if the text had been understood: of the sender, with the brand's programs."""
    world, case = unclear("not interested")
    told = answer(world, case, ReviewAnswer.OPT_OUT, note="quite clear").case
    assert (told.state, told.answer, told.settled_by) == (
        ReviewState.ANSWERED,
        ReviewAnswer.OPT_OUT,
        AGENT,
    )
    assert (told.settled_at, told.note) == (world.clock.now(), "quite clear")
    assert world.store.reviews == {case.id: told}
    standing = world.standing()
    assert standing.reviews == ()
    (block,) = standing.blocks
    assert (block.cause, block.by_person, block.since) == (
        Cause.FREE_TEXT,
        True,
        case.unclear.at,
    )
    assert {c.state for c in standing.consents} == {ConsentState.REVOKED}
    assert world.queued() == [MessageKind.OPT_OUT_CONFIRMATION]
    world.receive("START")
    assert pair_state(world.standing(), LONG) is PairState.OPTED_IN


def test_the_answer_is_an_entry_in_the_audit() -> None:
    """Who, the text verbatim, the reading that it corrects, and the note for colleagues."""
    world, case = unclear()
    answer(world, case, ReviewAnswer.KEEP, note="asked who we are")
    entry = world.last_entry(EntryKind.REVIEW_ANSWERED)
    assert (entry.actor, entry.text, entry.reason) == (AGENT, "who is this", "keep")
    assert entry.legal_reading == case.unclear.reading
    assert entry.evidence is not None
    assert (entry.evidence.medium, entry.evidence.verbatim, entry.evidence.note) == (
        Medium.TEXT,
        "who is this",
        "asked who we are",
    )
    assert EntryKind.REVIEW_ANSWERED in AUDIT_KINDS


def test_what_is_kept_lets_texts_go_on() -> None:
    """Consent is as it was; what was canceled stays so."""
    world, case = unclear()
    answer(world, case, ReviewAnswer.KEEP)
    assert world.standing().reviews == ()
    assert set(world.standing().consents) == set(GIVEN)
    assert world.send("Sale", door=Door.API, purpose=Purpose.MARKETING).message is not None


def test_each_text_is_kept_for_itself_and_an_opt_out_answers_all() -> None:
    """Whoever keeps one has not read the next; one opt-out leaves nothing to ask."""
    world, first = unclear()
    world.receive("not interested")
    second = next(c for c in world.store.reviews.values() if c.id != first.id)
    answer(world, first, ReviewAnswer.KEEP)
    refused = world.send("Sale", door=Door.API, purpose=Purpose.MARKETING)
    assert refused.decision.reason is Reason.PAUSED_FOR_REVIEW
    world.receive("go away")
    answer(world, second, ReviewAnswer.OPT_OUT)
    assert [c.answer for c in world.store.reviews.values()] == [
        ReviewAnswer.KEEP,
        ReviewAnswer.OPT_OUT,
        ReviewAnswer.OPT_OUT,
    ]


def test_an_opt_out_of_the_brand_covers_every_sender() -> None:
    """On the brand's do-not-text list, by the person's own word; it is confirmed once."""
    world, case = unclear("remove")
    answer(world, case, ReviewAnswer.OPT_OUT_BRAND)
    (listed,) = world.standing().suppressions
    assert (listed.scope, listed.cause, listed.by_person) == ("acme", Cause.FREE_TEXT, True)
    assert world.queued() == [MessageKind.OPT_OUT_CONFIRMATION]
    assert world.send("Hello", SECOND).decision.reason is Reason.SUPPRESSED


def test_a_wrong_number_is_let_alone() -> None:
    """Listed for the brand, and the consents marked as somebody else's."""
    world, case = unclear()
    answer(world, case, ReviewAnswer.WRONG_NUMBER)
    (listed,) = world.standing().suppressions
    assert listed.cause is Cause.WRONG_NUMBER
    assert all(c.not_subscriber for c in world.standing().consents)


def test_a_late_answer_is_not_confirmed_to_the_person() -> None:
    """More than five minutes after their text that would be a text without consent."""
    world, case = unclear()
    world.clock.advance(minutes=10)
    answer(world, case, ReviewAnswer.OPT_OUT)
    assert world.queued() == []
    refused = world.last_entry(EntryKind.SEND_REFUSED)
    assert refused.decision is not None
    assert refused.decision.rules == ("confirmation/deadline_missed",)


def test_a_carrier_whose_clock_is_ahead_gives_a_confirmation_no_more_time() -> None:
    """Five minutes count from when the text came, where the carrier tells a later time."""
    world = texted()
    world.receive("who is this", sent_at=world.clock.now() + timedelta(seconds=90))
    (case,) = world.store.reviews.values()
    world.clock.advance(seconds=310)
    answer(world, case, ReviewAnswer.OPT_OUT)
    refused = world.last_entry(EntryKind.SEND_REFUSED)
    assert refused.decision is not None
    assert refused.decision.rules == ("confirmation/deadline_missed",)


def test_what_was_kept_can_be_made_an_opt_out_later() -> None:
    """Once; an opt-out is lifted by the person alone, so no answer takes it back."""
    world, case = unclear()
    kept = answer(world, case, ReviewAnswer.KEEP).case
    with pytest.raises(Rejected, match="answered already: keep"):
        answer(world, kept, ReviewAnswer.KEEP)
    out = world.store.run(AnswerReview(kept, ReviewAnswer.OPT_OUT, OTHER_AGENT)).case
    assert (out.answer, out.settled_by) == (ReviewAnswer.OPT_OUT, OTHER_AGENT)
    for what in ReviewAnswer:
        with pytest.raises(Rejected) as refused:
            answer(world, out, what)
        assert refused.value.code == "already_settled"
    assert pair_state(world.standing(), LONG) is PairState.OPTED_OUT


def test_an_old_text_does_not_undo_a_newer_opt_in() -> None:
    """The person came back by themselves after the text that was kept."""
    world, case = unclear()
    kept = answer(world, case, ReviewAnswer.KEEP).case
    world.clock.advance(minutes=1)
    world.receive("START")
    with pytest.raises(Rejected, match="opted in to this number after") as refused:
        answer(world, kept, ReviewAnswer.OPT_OUT)
    assert refused.value.code == "opted_in_since"


def test_a_review_that_is_not_there_is_refused() -> None:
    """With what to do next."""
    world, case = unclear()
    absent = msgspec.structs.replace(case, id="rev_none")
    with pytest.raises(Rejected, match="List them") as refused:
        answer(world, absent, ReviewAnswer.KEEP)
    assert (refused.value.code, refused.value.status) == ("not_found", 404)


def test_a_text_to_a_sender_that_is_not_set_up_can_be_answered() -> None:
    """Nothing is answered from a number that we cannot text from; nor is there a brand to list."""
    world = World()
    stranger = msgspec.structs.replace(LONG, number="+14155559999")
    world.receive("who is this", stranger)
    (case,) = world.store.reviews.values()
    answer(world, case, ReviewAnswer.OPT_OUT_BRAND)
    assert world.standing().suppressions == ()
    assert world.queued() == []
    assert pair_state(world.standing(), stranger) is PairState.OPTED_OUT


def test_a_text_that_was_erased_is_answered_without_its_words() -> None:
    """The answer is kept all the same."""
    world, case = unclear()
    del world.store.messages[case.unclear.message]
    answer(world, case, ReviewAnswer.KEEP)
    assert world.last_entry(EntryKind.REVIEW_ANSWERED).text is None


class _Delivery:
    """Notes what it is asked for."""

    def __init__(self) -> None:
        self.waited: list[tuple[str, ...]] = []
        self.woken = 0

    async def wait_quiet(self, messages: tuple[str, ...]) -> None:
        self.waited.append(messages)

    def wake(self) -> None:
        self.woken += 1


async def test_an_answer_waits_until_nothing_is_under_way() -> None:
    """And has our confirmation sent, where there is one."""
    world, case = unclear()
    delivery = _Delivery()
    command = AnswerReview(case, ReviewAnswer.OPT_OUT, AGENT)
    told = await answer_review(world.store, delivery, command)  # type: ignore[arg-type]
    assert told.answer is ReviewAnswer.OPT_OUT
    assert (delivery.waited, delivery.woken) == ([()], 1)
    world, case = unclear()
    command = AnswerReview(case, ReviewAnswer.KEEP, AGENT)
    await answer_review(world.store, delivery, command)  # type: ignore[arg-type]
    assert delivery.woken == 1
