"""Connections of their own, kept for the accounts whose carriers post no webhooks.

Every process keeps its own: it sends by it, and takes what comes by it.
"""

import asyncio
import logging
from typing import Final

from consentry.ports import Carrier, CarrierBook, Intake, Store, StoreUnavailable

LOOK_SECONDS: Final = 1.0
_logger = logging.getLogger(__name__)


class LinkKeeper:
    """Keeps a link for each account that has one: also for new ones, no more for removed ones."""

    def __init__(
        self, store: Store, book: CarrierBook, intake: Intake, look_seconds: float = LOOK_SECONDS
    ) -> None:
        """Look every `look_seconds` which accounts there are.

        `book` must give the same carrier each time, as long as its account does not change.
        """
        self._store = store
        self._book = book
        self._intake = intake
        self._look_seconds = look_seconds
        self._kept: dict[str, tuple[Carrier, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Keep links until cancelled; then all of them take leave."""
        try:
            while True:
                await self._look_safely()
                await asyncio.sleep(self._look_seconds)
        finally:
            await self._end(list(self._kept))

    async def _look_safely(self) -> None:
        try:
            await self._look()
        except StoreUnavailable as error:
            # What is kept is kept on; who came or went is seen when the store is back.
            _logger.debug("links_not_looked_at", extra={"why": str(error)})
        except Exception:
            # To stop would leave every account without its link.
            _logger.exception("links_not_looked_at")

    async def _look(self) -> None:
        """Begin and end what changed. A changed account has a carrier that is built anew."""
        found: dict[str, Carrier] = {}
        for account in await self._store.read_carriers():
            carrier = await self._book.find(account.id)
            if carrier is not None and carrier.link is not None:
                found[account.id] = carrier
        await self._end([i for i, (kept, _) in self._kept.items() if found.get(i) is not kept])
        for account_id, carrier in found.items():
            kept = self._kept.get(account_id)
            if kept is None or kept[1].done():
                self._kept[account_id] = (carrier, asyncio.create_task(self._keep(carrier)))

    async def _keep(self, carrier: Carrier) -> None:
        if carrier.link is None:
            return
        try:
            await carrier.link.keep(self._intake)
        except Exception:
            # One account must not end the others'; it is begun anew at the next look.
            _logger.exception("link_failed", extra={"carrier": carrier.id})

    async def _end(self, accounts: list[str]) -> None:
        ended = [self._kept.pop(account)[1] for account in accounts]
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
