"""Walks along the answers kept for Idempotency-Keys, now and then, and forgets the old ones.

In the order of the keys and a few at a time, so that a large table needs no index for it, and
nobody has to wait.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from consentry.actions.forget_answers import ForgetAnswers, is_over
from consentry.delivery.limits import Limits
from consentry.ports import Clock, Store

PAGE_KEYS: Final = 500
_AT_ONCE: Final = 100
"""Each key that is forgotten is held meanwhile, and a database has room for only so many."""

_logger = logging.getLogger(__name__)


class Forgetter:
    """One walk, which begins anew at its end."""

    def __init__(self, store: Store, clock: Clock, limits: Limits) -> None:
        """Stand at the beginning."""
        self._store = store
        self._clock = clock
        self._limits = limits
        self._after: tuple[str, str] | None = None

    async def run(self, leads: Callable[[], bool]) -> None:
        """Walk on, while this process is the one that does so, until cancelled."""
        while True:
            walks = self._after is not None
            limits = self._limits
            await asyncio.sleep(limits.forget_seconds if walks else limits.forget_anew_seconds)
            if not leads():
                continue
            try:
                await self.step()
            except Exception:
                _logger.exception("forgetting_failed: it is tried again")

    async def step(self) -> None:
        """Look at the next keys, and forget those that are over."""
        page = await self._store.read_answered(PAGE_KEYS, after=self._after)
        now = self._clock.now()
        old = [(known.owner, known.key) for known in page if is_over(known.at, now)]
        for start in range(0, len(old), _AT_ONCE):
            command = ForgetAnswers(tuple(old[start : start + _AT_ONCE]))
            await self._store.submit(command, is_patient=True)
        is_last = len(page) < PAGE_KEYS
        self._after = None if is_last else (page[-1].owner, page[-1].key)
