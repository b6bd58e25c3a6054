"""Walks along the answers kept for Idempotency-Keys, now and then, and forgets the old ones.

With them goes what programs could not be told and was kept long enough, and which texts were erased
once no carrier repeats them.

In the order of the keys and a few at a time, so that a large table needs no index for it, and
nobody has to wait.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from consentry.actions.forget_answers import ForgetAnswers, is_over
from consentry.actions.forget_repeats import ForgetRepeats
from consentry.actions.replay_notices import ForgetNotices
from consentry.delivery.limits import Limits
from consentry.ports import Clock, NoticeFilter, Page, Store

PAGE_KEYS: Final = 500
_AT_ONCE: Final = 100
"""Each key that is forgotten is held meanwhile, and a database has room for only so many."""

_HOUR: Final = timedelta(hours=1)

_logger = logging.getLogger(__name__)


class Forgetter:
    """One walk, which begins anew at its end."""

    def __init__(self, store: Store, clock: Clock, limits: Limits) -> None:
        """Stand at the beginning."""
        self._notices_at: datetime | None = None
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
                await self.forget_notices()
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
        if is_last:
            await self._store.submit(ForgetRepeats(), is_patient=True)
        self._after = None if is_last else (page[-1].owner, page[-1].key)

    async def forget_notices(self) -> None:
        """Forget what was given up long ago, once an hour."""
        now = self._clock.now()
        if self._notices_at is not None and now < self._notices_at:
            return
        until = now - timedelta(days=self._limits.failed_days)
        page = await self._store.list_notices(NoticeFilter(until=until), Page(_AT_ONCE))
        old = tuple(item.notice.id for item in page.items)
        if old:
            await self._store.submit(ForgetNotices(old), is_patient=True)
        if page.next is None:
            self._notices_at = now + _HOUR
