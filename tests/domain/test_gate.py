"""The gate: each reason, the order among them, what each purpose needs, what a door may assume."""

from collections.abc import Callable
from datetime import timedelta
from itertools import combinations, product

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
    TOLL_FREE,
    ask,
    block,
    consent,
    minute,
)
from consentry.domain.directory import Directory, Program, Purpose
from consentry.domain.gate import (
    NEEDED_LEVEL,
    STRENGTH,
    Decision,
    Door,
    Request,
    Verdict,
    refuse_unavailable,
)
from consentry.domain.obstacles import standing_blocks, standing_suppression
from consentry.domain.policy import Policy
from consentry.domain.reading import BlockLayer
from consentry.domain.reasons import OPTED_OUT_SENTENCE, REASONS, Reason
from consentry.domain.standing import (
    BlockState,
    Cause,
    ConsentLevel,
    ConsentState,
    Piece,
    Standing,
    Suppression,
    Thread,
    apply_pieces,
)
from memory_store import START

pytestmark = pytest.mark.unit


REPLY = Request(PERSON, LONG.number, door=Door.CONSOLE, body="Hello", segments=1)


def test_an_open_conversation_may_be_answered() -> None:
    """An agent may text a person who texted this sender; the decision names what it rests on."""
    given = consent()
    decision = ask(REPLY, given)
    assert (decision.decision, decision.reason) == (Verdict.ALLOW, None)
    assert decision.consent == given
    assert decision.program == LONG.conversation
    assert decision.purpose is Purpose.CONVERSATIONAL
    assert decision.rules == (f"consent/{LONG.conversation}",)
    assert (decision.policy_version, decision.as_of) == (POLICY.version, START)
    assert "implied" in decision.detail


# --- Precedence: every set of reasons that can hold at once -----------------------------------

PROGRAMS = {
    Reason.NO_CONSENT: Program("p1", "acme", Purpose.MARKETING, "One"),
    Reason.CONSENT_PENDING: Program("p2", "acme", Purpose.MARKETING, "Two"),
    Reason.CONSENT_EXPIRED: Program("p3", "acme", Purpose.MARKETING, "Three"),
    Reason.CONSENT_LEVEL: Program("p4", "acme", Purpose.MARKETING, "Four"),
}
WRITTEN = ConsentLevel.EXPRESS_WRITTEN
PIECES: dict[Reason, Piece] = {
    Reason.CARRIER_BLOCKED: block(cause=Cause.CARRIER_REFUSAL),
    Reason.OPTED_OUT: block(layer=BlockLayer.OURS),
    Reason.SUPPRESSED: Suppression("acme", Cause.AGENT, START, "ent"),
    Reason.NUMBER_REASSIGNED: Suppression("*", Cause.REASSIGNED, START, "ent"),
    Reason.PAUSED_FOR_REVIEW: block(
        layer=BlockLayer.NETWORK, cause=Cause.DRIFT, state=BlockState.UNKNOWN
    ),
    Reason.NO_CONSENT: consent("p1", ConsentState.REVOKED, WRITTEN),
    Reason.CONSENT_PENDING: consent("p2", ConsentState.PENDING, WRITTEN),
    Reason.CONSENT_EXPIRED: consent("p3", level=WRITTEN, expires_at=START),
    Reason.CONSENT_LEVEL: consent("p4", level=ConsentLevel.EXPRESS),
}
CONDITIONS = (
    Reason.INVALID_NUMBER,
    Reason.UNKNOWN_SENDER,
    Reason.SENDER_DISABLED,
    *PIECES,
    Reason.BODY_INVALID,
)


def decide_with(conditions: tuple[Reason, ...]) -> Decision:
    """Ask about a marketing text while some conditions hold, and consent to it otherwise."""
    programs = {program.id: program for program in PROGRAMS.values()}
    off = msgspec.structs.replace(LONG, enabled=Reason.SENDER_DISABLED not in conditions)
    directory = Directory(DIRECTORY.brands, {LONG.number: off}, programs)
    request = Request(
        recipient=None if Reason.INVALID_NUMBER in conditions else PERSON,
        sender="+19995550100" if Reason.UNKNOWN_SENDER in conditions else LONG.number,
        purpose=Purpose.MARKETING,
        body="" if Reason.BODY_INVALID in conditions else "Sale!",
    )
    pieces = [PIECES[reason] for reason in conditions if reason in PIECES]
    if not set(PROGRAMS) & set(conditions):
        pieces.append(consent("p4", level=WRITTEN))
    return ask(request, *pieces, directory=directory)


