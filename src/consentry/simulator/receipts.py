"""What becomes of a message, told to whoever asked: status by status, in order or shuffled."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

import msgspec

from consentry.simulator.carrier import Carrier, build_sid, read_address
from consentry.simulator.faults import FaultKind, WebhookKind
from consentry.simulator.state import MessageKept
from consentry.simulator.values import Message
from consentry.simulator.webhooks import Job, Webhook
from consentry.wire.twilio_errors import describe_error
from consentry.wire.twilio_form import MessageStatus, StatusCallback, build_status_pairs

_ON_THE_HANDSET = frozenset({MessageStatus.SENT, MessageStatus.DELIVERED})


class Step(msgspec.Struct, frozen=True):
    """One change of a message's status, and the code where it is a failure."""

    status: MessageStatus
    code: int | None = None


async def report_steps(carrier: Carrier, message: Message, steps: Iterable[Step]) -> None:
    """Take a message through its statuses and report each, a short while apart."""
    resource = message.resource
    sender, recipient = resource.from_number or "", resource.to_number
    shuffled = carrier.faults.draw(FaultKind.SHUFFLED_RECEIPTS, sender, recipient)
    held = []
    for step in steps:
        await asyncio.sleep(carrier.config.receipt_delay_seconds)
        current = advance_message(carrier, resource.sid, step)
        if current is None:
            return
        if shuffled is None:
            report_status(carrier, current)
        else:
            held.append(current)
    if held:
        in_order = list(held)
        carrier.faults.dice(FaultKind.SHUFFLED_RECEIPTS).shuffle(held)
        # A shuffle may leave everything in place; asked for disorder, we give disorder.
        for current in reversed(held) if held == in_order else held:
            report_status(carrier, current)


def advance_message(carrier: Carrier, sid: str, step: Step) -> Message | None:
    """Write a status into the log; None where the message was deleted meanwhile."""
    message = carrier.state.messages.get(sid)
    if message is None:
        return None
    now = carrier.now()
    resource = message.resource
    sent = resource.date_sent or (now if step.status in _ON_THE_HANDSET else None)
    changed = msgspec.structs.replace(
        resource,
        status=step.status,
        date_updated=now,
        date_sent=sent,
        error_code=step.code,
        error_message=None if step.code is None else describe_error(step.code),
    )
    advanced = msgspec.structs.replace(message, resource=changed)
    carrier.books.record(MessageKept(advanced))
    return advanced


def report_status(carrier: Carrier, message: Message) -> None:
    """Post the status that a message has now, where a report was asked for."""
    resource = message.resource
    account = carrier.accounts.get(resource.account_sid)
    # A journal may hold messages of an account that is no longer configured.
    if message.status_callback is None or account is None:
        return
    callback = StatusCallback(
        message_sid=resource.sid,
        status=resource.status,
        to_number=resource.to_number,
        from_number=resource.from_number,
        account_sid=resource.account_sid,
        messaging_service_sid=resource.messaging_service_sid,
        error_code=resource.error_code,
        error_message=resource.error_message,
        raw_dlr_done_at=_done_at(message),
    )
    webhook = Webhook(
        token=build_sid(""),
        kind=WebhookKind.STATUS,
        sid=resource.sid,
        sender=resource.from_number or "",
        recipient=resource.to_number,
        url=message.status_callback,
        pairs=build_status_pairs(callback),
        created_at=resource.date_updated,
        created_order=carrier.state.next_order(),
    )
    job = Job(webhook, read_address(message.status_callback), account)
    carrier.webhooks.post(job, ("status", resource.sid))


def _done_at(message: Message) -> datetime | None:
    # Only a report from the far carrier carries its own time.
    done = message.resource.status in {MessageStatus.DELIVERED, MessageStatus.UNDELIVERED}
    return message.resource.date_updated if done else None
