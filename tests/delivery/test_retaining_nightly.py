"""Retention at night: at its hour, once, by who leads, and off unless it is set."""

import asyncio
import logging

import pytest

from action_world import World
from consentry.delivery.retaining import FEW, NightlyRetention
from memory_store import MemoryStore

pytestmark = pytest.mark.unit


def old_world() -> World:
    """Have somebody text, and six years go by: it is noon."""
    world = World()
    world.receive("Hello")
    world.clock.advance(days=6 * 366)
    return world


def nightly(world: World, *, leads: bool = True, hour: int | None = 3) -> NightlyRetention:
    """Make the job of a server that was started just now."""
    return NightlyRetention(
        world.store,  # type: ignore[arg-type]
        world.clock,
        hour=hour,
        leads=lambda: leads,
        look_seconds=0,
    )


async def test_it_waits_for_its_hour_and_then_destroys_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not at the start, at the hour after counting, and not again the same night."""
    world = old_world()
    job = nightly(world)
    with caplog.at_level(logging.INFO):
        await job.look(3)
        assert world.store.customers
        world.clock.advance(hours=16)
        await job.look(3)
    assert world.store.customers == {}
    assert [r.message for r in caplog.records] == ["retention_counted", "retention_done"]
    world.receive("Hello")
    world.clock.advance(hours=1)
    await job.look(3)
    assert world.store.customers


async def test_a_clock_that_is_years_ahead_destroys_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """So many at once are never what a day made old: it is told, and left to a person."""
    world = World()
    for number in range(FEW + 1):
        world.receive("Hello", recipient=f"+1415556{number:04}")
    world.clock.advance(days=6 * 366)
    job = nightly(world)
    world.clock.advance(hours=16)
    await job.look(3)
    assert len(world.store.customers) == FEW + 1
    told = [record for record in caplog.records if record.message == "retention_put_off"]
    assert [record.__dict__["destroyed"] for record in told] == [FEW + 1]


async def test_a_database_that_does_not_answer_ends_the_night(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is said in the log, whatever went wrong; nobody else is taken along."""
    world = old_world()
    job = nightly(world)
    world.clock.advance(hours=16)
    world.store.available = False
    await job.look(3)
    assert "does not answer" in caplog.text
    world.clock.advance(days=1)
    world.store.available = True
    world.store.__class__ = type("Broken", (MemoryStore,), {"read_standings": None})
    await job.look(3)
    assert "retention_failed" in caplog.text


@pytest.mark.parametrize(
    ("leads", "hour", "is_left"), [(True, 3, False), (False, 3, True), (True, None, True)]
)
async def test_only_who_leads_does_it_and_only_where_it_is_set(
    leads: bool, hour: int | None, is_left: bool
) -> None:
    """The loop looks again and again; without the setting it does nothing."""
    world = old_world()
    job = nightly(world, leads=leads, hour=hour)
    world.clock.advance(hours=16)
    running = asyncio.create_task(job.run())
    for _ in range(50):
        await asyncio.sleep(0)
    running.cancel()
    assert bool(world.store.customers) is is_left
