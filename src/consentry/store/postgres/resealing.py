"""The rows of a PostgreSQL database in which texts may stand sealed."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Self

from consentry.store.postgres.address import read_address
from consentry.store.postgres.connection import Connection, answering, connect, let_go
from consentry.store.postgres.erasing import permission
from consentry.store.resealing import Key, Replacement, Stored


class PostgresRows:
    """Implements `SealedRows` on a database that servers may be serving meanwhile."""

    def __init__(self, connection: Connection) -> None:
        """Take an open connection."""
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect; raises `StoreUnavailable` and `AddressError`."""
        address = read_address(url)
        with answering():
            return cls(await connect(address, answer_seconds=None))

    async def count(self, table: str) -> int:
        """Count a table's rows."""
        with answering():
            return int(await self._connection.fetchval(f"SELECT count(*) FROM {table}"))  # noqa: S608 - our own names

    async def read(self, table: str, after: Key | None, limit: int) -> list[Stored]:
        """Read rows in the order of their ids."""
        query = f"""
            SELECT id, recipient, value FROM {table}
            WHERE (id, recipient) > ($1, $2) ORDER BY id, recipient LIMIT $3
        """  # noqa: S608 - our own names
        with answering():
            found = await self._connection.fetch(query, *(after or ("", "")), limit)
        return [Stored((row["id"], row["recipient"]), row["value"]) for row in found]

    async def replace(self, table: str, rows: Sequence[Replacement]) -> int:
        """Write values anew in one transaction, the ledger's by leave."""
        query = f"""
            UPDATE {table} AS t SET value = given.new
            FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
                AS given (id, recipient, old, new)
            WHERE t.id = given.id AND t.recipient = given.recipient AND t.value = given.old
        """  # noqa: S608 - our own names
        columns = (
            [row.key[0] for row in rows],
            [row.key[1] for row in rows],
            [row.old for row in rows],
            [row.new for row in rows],
        )
        is_ledger = table == "entries"
        with answering():
            async with (
                self._connection.transaction(),
                permission(self._connection, "reseal") if is_ledger else nullcontext(),
            ):
                told = await self._connection.execute(query, *columns)
        return int(str(told).rpartition(" ")[2])

    async def close(self) -> None:
        """Let go of the database."""
        await let_go(self._connection)