def test_the_first_reason_that_holds_is_given() -> None:
    """For all 8,191 sets of reasons that can hold at once, the one first in order is given."""
    sets = [s for size in range(1, len(CONDITIONS) + 1) for s in combinations(CONDITIONS, size)]
    order = list(Reason)
    wrong = [
        (s, decide_with(s).reason)
        for s in sets
        if decide_with(s).reason is not min(s, key=order.index)
    ]
    assert wrong == []
    assert len(sets) == 8191


@pytest.mark.parametrize("reason", CONDITIONS)
def test_each_reason_alone_is_given_with_its_rule(reason: Reason) -> None:
    """One reason that holds is the one given, with its sentence and the rule that found it."""
    decision = decide_with((reason,))
    assert (decision.decision, decision.reason) == (Verdict.DENY, reason)
    assert decision.detail == REASONS[reason].detail
    assert decision.purpose is Purpose.MARKETING
    assert len(decision.rules) == 1
    facts = (decision.block, decision.consent, decision.suppression)
    assert [fact for fact in facts if fact is not None] == (
        [PIECES[reason]] if reason in PIECES else []
    )


def test_with_nothing_against_it_the_marketing_text_may_go() -> None:
    """The world of the precedence test lets the text pass when no condition holds."""
    assert decide_with(()).decision is Verdict.ALLOW


# --- Purpose by consent state by level --------------------------------------------------------

EXPECTED_STATES = {
    ConsentState.NONE: Reason.NO_CONSENT,
    ConsentState.PENDING: Reason.CONSENT_PENDING,
    ConsentState.PENDING_CARRIER: Reason.CONSENT_PENDING,
    ConsentState.REVOKED: Reason.NO_CONSENT,
    ConsentState.EXPIRED: Reason.CONSENT_EXPIRED,
}
PURPOSE_PROGRAMS = {
    Purpose.CONVERSATIONAL: LONG.conversation,
    Purpose.INFORMATIONAL: NEWS.id,
    Purpose.MARKETING: PROMO.id,
}


@pytest.mark.parametrize(
    ("purpose", "state", "level"), list(product(Purpose, ConsentState, ConsentLevel))
)
def test_each_purpose_needs_its_level_of_an_active_consent(
    purpose: Purpose, state: ConsentState, level: ConsentLevel
) -> None:
    """Conversational asks for implied, informational for express, marketing for express written."""
    program = PURPOSE_PROGRAMS[purpose]
    request = Request(PERSON, LONG.number, purpose=purpose)
    decision = ask(request, consent(program, state, level))
    needed = {"conversational": 0, "informational": 1, "marketing": 2}[purpose]
    given = {"implied": 0, "express": 1, "express_written": 2}[level]
    expected = EXPECTED_STATES.get(state)
    if purpose is Purpose.CONVERSATIONAL and state in (
        ConsentState.REVOKED,
        ConsentState.PENDING_CARRIER,
    ):
        expected = Reason.OPTED_OUT
    if state is ConsentState.ACTIVE and given < needed:
        expected = Reason.CONSENT_LEVEL
    assert decision.reason is expected
    assert (decision.decision is Verdict.ALLOW) == (expected is None)


def test_levels_are_ordered() -> None:
    """Implied < express < express_written, and each purpose needs one more."""
    assert sorted(STRENGTH, key=lambda level: STRENGTH[level]) == list(ConsentLevel)
    assert [NEEDED_LEVEL[purpose] for purpose in Purpose] == list(ConsentLevel)


def test_consent_ends_at_its_end() -> None:
    """At `expires_at` a consent no longer carries a text; just before it does."""
    ending = consent(expires_at=minute(5))
    assert ask(REPLY, ending, now=minute(4.9)).decision is Verdict.ALLOW
    assert ask(REPLY, ending, now=minute(5)).reason is Reason.CONSENT_EXPIRED


def test_one_program_that_carries_the_text_is_enough() -> None:
    """Of several programs of a purpose, any with consent carries the text."""
    second = Program("promo2", "acme", Purpose.MARKETING, "More")
    directory = msgspec.structs.replace(
        DIRECTORY, programs={**DIRECTORY.programs, second.id: second}
    )
    request = Request(PERSON, LONG.number, purpose=Purpose.MARKETING)
    weak = consent(PROMO.id, level=ConsentLevel.EXPRESS)
    strong = consent(second.id, level=WRITTEN)
    decision = ask(request, weak, strong, directory=directory)
    assert (decision.decision, decision.program) == (Verdict.ALLOW, second.id)


