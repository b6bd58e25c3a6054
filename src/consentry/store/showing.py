"""What shows how far something is that takes long: a copy, a verification, sealing anew."""

from typing import Protocol


class Showing(Protocol):
    """Shows how far it is."""

    def begin(self, what: str, total: int | None, done: int = 0) -> None:
        """Say what begins now, and of how many rows; None where nobody knows."""

    def advance(self, rows: int) -> None:
        """Say that so many more are done."""
