"""Comparing carriers with our ledger, as the doors ask for it."""

from datetime import datetime
from typing import Protocol

from consentry.domain.drift import Reconciliation
from consentry.domain.entries import Actor


class Reconciling(Protocol):
    """Compares carrier accounts beside everything else."""

    async def start(
        self, carrier_id: str, *, actor: Actor, since: datetime | None = None
    ) -> Reconciliation:
        """Begin to compare an account and return at once; one that is under way is that one.

        Raises `Rejected` where there is no such account, or nothing that it could be asked.
        """
