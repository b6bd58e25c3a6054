"""Rows that are never written: whoever comes to one hangs there until it is killed."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import apsw
import asyncpg
from calling import environment
from store_world import open_address

from stuck_file import stuck_at

_IN_DATABASE = """
CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF (SELECT count(*) FROM {table}) > {rows} THEN PERFORM pg_sleep(1000000); END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stuck AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION never();
"""
# Whose client was killed sleeps on, and holds what it holds.
_FREE_DATABASE = """
SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid();
DROP FUNCTION never() CASCADE
"""


async def kill_behind(url: str, table: str, rows: int, *words: str, **more: str) -> None:
    """Call `consentry`, and kill it dead when it has written so many rows of a table and not all.

    The rows are a multiple of those that share a transaction; a file is made if need be.
    """
    command = (sys.executable, "-m", "consentry", *words)
    async with _stuck_behind(url, table, rows), asyncio.timeout(120):
        running = await asyncio.create_subprocess_exec(*command, env=environment(**more))
        while await _count(url, table) < rows:
            assert running.returncode is None, f"it ended before there were {rows} {table}"
            await asyncio.sleep(0.02)
        running.kill()
        await running.wait()


@asynccontextmanager
async def _stuck_behind(url: str, table: str, rows: int) -> AsyncIterator[None]:
    """Let nobody get past so many rows of a table; whoever hangs is dead at the end."""
    if url.startswith("postgresql:"):
        await _execute(url, _IN_DATABASE.format(table=table, rows=rows))
        yield
        await _execute(url, _FREE_DATABASE)
        return
    path = _path_of(url)
    if not await asyncio.to_thread(path.exists):
        await open_address(str(path)).close()
    more = f"(SELECT count(*) FROM {table}) > {rows}"  # noqa: S608 - a name of ours
    with stuck_at(path, table, more):
        yield


def _path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def _count(url: str, table: str) -> int:
    query = f"SELECT count(*) FROM {table}"  # noqa: S608 - a name of ours
    if not url.startswith("postgresql:"):
        with closing(apsw.Connection(str(_path_of(url)))) as connection:
            return int(str(connection.execute(query).get))
    asked = await asyncpg.connect(url)
    try:
        return int(await asked.fetchval(query))
    finally:
        await asked.close()
