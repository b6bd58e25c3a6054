"""What the API shows of the inside: plain values without the ledger's own markings."""

from datetime import date, datetime

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.check_readiness import Readiness
from consentry.actions.replay import PastDecision
from consentry.domain.directory import Directory
from consentry.domain.entries import Entry, Evidence
from consentry.domain.gate import Decision, Verdict
from consentry.domain.legal_clock import LegalClock
from consentry.domain.reading import BlockLayer
from consentry.domain.reasons import Reason
from consentry.domain.same_question import Ruled
from consentry.domain.standing import (
    EVERYTHING,
    Block,
    BlockState,
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    Suppression,
)
from consentry.domain.written_consent import judge_written, look_up


class BlockView(msgspec.Struct, frozen=True, gc=False):
    """A refusal between a recipient and a sender or messaging service (`scope`)."""

    scope: str
    layer: BlockLayer
    state: BlockState
    cause: Cause
    since: datetime
    changed_at: datetime
    entry: str
    by_person: bool


class ConsentView(msgspec.Struct, frozen=True, gc=False):
    """The standing of a recipient with a program; `entry` is the ledger entry behind it.

    `answer_by`: until when the handset may say yes to what it was asked. `call_to_action`: the
    version that the person was shown.
    `not_subscriber`, only where it is so: who gave it does not have the number.
    """

    program: str
    state: ConsentState
    level: ConsentLevel
    since: datetime
    changed_at: datetime
    entry: str
    by_person: bool
    expires_at: datetime | None
    answer_by: datetime | None = None
    call_to_action: str | None = None
    not_subscriber: bool | UnsetType = UNSET


class ItemView(msgspec.Struct, frozen=True):
    """One thing that express written consent needs. `where` is the field that shows it."""

    id: str
    says: str
    is_met: bool
    where: str
    source: str


class ChecklistView(msgspec.Struct, frozen=True):
    """What express written consent needs, held against the evidence of a grant (its `entry`)."""

    program: str
    entry: str
    is_met: bool
    items: list[ItemView]


class ClockView(msgspec.Struct, frozen=True):
    """The legal clock of an opt-out that was told to us.

    It is in force since `honoured_at`; the law asked for it by the end of `due_on`, so many
    business days after `received_at` (US federal holidays are none, days are Washington's).
    """

    received_at: datetime
    honoured_at: datetime
    latency_seconds: float
    due_on: date
    business_days: int
    is_late: bool
    regime: str


class SuppressionView(msgspec.Struct, frozen=True, gc=False):
    """A do-not-text for a brand, or for everything (`brand` is null).

    `lifted_for`: the senders that the person has come back to.
    """

    brand: str | None
    cause: Cause
    since: datetime
    entry: str
    by_person: bool
    lifted_for: tuple[str, ...]


