"""Old records go the way of an erasure; what said no, and what is younger, stays."""

import pytest

from action_world import World
from consent_world import LONG, PERSON
from consentry.actions.retain import Retained, Retention
from consentry.domain.entries import EntryKind
from consentry.domain.reasons import Reason
from consentry.domain.retention import TABLE
from consentry.ports import LastSeen

pytestmark = pytest.mark.unit

VIRGINIAN, FRIEND = "+15715550142", "+14155550143"
SIX_YEARS = {"days": 6 * 366}


async def walk(world: World, *, is_dry_run: bool = False) -> Retained:
    """Walk along all numbers, to the end."""
    retention = Retention(world.store, world.clock.now(), is_dry_run=is_dry_run)
    return [told async for told in retention.walk()][-1]


def old_world() -> World:
    """Have three people text, two of them stop; and six years later one of them again."""
    world = World()
    for number in (PERSON, VIRGINIAN, FRIEND):
        world.receive("Hello", recipient=number)
    for number in (PERSON, VIRGINIAN):
        world.receive("STOP", recipient=number)
    world.clock.advance(**SIX_YEARS)
    world.receive("Hello again", recipient=FRIEND)
    return world


async def test_what_is_old_is_destroyed_and_the_last_word_stays() -> None:
    """By counts, with the row that keeps the others; an entry about nobody accounts for each."""
    world = old_world()
    would = await walk(world, is_dry_run=True)
    assert world.store.entries_of(PERSON)
    told = await walk(world)
    assert (told.looked_at, told.destroyed, told.words_kept, told.put_off) == (3, 1, 1, 0)
    assert told.kept == {"us-records": 1, "us-va-opt-outs": 1}
    assert (told.entries, told.rows) == (would.entries, would.rows)
    assert (would.is_dry_run, told.is_dry_run) == (True, False)
    assert world.store.entries_of(PERSON) == []
    assert world.send(sender=LONG).decision.reason is Reason.OPTED_OUT
    account = world.last_entry(EntryKind.ERASED)
    assert account.reason == f"Kept long enough, by us-records of {TABLE.version}"


async def test_a_second_walk_finds_nothing_more() -> None:
    """What is kept is kept, and what was destroyed is not there any more."""
    world = old_world()
    await walk(world)
    told = await walk(world)
    assert (told.looked_at, told.destroyed) == (2, 0)


async def test_whoever_texts_meanwhile_is_left_alone() -> None:
    """It was old when it was looked at, and is not any more when it would be destroyed."""
    world = old_world()

    class Slow(Retention):
        """Has somebody text before the first number is destroyed."""

        async def _prepare(self, over):  # type: ignore[no-untyped-def,override] # noqa: ANN001, ANN202
            prepared = await super()._prepare(over)
            world.receive("I am here", recipient=PERSON)
            return prepared

    retention = Slow(world.store, world.clock.now(), is_dry_run=False)
    async for _ in retention.walk():
        pass
    told = retention.told()
    assert (told.destroyed, told.put_off) == (0, 1)
    assert world.store.entries_of(PERSON)


async def test_a_number_that_the_reason_has_the_digits_of_goes_too() -> None:
    """The edition of the rows is a date, which may look like somebody's last digits."""
    world = World()
    number = f"+1415{TABLE.version.replace('-', '')[-7:]}"
    world.receive("Hello", recipient=number)
    world.clock.advance(days=365 * 12)
    told = await walk(world)
    assert (told.destroyed, told.put_off) == (1, 0)


async def test_many_numbers_are_walked_in_steps() -> None:
    """Each step tells how far it came; the last one is shorter than the others."""
    world = World()
    for place in range(230):
        world.receive("Hello", recipient=f"+1415557{place:04d}")
    steps = [
        told.looked_at
        async for told in Retention(world.store, world.clock.now(), is_dry_run=True).walk()
    ]
    assert steps == [200, 230]
    assert (await world.store.read_last_seen("", 1))[0] == LastSeen(
        "+14155570000", world.store.entries[0].recorded_at
    )
