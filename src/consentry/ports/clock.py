"""Where time and ids come from."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only reader of time."""

    def now(self) -> datetime:
        """Return the aware UTC time."""

    def monotonic(self) -> float:
        """Return seconds that never turn back, for measuring."""


class Ids(Protocol):
    """The only source of identifiers."""

    def new(self, prefix: str) -> str:
        """Return a new unique id that sorts by time, for example `msg_01K...`."""

    def new_many(self, prefix: str, count: int) -> list[str]:
        """Return so many new ids, each greater than the one before."""
