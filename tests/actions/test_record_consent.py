"""Consent told by agents, programs and imports."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import msgspec
import pytest

from action_world import KEY, World, statement
from consent_world import AT_NOON, LONG, NEWS, PERSON, PROMO, SECOND, SHORT, minute
from consentry.actions.record_consent import (
    ConsentRecorded,
    GrantConsent,
    LiftSuppression,
    RevokeConsent,
    SuppressRecipient,
    TagPhone,
)
from consentry.actions.request_consent import RequestConsent
from consentry.domain.consent import PairState, pair_state
from consentry.domain.directory import Purpose
from consentry.domain.entries import Actor, ActorKind, Basis, EntryKind, Evidence, Medium
from consentry.domain.gate import MessageKind, Verdict
from consentry.domain.messages import MessageStatus
from consentry.domain.policy import Policy, RevocationReach
from consentry.domain.reasons import OPTED_OUT_SENTENCE, Reason
from consentry.domain.standing import Cause, ConsentLevel, ConsentState, SMSPreference
from consentry.ports import Command, Rejected
from memory_store import START

pytestmark = pytest.mark.unit

TEXTED = Evidence(
    Medium.TEXT,
    verbatim="JOIN DEALS",
    call_to_action="Text JOIN DEALS to +1 415-555-0100 for Deals from Acme: marketing texts, sent "
    "by automated means. Consent is not a condition of purchase.",
    apart=True,
)
ON_A_FORM = Evidence(Medium.WEB, page_url="https://acme.example/deals")
IMPORT = Actor(ActorKind.IMPORT, "import-1")


def grant(
    evidence: Evidence | None = TEXTED,
    program: str = PROMO.id,
    level: ConsentLevel | None = ConsentLevel.EXPRESS_WRITTEN,
) -> GrantConsent:
    """Grant consent with a program."""
    return GrantConsent(statement(evidence, actor=KEY), program, level)


def test_marketing_needs_a_grant_that_shows_seller_number_and_program() -> None:
    """With it marketing may go; without any part of it the grant is refused (I3)."""
    world = World()
    world.put(AT_NOON)
    world.receive("Hello")
    marketing = Purpose.MARKETING
    assert world.send(purpose=marketing).decision.reason is Reason.NO_CONSENT
    recorded = world.store.run(grant())
    assert (recorded.state, recorded.note) == (ConsentState.ACTIVE, None)
    assert world.send(purpose=marketing).decision.decision is Verdict.ALLOW
    entry = world.last_entry(EntryKind.CONSENT_GRANTED)
    assert (entry.id, entry.program, entry.evidence) == (recorded.entry, PROMO.id, TEXTED)
    assert (entry.actor, entry.reason, entry.sender) == (KEY, "as told on the phone", None)


@pytest.mark.parametrize(
    "shown",
    ["Text JOIN to +14155550100 for Acme", "Deals: text +14155550100", "Deals from Acme", None],
)
def test_a_written_grant_without_its_wording_is_refused(shown: str | None) -> None:
    """Seller, number and program: each that is missing is named, and nothing is written."""
    world = World()
    evidence = msgspec.structs.replace(TEXTED, call_to_action=shown)
    with pytest.raises(Rejected, match="call_to_action") as rejected:
        world.store.run(grant(evidence))
    assert (rejected.value.code, rejected.value.status) == ("evidence_missing", 422)
    assert world.store.entries == []


def test_a_grant_needs_evidence_and_a_program() -> None:
    """How is it known, and for what?"""
    world = World()
    with pytest.raises(Rejected, match="Evidence is needed") as rejected:
        world.store.run(grant(None))
    assert rejected.value.code == "evidence_missing"
    with pytest.raises(Rejected, match="no program 'nothing'") as rejected:
        world.store.run(grant(program="nothing"))
    assert (rejected.value.code, rejected.value.status) == ("unknown_program", 404)


@pytest.mark.parametrize(
    ("words", "advice"),
    [("Stop.", "as a withdrawal"), ("no thanks", "as a withdrawal"), ("HELP", "Give the words")],
)
@pytest.mark.parametrize("medium", [Medium.TEXT, Medium.PHONE])
@pytest.mark.parametrize("program", [NEWS.id, LONG.conversation])
def test_words_that_are_no_consent_are_refused(
    words: str, advice: str, medium: Medium, program: str
) -> None:
    """An opt-out, what may be one, HELP: neither recorded nor asked about, and it says why."""
    world = World()
    told = statement(msgspec.structs.replace(TEXTED, medium=medium, verbatim=words), actor=KEY)
    commands: tuple[Command[ConsentRecorded], ...] = (
        GrantConsent(told, program),
        RequestConsent(told, NEWS.id),
    )
    for command in commands:
        with pytest.raises(Rejected, match=advice) as rejected:
            world.store.run(command)
        assert (rejected.value.code, rejected.value.status) == ("not_a_consent", 422)
    assert world.store.entries == []


def test_a_level_that_is_not_named_is_express() -> None:
    """Enough for informational texts, not for marketing."""
    world = World()
    world.store.run(grant(program=NEWS.id, level=None))
    world.store.run(grant(level=None))
    assert world.send(purpose=Purpose.INFORMATIONAL).decision.decision is Verdict.ALLOW
    assert world.send(purpose=Purpose.MARKETING).decision.reason is Reason.CONSENT_LEVEL


def test_evidence_counts_from_its_own_time_but_never_from_the_future() -> None:
    """A claimed time orders the grant; one that is still to come is now."""
    for claimed, counted in ((minute(-5), minute(-5)), (minute(5), START), (None, START)):
        world = World()
        world.store.run(grant(msgspec.structs.replace(TEXTED, at=claimed)))
        consent = world.standing().consent(PROMO.id)
        assert consent is not None
        assert consent.since == counted
        assert world.last_entry(EntryKind.CONSENT_GRANTED).at == counted


def test_an_older_grant_is_kept_and_changes_nothing() -> None:
    """The ledger has it, superseded; the revocation stands."""
    world = World()
    world.receive("STOP")
    world.receive("START")
    recorded = world.store.run(grant(msgspec.structs.replace(TEXTED, at=minute(-1))))
    assert recorded.state is ConsentState.REVOKED
    entry = world.last_entry(EntryKind.CONSENT_GRANTED)
    assert (entry.superseded, entry.pieces) == (True, ())


def test_a_web_sign_up_while_blocked_waits_for_the_carrier() -> None:
    """It says what to text; a START lets it wait for the handset, and no text goes before that."""
    world = World()
    world.receive("STOP")
    world.clock.advance(minutes=1)
    recorded = world.store.run(grant(ON_A_FORM, NEWS.id, ConsentLevel.EXPRESS))
    assert recorded.state is ConsentState.PENDING_CARRIER
    assert "must text START to +14155550100" in (recorded.note or "")
    world.receive("START")
    consent = world.standing().consent(NEWS.id)
    assert consent is not None
    assert consent.state is ConsentState.PENDING
    assert world.send(purpose=Purpose.INFORMATIONAL).decision.reason is Reason.CONSENT_PENDING


def test_a_withdrawal_counts_at_once() -> None:
    """Told to an agent: blocked, forbidden, waiting texts canceled, what is under way listed."""
    world = World()
    world.receive("Hello")
    (under_way,) = world.claim()
    waiting = world.send()
    recorded = world.store.run(RevokeConsent(statement(), LONG.conversation))
    assert (recorded.state, recorded.in_flight) == (
        ConsentState.REVOKED,
        (under_way.message.id,),
    )
    assert world.message(waiting.message).status is MessageStatus.CANCELED
    assert world.standing().sms_preference is SMSPreference.FORBIDDEN
    entry = world.last_entry(EntryKind.CONSENT_REVOKED)
    assert (entry.sender, entry.program) == (LONG.number, LONG.conversation)
    assert world.queued() == []
    with pytest.raises(Rejected, match="no program"):
        world.store.run(RevokeConsent(statement(), "nothing"))


def test_a_withdrawal_of_marketing_leaves_the_conversation() -> None:
    """Only the program is gone; its waiting texts are canceled, the agent's are not."""
    world = World()
    world.receive("Hello")
    world.store.run(grant())
    sale, answer = world.send(purpose=Purpose.MARKETING), world.send()
    world.store.run(RevokeConsent(statement(), PROMO.id))
    assert world.message(sale.message).error_code == "no_consent"
    assert world.message(answer.message).status is MessageStatus.QUEUED


