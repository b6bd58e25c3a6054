"""A console for each test of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from accounts import Console, open_console


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[Console]:
    """The console on a database of its own, with the standing accounts."""
    async with open_console(tmp_path) as made:
        yield made
