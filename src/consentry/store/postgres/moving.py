"""A PostgreSQL database as one side of a copy."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any, Final, Self

import msgspec

from consentry.store.migrate import MigrationError, check_known, read_migrations
from consentry.store.moved_tables import ENTRIES, SET_UP, TALLIES, Key, MovedTable, Row
from consentry.store.postgres.address import Address, read_address
from consentry.store.postgres.connection import (
    Connection,
    answering,
    check_server,
    connect,
    let_go,
)
from consentry.store.postgres.indexing import index_some
from consentry.store.postgres.migrating import apply_migrations, read_applied
from consentry.store.postgres.noting import read_notes, write_note
from consentry.store.postgres.statements import clean, read_statements
from consentry.store.sides import (
    CopyError,
    Progress,
    progress_name,
    write_progress,
)

_TALLIES: Final = """(
    SELECT day::text COLLATE "C" AS day, sender, kind, reason, sum(count)::bigint AS count
    FROM tallies
    GROUP BY day, sender, kind, reason
)"""
_TYPES: Final = dict.fromkeys(("seq", "number", "level", "size"), "bigint")

_MARK: Final = read_statements("read")["read_changes"].sql
_EVERYBODY: Final = "SELECT pg_advisory_xact_lock(0)"
"""Whoever writes a batch shares this key (see `batches`), so all have ended who began before."""

_PATIENT: Final = (
    "SET LOCAL statement_timeout = 0; "
    "SET LOCAL idle_in_transaction_session_timeout = 0; "
    "SET LOCAL lock_timeout = 0"
)
_SIGNS_OF_LIFE: Final = "SELECT string_agg(value, ',' ORDER BY id) FROM processes"
_BEATS_SECONDS: Final = 2.5
"""In this time a server that lives has said so, twice."""

_QUEUE: Final = "queued for search"


class _RevokedKey(msgspec.Struct):
    revoked_at: str | None = None


class PostgresSide:
    """Implements `Source` and `Target` on one database.

    A target reads and writes over one connection, a source reads in one transaction.
    """

    def __init__(self, address: Address, connection: Connection, *, locks: bool) -> None:
        """Take an open connection; `open_source` and `open_target` make one."""
        self._address = address
        self._connection = connection
        self._locks = locks

    @classmethod
    async def open_source(cls, url: str, *, locks: bool = True) -> Self:
        """Connect to a database that is up to date; nothing of it is changed.

        `locks`: whether anybody writes is found out. Raises `CopyError`, `StoreUnavailable`.
        """
        address = read_address(url)
        with answering():
            connection = await connect(address, answer_seconds=None)
            await _check_up_to_date(connection, address)
        return cls(address, connection, locks=locks)

    @classmethod
    async def open_target(cls, url: str, now: datetime) -> Self:
        """Connect, and bring the tables up to date."""
        address = read_address(url)
        with answering():
            connection = await connect(address, answer_seconds=None)
            await check_server(connection, address)
            await apply_migrations(connection, read_migrations("postgres"), now)
        return cls(address, connection, locks=True)

    @property
    def name(self) -> str:
        """Where it is, without a password."""
        return str(self._address)

    async def close(self) -> None:
        """Let go of the database."""
        await let_go(self._connection)

    # --- As a source ------------------------------------------------------------------------

    @asynccontextmanager
    async def frozen(self) -> AsyncIterator[str]:
        """Read all from one moment; with `locks` everybody's batch has ended by then."""
        before = await self._wait_for_writers() if self._locks else None
        with answering():
            transaction = self._connection.transaction(isolation="repeatable_read", readonly=True)
            await transaction.start()
        try:
            await self._connection.execute(_PATIENT)
            mark = str(await self._value(_MARK))
            if before is not None:
                await self.check_unchanged(before)
            yield mark
        finally:
            if not self._connection.is_closed():
                await transaction.rollback()

    async def _wait_for_writers(self) -> str:
        """Let all batches end that were begun; tell how many there ever were.

        Raises `CopyError` where a server runs: it gives a sign of life every second. One that was
        killed has left its last.
        """
        with answering():
            async with self._connection.transaction():
                await self._connection.execute(_EVERYBODY)
                mark = str(await self._connection.fetchval(_MARK))
        signs = await self._value(_SIGNS_OF_LIFE)
        if signs is not None:
            await asyncio.sleep(_BEATS_SECONDS)
            if await self._value(_SIGNS_OF_LIFE) != signs:
                raise CopyError(
                    f"A server runs on {self.name}. Stop every server on it, then run this again."
                )
        return mark

    async def check_unchanged(self, mark: str) -> None:
        """Raise `CopyError` where a batch was written since; a sequence is seen at once."""
        if self._locks and str(await self._value(_MARK)) != mark:
            raise CopyError(
                f"Somebody writes to {self.name}. Stop every server on it, then run this again: "
                "what was copied is compared, and begun anew where it must be."
            )

    async def read_directory_version(self) -> int:
        """Return the version of brands, senders and programs."""
        return int(str(await self._value("SELECT version FROM directory_version")))

    async def count(self, table: MovedTable) -> int:
        """Count a table's rows."""
        query = f"SELECT count(*) FROM {_source_of(table)} AS t"  # noqa: S608 - our own names
        return int(str(await self._value(query)))

    async def read(
        self, table: MovedTable, after: Key | None, *, at_once: int
    ) -> AsyncGenerator[list[Row], None]:
        """Read a table from behind a key, in the order of keys, so many rows at once."""
        # The number of a phone is a text, and that of a tile is none.
        types = {} if table.name == "phones" else _TYPES
        marks = tuple(f"${n}::{types.get(column, 'text')}" for n, column in enumerate(table.key, 1))
        query = table.write_select(_source_of(table), marks if after else ())
        with answering():
            # A target is read outside of a transaction, and nobody else writes to it.
            async with self._connection.transaction():
                cursor = await self._connection.cursor(query, *(after or ()))
                while found := await cursor.fetch(at_once):
                    yield [tuple(row) for row in found]

    # --- As a target ------------------------------------------------------------------------

    async def read_notes(self) -> dict[str, str]:
        """Read what is noted of the database as a whole."""
        with answering():
            return await read_notes(self._connection)

    async def write_notes(self, notes: dict[str, str], *, forgotten: tuple[str, ...] = ()) -> None:
        """Write notes, durably, and forget others."""
        with answering():
            async with self._connection.transaction():
                await self._connection.execute(
                    "DELETE FROM notes WHERE name = ANY($1::text[])", [*forgotten, _QUEUE]
                )
                for name, value in notes.items():
                    await write_note(self._connection, name, value)

    async def list_filled(self, tables: tuple[MovedTable, ...]) -> list[str]:
        """Name the tables that have rows."""
        return [
            table.name
            for table in tables
            if await self._value(f"SELECT EXISTS (SELECT 1 FROM {table.name})")  # noqa: S608 - our own names
        ]

    async def write(
        self, table: MovedTable, rows: list[Row], before: Progress, after: Progress
    ) -> None:
        """Write rows and the progress in one transaction."""
        with answering():
            async with self._connection.transaction():
                await _advance(self._connection, table, before, after)
                if rows:
                    await self._connection.copy_records_to_table(
                        table.name, records=_cells(table, rows), columns=_columns(table)
                    )

    async def finish_rows(self, directory_version: int) -> None:
        """Go on counting where the source had come to, and queue all customers for the index."""
        newest = [(table.name, "saved_seq") for table in SET_UP] + [(ENTRIES.name, "entries_seq")]
        highest: dict[str, int] = {}
        for name, sequence in newest:
            found = await self._value(f"SELECT coalesce(max(seq), 0) FROM {name}")  # noqa: S608 - our own names
            highest[sequence] = max(highest.get(sequence, 0), int(str(found)))
        with answering():
            async with self._connection.transaction():
                for sequence, number in highest.items():
                    if number:
                        await self._connection.execute(
                            "SELECT setval($1::text::regclass, $2)", sequence, number
                        )
                await self._connection.execute(
                    "UPDATE directory_version SET version = $1", directory_version
                )
                await self._queue_customers()
            await self._connection.execute("ANALYZE")

    async def _queue_customers(self) -> None:
        """Queue them once: a copy that goes on goes on with the index too."""
        if _QUEUE not in await read_notes(self._connection):
            await self._connection.execute(
                "INSERT INTO search_queue SELECT id FROM customers ON CONFLICT DO NOTHING"
            )
            await write_note(self._connection, _QUEUE, "true")

    async def index_some(self) -> int:
        """Make some more customers findable, and tell how many."""
        with answering():
            return await index_some(self._connection)

    # --- Within -----------------------------------------------------------------------------

    async def _value(self, query: str) -> object:
        with answering():
            value: object = await self._connection.fetchval(query)
        return value