def switched_off(*programs: Program) -> Directory:
    """Give the directory with some programs switched off."""
    off = {p.id: msgspec.structs.replace(p, enabled=False) for p in programs}
    return msgspec.structs.replace(DIRECTORY, programs={**DIRECTORY.programs, **off})


def test_a_program_that_is_switched_off_texts_nobody() -> None:
    """Named, it is refused before the person is looked at; by its purpose, its consent is named."""
    given = consent(PROMO.id, level=WRITTEN)
    directory = switched_off(PROMO)
    by_purpose = Request(PERSON, LONG.number, purpose=Purpose.MARKETING)
    named = msgspec.structs.replace(by_purpose, program=PROMO.id)
    refused = ask(named, given, directory=directory)
    assert (refused.reason, refused.rules) == (Reason.SENDER_DISABLED, ("program/enabled",))
    assert "program" in refused.detail
    found = ask(by_purpose, given, directory=directory)
    assert (found.reason, found.consent) == (Reason.SENDER_DISABLED, given)
    withdrawn = consent(PROMO.id, ConsentState.REVOKED, WRITTEN)
    assert ask(by_purpose, withdrawn, directory=directory).reason is Reason.NO_CONSENT


def test_another_program_goes_on_where_one_is_switched_off() -> None:
    """Its consent carries the text, and one that is switched off carries none."""
    second = Program("promo2", "acme", Purpose.MARKETING, "More")
    directory = switched_off(PROMO)
    directory.programs[second.id] = second
    request = Request(PERSON, LONG.number, purpose=Purpose.MARKETING)
    both = consent(PROMO.id, level=WRITTEN), consent(second.id, level=WRITTEN)
    assert ask(request, *both, directory=directory).program == second.id


def test_a_program_of_one_sender_carries_nothing_over_another() -> None:
    """People consented to that number: neither by name nor by purpose does another text for it."""
    bound = msgspec.structs.replace(PROMO, sender=LONG.number)
    directory = msgspec.structs.replace(DIRECTORY, programs={bound.id: bound})
    given = consent(bound.id, level=WRITTEN)
    for program in (None, bound.id):
        request = Request(PERSON, SECOND.number, purpose=Purpose.MARKETING, program=program)
        assert ask(request, given, directory=directory).reason is Reason.NO_CONSENT
        own = msgspec.structs.replace(request, sender=LONG.number)
        assert ask(own, given, directory=directory).decision is Verdict.ALLOW


def test_consent_to_another_brand_carries_nothing() -> None:
    """Consent to one seller is none to another, named or not."""
    given = consent(PROMO.id, level=WRITTEN)
    request = Request(PERSON, FOREIGN.number, purpose=Purpose.MARKETING)
    assert ask(request, given).reason is Reason.NO_CONSENT
    named = msgspec.structs.replace(request, program=PROMO.id)
    assert ask(named, given).reason is Reason.NO_CONSENT


def test_consent_to_one_sender_carries_no_conversation_with_another() -> None:
    """A conversation is with one sender; naming the other's conversation does not help."""
    request = Request(PERSON, SECOND.number, door=Door.CONSOLE)
    assert ask(request, consent()).reason is Reason.NO_CONSENT
    named = Request(PERSON, SECOND.number, program=LONG.conversation)
    assert ask(named, consent()).reason is Reason.NO_CONSENT


def test_a_named_program_must_be_for_the_purpose() -> None:
    """A marketing program does not carry a text that is called conversational."""
    given = consent(PROMO.id, level=WRITTEN)
    named = Request(PERSON, LONG.number, purpose=Purpose.CONVERSATIONAL, program=PROMO.id)
    assert ask(named, given).reason is Reason.NO_CONSENT
    unknown = Request(PERSON, LONG.number, purpose=Purpose.MARKETING, program="nothing")
    assert ask(unknown, given).reason is Reason.NO_CONSENT


# --- What a door may assume -------------------------------------------------------------------


@pytest.mark.parametrize("door", [Door.CONSOLE, Door.REPLY])
def test_agents_and_our_answers_are_conversational_without_a_window(door: Door) -> None:
    """Who answers a person needs no purpose, however long ago the person wrote."""
    request = Request(PERSON, LONG.number, door=door)
    assert ask(request, consent(), now=minute(10**6)).decision is Verdict.ALLOW


