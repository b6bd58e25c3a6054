"""All standings at one moment, for what is asked about everybody."""

from collections.abc import AsyncIterator
from typing import Protocol

from consentry.domain.directory import Directory


class Everybody(Protocol):
    """What the gate asks, about all recipients, from one snapshot.

    It is read beside everybody else's work and holds up nobody. Every reading raises
    `StoreUnavailable`.
    """

    @property
    def directory(self) -> Directory:
        """Brands, senders and programs at that moment."""

    def parts(self) -> AsyncIterator[bytes]:
        """Give all standings part by part, in the order of their numbers.

        A part is a JSON array of [number, standing]; a number has no plus. While one part is
        looked at the next is read.
        """

    async def match_erased(self, numbers: list[str]) -> dict[str, str]:
        """Find what stands against numbers that were erased: standings as JSON, by number.

        Asked about those that are in no part. At once where nobody was erased.
        """
