"""A whole list brought in: slice by slice, killed anywhere, tried first, equal to row by row."""

import io
import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from action_world import World
from consentry.actions.import_opt_outs import ImportOptOut, ImportSource
from consentry.actions.import_rows import Decided, ImportSlice
from consentry.actions.import_words import ListedRow
from consentry.actions.read_lists import (
    ListReading,
    TextList,
    find_columns,
    key_of,
    read_blocks,
    read_rows,
)
from consentry.actions.run_import import (
    ImportOrder,
    Pace,
    begin_import,
    carry_on,
    find_repeated,
    read_decided,
    try_import,
)
from consentry.domain.entries import Actor, ActorKind, EntryKind
from consentry.domain.import_columns import Column
from consentry.domain.imports import ImportAim, ImportKind, ImportRun
from consentry.domain.listed_numbers import DayOrder, ListedNumber, UnreadableLine
from consentry.domain.standing import Standing
from consentry.ports import Command, StoreUnavailable
from memory_store import MemoryStore

pytestmark = pytest.mark.unit

T = TypeVar("T")
BY = Actor(ActorKind.AGENT, "agt_1")
OPT_OUTS = ImportAim(ImportKind.OPT_OUTS, "Old", "abc", "agt_1", brand="acme")
NUMBERS = [f"+1415555010{n}" for n in range(8)]


def blocks_of(rows: Sequence[ListedRow], size: int) -> Iterator[list[ListedRow]]:
    """Cut rows into sorted blocks, as a list is read."""
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        yield sorted(part, key=lambda row: getattr(row, "recipient", ""))


async def bring(
    store: MemoryStore, rows: Sequence[ListedRow], *, slice_rows: int = 3, block: int = 7
) -> ImportRun:
    """Bring rows in, or go on with them."""
    run = await begin_import(store, store.ids, ImportOrder(OPT_OUTS, BY, "key"))  # type: ignore[arg-type]
    pace = Pace(slice_rows)
    return await carry_on(store, run, blocks_of(rows, block), find_pace=lambda: pace)  # type: ignore[arg-type]


class FailingStore(MemoryStore):
    """A store that can be lost behind so many slices."""

    slices_left = 1_000_000

    async def submit(self, command: Command[T], *, is_patient: bool = False) -> T:
        """Carry a command out, or be gone."""
        if isinstance(command, ImportSlice):
            if not self.slices_left:
                raise StoreUnavailable("gone")
            self.slices_left -= 1
        return await super().submit(command, is_patient=is_patient)


def normal(standing: Standing) -> object:
    """Take the ids out of a standing: they are drawn."""
    pieces = (standing.blocks, standing.consents, standing.suppressions)
    parts = [[msgspec.structs.replace(p, entry="") for p in part] for part in pieces]  # type: ignore[arg-type]
    return parts, standing.sms_tag, standing.threads


rows_of_lists = st.lists(
    st.one_of(
        st.builds(lambda n, d: (NUMBERS[n], d), st.integers(0, 7), st.integers(-40, 40)),
        st.just(("", 0)),
    ),
    max_size=25,
)


def make_rows(drawn: Sequence[tuple[str, int]], world: World) -> list[ListedRow]:
    """Make rows of a list: some bad, some dated."""
    now = world.clock.now()
    rows: list[ListedRow] = []
    for line, (number, days) in enumerate(drawn, start=2):
        if not number:
            rows.append(UnreadableLine(line, "x", "no number"))
            continue
        at = None if days % 3 == 0 else now.replace(day=1 + days % 28)
        rows.append(ListedNumber(line, number, "", "" if at is None else at.isoformat(), at))
    return rows


def make_world(seed: int, store: MemoryStore | None = None) -> World:
    """Let some people text, some of them STOP and START."""
    world = World()
    if store is not None:
        world.store = store
        store.clock = world.clock
    chance = random.Random(seed)
    for number in NUMBERS:
        for word in chance.sample(["Hello", "STOP", "START", "STOP"], chance.randrange(4)):
            world.receive(word, recipient=number)
            world.clock.advance(days=1)
    return world


