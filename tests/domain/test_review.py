"""Unclear texts: when they count, what they hold back, what ends that."""

from itertools import product

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent_world import (
    DIRECTORY,
    FOREIGN,
    LONG,
    NEWS,
    PERSON,
    POLICY,
    PROMO,
    SECOND,
    SHORT,
    after,
    ask,
    block,
    consent,
    hear,
    held_back,
    minute,
    refused_by_carrier,
    text,
)
from consentry.domain.consent import PairState, SignalKind, decide_move, pair_state, read_signal
from consentry.domain.directory import Purpose, Sender
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.gate import Door, MessageKind, Request, Verdict
from consentry.domain.keywords import read_legal
from consentry.domain.policy import Policy, RevocationReach
from consentry.domain.reading import BlockLayer, LegalMeaning, LegalReading, Tier
from consentry.domain.reasons import Reason
from consentry.domain.review import (
    OPEN_MAX,
    ReviewAnswer,
    ReviewCase,
    ReviewState,
    Settled,
    counts,
    end_review,
    is_back_since,
    keep_text,
    language_of,
    list_changed,
)
from consentry.domain.standing import (
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    Piece,
    Review,
    Standing,
    Suppression,
    Thread,
    Unclear,
    apply_pieces,
)
from memory_store import START

pytestmark = pytest.mark.unit

UNCLEAR_TEXTS = ("no", "who is this", "not interested", "remove", "exit")
PERSON_ACTOR = Actor(ActorKind.PERSON, PERSON)


def texted(purpose: Purpose | None, sender: Sender = LONG) -> Thread:
    """Make a thread in which our last text was of a purpose."""
    return Thread(sender.number, last_outbound_at=START, last_outbound_purpose=purpose)


def unclear(number: int = 1, at: float = 0) -> Unclear:
    """Make a text that is to be reviewed."""
    return Unclear(f"rev_{number}", f"msg_{number}", f"ent_{number}", minute(at), read_legal("no"))


UNDER_REVIEW = Review(LONG.number, (unclear(),))
MARKETING = consent(PROMO.id, level=ConsentLevel.EXPRESS_WRITTEN)
INFORMING = consent(NEWS.id, level=ConsentLevel.EXPRESS)
EVERYTHING_GIVEN = (consent(), consent(SECOND.conversation), MARKETING, INFORMING)


# --- When it counts ---------------------------------------------------------------------------

STANDINGS = {
    PairState.NOT_ASKED: Standing(),
    PairState.OPTED_IN: after("Hello"),
    PairState.OPTED_OUT: after("Hello", "STOP"),
    PairState.CARRIER_BLOCKED: refused_by_carrier(),
    PairState.PAUSED: held_back(),
}


@pytest.mark.parametrize(("state", "last"), list(product(STANDINGS, [None, *Purpose])))
def test_an_unclear_text_counts_where_no_conversation_runs(
    state: PairState, last: Purpose | None
) -> None:
    """Behind marketing, information or nothing; not in a conversation, nor of who opted out."""
    before = apply_pieces(STANDINGS[state], (texted(last),))
    read = text("who is this", at=minute(9))
    signal = read_signal(read, before, LONG)
    is_counted = last is not Purpose.CONVERSATIONAL and state is not PairState.OPTED_OUT
    assert counts(before, LONG) is is_counted
    assert signal.kind is (SignalKind.UNCLEAR if is_counted else SignalKind.PLAIN_TEXT)
    standing, moved = hear(before, read)
    review = standing.review(LONG.number)
    assert (review is not None) is is_counted
    assert moved.narrowed is (review is not None)
    if review is not None:
        (held,) = review.texts
        assert (held.at, held.entry, held.after) == (minute(9), "ent", last)
        assert (held.reading.meaning, held.reading.rule) == (
            LegalMeaning.AMBIGUOUS,
            read.legal.rule,
        )
        assert moved.reply is None


OPTED_OUT_BY: dict[str, Piece] = {
    "block": block(layer=BlockLayer.OURS),
    "conversation": consent(state=ConsentState.REVOKED),
    "list": Suppression("acme", Cause.AGENT, START, "ent"),
}


