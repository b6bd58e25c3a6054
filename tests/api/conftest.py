"""A world for each test of the API."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from api_world import World, build_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """The API on a database of its own."""
    made = await build_world(tmp_path)
    yield made
    await made.store.close()