@pytest.mark.parametrize("reach", RevocationReach)
def test_a_told_opt_out_reaches_as_far_as_a_texted_one(reach: RevocationReach) -> None:
    """The setting counts for the phone and the counter as for the keyword."""
    texted, told = World(Policy(revocation_reach=reach)), World(Policy(revocation_reach=reach))
    for world in (texted, told):
        world.receive("Hello")
        world.receive("Hello", SECOND)
        world.store.run(grant())
    texted.receive("Stop.")
    told.store.run(RevokeConsent(statement(), LONG.conversation))
    assert {c.program: c.state for c in told.standing().consents} == {
        c.program: c.state for c in texted.standing().consents
    }
    late = grant(msgspec.structs.replace(TEXTED, at=minute(-1)), NEWS.id, ConsentLevel.EXPRESS)
    told.receive("START")
    superseded = told.store.run(late).state is ConsentState.REVOKED
    assert superseded is (reach is not RevocationReach.SENDER)


def test_a_number_on_the_list_is_texted_by_nobody() -> None:
    """Everything, or one brand; waiting texts are canceled; only what was told lifts it."""
    world = World()
    world.receive("Hello")
    waiting = world.send()
    recorded = world.store.run(SuppressRecipient(statement()))
    assert recorded.state is ConsentState.REVOKED
    assert world.message(waiting.message).status is MessageStatus.CANCELED
    assert world.send().message is None
    assert world.last_entry(EntryKind.SUPPRESSED).program is None
    with pytest.raises(Rejected, match=OPTED_OUT_SENTENCE[:40]) as rejected:
        world.store.run(LiftSuppression(statement()))
    assert (rejected.value.code, rejected.value.status) == ("opted_out", 403)
    with pytest.raises(Rejected, match="no brand 'nobody'") as rejected:
        world.store.run(SuppressRecipient(statement(), "nobody"))
    assert (rejected.value.code, rejected.value.status) == ("unknown_brand", 404)