@pytest.mark.parametrize("by_person", [True, False])
@pytest.mark.parametrize("piece", OPTED_OUT_BY.values(), ids=OPTED_OUT_BY.keys())
def test_what_the_company_alone_holds_may_be_lifted(piece: Piece, *, by_person: bool) -> None:
    """So an unclear text counts behind it, and not behind the person's own opt-out."""
    standing = apply_pieces(Standing(), (msgspec.structs.replace(piece, by_person=by_person),))
    assert pair_state(standing, LONG) is PairState.OPTED_OUT
    after_it, _ = hear(standing, text("not interested"))
    assert (after_it.review(LONG.number) is None) is by_person
    assert pair_state(after_it, LONG) is PairState.OPTED_OUT


def test_a_first_unclear_text_opens_the_conversation_and_nothing_else() -> None:
    """An agent may answer who asks; nothing goes by itself, and the initial reply waits."""
    standing, moved = hear(Standing(), text("who is this"))
    assert pair_state(standing, LONG) is PairState.OPTED_IN
    assert (standing.sms_tag, moved.reply) == (True, None)
    standing, moved = hear(standing, text("Hello?", at=minute(1)))
    assert (moved.reply, standing.thread(LONG.number).initial_reply_at) == (None, None)
    assert standing.review(LONG.number) is not None
    kept = apply_pieces(standing, (Review(LONG.number),))
    _, moved = hear(kept, text("Do you have the blue one?", at=minute(2)))
    assert moved.reply is MessageKind.INITIAL_REPLY


def test_a_text_without_a_reading_holds_nothing() -> None:
    """A signal that nobody read as unclear opens no review."""
    signal = read_signal(text("no"), Standing(), LONG)
    bare = msgspec.structs.replace(signal, reading=None)
    moved = decide_move(bare, Standing(), LONG, directory=DIRECTORY, policy=POLICY, entry="ent_1")
    assert not any(isinstance(piece, Review) for piece in moved.pieces)


# --- What it holds back -----------------------------------------------------------------------


def judge(request: Request, *, policy: Policy = POLICY) -> Reason | None:
    """Ask the gate about somebody who gave everything and is under review by one sender."""
    return ask(request, *EVERYTHING_GIVEN, UNDER_REVIEW, policy=policy).reason


def test_only_direct_replies_pass_a_review() -> None:
    """An agent's answer in that conversation, and HELP; whatever a machine sends is held back."""
    held = Reason.PAUSED_FOR_REVIEW
    agent = Request(PERSON, LONG.number, door=Door.CONSOLE, body="It is Acme", segments=1)
    assert judge(agent) is None
    named = msgspec.structs.replace(agent, program=LONG.conversation)
    assert judge(named) is None
    assert judge(msgspec.structs.replace(agent, kind=MessageKind.HELP_REPLY)) is None
    for purpose in (Purpose.INFORMATIONAL, Purpose.MARKETING):
        assert judge(msgspec.structs.replace(agent, purpose=purpose)) is held
    assert judge(msgspec.structs.replace(agent, program=PROMO.id)) is held
    for door in (Door.API, Door.REPLY):
        machine = msgspec.structs.replace(agent, door=door, purpose=Purpose.CONVERSATIONAL)
        assert judge(machine) is held
    for kind in (MessageKind.INITIAL_REPLY, MessageKind.OPT_IN_CONFIRMATION):
        assert judge(msgspec.structs.replace(agent, door=Door.REPLY, kind=kind)) is held


@pytest.mark.parametrize("reach", RevocationReach)
def test_a_review_reaches_as_far_as_the_opt_out_would(reach: RevocationReach) -> None:
    """Other senders keep their conversations; what the opt-out would take from them is held."""
    policy = Policy(revocation_reach=reach)
    talk = Request(PERSON, SECOND.number, door=Door.CONSOLE, body="Hello", segments=1)
    sale = Request(PERSON, SECOND.number, purpose=Purpose.MARKETING, body="Sale", segments=1)
    assert judge(talk, policy=policy) is None
    is_held = reach is not RevocationReach.SENDER
    assert judge(sale, policy=policy) is (Reason.PAUSED_FOR_REVIEW if is_held else None)
    foreign = Request(PERSON, FOREIGN.number, purpose=Purpose.MARKETING, body="Sale", segments=1)
    reason = judge(foreign, policy=policy)
    assert (reason is Reason.PAUSED_FOR_REVIEW) is (reach is RevocationReach.ALL)


