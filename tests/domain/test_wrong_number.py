"""A wrong number, or a person who died: the number is let alone, and its consents are nobody's."""

import msgspec
import pytest

from consent_world import (
    DIRECTORY,
    FOREIGN,
    FOREIGN_PROMO,
    LONG,
    NEWS,
    PERSON,
    POLICY,
    PROMO,
    SECOND,
    after,
    ask,
    consent,
    hear,
    minute,
    text,
)
from consentry.domain.consent import PairState, pair_state
from consentry.domain.directory import Purpose
from consentry.domain.entries import Medium
from consentry.domain.gate import Door, MessageKind, Request
from consentry.domain.intake import Told, decide_grant
from consentry.domain.policy import Policy, RevocationReach
from consentry.domain.reasons import Reason
from consentry.domain.standing import (
    Cause,
    ConsentLevel,
    ConsentState,
    SMSPreference,
    Standing,
    apply_pieces,
)

pytestmark = pytest.mark.unit

GIVEN = (
    consent(),
    consent(SECOND.conversation),
    consent(PROMO.id, level=ConsentLevel.EXPRESS_WRITTEN),
    consent(NEWS.id, ConsentState.PENDING, ConsentLevel.EXPRESS),
    consent(FOREIGN_PROMO.id, level=ConsentLevel.EXPRESS_WRITTEN),
)
OF_BRAND = {LONG.conversation, SECOND.conversation, PROMO.id, NEWS.id}


def disowned(*, reach: RevocationReach = RevocationReach.BRAND) -> Standing:
    """Give the standing after a wrong number to somebody who gave everything."""
    standing = apply_pieces(Standing(), GIVEN)
    read = text("you have the wrong number", at=minute(1))
    standing, _ = hear(standing, read, policy=Policy(revocation_reach=reach))
    return standing


@pytest.mark.parametrize("reach", [RevocationReach.BRAND, RevocationReach.SENDER])
@pytest.mark.parametrize("body", ["you have the wrong number", "He passed away last month"])
def test_the_brand_lets_the_number_alone(reach: RevocationReach, body: str) -> None:
    """On the brand's do-not-text list by the person's own word, however far opt-outs reach."""
    standing = apply_pieces(Standing(), GIVEN)
    policy = Policy(revocation_reach=reach)
    standing, moved = hear(standing, text(body, at=minute(1)), policy=policy)
    (listed,) = standing.suppressions
    assert (listed.scope, listed.cause, listed.by_person, listed.active) == (
        "acme",
        Cause.WRONG_NUMBER,
        True,
        True,
    )
    assert moved.reply is MessageKind.OPT_OUT_CONFIRMATION
    assert (standing.sms_tag, standing.sms_preference) == (False, SMSPreference.FORBIDDEN)
    over = Request(PERSON, SECOND.number, door=Door.CONSOLE, body="Hello", segments=1)
    pieces = (*standing.blocks, *standing.consents, *standing.suppressions)
    assert ask(over, *pieces).reason is not None


def test_the_consents_are_not_the_subscribers() -> None:
    """All of the brand are withdrawn and marked, pending ones too; another brand's are not."""
    for consent_after in disowned().consents:
        is_theirs = consent_after.program in OF_BRAND
        assert consent_after.not_subscriber is is_theirs
        assert (consent_after.state is ConsentState.REVOKED) is is_theirs


def test_one_confirmation_passes_the_list_that_the_same_word_made() -> None:
    """The stranger is told that no more comes; any other list stops that too."""
    standing = disowned()
    confirmation = Request(
        PERSON,
        LONG.number,
        door=Door.REPLY,
        kind=MessageKind.OPT_OUT_CONFIRMATION,
        body="You are opted out",
        segments=1,
    )
    pieces = (*standing.blocks, *standing.consents, *standing.suppressions)
    assert ask(confirmation, *pieces, now=minute(2)).reason is None
    (listed,) = standing.suppressions
    older = msgspec.structs.replace(listed, entry="another")
    denied = ask(confirmation, *pieces[:-1], older, now=minute(2))
    assert denied.reason is Reason.SUPPRESSED


