"""All standings at one moment, for what is asked about everybody."""

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

from consentry.domain.directory import Directory
from consentry.ports.ledger_log import Checkpoint


class ErasedStanding(NamedTuple):
    """What stands against an erased number: the keyed hash of it, and a standing as JSON."""

    key: str
    hash: str
    standing: str


class Everybody(Protocol):
    """What the gate asks, about all recipients, from one snapshot.

    It is read beside everybody else's work and holds up nobody. Every reading raises
    `StoreUnavailable`.
    """

    @property
    def directory(self) -> Directory:
        """Brands, senders and programs at that moment."""

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The ledger's newest checkpoint then: whatever it covers is in the standings."""

    def parts(self) -> AsyncIterator[bytes]:
        """Give all standings part by part, in the order of their numbers.

        A part is a JSON array of [number, standing]; a number has no plus. While one part is
        looked at the next is read.
        """

    @property
    def has_erased(self) -> bool:
        """Tell whether anybody was erased: then numbers in no part may be theirs."""

    async def match_erased(self, numbers: list[str]) -> dict[str, str]:
        """Find what stands against numbers that were erased: standings as JSON, by number.

        Asked about those that are in no part. At once where nobody was erased.
        """

    async def read_erased(self) -> list[ErasedStanding]:
        """List what stands against all who were erased."""
