"""A log that somebody damaged: whoever reads or writes it is told, and nothing falls over."""

from contextlib import closing

import pytest
from store_world import ANN, Database, PostgresDatabase, SQLiteDatabase, tagged, write
from test_erasing import KEYS, erase
from test_ledger_log import Unwatched

from consentry.actions.prove_entry import prove_entry
from consentry.ports import Change, LogDamaged, Page, Store
from consentry.store.sqlite.connection import open_connection
from consentry.store.verifying.findings import Problem
from consentry.store.verifying.ledger import OneHand, verify_ledger
from consentry.store.verifying.sqlite import OpenFile
from ledger_keys import SIGNER

pytestmark = pytest.mark.integration


async def run(database: Database, sql: str) -> None:
    """Change the database behind the program's back."""
    if isinstance(database, PostgresDatabase):
        await database.run(sql)
        return
    assert isinstance(database, SQLiteDatabase)
    with closing(open_connection(database.path)) as file:
        file.execute(sql)


async def append(store: Store, number: int) -> str:
    """Append an entry, and give its id."""
    entry = tagged(number)
    await store.submit(write(Change(entries=(entry,))))
    return entry.id


async def test_each_part_of_the_log_that_is_damaged_is_named(database: Database) -> None:
    """Whatever reads it says where, and that `ledger verify` tells more; entries go on to come."""
    store = database.open(signer=SIGNER)
    entry = await append(store, 1)
    await store.integrate_log()
    assert (await prove_entry(store, entry)).leaf == 0

    await run(database, "UPDATE log_keys SET value = '{'")
    with pytest.raises(LogDamaged, match=r"log_keys .*`consentry ledger verify`"):
        await store.read_log_keys()
    await run(database, "UPDATE log_checkpoints SET value = replace(value, 'ledger', '')")
    await run(database, "UPDATE log_checkpoints SET value = replace(value, 'note', 'other')")
    with pytest.raises(LogDamaged, match="log_checkpoints"):
        await store.read_checkpoint()
    for cut in ("log_leaves SET salts = substr(salts, 1, 5)", "log_leaves SET seqs = salts"):
        await run(database, f"UPDATE {cut}")
        with pytest.raises(LogDamaged, match="log_leaves"):
            await store.read_logged([entry])
    await run(database, "UPDATE log_tiles SET hashes = substr(hashes, 1, 5)")
    await append(store, 2)
    with pytest.raises(LogDamaged, match="its tables"):
        await store.integrate_log()
    await run(database, "UPDATE log_head SET size = -1")
    for _ in range(2):
        with pytest.raises(LogDamaged, match="log_head"):
            await store.read_log_head()
        with pytest.raises(LogDamaged, match="its tables"):
            await store.integrate_log()
        await run(database, "DELETE FROM log_head")
    await append(store, 3)
    await store.close()


async def test_nobody_is_erased_by_halves(database: Database) -> None:
    """Where a salt cannot be destroyed, nothing is, and everybody else is served."""
    store = database.open(signer=SIGNER, hash_keys=KEYS)
    entry = await append(store, 1)
    await store.integrate_log()
    await run(database, "UPDATE log_leaves SET seqs = substr(seqs, 1, 5)")
    with pytest.raises(LogDamaged, match="log_leaves"):
        await erase(store)
    assert [found.id for found in await store.read_entries(ANN, Page(10))] == [entry]
    await append(store, 2)
    await store.close()


async def test_a_missing_tile_is_damage_and_no_missing_entry(database: Database) -> None:
    """Whoever asks for a proof must not be told to wait a second."""
    store = database.open(signer=SIGNER)
    entry = await append(store, 1)
    await store.integrate_log()
    await run(database, "DELETE FROM log_tiles")
    with pytest.raises(LogDamaged):
        await prove_entry(store, entry)
    await store.close()


async def test_an_entry_with_what_is_no_text_is_named(sqlite: SQLiteDatabase) -> None:
    """`ledger verify` goes on behind it, and names nothing else."""
    store = sqlite.open(signer=SIGNER)
    for number in range(3):
        await append(store, number)
    await store.integrate_log()
    await store.close()
    await run(sqlite, "DROP TRIGGER entries_are_never_changed")
    await run(sqlite, "UPDATE entries SET sender = CAST(X'FF' AS TEXT) WHERE seq = 2")
    with closing(OpenFile(sqlite.path).open()) as source:
        [found] = verify_ledger(source, OneHand(source), Unwatched()).findings
    assert (found.problem, found.leaf, found.told) == (Problem.COLUMNS, 1, "sender")