async def _check_up_to_date(connection: Connection, address: Address) -> None:
    """Refuse a database of another version of the program."""
    migrations = read_migrations("postgres")
    applied = await read_applied(connection)
    if not applied:
        raise CopyError(f"{address} is no database of this program: it has no list of migrations.")
    check_known(applied, migrations)
    missing = [m.name for m in migrations if m.name not in applied]
    if missing:
        raise MigrationError(
            f"{address} is of an older version (without {', '.join(missing)}). Bring it up to "
            "date first: `consentry db upgrade` with CONSENTRY_DATABASE set to it."
        )


def _source_of(table: MovedTable) -> str:
    """Each connection counted in rows of its own: elsewhere they are one."""
    return _TALLIES if table is TALLIES else table.name


def _columns(table: MovedTable) -> tuple[str, ...]:
    if table is TALLIES:
        return (*table.columns, "shard")
    return (*table.columns, "revoked") if table.name == "api_keys" else table.columns


def _cells(table: MovedTable, rows: list[Row]) -> Iterator[tuple[Any, ...]]:
    """Write cells as the columns take them."""
    for row in rows:
        cells = tuple(clean(cell) if type(cell) is str else cell for cell in row)
        if table is TALLIES:
            yield date.fromisoformat(str(row[0])), *cells[1:], 0
        elif table.name == "api_keys":
            key = msgspec.json.decode(str(row[-1]), type=_RevokedKey)
            yield *cells, key.revoked_at is not None
        else:
            yield cells


async def _advance(
    connection: Connection, table: MovedTable, before: Progress, after: Progress
) -> None:
    """Note a progress on top of the one that was known; somebody else's is not written over."""
    told = await connection.execute(
        "UPDATE notes SET value = $1 WHERE name = $2 AND value = $3",
        write_progress(after),
        progress_name(table),
        write_progress(before),
    )
    if told != "UPDATE 1":
        raise CopyError("Another copy into this database is under way. Wait for it, or end it.")
