"""Migrations: each applied once and whole, and never silently altered."""

import stat
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from store_world import START, SQLiteDatabase

from consentry.store.migrate import (
    Migration,
    MigrationError,
    read_migrations,
)
from consentry.store.sqlite.connection import (
    CACHE_KIBIBYTES,
    CHECKPOINT_PAGES,
    open_connection,
)
from consentry.store.sqlite.migrating import apply_migrations

pytestmark = pytest.mark.integration

FIRST = Migration("0001_first", "CREATE TABLE a (x); INSERT INTO a VALUES (1);")
SECOND = Migration("0002_second", "ALTER TABLE a ADD COLUMN y; CREATE INDEX a_y ON a (y);")


def schema(connection: apsw.Connection) -> list[tuple[object, ...]]:
    """List everything a database is made of."""
    return connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
    ).fetchall()


@pytest.fixture
def connection(tmp_path: Path) -> apsw.Connection:
    """Open an empty database file."""
    return open_connection(tmp_path / "migrated.db")


@pytest.mark.parametrize("migrations", [read_migrations("sqlite"), (FIRST, SECOND)])
def test_one_by_one_or_all_at_once_is_the_same_schema(
    tmp_path: Path, migrations: tuple[Migration, ...]
) -> None:
    """A database that grew with each release equals one that is made now."""
    grown, fresh = open_connection(tmp_path / "grown.db"), open_connection(tmp_path / "fresh.db")
    for count in range(1, len(migrations) + 1):
        apply_migrations(grown, migrations[:count], START)
    apply_migrations(fresh, migrations, START)
    assert schema(grown) == schema(fresh)


def test_what_was_applied_is_not_applied_again(connection: apsw.Connection) -> None:
    """Only what is new is applied, and said."""
    assert apply_migrations(connection, (FIRST,), START) == ("0001_first",)
    assert apply_migrations(connection, (FIRST, SECOND), START) == ("0002_second",)
    assert apply_migrations(connection, (FIRST, SECOND), START) == ()
    assert connection.execute("SELECT count(*) FROM a").fetchall() == [(1,)]


def test_an_altered_migration_is_refused(connection: apsw.Connection) -> None:
    """The error names the file and says what to do; nothing is applied."""
    apply_migrations(connection, (FIRST,), START)
    altered = Migration(FIRST.name, FIRST.sql + " ")
    with pytest.raises(MigrationError, match=r"0001_first was altered .* new migration"):
        apply_migrations(connection, (altered, SECOND), START)
    assert "a_y" not in {name for _, name, _, _ in schema(connection)}


def test_a_database_of_a_newer_version_is_refused(connection: apsw.Connection) -> None:
    """An older program does not touch what it does not know."""
    apply_migrations(connection, (FIRST, SECOND), START)
    with pytest.raises(MigrationError, match=r"0002_second.*newer version"):
        apply_migrations(connection, (FIRST,), START)


def test_a_migration_that_fails_leaves_nothing_behind(connection: apsw.Connection) -> None:
    """What came before it stays; the failed one is gone whole and can be tried again."""
    broken = Migration(SECOND.name, "CREATE TABLE b (x); INSERT INTO nowhere VALUES (1);")
    with pytest.raises(apsw.SQLError, match="nowhere"):
        apply_migrations(connection, (FIRST, broken), START)
    assert "b" not in {name for _, name, _, _ in schema(connection)}
    assert apply_migrations(connection, (FIRST, SECOND), START) == ("0002_second",)


async def test_opening_applies_the_migrations_once(sqlite: SQLiteDatabase) -> None:
    """A second opening finds everything done."""
    for _ in range(2):
        await sqlite.open().close()
    names = [m.name for m in read_migrations("sqlite")]
    with closing(open_connection(sqlite.path)) as found:
        assert [
            name for (name,) in found.execute("SELECT name FROM migrations ORDER BY name")
        ] == names


def test_a_connection_keeps_its_promises(connection: apsw.Connection) -> None:
    """Write-ahead log, FULL synchronisation, and the checkpoint interval are really in force."""
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2
    assert connection.pragma("wal_autocheckpoint") == CHECKPOINT_PAGES
    assert connection.pragma("cache_size") == -CACHE_KIBIBYTES


def test_a_new_file_and_those_beside_it_are_read_by_their_owner_alone(tmp_path: Path) -> None:
    """Numbers, texts and carriers' tokens are in it; rights that somebody gave are left alone."""
    with closing(open_connection(tmp_path / "new.db")) as opened:
        opened.execute("CREATE TABLE t (x)")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("new.db*")}
    assert modes == dict.fromkeys(("new.db", "new.db-wal", "new.db-shm"), 0o600)
    (tmp_path / "new.db").chmod(0o640)
    open_connection(tmp_path / "new.db").close()
    assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) == 0o640
