"""The only module that reads the clock; everything else is given the time."""

import os
import threading
import time
from datetime import UTC, datetime
from typing import Final


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Read the wall clock as an aware UTC time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Read seconds that never go back; only differences mean anything."""
        return time.monotonic()


_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = tuple(a + b for a in _CROCKFORD for b in _CROCKFORD)
_CHANCE_BYTES: Final = 10
_CHANCES: Final = 256
_SHIFTS: Final = tuple(range(120, -1, -10))


class SystemIds:
    """Ids that sort by the time they were made: prefix, 48 bits of milliseconds, 80 of chance.

    The shape is that of a ULID (Crockford's base 32). Each is greater than the one before in
    this process, also within a millisecond and when the clock is set back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0
        self._chances: list[bytes] = []

    def new(self, prefix: str) -> str:
        """Make a new id, for example `msg_01K9ZV...`."""
        milliseconds = time.time_ns() // 1_000_000
        with self._lock:
            if not self._chances:
                self._chances = _draw_chances()
            number = milliseconds << 80 | int.from_bytes(self._chances.pop())
            if number <= self._last:
                number = self._last + 1 + (number & 0xFFFF)
            self._last = number
        digits = "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])
        return f"{prefix}_{digits}"


def _draw_chances() -> list[bytes]:
    """Draw the chance of many ids at once.

    Asking the system lets other threads run first, which the store's writer cannot afford for
    each id.
    """
    drawn = os.urandom(_CHANCE_BYTES * _CHANCES)
    return [drawn[i : i + _CHANCE_BYTES] for i in range(0, len(drawn), _CHANCE_BYTES)]
