"""Lists taken along: every row with every column, and nothing leaves that is not on record."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta

import msgspec
import pytest

from action_world import World, statement
from consent_world import LONG, OTHER_PERSON, PERSON, SECOND
from consentry.actions.export_lists import (
    EXPORTS,
    ExportFilter,
    ExportKind,
    Taken,
    record_slices,
)
from consentry.actions.import_opt_outs import ImportOptOut, ImportSource
from consentry.actions.record_consent import LiftSuppression, SuppressRecipient
from consentry.domain.entries import Actor, ActorKind, EntryKind
from consentry.domain.listed_numbers import ListedNumber
from consentry.ports import Rejected, StoreUnavailable
from consentry.wire.written_rows import Row
from memory_store import START

pytestmark = pytest.mark.unit

TAKEN = Taken("opt-outs", "", Actor(ActorKind.KEY, "key-1"))


def lived() -> World:
    """Let somebody stop, somebody be on a list and somebody be texted."""
    world = World()
    world.receive("Hello")
    world.send()
    world.receive("STOP")
    world.clock.advance(days=1)
    source = ImportSource("imp_1", "Old", "ab", "agt_1", "acme")
    world.store.run(ImportOptOut(ListedNumber(2, OTHER_PERSON), source))
    return world


async def read(
    world: World, kind: ExportKind, wanted: ExportFilter | None = None
) -> list[tuple[object, ...]]:
    """Read a whole list; each row has a cell for each column, JSON as bytes."""
    listed = EXPORTS[kind]
    slices = listed.read(world.store, wanted or ExportFilter())  # type: ignore[arg-type]
    rows = [
        tuple(bytes(cell) if isinstance(cell, msgspec.Raw) else cell for cell in row)
        for part in [part async for part in slices]
        for row in part
    ]
    assert all(len(row) == len(listed.columns) for row in rows)
    return rows


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    """Nothing in it would look as if nothing had happened; one end alone is fine."""
    later = START + timedelta(seconds=1)
    for since, until in ((None, None), (later, None), (None, START), (START, START)):
        assert ExportFilter.between(since, until) == ExportFilter(since, until)
    with pytest.raises(Rejected, match="ends before it begins") as refused:
        ExportFilter.between(later, START)
    assert (refused.value.code, refused.value.status) == ("invalid_time", 422)


async def test_every_list_has_its_rows() -> None:
    """What each says of the same story."""
    world = lived()
    opt_outs = await read(world, ExportKind.OPT_OUTS)
    assert {row[0] for row in opt_outs} == {PERSON, OTHER_PERSON}
    assert (OTHER_PERSON, "acme", "import") in [row[:3] for row in opt_outs]
    assert (PERSON, "conversation:+14155550100", "revoked") in [row[:3] for row in opt_outs]
    assert (PERSON, LONG.number, "keyword") in [row[:3] for row in opt_outs]
    consents = await read(world, ExportKind.CONSENTS)
    assert [row[:3] for row in consents] == [(PERSON, "conversation:+14155550100", "revoked")]
    suppressions = await read(world, ExportKind.SUPPRESSIONS)
    assert [(row[0], row[2], row[5]) for row in suppressions] == [(OTHER_PERSON, "import", True)]
    standings = await read(world, ExportKind.STANDINGS)
    assert [row[:2] for row in standings] == [
        (PERSON, "forbidden"),
        (OTHER_PERSON, "forbidden"),
    ]
    messages = await read(world, ExportKind.MESSAGES)
    assert {(row[1], row[5]) for row in messages} >= {("inbound", "STOP"), ("outbound", "Hello")}
    entries = await read(world, ExportKind.ENTRIES)
    assert [row[0] for row in entries] == sorted(entry.id for entry in world.store.entries)
    customers = await read(world, ExportKind.CUSTOMERS)
    assert [row[2] for row in customers] == [PERSON]


@pytest.mark.parametrize("kind", list(ExportKind))
async def test_a_list_can_be_of_a_time(kind: ExportKind) -> None:
    """From a time on and before another; what was before and after adds up to all."""
    world, day = lived(), START + timedelta(hours=12)
    whole = await read(world, kind)
    before = await read(world, kind, ExportFilter(until=day))
    after = await read(world, kind, ExportFilter(since=day))
    assert sorted(map(str, whole)) == sorted(map(str, [*before, *after]))
    assert await read(world, kind, ExportFilter(until=START - timedelta(days=9))) == []


async def test_what_was_lifted_holds_nobody() -> None:
    """What somebody came back to is in no list of opt-outs; a long list is read page by page."""
    world = World()
    world.store.run(SuppressRecipient(statement(by_person=False), "acme"))
    world.store.run(LiftSuppression(statement(by_person=False), "acme"))
    world.receive("STOP", SECOND)
    for word in ("STOP", "START"):
        world.receive(word)
    for number in range(1001):
        source = ImportSource("imp_1", "Old", "ab", "agt_1", "acme", by_person=False)
        row = ListedNumber(number, f"+1212555{number:04}")
        world.store.run(ImportOptOut(row, source))
    lift = LiftSuppression(statement(recipient="+12125550000", by_person=False), "acme")
    world.store.run(lift)
    listed = [row[0] for row in await read(world, ExportKind.OPT_OUTS)]
    assert listed[:-2] == [f"+1212555{number:04}" for number in range(1, 1001)]
    assert [row[:2] for row in await read(world, ExportKind.OPT_OUTS)][-2:] == [
        (PERSON, SECOND.number),
        (PERSON, SECOND.conversation),
    ]


def test_the_part_is_worded_for_the_audit() -> None:
    """Without a part there is nothing to say."""
    day = START + timedelta(days=1)
    assert ExportFilter().words == ""
    assert ExportFilter(START, day).words == (
        "from 2026-11-23T12:00:00+00:00 until 2026-11-24T12:00:00+00:00"
    )


async def slices_of(*sizes: int) -> AsyncGenerator[list[Row], None]:
    """Give slices of so many rows."""
    for size in sizes:
        yield [("x",)] * size


async def test_the_last_slice_leaves_when_the_export_is_on_record() -> None:
    """And not before; the record counts all rows."""
    world = World()
    slices = record_slices(world.store, TAKEN, slices_of(2, 3))  # type: ignore[arg-type]
    seen = [(len(rows), world.kinds().count(EntryKind.EXPORTED)) async for rows in slices]
    assert seen == [(2, 0), (3, 1)]
    assert world.last_entry(EntryKind.EXPORTED).text == "opt-outs: 5 rows"


async def test_what_is_broken_off_is_recorded_with_what_had_left() -> None:
    """By whoever takes it along."""
    world = World()
    part = Taken("opt-outs", "of Acme", TAKEN.by)
    async with aclosing(record_slices(world.store, part, slices_of(2, 3, 4))) as slices:  # type: ignore[arg-type]
        async for _ in slices:
            break
    told = world.last_entry(EntryKind.EXPORTED).text
    assert told == "opt-outs (of Acme, broken off): 2 rows"


async def test_nothing_more_leaves_when_it_cannot_be_recorded() -> None:
    """The last slice is never given."""
    world = World()
    slices = record_slices(world.store, TAKEN, slices_of(2, 3))  # type: ignore[arg-type]
    assert len(await anext(slices)) == 2
    world.store.available = False
    with pytest.raises(StoreUnavailable):
        await anext(slices)
    world.store.available = True
    async for rows in record_slices(world.store, TAKEN, slices_of()):  # type: ignore[arg-type]
        assert rows == []
