"""A delivery report comes in, in any order, any number of times, early or late."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from consentry.actions.outgoing import cancel_forbidden, join
from consentry.domain.consent import confirm_delivery, refuse_by_carrier
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind
from consentry.domain.messages import RANK, JobState, Message, MessageStatus
from consentry.domain.standing import Block, apply_pieces
from consentry.ports import Change, Facts, Needs, Receipt, StatusReport

REFUSAL_BURST: Final = "refusal_burst"
"""The reason of an entry that keeps a refusal and blocks nobody."""


class Recorded(msgspec.Struct, frozen=True):
    """Which message a receipt was for; None where we do not know it yet."""

    message: str | None
    status: MessageStatus
    refusal_burst: bool = False


class RecordReceipt(msgspec.Struct, frozen=True):
    """A delivery report of a carrier account."""

    carrier: str
    report: StatusReport
    received_at: datetime

    def needs(self) -> Needs:
        """Ask for the message, by our id where the callback names it, and by the carrier's."""
        report = self.report
        return Needs(
            recipients=(report.recipient,),
            outbound=(self.carrier, report.carrier_message_id),
            messages=() if report.message is None else (report.message,),
            queued_jobs=report.opted_out,
            refusals_of=report.sender if report.opted_out else None,
        )

    def decide(self, facts: Facts) -> tuple[Recorded, Change]:
        """Keep the receipt, move the message forward, learn what it says of the block."""
        message = self._message(facts)
        receipt = Receipt(
            id=f"{self.carrier}:{self.report.carrier_message_id}:{self.report.status}",
            carrier=self.carrier,
            carrier_message_id=self.report.carrier_message_id,
            recipient=self.report.recipient,
            status=self.report.status,
            received_at=self.received_at,
            message=None if message is None else message.id,
            error_code=self.report.error_code,
        )
        kept = Change(records=(receipt,))
        if message is None:
            return Recorded(None, self.report.status), kept
        known = msgspec.structs.replace(message, carrier_message_id=self.report.carrier_message_id)
        learnt = learn_delivery(known, self.report.status, self.report.error_code, facts)
        if self.report.opted_out:
            learnt = join(learnt, learn_refusal(learnt.messages[-1], facts))
        recorded = Recorded(message.id, learnt.messages[-1].status, has_refusal_burst(learnt))
        return recorded, join(kept, learnt, _finish(message, facts))

    def _message(self, facts: Facts) -> Message | None:
        """Find our message; a callback that names one of another person is not believed."""
        report = self.report
        found = facts.outbound(self.carrier, report.carrier_message_id)
        if found is None and report.message is not None:
            found = facts.message(report.message)
        if found is None or found.recipient != report.recipient:
            return None
        return found


def _finish(message: Message, facts: Facts) -> Change:
    """A receipt proves that the text went out: a job without an answer, or back in line, is over.

    A claimed job is left to the answer of the carrier, which is still to come.
    """
    job = facts.job(message.id)
    if job is None or job.state is JobState.CLAIMED or job.attempts == 0:
        return Change()
    return Change(finished_jobs=(message.id,))


def went_out(message: Message) -> bool:
    """Tell whether it is proved that the carrier took a text, by its id or by a receipt."""
    return (
        message.carrier_message_id is not None or RANK[message.status] >= RANK[MessageStatus.SENT]
    )


def has_refusal_burst(change: Change) -> bool:
    """Tell whether a refusal was kept without blocking anybody, because too many came at once."""
    return any(entry.reason == REFUSAL_BURST for entry in change.entries)


def learn_delivery(
    message: Message, status: MessageStatus, error_code: str | None, facts: Facts
) -> Change:
    """Move a message forward; a delivered text opens a block that only a refusal had set."""
    advanced = message
    unknown = message.status is MessageStatus.INDETERMINATE
    if unknown or RANK[status] >= RANK[message.status]:
        text = message.error_text if error_code == message.error_code and not unknown else None
        advanced = msgspec.structs.replace(
            message, status=status, updated_at=facts.now, error_code=error_code, error_text=text
        )
    change = Change(messages=(advanced,))
    if status not in (MessageStatus.DELIVERED, MessageStatus.READ):
        return change
    sender = facts.directory.senders.get(message.sender)
    if sender is None or message.submitted_at is None:
        return change
    entry_id = facts.ids.new("ent")
    opened = confirm_delivery(
        facts.standing(message.recipient),
        sender,
        submitted_at=message.submitted_at,
        entry=entry_id,
    )
    if not opened:
        return change
    entry = _carrier_entry(
        entry_id, EntryKind.CARRIER_DELIVERED, message, pieces=opened, facts=facts
    )
    return join(change, Change(entries=(entry,)))


def learn_refusal(message: Message, facts: Facts) -> Change:
    """Learn from an "opted out" of the carrier that the pair is blocked.

    A burst of such refusals is a fault of the sender or the account, not of hundreds of people:
    then the refusal is kept and blocks nobody, and the entry says so.
    """
    sender = facts.directory.senders.get(message.sender)
    if sender is None:
        return Change()
    entry_id = facts.ids.new("ent")
    window = timedelta(seconds=facts.policy.refusal_burst_window_seconds)
    burst = (
        facts.refusals_since(message.sender, facts.now - window) >= facts.policy.refusal_burst_count
    )
    standing = facts.standing(message.recipient)
    pieces = refuse_by_carrier(
        standing, sender, submitted_at=message.submitted_at or facts.now, entry=entry_id
    )
    entry = _carrier_entry(
        entry_id,
        EntryKind.CARRIER_REFUSED,
        message,
        pieces=() if burst else pieces,
        facts=facts,
        reason=REFUSAL_BURST if burst else message.error_code,
    )
    change = Change(entries=(entry,))
    if burst or not pieces:
        return change
    after = apply_pieces(standing, pieces)
    return join(change, cancel_forbidden(message.recipient, after, facts))


def _carrier_entry(
    entry_id: str,
    kind: EntryKind,
    message: Message,
    *,
    pieces: tuple[Block, ...],
    facts: Facts,
    reason: str | None = None,
) -> Entry:
    return Entry(
        id=entry_id,
        recipient=message.recipient,
        kind=kind,
        at=facts.now,
        recorded_at=facts.now,
        actor=Actor(ActorKind.CARRIER, message.carrier),
        sender=message.sender,
        message=message.id,
        reason=reason,
        pieces=pieces,
    )
