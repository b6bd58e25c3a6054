"""Texts in any order: late, with the carrier's time and without, and on clocks that are wrong."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consent_world import (
    DIRECTORY,
    LONG,
    PROMO,
    SERVICE_A,
    SERVICE_B,
    SHORT,
    TOLL_FREE,
    after,
    hear,
    minute,
    text,
)
from consentry.domain.carrier_evidence import confirm_delivery, refuse_by_carrier
from consentry.domain.consent import PairState, pair_state
from consentry.domain.directory import Sender
from consentry.domain.entries import Medium
from consentry.domain.intake import Told, decide_grant, decide_revocation
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
    Suppression,
    apply_pieces,
)
from memory_store import START

OURS, PROVIDER, NETWORK = BlockLayer.OURS, BlockLayer.PROVIDER, BlockLayer.NETWORK
Word = tuple[Sender, str, int]
"""A sender, a text to it, and the carrier's minute."""


def hear_all(words: list[Word], standing: Standing | None = None) -> Standing:
    """Let texts arrive one after the other, all after they were sent."""
    standing = standing or Standing()
    for count, (sender, body, sent) in enumerate(words):
        read = text(body, sender, at=minute(100 + count), sent_at=minute(sent))
        standing, _ = hear(standing, read, sender, entry=f"ent{count}")
    return standing


def block_states(standing: Standing) -> dict[tuple[str, BlockLayer], BlockState]:
    """Give what is blocked; a block that was never set is as good as open."""
    return {
        (block.scope, block.layer): block.state
        for block in standing.blocks
        if block.state is not BlockState.OPEN
    }


POOL = [
    *(
        (sender, body)
        for sender in (LONG, SERVICE_A, SERVICE_B)
        for body in ("STOP", "START", "YES")
    ),
    *((sender, "Stop.") for sender in (LONG, TOLL_FREE, SERVICE_A)),
    *((TOLL_FREE, body) for body in ("STOP", "CANCEL", "START", "UNSTOP")),
    *((SHORT, body) for body in ("STOP", "START", "UNSTOP")),
    *((sender, "Hello") for sender in (LONG, TOLL_FREE, SHORT, SERVICE_A)),
    (LONG, "HELP"),
]
WORD = st.tuples(st.sampled_from(POOL), st.integers(0, 12)).map(lambda w: (*w[0], w[1]))
WORDS = st.lists(WORD, min_size=2, max_size=9)
APART = st.lists(WORD, min_size=2, max_size=9, unique_by=lambda word: word[2])
"""No two at the same time, so that their order is known."""


@pytest.mark.property
@settings(max_examples=400, deadline=None)
@given(words=APART, data=st.data())
@example(words=[(SERVICE_A, "STOP", 1), (SERVICE_B, "START", 2)], data=None)
@example(words=[(LONG, "YES", 2), (LONG, "STOP", 1)], data=None)
@example(words=[(LONG, "Stop.", 3), (LONG, "STOP", 1), (LONG, "START", 2)], data=None)
@example(
    words=[
        (SERVICE_A, "Stop.", 1),
        (SERVICE_A, "YES", 7),
        (SERVICE_B, "STOP", 8),
        (SERVICE_B, "START", 9),
    ],
    data=None,
)
def test_texts_with_the_carriers_time_lead_to_one_end(
    words: list[Word], data: st.DataObject | None
) -> None:
    """However texts arrive, the same blocks stand, and who is out by the carrier's times is out.

    Somebody may be out who is not by the carrier's times: of a service whose numbers heard words
    that crossed each other. In doubt the opt-out stands.
    """
    shuffled = words[::-1] if data is None else data.draw(st.permutations(words))
    in_order = hear_all(sorted(words, key=lambda word: word[2]))
    in_disorder = hear_all(shuffled)
    assert block_states(in_disorder) == block_states(in_order)
    for sender in (LONG, TOLL_FREE, SHORT, SERVICE_A, SERVICE_B):
        if pair_state(in_order, sender) is PairState.OPTED_OUT:
            assert pair_state(in_disorder, sender) is PairState.OPTED_OUT
    if in_order.sms_preference is SMSPreference.FORBIDDEN:
        assert in_disorder.sms_preference is SMSPreference.FORBIDDEN


