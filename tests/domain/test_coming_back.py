"""How a person comes back, and what does not bring them back."""

from itertools import product

import msgspec
import pytest

from consent_world import (
    FOREIGN,
    FOREIGN_PROMO,
    LONG,
    NEWS,
    PROMO,
    SECOND,
    SERVICE_A,
    SERVICE_B,
    SHORT,
    TOLL_FREE,
    after,
    hear,
    minute,
    refused_by_carrier,
    text,
)
from consentry.domain.consent import (
    PairState,
    pair_state,
)
from consentry.domain.directory import Sender
from consentry.domain.gate import MessageKind
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
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

OURS, PROVIDER, NETWORK = BlockLayer.OURS, BlockLayer.PROVIDER, BlockLayer.NETWORK


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


# --- Opt-in -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "out", "back"),
    [
        *product([LONG], ["STOP", "Stop.", "please stop texting me"], ["START", "UNSTOP", "YES"]),
        *product([TOLL_FREE], ["STOP", "CANCEL", "Stop."], ["START", "UNSTOP"]),
        *product([SHORT], ["STOP", "please stop texting me"], ["START", "UNSTOP", "YES"]),
        (TOLL_FREE, "Stop.", "YES"),
    ],
)
def test_the_person_comes_back(sender: Sender, out: str, back: str) -> None:
    """Unblocked, in the conversation, and tagged again, by the words this kind of sender knows."""
    gone = after("Hello", out, sender=sender)
    assert gone.sms_preference is SMSPreference.FORBIDDEN
    standing, moved = hear(gone, text(back, sender, at=minute(9)), sender)
    assert pair_state(standing, sender) is PairState.OPTED_IN
    assert (standing.sms_tag, standing.sms_preference) == (True, SMSPreference.ON)
    by_carrier = sender is LONG or (sender is TOLL_FREE and back != "YES")
    expected = None if by_carrier else MessageKind.OPT_IN_CONFIRMATION
    assert (moved.reply, moved.superseded) == (expected, False)


@pytest.mark.parametrize(
    ("sender", "out", "word"),
    [
        (TOLL_FREE, "STOP", "YES"),
        (TOLL_FREE, "CANCEL", "YES"),
        (LONG, "STOP", "Start!"),
        (LONG, "STOP", "yes please"),
        (LONG, "please stop texting me", "Start!"),
        (SHORT, "STOP", "start please"),
        (LONG, "STOP", "Hello"),
        (LONG, "STOP", "HELP"),
    ],
)
def test_opt_in_is_never_widened(sender: Sender, out: str, word: str) -> None:
    """What the carrier does not take for an opt-in lifts nothing, tags nothing, answers nothing."""
    gone = after("Hello", out, sender=sender)
    standing, moved = hear(gone, text(word, sender, at=minute(9)), sender)
    assert standing.blocks == gone.blocks
    assert standing.consents == gone.consents
    assert (standing.sms_tag, moved.reply) == (False, None)
    assert standing.thread(sender.number).last_inbound_at == minute(9)


def test_a_carriers_refusal_is_lifted_by_the_person() -> None:
    """START on a long code opens what a refusal had shown to be blocked."""
    standing, _ = hear(refused_by_carrier(), text("START", at=minute(1)))
    assert pair_state(standing, LONG) is PairState.OPTED_IN


def test_on_a_short_code_a_carriers_refusal_is_not_ours_to_lift() -> None:
    """Where the carrier blocks and takes no word, our own list does not count."""
    refusal = msgspec.structs.replace(refused_by_carrier().blocks[0], scope=SHORT.number)
    standing, _ = hear(
        apply_pieces(Standing(), (refusal,)), text("START", SHORT, at=minute(1)), SHORT
    )
    assert pair_state(standing, SHORT) is PairState.CARRIER_BLOCKED


def test_a_start_to_another_sender_lifts_nothing_here() -> None:
    """Each sender is its own: only a text to this number unblocks this number."""
    gone = after("Hello", "STOP")
    standing, _ = hear(gone, text("START", SECOND, at=minute(9)), SECOND)
    assert pair_state(standing, SECOND) is PairState.OPTED_IN
    assert pair_state(standing, LONG) is PairState.OPTED_OUT
    assert standing.sms_preference is SMSPreference.FORBIDDEN


def test_marketing_does_not_come_back_by_itself() -> None:
    """START brings the conversation back and no program; `forbidden` goes with the opt-out."""
    gone, _ = hear(consents_of_all_kinds(), text("STOP", at=minute(1)))
    standing, _ = hear(gone, text("START", at=minute(2)))
    states = {consent.program: consent.state for consent in standing.consents}
    assert states[LONG.conversation] is ConsentState.ACTIVE
    assert states[PROMO.id] is ConsentState.REVOKED
    assert states[NEWS.id] is ConsentState.REVOKED


def test_in_a_service_each_number_keeps_its_own_word() -> None:
    """The provider blocks and opens the service; who opted out of one number stays out of it."""
    gone = after("STOP", sender=SERVICE_A)
    assert pair_state(gone, SERVICE_B) is PairState.OPTED_OUT
    standing, _ = hear(gone, text("START", SERVICE_B, at=minute(1)), SERVICE_B)
    assert pair_state(standing, SERVICE_B) is PairState.OPTED_IN
    assert pair_state(standing, SERVICE_A) is PairState.OPTED_OUT
    assert standing.sms_preference is SMSPreference.FORBIDDEN
    standing, _ = hear(standing, text("Hello", SERVICE_A, at=minute(2)), SERVICE_A)
    assert pair_state(standing, SERVICE_A) is PairState.OPTED_OUT
    standing, _ = hear(standing, text("START", SERVICE_A, at=minute(3)), SERVICE_A)
    assert pair_state(standing, SERVICE_A) is PairState.OPTED_IN


