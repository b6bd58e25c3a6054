"""Copies all rows from one database into another, and compares both in the end.

Each batch is one transaction of the target, with the note of how far it is, so a copy that was cut
off goes on behind the last batch that is durable. A target is not usable before all was compared.
"""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, Final

import msgspec

from consentry.ports import Clock
from consentry.store.moved_tables import ENTRIES, STANDINGS, TABLES, Key, MovedTable, Row
from consentry.store.notes import COPY, CopyNote, read_copy, write_note
from consentry.store.postgres.statements import clean
from consentry.store.showing import Showing
from consentry.store.sides import (
    ROWS_AT_ONCE,
    CopyError,
    Progress,
    Source,
    Target,
    progress_name,
    read_progress,
    write_progress,
)

_DIGESTED: Final = (ENTRIES, STANDINGS)


class Copied(msgspec.Struct, frozen=True):
    """What was copied and compared.

    `ledger` and `standings` are SHA-256 over the values of all rows, each with a line feed, in the
    order of entries and of recipients. `copied` counts the rows that this run copied.
    """

    source: str
    target: str
    tables: dict[str, int]
    ledger: str
    standings: str
    copied: int
    copy_seconds: float
    compare_seconds: float


class Copying:
    """One run of a copy, the first or one that goes on."""

    def __init__(
        self,
        source: Source,
        target: Target,
        clock: Clock,
        shown: Showing,
        *,
        at_once: int = ROWS_AT_ONCE,
    ) -> None:
        """Copy from the source into the target, so many rows at once."""
        self._at_once = at_once
        self._source = source
        self._target = target
        self._clock = clock
        self._shown = shown
        self._copied = 0

    async def run(self, notes: Mapping[str, str]) -> Copied:
        """Copy what is not copied yet, compare, and make the target usable.

        `notes` are noted of the target when it is. Raises `CopyError` where one side does not fit,
        was changed meanwhile, or differs in the end.
        """
        began = self._clock.monotonic()
        async with self._source.frozen() as mark:
            note, progress = await self._begin(mark)
            for table in TABLES:
                await self._copy(table, progress[table.name])
                await self._source.check_unchanged(mark)
            await self._target.finish_rows(await self._source.read_directory_version())
            await self._index()
            copied_at = self._clock.monotonic()
            counts, digests = await self._compare()
            await self._source.check_unchanged(mark)
        ledger = digests[ENTRIES.name]
        now = self._clock.now()
        finished = msgspec.structs.replace(note, finished_at=now, ledger=ledger)
        await self._target.write_notes(
            {**notes, COPY: write_note(finished)},
            forgotten=tuple(map(progress_name, TABLES)),
        )
        return Copied(
            source=self._source.name,
            target=self._target.name,
            tables=counts,
            ledger=ledger,
            standings=digests[STANDINGS.name],
            copied=self._copied,
            copy_seconds=copied_at - began,
            compare_seconds=self._clock.monotonic() - copied_at,
        )

    async def _begin(self, mark: str) -> tuple[CopyNote, dict[str, Progress]]:
        """Note where the rows come from in an empty target, or go on with what was begun."""
        notes = await self._target.read_notes()
        note = read_copy(notes)
        if note is None or note.finished_at is not None:
            await self._refuse_filled()
            note = CopyNote(self._source.name, mark, self._clock.now())
            made = {progress_name(table): write_progress(Progress()) for table in TABLES}
            notes = {COPY: write_note(note), **made}
            await self._target.write_notes(notes)
        self._check_same(note, mark)
        return note, {table.name: read_progress(notes[progress_name(table)]) for table in TABLES}

    async def _refuse_filled(self) -> None:
        filled = await self._target.list_filled(TABLES)
        if filled:
            raise CopyError(
                f"{self._target.name} is not empty: there are rows in {', '.join(filled)}. Copy "
                "into a new database; nothing was written."
            )

    def _check_same(self, note: CopyNote, mark: str) -> None:
        if note.source != self._source.name:
            raise CopyError(
                f"{self._target.name} is an unfinished copy of {note.source}, not of "
                f"{self._source.name}. Copy into a new database, or go on with that source."
            )
        if note.mark != mark:
            raise CopyError(
                f"{self._source.name} was written since the copy into {self._target.name} was "
                "begun, so what is there may be out of date. Begin anew with an empty database, "
                "and let nobody write meanwhile."
            )

    def _read(
        self, side: Source | Target, table: MovedTable, after: Key | None = None
    ) -> AsyncGenerator[list[Row], None]:
        return side.read(table, after, at_once=self._at_once)

    async def _copy(self, table: MovedTable, progress: Progress) -> None:
        if progress.is_done:
            return
        total = await self._source.count(table)
        self._shown.begin(f"copying {table.name}", total, progress.rows)
        async with aclosing(self._read(self._source, table, progress.after)) as batches:
            async for rows in batches:
                further = Progress(table.key_of(rows[-1]), progress.rows + len(rows))
                await self._target.write(table, rows, progress, further)
                progress = further
                self._copied += len(rows)
                self._shown.advance(len(rows))
        done = msgspec.structs.replace(progress, is_done=True)
        await self._target.write(table, [], progress, done)

    async def _index(self) -> None:
        self._shown.begin("indexing for search", None)
        while count := await self._target.index_some():
            self._shown.advance(count)

    async def _compare(self) -> tuple[dict[str, int], dict[str, str]]:
        counts: dict[str, int] = {}
        digests: dict[str, str] = {}
        for table in TABLES:
            self._shown.begin(f"comparing {table.name}", await self._source.count(table))
            ours, theirs = _Digest(table), _Digest(table)
            async with (
                aclosing(self._read(self._source, table)) as here,
                aclosing(self._read(self._target, table)) as there,
            ):
                async for left, right in _side_by_side(here, there):
                    ours.add(left)
                    theirs.add(right)
                    if left != right and _as_postgres_has(left) != _as_postgres_has(right):
                        raise CopyError(
                            f"{self._target.name} is not what {self._source.name} is: "
                            f"{_find_difference(table, left, right)} It is not made usable. Begin "
                            "anew with an empty database, and let nobody write to either meanwhile."
                        )
                    self._shown.advance(len(left))
            if (ours.count, ours.written) != (theirs.count, theirs.written):
                raise CopyError(f"The digests of {table.name} differ: {ours} and {theirs}.")
            counts[table.name] = ours.count
            if table in _DIGESTED:
                digests[table.name] = ours.written
        return counts, digests


