"""The last stretch: an accepted message reaches the handset, or a refusal takes its place."""

import asyncio

import msgspec

from consentry.simulator.blocks import find_blocks
from consentry.simulator.carrier import Carrier
from consentry.simulator.faults import FaultKind
from consentry.simulator.receipts import Step, report_steps
from consentry.simulator.state import MessageKept, RefusalKept, TextKept
from consentry.simulator.values import (
    BlockLayer,
    Message,
    Origin,
    Refusal,
    Text,
    TextDirection,
)
from consentry.wire.gsm7 import count_segments
from consentry.wire.twilio_errors import UNSUBSCRIBED_RECIPIENT_CODE
from consentry.wire.twilio_form import MessageStatus

NETWORK_BLOCKED_CODE = 30004


def dispatch_message(carrier: Carrier, message: Message) -> None:
    """Send an accepted message on, at once or after the latency that a fault asks for."""
    resource = message.resource
    sender = resource.from_number or ""
    latency = carrier.faults.draw(FaultKind.LATENCY, sender, resource.to_number)
    if latency is None:
        _hand_over(carrier, message)
    else:
        carrier.webhooks.spawn(_hand_over_later(carrier, message, latency.delay_seconds))


def wait_for_schedule(carrier: Carrier, message: Message) -> None:
    """Send a scheduled message when its time comes, unless it was canceled."""
    carrier.webhooks.spawn(_send_when_due(carrier, message))


async def _hand_over_later(carrier: Carrier, message: Message, seconds: float) -> None:
    await asyncio.sleep(seconds)
    _hand_over(carrier, message)


async def _send_when_due(carrier: Carrier, message: Message) -> None:
    if message.send_at is not None:
        wait = (message.send_at - carrier.now()).total_seconds()
        await asyncio.sleep(max(0.0, wait))
    current = carrier.state.messages.get(message.resource.sid)
    if current is not None and current.resource.status is MessageStatus.SCHEDULED:
        dispatch_message(carrier, current)


def _hand_over(carrier: Carrier, message: Message) -> None:
    """Bring a message to the handset, or refuse it, and report either.

    Blocks are asked again here: one that came after the acceptance still counts.
    """
    message = _assign_sender(carrier, message)
    resource = message.resource
    number = resource.from_number or ""
    steps = [Step(MessageStatus.QUEUED)] if resource.messaging_service_sid else []
    if code := _find_failure(carrier, number, resource.to_number):
        keep_refusal(carrier, message, code)
        steps.append(Step(MessageStatus.FAILED, code))
    elif lost := carrier.faults.draw(FaultKind.UNDELIVERED, number, resource.to_number):
        code = carrier.dialect.own_code(lost.error_code)
        keep_refusal(carrier, message, code)
        steps += [Step(MessageStatus.SENT), Step(MessageStatus.UNDELIVERED, code)]
    else:
        _show_on_handset(carrier, message)
        steps += [Step(MessageStatus.SENT), Step(MessageStatus.DELIVERED)]
    carrier.webhooks.spawn(report_steps(carrier, message, steps))


def _find_failure(carrier: Carrier, number: str, recipient: str) -> int | None:
    sender = carrier.state.senders[number]
    own_code = carrier.dialect.own_code
    layers = {block.layer for block in find_blocks(carrier.state, sender, recipient)}
    if layers - {BlockLayer.NETWORK}:
        return own_code(UNSUBSCRIBED_RECIPIENT_CODE)
    if layers:
        return own_code(NETWORK_BLOCKED_CODE)
    refusal = carrier.faults.draw(FaultKind.ASYNC_REFUSAL, number, recipient)
    return None if refusal is None else own_code(refusal.error_code)


def _assign_sender(carrier: Carrier, message: Message) -> Message:
    """Let a messaging service choose: the number this phone last heard from, else the first."""
    resource = message.resource
    service = resource.messaging_service_sid
    if resource.from_number is not None or service is None:
        return message
    candidates = [sender.number for sender in carrier.senders_of(service)]
    sticky = carrier.state.sticky_senders.get((service, resource.to_number))
    chosen = msgspec.structs.replace(
        resource,
        from_number=sticky if sticky in candidates else candidates[0],
        num_segments=max(1, count_segments(resource.body).segments),
    )
    assigned = msgspec.structs.replace(message, resource=chosen)
    carrier.books.record(MessageKept(assigned))
    return assigned


def _show_on_handset(carrier: Carrier, message: Message) -> None:
    resource = message.resource
    text = Text(
        order=carrier.state.next_order(),
        direction=TextDirection.IN,
        phone=resource.to_number,
        number=resource.from_number or "",
        body=resource.body,
        at=carrier.now(),
        origin=Origin.SENDER,
        sid=resource.sid,
    )
    carrier.books.record(TextKept(text))


def keep_refusal(carrier: Carrier, message: Message, code: int) -> None:
    """Remember for the handset's page what never came."""
    resource = message.resource
    refusal = Refusal(
        order=carrier.state.next_order(),
        phone=resource.to_number,
        number=resource.from_number or "",
        body=resource.body,
        at=carrier.now(),
        code=code,
        sid=resource.sid,
    )
    carrier.books.record(RefusalKept(refusal))