@pytest.mark.parametrize(
    ("hours", "allowed"), [(-0.01, False), (0, True), (24, True), (24.01, False)]
)
def test_a_program_may_answer_within_the_window(hours: float, *, allowed: bool) -> None:
    """Without a purpose the API is conversational for 24 h after the person wrote, then denied.

    A clock that was turned back past the person's text is an outage: the answer is no (I7).
    """
    thread = Thread(LONG.number, last_inbound_at=START)
    now = START + timedelta(hours=hours)
    decision = ask(Request(PERSON, LONG.number), consent(), thread, now=now)
    assert (decision.decision is Verdict.ALLOW) is allowed
    if not allowed:
        assert (decision.reason, decision.rules) == (Reason.NO_CONSENT, ("purpose/not_named",))


def test_the_window_is_a_setting_and_belongs_to_the_sender() -> None:
    """The window's length is the policy's; a text to another sender opens none."""
    thread = Thread(LONG.number, last_inbound_at=START)
    request = Request(PERSON, LONG.number)
    short = Policy(conversation_window_hours=1)
    assert ask(request, consent(), thread, policy=short, now=minute(61)).reason is Reason.NO_CONSENT
    elsewhere = Thread(SECOND.number, last_inbound_at=START)
    assert ask(request, consent(), elsewhere).reason is Reason.NO_CONSENT


def test_a_named_program_names_the_purpose() -> None:
    """A program says what a text is for; an unknown one says nothing."""
    given = consent(PROMO.id, level=WRITTEN)
    decision = ask(Request(PERSON, LONG.number, program=PROMO.id), given)
    assert (decision.decision, decision.purpose) == (Verdict.ALLOW, Purpose.MARKETING)
    unknown = ask(Request(PERSON, LONG.number, program="nothing"), given)
    assert (unknown.reason, unknown.rules) == (Reason.NO_CONSENT, ("purpose/not_named",))


# --- Blocks and suppressions ------------------------------------------------------------------


@pytest.mark.parametrize("layer", BlockLayer)
def test_a_block_in_any_layer_closes_the_gate(layer: BlockLayer) -> None:
    """Ours, the provider's, the network's: each alone refuses, with the exact sentence."""
    decision = ask(REPLY, consent(), block(layer=layer))
    assert (decision.reason, decision.rules) == (Reason.OPTED_OUT, (f"block/{layer}",))
    assert decision.detail == OPTED_OUT_SENTENCE
    assert ask(REPLY, consent(), block(layer=layer, state=BlockState.OPEN)).reason is None
    unknown = block(layer=layer, state=BlockState.UNKNOWN)
    assert ask(REPLY, consent(), unknown).reason is Reason.OPTED_OUT


def test_the_carriers_refusal_is_named_before_the_persons_word() -> None:
    """Where both stand, `carrier_blocked` comes first, and the refusal is the fact shown."""
    refusal = block(cause=Cause.CARRIER_REFUSAL)
    decision = ask(REPLY, block(TOLL_FREE), block(layer=BlockLayer.NETWORK), refusal)
    assert (decision.reason, decision.block) == (Reason.CARRIER_BLOCKED, refusal)


def test_what_may_be_forbidden_is_held_back() -> None:
    """A drift that nobody has settled refuses, and says where it is settled; not another sender."""
    paused = block(cause=Cause.DRIFT, state=BlockState.UNKNOWN)
    decision = ask(REPLY, consent(), paused)
    assert (decision.reason, decision.rules) == (Reason.PAUSED_FOR_REVIEW, ("paused/provider",))
    assert decision.block == paused
    assert "carrier drift" in decision.detail
    other = block(TOLL_FREE, cause=Cause.DRIFT, state=BlockState.UNKNOWN)
    assert ask(REPLY, consent(), other).reason is None


def test_the_carriers_list_is_named_as_its_refusal_is() -> None:
    """What is known from the carrier's own list of opt-outs is `carrier_blocked` too."""
    assert ask(REPLY, block(cause=Cause.CARRIER_LIST)).reason is Reason.CARRIER_BLOCKED


def test_a_block_is_for_one_sender() -> None:
    """A block of one sender says nothing of another."""
    assert ask(REPLY, consent(), block(SECOND)).decision is Verdict.ALLOW


def test_a_providers_block_covers_the_whole_service() -> None:
    """The provider blocks a messaging service, so both its numbers are closed; ours is for one."""
    given = consent(SERVICE_B.conversation)
    request = Request(PERSON, SERVICE_B.number, door=Door.CONSOLE)
    assert ask(request, given, block(SERVICE_A)).reason is Reason.OPTED_OUT
    ours = block(SERVICE_A, BlockLayer.OURS)
    assert ask(request, given, ours).decision is Verdict.ALLOW


