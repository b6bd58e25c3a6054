"""How far the ledger's log is behind the ledger, as Prometheus asks."""

from typing import Final

from consentry.ports import Clock, LogDamaged, Store, StoreUnavailable
from consentry.telemetry import metrics
from consentry.telemetry.tallies import Labels

_DAMAGED: Final = -1
"""Stands for the size of a log that cannot be told."""


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
        """Read the values; nothing where the store does not answer.

        A log that is damaged stands still too: whoever waits for that alarm must hear of it.
        """
        try:
            head = await self._store.read_log_head()
        except LogDamaged:
            return {metrics.LEDGER_STALLED_SECONDS.name: [((), self._tell_stall(_DAMAGED))]}
        except StoreUnavailable:
            return {}
        if not head.waiting:
            self._stands = None
        stalled_seconds = self._tell_stall(head.size) if head.waiting else 0.0
        return {
            metrics.LEDGER_WAITING.name: [((), float(head.waiting))],
            metrics.LEDGER_STALLED_SECONDS.name: [((), stalled_seconds)],
        }

    def _tell_stall(self, size: int) -> float:
        """Tell for how many seconds the log has been of this size."""
        now = self._clock.monotonic()
        if self._stands is None or self._stands[0] != size:
            self._stands = size, now
        return now - self._stands[1]
