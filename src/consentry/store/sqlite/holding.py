"""Who serves a SQLite file, or moves it, holds a lock beside it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class DatabaseInUse(Exception):
    """Another server runs on this database; SQLite serves one process."""


@contextmanager
def hold_file(database: Path) -> Iterator[None]:
    """Hold a SQLite file; raises `DatabaseInUse` where a server holds it.

    Two servers would take each other's texts on the way for remains of a crash. Commands that
    only read or write (`consentry check`, `key create`) need no hold.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    lock = database.with_name(f"{database.name}.lock")
    holder = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        if not _take(holder, lock):
            raise DatabaseInUse(
                f"Another server runs on {database}. Stop it first, or name another database."
            )
        yield
        lock.unlink(missing_ok=True)
    finally:
        os.close(holder)


def is_held(database: Path) -> bool:
    """Tell whether a server, or who moves it, holds a SQLite file right now."""
    try:
        looked_at = os.open(database.with_name(f"{database.name}.lock"), os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(looked_at, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(looked_at)
    return False


def _take(holder: int, lock: Path) -> bool:
    """Take the lock, if it is still the file that others will look for."""
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return lock.stat().st_ino == os.fstat(holder).st_ino
    except (BlockingIOError, FileNotFoundError):
        return False
