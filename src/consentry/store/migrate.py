"""Migrations: plain SQL files applied in order, each in one transaction, each once.

What was applied is kept with a checksum, so that a file changed afterwards is found out.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from importlib.resources import files
from typing import Final

import apsw
import msgspec

from consentry.store.derived import (
    opt_out_marks_of_row,
    opted_out_at_of_row,
    search_text_of_row,
    told_reason_of_row,
)
from consentry.store.sqlite_connection import transaction

_FUNCTIONS: Final[dict[str, Callable[..., str | int | None]]] = {
    "opted_out_at": opted_out_at_of_row,
    "opt_out_marks": opt_out_marks_of_row,
    "told_reason": told_reason_of_row,
    "search_text": search_text_of_row,
}
"""What a migration may call, so that rows of before get what rows are written with today."""


class MigrationError(Exception):
    """The database and this version of the program do not fit; the message says what to do."""


class Migration(msgspec.Struct, frozen=True):
    """One step of the schema: its file name without the ending, and its SQL."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Name the content, so that an altered file shows."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(database: str) -> tuple[Migration, ...]:
    """Read all migrations of a database kind (`sqlite`), in order of their names."""
    folder = files("consentry.store") / "migrations" / database
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return tuple(
        Migration(f.name.removesuffix(".sql"), f.read_text(encoding="utf-8")) for f in found
    )


def apply_migrations(
    connection: apsw.Connection, migrations: tuple[Migration, ...], now: datetime
) -> tuple[str, ...]:
    """Apply what is missing and return the names of what was applied.

    Each migration and the note that it was applied are one transaction, and two processes that
    start at once wait for each other. Raises `MigrationError` where an applied migration was
    altered or is unknown here, and `apsw.Error` where one fails: then it left nothing behind.
    """
    for name, function in _FUNCTIONS.items():
        connection.create_scalar_function(name, function, 1, deterministic=True)
    with transaction(connection):
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations "
            "(name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT"
        )
    _check_known(connection, migrations)
    return tuple(m.name for m in migrations if _apply(connection, m, now))


def _check_known(connection: apsw.Connection, migrations: tuple[Migration, ...]) -> None:
    known = {m.name for m in migrations}
    applied = connection.execute("SELECT name FROM migrations ORDER BY name").fetchall()
    newer = [str(name) for (name,) in applied if name not in known]
    if newer:
        raise MigrationError(
            f"This database has the migrations {', '.join(newer)}, which this version of the "
            "program does not know. It was made by a newer version: start that one."
        )


def _apply(connection: apsw.Connection, migration: Migration, now: datetime) -> bool:
    """Apply one migration unless it was applied; say whether it was applied now."""
    with transaction(connection):
        row = connection.execute(
            "SELECT checksum FROM migrations WHERE name = ?", (migration.name,)
        ).fetchone()
        if row is not None:
            _check_unaltered(migration, str(row[0]))
            return False
        connection.execute(migration.sql)
        connection.execute(
            "INSERT INTO migrations (name, checksum, applied_at) VALUES (?, ?, ?)",
            (migration.name, migration.checksum, now.isoformat()),
        )
        return True


def _check_unaltered(migration: Migration, checksum: str) -> None:
    if checksum != migration.checksum:
        raise MigrationError(
            f"The migration {migration.name} was altered after it had been applied to this "
            "database. Restore the file as it was, and put the change into a new migration."
        )
