"""Many standings at once, looked up in a thread beside the event loop.

SQLite lets go of the interpreter's lock while it looks: so one core looks the next recipients up
while another decides about these. For a few the way to the thread and back would cost more.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import apsw

from consentry.ports import StoreUnavailable
from consentry.store.sqlite.answering import answering
from consentry.store.sqlite.connection import open_for_reading
from consentry.store.sqlite.reading import LookedUp, Reader

T = TypeVar("T")


class AsideReader:
    """Reads through a connection of its own, in one thread, in the order asked."""

    def __init__(self, path: Path | str) -> None:
        """Connect when somebody asks first."""
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="consentry-looks-up")
        self._reader: Reader | None = None
        self._closed = False

    async def look_up(self, recipients: list[str]) -> LookedUp:
        """Look up what the gate asks, as of the last commit; raises `StoreUnavailable`."""
        self._check_open()
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._look_up, recipients
        )

    async def walk(self, read: Callable[[apsw.Connection], T]) -> T:
        """Read what takes long in a thread and over a connection of its own."""
        self._check_open()
        return await asyncio.to_thread(self._walk, read)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable("The store is closed. Check it and try again.")

    def _walk(self, read: Callable[[apsw.Connection], T]) -> T:
        with answering(), closing(open_for_reading(self._path)) as connection:
            return read(connection)

    def _look_up(self, recipients: list[str]) -> LookedUp:
        if self._reader is None:
            with answering():
                self._reader = Reader(open_for_reading(self._path))
        return self._reader.look_up(recipients)

    def close(self) -> None:
        """Finish what was asked, then let go of the database."""
        self._closed = True
        self._thread.shutdown()
        if self._reader is not None:
            self._reader.close()
            self._reader = None
