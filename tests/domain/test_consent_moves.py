"""How consent moves: the whole table, and what each move does to each piece of the standing."""

from collections.abc import Callable
from itertools import product

import msgspec
import pytest

from consent_world import (
    DIRECTORY,
    FOREIGN,
    FOREIGN_PROMO,
    LONG,
    NEWS,
    POLICY,
    PROMO,
    SECOND,
    SHORT,
    TOLL_FREE,
    after,
    hear,
    held_back,
    minute,
    refused_by_carrier,
    text,
)
from consentry.domain.consent import (
    MOVES,
    Move,
    PairState,
    Signal,
    SignalKind,
    Transition,
    decide_move,
    pair_state,
)
from consentry.domain.directory import Sender
from consentry.domain.gate import MessageKind
from consentry.domain.keywords import read_legal
from consentry.domain.policy import Policy, RevocationReach
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    Block,
    BlockState,
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    SMSPreference,
    Standing,
    Tag,
    Thread,
    apply_pieces,
)
from memory_store import START

pytestmark = pytest.mark.unit

OURS, PROVIDER, NETWORK = BlockLayer.OURS, BlockLayer.PROVIDER, BlockLayer.NETWORK


STANDINGS: dict[PairState, Callable[[], Standing]] = {
    PairState.NOT_ASKED: Standing,
    PairState.OPTED_IN: lambda: after("Hello"),
    PairState.OPTED_OUT: lambda: after("Hello", "STOP"),
    PairState.CARRIER_BLOCKED: refused_by_carrier,
    PairState.PAUSED: held_back,
}
SIGNALS = {
    SignalKind.PLAIN_TEXT: Signal(SignalKind.PLAIN_TEXT, minute(9)),
    SignalKind.UNCLEAR: Signal(SignalKind.UNCLEAR, minute(9), reading=read_legal("no")),
    SignalKind.HELP: Signal(SignalKind.HELP, minute(9), answered=True),
    SignalKind.OPT_OUT: Signal(SignalKind.OPT_OUT, minute(9), layers=(PROVIDER,), answered=True),
    SignalKind.OPT_IN: Signal(SignalKind.OPT_IN, minute(9), layers=(PROVIDER, OURS), answered=True),
    SignalKind.SCOPE_ANSWER: Signal(SignalKind.SCOPE_ANSWER, minute(9), program=PROMO.id),
}
# What stands afterwards: (pair state, SMS tag, initial or other reply); None: as before.
EFFECTS: dict[tuple[PairState, SignalKind], tuple[PairState, bool, MessageKind | None]] = {
    (PairState.NOT_ASKED, SignalKind.PLAIN_TEXT): (
        PairState.OPTED_IN,
        True,
        MessageKind.INITIAL_REPLY,
    ),
    (PairState.NOT_ASKED, SignalKind.UNCLEAR): (PairState.OPTED_IN, True, None),
    (PairState.NOT_ASKED, SignalKind.HELP): (PairState.NOT_ASKED, False, None),
    (PairState.NOT_ASKED, SignalKind.OPT_OUT): (PairState.OPTED_OUT, False, None),
    (PairState.NOT_ASKED, SignalKind.OPT_IN): (PairState.OPTED_IN, True, None),
    (PairState.NOT_ASKED, SignalKind.SCOPE_ANSWER): (
        PairState.OPTED_IN,
        True,
        MessageKind.INITIAL_REPLY,
    ),
    (PairState.OPTED_IN, SignalKind.PLAIN_TEXT): (PairState.OPTED_IN, True, None),
    (PairState.OPTED_IN, SignalKind.UNCLEAR): (PairState.OPTED_IN, True, None),
    (PairState.OPTED_IN, SignalKind.HELP): (PairState.OPTED_IN, True, None),
    (PairState.OPTED_IN, SignalKind.OPT_OUT): (PairState.OPTED_OUT, False, None),
    (PairState.OPTED_IN, SignalKind.OPT_IN): (PairState.OPTED_IN, True, None),
    (PairState.OPTED_IN, SignalKind.SCOPE_ANSWER): (PairState.OPTED_IN, True, None),
    (PairState.OPTED_OUT, SignalKind.PLAIN_TEXT): (PairState.OPTED_OUT, False, None),
    (PairState.OPTED_OUT, SignalKind.UNCLEAR): (PairState.OPTED_OUT, False, None),
    (PairState.OPTED_OUT, SignalKind.HELP): (PairState.OPTED_OUT, False, None),
    (PairState.OPTED_OUT, SignalKind.OPT_OUT): (PairState.OPTED_OUT, False, None),
    (PairState.OPTED_OUT, SignalKind.OPT_IN): (PairState.OPTED_IN, True, None),
    (PairState.OPTED_OUT, SignalKind.SCOPE_ANSWER): (PairState.OPTED_OUT, False, None),
    (PairState.CARRIER_BLOCKED, SignalKind.PLAIN_TEXT): (PairState.CARRIER_BLOCKED, False, None),
    (PairState.CARRIER_BLOCKED, SignalKind.UNCLEAR): (PairState.CARRIER_BLOCKED, False, None),
    (PairState.CARRIER_BLOCKED, SignalKind.HELP): (PairState.CARRIER_BLOCKED, False, None),
    (PairState.CARRIER_BLOCKED, SignalKind.OPT_OUT): (PairState.OPTED_OUT, False, None),
    (PairState.CARRIER_BLOCKED, SignalKind.OPT_IN): (PairState.OPTED_IN, True, None),
    (PairState.CARRIER_BLOCKED, SignalKind.SCOPE_ANSWER): (PairState.CARRIER_BLOCKED, False, None),
    (PairState.PAUSED, SignalKind.PLAIN_TEXT): (PairState.PAUSED, False, None),
    (PairState.PAUSED, SignalKind.UNCLEAR): (PairState.PAUSED, False, None),
    (PairState.PAUSED, SignalKind.HELP): (PairState.PAUSED, False, None),
    (PairState.PAUSED, SignalKind.OPT_OUT): (PairState.OPTED_OUT, False, None),
    (PairState.PAUSED, SignalKind.OPT_IN): (PairState.OPTED_IN, True, None),
    (PairState.PAUSED, SignalKind.SCOPE_ANSWER): (PairState.PAUSED, False, None),
}


