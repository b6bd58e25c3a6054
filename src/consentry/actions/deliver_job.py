"""A job goes to the carrier: claimed behind a second gate, handed over once, recorded."""

from datetime import datetime, timedelta
from typing import assert_never

import msgspec

from consentry.actions.outgoing import (
    cancel_entry,
    canceled,
    decision_entry,
    defer_text,
    give_up,
    join,
)
from consentry.actions.record_receipt import (
    has_refusal_burst,
    learn_delivery,
    learn_refusal,
    status_after,
    went_out,
    with_carrier,
)
from consentry.domain.directory import Purpose
from consentry.domain.double_opt_in import note_sent
from consentry.domain.entries import EntryKind
from consentry.domain.gate import (
    OUR_ANSWERS,
    MessageKind,
    Request,
    Verdict,
    decide,
    is_solicitation,
)
from consentry.domain.gate import Facts as GateFacts
from consentry.domain.messages import RANK, Job, JobState, Message, MessageStatus, request_of
from consentry.domain.solicitations import note_solicitation
from consentry.domain.standing import Piece, Solicitation, Standing, Thread, apply_pieces
from consentry.ports import (
    Accepted,
    CarrierRefusal,
    Change,
    Facts,
    Needs,
    Receipt,
    Submission,
    Unanswered,
    Withheld,
    Work,
)

ATTEMPTS_MAX = 6
SEALED_RETRY_SECONDS = 60
"""How long a text waits that cannot be opened, before its key is looked for again."""

_FIRST_DELAY_SECONDS = 2.0
_DELAY_SECONDS_MAX = 300.0
_EXPIRED = "Its time to live was over before it could be sent."


def retry_delay_seconds(attempts: int) -> float:
    """Wait twice as long after each attempt: 2, 4, 8 … at most 300 seconds."""
    return min(_FIRST_DELAY_SECONDS * 2.0 ** max(0, attempts - 1), _DELAY_SECONDS_MAX)


class ClaimJobs(msgspec.Struct, frozen=True):
    """Claim due jobs for the carrier: `due` says for each sender how many it may send now.

    `process` is who claims them and will hand them over.
    """

    due: tuple[tuple[str, int], ...]
    process: str

    def needs(self) -> Needs:
        """Ask for the due jobs; the store loads the standings of their recipients."""
        return Needs(due_jobs=self.due)

    def decide(self, facts: Facts) -> tuple[tuple[Work, ...], Change]:
        """Ask the gate again for each job, in the transaction that claims it."""
        claimed: list[Work] = []
        changes: list[Change] = []
        standings: dict[str, Standing] = {}
        for work in facts.due_work():
            recipient = work.job.recipient
            standing = standings.get(recipient) or facts.standing(recipient)
            taken, change = _claim(work, standing, facts, self.process)
            for entry in change.entries:
                standing = apply_pieces(standing, entry.pieces)
            standings[recipient] = standing
            changes.append(change)
            if taken is not None:
                claimed.append(taken)
        return tuple(claimed), join(*changes)


def _claim(
    work: Work, standing: Standing, facts: Facts, process: str
) -> tuple[Work | None, Change]:
    message, job = work.message, work.job
    if work.is_sealed:
        # It keeps its place until the key is there. A STOP meanwhile cancels it like any other.
        later = facts.now + timedelta(seconds=SEALED_RETRY_SECONDS)
        return None, Change(jobs=(msgspec.structs.replace(job, due_at=later),))
    request = _request_of_work(work)
    decision = decide(request, GateFacts(facts.directory, standing), facts.policy, facts.now)
    if decision.decision is Verdict.DEFER:
        entry = decision_entry(EntryKind.JOB_DEFERRED, message, request, decision, facts=facts)
        return None, defer_text(work, entry, standing, facts)
    if decision.decision is Verdict.DENY:
        return None, Change(
            entries=(cancel_entry(message, decision, facts, request=request),),
            messages=(canceled(message, decision, facts.now),),
            finished_jobs=(message.id,),
        )
    if job.expires_at is not None and job.expires_at < facts.now:
        return None, give_up(message, facts, reason="expired", told=_EXPIRED)
    pieces = _changed_by(message, request, standing, facts)
    entry = decision_entry(
        EntryKind.JOB_CLAIMED, message, request, decision, facts=facts, pieces=pieces
    )
    taken = msgspec.structs.replace(
        job,
        state=JobState.CLAIMED,
        attempts=job.attempts + 1,
        claimed_at=facts.now,
        process=process,
    )
    sending = msgspec.structs.replace(
        message,
        status=MessageStatus.SENDING,
        updated_at=facts.now,
        submitted_at=facts.now,
        carrier=facts.directory.senders[message.sender].carrier,
    )
    return Work(taken, sending), Change(entries=(entry,), messages=(sending,), jobs=(taken,))


