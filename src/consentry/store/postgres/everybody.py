"""All standings of a PostgreSQL database, or of a replica of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from consentry.domain.directory import Directory
from consentry.ports import Checkpoint, ErasedStanding
from consentry.store.erased import NO_KEYS, Asked
from consentry.store.everybody import AT_ONCE, read_checkpoint, walk
from consentry.store.postgres.address import read_address
from consentry.store.postgres.connection import Connection, answering, connect, let_go
from consentry.store.postgres.loading import DirectoryReader, find_erased
from consentry.store.postgres.statements import read_statements
from consentry.wire.keyed_hash import HashKeys

_PART: Final = read_statements("read")["read_everybody"]
_ERASED: Final = read_statements("read")["read_erased"].sql
_CHECKPOINT: Final = read_statements("log")["newest_checkpoint"].sql
_PATIENT: Final = (
    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
)
_Found = tuple[str, bytes] | None


class PostgresEverybody:
    """Implements `Everybody` in one transaction that only reads."""

    def __init__(
        self,
        connection: Connection,
        directory: Directory,
        checkpoint: Checkpoint | None,
        asked: Asked,
    ) -> None:
        """Take a connection within a transaction, and what was read there already."""
        self.directory = directory
        self.checkpoint = checkpoint
        self.has_erased = bool(asked.used)
        self._asked = asked
        self._connection = connection

    def parts(self) -> AsyncIterator[bytes]:
        """Give all standings part by part."""
        return walk(self._read, "")

    async def match_erased(self, numbers: list[str]) -> dict[str, str]:
        """Find what stands against numbers that were erased."""
        if not self._asked.used:
            return {}
        with answering():
            return await find_erased(self._connection, numbers, self._asked)

    async def read_erased(self) -> list[ErasedStanding]:
        """List what stands against all who were erased."""
        with answering():
            found = await self._connection.fetch(_ERASED)
        return [ErasedStanding(*map(str, row)) for row in found]

    async def _read(self, after: str) -> _Found:
        with answering():
            row = await self._connection.fetchrow(
                _PART.sql, *_PART.bind({"after": after, "at_once": AT_ONCE})
            )
        if row is None or row[0] is None:
            return None
        return str(row[0]), str(row[1]).encode()


@asynccontextmanager
async def open_everybody(
    url: str, *, hash_keys: HashKeys = NO_KEYS
) -> AsyncIterator[PostgresEverybody]:
    """Read everybody as of the last commit; raises `AddressError` for a URL that names nothing.

    `hash_keys` find who was erased.
    """
    address = read_address(url)
    with answering():
        connection = await connect(address, answer_seconds=None)
    try:
        with answering():
            transaction = connection.transaction(isolation="repeatable_read", readonly=True)
            await transaction.start()
            await connection.execute(_PATIENT)
            reader = DirectoryReader(hash_keys)
            directory, _ = await reader.read(connection)
            found = await connection.fetchval(_CHECKPOINT)
        checkpoint = None if found is None else read_checkpoint(str(found))
        yield PostgresEverybody(connection, directory, checkpoint, reader.asked)
    finally:
        await let_go(connection)
