"""Bringing a list in, slice by slice, so that others get on and a kill loses nothing.

Each slice is one transaction that also says how far the import has come. So the same list, brought
in again for the same aim, goes on behind the last slice that is durable.
"""

import asyncio
import heapq
from array import array
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from consentry.actions.import_rows import (
    BeginImport,
    Decided,
    FinishImport,
    ImportSlice,
    TryRows,
)
from consentry.actions.import_words import ListedRow, make_ready
from consentry.actions.read_lists import list_numbers
from consentry.domain.entries import Actor
from consentry.domain.imports import (
    DecidedRow,
    ImportAim,
    ImportRun,
    count_all,
    list_rows,
)
from consentry.ports import Ids, Page, Store

if TYPE_CHECKING:
    from consentry.domain.standing import Standing

SLICE_ROWS: Final = 900
"""How many rows are made durable at once while nobody else wants anything of the store.

PostgreSQL holds each of their numbers by itself; from 1,000 on it would hold everybody.
"""

PRESSED_ROWS: Final = 100
"""How many while somebody does: a STOP stands behind two slices at most, some milliseconds."""

PRESSED_SECONDS: Final = 0.25
"""For so long after the last command that somebody waited for, the next is expected."""

Blocks = Iterator[list[ListedRow]]
Tell = Callable[[int, Sequence[Decided]], None]
"""Hears of the rows that were decided, and of which block they are."""


def _tell_nobody(_block: int, _decided: Sequence[Decided]) -> None:
    return None


class Pace(msgspec.Struct, frozen=True):
    """How an import shares the store: rows in a slice, and a rest behind each for other processes.

    Beside commands of the same process it needs no rest: those go first anyway. So many slices as
    are `together` are made durable in one, for which PostgreSQL would hold everybody. While they
    are written, the next are there already.
    """

    slice_rows: int = SLICE_ROWS
    rest_seconds: float = 0.0
    together: int = 1


FindPace = Callable[[], Pace]


class ImportOrder(msgspec.Struct, frozen=True):
    """What is to be brought in: for what, who does it, and under which key it is found again."""

    aim: ImportAim
    actor: Actor
    key: str


async def begin_import(
    store: Store, ids: Ids, order: ImportOrder, *, is_once: bool = False
) -> ImportRun:
    """Find the import of this key that was cut off, or begin one; raises `Rejected`.

    `is_once`: one that is finished is found too, and none begins in its place.
    """
    known = await store.read_imports(Page(limit=1), key=order.key)
    if known and (is_once or known[0].finished_at is None):
        return known[0]
    return await store.submit(BeginImport(ids.new("imp"), order.key, order.aim, order.actor))


async def carry_on(
    store: Store,
    run: ImportRun,
    blocks: Blocks,
    *,
    find_pace: FindPace = Pace,
    tell: Tell = _tell_nobody,
) -> ImportRun:
    """Decide and write the rows that are left, and finish; raises `Rejected`, `StoreUnavailable`.

    `blocks` are all of the list, from its beginning; `tell` hears of the rows decided now.
    `find_pace` is asked before each slice: a server may begin to write beside a long import.
    """
    sliced = _Slices(store, run, find_pace, tell)
    place = 0
    number = 0
    block = await asyncio.to_thread(next, blocks, None)
    while block is not None:
        following = asyncio.create_task(asyncio.to_thread(next, blocks, None))
        try:
            left = block[max(0, run.position - place) :]
            await sliced.write(left, number)
        finally:
            place += len(block)
            number += 1
            block = await following
    return await store.submit(FinishImport(run.id, place, run.actor))


_Submitted = asyncio.Task[tuple[ImportRun, list[Decided]]]


class _Step(NamedTuple):
    """How many rows the next slices have, how many slices are submitted together, and how many may
    still be on their way when it is the turn of the next.
    """

    rows: int
    together: int
    left: int


