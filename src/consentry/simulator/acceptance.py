"""Whether a message is taken: Twilio's checks in Twilio's order, each with Twilio's code."""

import re
from datetime import datetime, timedelta
from typing import NoReturn

import msgspec

from consentry.simulator.blocks import find_blocks, set_blocks, usual_layer
from consentry.simulator.carrier import Carrier
from consentry.simulator.delivery import dispatch_message, keep_refusal, wait_for_schedule
from consentry.simulator.faults import FaultKind
from consentry.simulator.receipts import Step, advance_message, report_status
from consentry.simulator.state import MessageDropped, MessageKept
from consentry.simulator.values import Account, BlockCause, BlockLayer, Message, Sender
from consentry.wire.gsm7 import count_segments
from consentry.wire.twilio_create import CreateMessage
from consentry.wire.twilio_errors import UNSUBSCRIBED_RECIPIENT_CODE, refuse
from consentry.wire.twilio_form import MessageStatus
from consentry.wire.twilio_message import Direction, MessageResource
from consentry.wire.webhook_address import WebhookAddressError

SCHEDULE_MIN = timedelta(minutes=5)
SCHEDULE_MAX = timedelta(days=35)
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SENDER_SHAPE = re.compile(r"\+?[0-9]{3,15}|[A-Za-z0-9 ]{1,11}")
_IN_FLIGHT = frozenset(
    {
        MessageStatus.ACCEPTED,
        MessageStatus.QUEUED,
        MessageStatus.SENDING,
        MessageStatus.SCHEDULED,
    }
)


def accept_message(carrier: Carrier, account: Account, create: CreateMessage) -> Message:
    """Accept a message, or raise TwilioRefusedError with the code Twilio would answer.

    Other carriers answer with their own code for it.

    What is returned is the message at the moment of acceptance; it is under way already.
    """
    sender = _find_sender(carrier, account, create)
    recipient = read_recipient(create.to_number)
    _check_callback(carrier, create.status_callback)
    _check_schedule(carrier.now(), create)
    message = _build_message(carrier, account, create, sender)
    _roll_hidden_block(carrier, message, recipient)
    if sender is not None and carrier.dialect.refuses_at_once and not create.messaging_service_sid:
        _check_blocks(carrier, sender, message)
    carrier.books.record(MessageKept(message))
    if create.send_at is None:
        dispatch_message(carrier, message)
    else:
        wait_for_schedule(carrier, message)
    return message


def send_reply(carrier: Carrier, sender: Sender, phone: str, body: str) -> None:
    """Send what a webhook's TwiML asks for; a block refuses it in the log, not in an answer."""
    account = carrier.account_of(sender)
    create = CreateMessage(to_number=phone, from_number=sender.number, body=body)
    message = _build_message(carrier, account, create, sender)
    resource = msgspec.structs.replace(message.resource, direction=Direction.OUTBOUND_REPLY)
    message = msgspec.structs.replace(message, resource=resource)
    carrier.books.record(MessageKept(message))
    dispatch_message(carrier, message)


def cancel_message(carrier: Carrier, message: Message) -> Message:
    """Cancel a scheduled message; raises TwilioRefusedError where it is too late."""
    if message.resource.status is not MessageStatus.SCHEDULED:
        raise refuse(30409)
    canceled = advance_message(carrier, message.resource.sid, Step(MessageStatus.CANCELED))
    if canceled is None:
        raise refuse(20404, message.resource.uri)
    report_status(carrier, canceled)
    return canceled


def redact_message(carrier: Carrier, message: Message) -> Message:
    """Empty a message's body in the log; raises TwilioRefusedError while it is under way."""
    _check_settled(message)
    resource = msgspec.structs.replace(message.resource, body="", date_updated=carrier.now())
    redacted = msgspec.structs.replace(message, resource=resource)
    carrier.books.record(MessageKept(redacted))
    return redacted


def delete_message(carrier: Carrier, message: Message) -> None:
    """Delete a message from the log; raises TwilioRefusedError while it is under way."""
    _check_settled(message)
    carrier.books.record(MessageDropped(message.resource.sid))


def read_recipient(text: str) -> str:
    """Read a number as Twilio does, spaces and brackets aside; refuses with 21211."""
    compact = re.sub(r"[\s().-]", "", text)
    if _E164.fullmatch(compact) is None:
        raise refuse(21211, text)
    return compact


