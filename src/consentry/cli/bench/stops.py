"""STOP webhooks made durable, next to a commit for each, by hand, and PostgreSQL's own inserts."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from consentry.cli.bench.lanes import Lane
from consentry.cli.bench.load import Round, Target, run_round
from consentry.cli.bench.plan import Operation
from consentry.cli.bench.requests import build_stop
from consentry.cli.bench.servers import OK, Running
from consentry.cli.bench.sheet import Key

INSERT: Final = Key(Operation.STOP, "pgbench insert", "PostgreSQL")

_PER_SECOND_MAX: Final = 20_000


class StopSource:
    """Builds STOPs before the clock runs, each of another person; what is left over is kept.

    They come from the numbers given, in their order, and else from people that no table knows.
    `acknowledged` counts those that got a 2xx: so many entries must be in the ledger.
    `acknowledged_at` says of numbers that were given when that was.
    """

    def __init__(self, running: Running, numbers: Iterable[str] | None = None) -> None:
        """Build for this server."""
        self.acknowledged = 0
        self.acknowledged_at: dict[str, float] = {}
        self._running = running
        self._numbers = None if numbers is None else iter(numbers)
        self._whose: dict[bytes, str] = {}
        self._ready: deque[bytes] = deque()
        self._built = 0

    def prepare(self, seconds: float) -> None:
        """Build enough STOPs for some seconds, or for everybody where numbers were given."""
        while len(self._ready) < seconds * _PER_SECOND_MAX and self._build():
            self._built += 1

    def target(self, connections: int, seconds: float) -> Target:
        """Give connections enough STOPs for some seconds."""
        self.prepare(seconds)
        answered = None if self._numbers is None else self._note
        return Target(self._running.port, self._take(), connections, OK, answered)

    async def run(self, in_flight: int, seconds: float) -> Round:
        """Send STOPs for some seconds."""
        (measured,) = await run_round(self.target(in_flight, seconds), seconds=seconds)
        self.acknowledged += measured.total
        return measured

    def _build(self) -> bool:
        """Build one more; tell whether there was anybody left."""
        number = None
        if self._numbers is not None:
            number = next(self._numbers, None)
            if number is None:
                return False
        stop = build_stop(self._running.port, self._built, number)
        if number is not None:
            self._whose[stop] = number
        self._ready.append(stop)
        return True

    def _take(self) -> Iterator[bytes]:
        while self._ready:
            yield self._ready.popleft()

    def _note(self, stop: bytes) -> None:
        self.acknowledged_at[self._whose[stop]] = time.perf_counter()


def stop_lane(key: Key, running: Running, source: StopSource) -> Lane:
    """Send STOPs to one server."""
    return Lane(key, source.run, running.pid, running.database)