@pytest.mark.property
@settings(max_examples=300, deadline=None)
@given(words=WORDS)
def test_blocks_are_what_the_newest_word_says(words: list[Word]) -> None:
    """In the order sent, with an opt-out first of two as old: the last word on a layer holds."""
    carriers = {LONG: {PROVIDER}, SHORT: set(), TOLL_FREE: {PROVIDER, NETWORK}}
    carriers |= {SERVICE_A: {PROVIDER}, SERVICE_B: {PROVIDER}}
    newest: dict[tuple[str, BlockLayer], tuple[int, bool]] = {}
    for sender, body, sent in words:
        seen = carriers[sender]
        if body in ("Hello", "HELP"):
            continue
        opens = body in ("START", "UNSTOP", "YES")
        layers = seen | {OURS}
        if body == "Stop." or not seen:
            layers = {OURS}
        elif not opens:
            layers = {PROVIDER} if body == "CANCEL" else seen
        for layer in layers:
            key = sender.scope_of(layer), layer
            # An opt-out wins over an opt-in of the same minute.
            newest[key] = max(newest.get(key, (-1, True)), (sent, not opens))
    blocked = {key for key, (_, closes) in newest.items() if closes}
    assert set(block_states(hear_all(words))) == blocked


@pytest.mark.unit
def test_a_late_stop_does_not_undo_a_newer_start() -> None:
    """It changes nothing, is told to be superseded, and is not answered; both are kept."""
    standing = hear_all([(LONG, "Hello", 0), (LONG, "START", 5)])
    later, moved = hear(standing, text("STOP", at=minute(200), sent_at=minute(4)))
    assert (moved.superseded, moved.reply, moved.narrowed) == (True, None, True)
    assert pair_state(later, LONG) is PairState.OPTED_IN
    assert (later.blocks, later.consents, later.sms_tag) == (
        standing.blocks,
        standing.consents,
        True,
    )
    assert later.thread(LONG.number).opted_out_at == minute(4)


@pytest.mark.unit
def test_a_late_start_does_not_undo_a_newer_stop() -> None:
    """It lifts nothing and is told to be superseded; the time it was sent is remembered."""
    standing = hear_all([(LONG, "Hello", 0), (LONG, "STOP", 5)])
    later, moved = hear(standing, text("START", at=minute(200), sent_at=minute(4)))
    assert (moved.superseded, moved.reply) == (True, None)
    assert pair_state(later, LONG) is PairState.OPTED_OUT
    assert not later.sms_tag
    older, moved = hear(later, text("Stop.", at=minute(201), sent_at=minute(3)))
    assert block_states(older) == block_states(standing)


@pytest.mark.unit
def test_words_of_the_same_time_opt_out() -> None:
    """Of an opt-out and an opt-in that the carrier gives one time, the opt-out wins."""
    for words in ([(LONG, "STOP", 5), (LONG, "START", 5)], [(LONG, "START", 5), (LONG, "STOP", 5)]):
        assert pair_state(hear_all(words), LONG) is PairState.OPTED_OUT


@pytest.mark.unit
def test_without_the_carriers_time_the_last_to_arrive_wins() -> None:
    """Order is arrival, even while our own clock is turned back between the two."""
    clock = [minute(10), minute(5), minute(1), minute(1)]
    standing = Standing()
    states = []
    for body, at in zip(("STOP", "START", "Stop.", "START"), clock, strict=True):
        standing, moved = hear(standing, text(body, at=at))
        states.append(pair_state(standing, LONG))
        assert not moved.superseded
    out, back = PairState.OPTED_OUT, PairState.OPTED_IN
    assert states == [out, back, out, back]


