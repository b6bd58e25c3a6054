"""Consent that is told: who may give, take and lift what, and what a grant must show."""

from datetime import datetime

import msgspec
import pytest

from consent_world import (
    DIRECTORY,
    LONG,
    PROMO,
    SECOND,
    SERVICE_A,
    SERVICE_B,
    SHORT,
    TOLL_FREE,
    after,
    hear,
    minute,
    text,
)
from consentry.domain.consent import PairState, pair_state
from consentry.domain.directory import Program, Sender
from consentry.domain.entries import Medium
from consentry.domain.intake import (
    Granted,
    Told,
    decide_grant,
    decide_lift,
    decide_revocation,
    decide_suppression,
    way_back,
)
from consentry.domain.policy import RevocationReach
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    EVERYTHING,
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

pytestmark = pytest.mark.unit

WRITTEN, EXPRESS, IMPLIED = (
    ConsentLevel.EXPRESS_WRITTEN,
    ConsentLevel.EXPRESS,
    ConsentLevel.IMPLIED,
)
BRAND = DIRECTORY.brands["acme"]
CALL_TO_ACTION = "Get Deals from Acme by text from (415) 555-0100. Reply STOP to end."


def conversation(sender: Sender = LONG) -> Program:
    """The conversation with a sender."""
    program = DIRECTORY.program(sender.conversation)
    assert program is not None
    return program


def told(minutes: float = 60, *, by_person: bool = True, cause: Cause = Cause.AGENT) -> Told:
    """What somebody told at a minute."""
    return Told(minute(minutes), f"told{minutes}", cause=cause, by_person=by_person)


def grant(
    standing: Standing,
    program: Program = PROMO,
    *,
    minutes: float = 60,
    medium: Medium = Medium.TEXT,
    level: ConsentLevel = WRITTEN,
    expires_at: datetime | None = None,
    cause: Cause = Cause.AGENT,
    reach: RevocationReach = RevocationReach.BRAND,
) -> tuple[Standing, Granted]:
    """Tell a grant and apply it."""
    granted = decide_grant(
        standing,
        program,
        DIRECTORY,
        level=level,
        medium=medium,
        told=told(minutes, cause=cause),
        expires_at=expires_at,
        reach=reach,
    )
    return apply_pieces(standing, granted.pieces), granted


def revoke(
    standing: Standing,
    program: Program,
    *,
    minutes: float = 60,
    by_person: bool = True,
    reach: RevocationReach = RevocationReach.BRAND,
) -> Standing:
    """Tell a withdrawal and apply it."""
    pieces = decide_revocation(
        standing, program, DIRECTORY, told=told(minutes, by_person=by_person), reach=reach
    )
    return apply_pieces(standing, pieces)


def suppress(
    standing: Standing, scope: str = EVERYTHING, *, minutes: float = 60, by_person: bool = True
) -> Standing:
    """Put on the do-not-text list and apply it."""
    pieces = decide_suppression(
        standing, DIRECTORY, scope=scope, told=told(minutes, by_person=by_person)
    )
    return apply_pieces(standing, pieces)


# --- Grants -----------------------------------------------------------------------------------


@pytest.mark.parametrize("medium", Medium)
def test_only_the_handsets_own_word_is_active_at_once(medium: Medium) -> None:
    """A number that was typed in is pending until the handset answers."""
    standing, granted = grant(Standing(), medium=medium, expires_at=minute(99))
    expected = ConsentState.ACTIVE if medium is Medium.TEXT else ConsentState.PENDING
    assert granted.state is expected
    assert (granted.note is None) is (medium is Medium.TEXT)
    assert standing.consent(PROMO.id) == Consent(
        PROMO.id, expected, WRITTEN, minute(60), minute(60), "told60", expires_at=minute(99)
    )


def test_an_older_grant_never_beats_a_newer_revocation() -> None:
    """A grant from before the opt-out, heard of only now, changes nothing; a newer one counts."""
    gone = revoke(grant(Standing(), minutes=1)[0], PROMO, minutes=5)
    for minutes in (4, 5):
        standing, granted = grant(gone, minutes=minutes)
        assert (standing, granted.superseded, granted.state) == (gone, True, ConsentState.REVOKED)
    standing, granted = grant(gone, minutes=6)
    assert (granted.state, granted.superseded) == (ConsentState.ACTIVE, False)


