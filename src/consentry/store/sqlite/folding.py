"""Folds the write-ahead log into the database file, beside the thread that writes.

Whoever commits just when the log is full would fold all of it, and every command behind it would
wait for tens of thousands of pages to reach the disk. So another thread folds what has gathered a
little at a time, and little is left for the writer when the log begins anew.
"""

import logging
import threading
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw

from consentry.store.sqlite.connection import CHECKPOINT_PAGES, open_connection

STEP_PAGES: Final = 2000
"""How many pages gather before they are folded: many of them are written more than once."""

_log = logging.getLogger(__name__)


class LogFolding:
    """Keeps the log of one writing connection short, in a thread of its own."""

    def __init__(
        self,
        path: Path | str,
        writing: apsw.Connection,
        *,
        pages_max: int = CHECKPOINT_PAGES,
        step_pages: int = STEP_PAGES,
    ) -> None:
        """Start the thread.

        The log begins anew when it has `pages_max` and little of it is left to fold, and in any
        case when it has twice as many.
        """
        self._path = path
        self._writing = writing
        self._pages_max = pages_max
        self._step_pages = step_pages
        self._folded_pages = 0
        self._closed = False
        self._due = threading.Event()
        # In the place of SQLite's own, which folds all of it in the writer's thread.
        writing.set_wal_hook(self._note)
        self._thread = threading.Thread(target=self._run, name="store-folding", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; what is in the log then is folded by who closes the file."""
        self._writing.set_wal_hook(None)
        self._closed = True
        self._due.set()
        self._thread.join()

    def _note(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        """Take note of a commit; called in the writer's thread when it is durable."""
        if pages < self._folded_pages:
            # The log has begun anew.
            self._folded_pages = 0
        left = pages - self._folded_pages
        is_full = pages >= self._pages_max
        if is_full and (left <= self._step_pages // 4 or pages >= 2 * self._pages_max):
            # Only who writes can fold the last page of a log that never rests.
            self._fold(self._writing)
        elif is_full or left >= self._step_pages:
            self._due.set()
        return apsw.SQLITE_OK

    def _run(self) -> None:
        if not self._wait():
            return
        with closing(open_connection(self._path)) as connection:
            self._fold(connection)
            while self._wait():
                self._fold(connection)

    def _wait(self) -> bool:
        """Wait until enough has gathered; False where the end was asked for."""
        self._due.wait()
        self._due.clear()
        return not self._closed

    def _fold(self, connection: apsw.Connection) -> None:
        """Fold what nobody reads an older state of; where that fails the next commit asks again."""
        try:
            _, self._folded_pages = connection.wal_checkpoint()
        except apsw.BusyError:
            # The other thread is at it.
            pass
        except apsw.Error as error:
            _log.warning("the write-ahead log cannot be folded for now: %s", error)
