"""What makes bundles of evidence, for whoever may take one."""

from datetime import datetime
from typing import Protocol

import msgspec

from consentry.domain.entries import Actor


class EvidenceWanted(msgspec.Struct, frozen=True):
    """Of which number (E.164), from when to when, held to a sender or a brand; None is all.

    `until` None: up to now.
    """

    recipient: str
    since: datetime | None = None
    until: datetime | None = None
    sender: str | None = None
    brand: str | None = None


class EvidenceMade(msgspec.Struct, frozen=True):
    """A bundle: the name to keep it under, the zip, and what is in it.

    `gaps`: what is missing, in a sentence each.
    """

    name: str
    content: bytes
    entries: int
    proved: int
    texts: int
    gaps: tuple[str, ...]


class EvidenceMaking(Protocol):
    """Makes bundles."""

    async def make(self, wanted: EvidenceWanted, by: Actor) -> EvidenceMade:
        """Make a bundle, and put on record who took it.

        Raises `Rejected` where there is no such sender or brand, where the period ends before it
        begins, or where it is too much for one bundle; and `StoreUnavailable`.
        """
