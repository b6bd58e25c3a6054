"""Where carriers and our ledger differ: compared, listed, applied, dismissed."""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.settle_drift import (
    ApplyDrift,
    DismissDrift,
    ReportSettled,
    settle,
    settle_report,
)
from consentry.api.carriers import Id
from consentry.api.listing import Listing, next_cursor
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import (
    NOT_BLANK,
    PageQuery,
    PhoneText,
    id_in_path,
    page_after,
    read_number_wanted,
    to_utc,
)
from consentry.api.problems import Problem
from consentry.domain.drift import (
    Drift,
    DriftKind,
    DriftState,
    Reconciliation,
    ReconciliationState,
    Severity,
)
from consentry.domain.entries import Actor
from consentry.ports import DriftFilter, Scope

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=NOT_BLANK)]
Time = Annotated[datetime, msgspec.Meta(tz=True)]


class DriftQuery(PageQuery, frozen=True, forbid_unknown_fields=True):
    """Which drifts to list; what is left out is any."""

    state: DriftState | UnsetType = UNSET
    kind: DriftKind | UnsetType = UNSET
    carrier: Id | UnsetType = UNSET
    recipient: PhoneText | UnsetType = UNSET
    report: Id | UnsetType = UNSET


class ReportQuery(PageQuery, frozen=True, forbid_unknown_fields=True):
    """Which comparisons to list."""

    carrier: Id | UnsetType = UNSET


class NewReconciliation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A carrier account to compare; `since`: from when on, by the carrier's time.

    Left out: from an hour before the last comparison began, or two days back.
    """

    carrier: Id
    since: Time | None = None


class Settling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why it is applied or dismissed; kept in the audit."""

    reason: Reason


class DriftView(msgspec.Struct, frozen=True):
    """One difference with the evidence of both sides, and what became of it.

    `since`: when it came about. `is_held_back`: texts are refused until it is settled.
    """

    id: str
    recipient: str
    sender: str
    carrier: str
    kind: DriftKind
    severity: Severity
    state: DriftState
    found_at: datetime
    since: datetime | None
    report: str
    carrier_says: str
    we_say: str
    carrier_message_id: str | None
    text: str | None
    line: str | None
    is_held_back: bool
    settled_at: datetime | None
    settled_by: Actor | None
    reason: str | None


class ReportView(msgspec.Struct, frozen=True):
    """One comparison: what was looked at, and how many new drifts of which kind were found."""

    id: str
    carrier: str
    state: ReconciliationState
    since: datetime
    started_at: datetime
    finished_at: datetime | None
    actor: Actor
    texts: int
    lines: int
    found: dict[DriftKind, int]
    error: str | None


def view_drift(drift: Drift) -> DriftView:
    """Show a drift."""
    return DriftView(
        id=drift.id,
        recipient=drift.recipient,
        sender=drift.sender,
        carrier=drift.carrier,
        kind=drift.kind,
        severity=drift.severity,
        state=drift.state,
        found_at=drift.found_at,
        since=drift.since,
        report=drift.report,
        carrier_says=drift.carrier_says,
        we_say=drift.we_say,
        carrier_message_id=drift.carrier_message_id,
        text=drift.text,
        line=drift.line,
        is_held_back=drift.state is DriftState.OPEN and bool(drift.places),
        settled_at=drift.settled_at,
        settled_by=drift.settled_by,
        reason=drift.reason,
    )


def view_report(report: Reconciliation) -> ReportView:
    """Show a comparison."""
    return ReportView(
        id=report.id,
        carrier=report.carrier,
        state=report.state,
        since=report.since,
        started_at=report.started_at,
        finished_at=report.finished_at,
        actor=report.actor,
        texts=report.texts,
        lines=report.lines,
        found=report.found,
        error=report.error,
    )


async def list_drifts(call: Call[None, DriftQuery]) -> Answer:
    """List drifts, newest first."""
    query, services = call.query, call.services
    recipient = read_number_wanted(query.recipient, services.default_region)
    wanted = DriftFilter(
        state=None if query.state is UNSET else query.state,
        kind=None if query.kind is UNSET else query.kind,
        carrier=None if query.carrier is UNSET else query.carrier,
        recipient=recipient,
        report=None if query.report is UNSET else query.report,
    )
    found = await services.store.read_drifts(wanted, page_after(query))
    after = next_cursor(found, query, lambda drift: drift.id)
    return Answer(Listing([view_drift(drift) for drift in found[: query.limit]], after))


async def read_drift(call: Call[None, None]) -> Answer:
    """Show one drift."""
    return Answer(view_drift(await _find_drift(call)))


async def apply_drift(call: Call[Settling, None]) -> Answer:
    """Make our ledger say what the carrier's evidence says."""
    return await _settle(call, ApplyDrift)


async def dismiss_drift(call: Call[Settling, None]) -> Answer:
    """Leave our ledger as it is."""
    return await _settle(call, DismissDrift)


async def _settle(call: Call[Settling, None], how: type[ApplyDrift | DismissDrift]) -> Answer:
    command = how(await _find_drift(call), call.actor, call.body.reason)
    services = call.services
    return Answer(view_drift(await settle(services.store, services.delivery, command)))


async def list_reports(call: Call[None, ReportQuery]) -> Answer:
    """List comparisons, newest first."""
    query = call.query
    carrier = None if query.carrier is UNSET else query.carrier
    found = await call.services.store.read_reconciliations(page_after(query), carrier=carrier)
    after = next_cursor(found, query, lambda report: report.id)
    return Answer(Listing([view_report(report) for report in found[: query.limit]], after))


