"""Of every table somebody has decided what becomes of its rows when a person is erased."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from store_world import PostgresDatabase, SQLiteDatabase

pytestmark = pytest.mark.integration

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "privacy.md"
TABLES = re.compile(r"^\| (`\w+`(?:, `\w+`)*) \|", re.MULTILINE)


async def list_tables(sqlite: SQLiteDatabase, postgres: PostgresDatabase) -> set[str]:
    """List the tables of both kinds of database, but those within the search index."""
    await sqlite.open().close()
    await postgres.open().close()
    with closing(sqlite3.connect(sqlite.path)) as connection:
        query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        names = {str(name) for (name,) in connection.execute(query)}
    found = await asyncpg.connect(postgres.address)
    try:
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        names |= {str(name) for (name,) in await found.fetch(query)}
    finally:
        await found.close()
    return {name for name in names if not name.startswith("customer_grams_")}


async def test_the_page_says_what_becomes_of_every_table(
    sqlite: SQLiteDatabase, postgres: PostgresDatabase
) -> None:
    """A new table is not there until somebody has decided, and written it down."""
    told = [
        name
        for names in TABLES.findall(PAGE.read_text(encoding="utf-8"))
        for name in re.findall(r"\w+", names)
    ]
    assert len(told) == len(set(told))
    assert set(told) == await list_tables(sqlite, postgres)
