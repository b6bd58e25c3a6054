"""Our messages in Twilio's words: every status, every reason, both directions."""

from datetime import timedelta

import msgspec
import pytest

from action_world import KEY, World
from consentry.actions.cancel_message import CANCELED_BY_PROGRAM
from consentry.actions.describe_message import (
    describe_failure,
    describe_message,
    describe_status,
    is_removed,
    refusal_code,
)
from consentry.domain.gate import Door, MessageKind
from consentry.domain.messages import Direction, Message, MessageStatus, Removal
from consentry.domain.reasons import REASONS, Reason
from consentry.ports import CarrierRefusal
from consentry.wire.twilio_form import MessageStatus as TwilioStatus
from consentry.wire.twilio_sids import parse_message_sid
from memory_store import START

pytestmark = pytest.mark.unit

ACCOUNT = "AC" + "1" * 32
SENT = Message(
    id="msg_01KAPZ5V0Q3M9X8ZC4T2N6R7HD",
    recipient="+14155550142",
    sender="+14155550100",
    direction=Direction.OUTBOUND,
    status=MessageStatus.SENT,
    body="Hello",
    created_at=START,
    updated_at=START + timedelta(seconds=3),
    submitted_at=START + timedelta(seconds=2),
    actor=KEY,
    service="MG1",
)


def changed(**changes: object) -> Message:
    """The sample text with some things changed."""
    return msgspec.structs.replace(SENT, **changes)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("received", "received"),
        ("scheduled", "scheduled"),
        ("queued", "queued"),
        ("sending", "sending"),
        ("indeterminate", "sending"),
        ("sent", "sent"),
        ("delivered", "delivered"),
        ("read", "read"),
        ("undelivered", "undelivered"),
        ("failed", "failed"),
        ("canceled", "failed"),
    ],
)
def test_every_status_has_its_word(status: str, expected: str) -> None:
    """Each status of ours is one of Twilio's."""
    message = changed(status=MessageStatus(status))
    assert describe_status(message) is TwilioStatus(expected)
    assert (describe_failure(message) is None) == (expected not in {"failed", "undelivered"})


def test_no_status_is_left_out() -> None:
    """The table above has them all."""
    assert all(describe_status(changed(status=status)) for status in MessageStatus)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_text_that_the_gate_stopped_has_failed(reason: Reason) -> None:
    """It is failed with Twilio's code of the reason, and with our sentence."""
    row = REASONS[reason]
    message = changed(status=MessageStatus.CANCELED, error_code=str(reason), error_text=row.detail)
    shown = describe_message(message, ACCOUNT)
    assert (shown.status, shown.error_code) == (TwilioStatus.FAILED, row.twilio_code)
    assert shown.error_message == row.detail
    assert refusal_code(reason) == row.twilio_code


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("30003", 30003),
        ("21610", 21610),
        ("expired", 30036),
        ("restored", 30008),
        ("unreachable", 30008),
        ("9", 30008),
        ("٣٠٠٠٣", 30008),
        (None, 30008),
    ],
)
def test_a_failure_has_a_code(code: str | None, expected: int) -> None:
    """The carrier's own code, what Twilio calls our reason, or "unknown error"."""
    message = changed(status=MessageStatus.FAILED, error_code=code)
    shown = describe_message(message, ACCOUNT)
    assert shown.error_code == expected
    assert shown.error_message


def test_an_opt_out_is_twilios_code_whoever_carries_the_text() -> None:
    """Another carrier's code for "opted out" is 21610, in its answer and in its report."""
    world = World()
    world.receive("Hello")
    refused = world.send()
    for work in world.claim():
        answer = CarrierRefusal(permanent=True, opted_out=True, code="40300", text="opted out")
        world.answer(work, answer if work.message.id == refused.message else None)
    assert describe_failure(world.message(refused.message)) == 21610
    other = World()
    other.receive("Hello")
    reported = other.sent()
    other.report(reported, MessageStatus.FAILED, error_code="4775", opted_out=True)
    assert describe_failure(other.message(reported.id)) == 21610
    other.report(reported, MessageStatus.DELIVERED)
    assert describe_failure(other.message(reported.id)) is None


def test_what_the_program_took_back_is_canceled() -> None:
    """It is canceled, and that is no error."""
    message = changed(status=MessageStatus.CANCELED, error_code=CANCELED_BY_PROGRAM)
    shown = describe_message(message, ACCOUNT)
    assert shown.status is TwilioStatus.CANCELED
    assert (shown.error_code, shown.error_message, shown.date_sent) == (None, None, None)


def test_an_attempt_that_is_tried_again_is_no_failure() -> None:
    """The code of a refusal that passes is not shown while the text waits."""
    message = changed(status=MessageStatus.QUEUED, error_code="20429")
    assert describe_message(message, ACCOUNT).error_code is None


def test_an_outbound_text() -> None:
    """From, To, times and counts stand where Twilio has them."""
    shown = describe_message(SENT, ACCOUNT)
    assert shown.sid.startswith("SM")
    assert parse_message_sid(shown.sid) == SENT.id
    assert (shown.account_sid, shown.messaging_service_sid) == (ACCOUNT, "MG1")
    assert (shown.from_number, shown.to_number) == (SENT.sender, SENT.recipient)
    assert (shown.date_created, shown.date_sent) == (SENT.created_at, SENT.submitted_at)
    assert shown.date_updated == SENT.updated_at
    assert (shown.num_segments, shown.num_media, shown.body) == (1, 0, "Hello")
    assert describe_message(changed(media=("https://a/b",)), ACCOUNT).sid.startswith("MM")


def test_an_inbound_text() -> None:
    """It came from the person, and was sent when it came."""
    message = changed(direction=Direction.INBOUND, status=MessageStatus.RECEIVED, segments=0)
    shown = describe_message(message, ACCOUNT)
    assert (shown.from_number, shown.to_number) == (SENT.recipient, SENT.sender)
    assert (shown.direction, shown.status) == ("inbound", "received")
    assert (shown.date_sent, shown.num_segments) == (SENT.created_at, 1)


@pytest.mark.parametrize(
    ("door", "kind", "expected"),
    [
        (Door.API, MessageKind.MESSAGE, "outbound-api"),
        (Door.CONSOLE, MessageKind.MESSAGE, "outbound-api"),
        (Door.REPLY, MessageKind.MESSAGE, "outbound-reply"),
        (Door.API, MessageKind.INITIAL_REPLY, "outbound-reply"),
    ],
)
def test_our_answers_are_replies(door: Door, kind: MessageKind, expected: str) -> None:
    """What we answer by ourselves is a reply, what somebody sent is not."""
    assert describe_message(changed(door=door, kind=kind), ACCOUNT).direction == expected


def test_removed_words_are_not_shown() -> None:
    """A redacted text has no words; a deleted one is told from it."""
    redacted, deleted = changed(removal=Removal.BODY), changed(removal=Removal.WHOLE)
    assert describe_message(redacted, ACCOUNT).body == ""
    assert not is_removed(redacted)
    assert is_removed(deleted)


def test_a_no_without_a_reason_is_an_unknown_error() -> None:
    """A decision that names no reason has a code all the same."""
    assert refusal_code(None) == 30008
