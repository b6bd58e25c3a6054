"""Migrations: plain SQL files applied in order, each in one transaction, each once.

What was applied is kept with a checksum, so that a file changed afterwards is found out.
"""

import hashlib
from collections.abc import Iterable
from importlib.resources import files

import msgspec


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
    """Read all migrations of a database kind (`sqlite`, `postgres`), in order of their names."""
    folder = files("consentry.store") / "migrations" / database
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return tuple(
        Migration(f.name.removesuffix(".sql"), f.read_text(encoding="utf-8")) for f in found
    )


def check_known(applied: Iterable[str], migrations: tuple[Migration, ...]) -> None:
    """Raise `MigrationError` where a migration was applied that is unknown here."""
    known = {m.name for m in migrations}
    newer = [name for name in applied if name not in known]
    if newer:
        raise MigrationError(
            f"This database has the migrations {', '.join(newer)}, which this version of the "
            "program does not know. It was made by a newer version: start that one."
        )


def check_unaltered(migration: Migration, checksum: str) -> None:
    """Raise `MigrationError` where an applied migration is not what it was."""
    if checksum != migration.checksum:
        raise MigrationError(
            f"The migration {migration.name} was altered after it had been applied to this "
            "database. Restore the file as it was, and put the change into a new migration."
        )