@pytest.mark.unit
def test_an_opt_out_is_not_lost_to_a_wrong_clock() -> None:
    """A START of ours from the future never outweighs a STOP that has the carrier's time (I7)."""
    standing = after("Hello")
    standing, _ = hear(standing, text("START", at=minute(10_000)))
    standing, moved = hear(standing, text("STOP", at=minute(5), sent_at=minute(4)))
    assert not moved.superseded
    assert pair_state(standing, LONG) is PairState.OPTED_OUT


@pytest.mark.unit
def test_the_carriers_clock_orders_two_texts_whatever_ours_says() -> None:
    """With our clock turned back, a STOP newer than a START by the carrier's time still counts."""
    standing, _ = hear(Standing(), text("START", at=minute(10), sent_at=minute(10)))
    standing, moved = hear(standing, text("STOP", at=minute(3), sent_at=minute(12)))
    assert not moved.superseded
    assert pair_state(standing, LONG) is PairState.OPTED_OUT
    closed = standing.block(LONG.number, PROVIDER)
    assert closed is not None
    assert closed.since == minute(3)


@pytest.mark.unit
def test_a_start_with_the_carriers_time_must_be_newer_than_an_untimed_stop() -> None:
    """Where only one of two has the carrier's time, the doubt goes to the opt-out."""
    standing, _ = hear(after("Hello"), text("STOP", at=minute(10)))
    doubtful, moved = hear(standing, text("START", at=minute(11), sent_at=minute(9)))
    assert moved.superseded
    assert pair_state(doubtful, LONG) is PairState.OPTED_OUT
    clear, _ = hear(doubtful, text("START", at=minute(12), sent_at=minute(11)))
    assert pair_state(clear, LONG) is PairState.OPTED_IN


@pytest.mark.unit
def test_a_plain_text_never_outweighs_a_late_stop() -> None:
    """A text sent after a STOP that is still on its way opted in too early: the STOP wins."""
    standing = hear_all([(LONG, "Hello", 5)])
    assert pair_state(standing, LONG) is PairState.OPTED_IN
    later, _ = hear(standing, text("STOP", at=minute(200), sent_at=minute(3)))
    assert pair_state(later, LONG) is PairState.OPTED_OUT
    back, _ = hear(later, text("START", at=minute(201), sent_at=minute(4)))
    assert pair_state(back, LONG) is PairState.OPTED_IN


@pytest.mark.unit
def test_the_first_time_of_an_opt_out_is_the_earliest() -> None:
    """A repeat leaves the first time; an older opt-out that arrives late was the first."""
    standing = hear_all([(LONG, "STOP", 5), (LONG, "STOP", 7), (LONG, "CANCEL", 3)])
    block = standing.block(LONG.number, PROVIDER)
    consent = standing.consent(LONG.conversation)
    assert block is not None
    assert consent is not None
    assert (block.since, block.changed_at) == (minute(3), minute(7))
    assert (consent.since, consent.changed_at) == (minute(3), minute(7))


@pytest.mark.unit
def test_a_late_opt_out_takes_only_the_consents_that_are_older() -> None:
    """What was given after the STOP stays, if by more than clocks differ; the rest goes."""

    def consent(minutes: int) -> Standing:
        given = Consent(
            PROMO.id,
            ConsentState.ACTIVE,
            ConsentLevel.EXPRESS_WRITTEN,
            minute(minutes),
            minute(minutes),
            "old",
        )
        return apply_pieces(Standing(), (given,))

    late = text("STOP", at=minute(9), sent_at=minute(5))
    revoked, active = ConsentState.REVOKED, ConsentState.ACTIVE
    for minutes, state in ((4, revoked), (6, revoked), (7, active)):
        standing, _ = hear(consent(minutes), late)
        found = standing.consent(PROMO.id)
        assert found is not None
        assert found.state is state
    arrived, _ = hear(consent(60), text("STOP", at=minute(9)))
    revoked = arrived.consent(PROMO.id)
    assert revoked is not None
    assert (revoked.state, revoked.changed_at) == (ConsentState.REVOKED, minute(60))


