"""A message of ours in Twilio's words, for programs that speak with Twilio.

Where the gate stopped a text after it was accepted, we say canceled and Twilio says failed, with
the code of the reason; canceled is there what the program itself took back.
"""

from datetime import datetime
from typing import Final

from consentry.actions.cancel_message import CANCELED_BY_PROGRAM
from consentry.domain.gate import Door, MessageKind
from consentry.domain.messages import Direction, Message, MessageStatus, Removal
from consentry.domain.reasons import REASONS, Reason
from consentry.wire.twilio_errors import (
    UNKNOWN_ERROR_CODE,
    UNSUBSCRIBED_RECIPIENT_CODE,
    describe_error,
)
from consentry.wire.twilio_form import MessageStatus as TwilioStatus
from consentry.wire.twilio_message import Direction as TwilioDirection
from consentry.wire.twilio_message import MessageResource
from consentry.wire.twilio_sids import build_message_sid

_VALIDITY_PERIOD_EXPIRED: Final = 30036
_OWN_CODES: Final[dict[str, int]] = {
    "expired": _VALIDITY_PERIOD_EXPIRED,
    **{str(reason): row.twilio_code for reason, row in REASONS.items()},
}
_STATUSES: Final = {
    MessageStatus.RECEIVED: TwilioStatus.RECEIVED,
    MessageStatus.SCHEDULED: TwilioStatus.SCHEDULED,
    MessageStatus.QUEUED: TwilioStatus.QUEUED,
    MessageStatus.SENDING: TwilioStatus.SENDING,
    # Nobody knows whether it went out: to its program it is still on its way.
    MessageStatus.INDETERMINATE: TwilioStatus.SENDING,
    MessageStatus.SENT: TwilioStatus.SENT,
    MessageStatus.DELIVERED: TwilioStatus.DELIVERED,
    MessageStatus.READ: TwilioStatus.READ,
    MessageStatus.UNDELIVERED: TwilioStatus.UNDELIVERED,
    MessageStatus.FAILED: TwilioStatus.FAILED,
    MessageStatus.CANCELED: TwilioStatus.FAILED,
}
_WENT_OUT: Final = frozenset(
    {TwilioStatus.SENT, TwilioStatus.DELIVERED, TwilioStatus.READ, TwilioStatus.UNDELIVERED}
)
_FAILED: Final = frozenset({TwilioStatus.FAILED, TwilioStatus.UNDELIVERED})
_CODE_DIGITS: Final = 5


def describe_status(message: Message) -> TwilioStatus:
    """Say in Twilio's word where a message is."""
    if message.error_code == CANCELED_BY_PROGRAM:
        return TwilioStatus.CANCELED
    return _STATUSES[message.status]


def describe_failure(message: Message) -> int | None:
    """Give Twilio's code for why a message did not arrive; None where it may still."""
    if describe_status(message) not in _FAILED:
        return None
    if message.opted_out:
        return UNSUBSCRIBED_RECIPIENT_CODE
    given = message.error_code or ""
    if given.isascii() and given.isdigit() and len(given) == _CODE_DIGITS:
        return int(given)
    return _OWN_CODES.get(given, UNKNOWN_ERROR_CODE)


def refusal_code(reason: Reason | None) -> int:
    """Give Twilio's code for the gate's no."""
    return UNKNOWN_ERROR_CODE if reason is None else REASONS[reason].twilio_code


def describe_message(message: Message, account_sid: str) -> MessageResource:
    """Describe a message as the account sees it. Raises `NoSid` for an id that is no message's."""
    status, code = describe_status(message), describe_failure(message)
    is_inbound = message.direction is Direction.INBOUND
    return MessageResource(
        sid=build_message_sid(message.id, media=len(message.media)),
        account_sid=account_sid,
        status=status,
        direction=_describe_direction(message),
        to_number=message.sender if is_inbound else message.recipient,
        from_number=message.recipient if is_inbound else message.sender,
        body=message.body if message.removal is None else "",
        date_created=message.created_at,
        date_updated=message.updated_at,
        date_sent=message.created_at if is_inbound else _sent_at(message, status),
        messaging_service_sid=message.service,
        num_segments=max(1, message.segments),
        num_media=len(message.media),
        error_code=code,
        error_message=None if code is None else message.error_text or describe_error(code),
    )


def is_removed(message: Message) -> bool:
    """Tell whether its program has deleted a message."""
    return message.removal is Removal.WHOLE


def _describe_direction(message: Message) -> TwilioDirection:
    if message.direction is Direction.INBOUND:
        return TwilioDirection.INBOUND
    if message.door is Door.REPLY or message.kind is not MessageKind.MESSAGE:
        return TwilioDirection.OUTBOUND_REPLY
    return TwilioDirection.OUTBOUND_API


def _sent_at(message: Message, status: TwilioStatus) -> datetime | None:
    return message.submitted_at if status in _WENT_OUT else None
