"""What a carrier's evidence is judged to be, and what is held back for it."""

import itertools
from datetime import datetime, timedelta

import msgspec
import pytest

from consent_world import (
    DIRECTORY,
    FOREIGN,
    LONG,
    NEWS,
    PERSON,
    POLICY,
    PROMO,
    SECOND,
    SERVICE_A,
    SERVICE_B,
    SHORT,
    TOLL_FREE,
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
from consentry.domain.consent import PairState, pair_state
from consentry.domain.directory import Purpose, Sender
from consentry.domain.drift import (
    Drift,
    DriftKind,
    DriftState,
    Heard,
    Judged,
    Place,
    Reconciliation,
    Severity,
    close_listed,
    judge_line,
    judge_text,
    list_unlisted,
    list_words,
    open_unlisted,
    order_by_carrier,
    pause,
    resume,
    settled_before,
)
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.gate import Door, Request
from consentry.domain.policy import Policy, RevocationReach
from consentry.domain.reading import BlockLayer
from consentry.domain.reasons import Reason
from consentry.domain.standing import (
    Block,
    BlockState,
    Cause,
    ConsentLevel,
    ConsentState,
    Standing,
    Suppression,
    apply_pieces,
)
from memory_store import START

pytestmark = pytest.mark.unit

OURS, PROVIDER, NETWORK = BlockLayer.OURS, BlockLayer.PROVIDER, BlockLayer.NETWORK
REPLY = Request(PERSON, LONG.number, door=Door.CONSOLE)


def judge(
    body: str,
    standing: Standing,
    sender: Sender = LONG,
    *,
    at: datetime | None = None,
    policy: Policy = POLICY,
) -> Judged:
    """Judge a text that the carrier has, sent ten minutes after the start."""
    sent_at = at or minute(10)
    read = text(body, sender, at=minute(600), sent_at=sent_at)
    return judge_text(read, standing, sender, directory=DIRECTORY, policy=policy)


def drift(kind: DriftKind = DriftKind.BLOCK_AT_CARRIER, **fields: object) -> Drift:
    """Make a drift about the long code, found an hour after the start."""
    values: dict[str, object] = {
        "id": "drf_1",
        "key": "k",
        "recipient": PERSON,
        "sender": LONG.number,
        "carrier": "twilio-1",
        "carrier_kind": "twilio",
        "kind": kind,
        "severity": Severity.WARNING,
        "found_at": minute(60),
        "report": "rec_1",
        "carrier_says": "",
        "we_say": "",
        "scopes": (LONG.number,),
    }
    return Drift(**(values | fields))  # type: ignore[arg-type]


# --- Texts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "sender", "layers"),
    [
        ("STOP", LONG, {PROVIDER}),
        ("STOP", TOLL_FREE, {NETWORK, PROVIDER}),
        ("please stop texting me", LONG, {OURS}),
        ("STOP", SHORT, {OURS}),
    ],
)
def test_a_missed_opt_out_holds_back_what_it_would_have_closed(
    body: str, sender: Sender, layers: set[BlockLayer]
) -> None:
    """It is the worst there is, and the places are those that the readers name."""
    judged = judge(body, after("Hello", sender=sender), sender)
    assert (judged.kind, judged.severity) == (DriftKind.MISSED_OPT_OUT, Severity.CRITICAL)
    assert set(judged.places) == {Place(sender.scope_of(layer), layer) for layer in layers}


def test_an_opt_out_that_stands_already_holds_nothing_back() -> None:
    """A second STOP that was missed changes nothing, so it is only to be noticed."""
    judged = judge("STOP", after("Hello", "STOP"))
    assert judged == Judged(DriftKind.MISSED_OPT_OUT, Severity.NOTICE, ())


def test_a_missed_opt_out_that_takes_marketing_holds_back_the_whole_brand() -> None:
    """Until it is settled the consent it takes can be used over no sender that it reaches."""
    promoted = after("Hello", "STOP", standing=apply_pieces(Standing(), ()))
    granted = apply_pieces(promoted, (consent(PROMO.id, level=ConsentLevel.EXPRESS_WRITTEN),))
    judged = judge("STOP", granted)
    reached = {place.scope for place in judged.places}
    assert judged.severity is Severity.CRITICAL
    assert {place.layer for place in judged.places} == {OURS}
    assert SECOND.number in reached
    assert SHORT.number in reached
    assert FOREIGN.number not in reached
    everywhere = judge("STOP", granted, policy=Policy(revocation_reach=RevocationReach.ALL))
    assert FOREIGN.number in {place.scope for place in everywhere.places}
    alone = judge("STOP", granted, policy=Policy(revocation_reach=RevocationReach.SENDER))
    assert alone.places == ()


