"""The two sides of a copy, whichever databases they are."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

import msgspec

from consentry.store.moved_tables import Key, MovedTable, Row

ROWS_AT_ONCE: Final = 2000
"""Rows that are in memory together, and that share a transaction in the target, if not told."""


class CopyError(Exception):
    """A copy that cannot be begun or go on; the message says why and what to do."""


class Progress(msgspec.Struct, frozen=True):
    """How far a table was copied: up to and with this key, so many rows."""

    after: Key | None = None
    rows: int = 0
    is_done: bool = False


class Source(Protocol):
    """A database that is read as it was at one moment."""

    @property
    def name(self) -> str:
        """Where it is, without a password."""

    def frozen(self) -> AbstractAsyncContextManager[str]:
        """Read all from one moment while the block runs; gives a mark of what it had come to."""

    async def check_unchanged(self, mark: str) -> None:
        """Raise `CopyError` where somebody wrote since the mark."""

    async def read_directory_version(self) -> int:
        """Return the version of brands, senders and programs."""

    async def count(self, table: MovedTable) -> int:
        """Count a table's rows."""

    def read(
        self, table: MovedTable, after: Key | None, *, at_once: int
    ) -> AsyncGenerator[list[Row], None]:
        """Read a table from behind a key, in the order of keys, so many rows at once."""


class Target(Protocol):
    """A database that is copied into."""

    @property
    def name(self) -> str:
        """Where it is, without a password."""

    async def read_notes(self) -> dict[str, str]:
        """Read what is noted of the database as a whole."""

    async def write_notes(self, notes: dict[str, str], *, forgotten: tuple[str, ...] = ()) -> None:
        """Write notes, durably, and forget others."""

    async def list_filled(self, tables: tuple[MovedTable, ...]) -> list[str]:
        """Name the tables that have rows."""

    async def write(
        self, table: MovedTable, rows: list[Row], before: Progress, after: Progress
    ) -> None:
        """Write rows and the progress in one transaction; raises `CopyError` on another's."""

    async def finish_rows(self, directory_version: int) -> None:
        """Go on counting where the source had come to."""

    async def index_some(self) -> int:
        """Make some more customers findable, and tell how many."""

    def read(
        self, table: MovedTable, after: Key | None, *, at_once: int
    ) -> AsyncGenerator[list[Row], None]:
        """Read a table from behind a key, as a source does."""


def progress_name(table: MovedTable) -> str:
    """Name the note of a table's progress."""
    return f"copied {table.name}"


def write_progress(progress: Progress) -> str:
    """Write a progress as it is noted; the same progress is always the same text."""
    return msgspec.json.encode(progress).decode()


def read_progress(text: str) -> Progress:
    """Read a noted progress."""
    return msgspec.json.decode(text, type=Progress)