def _request_of_work(work: Work) -> Request:
    """Ask about a stored text; of marketing, how long it may wait and whether it went before."""
    message, job = work.message, work.job
    request = request_of(message)
    if message.purpose is not Purpose.MARKETING or not is_solicitation(request):
        return request
    again = message.id if job.attempts else None
    return msgspec.structs.replace(request, expires_at=job.expires_at, message=again)


def _changed_by(
    message: Message, request: Request, standing: Standing, facts: Facts
) -> tuple[Piece, ...]:
    """Note in the standing that a text is handed over, and count it where it is a solicitation."""
    thread = _texted(standing.thread(message.sender), message, facts.now)
    if message.kind is MessageKind.OPT_IN_REQUEST:
        return thread, *note_sent(
            standing, message.program, facts.now, hours=facts.policy.opt_in_hours
        )
    if message.purpose is not Purpose.MARKETING or not is_solicitation(request):
        return (thread,)
    brand = facts.directory.senders[message.sender].brand
    return thread, note_solicitation(standing, brand, Solicitation(message.id, facts.now))


def _texted(thread: Thread, message: Message, now: datetime) -> Thread:
    is_ours = message.kind in OUR_ANSWERS
    purpose = thread.last_outbound_purpose if is_ours else message.purpose
    texted = msgspec.structs.replace(thread, last_outbound_at=now, last_outbound_purpose=purpose)
    if message.kind is not MessageKind.OPT_OUT_CONFIRMATION:
        return texted
    return msgspec.structs.replace(texted, confirmation_at=now)


class Settled(msgspec.Struct, frozen=True):
    """Where an answer led: the message's status, and whether refusals come in a burst."""

    status: MessageStatus | None
    refusal_burst: bool = False


class RecordSubmission(msgspec.Struct, frozen=True):
    """Write down what the carrier answered to one claimed job.

    `attempt` is the job's count when it was claimed: an answer that is noted a second time, when
    the job is back in line or claimed again, must not put it in line once more.
    """

    message: str
    recipient: str
    sender: str
    carrier: str
    submission: Submission
    attempt: int

    def needs(self) -> Needs:
        """Ask for the message, its job, and receipts that were faster than this answer."""
        answer = self.submission
        receipts = None
        if isinstance(answer, Accepted):
            receipts = (self.carrier, answer.carrier_message_id)
        refused = isinstance(answer, CarrierRefusal) and answer.opted_out
        return Needs(
            recipients=(self.recipient,),
            messages=(self.message,),
            unmatched_receipts=receipts,
            queued_jobs=refused,
            refusals_of=self.sender if refused else None,
        )

    def decide(self, facts: Facts) -> tuple[Settled, Change]:
        """Decide by the kind of answer; a message that is unknown by now changes nothing."""
        message, job = facts.message(self.message), facts.job(self.message)
        if message is None:
            return Settled(None), Change()
        change = self._change(message, job, facts)
        return Settled(status_after(message, change), has_refusal_burst(change)), change

    def _change(self, message: Message, job: Job | None, facts: Facts) -> Change:
        overtaken = job is not None and (
            job.state is JobState.QUEUED or job.attempts != self.attempt
        )
        match self.submission:
            case Accepted() as accepted:
                return record_accepted(message, accepted, facts)
            case CarrierRefusal(opted_out=True) as refusal if overtaken:
                return learn_refusal(message, facts, code=refusal.code)
            case CarrierRefusal() | Unanswered() | Withheld() if overtaken:
                return Change()
            case CarrierRefusal() as refusal:
                return _record_refusal(message, job, refusal, facts)
            case Unanswered() as unanswered:
                return _record_silence(message, job, unanswered, facts)
            case Withheld():
                return _put_back(message, job, facts)
            case never:
                assert_never(never)


def record_accepted(message: Message, accepted: Accepted, facts: Facts) -> Change:
    """Note the carrier's id, and catch up with receipts that came before it."""
    known = msgspec.structs.replace(
        message, updated_at=facts.now, carrier_message_id=accepted.carrier_message_id
    )
    status = with_carrier(accepted.status)
    if RANK[status] >= RANK[message.status]:
        known = msgspec.structs.replace(known, status=status, error_code=None, error_text=None)
    change = Change(messages=(known,), finished_jobs=(message.id,))
    carrier = message.carrier or ""
    for receipt in facts.unmatched_receipts(carrier, accepted.carrier_message_id):
        change = join(change, _catch_up(change.messages[-1], receipt, facts))
    return change


def _catch_up(message: Message, receipt: Receipt, facts: Facts) -> Change:
    matched = msgspec.structs.replace(receipt, message=message.id)
    learnt = learn_delivery(message, receipt.status, receipt.error_code, facts)
    return join(learnt, Change(records=(matched,)))


