"""The ledger on PostgreSQL is only ever added to, whatever program is connected."""

import asyncpg
import pytest
from store_world import ANN, PostgresDatabase, tagged, write

from consentry.ports import Change, Page

pytestmark = pytest.mark.integration

COLUMNS = "(recipient, id, kind, sender, recorded_at, value)"
COPY = "SELECT recipient, id, kind, sender, recorded_at, '{}' FROM entries"
UPSERT = "ON CONFLICT (id, recipient) DO UPDATE SET value = '{}'"


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE entries SET value = '{}'", "The ledger is append-only"),
        ("UPDATE entries SET seq = 7", "The ledger is append-only"),
        ("DELETE FROM entries", "The ledger is append-only"),
        ("TRUNCATE entries", "The ledger is append-only"),
        ("TRUNCATE entries, standings CASCADE", "The ledger is append-only"),
        (f"INSERT INTO entries {COLUMNS} {COPY}", "duplicate key"),
        (f"INSERT INTO entries {COLUMNS} {COPY} {UPSERT}", "The ledger is append-only"),
    ],
)
async def test_an_entry_is_never_changed_nor_deleted(
    postgres: PostgresDatabase, statement: str, told: str
) -> None:
    """The database itself refuses and says to append a new entry; the entry is unharmed."""
    store = postgres.open()
    await store.submit(write(Change(entries=(tagged(1),))))
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=told):
        await postgres.run(statement)
    assert await store.read_entries(ANN, Page()) == [tagged(1)]
    await store.close()
