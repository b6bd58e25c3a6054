"""What a program is told of its texts."""

import itertools
from datetime import UTC, datetime

import msgspec
import pytest

from consentry.domain.entries import Actor, ActorKind
from consentry.domain.messages import RANK, Callback, Direction, Message, MessageStatus
from consentry.domain.notices import (
    NoticeKind,
    notice_of_change,
    notice_of_text,
    told_status,
)

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CALLBACK = Callback("https://shop.example/status", "AC1")
OUTGOING = [status for status in MessageStatus if status is not MessageStatus.RECEIVED]


def message(status: MessageStatus, **fields: object) -> Message:
    """Make an outbound message with a callback."""
    values: dict[str, object] = {
        "id": "msg_1",
        "recipient": "+14155550142",
        "sender": "+14155550100",
        "direction": Direction.OUTBOUND,
        "status": status,
        "body": "Hello",
        "created_at": NOON,
        "updated_at": NOON,
        "actor": Actor(ActorKind.KEY, "key_1"),
        "callback": CALLBACK,
    }
    return Message(**(values | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(("before", "after"), list(itertools.product(OUTGOING, OUTGOING)))
def test_a_program_is_told_what_it_can_see(before: MessageStatus, after: MessageStatus) -> None:
    """Each change of what it is told is one notice; what is ours alone tells nothing."""
    was, now = message(before), message(after, body="Hello again")
    notice = notice_of_change(was, now)
    known, told = told_status(was), told_status(now)
    if told is known or RANK[told] < RANK[known]:
        assert notice is None
        return
    assert notice is not None
    assert (notice.kind, notice.message, notice.callback) == (NoticeKind.STATUS, now, CALLBACK)
    assert (notice.made_at, notice.attempts) == (NOON, 0)
    assert (notice.recipient, notice.subject) == (now.recipient, now.id)


def test_it_is_not_told_what_it_knows_or_did_not_ask() -> None:
    """Not its first status, not without a callback, and not of what came in."""
    sent = message(MessageStatus.SENT)
    assert notice_of_change(None, sent) is None
    queued = message(MessageStatus.QUEUED)
    assert notice_of_change(queued, msgspec.structs.replace(sent, callback=None)) is None
    inbound = message(MessageStatus.RECEIVED, direction=Direction.INBOUND)
    assert notice_of_change(queued, inbound) is None


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (MessageStatus.SENDING, MessageStatus.QUEUED),
        (MessageStatus.INDETERMINATE, MessageStatus.QUEUED),
        (MessageStatus.CANCELED, MessageStatus.CANCELED),
        (MessageStatus.SCHEDULED, MessageStatus.SCHEDULED),
    ],
)
def test_a_status_as_a_program_sees_it(status: MessageStatus, told: MessageStatus) -> None:
    """A text that is under way waits, for its program."""
    assert told_status(message(status)) is told


def test_by_a_service_a_text_is_queued_when_it_leaves() -> None:
    """It was accepted before; back in line it is not told to have gone back."""
    accepted = message(MessageStatus.QUEUED, service="MG1")
    sending = message(MessageStatus.SENDING, service="MG1")
    notice = notice_of_change(accepted, sending)
    assert notice is not None
    assert (notice.id, told_status(notice.message)) == ("msg_1.1.queued", MessageStatus.QUEUED)
    assert notice_of_change(sending, accepted) is None
    assert notice_of_change(message(MessageStatus.SCHEDULED, service="MG1"), accepted) is None


def test_notices_of_one_message_sort_in_the_order_of_what_happened() -> None:
    """By rank, and none has the id of another."""
    queued = message(MessageStatus.SCHEDULED)
    after = [message(status) for status in sorted(OUTGOING, key=RANK.__getitem__)]
    made = [notice_of_change(queued, now) for now in after]
    ids = list(dict.fromkeys(notice.id for notice in made if notice is not None))
    assert ids == sorted(ids, key=lambda told: told.split(".")[1])
    assert len(ids) == len({told_status(now) for now in after}) - 1


def test_a_text_that_came_in_is_told_with_what_the_carrier_made_of_it() -> None:
    """The message as it came, and whether it is answered by somebody else."""
    text = message(MessageStatus.RECEIVED, direction=Direction.INBOUND, callback=None)
    notice = notice_of_text(text, CALLBACK, opt_out_type="STOP", no_answer="why")
    assert (notice.kind, notice.message, notice.id) == (
        NoticeKind.RECEIVED,
        text,
        "msg_1.9.received",
    )
    assert (notice.opt_out_type, notice.no_answer, notice.made_at) == ("STOP", "why", NOON)
