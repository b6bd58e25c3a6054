"""Telling the other processes what changed, and hearing it from them."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import msgspec

from consentry.ports import StoreUnavailable
from consentry.store.postgres.address import Address
from consentry.store.postgres.connection import (
    Connection,
    answering,
    connect,
    let_go,
)
from consentry.store.postgres.pool import Pool
from consentry.store.postgres.statements import read_statements
from consentry.store.watching import Watchers

CHANNEL: Final = "consentry_changes"

PAUSE_SECONDS: Final = 0.05
"""How long changes gather before others are told: telling takes a lock of the whole database."""

LOOK_SECONDS: Final = 1.0
"""How often changes are looked for where nobody can be told of them."""

_LOOKS_MAX: Final = 10
_LOOK_AGAIN_SECONDS: Final = 0.01

ALIVE_SECONDS: Final = 15.0
"""How often the connection that hears is asked whether there is anybody at its other end."""

RETRY_SECONDS: Final = 0.5
_PROBE_SECONDS: Final = 2.0
_PAYLOAD_BYTES_MAX: Final = 7000
"""PostgreSQL takes 8000."""

_CHANGES: Final = read_statements("read")["read_changes"]

_log = logging.getLogger(__name__)


class Announcement(msgspec.Struct, frozen=True, array_like=True):
    """What a process tells the others: who it is, and what changed; None is anything."""

    process: str
    touched: list[str] | None = None


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Announcement).decode


class Announcer:
    """Gathers what this process changed, and tells it now and then; in the writer's thread."""

    def __init__(self, process: str) -> None:
        """Speak for this process."""
        self._process = process
        self._touched: set[str] | None = set()

    @property
    def is_waiting(self) -> bool:
        """Tell whether there is something to tell."""
        return self._touched is None or bool(self._touched)

    def add(self, touched: frozenset[str]) -> None:
        """Take note of a change."""
        if self._touched is not None:
            self._touched.update(touched)

    async def tell(self, connection: Connection) -> None:
        """Tell the others; where it fails they are told to look at everything, later."""
        touched, self._touched = self._touched, None
        payload = _write(self._process, touched).replace("'", "''")
        # Nobody has to wait for the disk: what is told is durable already.
        await connection.execute(
            f"BEGIN; SET LOCAL synchronous_commit = off; NOTIFY {CHANNEL}, '{payload}'; COMMIT"
        )
        self._touched = set()


def _write(process: str, touched: set[str] | None) -> str:
    listed = None if touched is None else sorted(touched)
    payload = _encode(Announcement(process, listed))
    if len(payload) > _PAYLOAD_BYTES_MAX:
        payload = _encode(Announcement(process))
    return payload.decode()


class Listener:
    """Hears what other processes changed, for the listeners of one event loop.

    Where notifications do not come through (a pooler is between), it looks instead whether
    anybody wrote more than this process did.
    """

    def __init__(
        self,
        address: Address,
        *,
        process: str,
        pool: Pool,
        watchers: Watchers,
        written: Callable[[], int | None],
    ) -> None:
        """Listen for this process, which has written so many batches; None while it writes."""
        self._address = address
        self._process = process
        self._pool = pool
        self._watchers = watchers
        self._written = written
        self._foreign = 0
        self._heard = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, foreign: int) -> None:
        """Begin in the running loop; `foreign` is how many batches of others are known of."""
        if self._task is None or self._task.done():
            self._foreign = foreign
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        """Listen, and listen again over a new connection where one was lost."""
        is_again = False
        while True:
            try:
                await self._listen(is_again=is_again)
            except StoreUnavailable as error:
                _log.warning("cannot hear of other processes' changes for now: %s", error)
            except Exception:  # noqa: BLE001 - said, and tried again
                # Whatever it is, to end would leave every open page as it was.
                _log.exception("cannot hear of other processes' changes for now")
            is_again = True
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self, *, is_again: bool) -> None:
        """Listen until the connection is lost."""
        lost = asyncio.Event()
        with answering():
            connection = await connect(self._address)
        try:
            connection.add_termination_listener(lambda _: lost.set())
            with answering():
                await connection.add_listener(CHANNEL, self._hear)
            is_heard = await self._is_heard()
            # Whatever happened before we could hear of it.
            if is_again:
                self._watchers.tell(None)
            await self._look()
            if is_heard:
                await wait_until_lost(connection, lost)
            else:
                _log.warning("notifications do not come through: looking for changes instead")
                await self._look_on(lost)
        finally:
            await let_go(connection)

    async def _is_heard(self) -> bool:
        """Tell whether what is told over one connection comes through over the other."""
        self._heard.clear()
        payload = _write(self._process, set())
        await self._pool.use(
            lambda connection: connection.fetchval("SELECT pg_notify($1, $2)", CHANNEL, payload)
        )
        try:
            await asyncio.wait_for(self._heard.wait(), _PROBE_SECONDS)
        except TimeoutError:
            return False
        return True

    async def _look_on(self, lost: asyncio.Event) -> None:
        while not lost.is_set():
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()

    async def _look(self) -> None:
        """Tell the listeners where others have written since the last look.

        What we write meanwhile may be counted there and not here, so then it is looked at again.
        """
        for _ in range(_LOOKS_MAX):
            written = self._written()
            ((total,),) = await self._pool.fetch(_CHANGES, {})
            if written is not None and written == self._written():
                self._compare(total - written)
                return
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        # Nobody can tell whose these were.
        self._watchers.tell(None)

    def _compare(self, foreign: int) -> None:
        if foreign > self._foreign:
            self._watchers.tell(None)
        self._foreign = max(foreign, self._foreign)

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        """Pass on what another process told; our own listeners know of our changes."""
        try:
            told = _decode(str(payload))
        except msgspec.MsgspecError:
            _log.warning("this was told on our channel and is none of ours: %r", payload)
            return
        if told.process == self._process:
            self._heard.set()
            return
        self._watchers.tell(None if told.touched is None else frozenset(told.touched))


async def wait_until_lost(
    connection: Connection, lost: asyncio.Event, *, alive_seconds: float = ALIVE_SECONDS
) -> None:
    """Wait until a connection is lost, and ask now and then: what is on the way may just be gone.

    Then nobody says that it is. Raises `StoreUnavailable` where it does not answer.
    """
    while not lost.is_set():
        try:
            await asyncio.wait_for(lost.wait(), alive_seconds)
        except TimeoutError:
            with answering():
                await connection.execute("SELECT 1")


async def count_written(connection: Connection) -> int:
    """Count the batches that anybody ever wrote."""
    count: int = await connection.fetchval(_CHANGES.sql)
    return count