def test_a_services_own_start_leaves_the_networks_block() -> None:
    """A configured word that only the provider knows does not bring back what the network holds."""
    service = msgspec.structs.replace(TOLL_FREE, messaging_service_sid="MG2")
    gone = after("Hello", "STOP", sender=service)
    word = text("GO", service, at=minute(9), opt_out_type="START")
    standing, moved = hear(gone, word, service)
    left = {b.layer for b in standing.blocks if b.state is BlockState.BLOCKED}
    assert left == {NETWORK}
    assert pair_state(standing, service) is PairState.OPTED_OUT
    assert (standing.sms_tag, moved.superseded, moved.reply) == (False, False, None)
    back, _ = hear(standing, text("START", service, at=minute(10)), service)
    assert pair_state(back, service) is PairState.OPTED_IN


@pytest.mark.parametrize("scope", ["acme", "*"])
def test_a_start_lifts_the_persons_own_suppression_for_one_sender(scope: str) -> None:
    """Told to an agent: never text me. A START opens this sender, and the rest stays closed."""
    told = Suppression(scope, Cause.AGENT, START, "old")
    standing, _ = hear(apply_pieces(Standing(), (told,)), text("START", at=minute(1)))
    assert pair_state(standing, LONG) is PairState.OPTED_IN
    assert pair_state(standing, SECOND) is PairState.OPTED_OUT
    assert standing.suppressions[0].lifted_for == (LONG.number,)
    again, _ = hear(standing, text("START", at=minute(2)))
    assert again.suppressions == standing.suppressions


@pytest.mark.parametrize(
    "told",
    [
        Suppression("acme", Cause.LEGAL, START, "old", by_person=False),
        Suppression("other", Cause.AGENT, START, "old"),
        Suppression("acme", Cause.AGENT, START, "old", active=False),
    ],
)
def test_a_start_lifts_no_other_suppression(told: Suppression) -> None:
    """Not the company's own, not another brand's; one that is over stays as it is."""
    standing, _ = hear(apply_pieces(Standing(), (told,)), text("START", at=minute(1)))
    assert standing.suppressions == (told,)


def test_grants_that_waited_for_the_carrier_wait_for_the_handset() -> None:
    """A START ends the waiting for the carrier where no other sender of the brand holds it."""

    def waiting(program: str, *, by_person: bool = False) -> Consent:
        state, level = ConsentState.PENDING_CARRIER, ConsentLevel.EXPRESS
        return Consent(program, state, level, minute(5), minute(5), "old", by_person=by_person)

    pieces = (
        waiting(PROMO.id),
        waiting(FOREIGN_PROMO.id),
        waiting("a program that is gone"),
        waiting(SECOND.conversation, by_person=True),
    )
    gone = apply_pieces(after("Hello", "STOP"), pieces)
    standing, _ = hear(gone, text("START", at=minute(9)))
    states = {consent.program: consent.state for consent in standing.consents}
    assert states[PROMO.id] is ConsentState.PENDING
    assert states[FOREIGN_PROMO.id] is ConsentState.PENDING_CARRIER
    assert states["a program that is gone"] is ConsentState.PENDING_CARRIER
    assert states[SECOND.conversation] is ConsentState.PENDING_CARRIER
    both = apply_pieces(after("STOP", sender=SECOND, standing=after("STOP")), pieces[:1])
    held, _ = hear(both, text("START", at=minute(9)))
    assert held.consent(PROMO.id) == pieces[0]
    listed = Suppression("acme", Cause.LEGAL, START, "old", by_person=False)
    still, _ = hear(apply_pieces(gone, (listed,)), text("START", at=minute(9)))
    assert still.consent(PROMO.id) == pieces[0]


def test_a_conversation_that_waited_for_the_carrier_is_active_after_start() -> None:
    """An agent's grant that waits for the person's text ends with that text, and is no less."""
    told = Suppression("*", Cause.AGENT, START, "old")
    waiting = Consent(
        LONG.conversation,
        ConsentState.PENDING_CARRIER,
        ConsentLevel.EXPRESS,
        START,
        START,
        "old",
        by_person=False,
    )
    standing, _ = hear(apply_pieces(Standing(), (told, waiting)), text("START", at=minute(1)))
    assert pair_state(standing, LONG) is PairState.OPTED_IN


def test_a_withdrawn_conversation_waits_for_its_own_start() -> None:
    """A grant that waits for the carrier keeps the withdrawal: a plain text ends nothing."""
    consent = Consent(
        LONG.conversation,
        ConsentState.PENDING_CARRIER,
        ConsentLevel.EXPRESS,
        START,
        START,
        "old",
    )
    waiting = apply_pieces(Standing(), (consent,))
    assert pair_state(waiting, LONG) is PairState.OPTED_OUT
    still, _ = hear(waiting, text("Hello", at=minute(1)))
    assert still.consents == (consent,)
    back, _ = hear(waiting, text("START", at=minute(1)))
    assert pair_state(back, LONG) is PairState.OPTED_IN
