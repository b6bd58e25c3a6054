"""How our ledger and the carriers stand, as Prometheus asks."""

from typing import Final

from consentry.domain.drift import DriftKind, ReconciliationState
from consentry.ports import Clock, Page, Store, StoreUnavailable
from consentry.telemetry import metrics
from consentry.telemetry.tallies import Labels

_LOOKED_BACK: Final = 20

Gauges = dict[str, list[tuple[Labels, float]]]


class DriftGauges:
    """Counts drifts and reviews that wait for somebody, and tells when carriers were compared."""

    def __init__(self, store: Store, clock: Clock) -> None:
        """Ask this store."""
        self._store = store
        self._clock = clock

    async def read(self) -> Gauges:
        """Read the values; nothing where the store does not answer."""
        try:
            counts = await self._store.count_drifts()
            ages = await self._read_ages()
            reviews = await self._store.count_reviews()
        except StoreUnavailable:
            return {}
        return {
            metrics.DRIFTS_OPEN.name: [
                ((str(kind),), float(counts.get(kind, 0))) for kind in DriftKind
            ],
            metrics.RECONCILE_AGE_SECONDS.name: ages,
            metrics.REVIEWS_OPEN.name: [((), float(reviews))],
        }

    async def _read_ages(self) -> list[tuple[Labels, float]]:
        """Tell of each account that was ever compared to the end; others have no age yet."""
        ages: list[tuple[Labels, float]] = []
        now = self._clock.now()
        for account in await self._store.read_carriers():
            page = Page(limit=_LOOKED_BACK)
            for report in await self._store.read_reconciliations(page, carrier=account.id):
                if report.state is ReconciliationState.FINISHED:
                    ages.append(((account.id,), (now - report.started_at).total_seconds()))
                    break
        return ages