def _record_refusal(
    message: Message, job: Job | None, refusal: CarrierRefusal, facts: Facts
) -> Change:
    if went_out(message):
        change = Change(finished_jobs=(message.id,))
    elif job is not None and _may_retry(job, refusal):
        delay = refusal.retry_after_seconds or retry_delay_seconds(job.attempts)
        return requeue(message, job, due_at=facts.now + timedelta(seconds=delay), facts=facts)
    else:
        failed = msgspec.structs.replace(
            message,
            status=MessageStatus.FAILED,
            updated_at=facts.now,
            error_code=refusal.code,
            error_text=refusal.text,
            opted_out=refusal.opted_out,
        )
        change = Change(messages=(failed,), finished_jobs=(message.id,))
    if not refusal.opted_out:
        return change
    return join(change, learn_refusal(message, facts, code=refusal.code))


def _put_back(message: Message, job: Job | None, facts: Facts) -> Change:
    """Let a text that was not handed over wait again; it was no attempt of the carrier's."""
    if job is None or went_out(message):
        return Change(finished_jobs=(message.id,))
    return requeue(message, job, due_at=facts.now, facts=facts)


def _may_retry(job: Job, refusal: CarrierRefusal) -> bool:
    passing = not refusal.permanent and not refusal.opted_out
    return passing and job.attempts < ATTEMPTS_MAX


def requeue(message: Message, job: Job, *, due_at: datetime, facts: Facts) -> Change:
    """Put a job back that surely did not go out; the gate is asked again when it is claimed."""
    again = msgspec.structs.replace(job, state=JobState.QUEUED, due_at=due_at, claimed_at=None)
    waiting = msgspec.structs.replace(
        message, status=MessageStatus.QUEUED, updated_at=facts.now, submitted_at=None
    )
    return Change(messages=(waiting,), jobs=(again,))


def _record_silence(
    message: Message, job: Job | None, unanswered: Unanswered, facts: Facts
) -> Change:
    """No answer: it may have gone out. Only the carrier's list or a receipt can tell."""
    if job is None or went_out(message):
        return Change(finished_jobs=(message.id,))
    unknown = msgspec.structs.replace(
        message,
        status=MessageStatus.INDETERMINATE,
        updated_at=facts.now,
        error_text=unanswered.text,
    )
    waiting = msgspec.structs.replace(job, state=JobState.INDETERMINATE)
    return Change(messages=(unknown,), jobs=(waiting,))


class RecoverJobs(msgspec.Struct, frozen=True):
    """Jobs that are claimed and carried by nobody may or may not have gone out.

    `jobs` are as they were read. Only those change that are still so, and that are `process`'s
    own or those of a process that is no more. None is sent again.
    """

    process: str
    jobs: tuple[Job, ...]

    def needs(self) -> Needs:
        """Ask for the jobs, and for who is alive."""
        return Needs(messages=tuple(job.message for job in self.jobs), processes=True)

    def decide(self, facts: Facts) -> tuple[int, Change]:
        """Mark them indeterminate, and say how many there were."""
        silence = Unanswered("The server stopped between handing this text over and noting it.")
        others = {process.id for process in facts.processes()} - {self.process}
        changes = []
        for known in self.jobs:
            message, job = facts.message(known.message), facts.job(known.message)
            if message is not None and job == known and job.process not in others:
                changes.append(_record_silence(message, job, silence, facts))
        return len(changes), join(*changes)


class ResolveIndeterminate(msgspec.Struct, frozen=True):
    """What the carrier's own list says of an indeterminate job: there, or not there.

    `attempt` is the job's count when the list was asked: what it says of one attempt, and says
    late, must not be taken for the next one.
    """

    message: str
    recipient: str
    carrier: str
    found: Accepted | None
    attempt: int

    def needs(self) -> Needs:
        """Ask for the message and its job."""
        return Needs(
            recipients=(self.recipient,),
            messages=(self.message,),
            unmatched_receipts=None
            if self.found is None
            else (self.carrier, self.found.carrier_message_id),
        )

    def decide(self, facts: Facts) -> tuple[MessageStatus | None, Change]:
        """Found: it went out. Not there: it did not, so it may be claimed again."""
        message, job = facts.message(self.message), facts.job(self.message)
        if message is None or job is None or job.state is not JobState.INDETERMINATE:
            return None, Change()
        if job.attempts != self.attempt:
            return None, Change()
        if self.found is not None:
            change = record_accepted(message, self.found, facts)
        elif job.attempts < ATTEMPTS_MAX:
            change = requeue(message, job, due_at=facts.now, facts=facts)
        else:
            refusal = CarrierRefusal(
                permanent=True,
                opted_out=False,
                code="unanswered",
                text="The carrier gave no answer, and its list does not have this text.",
            )
            change = _record_refusal(message, job, refusal, facts)
        return status_after(message, change), change