@pytest.mark.unit
def test_an_older_start_lifts_no_newer_suppression() -> None:
    """What the person told an agent after they sent a START is their newer word."""
    told = Suppression("*", Cause.AGENT, START, "old", changed_at=minute(5))
    listed = apply_pieces(Standing(), (told,))
    late, _ = hear(listed, text("START", at=minute(9), sent_at=minute(5)))
    assert pair_state(late, LONG) is PairState.OPTED_OUT
    newer, _ = hear(listed, text("START", at=minute(9), sent_at=minute(6)))
    assert pair_state(newer, LONG) is PairState.OPTED_IN
    untimed, _ = hear(listed, text("START", at=minute(1)))
    assert pair_state(untimed, LONG) is PairState.OPTED_IN


@pytest.mark.unit
def test_what_the_company_did_between_does_not_hide_the_persons_words() -> None:
    """A block that an agent set and lifted leaves the order of the person's own words as it was."""
    program = DIRECTORY.program(LONG.conversation)
    assert program is not None

    def company(standing: Standing) -> Standing:
        told = Told(minute(20), "agent", by_person=False)
        standing = apply_pieces(
            standing, decide_revocation(standing, program, DIRECTORY, told=told)
        )
        lifted = decide_grant(
            standing,
            program,
            DIRECTORY,
            level=ConsentLevel.EXPRESS,
            medium=Medium.TEXT,
            told=Told(minute(21), "agent", by_person=False),
        )
        return apply_pieces(standing, lifted.pieces)

    started = company(hear_all([(LONG, "START", 5)]))
    assert pair_state(started, LONG) is PairState.OPTED_IN
    old, moved = hear(started, text("Stop.", at=minute(200), sent_at=minute(4)))
    assert moved.superseded
    assert pair_state(old, LONG) is PairState.OPTED_IN
    # A person who never opted in by keyword is opted out by a STOP that was on its way.
    spoken = company(hear_all([(LONG, "Hello", 1)]))
    gone, moved = hear(spoken, text("STOP", at=minute(200), sent_at=minute(4)))
    assert not moved.superseded
    assert pair_state(gone, LONG) is PairState.OPTED_OUT
    untimed, _ = hear(spoken, text("Stop.", at=minute(2)))
    assert pair_state(untimed, LONG) is PairState.OPTED_OUT


# --- What the carrier tells -------------------------------------------------------------------


def refuse(
    standing: Standing, submitted: float, sender: Sender = LONG, *, now: float = 900
) -> Standing:
    """Let the carrier refuse a text that was submitted at a minute."""
    pieces = refuse_by_carrier(
        standing, sender, submitted_at=minute(submitted), now=minute(now), entry="refused"
    )
    return apply_pieces(standing, pieces)


def deliver(standing: Standing, submitted: float, sender: Sender = LONG) -> Standing:
    """Let a text that was submitted at a minute be delivered."""
    pieces = confirm_delivery(standing, sender, submitted_at=minute(submitted), entry="delivered")
    return apply_pieces(standing, pieces)


@pytest.mark.unit
def test_a_refusal_is_believed_where_our_clock_was_turned_back() -> None:
    """By our clock the person came back later than now: so it cannot tell what came first."""
    back = hear_all([(LONG, "STOP", 70), (LONG, "START", 71)])
    for now, state in ((80, PairState.OPTED_IN), (6, PairState.CARRIER_BLOCKED)):
        assert pair_state(refuse(back, 5, now=now), LONG) is state


@pytest.mark.unit
def test_a_refusal_is_learnt_and_is_no_word_of_the_person() -> None:
    """Block blocked, cause carrier_refusal, since the text was submitted; nothing is revoked."""
    standing = refuse(after("Hello"), 5)
    assert standing.blocks == (
        Block(
            LONG.number,
            PROVIDER,
            BlockState.BLOCKED,
            Cause.CARRIER_REFUSAL,
            minute(5),
            minute(5),
            "refused",
            by_person=False,
        ),
    )
    assert pair_state(standing, LONG) is PairState.CARRIER_BLOCKED
    assert standing.consents == after("Hello").consents
    in_service = refuse(Standing(), 5, SERVICE_A)
    assert pair_state(in_service, SERVICE_B) is PairState.CARRIER_BLOCKED


