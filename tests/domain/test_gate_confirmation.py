"""The one confirmation after our own opt-out, and what our other answers may pass (I2)."""

from datetime import datetime, timedelta

import msgspec
import pytest

from consent_world import (
    DIRECTORY,
    LONG,
    PERSON,
    ask,
    block,
    consent,
    minute,
)
from consentry.domain.directory import Purpose
from consentry.domain.gate import (
    Door,
    MessageKind,
    Request,
    Verdict,
)
from consentry.domain.reading import BlockLayer
from consentry.domain.reasons import Reason
from consentry.domain.standing import (
    Cause,
    ConsentState,
    Piece,
    Suppression,
    Thread,
)
from memory_store import START

pytestmark = pytest.mark.unit


# --- The one confirmation after our own opt-out (I2) ------------------------------------------

CONFIRMATION = Request(
    PERSON,
    LONG.number,
    door=Door.REPLY,
    kind=MessageKind.OPT_OUT_CONFIRMATION,
    body="You are opted out.",
    segments=1,
)
OURS = block(layer=BlockLayer.OURS)
REVOKED = consent(state=ConsentState.REVOKED)


def test_one_confirmation_passes_our_own_opt_out() -> None:
    """It passes the block and the revocation it confirms, at once and until five minutes after."""
    for now in (START, minute(5)):
        decision = ask(CONFIRMATION, OURS, REVOKED, now=now)
        assert decision.decision is Verdict.ALLOW
        assert decision.rules == ("reply/opt_out_confirmation",)
        assert decision.consent is None


@pytest.mark.parametrize(
    ("request_change", "pieces", "now", "rule"),
    [
        ({}, (OURS,), minute(5) + timedelta(microseconds=1), "confirmation/deadline_missed"),
        ({}, (OURS,), START - timedelta(microseconds=1), "confirmation/deadline_missed"),
        (
            {},
            (OURS, Thread(LONG.number, confirmation_at=START)),
            START,
            "confirmation/already_sent",
        ),
        ({"segments": 2}, (OURS,), START, "confirmation/one_segment"),
        ({"media": 1}, (OURS,), START, "confirmation/one_segment"),
        ({"purpose": Purpose.MARKETING}, (OURS,), START, "confirmation/no_marketing"),
        ({}, (OURS, block()), START, "confirmation/carrier_answers"),
        ({}, (block(layer=BlockLayer.NETWORK),), START, "confirmation/carrier_answers"),
    ],
)
def test_no_confirmation_beyond_what_the_law_allows(
    request_change: dict[str, object], pieces: tuple[Piece, ...], now: datetime, rule: str
) -> None:
    """Once, within five minutes, one segment, no marketing, and only where we alone block."""
    request = msgspec.structs.replace(CONFIRMATION, **request_change)
    decision = ask(request, REVOKED, *pieces, now=now)
    assert (decision.reason, decision.rules) == (Reason.OPTED_OUT, (rule,))


def test_a_conversational_confirmation_is_the_same() -> None:
    """A stored confirmation names its purpose; that is no marketing."""
    request = msgspec.structs.replace(CONFIRMATION, purpose=Purpose.CONVERSATIONAL)
    assert ask(request, OURS, REVOKED).decision is Verdict.ALLOW


def test_an_earlier_confirmation_does_not_use_up_a_later_one() -> None:
    """A person who came back and leaves again is confirmed again."""
    sent = Thread(LONG.number, confirmation_at=START - timedelta(days=1))
    assert ask(CONFIRMATION, OURS, REVOKED, sent).decision is Verdict.ALLOW


def test_nothing_to_confirm_once_the_person_is_back() -> None:
    """An opt-out that was lifted meanwhile is not confirmed any more."""
    decision = ask(CONFIRMATION, consent())
    assert (decision.reason, decision.rules) == (
        Reason.NO_CONSENT,
        ("confirmation/nothing_to_confirm",),
    )


def test_a_confirmation_passes_nothing_else() -> None:
    """A suppression, a carrier's refusal and a disabled sender stop it as they stop all."""
    listed = Suppression("*", Cause.AGENT, START, "ent")
    assert ask(CONFIRMATION, OURS, REVOKED, listed).reason is Reason.SUPPRESSED
    refusal = block(cause=Cause.CARRIER_REFUSAL)
    assert ask(CONFIRMATION, OURS, REVOKED, refusal).reason is Reason.CARRIER_BLOCKED
    off = msgspec.structs.replace(LONG, enabled=False)
    directory = msgspec.structs.replace(DIRECTORY, senders={LONG.number: off})
    denied = ask(CONFIRMATION, OURS, REVOKED, directory=directory)
    assert denied.reason is Reason.SENDER_DISABLED


@pytest.mark.parametrize(
    "kind", [k for k in MessageKind if k is not MessageKind.OPT_OUT_CONFIRMATION]
)
def test_no_other_answer_of_ours_passes_an_opt_out(kind: MessageKind) -> None:
    """The confirmation is the one exception; HELP and the others stop at a block."""
    request = msgspec.structs.replace(CONFIRMATION, kind=kind)
    assert ask(request, OURS, REVOKED).reason is Reason.OPTED_OUT


def test_help_is_answered_without_consent() -> None:
    """Who asks for help before saying anything else is told; other answers need consent."""
    request = msgspec.structs.replace(CONFIRMATION, kind=MessageKind.HELP_REPLY)
    assert ask(request).rules == ("reply/help_reply",)
    initial = msgspec.structs.replace(CONFIRMATION, kind=MessageKind.INITIAL_REPLY)
    assert ask(initial).reason is Reason.NO_CONSENT
    assert ask(initial, consent()).decision is Verdict.ALLOW
