"""A SQLite file as one side of a copy."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final, Self

import apsw

from consentry.store.migrate import MigrationError, check_known, read_migrations
from consentry.store.moved_tables import AUDITED, SET_UP, STANDINGS, Key, MovedTable, Row
from consentry.store.sides import (
    CopyError,
    Progress,
    progress_name,
    write_progress,
)
from consentry.store.sqlite.answering import answering
from consentry.store.sqlite.connection import open_connection, transaction
from consentry.store.sqlite.indexing import index_some
from consentry.store.sqlite.migrating import apply_migrations
from consentry.store.sqlite.noting import read_notes, write_note

_INDEXED_AT_ONCE: Final = 5000

_AUDITED: Final = (
    "(SELECT a.seq, e.recipient, a.kind, a.agent FROM audited AS a JOIN entries AS e USING (seq))"
)
_SET_UP: Final = "(SELECT rowid AS seq, * FROM {})"

_STANDING: Final = """
INSERT INTO standings (number, recipient, opted_out_at, opt_out_marks, value)
VALUES (CAST(?1 AS INTEGER), ?1, ?2, ?3, ?4)
"""

_MARK: Final = """
SELECT (SELECT ifnull(max(seq), 0) FROM entries)
    || '/' || (SELECT ifnull(max(seq), 0) FROM messages)
    || '/' || (SELECT ifnull(max(seq), 0) FROM customers)
    || '/' || (SELECT count(*) FROM jobs)
    || '/' || (SELECT version FROM directory_version)
"""
"""What nearly every change leaves behind; the comparison in the end sees all."""


class SQLiteSide:
    """Implements `Source` and `Target` on one file."""

    def __init__(self, path: Path, connection: apsw.Connection, *, locks: bool) -> None:
        """Take an open file; `open_source` and `open_target` do it from a path."""
        self._path = path
        self._connection = connection
        self._locks = locks

    @classmethod
    def open_source(cls, path: Path, *, locks: bool = True) -> Self:
        """Open a file that is there and up to date; nothing of it is changed.

        `locks`: nobody may write while it is read. Raises `CopyError` and `StoreUnavailable`.
        """
        if not path.exists():
            raise CopyError(f"There is no database {path}.")
        with answering():
            connection = _open(path)
            _check_up_to_date(connection, path)
        return cls(path, connection, locks=locks)

    @classmethod
    def open_target(cls, path: Path, now: datetime) -> Self:
        """Open a file, made where there is none, with its tables up to date."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with answering():
            connection = _open(path)
            apply_migrations(connection, read_migrations("sqlite"), now)
        return cls(path, connection, locks=True)

    @property
    def name(self) -> str:
        """Where it is."""
        return f"sqlite:///{self._path.resolve()}"

    async def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    # --- As a source ------------------------------------------------------------------------

    @asynccontextmanager
    async def frozen(self) -> AsyncIterator[str]:
        """Read all from one moment; with `locks`, whoever would write meanwhile waits in vain."""
        with answering():
            self._connection.execute("BEGIN IMMEDIATE" if self._locks else "BEGIN")
        try:
            yield str(self._value(_MARK))
        finally:
            self._connection.execute("ROLLBACK")

    async def check_unchanged(self, mark: str) -> None:
        """Nobody can have written: the file is locked, or its one moment is held."""

    async def read_directory_version(self) -> int:
        """Return the version of brands, senders and programs."""
        return int(str(self._value("SELECT version FROM directory_version")))

    async def count(self, table: MovedTable) -> int:
        """Count a table's rows."""
        return int(str(self._value(f"SELECT count(*) FROM {table.name}")))  # noqa: S608 - our own names

    async def read(
        self, table: MovedTable, after: Key | None, *, at_once: int
    ) -> AsyncGenerator[list[Row], None]:
        """Read a table from behind a key, in the order of keys, so many rows at once."""
        marks = ("?",) * len(after or ())
        query = table.write_select(_source_of(table), marks)
        with answering():
            cursor = self._connection.execute(query, after or ())
        while rows := _take(cursor, at_once):
            yield rows

    # --- As a target ------------------------------------------------------------------------

    async def read_notes(self) -> dict[str, str]:
        """Read what is noted of the database as a whole."""
        with answering():
            return read_notes(self._connection)

    async def write_notes(self, notes: dict[str, str], *, forgotten: tuple[str, ...] = ()) -> None:
        """Write notes, durably, and forget others."""
        with answering(), transaction(self._connection):
            for name in forgotten:
                self._connection.execute("DELETE FROM notes WHERE name = ?", (name,))
            for name, value in notes.items():
                write_note(self._connection, name, value)

    async def list_filled(self, tables: tuple[MovedTable, ...]) -> list[str]:
        """Name the tables that have rows."""
        return [
            table.name
            for table in tables
            if self._value(f"SELECT EXISTS (SELECT 1 FROM {table.name})")  # noqa: S608 - our own names
        ]

    async def write(
        self, table: MovedTable, rows: list[Row], before: Progress, after: Progress
    ) -> None:
        """Write rows and the progress in one transaction."""
        with answering(), transaction(self._connection):
            _advance(self._connection, table, before, after)
            if rows:
                self._connection.executemany(_write_insert(table), _cells(table, rows))

    async def finish_rows(self, directory_version: int) -> None:
        """Take over the directory's version; numbers go on from the highest by themselves."""
        with answering(), transaction(self._connection):
            self._connection.execute(
                "UPDATE directory_version SET version = ?", (directory_version,)
            )

    async def index_some(self) -> int:
        """Make some more customers findable, and tell how many."""
        with answering():
            return index_some(self._connection, _INDEXED_AT_ONCE)

    # --- Within -----------------------------------------------------------------------------

    def _value(self, query: str) -> object:
        with answering():
            ((value,),) = self._connection.execute(query).fetchall()
        return value


