"""All standings of a SQLite file, in a thread beside the event loop."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final

import apsw

from consentry.ports import ErasedStanding
from consentry.store.erased import NO_KEYS, decode_erased
from consentry.store.everybody import AT_ONCE, read_checkpoint, walk
from consentry.store.queries import read_queries
from consentry.store.sqlite.answering import answering, read_text
from consentry.store.sqlite.connection import open_connection
from consentry.store.sqlite.loading import DirectoryReader, find_erased
from consentry.wire.keyed_hash import HashKeys

_PART: Final = read_queries("sqlite", "read")["read_everybody"]
_ERASED: Final = read_queries("sqlite", "read")["read_erased"]
_CHECKPOINT: Final = read_queries("sqlite", "log")["newest_checkpoint"]
_Found = tuple[int, bytes] | None


class SQLiteEverybody:
    """Implements `Everybody` in one transaction that only reads.

    SQLite lets go of the interpreter's lock while it reads, so the next part is read while this
    one is looked at.
    """

    def __init__(
        self, connection: apsw.Connection, thread: ThreadPoolExecutor, hash_keys: HashKeys
    ) -> None:
        """Take a connection within a transaction; it is used in this thread alone from now on."""
        reader = DirectoryReader(connection, hash_keys)
        self.directory = reader.read()
        self._asked = reader.asked
        self.has_erased = bool(self._asked.used)
        row = connection.execute(_CHECKPOINT).fetchone()
        self.checkpoint = None if row is None else read_checkpoint(str(row[0]))
        self._connection = connection
        self._thread = thread

    def parts(self) -> AsyncIterator[bytes]:
        """Give all standings part by part."""
        return walk(self._read, 0)

    async def match_erased(self, numbers: list[str]) -> dict[str, str]:
        """Find what stands against numbers that were erased."""
        if not self._asked.used:
            return {}
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._match, numbers)

    def _match(self, numbers: list[str]) -> dict[str, str]:
        with answering():
            return find_erased(self._connection, self._asked, numbers)

    async def read_erased(self) -> list[ErasedStanding]:
        """List what stands against all who were erased."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._list_erased)

    def _list_erased(self) -> list[ErasedStanding]:
        text = read_text(self._connection, _ERASED, {})
        return [ErasedStanding(*row) for row in decode_erased(text)]

    async def _read(self, after: int) -> _Found:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read_now, after)

    def _read_now(self, after: int) -> _Found:
        with answering():
            last, part = next(self._connection.execute(_PART, {"after": after, "at_once": AT_ONCE}))
        return None if last is None else (int(str(last)), bytes(part))


@asynccontextmanager
async def open_everybody(
    path: Path | str, *, hash_keys: HashKeys = NO_KEYS
) -> AsyncIterator[SQLiteEverybody]:
    """Read everybody in a file as of the last commit, by a connection of its own.

    `hash_keys` find who was erased.
    """
    with answering():
        connection = open_connection(path)
    # Closed in the end of all, when no thread reads any more.
    with closing(connection), ThreadPoolExecutor(1, thread_name_prefix="everybody") as thread:
        with answering():
            connection.execute("BEGIN")
            everybody = SQLiteEverybody(connection, thread, hash_keys)
        yield everybody
