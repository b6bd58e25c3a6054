"""Migrations on PostgreSQL: each applied once and whole, and never silently altered."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from store_world import ANN, BOB, START, PostgresDatabase, open_address, tagged, write

from consentry.ports import Change, Page
from consentry.store.migrate import Migration, MigrationError, read_migrations
from consentry.store.postgres.migrating import apply_migrations
from postgres_server import PostgresServer

pytestmark = pytest.mark.integration

OURS = read_migrations("postgres")
FIRST = Migration("0001_first", "CREATE TABLE a (x int); INSERT INTO a VALUES (1);")
SECOND = Migration("0002_second", "ALTER TABLE a ADD COLUMN y int; CREATE INDEX a_y ON a (y);")


@pytest.fixture
def empty(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Give the names of two databases without tables."""
    names = [f"{place}_{abs(hash(request.node.nodeid))}" for place in ("grown", "fresh")]
    for name in names:
        postgres_server.execute(f"CREATE DATABASE {name}")
    yield names
    for name in names:
        postgres_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def connection(
    postgres_server: PostgresServer, empty: list[str]
) -> AsyncIterator[asyncpg.Connection]:
    """Connect to a database without tables."""
    opened = await asyncpg.connect(postgres_server.url(empty[0]))
    yield opened
    await opened.close()


@pytest.mark.parametrize("migrations", [OURS, (FIRST, SECOND)])
async def test_one_by_one_or_all_at_once_is_the_same_schema(
    postgres_server: PostgresServer, empty: list[str], migrations: tuple[Migration, ...]
) -> None:
    """A database that grew with each release equals one that is made now."""
    grown, fresh = empty
    for count in range(1, len(migrations) + 1):
        one = await asyncpg.connect(postgres_server.url(grown))
        await apply_migrations(one, migrations[:count], START)
        await one.close()
    all_at_once = await asyncpg.connect(postgres_server.url(fresh))
    await apply_migrations(all_at_once, migrations, START)
    await all_at_once.close()
    assert postgres_server.dump_schema(grown) == postgres_server.dump_schema(fresh)
    assert "CREATE TABLE" in postgres_server.dump_schema(fresh)


async def test_what_was_applied_is_not_applied_again(connection: asyncpg.Connection) -> None:
    """Only what is new is applied, and said."""
    assert await apply_migrations(connection, (FIRST,), START) == ("0001_first",)
    assert await apply_migrations(connection, (FIRST, SECOND), START) == ("0002_second",)
    assert await apply_migrations(connection, (FIRST, SECOND), START) == ()
    assert await connection.fetchval("SELECT count(*) FROM a") == 1


async def test_an_altered_migration_is_refused(connection: asyncpg.Connection) -> None:
    """The error names the file and says what to do; nothing is applied."""
    await apply_migrations(connection, (FIRST,), START)
    altered = Migration(FIRST.name, FIRST.sql + " ")
    with pytest.raises(MigrationError, match=r"0001_first was altered .* new migration"):
        await apply_migrations(connection, (altered, SECOND), START)
    assert await connection.fetchval("SELECT to_regclass('a_y')") is None


async def test_a_database_of_a_newer_version_is_refused(connection: asyncpg.Connection) -> None:
    """An older program does not touch what it does not know."""
    await apply_migrations(connection, (FIRST, SECOND), START)
    with pytest.raises(MigrationError, match=r"0002_second.*newer version"):
        await apply_migrations(connection, (FIRST,), START)


async def test_a_migration_that_fails_leaves_nothing_behind(connection: asyncpg.Connection) -> None:
    """What came before it stays; the failed one is gone whole and can be tried again."""
    broken = Migration(SECOND.name, "CREATE TABLE b (x int); INSERT INTO nowhere VALUES (1);")
    with pytest.raises(asyncpg.UndefinedTableError, match="nowhere"):
        await apply_migrations(connection, (FIRST, broken), START)
    assert await connection.fetchval("SELECT to_regclass('b')") is None
    assert await apply_migrations(connection, (FIRST, SECOND), START) == ("0002_second",)


async def test_processes_that_start_at_once_take_turns(
    postgres_server: PostgresServer, empty: list[str]
) -> None:
    """Six open a new database together: one makes the tables, and all of them work."""
    url = postgres_server.url(empty[0])
    stores = await asyncio.gather(*(asyncio.to_thread(open_address, url) for _ in range(6)))
    for number, store in enumerate(stores, 1):
        await store.submit(write(Change(entries=(tagged(number),))))
    assert len(await stores[0].read_entries(ANN, Page())) == 6
    await asyncio.gather(*(store.close() for store in stores))


async def test_the_version_before_runs_on_while_the_database_is_upgraded(
    postgres: PostgresDatabase,
) -> None:
    """A store that is open when a migration is applied beside it goes on reading and writing."""
    store = postgres.open()
    await store.submit(write(Change(entries=(tagged(1),))))
    newer = Migration("9999_newer", "ALTER TABLE standings ADD COLUMN later text DEFAULT 'x';")
    connection = await asyncpg.connect(postgres.address)
    writing = [store.submit(write(Change(entries=(tagged(n, BOB),)))) for n in range(2, 12)]
    applied, *_ = await asyncio.gather(
        apply_migrations(connection, (*OURS, newer), START), *writing
    )
    assert applied == ("9999_newer",)
    await store.submit(write(Change(entries=(tagged(20, sms=False),))))
    assert not (await store.read_standing(ANN)).sms_tag
    assert len(await store.read_entries(BOB, Page())) == 10
    await connection.close()
    await store.close()