def test_what_takes_no_consent_reaches_no_other_sender() -> None:
    """A consent that had run out, or is of another brand, is nothing to hold others back for."""
    gone = consent(NEWS.id, ConsentState.EXPIRED)
    theirs = consent("foreign-promo", level=ConsentLevel.EXPRESS_WRITTEN)
    standing = apply_pieces(after("Hello"), (gone, theirs))
    assert judge("STOP", standing).places == (Place(LONG.number, PROVIDER),)


def test_other_missed_texts_hold_nothing_back() -> None:
    """An opt-in, a question for help and a plain text forbid nothing; somebody should look."""
    out = after("Hello", "STOP")
    assert judge("START", out) == Judged(DriftKind.MISSED_OPT_IN, Severity.WARNING)
    assert judge("HELP", out) == Judged(DriftKind.MISSED_TEXT, Severity.WARNING)
    assert judge("Hello?", out) == Judged(DriftKind.MISSED_TEXT, Severity.WARNING)


def test_a_missed_unclear_text_holds_back_until_it_is_received() -> None:
    """Over its sender; where news or offers could go over others of the brand, over those too."""
    hello = after("Hello")
    judged = judge("not interested", hello)
    assert (judged.kind, judged.severity) == (DriftKind.MISSED_TEXT, Severity.WARNING)
    assert judged.places == (Place(LONG.number, OURS),)
    agreed = apply_pieces(hello, (consent(NEWS.id, level=ConsentLevel.EXPRESS),))
    of_brand = {s.number for s in DIRECTORY.senders.values() if s.brand == LONG.brand}
    assert {place.scope for place in judge("not interested", agreed).places} == of_brand


# --- The carrier's order ------------------------------------------------------------------------


def words(*said: tuple[str, float], sender: Sender = LONG) -> tuple[Heard, ...]:
    """List what texts of the carrier's history say, joined by place."""
    known: dict[Place, Heard] = {}
    for body, at in said:
        for heard in list_words(text(body, sender, sent_at=minute(at)), sender):
            before = known.get(heard.place)
            known[heard.place] = heard if before is None else before.join(heard)
    return tuple(known.values())


def test_the_words_of_the_history_are_known_by_place() -> None:
    """The carrier's keyword by its layers, a phrase by ours; an opt-in opens ours as well."""
    assert words(("STOP", 1)) == (Heard(Place(LONG.number, PROVIDER), None, minute(1)),)
    assert words(("please stop texting me", 1)) == (
        Heard(Place(LONG.number, OURS), None, minute(1)),
    )
    assert words(("START", 1)) == (
        Heard(Place(LONG.number, PROVIDER), minute(1)),
        Heard(Place(LONG.number, OURS), minute(1)),
    )
    assert words(("Hello", 1), ("HELP", 2)) == ()
    assert words(("STOP", 1), sender=SHORT) == (Heard(Place("55555", OURS), None, minute(1)),)


def test_words_in_any_order_tell_the_same() -> None:
    """Whatever order the carrier lists texts in, the newest word of each kind is what counts."""
    said = (("STOP", 1), ("START", 2), ("STOP", 3), ("START", 4), ("Hello", 5))
    told = {frozenset(words(*order)) for order in itertools.permutations(said)}
    assert len(told) == 1


def test_a_stop_older_than_a_start_of_the_history_does_not_undo_it() -> None:
    """The START came by a webhook without a time: only the history tells that it is the newer."""
    standing = after("Hello", "STOP", "START")
    unordered = judge("STOP", standing)
    assert unordered.severity is Severity.CRITICAL
    ordered = order_by_carrier(standing, words(("STOP", 10), ("START", 11)))
    assert judge("STOP", ordered) == Judged(DriftKind.MISSED_OPT_OUT, Severity.NOTICE, ())
    later, moved = hear(ordered, text("STOP", at=minute(600), sent_at=minute(10)))
    assert moved.superseded
    assert pair_state(later, LONG) is PairState.OPTED_IN


def test_a_start_older_than_a_stop_of_the_history_lifts_nothing() -> None:
    """Our clock was slow when the STOP came, so by our own order the START would be newer."""
    standing = after("Hello", "STOP")
    lifted, _ = hear(standing, text("START", at=minute(600), sent_at=minute(10)))
    assert pair_state(lifted, LONG) is PairState.OPTED_IN
    ordered = order_by_carrier(standing, words(("START", 10), ("STOP", 11)))
    kept, moved = hear(ordered, text("START", at=minute(600), sent_at=minute(10)))
    assert moved.superseded
    assert pair_state(kept, LONG) is PairState.OPTED_OUT