@pytest.mark.property
@given(rows_of_lists, st.integers(0, 50), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
async def test_a_list_leads_to_what_its_rows_lead_to_one_by_one(
    drawn: list[tuple[str, int]], seed: int, size: int, block: int
) -> None:
    """The same standings and as many entries, however it is cut; and a try counted the same."""
    whole, single = make_world(seed), make_world(seed)
    rows = make_rows(drawn, whole)
    tried = await try_import(whole.store, OPT_OUTS, lambda: blocks_of(rows, block))  # type: ignore[arg-type]
    before = len(whole.kinds())
    run = await bring(whole.store, rows, slice_rows=size, block=block)
    assert {name: count for name, count in tried.items() if count} == run.counts
    source = ImportSource("imp", "Old", "abc", "agt_1", "acme")
    for row in rows:
        if isinstance(row, ListedNumber):
            single.store.run(ImportOptOut(row, source))
    for number in NUMBERS:
        assert normal(whole.standing(number)) == normal(single.standing(number))
    assert len(whole.kinds()) == len(single.kinds()) + 1
    assert before == len(make_world(seed).kinds())


@pytest.mark.property
@given(rows_of_lists, st.integers(0, 50), st.lists(st.integers(0, 4), max_size=5))
@settings(max_examples=40, deadline=None)
async def test_an_import_that_is_cut_off_anywhere_goes_on_where_it_was(
    drawn: list[tuple[str, int]], seed: int, cuts: list[int]
) -> None:
    """Nothing twice and nothing lost, and every row has what became of it once."""
    world, calm = make_world(seed, FailingStore(World().store.directory())), make_world(seed)
    rows = make_rows(drawn, world)
    store = world.store
    assert isinstance(store, FailingStore)
    for slices in cuts:
        store.slices_left = slices
        try:
            await bring(store, rows)
        except StoreUnavailable:
            continue
        break
    store.slices_left = 1_000_000
    runs = [run for run in store.imports.values() if run.finished_at is None]
    if runs or not store.imports:
        await bring(store, rows)
    (run,) = store.imports.values()
    undisturbed = await bring(calm.store, rows)
    assert run.counts == undisturbed.counts
    assert world.kinds() == calm.kinds()
    told = [one.row for block in range(5) for one in await read_decided(store, run, block)]  # type: ignore[arg-type]
    assert told == [row.line for row in rows]


async def test_a_try_counts_what_the_import_then_does() -> None:
    """Also where a number comes again, in the same block or a later one; nothing is written."""
    world, heard = World(), list[int]()
    numbers = [NUMBERS[0], NUMBERS[1], NUMBERS[1], NUMBERS[0], NUMBERS[2]]
    rows = [ListedNumber(line, number) for line, number in enumerate(numbers, start=2)]
    tried = await try_import(
        world.store,  # type: ignore[arg-type]
        OPT_OUTS,
        lambda: blocks_of(rows, 3),
        tell=lambda block, _: heard.append(block),
    )
    assert {name: count for name, count in tried.items() if count} == {"recorded": 3, "stands": 2}
    assert (heard, world.kinds()) == ([0, 1], [])
    run = await bring(world.store, rows, slice_rows=2, block=3)
    assert run.counts == {"recorded": 3, "stands": 2}


async def test_an_import_that_was_cut_off_behind_a_slice_goes_on_there() -> None:
    """As the same import, and no row comes twice."""
    world = make_world(0, FailingStore(World().store.directory()))
    store = world.store
    assert isinstance(store, FailingStore)
    rows = [ListedNumber(line, number) for line, number in enumerate(NUMBERS, start=2)]
    store.slices_left = 2
    with pytest.raises(StoreUnavailable):
        await bring(store, rows)
    (cut_off,) = store.imports.values()
    store.slices_left = 1_000_000
    run = await bring(store, rows)
    assert (run.id, cut_off.position, run.position) == (cut_off.id, 6, 8)
    assert sum(run.counts.values()) == 8
    assert len(await read_decided(store, run, 0)) == 7  # type: ignore[arg-type]


async def test_the_same_list_again_is_another_import() -> None:
    """Once it is finished; it changes nothing, and the audit has both."""
    world = World()
    rows = [ListedNumber(2, NUMBERS[0])]
    first = await bring(world.store, rows)
    second = await bring(world.store, rows)
    assert first.id != second.id
    assert (first.counts, second.counts) == ({"recorded": 1}, {"stands": 1})
    assert world.kinds().count(EntryKind.IMPORTED) == 2


async def test_who_listens_hears_of_every_row_and_its_block() -> None:
    """Also with a rest behind each slice, for other processes."""
    world = World()
    heard: list[tuple[int, int]] = []

    def hear(block: int, decided: Sequence[Decided]) -> None:
        heard.extend((block, one.row.line) for one in decided)

    rows = [ListedNumber(2 + n, number) for n, number in enumerate(NUMBERS)]
    store = world.store
    run = await begin_import(store, store.ids, ImportOrder(OPT_OUTS, BY, "key"))  # type: ignore[arg-type]
    pace = Pace(2, rest_seconds=0.0001)
    await carry_on(store, run, blocks_of(rows, 5), find_pace=lambda: pace, tell=hear)  # type: ignore[arg-type]
    assert heard == [(0, 2), (0, 3), (0, 4), (0, 5), (0, 6), (1, 7), (1, 8), (1, 9)]


async def test_slices_are_small_while_somebody_waits_for_the_store() -> None:
    """So that a STOP stands behind little, and large where nobody is there."""
    world = World()
    rows = [ListedNumber(2 + n, f"+1212555{n:04}") for n in range(250)]
    world.store.pressed_seconds_ago = 0.01
    await bring(world.store, rows, slice_rows=1000, block=1000)
    assert [sum(map(len, p.rows.values())) for p in world.store.import_parts] == [100, 100, 50]
    world.store.pressed_seconds_ago = 10.0
    await bring(world.store, rows, slice_rows=1000, block=1000)
    assert len(world.store.import_parts) == 4


async def test_an_import_slows_down_when_a_server_starts_beside_it() -> None:
    """The pace is found anew before each slice, within a block too."""
    world = World()
    paces = [Pace(5), Pace(2, rest_seconds=0.0001)]

    def find_pace() -> Pace:
        """Go slowly from the second time on."""
        return paces.pop(0) if len(paces) > 1 else paces[0]

    rows = [ListedNumber(2 + n, f"+1212555{n:04}") for n in range(9)]
    run = await begin_import(world.store, world.store.ids, ImportOrder(OPT_OUTS, BY, "key"))  # type: ignore[arg-type]
    await carry_on(world.store, run, blocks_of(rows, 9), find_pace=find_pace)  # type: ignore[arg-type]
    assert [sum(map(len, p.rows.values())) for p in world.store.import_parts] == [5, 2, 2]


async def test_a_try_of_an_empty_list_finds_out_what_is_not_there() -> None:
    """A brand that is missing is told before there is a row."""
    world = World()
    counts = await try_import(world.store, OPT_OUTS, lambda: blocks_of([], 5))  # type: ignore[arg-type]
    assert set(counts.values()) == {0}


def test_numbers_that_come_again_are_found_across_blocks() -> None:
    """And within one."""
    rows = [ListedNumber(n, NUMBERS[n % 5]) for n in range(8)]
    assert find_repeated(blocks_of(rows, 3)) == {int(number) for number in NUMBERS[:3]}
    assert find_repeated(iter(())) == set()


# --- Reading ------------------------------------------------------------------------------------


def listed(text: str, encoding: str = "utf-8", **fields: object) -> TextList:
    """Have a list in a file."""
    return TextList(lambda: io.BytesIO(text.encode(encoding)), **fields)  # type: ignore[arg-type]


def test_a_file_is_read_with_its_hash_and_its_characters() -> None:
    """Whatever ends its lines; the hash is that of its bytes."""
    file = listed("Phone;Reason\r\n+14155550100;weiß nicht\r\n\r\n+14155550101\r", "cp1252")
    assert file.digest == "82cb3907cf87b27da048ca175034aeb4466e96990c91646fda95ce11b7844858"
    assert (file.encoding, file.delimiter, file.size) == ("cp1252", ";", 3)
    columns, header = find_columns(file, region=None)
    assert header == ["Phone", "Reason"]
    rows = list(read_rows(file, ListReading(columns)))
    assert rows == [
        ListedNumber(2, "+14155550100", "weiß nicht"),
        ListedNumber(4, "+14155550101"),
    ]


def test_lines_of_json_are_read_by_their_names() -> None:
    """No header is counted: the first line is row 1."""
    file = listed('{"number":"+14155550100","date":"2025-01-02"}\n"+14155550101"\n', is_json=True)
    columns, _ = find_columns(file, region=None)
    rows = list(read_rows(file, ListReading(columns)))
    assert [(row.line, getattr(row, "recipient", "")) for row in rows] == [
        (1, "+14155550100"),
        (2, "+14155550101"),
    ]
    assert listed("").delimiter == ","


def test_blocks_are_sorted_by_number_and_keep_the_order_of_one_number() -> None:
    """Who is beside whom in the database is written together."""
    file = listed("+14155550101\nx\n+14155550100\n+14155550101\n+14155550100\n")
    columns, _ = find_columns(file, region=None, mapping={Column.NUMBER: "1"})
    blocks = list(read_blocks(file, ListReading(columns), block_rows=4))
    assert [[row.line for row in block] for block in blocks] == [[2, 3, 1, 4], [5]]


def test_an_import_is_found_again_only_if_it_is_read_the_same_way() -> None:
    """Another order of days is another import: its rows may say something else."""
    file = listed("+14155550101\n")
    columns, _ = find_columns(file, region=None)
    one = key_of(OPT_OUTS, ListReading(columns))
    assert one == key_of(OPT_OUTS, ListReading(columns))
    assert one != key_of(OPT_OUTS, ListReading(columns, days=DayOrder.DAY_FIRST))
    other = msgspec.structs.replace(OPT_OUTS, brand=None)
    assert one != key_of(other, ListReading(columns))
