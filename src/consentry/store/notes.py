"""What is noted of a database as a whole: that it was copied, backed up or restored."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from consentry.store.migrate import MigrationError

COPY: Final = "copy"
BACKUP: Final = "backup"
RESTORE: Final = "restore"

_TOLD_FOR: Final = timedelta(days=30)

_log = logging.getLogger(__name__)


class UnfinishedCopy(MigrationError):
    """A database that somebody began to copy into and did not finish; it is not all there."""


class CopyNote(msgspec.Struct, frozen=True):
    """From where the rows came; `mark` is what the source had come to when it was read.

    `ledger` is the digest of the ledger, which both sides had in the end.
    """

    source: str
    mark: str
    begun_at: datetime
    finished_at: datetime | None = None
    ledger: str | None = None


class BackupNote(msgspec.Struct, frozen=True):
    """When the rows of a backup were as they are in it."""

    source: str
    taken_at: datetime


class RestoreNote(msgspec.Struct, frozen=True):
    """From which backup a database was restored; `canceled` texts were overdue in it.

    `ledger` is the digest of the backup's ledger, before they were canceled.
    """

    backup: str
    taken_at: datetime | None
    restored_at: datetime
    canceled: int
    entries: int
    ledger: str


def read_copy(notes: Mapping[str, str]) -> CopyNote | None:
    """Read the note of a copy, where there is one."""
    return msgspec.json.decode(notes[COPY], type=CopyNote) if COPY in notes else None


def read_backup(notes: Mapping[str, str]) -> BackupNote | None:
    """Read the note of a backup, where there is one."""
    return msgspec.json.decode(notes[BACKUP], type=BackupNote) if BACKUP in notes else None


def read_restore(notes: Mapping[str, str]) -> RestoreNote | None:
    """Read the note of a restore, where there is one."""
    return msgspec.json.decode(notes[RESTORE], type=RestoreNote) if RESTORE in notes else None


def write_note(note: CopyNote | BackupNote | RestoreNote) -> str:
    """Write a note as it is kept."""
    return msgspec.json.encode(note).decode()


def check_notes(notes: Mapping[str, str], database: str, now: datetime | None) -> None:
    """Refuse a database that is not all there yet; for a month say what a restored one may lack.

    Raises `UnfinishedCopy`.
    """
    copy = read_copy(notes)
    if copy is not None and copy.finished_at is None:
        raise UnfinishedCopy(
            f"{database} is not all there: a copy of {copy.source} was begun on "
            f"{copy.begun_at:%Y-%m-%d %H:%M} UTC and is not finished. Run the same "
            "`consentry db copy` or `consentry restore` again: it goes on where it ended. Or use "
            "the source."
        )
    restore = read_restore(notes)
    if restore is not None and now is not None and now < restore.restored_at + _TOLD_FOR:
        _log.warning(
            "this database was restored on %s from a backup of %s: opt-outs between that backup "
            "and the loss are not in it, unless they were brought in again",
            restore.restored_at.isoformat(timespec="minutes"),
            "an unknown time"
            if restore.taken_at is None
            else restore.taken_at.isoformat(timespec="minutes"),
        )
