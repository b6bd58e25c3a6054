"""What a start loads: no command waits for what it does not use."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration

HEAVY = ("asyncpg", "aiohttp", "rich.console", "starlette", "uvicorn", "consentry.bootstrap")


def list_loaded(module: str) -> set[str]:
    """Import a module in a process of its own; tell which heavy ones are loaded then."""
    asked = f"import sys, {module}; print(*(m for m in {HEAVY} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_commands_start_without_the_server() -> None:
    """All commands together load neither the server nor a driver that is not needed."""
    assert list_loaded("consentry.cli.app") == set()


def test_the_server_starts_without_the_other_database() -> None:
    """Nothing of PostgreSQL's driver is loaded where the data is on SQLite."""
    assert list_loaded("consentry.bootstrap") == {"starlette", "uvicorn", "consentry.bootstrap"}