def test_the_company_takes_back_what_it_listed() -> None:
    """Its own listing is lifted with a reason, and what was before is back."""
    world = World()
    world.receive("Hello")
    own = statement(by_person=False)
    world.store.run(SuppressRecipient(own, "acme"))
    assert world.send().decision.reason is Reason.SUPPRESSED
    with pytest.raises(Rejected) as rejected:
        world.store.run(LiftSuppression(own))
    assert (rejected.value.code, rejected.value.status) == ("not_found", 404)
    recorded = world.store.run(LiftSuppression(own, "acme"))
    assert recorded == ConsentRecorded(recorded.entry, None)
    assert world.store.entries[-1].reason == "as told on the phone"
    assert world.send().decision.decision is Verdict.ALLOW
    with pytest.raises(Rejected):
        world.store.run(LiftSuppression(own, "acme"))


def test_the_tag_is_set_by_hand_only_where_nothing_forbids() -> None:
    """Set, removed, refused with the exact sentence while an opt-out stands."""
    world = World()
    world.store.run(TagPhone(statement(), sms=True))
    assert world.standing().sms_preference is SMSPreference.ON
    world.store.run(TagPhone(statement(), sms=False))
    assert world.standing().sms_preference is SMSPreference.OFF
    world.receive("STOP")
    with pytest.raises(Rejected) as rejected:
        world.store.run(TagPhone(statement(), sms=True))
    assert (rejected.value.code, str(rejected.value)) == ("opted_out", OPTED_OUT_SENTENCE)
    assert world.kinds().count(EntryKind.TAG_CHANGED) == 2


def test_an_import_is_told_by_an_import() -> None:
    """The cause shows who told it; an import overwrites no revocation."""
    world = World()
    world.receive("Hello", SHORT)
    world.store.run(RevokeConsent(statement(actor=IMPORT), SHORT.conversation))
    (block,) = world.standing().blocks
    assert block.cause is Cause.IMPORT
    world.clock.advance(minutes=1)
    told = statement(TEXTED, actor=IMPORT)
    recorded = world.store.run(GrantConsent(told, SHORT.conversation))
    assert recorded.state is ConsentState.REVOKED
    assert pair_state(world.standing(), SHORT) is PairState.OPTED_OUT
    world.receive("START", SHORT)
    assert pair_state(world.standing(), SHORT) is PairState.OPTED_IN
    assert MessageKind.OPT_IN_CONFIRMATION in world.queued()


