"""Applies migrations to SQLite."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import apsw

from consentry.store.derived import (
    opt_out_marks_of_row,
    opted_out_at_of_row,
    search_text_of_row,
    told_reason_of_row,
)
from consentry.store.migrate import Migration, check_known, check_unaltered
from consentry.store.sqlite.connection import transaction

_FUNCTIONS: Final[dict[str, Callable[..., str | int | None]]] = {
    "opted_out_at": opted_out_at_of_row,
    "opt_out_marks": opt_out_marks_of_row,
    "told_reason": told_reason_of_row,
    "search_text": search_text_of_row,
}
"""What a migration may call, so that rows of before get what rows are written with today."""


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
    applied = connection.execute("SELECT name FROM migrations ORDER BY name").fetchall()
    check_known((str(name) for (name,) in applied), migrations)
    return tuple(m.name for m in migrations if _apply(connection, m, now))


def _apply(connection: apsw.Connection, migration: Migration, now: datetime) -> bool:
    """Apply one migration unless it was applied; say whether it was applied now."""
    with transaction(connection):
        row = connection.execute(
            "SELECT checksum FROM migrations WHERE name = ?", (migration.name,)
        ).fetchone()
        if row is not None:
            check_unaltered(migration, str(row[0]))
            return False
        connection.execute(migration.sql)
        connection.execute(
            "INSERT INTO migrations (name, checksum, applied_at) VALUES (?, ?, ?)",
            (migration.name, migration.checksum, now.isoformat()),
        )
        return True
