"""What Prometheus is told of the ledger's log: how much waits for it, and since when it stands."""

from typing import Any

import pytest

from consentry.ports import LogDamaged, LogHead, StoreUnavailable
from consentry.telemetry.ledger_gauges import LedgerGauges

pytestmark = pytest.mark.unit


class Told:
    """A store that tells how far its log is, and the clock on the wall beside it."""

    def __init__(self) -> None:
        self.head: LogHead | StoreUnavailable = LogHead(0, 0)
        self.seconds = 100.0

    async def read_log_head(self) -> LogHead:
        """Tell it; raises what was put in its place."""
        if isinstance(self.head, StoreUnavailable):
            raise self.head
        return self.head

    def monotonic(self) -> float:
        """Tell the time in seconds."""
        return self.seconds


async def seen(gauges: LedgerGauges) -> dict[str, float]:
    """Read the values by the last word of their names."""
    return {
        name.removeprefix("consentry_ledger_"): values[0][1]
        for name, values in (await gauges.read()).items()
    }


async def test_a_log_stalls_while_entries_wait_and_it_does_not_grow() -> None:
    """From the first time that it was seen so; a step forward, or nobody waiting, ends it."""
    told: Any = Told()
    gauges = LedgerGauges(told, told)
    steps = [
        (LogHead(5, 0), 0.0),
        (LogHead(5, 3), 0.0),
        (LogHead(5, 9), 15.0),
        (LogHead(5, 9), 30.0),
        (LogHead(6, 900), 0.0),
        (LogHead(6, 900), 15.0),
        (LogHead(906, 0), 0.0),
        (LogHead(906, 1), 0.0),
    ]
    for head, stalled in steps:
        told.head = head
        assert await seen(gauges) == {"waiting": head.waiting, "stalled_seconds": stalled}
        told.seconds += 15.0


async def test_nothing_is_told_of_a_log_that_cannot_be_read() -> None:
    """A number of before would pass for one of now."""
    told: Any = Told()
    told.head = StoreUnavailable("The database is away.")
    assert await seen(LedgerGauges(told, told)) == {}


async def test_a_log_that_is_damaged_stalls_too() -> None:
    """Also where its head is gone, and nobody can say how many entries wait."""
    told: Any = Told()
    gauges = LedgerGauges(told, told)
    told.head = LogDamaged("The head is gone.")
    for stalled in (0.0, 15.0, 30.0):
        assert await seen(gauges) == {"stalled_seconds": stalled}
        told.seconds += 15.0
    told.head = LogHead(5, 3)
    assert await seen(gauges) == {"waiting": 3, "stalled_seconds": 0.0}