@pytest.mark.unit
def test_a_delivery_opens_only_what_a_refusal_closed() -> None:
    """A later text that was delivered proves that the carrier blocks no more; an earlier no."""
    refused = refuse(after("Hello"), 5)
    assert deliver(refused, 4) == deliver(refused, 5) == refused
    opened = deliver(refused, 6)
    assert pair_state(opened, LONG) is PairState.OPTED_IN
    assert opened.blocks[0].since == minute(6)
    assert deliver(opened, 7) == opened
    assert deliver(Standing(), 7) == Standing()
    gone = after("Hello", "STOP")
    assert deliver(gone, 1000) == gone
    said = hear(refused, text("STOP", at=minute(7)))[0]
    assert deliver(said, 1000) == said


@pytest.mark.unit
def test_a_refusal_of_an_older_text_says_nothing_of_now() -> None:
    """A text submitted before the person came back was refused by a block that is gone."""
    back = after("Hello", "STOP", "START")
    assert refuse(back, 1) == back
    assert pair_state(refuse(back, 3), LONG) is PairState.CARRIER_BLOCKED
    gone = after("Hello", "STOP")
    assert refuse(gone, 9) == gone
    opened = deliver(refuse(Standing(), 5), 6)
    assert refuse(opened, 5) == opened
    assert pair_state(refuse(opened, 7), LONG) is PairState.CARRIER_BLOCKED


@pytest.mark.unit
def test_a_repeated_start_is_newer_than_a_refusal_before_it() -> None:
    """Who texts START again after a refusal was submitted is not blocked by it."""
    standing = after("START")
    standing, _ = hear(standing, text("START", at=minute(9)))
    assert refuse(standing, 5) == standing


@pytest.mark.unit
def test_the_carriers_evidence_does_not_hide_the_persons_words() -> None:
    """After START, refusal and delivery, an older STOP is still older and a newer one newer."""
    standing = deliver(refuse(hear_all([(LONG, "START", 5)]), 10), 11)
    _, old = hear(standing, text("STOP", at=minute(200), sent_at=minute(4)))
    assert old.superseded
    gone, new = hear(standing, text("STOP", at=minute(200), sent_at=minute(6)))
    assert not new.superseded
    assert pair_state(gone, LONG) is PairState.OPTED_OUT
    back, _ = hear(gone, text("START", at=minute(201), sent_at=minute(7)))
    assert pair_state(back, LONG) is PairState.OPTED_IN


@pytest.mark.unit
def test_an_unknown_block_is_settled_by_a_word() -> None:
    """What was never known is blocked by an opt-out and open by an opt-in."""
    unknown = Block(LONG.number, PROVIDER, BlockState.UNKNOWN, Cause.IMPORT, START, START, "old")
    standing = apply_pieces(Standing(), (unknown,))
    gone, _ = hear(standing, text("STOP", at=minute(1)))
    back, _ = hear(standing, text("START", at=minute(1)))
    assert (gone.blocks[0].state, gone.blocks[0].cause) == (BlockState.BLOCKED, Cause.KEYWORD)
    assert pair_state(back, LONG) is PairState.OPTED_IN
    assert pair_state(refuse(standing, 1), LONG) is PairState.CARRIER_BLOCKED


@pytest.mark.unit
def test_a_start_that_arrives_in_the_same_instant_as_a_stop_lifts_it() -> None:
    """Two arrivals in one tick of the clock are in the order in which they are dealt with."""
    standing, _ = hear(after("Hello"), text("STOP", at=minute(5)))
    standing, _ = hear(standing, text("START", at=minute(5)))
    assert pair_state(standing, LONG) is PairState.OPTED_IN
    opened = standing.block(LONG.number, PROVIDER)
    assert opened is not None
    assert opened.changed_at == minute(5) + timedelta(microseconds=1)
    assert opened.since == minute(5)
    assert msgspec.json.decode(msgspec.json.encode(opened), type=Block) == opened