@pytest.mark.parametrize(
    ("reach", "superseded"),
    [
        (RevocationReach.BRAND, True),
        (RevocationReach.ALL, True),
        (RevocationReach.SENDER, False),
    ],
)
def test_an_opt_out_outweighs_older_grants_we_only_hear_of_later(
    reach: RevocationReach, *, superseded: bool
) -> None:
    """A STOP takes the brand's programs; after START, a grant from before STOP is still gone."""
    back = after("Hello", "STOP", "START")
    standing, granted = grant(back, minutes=0.5, reach=reach)
    assert granted.superseded is superseded
    assert (standing.consent(PROMO.id) is None) is superseded
    newer, granted = grant(back, minutes=1.5, reach=reach)
    assert granted.state is ConsentState.ACTIVE
    assert newer.consent(PROMO.id) is not None


def test_a_newer_weak_grant_does_not_revive_an_older_strong_one() -> None:
    """After a withdrawal, only what was given after it counts, level by level."""
    for by_person in (True, False):
        gone = revoke(grant(Standing(), minutes=1)[0], PROMO, minutes=5, by_person=by_person)
        weak, granted = grant(gone, minutes=6, level=EXPRESS)
        assert granted.state is ConsentState.ACTIVE
        same, granted = grant(weak, minutes=4, level=WRITTEN)
        assert (same, granted.state, granted.superseded) == (weak, ConsentState.ACTIVE, True)
        strong, _ = grant(weak, minutes=5.5, level=WRITTEN)
        consent = strong.consent(PROMO.id)
        assert consent is not None
        assert consent.level is WRITTEN
    back = after("Hello", "STOP", "START", "STOP", "START")
    consent = back.consent(LONG.conversation)
    assert consent is not None
    assert consent.withdrawn_at == minute(3)


def test_an_opt_out_of_another_brand_outweighs_grants_only_where_all_is_the_reach() -> None:
    """Another seller's STOP is no revocation here, unless the setting says that any stop is."""
    foreign = next(s for s in DIRECTORY.senders.values() if s.brand == "other")
    back = after("Hello", "STOP", "START", sender=foreign)
    assert not grant(back, minutes=0.5)[1].superseded
    assert grant(back, minutes=0.5, reach=RevocationReach.ALL)[1].superseded


def test_a_suppression_outweighs_older_grants() -> None:
    """What the person told an agent is a revocation too, also after a START lifted it here."""
    listed = suppress(after("Hello"), "acme", minutes=5)
    back, _ = hear(listed, text("START", at=minute(6)))
    assert grant(back, minutes=4)[1].superseded
    company = suppress(after("Hello"), "acme", minutes=5, by_person=False)
    assert not grant(company, minutes=4)[1].superseded


@pytest.mark.parametrize("by", ["cause", "medium"])
def test_an_import_never_overwrites_a_revocation(by: str) -> None:
    """Not even with a newer date; where nothing was revoked it is pending like any list."""
    gone = revoke(grant(Standing(), minutes=1)[0], PROMO, minutes=5)
    told_how = {"cause": Cause.IMPORT} if by == "cause" else {"medium": Medium.IMPORT}
    standing, granted = grant(gone, **told_how)
    assert (standing, granted.state, granted.superseded) == (gone, ConsentState.REVOKED, False)
    assert granted.note is not None
    fresh, granted = grant(Standing(), medium=Medium.IMPORT, cause=Cause.IMPORT)
    assert granted.state is ConsentState.PENDING
    assert fresh.consent(PROMO.id) is not None


@pytest.mark.parametrize(
    ("sender", "out", "words"),
    [
        (LONG, "STOP", "must text START to +14155550100"),
        (TOLL_FREE, "STOP", "must text START or UNSTOP to +18005550100"),
        (SHORT, "STOP", "must text START to 55555"),
    ],
)
def test_a_grant_while_blocked_waits_for_the_carrier(sender: Sender, out: str, words: str) -> None:
    """It becomes pending_carrier, and the note says what to text: never YES on toll-free."""
    gone = after("Hello", out, sender=sender)
    for program, medium in ((conversation(sender), Medium.TEXT), (PROMO, Medium.WEB)):
        standing, granted = grant(gone, program, medium=medium)
        assert granted.state is ConsentState.PENDING_CARRIER
        assert granted.note is not None
        assert words in granted.note
        assert "YES" not in granted.note
        assert pair_state(standing, sender) is PairState.OPTED_OUT
        by_carrier = sender is not SHORT
        assert granted.note.startswith("The carrier blocks") is by_carrier


