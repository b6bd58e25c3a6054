"""The only module that reads the clock; everything else is given the time."""

import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Read the wall clock as an aware UTC time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Read seconds that never go back; only differences mean anything."""
        return time.monotonic()
