"""Backs up a SQLite file while others write to it, and puts backups back in place.

A file is made under another name, brought to the disk and checked, and only then given its own.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import apsw
import msgspec

from consentry.ports import StoreUnavailable
from consentry.store.notes import BACKUP, BackupNote, check_notes, write_note
from consentry.store.showing import Showing
from consentry.store.sides import CopyError
from consentry.store.sqlite import noting
from consentry.store.sqlite.answering import answering
from consentry.store.sqlite.connection import transaction

PAGES_AT_ONCE: Final = 1000
_BESIDE: Final = ("-wal", "-shm", "-journal")
_READ_ONLY: Final = apsw.SQLITE_OPEN_READONLY
_LEDGER: Final = "SELECT value FROM entries ORDER BY seq"


class Found(msgspec.Struct, frozen=True):
    """What is in a file: entries, and SHA-256 over their values as a copy tells it."""

    entries: int
    ledger: str


@contextmanager
def made_whole(file: Path) -> Iterator[Path]:
    """Give a name to write to; the file has its own when all of it is on the disk.

    Only the owner may read it: it has people's numbers and texts. Raises `FileExistsError`.
    """
    if file.exists():
        raise FileExistsError(file)
    draft = file.with_name(f"{file.name}.part")
    remove(draft)
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        yield draft
        bring_to_disk(draft)
        draft.rename(file)
        bring_to_disk(file.parent)
    except BaseException:
        remove(draft)
        raise


def remove(file: Path) -> None:
    """Remove a database file with what stands beside it."""
    for name in (file.name, *(f"{file.name}{end}" for end in _BESIDE)):
        file.with_name(name).unlink(missing_ok=True)


def set_aside(file: Path, ending: str) -> Path:
    """Give a database file another name, with what stands beside it; return the name."""
    aside = file.with_name(f"{file.name}.{ending}")
    for end in (*_BESIDE, ""):
        with suppress(FileNotFoundError):
            file.with_name(f"{file.name}{end}").rename(aside.with_name(f"{aside.name}{end}"))
    return aside


def bring_to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def copy_pages(source: Path, target: Path, shown: Showing) -> None:
    """Copy a file as it is at one moment; who writes to it does not wait.

    What is read stays as it was at the first read, in the write-ahead log, so a copy never has
    to begin again however much is written.
    """
    with (
        answering(),
        closing(apsw.Connection(str(source), flags=_READ_ONLY)) as reading,
        closing(apsw.Connection(str(target))) as writing,
    ):
        writing.pragma("synchronous", "off")
        reading.execute("BEGIN")
        ((pages,),) = reading.execute("PRAGMA page_count").fetchall()
        shown.begin("copying pages", int(str(pages)))
        with writing.backup("main", reading, "main") as copying:
            while not copying.done:
                copying.step(PAGES_AT_ONCE)
                shown.advance(PAGES_AT_ONCE)
        reading.execute("ROLLBACK")


def back_up(database: Path, draft: Path, taken_at: datetime, shown: Showing) -> Found:
    """Back a file up into a draft; everything that was acknowledged by then is in it."""
    copy_pages(database, draft, shown)
    note = BackupNote(f"sqlite:///{database.resolve()}", taken_at)
    return close_up(draft, note, shown, name=str(database))


def bring_back(backup: Path, draft: Path, shown: Showing) -> Found:
    """Copy a backup into a draft; raises `CopyError` where it is none, or damaged."""
    try:
        copy_pages(backup, draft, shown)
        return close_up(draft, None, shown, name=str(backup))
    except StoreUnavailable as error:
        raise CopyError(f"{backup} is damaged or no SQLite file: {error.__cause__}.") from error


def close_up(file: Path, note: BackupNote | None, shown: Showing, *, name: str) -> Found:
    """Make a backup one file that is sound, and tell what is in it; errors call it by its name.

    Raises `CopyError` where it is damaged, `UnfinishedCopy` where it is not all there.
    """
    shown.begin("checking", None)
    with answering(), closing(apsw.Connection(str(file))) as connection:
        connection.pragma("journal_mode", "delete")
        _check(connection, name)
        if _has_notes(connection):
            check_notes(noting.read_notes(connection), name, None)
            if note is not None:
                with transaction(connection):
                    noting.write_note(connection, BACKUP, write_note(note))
        return _look(connection)


def _check(connection: apsw.Connection, name: str) -> None:
    """Raise `CopyError` where a file is damaged, or is no database of this program."""
    found = [str(line) for (line,) in connection.execute("PRAGMA integrity_check(3)")]
    if found != ["ok"]:
        raise CopyError(f"{name} is damaged: {'; '.join(found)}.")
    query = "SELECT count(*) FROM sqlite_schema WHERE name IN ('migrations', 'entries')"
    if connection.execute(query).fetchall() != [(2,)]:
        raise CopyError(f"{name} is no database of this program.")


def _has_notes(connection: apsw.Connection) -> bool:
    """Tell whether a file is of a version that keeps notes."""
    return bool(connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'notes'").fetchall())


def _look(connection: apsw.Connection) -> Found:
    digest, count = hashlib.sha256(), 0
    for (value,) in connection.execute(_LEDGER):
        digest.update(f"{value}\n".encode())
        count += 1
    return Found(count, digest.hexdigest())
