"""One way to connect, and which errors of the driver mean that the database is not there."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import asyncpg
import asyncpg.exceptions as errors

from consentry.ports import StoreUnavailable
from consentry.store.postgres.address import Address

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

CONNECT_SECONDS: Final = 3.0
NEXT_HOST_SECONDS: Final = 0.25
"""How long one of several hosts may take before the next one is tried beside it."""

ANSWER_SECONDS: Final = 10.0
"""How long one statement may take; then it is given up, and counts as not answered."""

SOON_SECONDS: Final = 9.0
"""The same for what a carrier waits for: with a new connection it is less than its 15 s."""

REFUSED_SECONDS: Final = 0.25
"""How long a database that could not be reached is not tried again: everybody is told at once."""

_OLDEST: Final = 14
_NEWEST_TRIED: Final = 18

LOST: Final = (
    OSError,
    asyncpg.InterfaceError,
    # What the driver says where the server's last words come in the middle of a question.
    asyncpg.InternalClientError,
    errors.PostgresConnectionError,
    errors.AdminShutdownError,
    errors.CrashShutdownError,
)
"""Errors of a connection that is no more."""

_UNAVAILABLE: Final = (
    *LOST,
    TimeoutError,
    errors.OperatorInterventionError,
    errors.InsufficientResourcesError,
    errors.PostgresSystemError,
    errors.LockNotAvailableError,
    errors.ReadOnlySQLTransactionError,
    errors.InvalidAuthorizationSpecificationError,
    errors.InvalidCatalogNameError,
    errors.InsufficientPrivilegeError,
    errors.ObjectNotInPrerequisiteStateError,
    errors.InternalServerError,
)
"""Errors that say something of the database, not of one command's rows."""

_log = logging.getLogger(__name__)


def is_unavailable(error: BaseException) -> bool:
    """Tell a database that cannot answer now from rows that it may not write."""
    return isinstance(error, _UNAVAILABLE)


def unavailable(error: BaseException) -> StoreUnavailable:
    """Say that the database does not answer, and what to do."""
    told = str(error) or type(error).__name__
    return StoreUnavailable(f"The database does not answer ({told}). Check it and try again.")


@contextmanager
def answering() -> Iterator[None]:
    """Turn the errors of a database that is not there into `StoreUnavailable`."""
    try:
        yield
    except _UNAVAILABLE as error:
        raise unavailable(error) from error


async def connect(
    address: Address,
    *,
    settings: dict[str, str] | None = None,
    answer_seconds: float | None = ANSWER_SECONDS,
) -> Connection:
    """Connect once; raises what `is_unavailable` knows.

    Of several hosts the first that will do is taken. `settings` are the session's, which a
    pooler's sessions cannot have. `answer_seconds`: how long one statement may take; None is as
    long as it takes.
    """
    used = settings if address.prepared else None

    async def make(url: str) -> Connection:
        connection: Connection = await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS,
            command_timeout=answer_seconds,
            statement_cache_size=200 if address.prepared else 0,
            max_cached_statement_lifetime=0,
            server_settings=used or None,
        )
        return connection

    hosts = address.list_hosts()
    return await (make(hosts[0]) if len(hosts) == 1 else _make_first(hosts, make))


async def _make_first(
    hosts: Sequence[str], make: Callable[[str], Coroutine[None, None, Connection]]
) -> Connection:
    """Try hosts one beside the other, each a little after the one before.

    A host that is gone may not even refuse: the others are not kept waiting for it.
    """
    begun: list[asyncio.Task[Connection]] = []
    taken: asyncio.Task[Connection] | None = None
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            for url in hosts:
                begun.append(asyncio.create_task(make(url)))
                await asyncio.wait(begun[-1:], timeout=NEXT_HOST_SECONDS)
                if any(map(_is_made, begun)):
                    break
            taken = await _first_made(begun)
            return taken.result()
    finally:
        await _give_up([task for task in begun if task is not taken])


def _is_made(task: "asyncio.Task[Connection]") -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


async def _first_made(
    begun: "Sequence[asyncio.Task[Connection]]",
) -> "asyncio.Task[Connection]":
    """Wait for the first that connects; where none does, give the first, with its error."""
    left = set(begun)
    while left and not any(map(_is_made, begun)):
        _, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
    return next(filter(_is_made, begun), begun[0])


async def _give_up(begun: "Sequence[asyncio.Task[Connection]]") -> None:
    """Break off what is still being tried, and let go of what was made too late."""
    for task in begun:
        task.cancel()
    await asyncio.gather(*begun, return_exceptions=True)
    for task in filter(_is_made, begun):
        task.result().terminate()


async def check_server(connection: Connection, address: Address) -> None:
    """Refuse a server that does not keep its word, or is too old; raises `StoreUnavailable`."""
    found = connection.get_server_version()
    if found.major < _OLDEST:
        raise StoreUnavailable(
            f"The database {address} is PostgreSQL {found.major}: {_OLDEST} or newer is needed."
        )
    if found.major > _NEWEST_TRIED:
        _log.warning(
            "PostgreSQL %d is newer than the newest that was tried, %d", found.major, _NEWEST_TRIED
        )
    for setting in ("synchronous_commit", "fsync", "full_page_writes"):
        value = await connection.fetchval("SELECT current_setting($1)", setting)
        if value == "off" and setting == "synchronous_commit":
            raise StoreUnavailable(
                f"The database {address} has synchronous_commit off: it would call an opt-out "
                "durable before it is. Switch it on, for this user at least: "
                "ALTER ROLE ... SET synchronous_commit = on."
            )
        if value == "off":
            _log.warning("the database has %s off: a crash of its host may lose opt-outs", setting)


async def let_go(connection: Connection) -> None:
    """Close a connection in order where that is quick, else drop it."""
    try:
        # The driver's own bound leaves out the time in which it cancels what is under way.
        async with asyncio.timeout(1):
            await connection.close(timeout=1)
    except _UNAVAILABLE:
        connection.terminate()