def test_whoever_holds_the_number_opts_in_for_themselves() -> None:
    """START lifts the list for that sender; what somebody else gave never comes back."""
    standing, _ = hear(disowned(), text("START", at=minute(9)), entry="start")
    assert pair_state(standing, LONG) is PairState.OPTED_IN
    assert pair_state(standing, SECOND) is PairState.OPTED_OUT
    back = standing.consent(LONG.conversation)
    assert back is not None
    assert (back.state, back.not_subscriber, back.entry) == (ConsentState.ACTIVE, False, "start")
    assert standing.suppressions[0].lifted_for == (LONG.number,)
    for program in (PROMO.id, NEWS.id, SECOND.conversation):
        known = standing.consent(program)
        assert known is not None
        assert (known.state, known.not_subscriber) == (ConsentState.REVOKED, True)
    sale = Request(PERSON, LONG.number, purpose=Purpose.MARKETING, body="Sale", segments=1)
    pieces = (*standing.blocks, *standing.consents, *standing.suppressions)
    assert ask(sale, *pieces, now=minute(10)).reason is Reason.NO_CONSENT


def test_an_older_grant_of_the_earlier_subscriber_counts_for_nothing() -> None:
    """Whenever we hear of it; a new one is the new subscriber's and is not marked."""
    standing = disowned()
    older = decide_grant(
        standing,
        PROMO,
        DIRECTORY,
        level=ConsentLevel.EXPRESS_WRITTEN,
        medium=Medium.TEXT,
        told=Told(minute(0), "old"),
    )
    assert (older.superseded, older.pieces) == (True, ())
    back, _ = hear(standing, text("START", at=minute(9)))
    newer = decide_grant(
        back,
        PROMO,
        DIRECTORY,
        level=ConsentLevel.EXPRESS_WRITTEN,
        medium=Medium.WEB,
        told=Told(minute(10), "new"),
    )
    (given,) = [p for p in newer.pieces if not isinstance(p, str)]
    assert given.not_subscriber is False  # type: ignore[union-attr]


def test_a_wrong_number_that_arrives_late_leaves_what_is_newer() -> None:
    """A START that is newer by the carrier's time has lifted the list before it was made."""
    late = text("wrong number", at=minute(9), sent_at=minute(2))
    standing, _ = hear(Standing(), text("START", at=minute(5), sent_at=minute(5)), entry="start")
    given = msgspec.structs.replace(consent(PROMO.id), changed_at=minute(6))
    standing, moved = hear(apply_pieces(standing, (given,)), late, entry="late")
    assert moved.superseded
    assert pair_state(standing, LONG) is PairState.OPTED_IN
    assert standing.suppressions[0].lifted_for == (LONG.number,)
    assert pair_state(standing, SECOND) is PairState.OPTED_OUT
    assert standing.consent(PROMO.id) == given
    assert standing.sms_tag


def test_a_wrong_number_to_a_number_of_no_brand_closes_that_alone() -> None:
    """A number of ours that is not set up here has no list."""
    stranger = msgspec.structs.replace(LONG, brand="")
    standing, _ = hear(after("Hello"), text("wrong number", at=minute(1)), stranger)
    assert standing.suppressions == ()
    assert pair_state(standing, stranger) is PairState.OPTED_OUT


def test_a_repeat_changes_nothing_more() -> None:
    """The list keeps its first time."""
    once = disowned()
    twice, moved = hear(once, text("wrong number", at=minute(5)), entry="again")
    assert moved.reply is None
    assert twice.suppressions[0].since == once.suppressions[0].since
    assert pair_state(twice, FOREIGN) is PairState.NOT_ASKED
    assert POLICY.revocation_reach is RevocationReach.BRAND
