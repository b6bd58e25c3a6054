"""How fast a program may ask, and how often somebody may knock with a key that is none.

Counted in each process by itself: to count over all of them would ask the database with each
request. A bucket holds as many requests as fit in `BURST_SECONDS`, and fills again steadily.
"""

from math import ceil
from typing import Final

BURST_SECONDS: Final = 2.0
_ROUNDING: Final = 1e-6
NAMES_MAX: Final = 10_000
"""So many names are remembered; when they are too many, those with a full bucket go first."""


class RateLimit:
    """One bucket for each name: `per_second` requests, and `burst` at once; None is no limit."""

    def __init__(self, per_second: float, burst: float | None = None) -> None:
        """Begin with full buckets."""
        self._per_second = per_second
        self._burst = per_second * BURST_SECONDS if burst is None else burst
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, name: str, now_seconds: float) -> int:
        """Take one; 0 where there was one, else the seconds to wait for the next."""
        left, at = self._buckets.get(name, (self._burst, now_seconds))
        left = min(self._burst, left + (now_seconds - at) * self._per_second)
        if left < 1.0:
            return ceil((1.0 - left) / self._per_second - _ROUNDING)
        if len(self._buckets) >= NAMES_MAX and name not in self._buckets:
            self._forget(now_seconds)
        self._buckets[name] = (left - 1.0, now_seconds)
        return 0

    def _forget(self, now_seconds: float) -> None:
        """Forget full buckets; where none is full, all: to turn nobody away is the safer fault."""
        waiting = {
            name: (left, at)
            for name, (left, at) in self._buckets.items()
            if left + (now_seconds - at) * self._per_second < self._burst
        }
        self._buckets = waiting if len(waiting) < NAMES_MAX else {}
