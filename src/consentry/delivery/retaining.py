"""Records that were kept long enough are destroyed at night, where the operator wants it."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from consentry.actions.retain import Retained, Retention
from consentry.ports import Clock, Store, StoreUnavailable

LOOK_SECONDS: Final = 60.0

FEW: Final = 100
SHARE: Final = 10
"""A night destroys so few numbers, or up to this part of them all: what one day makes old.

More are either the first night or a clock that is years ahead, and that nobody could undo.
"""

_BY_HAND: Final = (
    "More than a tenth of all numbers at once: nothing was destroyed. See whether this host's "
    "clock is right, then look at `consentry retention` and destroy by hand with --apply."
)

_logger = logging.getLogger(__name__)


class NightlyRetention:
    """Walks along all numbers once a day, in the process that leads: first to count, then again."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        hour: int | None,
        leads: Callable[[], bool],
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """Walk from `hour` on, by UTC; None: never. The first walk waits for the next such hour."""
        self._store = store
        self._clock = clock
        self._hour = hour
        self._leads = leads
        self._look_seconds = look_seconds
        self._walked_at = clock.now()

    async def run(self) -> None:
        """Look every minute whether it is time, until cancelled."""
        while True:
            await asyncio.sleep(self._look_seconds)
            if self._hour is not None and self._leads():
                await self.look(self._hour)

    async def look(self, hour: int) -> None:
        """Walk where it is time. What was cut off begins anew the next night."""
        now = self._clock.now()
        due_at = now.replace(hour=hour, minute=0, second=0, microsecond=0)
        due_at = due_at if due_at <= now else due_at - timedelta(days=1)
        if self._walked_at >= due_at:
            return
        self._walked_at = now
        try:
            would = await self._walk(now, is_dry_run=True)
            _tell("retention_counted", would)
            if would.destroyed > max(FEW, would.looked_at // SHARE):
                _logger.error("retention_put_off", extra=_count(would) | {"advice": _BY_HAND})
            elif would.destroyed:
                _tell("retention_done", await self._walk(now, is_dry_run=False))
        except StoreUnavailable:
            _logger.warning("retention_cut_off: the database does not answer")
        except Exception:
            _logger.exception("retention_failed: it is tried again the next night")

    async def _walk(self, now: datetime, *, is_dry_run: bool) -> Retained:
        retention = Retention(self._store, now, is_dry_run=is_dry_run)
        async for _ in retention.walk():
            if not self._leads():
                break
        return retention.told()


def _tell(event: str, told: Retained) -> None:
    _logger.info(event, extra=_count(told))


def _count(told: Retained) -> dict[str, object]:
    return {"numbers": told.looked_at, "destroyed": told.destroyed, "entries": told.entries}
