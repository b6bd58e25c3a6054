"""What becomes of a message, told to whoever asked: status by status, in order or shuffled."""

import asyncio
from collections.abc import Iterable

import msgspec

from consentry.simulator.carrier import Carrier, build_sid
from consentry.simulator.faults import FaultKind, WebhookKind
from consentry.simulator.state import MessageKept
from consentry.simulator.values import Message
from consentry.simulator.webhooks import Job, Webhook
from consentry.wire.twilio_errors import describe_error
from consentry.wire.twilio_form import MessageStatus

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
    letter = carrier.dialect.write_report(message)
    if letter is None:
        return
    webhook = Webhook(
        token=build_sid(""),
        kind=WebhookKind.STATUS,
        sid=resource.sid,
        sender=resource.from_number or "",
        recipient=resource.to_number,
        url=message.status_callback,
        pairs=letter.pairs,
        json=letter.json,
        created_at=resource.date_updated,
        created_order=carrier.state.next_order(),
    )
    job = Job(webhook, carrier.dialect.read_address(message.status_callback), account)
    carrier.webhooks.post(job, ("status", resource.sid))
