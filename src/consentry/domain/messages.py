"""Texts, the jobs that carry them out, and what the carrier said of them."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from consentry.domain.directory import Purpose
from consentry.domain.entries import Actor
from consentry.domain.gate import Door, MessageKind, Request

REPEATED_FOR: Final = timedelta(hours=25)
"""As long as a carrier repeats a webhook that was not taken, and more (docs/decisions/0030)."""

KNOWN_FOR_GOOD: Final = datetime.max.replace(tzinfo=UTC)
"""Until when an erased text is known again where nothing ends that."""


class Direction(StrEnum):
    """Which way a message went, seen from the company."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class MessageStatus(StrEnum):
    """Where a message is; receipts move it forward only (see `RANK`)."""

    RECEIVED = "received"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    SENDING = "sending"
    INDETERMINATE = "indeterminate"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELED = "canceled"


RANK: dict[MessageStatus, int] = {
    MessageStatus.SCHEDULED: 0,
    MessageStatus.QUEUED: 1,
    MessageStatus.SENDING: 2,
    MessageStatus.INDETERMINATE: 3,
    MessageStatus.SENT: 4,
    MessageStatus.CANCELED: 5,
    MessageStatus.FAILED: 5,
    MessageStatus.UNDELIVERED: 5,
    MessageStatus.DELIVERED: 6,
    MessageStatus.READ: 7,
    MessageStatus.RECEIVED: 9,
}
"""Receipts arrive in any order: a status never gives way to one of a lower rank."""


class Callback(msgspec.Struct, frozen=True, gc=False):
    """Where a program wants to be told, and the account whose token signs what it is told.

    `url` may have connection overrides in its fragment (`consentry.wire.webhook_address`).
    """

    url: str
    account: str


class Removal(StrEnum):
    """What its program had taken out of its own sight: the words of a text, or all of it."""

    BODY = "body"
    WHOLE = "whole"


class Message(msgspec.Struct, frozen=True, gc=False):
    """One text, in or out. `segments` counts what the carrier bills.

    `callback`: the program that sent it is told there what becomes of it. `service` is the
    messaging service by which the program sent it. `removal`: what the Twilio-compatible door
    does not show any more. `opted_out`: the carrier refused it as such, in whatever code.
    """

    id: str
    recipient: str
    sender: str
    direction: Direction
    status: MessageStatus
    body: str
    created_at: datetime
    updated_at: datetime
    actor: Actor
    kind: MessageKind = MessageKind.MESSAGE
    media: tuple[str, ...] = ()
    segments: int = 1
    purpose: Purpose | None = None
    program: str | None = None
    door: Door = Door.API
    carrier: str | None = None
    carrier_message_id: str | None = None
    submitted_at: datetime | None = None
    error_code: str | None = None
    error_text: str | None = None
    callback: Callback | None = None
    service: str | None = None
    removal: Removal | None = None
    opted_out: bool = False


class JobState(StrEnum):
    """Where an outgoing piece of work is in the outbox; a finished job is gone."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    INDETERMINATE = "indeterminate"


class Job(msgspec.Struct, frozen=True, gc=False):
    """One outgoing piece of work. Smaller `priority` goes first; `attempts` counts claims.

    `process` names who claimed it last.
    """

    message: str
    recipient: str
    sender: str
    due_at: datetime
    priority: int = 1
    state: JobState = JobState.QUEUED
    attempts: int = 0
    expires_at: datetime | None = None
    claimed_at: datetime | None = None
    process: str | None = None


def request_of(message: Message) -> Request:
    """Ask the gate about a stored message in the words of its acceptance."""
    return Request(
        recipient=message.recipient,
        sender=message.sender,
        purpose=message.purpose,
        program=message.program,
        door=message.door,
        kind=message.kind,
        body=message.body,
        media=len(message.media),
        segments=message.segments,
        message=message.id if message.kind is MessageKind.OPT_IN_REQUEST else None,
    )