LIFTERS: tuple[Callable[[World], Command[object]], ...] = (
    lambda _: grant(TEXTED, LONG.conversation, ConsentLevel.EXPRESS),
    lambda _: grant(ON_A_FORM, LONG.conversation, ConsentLevel.EXPRESS),
    lambda _: LiftSuppression(statement(by_person=False)),
    lambda _: LiftSuppression(statement(by_person=False), "acme"),
    lambda _: TagPhone(statement(by_person=False), sms=True),
    lambda _: SuppressRecipient(statement(by_person=False), "acme"),
    lambda _: RevokeConsent(statement(by_person=False), LONG.conversation),
)


@pytest.mark.parametrize("lifter", LIFTERS)
@pytest.mark.parametrize("words", [("STOP",), ("Stop.",), ("told",)])
def test_nothing_but_the_persons_own_text_lifts_their_opt_out(
    lifter: Callable[[World], Command[object]], words: tuple[str, ...]
) -> None:
    """Agents, keys and imports may try everything they have: the person stays unreachable."""
    world = World()
    world.receive("Hello")
    for word in words:
        if word == "told":
            world.store.run(RevokeConsent(statement(), LONG.conversation))
        else:
            world.receive(word)
    for other in (lifter, *LIFTERS):
        world.clock.advance(minutes=1)
        with suppress(Rejected):
            world.store.run(other(world))
    world.receive("Hello?")
    assert pair_state(world.standing(), LONG) is PairState.OPTED_OUT
    assert world.send().message is None


# --- What runs out ----------------------------------------------------------------------------

IN_CANADA = "+14165550142"


def bought(days_ago: float = 0, basis: Basis = Basis.PURCHASE, **more: object) -> GrantConsent:
    """Grant consent that rests on a purchase some days ago, by somebody in Canada."""
    evidence = Evidence(
        Medium.TEXT, verbatim="Yes", basis=basis, at=START - timedelta(days=days_ago)
    )
    told = msgspec.structs.replace(statement(evidence, actor=KEY), recipient=IN_CANADA)
    return msgspec.structs.replace(GrantConsent(told, LONG.conversation), **more)


def test_implied_consent_of_a_canadian_runs_out_and_a_new_purchase_renews_it() -> None:
    """Two years from the purchase, and from the newer one then; an inquiry shortens nothing."""
    world = World()
    first = world.store.run(bought(100))
    assert first.expires_at == (START - timedelta(days=100)).replace(year=2028)
    assert world.store.expiries[IN_CANADA, LONG.conversation].expires_at == first.expires_at
    second = world.store.run(bought(1))
    assert second.expires_at == (START - timedelta(days=1)).replace(year=2028)
    consent = world.standing(IN_CANADA).consent(LONG.conversation)
    assert consent is not None
    assert (consent.level, consent.expires_at) == (ConsentLevel.IMPLIED, second.expires_at)
    world.store.run(bought(0, Basis.INQUIRY))
    after = world.standing(IN_CANADA).consent(LONG.conversation)
    assert after is not None
    assert after.expires_at == second.expires_at


def test_a_grant_may_end_sooner_than_the_law_says_and_not_later() -> None:
    """The end that comes first counts."""
    for named, end in (
        (minute(9), minute(9)),
        (START.replace(year=2040), START.replace(year=2028)),
    ):
        recorded = World().store.run(bought(expires_at=named))
        assert recorded.expires_at == end


def test_a_grant_that_ran_out_already_is_kept_and_changes_nothing() -> None:
    """It is in the ledger, and no text may go by it."""
    world = World()
    recorded = world.store.run(bought(800))
    assert (recorded.state, recorded.expires_at) == (ConsentState.EXPIRED, None)
    assert "ran out on" in (recorded.note or "")
    entry = world.last_entry(EntryKind.CONSENT_GRANTED)
    assert (entry.superseded, entry.pieces) == (True, ())
    assert world.store.expiries == {}


def test_a_grant_outside_canada_ends_only_as_it_says() -> None:
    """A purchase makes it implied, and nothing ends it."""
    world = World()
    told = bought(900)
    told = msgspec.structs.replace(
        told, statement=msgspec.structs.replace(told.statement, recipient=PERSON)
    )
    assert world.store.run(told).expires_at is None
    consent = world.standing().consent(LONG.conversation)
    assert consent is not None
    assert (consent.level, consent.expires_at) == (ConsentLevel.IMPLIED, None)