def block_behind_our_back(
    carrier: Carrier, sender: Sender, recipient: str, layer: BlockLayer | None = None
) -> None:
    """Block a pair without any text, as carriers do for reassigned numbers."""
    set_blocks(
        carrier.books,
        sender,
        recipient,
        layers=[layer or usual_layer(sender.kind)],
        cause=BlockCause.CARRIER,
        now=carrier.now(),
    )


def _check_settled(message: Message) -> None:
    if message.resource.status in _IN_FLIGHT:
        raise refuse(20009)


def _find_sender(carrier: Carrier, account: Account, create: CreateMessage) -> Sender | None:
    """Find the number that sends; None leaves the choice to the messaging service."""
    service = create.messaging_service_sid
    if service is not None:
        _check_service(carrier, service)
    if create.from_number is None:
        return None
    sender = carrier.state.senders.get(create.from_number)
    if sender is None or carrier.account_of(sender).sid != account.sid:
        _refuse_sender(create.from_number)
    if service is not None and sender.messaging_service_sid != service:
        _refuse_sender(create.from_number)
    return sender


def _check_service(carrier: Carrier, service: str) -> None:
    if service not in carrier.state.services:
        raise refuse(21701, service)
    if not carrier.senders_of(service):
        raise refuse(21703, service)


def _refuse_sender(number: str) -> NoReturn:
    raise refuse(21606 if _SENDER_SHAPE.fullmatch(number) else 21212, number)


def _check_callback(carrier: Carrier, url: str | None) -> None:
    if url is None:
        return
    try:
        carrier.dialect.read_address(url)
    except WebhookAddressError:
        raise refuse(21609, url) from None


def _check_schedule(now: datetime, create: CreateMessage) -> None:
    if create.send_at is None:
        return
    if create.messaging_service_sid is None:
        raise refuse(35118)
    if not now + SCHEDULE_MIN <= create.send_at <= now + SCHEDULE_MAX:
        raise refuse(35115, create.send_at.isoformat())


def _roll_hidden_block(carrier: Carrier, message: Message, recipient: str) -> None:
    resource = message.resource
    service = resource.messaging_service_sid
    candidates = carrier.senders_of(service) if service is not None else []
    number = resource.from_number or candidates[0].number
    if fault := carrier.faults.draw(FaultKind.BLOCK_BEHIND_OUR_BACK, number, recipient):
        sender = carrier.state.senders[number]
        block_behind_our_back(carrier, sender, recipient, fault.layer)


def _check_blocks(carrier: Carrier, sender: Sender, message: Message) -> None:
    """Refuse at once what goes out by number; a messaging service refuses later, in a report."""
    blocks = find_blocks(carrier.state, sender, message.resource.to_number)
    # The toll-free network is beyond Twilio: what only it blocks is accepted first.
    if any(block.layer is not BlockLayer.NETWORK for block in blocks):
        code = carrier.dialect.own_code(UNSUBSCRIBED_RECIPIENT_CODE)
        keep_refusal(carrier, message, code)
        raise refuse(UNSUBSCRIBED_RECIPIENT_CODE)


def _build_message(
    carrier: Carrier, account: Account, create: CreateMessage, sender: Sender | None
) -> Message:
    now = carrier.now()
    by_service = create.messaging_service_sid is not None
    status = MessageStatus.ACCEPTED if by_service else MessageStatus.QUEUED
    segments = max(1, count_segments(create.body).segments)
    resource = MessageResource(
        sid=carrier.dialect.make_id(bool(create.media_urls)),
        account_sid=account.sid,
        status=status if create.send_at is None else MessageStatus.SCHEDULED,
        direction=Direction.OUTBOUND_API,
        to_number=read_recipient(create.to_number),
        from_number=None if sender is None else sender.number,
        body=create.body,
        date_created=now,
        date_updated=now,
        messaging_service_sid=create.messaging_service_sid,
        # A messaging service has chosen no sender yet, and so no segments.
        num_segments=segments if sender is not None else 0,
        num_media=len(create.media_urls),
    )
    return Message(
        resource,
        accepted_at=now,
        accepted_order=carrier.state.next_order(),
        status_callback=create.status_callback,
        send_at=create.send_at,
    )
