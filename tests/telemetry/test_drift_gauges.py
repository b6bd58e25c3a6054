"""What Prometheus is told of drift: what nobody has settled, and when each carrier was compared."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from consentry.actions.administer import SaveCarrier
from consentry.actions.check_readiness import ReadinessCheck
from consentry.clock import SystemIds
from consentry.domain.drift import (
    Drift,
    DriftKind,
    DriftState,
    Reconciliation,
    ReconciliationState,
    Severity,
)
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.policy import Policy
from consentry.ports import CarrierAccount, Change, Needs, Record
from consentry.telemetry.exposition import Exposition
from consentry.telemetry.sharing import Sharing
from consentry.telemetry.tallies import Tallies
from databases import open_database

pytestmark = pytest.mark.integration

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
SYSTEM = Actor(ActorKind.SYSTEM)


class Clock:
    """Stands still."""

    def now(self) -> datetime:
        """Tell the time."""
        return NOW

    def monotonic(self) -> float:
        """Tell it in seconds."""
        return 0.0


class Keep:
    """A command that keeps records."""

    def __init__(self, *records: Record) -> None:
        self._records = records

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, _facts: object) -> tuple[None, Change]:
        """Keep them."""
        return None, Change(records=self._records)


def drift(number: int, kind: DriftKind, state: DriftState = DriftState.OPEN) -> Drift:
    """Make a drift."""
    return Drift(
        id=f"drf_{number}",
        key=str(number),
        recipient="+14155550142",
        sender="+14155550100",
        carrier="one",
        carrier_kind="twilio",
        kind=kind,
        severity=Severity.WARNING,
        found_at=NOW,
        report="rec_1",
        carrier_says="",
        we_say="",
        state=state,
    )


def report(number: int, hours: int, state: ReconciliationState) -> Reconciliation:
    """Make a comparison that began so many hours ago."""
    at = NOW - timedelta(hours=hours)
    return Reconciliation(f"rec_{number}", "one", at, at, at, SYSTEM, state=state)


async def test_what_is_open_and_how_long_ago_a_carrier_was_compared(tmp_path: Path) -> None:
    """By kind, zeros too; by account, since the last that came to its end; no number is in it."""
    clock = Clock()
    store = open_database(tmp_path / "g.db", clock=clock, ids=SystemIds(), policy=Policy())
    for carrier_id in ("one", "never"):
        account = CarrierAccount(carrier_id, "twilio", "AC1", "token", "http://127.0.0.1:1")
        await store.submit(SaveCarrier(account))
    await store.submit(
        Keep(
            drift(1, DriftKind.MISSED_OPT_OUT),
            drift(2, DriftKind.MISSED_OPT_OUT),
            drift(3, DriftKind.MISSED_TEXT, DriftState.APPLIED),
            report(1, 40, ReconciliationState.FINISHED),
            report(2, 30, ReconciliationState.FINISHED),
            report(3, 6, ReconciliationState.FAILED),
            report(4, 1, ReconciliationState.RUNNING),
        )
    )
    readiness = ReadinessCheck(store, clock)
    exposition = Exposition.of(store, clock, Sharing(Tallies(), store), readiness)
    page, _ = await exposition.render("text/plain")
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }
    assert samples["consentry_drifts_open", "missed_opt_out"] == 2
    assert samples["consentry_drifts_open", "missed_text"] == 0
    assert samples["consentry_reconcile_age_seconds", "one"] == 30 * 3600
    assert ("consentry_reconcile_age_seconds", "never") not in samples
    assert samples["consentry_ledger_stalled_seconds",] == 0
    assert "4155550142" not in page.decode()
    await store.close()