def test_a_review_of_a_sender_that_is_gone_holds_every_brand_back() -> None:
    """Nobody knows any more whose it was."""
    gone = Review("+14155559999", (unclear(),))
    sale = Request(PERSON, LONG.number, purpose=Purpose.MARKETING, body="Sale", segments=1)
    assert ask(sale, *EVERYTHING_GIVEN, gone).reason is Reason.PAUSED_FOR_REVIEW


def test_the_decision_names_the_review() -> None:
    """So that it can be replayed, and the agent knows where to go."""
    decision = ask(Request(PERSON, LONG.number, purpose=Purpose.MARKETING), UNDER_REVIEW)
    assert (decision.rules, decision.review) == (("paused/review",), UNDER_REVIEW)
    assert "review queue" in decision.detail
    assert "carrier drift" in decision.detail


@pytest.mark.property
@settings(max_examples=300, deadline=None)
@given(
    words=st.lists(
        st.sampled_from([*UNCLEAR_TEXTS, "Hello", "HELP", "YES", "wrong number", "quand même"]),
        max_size=4,
    ),
    last=st.sampled_from([None, Purpose.INFORMATIONAL, Purpose.MARKETING]),
    final=st.sampled_from(UNCLEAR_TEXTS),
    sender=st.sampled_from([LONG, SHORT]),
    over=st.sampled_from([LONG, SECOND, SHORT]),
    reach=st.sampled_from([RevocationReach.BRAND, RevocationReach.ALL]),
)
def test_ambiguous_never_continues_marketing(
    *,
    words: list[str],
    last: Purpose | None,
    final: str,
    sender: Sender,
    over: Sender,
    reach: RevocationReach,
) -> None:
    """Whatever was given and said before: behind an unclear text no marketing, nor information."""
    given_all = apply_pieces(Standing(), (*EVERYTHING_GIVEN, texted(last, sender)))
    policy = Policy(revocation_reach=reach)
    standing = given_all
    for count, body in enumerate((*words, final)):
        standing, _ = hear(standing, text(body, sender, at=minute(count)), sender, policy=policy)
    for purpose in (Purpose.MARKETING, Purpose.INFORMATIONAL):
        request = Request(PERSON, over.number, purpose=purpose, body="Sale", segments=1)
        pieces = (*standing.blocks, *standing.consents, *standing.suppressions, *standing.reviews)
        assert ask(request, *pieces, policy=policy).decision is Verdict.DENY


# --- What ends it -----------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["STOP", "START", "UNSTOP", "please stop texting me"])
def test_a_clear_word_of_the_person_ends_the_review(word: str) -> None:
    """Out or in: they said themselves what they want."""
    standing = after("who is this", word)
    assert standing.reviews == ()


@pytest.mark.parametrize("word", ["Hello", "HELP", "YES"])
def test_a_plain_text_does_not_end_the_review(word: str) -> None:
    """Nor does asking for help, nor YES where it is an ordinary answer."""
    assert after("who is this", word).review(LONG.number) is not None


def test_an_older_start_does_not_end_the_review() -> None:
    """By the carrier's own time the unclear text came after it."""
    standing, _ = hear(Standing(), text("no", at=minute(5), sent_at=minute(5)))
    late = text("START", at=minute(6), sent_at=minute(3))
    standing, _ = hear(standing, late, entry="late")
    assert standing.review(LONG.number) is not None
    standing, _ = hear(standing, text("START", at=minute(7), sent_at=minute(7)), entry="newer")
    assert standing.review(LONG.number) is None


def test_a_start_that_a_newer_stop_beats_ends_nothing() -> None:
    """It changes nothing, the review neither."""
    stopped, _ = hear(Standing(), text("STOP", at=minute(9), sent_at=minute(9)))
    standing = apply_pieces(stopped, (UNDER_REVIEW,))
    standing, moved = hear(standing, text("START", at=minute(10), sent_at=minute(3)))
    assert moved.superseded
    assert standing.review(LONG.number) is not None


# --- Keeping what is to be reviewed -----------------------------------------------------------


