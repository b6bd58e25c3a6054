"""A world for each test of the door."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from door_world import World, build_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """The door on a database of its own."""
    made = await build_world(tmp_path)
    yield made
    await made.store.close()