async def read_report(call: Call[None, None]) -> Answer:
    """Show one comparison."""
    return Answer(view_report(await _find_report(call)))


async def start_report(call: Call[NewReconciliation, None]) -> Answer:
    """Begin to compare a carrier account."""
    reconciling, asked = call.services.reconciling, call.body
    if reconciling is None:
        raise Problem(
            "nothing_to_compare",
            "This server compares no carriers. Run `consentry reconcile` on its host.",
        )
    since = None if asked.since is None else to_utc(asked.since, "since")
    report = await reconciling.start(asked.carrier, actor=call.actor, since=since)
    return Answer(view_report(report), status=202)


async def apply_report(call: Call[Settling, None]) -> Answer:
    """Apply every open drift of a report."""
    return await _settle_report(call, ApplyDrift)


async def dismiss_report(call: Call[Settling, None]) -> Answer:
    """Dismiss every open drift of a report."""
    return await _settle_report(call, DismissDrift)


async def _settle_report(
    call: Call[Settling, None], how: type[ApplyDrift | DismissDrift]
) -> Answer:
    report, services = await _find_report(call), call.services
    actor, reason = call.actor, call.body.reason
    settled = await settle_report(
        services.store, services.delivery, report.id, lambda drift: how(drift, actor, reason)
    )
    return Answer(settled)


async def _find_drift(call: Call[Settling, None] | Call[None, None]) -> Drift:
    drift = await call.services.store.read_drift(id_in_path(call))
    if drift is None:
        raise Problem("not_found", f"There is no drift {call.path['id']!a}. List them.")
    return drift


async def _find_report(call: Call[Settling, None] | Call[None, None]) -> Reconciliation:
    report = await call.services.store.read_reconciliation(id_in_path(call))
    if report is None:
        raise Problem("not_found", f"There is no comparison {call.path['id']!a}. List them.")
    return report


_EXAMPLE: Final = {"reason": "The webhook was lost while our proxy was down."}

OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/drifts",
        tag=Tag.DRIFT,
        summary="Where carriers and our ledger differ",
        description="Newest first. While one is open that may hide an opt-out, texts to that "
        "person are refused with `paused_for_review`.",
        handler=list_drifts,
        scope=Scope.READ,
        query=DriftQuery,
        answers={200: Listing[DriftView]},
        errors=("invalid_number",),
    ),
    Operation(
        method="GET",
        path="/v1/drifts/{id}",
        tag=Tag.DRIFT,
        summary="One difference",
        handler=read_drift,
        scope=Scope.READ,
        answers={200: DriftView},
        errors=("not_found",),
    ),
    Operation(
        method="POST",
        path="/v1/drifts/{id}/apply",
        tag=Tag.DRIFT,
        summary="Apply the carrier's evidence",
        description="A missed text is received as any other, at the carrier's time. A carrier's "
        "block becomes one of ours. A block that the carrier has no more is lifted only where no "
        "person's word holds it (else `opted_out`).",
        handler=apply_drift,
        scope=Scope.ADMIN,
        body=Settling,
        answers={200: DriftView},
        errors=("not_found", "already_settled", "opted_out"),
        example=_EXAMPLE,
    ),
    Operation(
        method="POST",
        path="/v1/drifts/{id}/dismiss",
        tag=Tag.DRIFT,
        summary="Dismiss a difference",
        description="Our ledger stays as it is, and what was held back may go again. The same "
        "evidence is not raised again.",
        handler=dismiss_drift,
        scope=Scope.ADMIN,
        body=Settling,
        answers={200: DriftView},
        errors=("not_found", "already_settled"),
        example=_EXAMPLE,
    ),
    Operation(
        method="GET",
        path="/v1/reconciliations",
        tag=Tag.DRIFT,
        summary="Comparisons with carriers",
        handler=list_reports,
        scope=Scope.READ,
        query=ReportQuery,
        answers={200: Listing[ReportView]},
    ),
    Operation(
        method="POST",
        path="/v1/reconciliations",
        tag=Tag.DRIFT,
        summary="Compare a carrier account now",
        description="It goes on beside everything else: read it under its id. One that is under "
        "way on this server is given again.",
        handler=start_report,
        scope=Scope.ADMIN,
        body=NewReconciliation,
        answers={202: ReportView},
        errors=("unknown_carrier", "nothing_to_compare", "invalid_time"),
        example={"carrier": "twilio"},
    ),
    Operation(
        method="GET",
        path="/v1/reconciliations/{id}",
        tag=Tag.DRIFT,
        summary="One comparison",
        handler=read_report,
        scope=Scope.READ,
        answers={200: ReportView},
        errors=("not_found",),
    ),
    Operation(
        method="POST",
        path="/v1/reconciliations/{id}/apply",
        tag=Tag.DRIFT,
        summary="Apply all open differences of a comparison",
        description="At most a thousand at once; `is_all` tells whether any are left. Those that "
        "cannot be applied are named and stay open.",
        handler=apply_report,
        scope=Scope.ADMIN,
        body=Settling,
        answers={200: ReportSettled},
        errors=("not_found",),
        example=_EXAMPLE,
    ),
    Operation(
        method="POST",
        path="/v1/reconciliations/{id}/dismiss",
        tag=Tag.DRIFT,
        summary="Dismiss all open differences of a comparison",
        description="At most a thousand at once; `is_all` tells whether any are left.",
        handler=dismiss_report,
        scope=Scope.ADMIN,
        body=Settling,
        answers={200: ReportSettled},
        errors=("not_found",),
        example=_EXAMPLE,
    ),
)