def move(standing: Standing, signal: Signal, sender: Sender = LONG) -> tuple[Standing, Transition]:
    """Let a signal move a standing."""
    moved = decide_move(signal, standing, sender, directory=DIRECTORY, policy=POLICY, entry="moved")
    return apply_pieces(standing, moved.pieces), moved


def test_the_table_is_total() -> None:
    """Every state of a pair meets every signal, and nothing else is in the table."""
    assert set(MOVES) == set(product(PairState, SignalKind)) == set(EFFECTS)


@pytest.mark.parametrize(("state", "kind"), list(MOVES))
def test_each_cell_of_the_table(state: PairState, kind: SignalKind) -> None:
    """Each state by each signal: the pair afterwards, the tag, our reply, when the person wrote."""
    before = STANDINGS[state]()
    assert pair_state(before, LONG) is state
    standing, moved = move(before, SIGNALS[kind])
    ends, tagged, reply = EFFECTS[state, kind]
    assert moved.move is MOVES[state, kind]
    assert pair_state(standing, LONG) is ends
    assert (standing.sms_tag, moved.reply) == (tagged, reply)
    assert standing.thread(LONG.number).last_inbound_at == minute(9)
    held = kind is SignalKind.UNCLEAR
    assert (standing.review(LONG.number) is not None) is held
    assert moved.narrowed is (held or kind is SignalKind.OPT_OUT)
    # Nothing was asked in these standings, so an answer finds nothing to keep.
    assert moved.superseded is (moved.move is Move.KEEP_PROGRAM)
    forbidden = ends in (PairState.OPTED_OUT, PairState.CARRIER_BLOCKED)
    assert (standing.sms_preference is SMSPreference.FORBIDDEN) is forbidden