def test_a_withdrawn_conversation_closes_the_sender_for_every_purpose() -> None:
    """Nothing reaches them from that sender, whatever else they consented to."""
    gone = consent(state=ConsentState.REVOKED)
    marketing = consent(PROMO.id, level=WRITTEN)
    request = Request(PERSON, LONG.number, purpose=Purpose.MARKETING)
    decision = ask(request, gone, marketing)
    assert (decision.reason, decision.consent) == (Reason.OPTED_OUT, gone)
    elsewhere = msgspec.structs.replace(request, sender=SECOND.number)
    assert ask(elsewhere, gone, marketing).decision is Verdict.ALLOW


@pytest.mark.parametrize(
    ("suppression", "reason"),
    [
        (Suppression("acme", Cause.AGENT, START, "ent"), Reason.SUPPRESSED),
        (Suppression("*", Cause.LEGAL, START, "ent"), Reason.SUPPRESSED),
        (Suppression("*", Cause.REASSIGNED, START, "ent"), Reason.NUMBER_REASSIGNED),
        (Suppression("other", Cause.AGENT, START, "ent"), None),
        (Suppression("*", Cause.AGENT, START, "ent", active=False), None),
        (Suppression("*", Cause.AGENT, START, "ent", lifted_for=(LONG.number,)), None),
        (
            Suppression("*", Cause.AGENT, START, "ent", lifted_for=(SECOND.number,)),
            Reason.SUPPRESSED,
        ),
    ],
)
def test_a_suppression_covers_its_scope(suppression: Suppression, reason: Reason | None) -> None:
    """A brand's covers the brand, `*` everything, none a sender it was lifted for."""
    decision = ask(REPLY, consent(), suppression)
    assert decision.reason is reason
    assert decision.suppression == (suppression if reason else None)


def test_a_new_owner_is_named_last_of_several_suppressions() -> None:
    """The order of suppressions in the standing does not decide which one is named."""
    reassigned = Suppression("*", Cause.REASSIGNED, START, "ent")
    listed = Suppression("acme", Cause.AGENT, START, "ent")
    for pieces in ((reassigned, listed), (listed, reassigned)):
        standing = apply_pieces(Standing(), pieces)
        assert standing_suppression(standing, LONG) == listed
    assert standing_suppression(apply_pieces(Standing(), (reassigned,)), LONG) == reassigned


def test_standing_blocks_lists_what_is_not_open() -> None:
    """Network first, then the provider, then ours; open blocks are not listed."""
    pieces = [block(layer=layer) for layer in BlockLayer]
    found = standing_blocks(apply_pieces(Standing(), tuple(pieces)), LONG)
    assert [b.layer for b in found] == [
        BlockLayer.NETWORK,
        BlockLayer.PROVIDER,
        BlockLayer.OURS,
    ]
    assert standing_blocks(Standing(), LONG) == ()


# --- Bodies -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "media", "allowed"),
    [
        ("x" * 1600, 0, True),
        ("x" * 1601, 0, False),
        ("", 0, False),
        (" \n\t", 0, False),
        ("", 1, True),
        (None, 0, True),
    ],
)
def test_a_body_is_neither_empty_nor_too_long(
    body: str | None, media: int, *, allowed: bool
) -> None:
    """At most 1,600 characters; empty only with media; no body where only consent is asked."""
    request = msgspec.structs.replace(REPLY, body=body, media=media)
    decision = ask(request, consent())
    assert decision.reason is (None if allowed else Reason.BODY_INVALID)


def test_a_store_that_cannot_answer_is_a_no() -> None:
    """An outage of the store denies, whatever was asked (I7)."""
    decision = refuse_unavailable(POLICY, START)
    assert (decision.decision, decision.reason) == (Verdict.DENY, Reason.STORE_UNAVAILABLE)
    assert decision.rules == ("store/answers",)


DECIDERS: tuple[Callable[[], Decision], ...] = (
    lambda: ask(REPLY, consent()),
    lambda: ask(REPLY, block(layer=BlockLayer.OURS)),
    lambda: ask(Request(None, "x")),
)


@pytest.mark.parametrize("decider", DECIDERS)
def test_a_decision_survives_json(decider: Callable[[], Decision]) -> None:
    """Decisions are kept in the ledger as JSON and read back as the same value."""
    decision = decider()
    assert msgspec.json.decode(msgspec.json.encode(decision), type=Decision) == decision
    assert decision == decider()