def test_no_grant_lifts_a_persons_opt_out() -> None:
    """However often it is granted, only the person's own text ends their withdrawal."""
    gone = after("Hello", "STOP", sender=SERVICE_A)
    once, _ = grant(gone, conversation(SERVICE_A))
    twice, granted = grant(once, conversation(SERVICE_A), minutes=61)
    assert granted.state is ConsentState.PENDING_CARRIER
    opened, _ = hear(twice, text("START", SERVICE_B, at=minute(62)), SERVICE_B)
    assert pair_state(opened, SERVICE_A) is PairState.OPTED_OUT
    spoken, _ = hear(opened, text("Hello", SERVICE_A, at=minute(63)), SERVICE_A)
    assert pair_state(spoken, SERVICE_A) is PairState.OPTED_OUT
    again, granted = grant(spoken, conversation(SERVICE_A), minutes=64)
    assert granted.note == way_back(SERVICE_A, ())
    assert pair_state(again, SERVICE_A) is PairState.OPTED_OUT
    late, _ = hear(again, text("START", SERVICE_A, at=minute(70), sent_at=minute(0.5)), SERVICE_A)
    assert pair_state(late, SERVICE_A) is PairState.OPTED_OUT
    back, _ = hear(again, text("START", SERVICE_A, at=minute(70), sent_at=minute(2)), SERVICE_A)
    assert pair_state(back, SERVICE_A) is PairState.OPTED_IN


def test_a_program_waits_where_the_person_withdrew_without_a_block() -> None:
    """A withdrawn conversation or a told suppression of any of its senders holds a program."""
    withdrawn = revoke(after("Hello"), conversation(), minutes=1)
    opened = msgspec.structs.replace(withdrawn, blocks=())
    assert grant(opened)[1].state is ConsentState.PENDING_CARRIER
    listed = suppress(after("Hello"), "acme", minutes=1)
    assert grant(listed)[1].state is ConsentState.PENDING_CARRIER


def test_a_grant_while_the_company_suppresses_is_pending() -> None:
    """The person cannot lift what the company set: the note says who must."""
    listed = suppress(after("Hello"), "acme", minutes=1, by_person=False)
    _, granted = grant(listed)
    assert (granted.state, granted.note) == (
        ConsentState.PENDING,
        "The number is on the do-not-text list: lift that first.",
    )


@pytest.mark.parametrize(
    ("old", "new", "level", "expires_at"),
    [
        ((EXPRESS, minute(90)), (EXPRESS, minute(80)), EXPRESS, minute(90)),
        ((EXPRESS, minute(90)), (EXPRESS, minute(99)), EXPRESS, minute(99)),
        ((EXPRESS, minute(90)), (EXPRESS, None), EXPRESS, None),
        ((EXPRESS, None), (EXPRESS, minute(99)), EXPRESS, None),
        ((EXPRESS, minute(90)), (WRITTEN, minute(80)), WRITTEN, minute(80)),
        ((WRITTEN, minute(90)), (EXPRESS, minute(99)), WRITTEN, minute(90)),
        ((WRITTEN, minute(30)), (EXPRESS, minute(99)), EXPRESS, minute(99)),
    ],
)
def test_an_active_consent_grows_and_never_shrinks(
    old: tuple[ConsentLevel, datetime | None],
    new: tuple[ConsentLevel, datetime | None],
    level: ConsentLevel,
    expires_at: datetime | None,
) -> None:
    """Granted again it is the stronger and the longer; only one that ran out starts anew."""
    standing, _ = grant(Standing(), minutes=1, level=old[0], expires_at=old[1])
    standing, granted = grant(standing, minutes=60, level=new[0], expires_at=new[1])
    consent = standing.consent(PROMO.id)
    assert consent is not None
    assert (granted.state, consent.level, consent.expires_at) == (
        ConsentState.ACTIVE,
        level,
        expires_at,
    )
    renewed = level is new[0] and (level is not old[0] or old[1] == minute(30))
    assert consent.since == (minute(60) if renewed else minute(1))


def test_a_pending_grant_does_not_take_an_active_consent_away() -> None:
    """A form about a consent that is active already changes nothing; a typed number does not."""
    active, _ = grant(Standing(), minutes=1)
    standing, granted = grant(active, medium=Medium.WEB)
    assert (standing, granted.state) == (active, ConsentState.ACTIVE)
    ending, _ = grant(Standing(), minutes=1, expires_at=minute(30))
    _, granted = grant(ending, medium=Medium.WEB)
    assert granted.state is ConsentState.PENDING


