"""One way to open the database file and one way to write to it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import apsw

BUSY_TIMEOUT_MILLISECONDS: Final = 5000
CHECKPOINT_PAGES: Final = 16_000
CACHE_KIBIBYTES: Final = 16_384
MAPPED_BYTES_MAX: Final = 256 * 1024**3
"""More than files grow to: this takes addresses and no memory."""

_OLDEST: Final = (3, 51, 3)
"""The first SQLite in which the log may be folded beside a writer without damage to the file."""


def open_connection(
    path: Path | str, *, busy_timeout_milliseconds: int = BUSY_TIMEOUT_MILLISECONDS
) -> apsw.Connection:
    """Open the database file, made if there is none, with every promise switched on.

    A transaction is on the disk when COMMIT returns (`synchronous=FULL`). Raises `apsw.Error`
    where the file cannot be opened and `RuntimeError` where the SQLite library is too old.
    """
    found = apsw.sqlite_lib_version()
    if tuple(int(part) for part in found.split(".")[:3]) < _OLDEST:
        oldest = ".".join(str(part) for part in _OLDEST)
        raise RuntimeError(f"SQLite {found} is too old: {oldest} is needed. Upgrade apsw.")
    _make_private(path)
    connection = apsw.Connection(str(path), statementcachesize=200)
    connection.set_busy_timeout(busy_timeout_milliseconds)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
    connection.pragma("cache_size", -CACHE_KIBIBYTES)
    connection.pragma("temp_store", "memory")
    # The permission to change the ledger ends with its transaction by a reference (0018).
    connection.pragma("foreign_keys", "on")
    # A plan hangs on the query alone. SQLite would look at what is bound to a LIMIT otherwise, and
    # prepare the claim of due jobs anew each time that it runs.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    return connection


def _make_private(path: Path | str) -> None:
    """Make the file for its owner alone, where there is none: carriers' tokens stand in it.

    SQLite gives the files beside it the same rights. What cannot be made SQLite says better.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def open_for_reading(path: Path | str) -> apsw.Connection:
    """Open the database file and map it into memory, for look-ups all over a large file.

    A page that the system has at hand is then read in place, which makes the gate on a million
    recipients a quarter faster. The price: a disk that fails under a read ends the process (no
    text leaves then either) where it would raise `apsw.IOError`.
    """
    connection = open_connection(path)
    connection.pragma("mmap_size", MAPPED_BYTES_MAX)
    return connection


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """Write in one transaction: durable when the block ends, as if never begun when it raises."""
    if connection.in_transaction:
        # The rollback of the last one failed with the disk; nothing of it may come along.
        connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite has rolled back already where the disk failed in the middle.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
