"""Putting a text in the outbox: what every action that sends shares."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from consentry.domain.directory import Purpose
from consentry.domain.entries import Actor, Entry, EntryKind
from consentry.domain.gate import (
    Decision,
    Door,
    Facts,
    MessageKind,
    Request,
    Verdict,
    decide,
)
from consentry.domain.messages import (
    Callback,
    Direction,
    Job,
    JobState,
    Message,
    MessageStatus,
    request_of,
)
from consentry.domain.reasons import REASONS, Reason
from consentry.domain.solicitations import Wait, spread_due
from consentry.domain.standing import Piece, Standing
from consentry.ports import Change, Work
from consentry.ports import Facts as StoredFacts
from consentry.wire.gsm7 import count_segments

_NOTHING: Final = Change()
_FORBIDDEN: Final = 403


class Queued(msgspec.Struct, frozen=True, gc=False):
    """What came of a text: the gate's decision, the message if it was let in, what to write."""

    decision: Decision
    message: Message | None
    change: Change


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A text somebody wants to send. Times are aware UTC.

    `message` is the id that an opt-in request has before it is made; any other text gets a new one.
    """

    recipient: str
    sender: str
    body: str
    actor: Actor
    kind: MessageKind = MessageKind.MESSAGE
    media: tuple[str, ...] = ()
    door: Door = Door.REPLY
    purpose: Purpose | None = None
    program: str | None = None
    send_at: datetime | None = None
    expires_at: datetime | None = None
    callback: Callback | None = None
    service: str | None = None
    message: str | None = None


def _message_of(draft: Draft, segments: int, facts: StoredFacts) -> Message:
    later = draft.send_at is not None and draft.send_at > facts.now
    sender = facts.directory.senders.get(draft.sender)
    return Message(
        id=draft.message or facts.ids.new("msg"),
        recipient=draft.recipient,
        sender=draft.sender,
        direction=Direction.OUTBOUND,
        status=MessageStatus.SCHEDULED if later else MessageStatus.QUEUED,
        body=draft.body,
        created_at=facts.now,
        updated_at=facts.now,
        actor=draft.actor,
        kind=draft.kind,
        media=draft.media,
        segments=segments,
        purpose=draft.purpose,
        program=draft.program,
        door=draft.door,
        carrier=None if sender is None else sender.carrier,
        callback=draft.callback,
        service=draft.service,
    )


def request_of_draft(draft: Draft) -> Request:
    """Ask the gate about a text that somebody wants to send."""
    return Request(
        recipient=draft.recipient,
        sender=draft.sender,
        purpose=draft.purpose,
        program=draft.program,
        door=draft.door,
        kind=draft.kind,
        body=draft.body,
        media=len(draft.media),
        segments=count_segments(draft.body).segments,
        message=draft.message,
        send_at=draft.send_at,
        expires_at=draft.expires_at,
    )


def kept_request(request: Request, decision: Decision) -> Request:
    """Keep a question for the ledger, with its body only where the answer turned on it."""
    if decision.reason is Reason.BODY_INVALID:
        return request
    return msgspec.structs.replace(request, body=None)


def queue_text(
    draft: Draft, standing: Standing, facts: StoredFacts, *, may_wait: bool = True
) -> Queued:
    """Ask the gate about a text and put it in the outbox, or record why it was refused.

    What the gate defers waits there, unless it may not wait: then it is refused.
    """
    request = request_of_draft(draft)
    decision = decide(request, Facts(facts.directory, standing), facts.policy, facts.now)
    is_deferred = decision.decision is Verdict.DEFER
    if decision.decision is Verdict.DENY or (is_deferred and not may_wait):
        refused = refusal_entry(draft, decision, facts, request)
        return Queued(decision, None, Change(entries=(refused,)))
    message = msgspec.structs.replace(
        _message_of(draft, request.segments, facts),
        purpose=decision.purpose,
        program=decision.program or draft.program,
    )
    job = Job(
        message=message.id,
        recipient=draft.recipient,
        sender=draft.sender,
        due_at=max(facts.now, draft.send_at or facts.now),
        priority=0 if draft.door is Door.REPLY else 1,
        expires_at=draft.expires_at,
    )
    if is_deferred:
        entry = decision_entry(EntryKind.SEND_DEFERRED, message, request, decision, facts=facts)
        deferred = defer_text(Work(job, message), entry, standing, facts)
        return Queued(decision, deferred.messages[0], deferred)
    entry = decision_entry(EntryKind.SEND_ACCEPTED, message, request, decision, facts=facts)
    return Queued(decision, message, Change(entries=(entry,), messages=(message,), jobs=(job,)))


def defer_text(work: Work, entry: Entry, standing: Standing, facts: StoredFacts) -> Change:
    """Let a text wait until the entry's decision says; the gate is asked again at its claim.

    One without a time to live of its own is given up some time after that: what was news once
    must not arrive as a riddle, and nothing waits for ever.
    """
    job, message, decision = work.job, work.message, entry.decision
    # Whatever is deferred has a time; without one the gate would be asked again at once.
    until = (None if decision is None else decision.until) or facts.now
    expires_at = job.expires_at or until + timedelta(hours=facts.policy.defer_ttl_hours)
    wait = Wait(message.id, until, expires_at)
    due_at = spread_due(wait, message.recipient, standing, facts.policy)
    waiting = msgspec.structs.replace(
        job, state=JobState.QUEUED, due_at=due_at, expires_at=expires_at, claimed_at=None
    )
    scheduled = msgspec.structs.replace(
        message, status=MessageStatus.SCHEDULED, updated_at=facts.now
    )
    return Change(entries=(entry,), messages=(scheduled,), jobs=(waiting,))


def keep_refused(draft: Draft, queued: Queued, facts: StoredFacts) -> Queued:
    """Keep a text that consent forbids as a message that failed right after it was made.

    What is wrong with the request itself is refused as ever.
    """
    reason = queued.decision.reason
    if queued.message is not None or reason is None or REASONS[reason].status != _FORBIDDEN:
        return queued
    message = _message_of(draft, count_segments(draft.body).segments, facts)
    failed = msgspec.structs.replace(
        message,
        status=MessageStatus.FAILED,
        error_code=str(reason),
        error_text=queued.decision.detail,
    )
    (entry,) = queued.change.entries
    entry = msgspec.structs.replace(entry, message=message.id)
    # Both states, in this order: from the step between them its program's notice is made.
    return Queued(queued.decision, message, Change(entries=(entry,), messages=(message, failed)))


def refusal_entry(
    draft: Draft, decision: Decision, facts: StoredFacts, request: Request | None = None
) -> Entry:
    """Record an attempt that was refused: who tried to send what, and why not.

    `request` is what the gate was asked, where its answer can be given again.
    """
    return Entry(
        id=facts.ids.new("ent"),
        recipient=draft.recipient,
        kind=EntryKind.SEND_REFUSED,
        at=facts.now,
        recorded_at=facts.now,
        actor=draft.actor,
        sender=draft.sender,
        program=draft.program,
        text=draft.body,
        reason=None if decision.reason is None else str(decision.reason),
        request=None if request is None else kept_request(request, decision),
        decision=decision,
    )


def cancel_forbidden(recipient: str, standing: Standing, facts: StoredFacts) -> Change:
    """Cancel what waits in the outbox and may no longer go, by asking the gate of each."""
    messages, finished, entries = [], [], []
    for work in facts.queued_work(recipient):
        decision = decide(
            request_of(work.message), Facts(facts.directory, standing), facts.policy, facts.now
        )
        if decision.decision is Verdict.DENY:
            messages.append(canceled(work.message, decision, facts.now))
            finished.append(work.message.id)
            entries.append(cancel_entry(work.message, decision, facts))
    return Change(entries=tuple(entries), messages=tuple(messages), finished_jobs=tuple(finished))


def canceled(message: Message, decision: Decision, now: datetime) -> Message:
    """Mark a message as stopped by the gate before it left."""
    return msgspec.structs.replace(
        message,
        status=MessageStatus.CANCELED,
        updated_at=now,
        error_code=None if decision.reason is None else str(decision.reason),
        error_text=decision.detail,
    )


def cancel_entry(
    message: Message, decision: Decision, facts: StoredFacts, *, request: Request | None = None
) -> Entry:
    """Record that a waiting text was stopped, and by which decision.

    `request` is what the gate was asked, where that is more than the message tells.
    """
    request = request or request_of(message)
    return decision_entry(EntryKind.JOB_CANCELED, message, request, decision, facts=facts)


def give_up(
    message: Message, facts: StoredFacts, *, reason: str, told: str, by: Actor | None = None
) -> Change:
    """Cancel a waiting text for a reason that is not the gate's; it is never dropped silently.

    `by` is who wanted that, where it was not to be.
    """
    entry = Entry(
        id=facts.ids.new("ent"),
        recipient=message.recipient,
        kind=EntryKind.JOB_CANCELED,
        at=facts.now,
        recorded_at=facts.now,
        actor=by or message.actor,
        sender=message.sender,
        message=message.id,
        reason=reason,
    )
    given_up = msgspec.structs.replace(
        message,
        status=MessageStatus.CANCELED,
        updated_at=facts.now,
        error_code=reason,
        error_text=told,
    )
    return Change(entries=(entry,), messages=(given_up,), finished_jobs=(message.id,))


def decision_entry(
    kind: EntryKind,
    message: Message,
    request: Request,
    decision: Decision,
    *,
    facts: StoredFacts,
    pieces: tuple[Piece, ...] = (),
) -> Entry:
    """Record what the gate decided about a message, with the question it was asked."""
    return Entry(
        id=facts.ids.new("ent"),
        recipient=message.recipient,
        kind=kind,
        at=facts.now,
        recorded_at=facts.now,
        actor=message.actor,
        sender=message.sender,
        program=message.program,
        message=message.id,
        reason=None if decision.reason is None else str(decision.reason),
        request=kept_request(request, decision),
        decision=decision,
        pieces=pieces,
    )


def join(*changes: Change) -> Change:
    """Put changes one after the other into one."""
    kept = [change for change in changes if change != _NOTHING]
    if len(kept) == 1:
        return kept[0]
    return Change(
        entries=tuple(e for c in kept for e in c.entries),
        messages=tuple(m for c in kept for m in c.messages),
        jobs=tuple(j for c in kept for j in c.jobs),
        finished_jobs=tuple(f for c in kept for f in c.finished_jobs),
        records=tuple(r for c in kept for r in c.records),
        deleted_customers=tuple(d for c in kept for d in c.deleted_customers),
        notices=tuple(n for c in kept for n in c.notices),
        told=tuple(t for c in kept for t in c.told),
        alike=tuple(a for c in kept for a in c.alike),
    )