# --- Revocations ------------------------------------------------------------------------------


def test_withdrawing_a_program_takes_that_program() -> None:
    """A program that was never granted can be withdrawn as well; conversations stay."""
    standing = revoke(after("Hello"), PROMO)
    consent = standing.consent(PROMO.id)
    assert consent is not None
    assert (consent.state, consent.since, consent.by_person) == (
        ConsentState.REVOKED,
        minute(60),
        True,
    )
    assert pair_state(standing, LONG) is PairState.OPTED_IN
    assert standing.sms_tag


@pytest.mark.parametrize(
    ("reach", "revoked"),
    [
        (RevocationReach.SENDER, set[str]()),
        (RevocationReach.BRAND, {PROMO.id}),
        (RevocationReach.ALL, {PROMO.id, SECOND.conversation}),
    ],
)
def test_withdrawing_a_conversation_is_an_opt_out_of_its_sender(
    reach: RevocationReach, revoked: set[str]
) -> None:
    """Our block, the revoked conversation, no tag, and as far as an opt-out reaches."""
    standing = after("Hello", sender=SECOND, standing=after("Hello"))
    standing, _ = grant(standing)
    gone = revoke(standing, conversation(), reach=reach)
    block = gone.block(LONG.number, BlockLayer.OURS)
    assert block is not None
    assert (block.state, block.cause, block.by_person) == (BlockState.BLOCKED, Cause.AGENT, True)
    assert pair_state(gone, LONG) is PairState.OPTED_OUT
    assert gone.sms_preference is SMSPreference.FORBIDDEN
    assert not gone.sms_tag
    states = {c.program for c in gone.consents if c.state is ConsentState.REVOKED}
    assert states == revoked | {LONG.conversation}
    assert gone.thread(LONG.number).opted_out_at == minute(60)


def test_who_comes_back_texts_start() -> None:
    """A withdrawal that was told is lifted by the person's own START, on any kind of sender."""
    for sender in (LONG, SHORT, TOLL_FREE):
        gone = revoke(after("Hello", sender=sender), conversation(sender))
        back, _ = hear(gone, text("START", sender, at=minute(61)), sender)
        assert pair_state(back, sender) is PairState.OPTED_IN
        late, _ = hear(gone, text("START", sender, at=minute(61), sent_at=minute(59)), sender)
        assert pair_state(late, sender) is PairState.OPTED_OUT


def test_a_telling_is_kept_beside_the_persons_own_word() -> None:
    """Told twice or told after STOP: the first time and cause stay, and it stays the person's."""
    gone = revoke(after("Hello", "Stop."), conversation(), minutes=60, by_person=False)
    block = gone.block(LONG.number, BlockLayer.OURS)
    consent = gone.consent(LONG.conversation)
    assert block is not None
    assert consent is not None
    assert (block.since, block.changed_at, block.by_person) == (minute(1), minute(60), True)
    assert (consent.since, consent.changed_at, consent.by_person) == (minute(1), minute(60), True)
    assert gone.thread(LONG.number).opted_out_at == minute(1)
    waiting, _ = grant(gone, conversation(), minutes=61)
    regone = revoke(waiting, conversation(), minutes=62, by_person=False)
    assert regone.consents[0].by_person
    later = revoke(gone, conversation(), minutes=50)
    assert later.thread(LONG.number).opted_out_at == minute(50)
    assert later.consents[0].changed_at == minute(60)


def test_a_telling_always_takes_away() -> None:
    """Even told of a time before the person came back: in doubt nobody is texted."""
    back = after("Hello", "STOP", "START")
    gone = revoke(back, conversation(), minutes=1.5)
    assert pair_state(gone, LONG) is PairState.OPTED_OUT
    block = gone.block(LONG.number, BlockLayer.OURS)
    assert block is not None
    assert block.changed_at == minute(2)


def test_the_company_lifts_what_the_company_set() -> None:
    """A block on the company's own account ends with a grant; the person's never does."""
    company = revoke(after("Hello"), conversation(), by_person=False)
    standing, granted = grant(company, conversation(), minutes=61)
    assert granted.state is ConsentState.ACTIVE
    assert pair_state(standing, LONG) is PairState.OPTED_IN
    pending, granted = grant(company, conversation(), minutes=61, medium=Medium.VERBAL)
    assert granted.state is ConsentState.PENDING
    assert pair_state(pending, LONG) is PairState.NOT_ASKED
    spoken, _ = hear(pending, text("Hello", at=minute(62)))
    assert pair_state(spoken, LONG) is PairState.OPTED_IN
    person, _ = hear(company, text("Stop.", at=minute(61)))
    assert grant(person, conversation(), minutes=62)[1].state is ConsentState.PENDING_CARRIER
    assert grant(company, PROMO, minutes=61)[1].state is ConsentState.PENDING_CARRIER
    imported, granted = grant(company, conversation(), minutes=61, cause=Cause.IMPORT)
    assert imported == company


