"""Carrier drift: where a carrier and our records differ, and what becomes of it."""

from datetime import datetime
from typing import Final
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from consentry.actions.settle_drift import ApplyDrift, DismissDrift, settle
from consentry.console.drift_words import DRIFT_APPLY, DRIFT_KINDS, DRIFT_STATES, spell_report
from consentry.console.pages import Page, Visit
from consentry.console.sender_choice import Choice, find_choice, list_choices
from consentry.domain.agents import Permission
from consentry.domain.customers import Customer
from consentry.domain.drift import Drift, DriftKind, DriftState, Reconciliation
from consentry.ports import DriftFilter, Rejected
from consentry.ports import Page as ListPage

_ON_A_PAGE: Final = 25
_REASON_CHARACTERS_MAX: Final = 500
_ADDRESS: Final = "/console/reports/drift"


class Asked(msgspec.Struct, frozen=True):
    """What the address asks for, and what is wrong with it."""

    fields: dict[str, str]
    wanted: DriftFilter
    error: str = ""

    def query(self, **more: str) -> str:
        """Write the address of this list, or of what follows from it."""
        return urlencode({name: value for name, value in {**self.fields, **more}.items() if value})


class Row(msgspec.Struct, frozen=True):
    """A drift as it is shown: of whom, and who settled it."""

    drift: Drift
    customer: Customer | None
    settled_by: str


class Refusal(msgspec.Struct, frozen=True):
    """A form that was not taken: of which drift, what was typed, and why."""

    drift: str
    reason: str
    error: str


class Account(msgspec.Struct, frozen=True):
    """A carrier account that was compared or can be: the last comparison in words."""

    id: str
    told: str
    at: datetime | None


async def show_drift(visit: Visit) -> Response:
    """List what differs."""
    return await _show(visit)


async def _show(visit: Visit, refusal: Refusal | None = None, status: int = 200) -> Response:
    choices = await list_choices(visit)
    asked = await _read_asked(visit, choices)
    before = visit.query("before") or None
    found: list[Drift] = []
    if not asked.error:
        page = ListPage(limit=_ON_A_PAGE + 1, before=before)
        found = await visit.services.store.read_drifts(asked.wanted, page)
    shown = found[:_ON_A_PAGE]
    return visit.render(
        "drift.html",
        status=400 if asked.error else status,
        rows=[await _describe(visit, drift) for drift in shown],
        asked=asked,
        choices=choices,
        kinds=DRIFT_KINDS,
        applying=DRIFT_APPLY,
        states_of_drift=DRIFT_STATES,
        accounts=await _list_accounts(visit),
        refusal=refusal,
        before=before,
        following=shown[-1].id if len(found) > _ON_A_PAGE else None,
    )


async def _read_asked(visit: Visit, choices: list[Choice]) -> Asked:
    """Read the filters; what is open is listed where nothing else is asked for."""
    fields = {name: visit.query(name) for name in ("state", "kind", "of")}
    state, kind = fields["state"] or DriftState.OPEN, fields["kind"]
    choice = find_choice(choices, fields["of"])
    is_known = state in {"any", *DriftState} and kind in {"", *DriftKind}
    if not is_known or (fields["of"] and choice is None):
        return Asked(fields, DriftFilter(), "There is no such choice. Choose one of the lists.")
    wanted = DriftFilter(
        state=None if state == "any" else DriftState(state),
        kind=DriftKind(kind) if kind else None,
        senders=await visit.sender_scope() if choice is None else choice.senders,
    )
    return Asked(fields, wanted)


async def _describe(visit: Visit, drift: Drift) -> Row:
    profiles = await visit.services.store.read_profiles(drift.recipient)
    by = drift.settled_by
    name = "" if by is None else by.id or str(by.kind)
    for agent in await visit.services.store.read_agents():
        name = agent.name if agent.id == name else name
    return Row(drift, profiles[0] if profiles else None, name)


async def _list_accounts(visit: Visit) -> list[Account]:
    """List the accounts with their last comparison."""
    accounts = []
    for account in await visit.services.store.read_carriers():
        page = ListPage(limit=1)
        last = await visit.services.store.read_reconciliations(page, carrier=account.id)
        accounts.append(_tell(account.id, last))
    return accounts


def _tell(carrier: str, last: list[Reconciliation]) -> Account:
    if not last:
        return Account(carrier, "not compared yet", None)
    return Account(carrier, spell_report(last[0]), last[0].started_at)


async def settle_drift(visit: Visit) -> Response:
    """Apply or dismiss a drift, with a reason; an opt-out is applied before this is answered."""
    drift = await visit.services.store.read_drift(visit.field("drift"))
    senders = await visit.sender_scope()
    if drift is None or (senders is not None and drift.sender not in senders):
        return visit.missing("difference")
    reason, does = visit.field("reason").strip(), visit.field("does")
    error = _find_fault(reason, does)
    if error:
        return await _show(visit, Refusal(drift.id, reason, error), 422)
    command = ApplyDrift if does == "apply" else DismissDrift
    services = visit.services
    try:
        await settle(services.store, services.delivery, command(drift, visit.actor, reason))
    except Rejected as rejected:
        return await _show(visit, Refusal(drift.id, reason, str(rejected)), rejected.status)
    return visit.go(_ADDRESS)


def _find_fault(reason: str, does: str) -> str:
    if does not in {"apply", "dismiss"}:
        return "Choose whether to apply or to dismiss it."
    if not reason:
        return "Write why: it is kept in the audit."
    if len(reason) > _REASON_CHARACTERS_MAX:
        return f"At most {_REASON_CHARACTERS_MAX} characters fit."
    return ""


async def compare_now(visit: Visit) -> Response:
    """Begin to compare a carrier account; it goes on beside everything else."""
    reconciling = visit.services.reconciling
    if reconciling is None:
        raise Rejected(
            "nothing_to_compare",
            "This server compares no carriers. Run `consentry reconcile` on its host.",
        )
    await reconciling.start(visit.field("carrier"), actor=visit.actor)
    return visit.go(_ADDRESS)


PAGES: Final = (
    Page(path="/reports/drift", view=show_drift, permission=Permission.READ_REPORTS),
    Page(
        path="/reports/drift/settle",
        view=settle_drift,
        permission=Permission.SETTLE_DRIFT,
        method="POST",
    ),
    Page(
        path="/reports/drift/compare",
        view=compare_now,
        permission=Permission.SETTLE_DRIFT,
        method="POST",
    ),
)
