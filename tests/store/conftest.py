"""The databases the contract is held against."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from store_world import SQLiteDatabase

from consentry.ports import Store


@pytest.fixture(params=[SQLiteDatabase], ids=["sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> SQLiteDatabase:
    """Give an empty database of each kind."""
    made: SQLiteDatabase = request.param(tmp_path)
    return made


@pytest.fixture
async def store(database: SQLiteDatabase) -> AsyncIterator[Store]:
    """Open the database; it is closed at the end."""
    opened = database.open()
    yield opened
    await opened.close()
