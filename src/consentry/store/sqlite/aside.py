"""Many standings at once, looked up in a thread beside the event loop.

SQLite lets go of the interpreter's lock while it looks: so one core looks the next recipients up
while another decides about these. For a few the way to the thread and back would cost more.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from consentry.ports import StoreUnavailable
from consentry.store.sqlite.answering import answering
from consentry.store.sqlite.connection import open_for_reading
from consentry.store.sqlite.reading import LookedUp, Reader


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
        if self._closed:
            raise StoreUnavailable("The store is closed. Check it and try again.")
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._look_up, recipients
        )

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