def _open(path: Path) -> apsw.Connection:
    """Open a file in which all standings can be put in the order of their texts, beside memory."""
    connection = open_connection(path)
    connection.pragma("temp_store", "file")
    return connection


def _take(cursor: apsw.Cursor, count: int) -> list[Row]:
    with answering():
        return list(islice(cursor, count))


def _check_up_to_date(connection: apsw.Connection, path: Path) -> None:
    """Refuse a file of another version of the program."""
    migrations = read_migrations("sqlite")
    tables = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").fetchall()
    if not tables:
        raise CopyError(f"{path} is no database of this program: it has no list of migrations.")
    applied = {str(name) for (name,) in connection.execute("SELECT name FROM migrations")}
    check_known(applied, migrations)
    missing = [m.name for m in migrations if m.name not in applied]
    if missing:
        raise MigrationError(
            f"{path} is of an older version (without {', '.join(missing)}). Bring it up to date "
            f"first: CONSENTRY_DATABASE=sqlite:///{path} consentry db upgrade"
        )


def _source_of(table: MovedTable) -> str:
    if table is AUDITED:
        return _AUDITED
    return _SET_UP.format(table.name) if table in SET_UP else table.name


def _write_insert(table: MovedTable) -> str:
    if table is STANDINGS:
        return _STANDING
    columns = [column for column in table.columns if not _is_elsewhere(table, column)]
    if table in SET_UP:
        columns[0] = "rowid"
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - our own names


def _is_elsewhere(table: MovedTable, column: str) -> bool:
    """Tell what the entry itself knows; here it is found by its number."""
    return table is AUDITED and column == "recipient"


def _cells(table: MovedTable, rows: list[Row]) -> Iterator[Row]:
    if table is not AUDITED:
        return iter(rows)
    return ((seq, kind, agent) for seq, _, kind, agent in rows)


def _advance(
    connection: apsw.Connection, table: MovedTable, before: Progress, after: Progress
) -> None:
    """Note a progress on top of the one that was known; somebody else's is not written over."""
    connection.execute(
        "UPDATE notes SET value = ? WHERE name = ? AND value = ?",
        (write_progress(after), progress_name(table), write_progress(before)),
    )
    if connection.changes() != 1:
        raise CopyError("Another copy into this database is under way. Wait for it, or end it.")
