"""The page that Prometheus reads. The client library is imported at the first scrape."""

from itertools import accumulate
from typing import TYPE_CHECKING, Final, Self

from consentry import __version__
from consentry.actions.check_readiness import Readiness, ReadinessCheck
from consentry.ports import Clock, Store, Vitals
from consentry.telemetry import metrics
from consentry.telemetry.drift_gauges import DriftGauges
from consentry.telemetry.ledger_gauges import LedgerGauges
from consentry.telemetry.metrics import METRICS, Metric
from consentry.telemetry.sharing import Sharing
from consentry.telemetry.tallies import Distribution, Labels, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric as Family

_INFINITY: Final = "+Inf"


class Exposition:
    """Implements `ports.Exposition`: what was counted, and how things stand as it is asked."""

    def __init__(
        self,
        sharing: Sharing,
        readiness: ReadinessCheck,
        *,
        drift: DriftGauges | None = None,
        ledger: LedgerGauges | None = None,
    ) -> None:
        """Show what this process and its siblings counted, and the state of their store."""
        self._sharing = sharing
        self._readiness = readiness
        self._asked = [asked for asked in (drift, ledger) if asked is not None]
        self._registry: CollectorRegistry | None = None
        self._shown = Snapshot({}, {})

    @classmethod
    def of(cls, store: Store, clock: Clock, sharing: Sharing, readiness: ReadinessCheck) -> Self:
        """Show, beside that, how the ledger and the carriers stand by this store."""
        drift, ledger = DriftGauges(store, clock), LedgerGauges(store, clock)
        return cls(sharing, readiness, drift=drift, ledger=ledger)

    async def render(self, accept: str) -> tuple[bytes, bytes]:
        """Write the page in the newest format that is accepted; return its media type too."""
        from prometheus_client.exposition import choose_encoder  # noqa: PLC0415 - see above

        readiness = await self._readiness.look()
        counted = self._sharing.add_up()
        gauges = _gauges(readiness, counted.vitals)
        for asked in self._asked:
            gauges |= await asked.read()
        counters = {**counted.snapshot.counters, **gauges}
        self._shown = Snapshot(counters, counted.snapshot.distributions)
        encode, media_type = choose_encoder(accept)
        return encode(self._find_registry()), media_type.encode()

    def collect(self) -> "Iterator[Family]":
        """Give each metric with its values, as Prometheus's client asks for them."""
        for metric in METRICS:
            if metric.kind == "histogram":
                yield _build_histogram(metric, self._shown.distributions.get(metric.name, []))
            else:
                yield _build_plain(metric, self._shown.counters.get(metric.name, []))

    def _find_registry(self) -> "CollectorRegistry":
        if self._registry is None:
            from prometheus_client import CollectorRegistry, ProcessCollector  # noqa: PLC0415

            self._registry = CollectorRegistry()
            self._registry.register(self)
            ProcessCollector(registry=self._registry)
        return self._registry


def _gauges(readiness: Readiness, vitals: Vitals) -> dict[str, list[tuple[Labels, float]]]:
    values: dict[Metric, float | None] = {
        metrics.WAITING: vitals.waiting,
        metrics.LAG_SECONDS: vitals.lag_seconds,
        metrics.DROPPED: vitals.dropped,
        metrics.OUTBOX_JOBS: readiness.outbox_jobs,
        metrics.OUTBOX_AGE_SECONDS: readiness.outbox_age_seconds,
        metrics.NOTICES_WAITING: readiness.notices,
        metrics.READY: int(readiness.not_ready is None),
    }
    gauges: dict[str, list[tuple[Labels, float]]] = {
        metric.name: [((), value)] for metric, value in values.items() if value is not None
    }
    gauges[metrics.INFO.name] = [((__version__,), 1)]
    return gauges


def _build_plain(metric: Metric, values: list[tuple[Labels, float]]) -> "Family":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415

    build = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = build(metric.name, metric.help, labels=metric.labels)
    # A metric without labels is there from the start, so that its first step is seen as one.
    for labels, value in values or ([] if metric.labels or metric.kind == "gauge" else [((), 0)]):
        family.add_metric(labels, value)
    return family


def _build_histogram(metric: Metric, values: list[tuple[Labels, Distribution]]) -> "Family":
    from prometheus_client.core import HistogramMetricFamily  # noqa: PLC0415 - see above

    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, spread in values:
        bounds = [*(str(bound) for bound in metric.buckets), _INFINITY]
        buckets = list(zip(bounds, accumulate(spread.counts), strict=True))
        family.add_metric(labels, buckets, spread.total)
    return family
