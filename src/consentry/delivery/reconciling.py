"""Carriers are compared with our ledger once a day, and when somebody asks for it."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from consentry.actions.reconcile import Limits, Reconciler
from consentry.domain.drift import Reconciliation, ReconciliationState
from consentry.domain.entries import Actor, ActorKind
from consentry.ports import (
    Carrier,
    CarrierBook,
    Clock,
    Ids,
    Page,
    Rejected,
    Store,
    StoreUnavailable,
)

LOOK_SECONDS: Final = 60.0
_RETRY: Final = timedelta(hours=1)
_SYSTEM: Final = Actor(ActorKind.SYSTEM)

_logger = logging.getLogger(__name__)


class NightlyReconciling:
    """Implements `ports.Reconciling`, and sees to it every night in the process that leads."""

    def __init__(
        self,
        store: Store,
        book: CarrierBook,
        clock: Clock,
        ids: Ids,
        *,
        hour: int | None,
        limits: Limits,
        leads: Callable[[], bool],
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        """Compare from `hour` on, by UTC; None: only when somebody asks."""
        self._store = store
        self._book = book
        self._clock = clock
        self._hour = hour
        self._leads = leads
        self._look_seconds = look_seconds
        self._began = clock.now()
        self._reconciler = Reconciler(store, clock, ids, limits)
        self._running: dict[str, tuple[Reconciliation, asyncio.Task[None]]] = {}

    async def start(
        self, carrier_id: str, *, actor: Actor, since: datetime | None = None
    ) -> Reconciliation:
        """Begin to compare an account; one that is under way in this process is that one."""
        known = self._running.get(carrier_id)
        if known is not None and not known[1].done():
            report = await self._store.read_reconciliation(known[0].id) or known[0]
            if report.state is ReconciliationState.RUNNING:
                return report
        carrier = await self._book.find(carrier_id)
        if carrier is None:
            raise Rejected(
                "unknown_carrier",
                f"There is no carrier account {carrier_id!a}. List the carriers.",
                status=404,
            )
        report = await self._reconciler.begin(carrier, actor=actor, since=since)
        task = asyncio.create_task(self._run(carrier, report))
        self._running[carrier_id] = (report, task)
        return report

    async def _run(self, carrier: Carrier, report: Reconciliation) -> None:
        try:
            await self._reconciler.run(carrier, report)
        except Exception:
            # It stays as one that runs, and is taken up as one that was cut off.
            _logger.exception("reconcile_cut_off", extra={"carrier": carrier.id})

    async def run(self) -> None:
        """Look every minute what is due, until cancelled; what is under way is cut off then."""
        try:
            while True:
                await asyncio.sleep(self._look_seconds)
                if self._hour is not None and self._leads():
                    await self.look(self._hour)
        finally:
            tasks = [task for _, task in self._running.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def look(self, hour: int) -> None:
        """Begin what is due; one account after the other, so that they share the load."""
        try:
            for account in await self._store.read_carriers():
                if any(not task.done() for _, task in self._running.values()):
                    return
                if await self._is_due(account.id, hour):
                    await self.start(account.id, actor=_SYSTEM)
        except StoreUnavailable:
            _logger.warning("reconcile_waits: the database does not answer")
        except Exception:
            _logger.exception("reconcile_failed: it is tried again")

    async def _is_due(self, carrier_id: str, hour: int) -> bool:
        """Tell whether an account was not compared since the hour came round last.

        One that never was waits for the hour, so that a server that was just set up does not
        begin with it.
        """
        carrier = await self._book.find(carrier_id)
        if carrier is None or (carrier.history is None and carrier.block_list is None):
            return False
        now = self._clock.now()
        due_at = now.replace(hour=hour, minute=0, second=0, microsecond=0)
        due_at = due_at if due_at <= now else due_at - timedelta(days=1)
        last = await self._store.read_reconciliations(Page(limit=1), carrier=carrier_id)
        if not last:
            return due_at >= self._began
        if last[0].state is ReconciliationState.FAILED:
            return now - last[0].updated_at > _RETRY
        if last[0].state is ReconciliationState.RUNNING:
            return last[0].is_cut_off(now)
        return last[0].started_at < due_at