@pytest.mark.parametrize(("state", "kind"), list(MOVES))
def test_each_move_is_idempotent(state: PairState, kind: SignalKind) -> None:
    """A repeat leaves state and first time as they are, and is not answered again."""
    once, _ = move(STANDINGS[state](), SIGNALS[kind])
    later = msgspec.structs.replace(SIGNALS[kind], at=minute(20))
    twice, moved = move(once, later)
    assert pair_state(twice, LONG) is pair_state(once, LONG)
    assert [(b.state, b.since, b.cause) for b in twice.blocks] == [
        (b.state, b.since, b.cause) for b in once.blocks
    ]
    assert [(c.state, c.since) for c in twice.consents] == [
        (c.state, c.since) for c in once.consents
    ]
    assert moved.reply is None


# --- The first text ---------------------------------------------------------------------------


def test_the_first_plain_text_opts_in() -> None:
    """Implied consent to the conversation with this sender, the tag, and one initial reply."""
    standing, moved = hear(Standing(), text("Hello"))
    consent = standing.consent(LONG.conversation)
    assert consent is not None
    assert (consent.state, consent.level) == (ConsentState.ACTIVE, ConsentLevel.IMPLIED)
    assert (consent.since, consent.entry) == (START, "ent")
    assert (standing.sms_tag, standing.sms_preference) == (True, SMSPreference.ON)
    assert moved.reply is MessageKind.INITIAL_REPLY
    assert pair_state(standing, SECOND) is PairState.NOT_ASKED


def test_the_initial_reply_is_sent_once_per_pair() -> None:
    """Not to the second text, not after an opt-out and back; but by another sender again."""
    standing = after("Hello")
    _, again = hear(standing, text("Hello again", at=minute(1)))
    assert again.reply is None
    _, elsewhere = hear(standing, text("Hello", SECOND), SECOND)
    assert elsewhere.reply is MessageKind.INITIAL_REPLY
    back = after("Hello", "STOP", "START")
    _, later = hear(back, text("Hello", at=minute(9)))
    assert later.reply is None


def test_the_initial_reply_waits_for_the_first_plain_text() -> None:
    """Never to a keyword: who begins with START or STOP gets it for the first plain text."""
    for words in (("START",), ("STOP", "START"), ("HELP",)):
        standing = after(*words)
        assert standing.thread(LONG.number).initial_reply_at is None
        _, moved = hear(standing, text("Hello", at=minute(9)))
        assert moved.reply is MessageKind.INITIAL_REPLY


def test_a_first_yes_is_an_ordinary_text_that_the_carrier_answers() -> None:
    """On a long code YES with nothing to lift opts in like any text; Twilio answers, we do not."""
    standing, moved = hear(Standing(), text("YES"))
    assert pair_state(standing, LONG) is PairState.OPTED_IN
    assert (moved.move, moved.reply) == (Move.CONVERSE, None)
    assert standing.blocks == ()
    _, short = hear(Standing(), text("YES", SHORT), SHORT)
    assert short.reply is MessageKind.INITIAL_REPLY


def test_an_expired_conversation_is_renewed_by_a_text() -> None:
    """Who writes again after the consent ran out has opted in again."""
    standing = after("Hello")
    consent = standing.consents[0]
    ending = msgspec.structs.replace(consent, expires_at=minute(5))
    standing = apply_pieces(standing, (ending,))
    kept, _ = hear(standing, text("Hi", at=minute(4)))
    assert kept.consents == (ending,)
    renewed, _ = hear(standing, text("Hi", at=minute(6)))
    assert (renewed.consents[0].since, renewed.consents[0].expires_at) == (minute(6), None)
    started, _ = hear(standing, text("START", at=minute(6)))
    assert started.consents[0].is_active(minute(7))


