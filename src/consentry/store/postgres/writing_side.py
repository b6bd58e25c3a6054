"""What writes in this process: a thread, its event loop, and what it does beside the batches."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import Final

import msgspec

from consentry.ports import LogHead, StoreUnavailable
from consentry.store.erased import check_keys
from consentry.store.migrate import read_migrations
from consentry.store.notes import check_notes
from consentry.store.postgres.address import Address
from consentry.store.postgres.announcing import PAUSE_SECONDS, Announcer, count_written
from consentry.store.postgres.batches import Around, Lane, Losses, Undertaken
from consentry.store.postgres.connection import Connection, check_server, connect, let_go
from consentry.store.postgres.indexing import CUSTOMERS_AT_ONCE, index_some
from consentry.store.postgres.loading import DirectoryReader
from consentry.store.postgres.log_keeping import LogKeeping
from consentry.store.postgres.migrating import apply_migrations
from consentry.store.postgres.noting import read_notes
from consentry.store.postgres.pipeline import PipelinedWriter
from consentry.store.watching import Watchers
from consentry.wire.keyed_hash import HashKeys

LANES: Final = 2
"""While one batch is on its way to the disk the next is decided: a third gains nothing more."""

UNINDEXED_MAX: Final = 20_000
"""So many customers that this process wrote are left waiting while it is busy."""

REST_SECONDS: Final = 0.05
"""How long nothing is written before it counts as a pause: between two batches of a burst is none.

Indexing somebody costs as much as writing a text of theirs.
"""

_RETRY_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


class WritingSide:
    """Writes to one database; tells everybody what changed, and indexes in pauses."""

    def __init__(
        self,
        address: Address,
        around: Around,
        *,
        watchers: Watchers,
        process: str,
        logs: LogKeeping | None = None,
    ) -> None:
        """Write to this database; nothing is connected yet."""
        self.known_foreign = 0
        self._address = address
        self._around = around
        self._logs = logs
        self._watchers = watchers
        self._loop = _find_loop()()
        directory = DirectoryReader(around.hash_keys)
        losses = Losses()
        self._lanes = [
            Lane(address, around, directory=directory, losses=losses) for _ in range(LANES)
        ]
        self._announcer = Announcer(process)
        self._unindexed = 1
        self._busy_until = -inf
        self._writer: PipelinedWriter[Undertaken] | None = None
        self._due = asyncio.Event()
        self._due.set()
        self._connection: Connection | None = None

    @property
    def hash_keys(self) -> HashKeys:
        """The keys that find who was erased."""
        return self._around.hash_keys

    @property
    def written(self) -> int | None:
        """How many times this process has written something, kept or not; None: it is writing."""
        if any(lane.is_writing for lane in self._lanes):
            return None
        return sum(lane.written for lane in self._lanes)

    def open(self) -> None:
        """Connect, and bring the tables up to date; blocks. Raises what the driver raises."""
        # A thread of its own, because the caller's may run an event loop already.
        with ThreadPoolExecutor(1) as executor:
            opening = executor.submit(self._loop.run_until_complete, self._open())
        if opening.exception() is not None:
            self._loop.close()
        opening.result()

    async def _open(self) -> None:
        connection = await connect(self._address)
        try:
            await check_server(connection, self._address)
            await apply_migrations(
                connection, read_migrations("postgres"), self._around.clock.now()
            )
            notes = await read_notes(connection)
            check_notes(notes, f"The database {self._address}", self._around.clock.now())
            self.known_foreign = await count_written(connection)
            directory = DirectoryReader(self._around.hash_keys)
            await directory.read(connection)
            check_keys(directory.asked)
        finally:
            await let_go(connection)

    def start(self, batch_commands_max: int) -> PipelinedWriter[Undertaken]:
        """Start the writer's thread."""
        self._writer = PipelinedWriter(
            self._loop,
            self._lanes,
            batch_commands_max=batch_commands_max,
            monotonic=self._around.clock.monotonic,
            after_batch=self._after_batch,
            beside=self._beside,
        )
        return self._writer

    def _after_batch(self) -> None:
        """Tell who listens here, and note what is to be told elsewhere and indexed."""
        self._busy_until = self._loop.time() + REST_SECONDS
        for lane in self._lanes:
            touched, customers = lane.take_changed()
            if touched and self._logs is not None:
                self._logs.note()
            self._unindexed += customers
            if touched:
                self._watchers.tell(touched)
                self._announcer.add(touched)
                self._due.set()

    async def integrate_log(self) -> LogHead:
        """Put what is durable into the log; called from another event loop."""
        if self._logs is None:
            raise StoreUnavailable("The store was not opened for writing the ledger's log.")
        asked = asyncio.run_coroutine_threadsafe(self._logs.integrate_many(), self._loop)
        return await asyncio.wrap_future(asked)

    def tell_held(self, head: LogHead) -> LogHead:
        """Tell with the log's head why it does not go on here, where it does not."""
        held = "" if self._logs is None else self._logs.held
        return msgspec.structs.replace(head, held=held) if held else head

    async def keep_timestamp(self, size: int, answer: bytes) -> None:
        """Keep an authority's answer beside a checkpoint; called from another event loop."""
        if self._logs is not None:
            asked = asyncio.run_coroutine_threadsafe(
                self._logs.keep_timestamp(size, answer), self._loop
            )
            await asyncio.wrap_future(asked)

    async def _beside(self) -> None:
        """Do what is done while batches go on."""
        logging_entries = () if self._logs is None else (self._logs.run(),)
        await asyncio.gather(self._tell_and_index(), *logging_entries)

    async def _tell_and_index(self) -> None:
        """Tell other processes what changed, and index, while batches go on."""
        while True:
            await self._due.wait()
            await asyncio.sleep(PAUSE_SECONDS)
            self._due.clear()
            try:
                await self._keep_up()
            except Exception:  # noqa: BLE001 - tried again, whatever it was
                _log.warning("the database cannot be kept up to date for now", exc_info=True)
                self._due.set()
                await asyncio.sleep(_RETRY_SECONDS)

    async def _keep_up(self) -> None:
        if self._announcer.is_waiting:
            await self._announcer.tell(await self._connect())
        while self._unindexed and self._rests():
            await self._index()
        if self._unindexed > UNINDEXED_MAX:
            await self._index()
        if self._unindexed:
            self._due.set()

    def _rests(self) -> bool:
        is_idle = self._writer is None or self._writer.is_idle
        return is_idle and self._loop.time() >= self._busy_until

    async def _index(self) -> None:
        before = self._unindexed
        count = await index_some(await self._connect())
        # What was written here may have been indexed elsewhere, and the other way round. Who was
        # written meanwhile may be in it or not.
        left = max(before - count, 0) if count == CUSTOMERS_AT_ONCE else 0
        self._unindexed += left - before

    async def _connect(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._address)
        return self._connection

    def close(self) -> None:
        """Let go of the database; the writer has finished."""
        self._loop.run_until_complete(self._close())
        self._loop.close()

    async def _close(self) -> None:
        if self._announcer.is_waiting:
            try:
                await self._announcer.tell(await self._connect())
            except Exception:  # noqa: BLE001 - the others find out by themselves
                _log.warning("other processes were not told of the last changes", exc_info=True)
        for lane in self._lanes:
            await lane.drop()
        if self._logs is not None:
            await self._logs.close()
        if self._connection is not None:
            await let_go(self._connection)


def _find_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """Find the fastest event loop that is installed."""
    try:
        import uvloop  # noqa: PLC0415 - not on every system
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
