"""Applies migrations to PostgreSQL."""

from datetime import datetime
from typing import Final

from consentry.store.migrate import Migration, check_known, check_unaltered
from consentry.store.postgres.connection import Connection

_LOCK: Final = 0x636F6E73656E74
"""Whoever brings the tables up to date holds this, so that two that start at once take turns."""

_NOTES: Final = (
    "CREATE TABLE IF NOT EXISTS migrations "
    '(name text COLLATE "C" PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL)'
)


async def apply_migrations(
    connection: Connection, migrations: tuple[Migration, ...], now: datetime
) -> tuple[str, ...]:
    """Apply what is missing and return the names of what was applied.

    Each migration and the note that it was applied are one transaction. Raises `MigrationError`
    where an applied migration was altered or is unknown here, and what the driver raises where
    one fails: then it left nothing behind.
    """
    applied = await read_applied(connection)
    check_known(applied, migrations)
    done = []
    for migration in migrations:
        if migration.name in applied:
            check_unaltered(migration, applied[migration.name])
        elif await _apply(connection, migration, now):
            done.append(migration.name)
    return tuple(done)


async def read_applied(connection: Connection) -> dict[str, str]:
    """Read what was applied, by name; of a new database nothing, and nothing is locked."""
    async with connection.transaction():
        if await connection.fetchval("SELECT to_regclass('migrations')") is None:
            return {}
        rows = await connection.fetch("SELECT name, checksum FROM migrations ORDER BY name")
    return {row["name"]: row["checksum"] for row in rows}


async def _apply(connection: Connection, migration: Migration, now: datetime) -> bool:
    """Apply one migration unless it was applied meanwhile; say whether it was applied now."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_NOTES)
        known = await connection.fetchval(
            "SELECT checksum FROM migrations WHERE name = $1", migration.name
        )
        if known is not None:
            check_unaltered(migration, known)
            return False
        await connection.execute(migration.sql)
        await connection.execute(
            "INSERT INTO migrations (name, checksum, applied_at) VALUES ($1, $2, $3)",
            migration.name,
            migration.checksum,
            now,
        )
        return True