def test_words_about_places_without_a_block_change_nothing() -> None:
    """Only a block that is there has an order; one kind of word says nothing of the other."""
    assert order_by_carrier(after("Hello"), words(("STOP", 1))) == after("Hello")
    out = after("Hello", "STOP")
    assert order_by_carrier(out, words(("START", 9))).blocks == out.blocks


# --- Lines of a list ----------------------------------------------------------------------------


def line(standing: Standing, *senders: Sender, at: datetime | None = None) -> Judged | None:
    """Judge a line of the list; what is newer than an hour after the start counts later."""
    return judge_line(standing, senders or (LONG,), blocked_at=at, settled_by=minute(60))


def test_a_block_that_only_the_carrier_has_is_held_back() -> None:
    """At the provider's layer, for each scope that the line holds for, once."""
    judged = line(after("Hello"), SERVICE_A, SERVICE_B, LONG)
    assert judged == Judged(
        DriftKind.BLOCK_AT_CARRIER,
        Severity.WARNING,
        (Place("MG1", PROVIDER), Place(LONG.number, PROVIDER)),
    )


def test_where_we_refuse_already_we_agree() -> None:
    """By the person's word, by the do-not-text list, or by what the carrier said before."""
    listed = Suppression("acme", Cause.AGENT, START, "ent")
    for standing in (
        after("Hello", "STOP"),
        after("please stop texting me"),
        refused_by_carrier(),
        apply_pieces(Standing(), (listed,)),
    ):
        assert line(standing, LONG) is None
        assert line(standing, SECOND, LONG) is None


def test_what_is_under_way_counts_later() -> None:
    """A line that is new, and a START that just came: the other side may not know it yet."""
    assert line(after("Hello"), at=minute(61)) is None
    assert line(after("Hello"), at=minute(60)) is not None
    back, _ = hear(after("Hello", "STOP"), text("START", at=minute(61)))
    assert line(back) is None
    long_ago, _ = hear(after("Hello", "STOP"), text("START", at=minute(59)))
    assert line(long_ago) is not None
    assert settled_before(minute(60), 900) == minute(45)


def test_our_blocks_that_the_carrier_lacks_are_listed() -> None:
    """Of the scopes asked for, at the provider's layer, that are not new and not open."""
    blocks = (block(), block(SECOND), block(TOLL_FREE, NETWORK))
    standing = apply_pieces(Standing(), blocks)
    scopes = (LONG.number, TOLL_FREE.number, "MG1")
    assert list_unlisted(standing, scopes, settled_by=START) == (blocks[0],)
    assert list_unlisted(standing, scopes, settled_by=START - timedelta(seconds=1)) == ()
    opened = apply_pieces(Standing(), (block(state=BlockState.OPEN),))
    assert list_unlisted(opened, scopes, settled_by=START) == ()


# --- Holding back -------------------------------------------------------------------------------

HERE = (Place(LONG.number, PROVIDER),)


def hold(standing: Standing, places: tuple[Place, ...] = HERE, *, at: float = 10) -> Standing:
    """Hold places back."""
    held = pause(standing, places, at=minute(at), since=minute(600), entry="found")
    return apply_pieces(standing, held)


def test_what_is_held_back_is_refused_until_it_is_let_go() -> None:
    """It is no opt-out: the tag stays, and the consent is as it was when it goes on."""
    standing = hold(after("Hello"))
    assert pair_state(standing, LONG) is PairState.PAUSED
    assert ask(REPLY, *standing.blocks, *standing.consents).reason is Reason.PAUSED_FOR_REVIEW
    assert standing.sms_tag
    settled = drift(places=HERE)
    opened = resume(standing, settled, (), at=minute(700), entry="settled")
    after_all = apply_pieces(standing, opened)
    assert pair_state(after_all, LONG) is PairState.OPTED_IN
    assert (opened[0].entry, opened[0].since) == ("settled", minute(700))


def test_a_block_that_stands_is_not_touched() -> None:
    """What refuses already needs not be held back, and stays what it is."""
    assert pause(after("Hello", "STOP"), HERE, at=START, since=START, entry="x") == ()


def test_a_second_drift_holds_on() -> None:
    """The newer word orders the place, its first time stays; it goes when both are settled."""
    standing = hold(hold(after("Hello"), at=10), at=20)
    held = standing.block(LONG.number, PROVIDER)
    assert held is not None
    assert (held.changed_at, held.since) == (minute(20), minute(600))
    first, second = drift(places=HERE), drift(id="drf_2", places=HERE)
    assert resume(standing, first, (second,), at=START, entry="x") == ()
    applied = msgspec.structs.replace(second, state=DriftState.APPLIED)
    assert len(resume(standing, first, (applied,), at=START, entry="x")) == 1