class CheckAnswer(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The gate's decision. `reason` is null when allowed; `detail` says what to do next.

    `consent` or `block`: the piece of the standing that it rests on. `rules`: what decided.
    `as_of`: the time that it holds for. `until`: when marketing that is deferred may leave; with a
    `deny`, that it may not live so long. `by_recorded_rules` comes with the answer of a past time:
    false where the ledger does not have what was set up then, so that what it has first stands in.
    """

    decision: Verdict
    reason: Reason | None
    detail: str
    rules: tuple[str, ...]
    policy_version: str
    as_of: datetime
    until: datetime | None = None
    consent: ConsentView | None = None
    block: BlockView | None = None
    by_recorded_rules: bool | None = None


class CheckedRecipient(CheckAnswer, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """The gate's decision about one recipient of many, named as it was given."""

    recipient: str


class StoreReadiness(msgspec.Struct, frozen=True):
    """Whether the database can be read and written now; null: it takes too long to say."""

    reads: bool
    writes: bool | None


class WriterReadiness(msgspec.Struct, frozen=True):
    """Commands that are not durable yet, and how long the oldest has been waiting."""

    waiting: int
    lag_seconds: float


class OutboxReadiness(msgspec.Struct, frozen=True):
    """Texts in the outbox, and how long the oldest that is due has been due."""

    jobs: int | None
    age_seconds: float | None


class LedgerReadiness(msgspec.Struct, frozen=True):
    """Why the ledger's log does not go on here, and what to do; null where it does."""

    held: str | None


class ReadinessView(msgspec.Struct, frozen=True):
    """What a server that is asked whether it is ready tells of itself: counts and seconds."""

    status: str
    store: StoreReadiness
    writer: WriterReadiness
    outbox: OutboxReadiness
    ledger: LedgerReadiness


class ProblemDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error (RFC 9457). `code` is for programs; `detail` says what happened and what to do.

    `decision` comes with a refused text, `line` with a line of a stream, `request_id` with a
    fault of ours: give it to whoever runs this server. `readiness` is what /readyz found.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    decision: CheckAnswer | None = None
    line: int | None = None
    request_id: str | None = None
    readiness: ReadinessView | None = None


def view_readiness(found: Readiness) -> ReadinessView:
    """Show how things stand; seconds to the millisecond."""
    age = found.outbox_age_seconds
    return ReadinessView(
        "ready" if found.not_ready is None else "not_ready",
        StoreReadiness(found.reads, found.writes),
        WriterReadiness(found.waiting, round(found.lag_seconds, 3)),
        OutboxReadiness(found.outbox_jobs, None if age is None else round(age, 3)),
        LedgerReadiness(found.ledger_held or None),
    )


def view_block(block: Block) -> BlockView:
    """Show a block."""
    return BlockView(
        block.scope,
        block.layer,
        block.state,
        block.cause,
        block.since,
        block.changed_at,
        block.entry,
        block.by_person,
    )


def view_consent(consent: Consent, at: datetime | None = None) -> ConsentView:
    """Show a consent: as it was written, or as it stands at a time."""
    return ConsentView(
        consent.program,
        consent.state if at is None else consent.state_at(at),
        consent.level,
        consent.since,
        consent.changed_at,
        consent.entry,
        consent.by_person,
        consent.expires_at,
        None if consent.request is None else consent.request.answer_by,
        consent.call_to_action,
        consent.not_subscriber or UNSET,
    )


def view_checklist(
    entry: Entry, evidence: Evidence | None, directory: Directory
) -> ChecklistView | None:
    """Show the checklist of a grant; None where it is of no program that is there."""
    program = directory.program(entry.program or "")
    if program is None or program.is_conversation or evidence is None:
        return None
    judged = judge_written(look_up(directory, program, evidence))
    items = [ItemView(i.id, i.says, i.is_met, i.where, i.source) for i in judged]
    return ChecklistView(program.id, entry.id, all(i.is_met for i in judged), items)


def view_clock(clock: LegalClock) -> ClockView:
    """Show a legal clock."""
    return ClockView(
        clock.received_at,
        clock.honoured_at,
        clock.latency_seconds,
        clock.due_on,
        clock.business_days,
        clock.is_late,
        clock.regime,
    )


def view_suppression(suppression: Suppression) -> SuppressionView:
    """Show a suppression; one of everything names no brand."""
    return SuppressionView(
        None if suppression.scope == EVERYTHING else suppression.scope,
        suppression.cause,
        suppression.since,
        suppression.entry,
        suppression.by_person,
        suppression.lifted_for,
    )


def view_decision(decision: Decision) -> CheckAnswer:
    """Show a decision."""
    return CheckAnswer(
        decision.decision,
        decision.reason,
        decision.detail,
        decision.rules,
        decision.policy_version,
        decision.as_of,
        decision.until,
        None if decision.consent is None else view_consent(decision.consent),
        None if decision.block is None else view_block(decision.block),
    )


def view_past(past: PastDecision) -> CheckAnswer:
    """Show a decision of a past time."""
    return msgspec.structs.replace(
        view_decision(past.decision), by_recorded_rules=past.by_recorded_rules
    )


def view_past_checked(recipient: str, past: PastDecision) -> CheckedRecipient:
    """Show a decision of a past time about one recipient of many."""
    return msgspec.structs.replace(
        view_checked(recipient, Ruled.alone(past.decision)),
        by_recorded_rules=past.by_recorded_rules,
    )


def view_checked(recipient: str, ruled: Ruled) -> CheckedRecipient:
    """Show a decision about one recipient of many."""
    ruling, consent, block = ruled.ruling, ruled.consent, ruled.block
    return CheckedRecipient(
        ruling.decision,
        ruling.reason,
        ruling.detail,
        ruling.rules,
        ruling.policy_version,
        ruling.as_of,
        ruling.until,
        None if consent is None else view_consent(consent),
        None if block is None else view_block(block),
        recipient=recipient,
    )
