"""The only module that reads the clock; everything else is given the time."""

import os
import threading
import time
from datetime import UTC, datetime
from typing import Final

_BOOT_CLOCK: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Read the wall clock as an aware UTC time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Read seconds that never go back; only differences mean anything.

        Where the system has such a clock, the time that a machine sleeps counts too: what was
        claimed before must be old when it wakes.
        """
        return time.monotonic() if _BOOT_CLOCK is None else time.clock_gettime(_BOOT_CLOCK)


_CROCKFORD: Final = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHARACTER_OF_BYTE: Final = bytes(_CROCKFORD[byte & 31] for byte in range(256))
_TIME_CHARACTERS: Final = 10
_CHANCE_CHARACTERS: Final = 16
_CHANCES: Final = 256


class SystemIds:
    """Ids that sort by the time they were made: prefix, 48 bits of milliseconds, 80 of chance.

    The shape is that of a ULID (Crockford's base 32). Each is greater than the one before in
    this process, also within a millisecond and when the clock is set back: chance is drawn for
    many ids at once, and they take it from the smallest to the largest.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._milliseconds = 0
        self._time = ""
        self._chances: list[str] = []

    def new(self, prefix: str) -> str:
        """Make a new id, for example `msg_01K9ZV...`."""
        milliseconds = time.time_ns() // 1_000_000
        with self._lock:
            if not self._chances:
                self._chances = _draw_chances()
                milliseconds = max(milliseconds, self._milliseconds + 1)
            if milliseconds > self._milliseconds:
                self._milliseconds, self._time = milliseconds, _write_time(milliseconds)
            return f"{prefix}_{self._time}{self._chances.pop()}"

    def new_many(self, prefix: str, count: int) -> list[str]:
        """Make many new ids at once, in the order in which they sort."""
        milliseconds = time.time_ns() // 1_000_000
        with self._lock:
            milliseconds = max(milliseconds, self._milliseconds + 1)
            self._milliseconds, self._time = milliseconds, _write_time(milliseconds)
            # What was drawn before may be smaller than one of these.
            self._chances = []
            before = f"{prefix}_{self._time}"
        return [before + chance for chance in reversed(_draw_chances(count))]


def _write_time(milliseconds: int) -> str:
    shifts = range(5 * (_TIME_CHARACTERS - 1), -1, -5)
    return bytes(_CROCKFORD[milliseconds >> shift & 31] for shift in shifts).decode()


def _draw_chances(count: int = _CHANCES) -> list[str]:
    """Draw the chance of many ids at once, the smallest last.

    Asking the system lets other threads run first, which the store's writer cannot afford for
    each id.
    """
    drawn = os.urandom(_CHANCE_CHARACTERS * count).translate(_CHARACTER_OF_BYTE).decode()
    places = range(0, len(drawn), _CHANCE_CHARACTERS)
    return sorted([drawn[i : i + _CHANCE_CHARACTERS] for i in places], reverse=True)
