"""How far the ledger's log is behind the ledger, as Prometheus asks."""

from consentry.ports import Clock, Store, StoreUnavailable
from consentry.telemetry import metrics
from consentry.telemetry.tallies import Labels


class LedgerGauges:
    """Counts entries that are durable and not in the log yet, and tells since when it stands still.

    Whoever asks seldom is told of no more than they could see: the log was where it is the last
    time, and entries waited then already.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        """Ask this store."""
        self._store = store
        self._clock = clock
        self._stands: tuple[int, float] | None = None

    async def read(self) -> dict[str, list[tuple[Labels, float]]]:
        """Read the values; nothing where the store does not answer."""
        try:
            head = await self._store.read_log_head()
        except StoreUnavailable:
            return {}
        now = self._clock.monotonic()
        if not head.waiting:
            self._stands = None
        elif self._stands is None or self._stands[0] != head.size:
            self._stands = head.size, now
        stalled_seconds = 0.0 if self._stands is None else now - self._stands[1]
        return {
            metrics.LEDGER_WAITING.name: [((), float(head.waiting))],
            metrics.LEDGER_STALLED_SECONDS.name: [((), stalled_seconds)],
        }
