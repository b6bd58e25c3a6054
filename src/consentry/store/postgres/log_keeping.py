"""Keeps the log up to date in the writer's event loop, over a connection of its own."""

import asyncio
import logging
from typing import Final

from consentry.ports import Clock, LogDamaged, LogHead, NoteSigner, TextSealed
from consentry.store.log_damage import reading_log
from consentry.store.log_leaves import CHECKPOINT_SECONDS, RETRY_SECONDS, STEPS_AT_ONCE
from consentry.store.postgres.address import Address
from consentry.store.postgres.connection import Connection, answering, connect, let_go
from consentry.store.postgres.integrating import Head, LogIntegrator, keep_timestamp

_LOOK_SECONDS: Final = 5.0
"""How often entries of other processes are looked for: one that was killed leaves its last."""

_PAUSE_SECONDS: Final = 0.02
"""Between two steps, so that batches are decided meanwhile."""

_ANSWER_SECONDS: Final = 120.0
"""The first window of a database is all entries of before: to span it takes its time."""

_CLOSING_SECONDS: Final = 2.0

_log = logging.getLogger(__name__)


class LogKeeping:
    """Integrates once a second while entries come; everything runs in one event loop."""

    def __init__(self, address: Address, signer: NoteSigner, clock: Clock) -> None:
        """Connect nowhere yet."""
        self._address = address
        self._integrator = LogIntegrator(signer, clock)
        self._connection: Connection | None = None
        self._written = asyncio.Event()
        self._turn = asyncio.Lock()
        self.held = ""
        """Why nothing was put in the last time; empty where it was. Other threads read it."""

    def note(self) -> None:
        """Take note that entries were written here."""
        self._written.set()

    async def run(self) -> None:
        """Integrate until cancelled."""
        while True:
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._written.wait()
                await asyncio.sleep(CHECKPOINT_SECONDS)
            except TimeoutError:
                pass
            self._written.clear()
            try:
                await self._integrate_waiting()
            except (LogDamaged, TextSealed) as error:
                _log.error("ledger_not_integrated: it is tried again", extra={"why": str(error)})
                self.held = str(error)
                await asyncio.sleep(RETRY_SECONDS)
            except Exception:  # noqa: BLE001 - whatever it is, the next time it may go
                _log.exception("ledger_not_integrated: it is tried again")
                await self._drop()
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.held = ""

    async def _integrate_waiting(self) -> None:
        """Integrate one window; what was written meanwhile is the next one, a second later.

        To look for a window, and to sign it, costs the same for one entry as for a thousand.
        """
        head = await self._integrate_some()
        while head is not None and head.is_open:
            await asyncio.sleep(_PAUSE_SECONDS)
            head = await self._integrate_some()
        if head is not None:
            self._written.set()

    async def _integrate_some(self) -> Head | None:
        async with self._turn:
            with reading_log("its tables"):
                return await self._integrator.integrate_some(await self._connect())

    async def integrate_many(self) -> LogHead:
        """Integrate as many as take about half a second; raises `StoreUnavailable`."""
        async with self._turn:
            try:
                with answering(), reading_log("its tables"):
                    connection = await self._connect()
                    head = await self._integrator.integrate_many(connection, STEPS_AT_ONCE)
            except (LogDamaged, TextSealed) as error:
                self.held = str(error)
                raise
            self.held = ""
            return head

    async def keep_timestamp(self, size: int, answer: bytes) -> None:
        """Keep an authority's answer beside a checkpoint."""
        async with self._turn:
            with answering():
                await keep_timestamp(await self._connect(), size, answer)

    async def _connect(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._address, answer_seconds=_ANSWER_SECONDS)
        return self._connection

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await let_go(connection)

    async def close(self) -> None:
        """Integrate what the last second brought, and let go of the database."""
        try:
            async with asyncio.timeout(_CLOSING_SECONDS):
                await self.integrate_many()
        except Exception:  # noqa: BLE001 - the next process does it
            _log.warning("the last entries are not in the ledger's log yet", exc_info=True)
        await self._drop()
