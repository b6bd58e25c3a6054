"""The databases the contract is held against."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from store_world import Database, PostgresDatabase, SQLiteDatabase

from consentry.ports import Store


@pytest.fixture
def sqlite(tmp_path: Path) -> SQLiteDatabase:
    """Give an empty file."""
    return SQLiteDatabase(tmp_path)


@pytest.fixture
def postgres(postgres_url: str) -> PostgresDatabase:
    """Give a database of its own on the tests' server, with all tables and no rows."""
    return PostgresDatabase(postgres_url)


@pytest.fixture(params=["sqlite", "postgres"])
def make_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Database]:
    """Give a way to make empty databases of each kind."""
    if request.param == "sqlite":
        return lambda: SQLiteDatabase(tmp_path_factory.mktemp("store"))
    make_postgres: Callable[[], str] = request.getfixturevalue("make_postgres")
    return lambda: PostgresDatabase(make_postgres())


@pytest.fixture
def database(make_database: Callable[[], Database]) -> Database:
    """Give an empty database of each kind."""
    return make_database()


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    """Open the database; it is closed at the end."""
    opened = database.open()
    yield opened
    await opened.close()
