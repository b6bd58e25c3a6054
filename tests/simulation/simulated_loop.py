"""An event loop without a clock, a socket or a thread: time passes when there is nothing to do."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
"""A Monday, late in the morning in California."""


class _NoSelector:
    """Stands in for the selector: where the loop would wait, its time is moved on."""

    def __init__(self, pass_time: Callable[[float], None]) -> None:
        self._pass_time = pass_time

    def select(self, timeout: float | None) -> list[Any]:
        """Let the time go by at once; waiting without an end is a deadlock."""
        if timeout is None:
            raise RuntimeError("Nothing is left to happen, and somebody still waits.")
        if timeout > 0:
            self._pass_time(timeout)
        return []


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs callbacks and tasks of asyncio in an order that hangs on nothing but their times."""

    def __init__(self) -> None:
        super().__init__()
        self._elapsed = 0.0
        self._selector = _NoSelector(self._pass)
        self._clock_resolution = 1e-9
        self.failures: list[dict[str, Any]] = []
        self.set_exception_handler(lambda _, context: self.failures.append(context))

    def time(self) -> float:
        """Tell how many seconds have gone by."""
        return self._elapsed

    def go_back(self, seconds: float) -> None:
        """Begin so long before the start; only while nothing is planned."""
        self._elapsed = -seconds

    def sleep_through(self, seconds: float) -> None:
        """Let the whole machine sleep: what was to happen meanwhile happens late."""
        self._elapsed += seconds

    def _pass(self, seconds: float) -> None:
        self._elapsed += seconds

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody sleeps, so nobody is to be woken."""


class SimulatedClock:
    """Implements `ports.Clock`: the monotonic time of the loop, and a wall clock that is set."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop = loop
        self._read_at, self._true = 0.0, START
        self.set_by = timedelta()

    def now(self) -> datetime:
        """Read the wall clock, as wrong as it is."""
        return self.true_now() + self.set_by

    def true_now(self) -> datetime:
        """Tell the time as nobody here knows it."""
        elapsed = self._loop.time()
        if elapsed != self._read_at:
            # Very much happens at one and the same time.
            self._read_at = elapsed
            self._true = START + timedelta(microseconds=round(elapsed * 1e6))
        return self._true

    def monotonic(self) -> float:
        """Read seconds that never go back."""
        return self._loop.time()


class SimulatedIds:
    """Ids that count up over all restarts, so that a failing seed reads the same every time."""

    def __init__(self) -> None:
        self.count = 0

    def go_on_from(self, past: "SimulatedIds") -> None:
        """Give none that was given already."""
        self.count = past.count

    def new(self, prefix: str) -> str:
        """Return the next id."""
        self.count += 1
        return f"{prefix}_{self.count:09d}"

    def new_many(self, prefix: str, count: int) -> list[str]:
        """Return the next ids."""
        return [self.new(prefix) for _ in range(count)]