def test_each_unclear_text_waits_for_itself() -> None:
    """Two texts, two reviews; one that is kept leaves the other."""
    standing = after("who is this", "not interested")
    review = standing.review(LONG.number)
    assert review is not None
    first, second = review.texts
    assert (first.entry, second.entry) == ("ent0", "ent1")
    assert first.id != second.id
    assert standing.review(SECOND.number) is None
    left = apply_pieces(standing, tuple(keep_text(standing, case(first))))
    assert left.review(LONG.number) == Review(LONG.number, (second,))
    gone = apply_pieces(left, tuple(keep_text(left, case(second))))
    assert gone.reviews == ()
    assert keep_text(gone, case(first)) == []
    assert end_review(gone, LONG.number) == []


def case(held: Unclear, **fields: object) -> ReviewCase:
    """Make the review of a text."""
    return msgspec.structs.replace(ReviewCase(held.id, PERSON, LONG.number, held), **fields)


def test_of_very_many_texts_the_newest_stands_for_the_rest() -> None:
    """The list of one conversation has an end, and its newest text is always on it."""
    standing = after(*["who is this"] * (OPEN_MAX + 3))
    review = standing.review(LONG.number)
    assert review is not None
    assert len(review.texts) == OPEN_MAX
    assert review.texts[-1].entry == f"ent{OPEN_MAX + 2}"


def test_what_became_of_each_text_is_listed() -> None:
    """Those that are over, by whom and how, and the new ones."""
    settled = Settled(ReviewState.ENDED, minute(9), PERSON_ACTOR)

    def changed(before: Review | None, now: Review | None) -> tuple[ReviewCase, ...]:
        was, will = (apply_pieces(Standing(), (r,) if r else ()) for r in (before, now))
        return list_changed(was, will, recipient=PERSON, sender=LONG.number, settled=settled)

    one, two = unclear(1), unclear(2)
    assert changed(None, None) == ()
    assert changed(None, Review(LONG.number, (one,))) == (case(one),)
    over = case(one, state=ReviewState.ENDED, settled_at=minute(9), settled_by=PERSON_ACTOR)
    assert changed(Review(LONG.number, (one,)), Review(LONG.number, (two,))) == (over, case(two))
    assert changed(Review(LONG.number, (one, two)), Review(LONG.number, (two,))) == (over,)
    assert changed(Review(LONG.number, (one,)), None) == (over,)


def test_what_may_still_be_answered() -> None:
    """What is open, and what was kept; nothing that the person ended or that opted them out."""
    answered = ReviewState.ANSWERED
    assert case(unclear()).may_be_answered
    assert case(unclear(), state=answered, answer=ReviewAnswer.KEEP).may_be_answered
    assert not case(unclear(), state=answered, answer=ReviewAnswer.OPT_OUT).may_be_answered
    assert not case(unclear(), state=ReviewState.ENDED).may_be_answered


@pytest.mark.parametrize(
    ("rule", "language"),
    [
        ("unclear:fr:non", "fr"),
        ("en.who_is_this", "en"),
        ("any.strong_word_in_doubt", "und"),
        ("sign:U+1F6D1", "und"),
        (None, "und"),
    ],
)
def test_the_language_is_that_of_the_rule(rule: str | None, language: str) -> None:
    """A sign and a strong word are of none."""
    reading = LegalReading(LegalMeaning.AMBIGUOUS, Tier.PHRASE, rule, "v")
    assert language_of(reading) == language
    held = msgspec.structs.replace(unclear(), reading=reading)
    assert case(held).language == language


def test_an_opt_in_after_the_text_is_known() -> None:
    """START leaves the block of the sender open; what the company opens is no word of theirs."""
    asked = case(unclear(at=2))
    assert not is_back_since(Standing(), asked)
    assert is_back_since(after("Hello", "STOP", "no", "START"), asked)
    assert not is_back_since(after("Hello", "START"), asked)
    assert not is_back_since(after("Hello", "START", "no", "Stop."), asked)


def test_active_consents_stay_as_they_are() -> None:
    """A review takes nothing away: what was given is there when it is over."""
    given_all = apply_pieces(Standing(), EVERYTHING_GIVEN)
    standing, _ = hear(given_all, text("not interested"))
    assert all(
        isinstance(piece, Consent) and piece.state is ConsentState.ACTIVE
        for piece in standing.consents
    )
