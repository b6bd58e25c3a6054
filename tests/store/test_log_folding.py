"""The write-ahead log of SQLite is folded beside the writer, and does not grow without end."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest

from consentry.store.sqlite.connection import open_connection
from consentry.store.sqlite.folding import LogFolding

pytestmark = pytest.mark.integration

PAGES_MAX = 400
STEP_PAGES = 50
PAGE_BYTES = 4096
LOG_BYTES = 3 * PAGES_MAX * PAGE_BYTES


class Folding(LogFolding):
    """Tells when the thread beside is at it: it holds the log then, for as long as it has to."""

    is_beside = False

    def _fold(self, connection: apsw.Connection) -> None:
        if threading.current_thread() is threading.main_thread():
            super()._fold(connection)
            return
        self.is_beside = True
        super()._fold(connection)
        self.is_beside = False


class Writing:
    """Writes to a file with one table, whose log is folded."""

    def __init__(self, connection: apsw.Connection, folding: Folding) -> None:
        self._connection = connection
        self._folding = folding

    def write(self, commits: int) -> None:
        """Commit pages one after the other; rests only while the machine lets nobody else fold."""
        for _ in range(commits):
            self._connection.execute("INSERT INTO a (x) VALUES (zeroblob(20000))")
            wait_for(lambda: not self._folding.is_beside)


@contextmanager
def writing(
    path: Path, *, pages_max: int = PAGES_MAX, step_pages: int = STEP_PAGES
) -> Iterator[Writing]:
    """Open a file with one table, whose log is folded."""
    with closing(open_connection(path)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS a (id INTEGER PRIMARY KEY, x)")
        folding = Folding(path, connection, pages_max=pages_max, step_pages=step_pages)
        yield Writing(connection, folding)
        folding.close()


def log_bytes(path: Path) -> int:
    """Tell how large the log is."""
    return path.with_name(f"{path.name}-wal").stat().st_size


def count(path: Path) -> object:
    """Count rows as somebody else sees them."""
    with closing(open_connection(path)) as connection:
        return connection.execute("SELECT count(*) FROM a").fetchall()[0][0]


def test_a_log_that_never_rests_begins_anew(tmp_path: Path) -> None:
    """Of forty times as much as the log may hold not a tenth is ever in it; nothing is lost."""
    path = tmp_path / "busy.db"
    commits = 40 * PAGES_MAX * PAGE_BYTES // 20_000
    with writing(path) as writer:
        writer.write(commits)
        # The file of a log never gets shorter.
        assert log_bytes(path) <= LOG_BYTES
        assert count(path) == commits


def test_what_gathered_is_folded_beside_the_writer(tmp_path: Path) -> None:
    """Long before the log is full, its pages come into the file without the writer's doing."""
    path = tmp_path / "beside.db"
    with writing(path, pages_max=1_000_000) as writer:
        writer.write(3 * STEP_PAGES)
        wait_for(lambda: path.stat().st_size > 2 * STEP_PAGES * PAGE_BYTES)


def test_who_reads_an_older_state_is_not_disturbed(tmp_path: Path) -> None:
    """Its state stays as it is, the log grows meanwhile, and begins anew when it is done."""
    path = tmp_path / "read.db"
    with writing(path) as writer, closing(open_connection(path)) as reading:
        writer.write(1)
        reading.execute("BEGIN")
        assert reading.execute("SELECT count(*) FROM a").fetchall() == [(1,)]
        writer.write(5 * PAGES_MAX * PAGE_BYTES // 20_000)
        assert reading.execute("SELECT count(*) FROM a").fetchall() == [(1,)]
        assert log_bytes(path) > LOG_BYTES
        reading.execute("ROLLBACK")
        writer.write(10)
        grown = log_bytes(path)
        writer.write(3 * PAGES_MAX * PAGE_BYTES // 20_000)
        assert log_bytes(path) <= grown + LOG_BYTES


def wait_for(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; fails after a minute."""
    for _ in range(60_000):
        if is_so():
            return
        time.sleep(0.001)
    raise AssertionError
