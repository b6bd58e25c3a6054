"""The transparency log, on both databases: every entry gets in, once, in order, and is signed."""

import asyncio
import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from store_world import (
    ANN,
    BOB,
    Database,
    PostgresDatabase,
    SQLiteDatabase,
    TickingClock,
    integrate_all,
    open_address,
    tagged,
    write,
)

from consentry.actions.prove_entry import read_consistency, read_inclusion, read_root
from consentry.clock import SystemClock
from consentry.domain.entries import Entry
from consentry.domain.microseconds import to_microseconds
from consentry.ports import Change, LogHead, Store, StoreUnavailable
from consentry.store import rows
from consentry.store.copying import Copying
from consentry.store.log_leaves import hash_entry
from consentry.store.postgres.connection import Connection
from consentry.store.postgres.integrating import destroy_salts as destroy_in_database
from consentry.store.postgres.moving import PostgresSide
from consentry.store.sqlite.connection import open_connection, transaction
from consentry.store.sqlite.integrating import LogIntegrator
from consentry.store.sqlite.integrating import destroy_salts as destroy_in_file
from consentry.store.sqlite.moving import SQLiteSide
from consentry.wire.merkle import EMPTY_ROOT, is_consistent, is_included
from consentry.wire.signed_note import is_signed_by, read_note, read_tree, read_verifier_key
from ledger_keys import SIGNER

pytestmark = pytest.mark.integration


async def append(store: Store, *numbers: int, recipient: str = ANN) -> list[Entry]:
    """Append an entry for each number, in one command."""
    entries = tuple(tagged(number, recipient) for number in numbers)
    await store.submit(write(Change(entries=entries)))
    return list(entries)


class Unwatched:
    """Shows nobody how far a copy is."""

    def begin(self, what: str, total: int | None, done: int = 0) -> None:
        """Say nothing."""

    def advance(self, rows: int) -> None:
        """Say nothing."""


async def copy_all(source: Database, target: Database) -> None:
    """Copy a database as `consentry db copy` does."""
    clock = TickingClock()
    if isinstance(source, SQLiteDatabase):
        here: SQLiteSide | PostgresSide = SQLiteSide.open_source(source.path)
    else:
        here = await PostgresSide.open_source(source.address)
    if isinstance(target, SQLiteDatabase):
        there: SQLiteSide | PostgresSide = SQLiteSide.open_target(target.path, clock.now())
    else:
        there = await PostgresSide.open_target(target.address, clock.now())
    await Copying(here, there, clock, Unwatched()).run({})
    await here.close()
    await there.close()


async def check_all_in(store: Store, entries: list[Entry]) -> None:
    """Fail unless each entry is in the log, where its proof says, under the newest signature."""
    checkpoint = await store.read_checkpoint()
    assert checkpoint is not None
    assert checkpoint.size == len(entries)
    logged = await store.read_logged([entry.id for entry in entries])
    assert sorted(found.leaf for found in logged.values()) == list(range(len(entries)))
    for entry in entries:
        found = logged[entry.id]
        assert found.salt is not None
        assert found.leaf_hash == hash_entry(found.salt, rows.encode(entry))
        path = await read_inclusion(store, found.leaf, checkpoint.size)
        assert is_included(
            found.leaf_hash, found.leaf, size=checkpoint.size, path=path, root=checkpoint.root
        )


async def test_entries_get_in_and_are_signed(database: Database) -> None:
    """Each entry is a leaf with a salt of its own; the checkpoint is signed by the log's key."""
    store = database.open(signer=SIGNER)
    entries = await append(store, 1, 2, 3)
    entries += await append(store, 4, recipient=BOB)
    assert await integrate_all(store) == LogHead(4, 0)
    await check_all_in(store, entries)
    checkpoint = await store.read_checkpoint()
    assert checkpoint is not None
    note = read_note(checkpoint.note)
    (key,) = await store.read_log_keys()
    assert is_signed_by(note, read_verifier_key(key.verifier_key))
    tree = read_tree(note.text)
    assert (tree.origin, tree.size, tree.root) == ("example.com/ledger", 4, checkpoint.root)
    assert await store.read_logged(["ent_none"]) == {}
    await store.close()


async def wait_for(store: Store, size: int) -> None:
    """Wait until the log has so many entries."""
    async with asyncio.timeout(120):
        while (await store.read_log_head()).size < size:  # noqa: ASYNC110 - nobody is told of it
            await asyncio.sleep(0.05)


async def test_entries_get_in_by_themselves(database: Database) -> None:
    """A second after they were written they are in and signed, without anybody who asks for it."""
    real = SystemClock()
    store = open_address(database.address, signer=SIGNER, clock=real)
    other = open_address(database.address, clock=real)
    entries = await append(store, 1)
    await wait_for(store, 1)
    entries += await append(other, 2)
    await other.close()
    await wait_for(store, 2)
    await check_all_in(store, entries)
    await store.close()