class _Digest:
    """Counts a side's rows; of what is digested also takes the values in."""

    def __init__(self, table: MovedTable) -> None:
        self.count = 0
        self._hash = hashlib.sha256()
        self._is_digested = table in _DIGESTED

    def add(self, rows: list[Row]) -> None:
        """Take rows in: their values stand last."""
        self.count += len(rows)
        if self._is_digested and rows:
            values = map(str, (row[-1] for row in rows))
            self._hash.update("".join(f"{value}\n" for value in values).encode())

    @property
    def written(self) -> str:
        """The digest so far."""
        return self._hash.hexdigest()


async def _side_by_side(
    left: AsyncIterator[list[Row]], right: AsyncIterator[list[Row]]
) -> AsyncIterator[tuple[list[Row], list[Row]]]:
    """Read two sides in step, until both have ended."""
    while True:
        ours: list[Row] = await anext(left, [])
        theirs: list[Row] = await anext(right, [])
        if not ours and not theirs:
            return
        yield ours, theirs


def _as_postgres_has(rows: list[Row]) -> list[Row]:
    """Write the searched columns of rows as PostgreSQL can hold them; values have no NUL."""
    return [tuple(clean(c) if isinstance(c, str) else c for c in row) for row in rows]


def _find_difference(table: MovedTable, left: list[Row], right: list[Row]) -> str:
    """Name the first row that is not the same on both sides."""
    left, right = _as_postgres_has(left), _as_postgres_has(right)
    ours: Row | None
    theirs: Row | None
    ours, theirs = next(
        (pair for pair in zip(left, right, strict=False) if pair[0] != pair[1]),
        (_at(left, len(right)), _at(right, len(left))),
    )
    if theirs is None or (ours is not None and _orders(table, ours) < _orders(table, theirs)):
        found, told = ours, "is missing there"
    elif ours is None or _orders(table, theirs) < _orders(table, ours):
        found, told = theirs, "is there and not in the source"
    else:
        found, told = ours, "has other content"
    key = dict(zip(table.key, found or (), strict=False))
    return f"in {table.name} the row with {key} {told}."


def _orders(table: MovedTable, row: Row) -> Any:
    return table.key_of(row)


def _at(rows: list[Row], place: int) -> Row | None:
    return rows[place] if place < len(rows) else None
