"""The ledger on SQLite is only ever added to, whatever program holds the file open."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from store_world import ANN, SQLiteDatabase, tagged, write

from consentry.ports import Change, Page

pytestmark = pytest.mark.integration

COLUMNS = "(recipient, id, kind, sender, recorded_at, value)"
COPY = "recipient, id, kind, sender, recorded_at, '{}' FROM entries"
UPSERT = "ON CONFLICT (id) DO UPDATE SET value = '{}'"


@pytest.fixture
async def foreign(sqlite: SQLiteDatabase) -> Iterator[sqlite3.Connection]:
    """Open the file, with one entry in it, by a driver that knows nothing of the store."""
    store = sqlite.open()
    await store.submit(write(Change(entries=(tagged(1),))))
    await store.close()
    with closing(sqlite3.connect(sqlite.path, isolation_level=None)) as connection:
        yield connection


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET value = '{}'",
        "UPDATE entries SET seq = 7",
        "DELETE FROM entries",
        f"INSERT OR REPLACE INTO entries {COLUMNS} SELECT {COPY}",
        f"INSERT OR REPLACE INTO entries SELECT seq, {COPY.replace('id,', '9,')}",
        f"INSERT INTO entries {COLUMNS} SELECT {COPY} WHERE true {UPSERT}",
    ],
)
async def test_an_entry_is_never_changed_nor_deleted(
    foreign: sqlite3.Connection, sqlite: SQLiteDatabase, statement: str
) -> None:
    """The database itself refuses and says to append a new entry; the entry is unharmed."""
    with pytest.raises(sqlite3.IntegrityError, match="The ledger is append-only"):
        foreign.execute(statement)
    store = sqlite.open()
    assert await store.read_entries(ANN, Page()) == [tagged(1)]
    await store.close()