# --- Opt-out ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "body", "layers"),
    [
        (LONG, "STOP", {PROVIDER}),
        (LONG, "Stop.", {OURS}),
        (LONG, "please stop texting me", {OURS}),
        (TOLL_FREE, "STOP", {NETWORK, PROVIDER}),
        (TOLL_FREE, "CANCEL", {PROVIDER}),
        (SHORT, "STOP", {OURS}),
    ],
)
def test_an_opt_out_sets_the_layers_that_saw_it(
    sender: Sender, body: str, layers: set[BlockLayer]
) -> None:
    """The layers the carrier reader names; where it names none, ours."""
    standing, moved = hear(after("Hello", sender=sender), text(body, sender, at=minute(1)), sender)
    closed = {b.layer for b in standing.blocks if b.state is BlockState.BLOCKED}
    assert closed == layers
    assert all(block.by_person for block in standing.blocks)
    consent = standing.consent(sender.conversation)
    assert consent is not None
    assert (consent.state, consent.since) == (ConsentState.REVOKED, minute(1))
    assert not standing.sms_tag
    expected = MessageKind.OPT_OUT_CONFIRMATION if layers == {OURS} else None
    assert (moved.reply, moved.narrowed) == (expected, True)


def test_a_phrase_and_a_keyword_are_told_apart() -> None:
    """The cause is the keyword tier's or the free text's."""
    assert after("Stop.").blocks[0].cause is Cause.KEYWORD
    assert after("please stop texting me").blocks[0].cause is Cause.FREE_TEXT
    assert after("wrong number").blocks[0].cause is Cause.WRONG_NUMBER


def test_an_opt_out_is_confirmed_once() -> None:
    """Our confirmation answers the first opt-out; repeats, in whatever words, are not answered."""
    standing = after("Hello")
    standing, first = hear(standing, text("Stop.", at=minute(1)))
    assert first.reply is MessageKind.OPT_OUT_CONFIRMATION
    _, phrase = hear(standing, text("please stop texting me", at=minute(2)))
    _, keyword = hear(standing, text("STOP", at=minute(2)))
    assert (phrase.reply, keyword.reply) == (None, None)


def consents_of_all_kinds() -> Standing:
    """Conversations with two senders, and both brands' programs in various states."""

    def consent(program: str, state: ConsentState) -> Consent:
        return Consent(program, state, ConsentLevel.EXPRESS_WRITTEN, START, START, "old")

    active = ConsentState.ACTIVE
    return apply_pieces(
        Standing(),
        (
            consent(LONG.conversation, active),
            consent(SECOND.conversation, active),
            consent(FOREIGN.conversation, active),
            consent(PROMO.id, active),
            consent(NEWS.id, ConsentState.PENDING),
            consent(FOREIGN_PROMO.id, active),
            consent("a program that is gone", active),
        ),
    )


@pytest.mark.parametrize(
    ("reach", "revoked"),
    [
        (RevocationReach.SENDER, {LONG.conversation}),
        (
            RevocationReach.BRAND,
            {LONG.conversation, PROMO.id, NEWS.id, "a program that is gone"},
        ),
        (RevocationReach.ALL, {consent.program for consent in consents_of_all_kinds().consents}),
    ],
)
def test_an_opt_out_reaches_as_far_as_the_setting(
    reach: RevocationReach, revoked: set[str]
) -> None:
    """The conversation always; the brand's other programs, pending ones too; or everything."""
    policy = Policy(revocation_reach=reach)
    standing, _ = hear(consents_of_all_kinds(), text("STOP", at=minute(1)), policy=policy)
    assert {c.program for c in standing.consents if c.state is ConsentState.REVOKED} == revoked
    for consent in standing.consents:
        since = minute(1) if consent.program in revoked else START
        assert (consent.since, consent.changed_at) == (since, since)


