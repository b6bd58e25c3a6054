"""Connections for reading, of one event loop: made as they are needed, and made again when lost."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

from consentry.ports import StoreUnavailable
from consentry.store.postgres.address import Address
from consentry.store.postgres.connection import (
    ANSWER_SECONDS,
    LOST,
    REFUSED_SECONDS,
    Connection,
    answering,
    connect,
    let_go,
)
from consentry.store.postgres.statements import Statement

if TYPE_CHECKING:
    import asyncpg

    Rows = list[asyncpg.Record]

T = TypeVar("T")

_SETTINGS: Final = {
    "application_name": "consentry reads",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}


class Pool:
    """A few connections; whoever reads waits for a free one. Everything raises `StoreUnavailable`.

    A statement over a connection that turns out to be lost is asked once more over a new one:
    reading twice is harmless.
    """

    def __init__(
        self,
        address: Address,
        size: int,
        *,
        settings: Mapping[str, str] | None = None,
        answer_seconds: float = ANSWER_SECONDS,
        is_quick: bool = False,
    ) -> None:
        """Connect nowhere yet; `settings` are the sessions'.

        `answer_seconds`: how long one statement may take, and each wait for a connection.
        `is_quick`: all statements take milliseconds, so one without an answer speaks for all.
        """
        self._is_quick = is_quick
        self._answer_seconds = answer_seconds
        self._address = address
        self._settings = _SETTINGS | dict(settings or {})
        self._free: list[Connection] = []
        self._all: set[Connection] = set()
        self._room = asyncio.Semaphore(size)
        self._refused: tuple[float, StoreUnavailable] | None = None
        self._late: set[asyncio.Task[Connection]] = set()
        self._closed = False

    async def fetch(self, statement: Statement, values: Mapping[str, object]) -> "Rows":
        """Run one statement and return its rows."""
        bound = statement.bind(values)
        return await self.use(lambda connection: connection.fetch(statement.sql, *bound))

    async def use(self, ask: Callable[[Connection], Awaitable[T]]) -> T:
        """Ask something over a connection of its own meanwhile; it must only read."""
        await self._find_room()
        try:
            return await self._use(ask)
        finally:
            self._room.release()

    async def _use(self, ask: Callable[[Connection], Awaitable[T]]) -> T:
        for is_last in (False, True):
            connection, is_new = await self._take(anew=is_last)
            try:
                with answering():
                    answer = await self._ask(connection, ask)
            except BaseException as error:
                lost = isinstance(error.__cause__, LOST)
                is_silent = isinstance(error.__cause__, TimeoutError)
                if isinstance(error, StoreUnavailable) and is_silent and self._is_quick:
                    self._refuse_all(error)
                await self._drop(connection, is_lost=lost)
                # Who has said nothing for so long would say nothing the second time either.
                if is_last or is_new or is_silent or not lost:
                    raise
            else:
                self._give_back(connection)
                return answer
        raise AssertionError  # the second time returns or raises

    async def _find_room(self) -> None:
        """Wait for a free connection, or for room for one more, for a bounded time."""
        if not self._room.locked():
            await self._room.acquire()
            return
        with answering():
            async with asyncio.timeout(self._answer_seconds):
                await self._room.acquire()

    async def _ask(self, connection: Connection, ask: Callable[[Connection], Awaitable[T]]) -> T:
        if self._address.prepared:
            return await ask(connection)
        # A pooler gives each transaction a connection: all parts of one question go over one.
        async with connection.transaction(readonly=True):
            return await ask(connection)

    async def _take(self, *, anew: bool) -> tuple[Connection, bool]:
        """Give a free connection, or a new one.

        `anew`: none that was free, which what has taken another may have taken too.
        """
        if self._closed:
            raise StoreUnavailable("The store is closed. Check it and try again.")
        while self._free and not anew:
            connection = self._free.pop()
            if not connection.is_closed():
                return connection, False
            self._all.discard(connection)
        return await self._connect(), True

    async def _connect(self) -> Connection:
        now = asyncio.get_running_loop().time()
        if self._refused is not None and (self._late or now < self._refused[0]):
            raise self._refused[1]
        try:
            with answering():
                connection = await self._make()
        except StoreUnavailable as error:
            self._refuse(error)
            raise
        self._refused = None
        self._all.add(connection)
        return connection

    async def _make(self) -> Connection:
        """Connect; what takes longer than one may wait goes on, for those who come later."""
        making = asyncio.create_task(
            connect(self._address, settings=self._settings, answer_seconds=self._answer_seconds)
        )
        try:
            async with asyncio.timeout(self._answer_seconds):
                return await asyncio.shield(making)
        finally:
            if not making.done():
                self._late.add(making)
                making.add_done_callback(self._take_late)

    def _take_late(self, making: "asyncio.Task[Connection]") -> None:
        self._late.discard(making)
        if not making.cancelled() and making.exception() is None:
            self._refused = None
            self._all.add(making.result())
            self._give_back(making.result())

    def _refuse(self, error: StoreUnavailable) -> None:
        """Tell everybody at once who needs a new connection in the next moment."""
        self._refused = (asyncio.get_running_loop().time() + REFUSED_SECONDS, error)

    def _refuse_all(self, error: StoreUnavailable) -> None:
        """Let nobody else wait for a database that says nothing: not over what is free either."""
        self._refuse(error)
        while self._free:
            connection = self._free.pop()
            self._all.discard(connection)
            connection.terminate()

    def _give_back(self, connection: Connection) -> None:
        if self._closed:
            connection.terminate()
        else:
            self._free.append(connection)

    async def _drop(self, connection: Connection, *, is_lost: bool) -> None:
        self._all.discard(connection)
        if is_lost:
            connection.terminate()
        else:
            await let_go(connection)

    async def close(self) -> None:
        """Let go of all connections; who reads now is told that the database is gone."""
        self._closed = True
        for making in self._late:
            making.cancel()
        await asyncio.gather(*self._late, return_exceptions=True)
        connections, self._all, self._free = self._all, set(), []
        await asyncio.gather(*map(let_go, connections))

    def forget(self) -> None:
        """Let go without an event loop: it is gone, and nothing can be said to the server."""
        self._closed = True
        for connection in self._all:
            connection.terminate()