async def test_a_log_grows_and_proves_it(database: Database) -> None:
    """Checkpoints of a growing log are consistent; the oldest that covers a size is found."""
    store = database.open(signer=SIGNER)
    assert await store.read_checkpoint() is None
    entries: list[Entry] = []
    sizes = [1, 3, 255, 256, 257, 300]
    for size in sizes:
        entries += await append(store, *range(len(entries), size))
        await integrate_all(store)
    await check_all_in(store, entries)
    assert await store.read_checkpoint(301) is None
    assert await read_root(store, 0) == EMPTY_ROOT
    for old in sizes:
        covering = await store.read_checkpoint(old)
        assert covering is not None
        assert covering.size == old
        path = await read_consistency(store, old, 300)
        assert is_consistent(
            old, 300, old_root=covering.root, new_root=await read_root(store, 300), path=path
        )
    with pytest.raises(StoreUnavailable, match="not all the hashes"):
        await read_root(store, 301)
    await store.close()


async def test_what_is_integrated_later_lacks_nothing(database: Database) -> None:
    """Entries that were written by a process without a log, or before a stop, get in later."""
    store = database.open()
    entries = await append(store, *range(1, 40))
    with pytest.raises(StoreUnavailable, match="not opened for writing"):
        await integrate_all(store)
    assert await store.read_log_head() == LogHead(0, 39)
    await store.close()
    store = database.open(signer=SIGNER)
    entries += await append(store, *range(40, 80))
    await store.close()
    store = database.open(signer=SIGNER)
    assert await store.read_log_head() == LogHead(80 - 1, 0)
    await check_all_in(store, entries)
    await store.close()


@pytest.mark.parametrize("kinds", ["sp", "ps"])
async def test_the_log_moves_with_its_entries(
    kinds: str, tmp_path: Path, make_postgres: Callable[[], str]
) -> None:
    """A copy into either kind of database has the same log and goes on where it ended, with what
    the source had not integrated.
    """
    databases = [
        SQLiteDatabase(tmp_path / f"{n}") if kind == "s" else PostgresDatabase(make_postgres())
        for n, kind in enumerate(kinds)
    ]
    source, target = databases
    for n in range(len(kinds)):
        (tmp_path / f"{n}").mkdir()
    store = source.open(signer=SIGNER)
    entries = await append(store, *range(300))
    await integrate_all(store)
    checkpoint = await store.read_checkpoint()
    await store.close()
    store = source.open()
    entries += await append(store, *range(300, 310))
    await store.close()
    await copy_all(source, target)
    store = target.open(signer=SIGNER)
    assert await integrate_all(store) == LogHead(310, 0)
    assert await store.read_checkpoint(300) == checkpoint
    await check_all_in(store, entries)
    entries += await append(store, *range(310, 320))
    assert await integrate_all(store) == LogHead(320, 0)
    await check_all_in(store, entries)
    await store.close()


class Writers:
    """Some transactions side by side, by a driver that knows nothing of the store.

    Each writes entries of a recipient of its own, as long as it is open.
    """

    def __init__(self, connections: list[Connection]) -> None:
        self.committed: list[Entry] = []
        self._connections = connections
        self._open: dict[int, list[Entry]] = {}
        self._number = 0

    async def step(self, chance: random.Random) -> None:
        """Begin, write, commit or roll back, as chance has it."""
        place = chance.randrange(len(self._connections))
        connection = self._connections[place]
        if place not in self._open:
            await connection.execute("BEGIN")
            self._open[place] = []
        elif chance.random() < 0.3 and self._open[place]:
            is_kept = chance.random() < 0.8
            await connection.execute("COMMIT" if is_kept else "ROLLBACK")
            written = self._open.pop(place)
            self.committed += written if is_kept else []
        else:
            self._number += 1
            entry = tagged(self._number, f"+1415555{place:04}")
            await connection.execute(_INSERT, *self._row(entry))
            self._open[place].append(entry)

    async def finish(self) -> None:
        """Commit all that is open."""
        for place, written in self._open.items():
            await self._connections[place].execute("COMMIT")
            self.committed += written
        self._open = {}

    def _row(self, entry: Entry) -> tuple[object, ...]:
        value = rows.encode(entry).decode()
        return entry.recipient, entry.id, entry.kind, to_microseconds(entry.recorded_at), value


_INSERT = (
    "INSERT INTO entries (recipient, id, kind, recorded_at, value) VALUES ($1, $2, $3, $4, $5)"
)