def test_an_opt_out_keeps_what_stood_before_it() -> None:
    """A carrier's refusal gives way to the person's word; a company's own block becomes theirs."""
    standing, _ = hear(refused_by_carrier(), text("STOP", at=minute(1)))
    assert (standing.blocks[0].cause, standing.blocks[0].since) == (Cause.KEYWORD, minute(1))
    assert standing.blocks[0].by_person
    company = Block(
        LONG.number, OURS, BlockState.BLOCKED, Cause.AGENT, START, START, "old", by_person=False
    )
    standing, _ = hear(apply_pieces(Standing(), (company,)), text("Stop.", at=minute(1)))
    assert (standing.blocks[0].cause, standing.blocks[0].since) == (Cause.AGENT, START)
    assert standing.blocks[0].by_person


# --- HELP -------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["HELP", "info", " Help "])
def test_help_changes_no_consent(body: str) -> None:
    """Asked before, during or after a conversation; we answer where no carrier does."""
    for standing in (Standing(), after("Hello", sender=SHORT), after("STOP", sender=SHORT)):
        state = pair_state(standing, SHORT)
        heard, moved = hear(standing, text(body, SHORT, at=minute(9)), SHORT)
        assert (heard.blocks, heard.consents) == (standing.blocks, standing.consents)
        assert heard.sms_tag == standing.sms_tag
        expected = None if state is PairState.OPTED_OUT else MessageKind.HELP_REPLY
        assert moved.reply is expected
    _, carrier = hear(Standing(), text(body))
    assert carrier.reply is None


def test_a_late_text_does_not_turn_the_time_back() -> None:
    """When the person last wrote is the newest of their texts."""
    standing, _ = hear(after("Hello"), text("Hi", at=minute(9), sent_at=minute(-5)))
    assert standing.thread(LONG.number) == Thread(
        LONG.number, last_inbound_at=START, initial_reply_at=START
    )


def test_tags_are_pieces_of_their_own() -> None:
    """An opt-out takes the tag away, an opt-in gives it back."""
    _, out = hear(after("Hello"), text("STOP", at=minute(1)))
    assert Tag(sms=False) in out.pieces
    _, back = hear(after("Hello", "STOP"), text("START", at=minute(5)))
    assert Tag(sms=True) in back.pieces


@pytest.mark.parametrize(
    ("behind_minutes", "state"),
    [(0.7, ConsentState.REVOKED), (5, ConsentState.ACTIVE)],
    ids=["clocks that differ a little", "a text that is older"],
)
def test_an_opt_out_takes_what_was_given_within_a_minute_after_it_by_another_clock(
    behind_minutes: float, state: ConsentState
) -> None:
    """A carrier's clock that is behind ours must not let marketing outlive the STOP after it."""
    given = Consent(PROMO.id, ConsentState.ACTIVE, ConsentLevel.EXPRESS_WRITTEN, START, START, "g")
    standing = apply_pieces(after("Hello"), (given,))
    heard = text("STOP", at=minute(1), sent_at=minute(-behind_minutes))
    standing, _ = hear(standing, heard)
    left = standing.consent(PROMO.id)
    assert left is not None
    assert left.state is state


def test_an_opt_out_takes_what_was_given_by_a_clock_that_was_turned_back_since() -> None:
    """A consent from the future was not given after a text that has come: our clock was wrong."""
    given = Consent(
        PROMO.id,
        ConsentState.ACTIVE,
        ConsentLevel.EXPRESS_WRITTEN,
        minute(90),
        minute(90),
        "g",
    )
    standing = apply_pieces(after("Hello"), (given,))
    standing, _ = hear(standing, text("STOP", at=minute(20), sent_at=minute(19)))
    left = standing.consent(PROMO.id)
    assert left is not None
    assert left.state is ConsentState.REVOKED
