"""Fills a ledger of any size straight into its tables, with its log, to measure how it is verified.

    python bench/ledger_verify.py sqlite:///big.db 10000000
    CONSENTRY_DATABASE=sqlite:///big.db consentry ledger verify

The database must be new. Entries are what a text that came in leaves behind, about 480 bytes each;
every 65,536 of them are signed. On SQLite the indexes of the entries are left out: nothing that is
measured reads them.
"""

import asyncio
import secrets
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg

from consentry.clock import SystemClock, SystemIds
from consentry.domain.microseconds import to_microseconds
from consentry.domain.policy import Policy
from consentry.opening import LedgerSigner
from consentry.ports import SALT_BYTES
from consentry.store.log_leaves import (
    EntryRow,
    Growth,
    Leaves,
    find_tails,
    grow,
    row_of_checkpoint,
    row_of_key,
    sign_tree,
)
from consentry.store.postgres.integrating import write_growth as write_to_postgres
from consentry.store.postgres.store import PostgresStore
from consentry.store.sqlite.connection import open_connection, transaction
from consentry.store.sqlite.integrating import write_growth as write_to_sqlite
from consentry.store.sqlite.store import SQLiteStore

START = datetime(2026, 1, 1, tzinfo=UTC)
AT_ONCE = 65_536
SENDER = "+18005550100"
SIGNER = LedgerSigner("bench.example/ledger", secrets.token_hex(32))
COLUMNS = ("seq", "recipient", "id", "kind", "sender", "recorded_at", "value")
Row = tuple[int, str, str, str, str, int, str]


def make_rows() -> Iterator[Row]:
    """Make entries, a thousand a second."""
    seq = 0
    while True:
        seq += 1
        at = START + timedelta(milliseconds=seq)
        written = at.isoformat().replace("+00:00", "Z")
        recipient = f"+1415{seq * 7919 % 9_000_000 + 1_000_000}"
        entry = f"ent_{seq:022d}"
        value = (
            f'{{"id":"{entry}","recipient":"{recipient}","kind":"message_received",'
            f'"at":"{written}",'
            f'"recorded_at":"{written}","actor":{{"kind":"person","id":"{recipient}"}},'
            f'"sender":"{SENDER}","message":"msg_{seq:022d}",'
            f'"text":"Is my order {seq} on its way?",'
            '"carrier_reading":{"keyword":"none","version":"2025-05-14",'
            '"profile":"twilio long_code"},'
            '"legal_reading":{"tier":"none","rule":"","version":"2026.11"}}'
        )
        yield seq, recipient, entry, "message_received", SENDER, to_microseconds(at), value


class Log:
    """Grows beside the rows, without reading what was written."""

    def __init__(self) -> None:
        self._size = 0
        self._tiles: dict[Any, bytes] = {}
        self._tail: Leaves | None = None

    def take(self, rows: list[Row]) -> Growth:
        """Put rows into the log."""
        salts = secrets.token_bytes(SALT_BYTES * len(rows))
        entries: list[EntryRow] = [(row[0], row[-1].encode()) for row in rows]
        names, number = find_tails(self._size)
        tails = {name: self._tiles[name] for name in names}
        tail = None if number is None else self._tail
        growth = grow(self._size, tails, tail, rows=entries, salts=salts)
        self._size, self._tail = growth.size, growth.leaves[-1]
        self._tiles = {**tails, **growth.tiles}
        return growth

    def sign(self, growth: Growth) -> tuple[int, str]:
        """Sign what the log is now."""
        return row_of_checkpoint(sign_tree(SIGNER, growth.size, growth.root, SystemClock().now()))


def fill_file(path: Path, count: int) -> None:
    """Fill a SQLite file."""
    store = SQLiteStore.open(path, clock=SystemClock(), ids=SystemIds(), policy=Policy())
    asyncio.run(store.close())
    connection = open_connection(path)
    for kind, name in connection.execute(
        "SELECT type, name FROM sqlite_schema WHERE tbl_name = 'entries' AND sql IS NOT NULL "
        "AND type IN ('index', 'trigger')"
    ).fetchall():
        connection.execute(f"DROP {kind} {name}")
    marks = ", ".join("?" * len(COLUMNS))
    insert = f"INSERT INTO entries ({', '.join(COLUMNS)}) VALUES ({marks})"  # noqa: S608 - ours
    log, made = Log(), make_rows()
    key = row_of_key(SIGNER, SystemClock().now())
    connection.execute("INSERT INTO log_keys (id, value) VALUES (?, ?)", key)
    while rows := list(islice(made, min(AT_ONCE, count))):
        growth = log.take(rows)
        with transaction(connection):
            connection.executemany(insert, rows)
            write_to_sqlite(connection, growth)
            connection.execute("INSERT INTO log_checkpoints VALUES (?, ?)", log.sign(growth))
            connection.execute("UPDATE log_head SET size = ?, after_seq = ?", (growth.size,) * 2)
        count -= len(rows)
        print(f"{count:,} to go", end="\r", file=sys.stderr)
    connection.close()


async def fill_database(url: str, count: int) -> None:
    """Fill a PostgreSQL database."""
    store = PostgresStore.open(url, clock=SystemClock(), ids=SystemIds(), policy=Policy())
    await store.close()
    connection = await asyncpg.connect(url)
    log, made = Log(), make_rows()
    key = row_of_key(SIGNER, SystemClock().now())
    await connection.execute("INSERT INTO log_keys (id, value) VALUES ($1, $2)", *key)
    while rows := list(islice(made, min(AT_ONCE, count))):
        growth = log.take(rows)
        async with connection.transaction():
            await connection.copy_records_to_table("entries", records=rows, columns=COLUMNS)
            await write_to_postgres(connection, growth)
            size, value = log.sign(growth)
            await connection.execute("INSERT INTO log_checkpoints VALUES ($1, $2)", size, value)
            await connection.execute("UPDATE log_head SET size = $1, copied_seq = $1", size)
        count -= len(rows)
        print(f"{count:,} to go", end="\r", file=sys.stderr)
    await connection.execute("SELECT setval('entries_seq', max(seq)) FROM entries")
    await connection.execute("VACUUM ANALYZE entries")
    await connection.close()


if __name__ == "__main__":
    address, wanted = sys.argv[1], int(sys.argv[2])
    if address.startswith("sqlite:///"):
        fill_file(Path(address.removeprefix("sqlite:///")), wanted)
    else:
        asyncio.run(fill_database(address, wanted))