@pytest.mark.parametrize("seed", range(2))
async def test_transactions_that_end_in_any_order_get_in_once(
    postgres: PostgresDatabase, seed: int
) -> None:
    """However transactions overlap, commit and roll back while two processes integrate: each entry
    that was committed is in the log once, those of a recipient in the order they were written in.
    """
    chance = random.Random(seed)
    first, second = postgres.open(signer=SIGNER), postgres.open(signer=SIGNER)
    connections = [await asyncpg.connect(postgres.address) for _ in range(4)]
    writers = Writers(connections)
    seen = 0
    for number in range(160):
        await writers.step(chance)
        if number % 7 == 0:
            heads = await asyncio.gather(first.integrate_log(), second.integrate_log())
            assert max(head.size for head in heads) >= seen
            seen = max(head.size for head in heads)
    await writers.finish()
    await integrate_all(first)
    assert await second.read_log_head() == LogHead(len(writers.committed), 0)
    await check_all_in(first, writers.committed)
    logged = await first.read_logged([entry.id for entry in writers.committed])
    for recipient in {entry.recipient for entry in writers.committed}:
        theirs = [e.id for e in writers.committed if e.recipient == recipient]
        leaves = [logged[entry_id].leaf for entry_id in sorted(theirs)]
        assert leaves == sorted(leaves)
    for connection in connections:
        await connection.close()
    await first.close()
    await second.close()


async def test_an_entry_waits_for_an_older_transaction(postgres: PostgresDatabase) -> None:
    """While a transaction that began earlier is open, later entries are not integrated: it might
    still write an earlier one. When it has ended, they are.
    """
    store = postgres.open(signer=SIGNER)
    older = await asyncpg.connect(postgres.address)
    await older.execute("BEGIN; SELECT pg_current_xact_id()")
    entries = await append(store, 1)
    assert await store.integrate_log() == LogHead(0, 1)
    await older.execute("ROLLBACK")
    assert await integrate_all(store) == LogHead(1, 0)
    await check_all_in(store, entries)
    await older.close()
    await store.close()


async def test_a_database_brought_to_another_server_goes_on(postgres: PostgresDatabase) -> None:
    """Where the server numbers its transactions from a lower one on, as after a dump and restore,
    entries get in all the same: those that waited, and new ones.
    """
    store = postgres.open(signer=SIGNER)
    entries = await append(store, 1, 2)
    await store.close()
    store = postgres.open()
    entries += await append(store, 3)
    await store.close()
    await postgres.run("UPDATE log_head SET below = 9000000000, upto = 9000000000")
    store = postgres.open(signer=SIGNER)
    assert await integrate_all(store) == LogHead(3, 0)
    entries += await append(store, 4)
    assert await integrate_all(store) == LogHead(4, 0)
    await check_all_in(store, entries)
    await store.close()


async def test_a_salt_is_destroyed_and_the_leaf_stays(database: Database) -> None:
    """A destroyed salt is gone for good; the leaf, its proof and all other salts stay."""
    store = database.open(signer=SIGNER)
    entries = await append(store, *range(600))
    await integrate_all(store)
    before = await store.read_logged([entry.id for entry in entries])
    await store.close()
    gone = [2, 300, 301, 10_000]
    if isinstance(database, SQLiteDatabase):
        with closing(open_connection(database.path)) as file, transaction(file):
            destroy_in_file(file, gone)
    else:
        connection = await asyncpg.connect(database.address)
        async with connection.transaction():
            await destroy_in_database(connection, gone)
        await connection.close()
    store = database.open(signer=SIGNER)
    after = await store.read_logged([entry.id for entry in entries])
    assert {e for e in after if after[e].salt is None} == {entries[n - 1].id for n in gone[:3]}
    assert all(after[e].leaf_hash == before[e].leaf_hash for e in after)
    assert all(after[e].salt in {None, before[e].salt} for e in after)
    await store.close()


async def test_a_damaged_checkpoint_stops_nobody_from_writing(sqlite: SQLiteDatabase) -> None:
    """An answer of an authority that has nowhere to go is told of in the log; the writer lives."""
    store = sqlite.open(signer=SIGNER)
    await append(store, 1)
    await integrate_all(store)
    with closing(open_connection(sqlite.path)) as file:
        file.execute("UPDATE log_checkpoints SET value = '[]'")
    await store.keep_timestamp(1, b"an answer")
    async with asyncio.timeout(60):
        await append(store, 2)
    await store.close()


async def test_who_asks_for_the_log_as_the_store_closes_is_answered(sqlite: SQLiteDatabase) -> None:
    """It is brought up to date once more then, and nobody waits for ever."""
    store = sqlite.open()
    await append(store, 1)
    with closing(open_connection(sqlite.path)) as file:
        integrator = LogIntegrator(file, SIGNER, TickingClock())
        asked = asyncio.create_task(integrator.integrate_soon(lambda: None))
        await asyncio.sleep(0)
        integrator.finish()
        async with asyncio.timeout(60):
            assert await asked == LogHead(1, 0)
    await store.close()