class _Slices:
    """Writes slices one behind the other, a few on their way at a time."""

    def __init__(self, store: Store, run: ImportRun, find_pace: FindPace, tell: Tell) -> None:
        self._store = store
        self._run = run
        self._find_pace = find_pace
        self._pace = Pace()
        self._tell = tell
        self._position = run.position

    async def write(self, rows: Sequence[ListedRow], block: int) -> None:
        """Write the rows of one block."""
        under_way: list[_Submitted] = []
        start = 0
        try:
            while start < len(rows):
                step = self._find_step()
                part = rows[start : start + step.rows * step.together]
                start += len(part)
                slices = [
                    self._make_slice(part[at : at + step.rows], block)
                    for at in range(0, len(part), step.rows)
                ]
                # Only now, so that they are in the line together.
                submitted = [self._store.submit(one, is_patient=True) for one in slices]
                under_way += map(asyncio.create_task, submitted)
                while len(under_way) > step.left:
                    await self._settle(under_way.pop(0), block)
            while under_way:
                await self._settle(under_way.pop(0), block)
        finally:
            await asyncio.gather(*under_way, return_exceptions=True)

    def _make_slice(self, part: Sequence[ListedRow], block: int) -> ImportSlice:
        start = self._position
        self._position += len(part)
        return ImportSlice(self._run.id, start, block, make_ready(part), self._run.aim)

    def _find_step(self) -> _Step:
        """Tell how large the next slice is: small and alone while anybody waits for the store."""
        pace = self._pace = self._find_pace()
        if self._store.pressed_ago() < PRESSED_SECONDS:
            return _Step(min(PRESSED_ROWS, pace.slice_rows), 1, 0)
        # A rest behind each slice is for others, who could not get in between those on their way.
        if pace.rest_seconds:
            return _Step(pace.slice_rows, 1, 0)
        return _Step(pace.slice_rows, pace.together, pace.together)

    async def _settle(self, submitted: _Submitted, block: int) -> None:
        _, decided = await submitted
        self._tell(block, decided)
        if self._pace.rest_seconds:
            await asyncio.sleep(self._pace.rest_seconds)


async def try_import(
    store: Store, aim: ImportAim, read: Callable[[], Blocks], *, tell: Tell = _tell_nobody
) -> dict[str, int]:
    """Count what a list would do, and write nothing; raises `Rejected`.

    It is read twice: what a number's first row would lead to is kept for those that come again.
    """
    repeated = await asyncio.to_thread(find_repeated, read())
    supposed: dict[str, Standing] = {}
    counts: Counter[str] = Counter()
    async for number, rows in _slice(read()):
        again = frozenset(n for n in list_numbers(rows) if int(n) in repeated)
        before = {n: supposed[n] for n in again if n in supposed}
        trying = TryRows(make_ready(rows), aim, again, before)
        decided, after = await store.submit(trying, is_patient=True)
        supposed |= after
        counts.update(one.outcome.value for one in decided)
        tell(number, decided)
    if not counts:
        await store.submit(TryRows(make_ready(()), aim))
    return count_all(counts)


async def _slice(blocks: Blocks) -> AsyncIterator[tuple[int, list[ListedRow]]]:
    """Read blocks aside and give their rows in slices, each with the number of its block."""
    number = -1
    while (block := await asyncio.to_thread(next, blocks, None)) is not None:
        number += 1
        for start in range(0, len(block), SLICE_ROWS):
            yield number, block[start : start + SLICE_ROWS]


def find_repeated(blocks: Blocks) -> set[int]:
    """Find the numbers that a list has more than once, in eight bytes for each of its rows."""
    sorted_blocks = [array("q", sorted(map(int, list_numbers(block)))) for block in blocks]
    repeated: set[int] = set()
    before = 0
    for number in heapq.merge(*sorted_blocks):
        if number == before:
            repeated.add(number)
        before = number
    return repeated


async def read_decided(store: Store, run: ImportRun, block: int) -> list[DecidedRow]:
    """List what became of the rows of a block, in the order of the list."""
    return list_rows(await store.read_import_parts(run.id, block))
