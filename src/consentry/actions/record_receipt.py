"""A delivery report comes in, in any order, any number of times, early or late."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from consentry.actions.outgoing import cancel_forbidden, join
from consentry.domain.carrier_evidence import confirm_delivery, refuse_by_carrier
from consentry.domain.directory import Sender
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind
from consentry.domain.messages import RANK, Direction, JobState, Message, MessageStatus
from consentry.domain.standing import Block, apply_pieces
from consentry.ports import Change, Facts, Needs, Receipt, StatusReport

REFUSAL_BURST: Final = "refusal_burst"
"""The reason of an entry that keeps a refusal and blocks nobody."""

BURST_ADVICE: Final = (
    "The carrier says of many recipients at once that they opted out. None of them is blocked for "
    "it; look at the sender and its carrier account."
)


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
        if message is None and self._is_of_erased(facts):
            return Recorded(None, self.report.status), Change()
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
            stray = self._learn_stray_refusal(facts)
            burst = has_refusal_burst(stray)
            return Recorded(None, self.report.status, burst), join(kept, stray)
        known = msgspec.structs.replace(
            message,
            carrier_message_id=self.report.carrier_message_id,
            opted_out=message.opted_out or self.report.opted_out,
        )
        learnt = learn_delivery(known, self.report.status, self.report.error_code, facts)
        if self.report.opted_out and not self._is_repeat(message):
            refused = learn_refusal(
                message, facts, code=self.report.error_code, asked_of=self.report.sender
            )
            learnt = join(learnt, refused)
        status = status_after(message, learnt)
        recorded = Recorded(message.id, status, has_refusal_burst(learnt))
        return recorded, join(kept, learnt, _finish(message, facts))

    def _is_of_erased(self, facts: Facts) -> bool:
        """Tell whether it is about a text that was erased, and nothing that protects anybody."""
        report = self.report
        return not report.opted_out and facts.was_erased(
            Direction.OUTBOUND, self.carrier, report.carrier_message_id, report.recipient
        )

    def _learn_stray_refusal(self, facts: Facts) -> Change:
        """Learn from a refusal of a text that is not ours, or not yet known under this id."""
        report = self.report
        sender = facts.directory.senders.get(report.sender)
        if sender is None or not report.opted_out:
            return Change()
        told = _Told(report.recipient, sender, self.carrier, None)
        return _learn(told, facts, submitted_at=self.received_at, code=report.error_code)

    def _is_repeat(self, message: Message) -> bool:
        """Tell whether this refusal was learnt before: it counts once, however often it comes."""
        failed = RANK[message.status] == RANK[MessageStatus.FAILED]
        return failed and message.error_code == self.report.error_code

    def _message(self, facts: Facts) -> Message | None:
        """Find our message.

        A callback is not believed that names a text of another person, or one we never handed over.
        """
        report = self.report
        found = facts.outbound(self.carrier, report.carrier_message_id)
        if found is None and report.message is not None:
            found = facts.message(report.message)
        if found is None or found.recipient != report.recipient:
            return None
        job = facts.job(found.id)
        return None if job is not None and job.attempts == 0 else found


def _finish(message: Message, facts: Facts) -> Change:
    """A receipt proves that the text went out: a job without an answer, or back in line, is over.

    A claimed job is left to the answer of the carrier, which is still to come.
    """
    job = facts.job(message.id)
    if job is None or job.state is JobState.CLAIMED:
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


def status_after(message: Message, change: Change) -> MessageStatus:
    """Say where a change leaves a message; it may cancel others of the same person beside it."""
    written = [m.status for m in change.messages if m.id == message.id]
    return written[-1] if written else message.status


def with_carrier(status: MessageStatus) -> MessageStatus:
    """Read a carrier's own "queued" as sent: it is out of our hands."""
    return status if RANK[status] >= RANK[MessageStatus.SENT] else MessageStatus.SENT


class _Told(msgspec.Struct, frozen=True):
    """Of whom and for which of our texts a carrier told something."""

    recipient: str
    sender: Sender
    carrier: str | None
    message: str | None


def learn_delivery(
    message: Message, status: MessageStatus, error_code: str | None, facts: Facts
) -> Change:
    """Move a message forward; a delivered text opens a block that only a refusal had set."""
    advanced = message
    reached = with_carrier(status)
    if RANK[reached] >= RANK[message.status]:
        # A sentence stays only with the code that it explains.
        same = error_code is not None and error_code == message.error_code
        text = message.error_text if same else None
        advanced = msgspec.structs.replace(
            message, status=reached, updated_at=facts.now, error_code=error_code, error_text=text
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
    told = _Told(message.recipient, sender, message.carrier, message.id)
    entry = _carrier_entry(entry_id, EntryKind.CARRIER_DELIVERED, told, pieces=opened, facts=facts)
    return join(change, Change(entries=(entry,)))


def learn_refusal(
    message: Message, facts: Facts, *, code: str | None, asked_of: str | None = None
) -> Change:
    """Learn from an "opted out" of the carrier that the pair is blocked.

    A burst of such refusals is a fault of the sender or the account, not of hundreds of people:
    then the refusal is kept and blocks nobody, and the entry says so. `asked_of` is the sender
    whose refusals were asked for, where the report names another one of a messaging service.
    """
    sender = facts.directory.senders.get(message.sender)
    if sender is None:
        return Change()
    told = _Told(message.recipient, sender, message.carrier, message.id)
    submitted_at = message.submitted_at or facts.now
    return _learn(told, facts, submitted_at=submitted_at, code=code, asked_of=asked_of)


def _learn(
    told: _Told,
    facts: Facts,
    *,
    submitted_at: datetime,
    code: str | None,
    asked_of: str | None = None,
) -> Change:
    window = timedelta(seconds=facts.policy.refusal_burst_window_seconds)
    counted = facts.refusals_since(asked_of or told.sender.number, facts.now - window)
    burst = counted >= facts.policy.refusal_burst_count
    standing, entry_id = facts.standing(told.recipient), facts.ids.new("ent")
    blocks = refuse_by_carrier(
        standing, told.sender, submitted_at=submitted_at, now=facts.now, entry=entry_id
    )
    pieces = () if burst else blocks
    entry = _carrier_entry(
        entry_id,
        EntryKind.CARRIER_REFUSED,
        told,
        pieces=pieces,
        facts=facts,
        reason=REFUSAL_BURST if burst else code,
    )
    change = Change(entries=(entry,))
    if not pieces:
        return change
    after = apply_pieces(standing, pieces)
    return join(change, cancel_forbidden(told.recipient, after, facts))


def _carrier_entry(
    entry_id: str,
    kind: EntryKind,
    told: _Told,
    *,
    pieces: tuple[Block, ...],
    facts: Facts,
    reason: str | None = None,
) -> Entry:
    return Entry(
        id=entry_id,
        recipient=told.recipient,
        kind=kind,
        at=facts.now,
        recorded_at=facts.now,
        actor=Actor(ActorKind.CARRIER, told.carrier),
        sender=told.sender.number,
        message=told.message,
        reason=reason,
        pieces=pieces,
    )