def test_a_block_of_the_person_alone_is_lifted_by_no_grant() -> None:
    """Even where nothing else is on record, the person's block is theirs."""
    block = Block(LONG.number, BlockLayer.OURS, BlockState.BLOCKED, Cause.AGENT, START, START, "e")
    standing, granted = grant(apply_pieces(Standing(), (block,)), conversation())
    assert (standing.blocks, granted.state) == ((block,), ConsentState.PENDING_CARRIER)


# --- The do-not-text list ---------------------------------------------------------------------


def test_the_persons_word_lists_and_revokes() -> None:
    """Told by the person: everything in the scope is revoked, and the tag is gone."""
    standing, _ = grant(after("Hello"))
    foreign = Consent("foreign-promo", ConsentState.ACTIVE, WRITTEN, START, START, "old")
    lost = Consent("gone", ConsentState.ACTIVE, WRITTEN, START, START, "old")
    standing = apply_pieces(standing, (foreign, lost))
    for scope, kept in (("acme", {"foreign-promo"}), (EVERYTHING, set[str]())):
        listed = suppress(standing, scope)
        active = {c.program for c in listed.consents if c.state is ConsentState.ACTIVE}
        assert active == kept
        assert listed.suppression(scope) == Suppression(scope, Cause.AGENT, minute(60), "told60")
        assert pair_state(listed, LONG) is PairState.OPTED_OUT
        assert not listed.sms_tag


def test_the_companys_own_list_revokes_nothing() -> None:
    """It forbids while it stands, and lifting it restores what was."""
    standing, _ = grant(after("Hello"))
    listed = suppress(standing, by_person=False)
    assert listed.consents == standing.consents
    assert pair_state(listed, LONG) is PairState.OPTED_OUT
    lifted = decide_lift(listed, scope=EVERYTHING, told=told(61))
    assert lifted is not None
    assert (lifted.active, lifted.changed_at, lifted.entry) == (False, minute(61), "told61")
    restored = apply_pieces(listed, (lifted,))
    assert pair_state(restored, LONG) is PairState.OPTED_IN
    again = suppress(restored, by_person=False, minutes=62)
    found = again.suppression(EVERYTHING)
    assert found is not None
    assert (found.active, found.since) == (True, minute(62))


def test_only_the_company_own_listing_is_lifted_by_the_company() -> None:
    """The person's word, once behind a suppression, is lifted by nobody else."""
    assert decide_lift(Standing(), scope=EVERYTHING, told=told()) is None
    person = suppress(Standing())
    assert decide_lift(person, scope=EVERYTHING, told=told()) is None
    both = suppress(suppress(Standing(), by_person=False), minutes=61)
    assert decide_lift(both, scope=EVERYTHING, told=told()) is None
    reverse = suppress(suppress(Standing()), by_person=False, minutes=61)
    assert decide_lift(reverse, scope=EVERYTHING, told=told()) is None
    company = suppress(Standing(), by_person=False)
    assert decide_lift(company, scope="acme", told=told()) is None
    lifted = decide_lift(company, scope=EVERYTHING, told=told())
    assert lifted is not None
    over = apply_pieces(company, (lifted,))
    assert decide_lift(over, scope=EVERYTHING, told=told()) is None


def test_told_again_a_suppression_keeps_its_first_time_and_ends_exceptions() -> None:
    """First time, cause and evidence stay; a START from before the new telling counts no more."""
    listed = suppress(after("Hello"), minutes=60)
    back, _ = hear(listed, text("START", at=minute(61)))
    assert pair_state(back, LONG) is PairState.OPTED_IN
    again = suppress(back, minutes=62)
    found = again.suppression(EVERYTHING)
    assert found is not None
    assert (found.since, found.told_at, found.lifted_for) == (minute(60), minute(62), ())
    assert (found.entry, found.cause) == ("told60", Cause.AGENT)
    assert pair_state(again, LONG) is PairState.OPTED_OUT