def test_what_a_persons_word_settled_is_not_let_go_again() -> None:
    """A STOP that came meanwhile stands; a START has opened the place already."""
    standing = hold(after("Hello", "STOP", "START"))
    opted = standing.block(LONG.number, PROVIDER)
    assert opted is not None
    assert opted.state is BlockState.UNKNOWN
    stopped, _ = hear(standing, text("STOP", at=minute(700)))
    started, _ = hear(standing, text("START", at=minute(700)))
    for standing_now in (stopped, started):
        assert resume(standing_now, drift(places=HERE), (), at=START, entry="x") == ()
    assert pair_state(started, LONG) is PairState.OPTED_IN
    assert resume(Standing(), drift(places=HERE), (), at=START, entry="x") == ()


def test_a_start_before_the_missed_stop_does_not_let_go() -> None:
    """By the carrier's own time it is the older word."""
    standing = hold(after("Hello"), at=10)
    older, _ = hear(standing, text("START", at=minute(700), sent_at=minute(9)))
    assert pair_state(older, LONG) is PairState.PAUSED
    newer, _ = hear(standing, text("START", at=minute(700), sent_at=minute(11)))
    assert pair_state(newer, LONG) is PairState.OPTED_IN


# --- Settling blocks ------------------------------------------------------------------------------


def test_a_carriers_block_becomes_ours_with_its_own_cause() -> None:
    """Since when the carrier says, as no word of the person; their START opens it."""
    standing = after("Hello", "STOP", "START")
    closed = close_listed(standing, drift(since=minute(5)), entry="applied")
    stands = apply_pieces(standing, closed)
    assert [(b.cause, b.since, b.changed_at, b.by_person) for b in closed] == [
        (Cause.CARRIER_LIST, minute(5), minute(60), False)
    ]
    assert pair_state(stands, LONG) is PairState.CARRIER_BLOCKED
    back, _ = hear(stands, text("START", at=minute(90)))
    assert pair_state(back, LONG) is PairState.OPTED_IN
    assert close_listed(Standing(), drift(), entry="x")[0].since == minute(60)


def test_who_came_back_after_the_list_was_read_is_left_alone() -> None:
    """And a block that stands already keeps its cause."""
    back, _ = hear(after("Hello", "STOP"), text("START", at=minute(61)))
    assert close_listed(back, drift(), entry="x") == ()
    assert close_listed(after("STOP"), drift(), entry="x") == ()


def test_only_what_the_carrier_had_set_is_opened_when_it_lists_it_no_more() -> None:
    """A refusal and a line of its list are; a keyword, and what came later, are not."""
    unlisted = drift(DriftKind.BLOCK_NOT_AT_CARRIER)
    for cause in (Cause.CARRIER_REFUSAL, Cause.CARRIER_LIST):
        carriers = msgspec.structs.replace(block(cause=cause), by_person=False)
        opened = open_unlisted(apply_pieces(Standing(), (carriers,)), unlisted, entry="x")
        assert opened is not None
        assert [(b.state, b.changed_at) for b in opened] == [(BlockState.OPEN, minute(60))]
        newer = msgspec.structs.replace(carriers, changed_at=minute(61))
        assert open_unlisted(apply_pieces(Standing(), (newer,)), unlisted, entry="x") == ()
    assert open_unlisted(after("STOP"), unlisted, entry="x") is None
    theirs = msgspec.structs.replace(block(cause=Cause.AGENT), by_person=False)
    assert open_unlisted(apply_pieces(Standing(), (theirs,)), unlisted, entry="x") is None
    assert open_unlisted(after("Hello"), unlisted, entry="x") == ()


def test_a_report_counts_its_drifts() -> None:
    """All kinds together."""
    system = Actor(ActorKind.SYSTEM)
    report = Reconciliation("rec_1", "twilio-1", START, START, START, system)
    assert report.drifts == 0
    found = {DriftKind.MISSED_TEXT: 2, DriftKind.MISSED_OPT_OUT: 1}
    assert msgspec.structs.replace(report, found=found).drifts == 3


def test_a_held_pair_is_not_asked_for_a_purpose() -> None:
    """Whatever it is for: nothing goes."""
    standing = held_back()
    marketing = Request(PERSON, LONG.number, Purpose.MARKETING, PROMO.id)
    assert ask(marketing, *standing.blocks).reason is Reason.PAUSED_FOR_REVIEW
    assert isinstance(standing.blocks[0], Block)
