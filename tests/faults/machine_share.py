"""How much of the machine there was: what is promised of seconds is promised of a free one."""

import asyncio
import os
import time
from bisect import bisect_right
from pathlib import Path

_TICK_SECONDS = 0.02
_LOAD = Path("/proc/loadavg")


class MachineShare:
    """Counts the seconds that a machine with nothing else to do would have taken, from `watch` on.

    Where twice as many tasks want to run as there are cores, each gets on half as fast; and while
    this process was not let run at all, no time passed.
    """

    def __init__(self) -> None:
        self._times: list[float] = []
        self._given: list[float] = []

    async def watch(self) -> None:
        """Count on until cancelled."""
        given, last = 0.0, time.time()
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            now = time.time()
            given += min(now - last, 2 * _TICK_SECONDS) * read_share()
            self._times.append(now)
            self._given.append(given)
            last = now

    def seconds(self, since: float, until: float) -> float:
        """Count the seconds that were given between two times, by the wall clock."""
        return self._given_until(until) - self._given_until(since)

    def _given_until(self, at: float) -> float:
        place = bisect_right(self._times, at)
        return self._given[place - 1] if place else 0.0


def read_share() -> float:
    """Read which part of a core each task gets that wants to run now; 1 where nobody tells."""
    try:
        running = int(_LOAD.read_text(encoding="ascii").split()[3].partition("/")[0])
    except OSError:
        return 1.0
    return min(1.0, len(os.sched_getaffinity(0)) / max(running, 1))
