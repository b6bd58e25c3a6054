"""Whether a server can work: what makes it say no, for how long it believes itself."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from consentry.actions.check_readiness import (
    ADVICE,
    CheckWriting,
    NotReady,
    ReadinessCheck,
    ReadinessLimits,
)
from consentry.domain.directory import Directory
from consentry.domain.standing import Standing
from consentry.ports import LogDamaged, LogHead, Store, StoreUnavailable, Vitals
from memory_store import FakeClock, MemoryStore

pytestmark = pytest.mark.unit


class World:
    """A store whose reading, writing and queue are as a test wants them."""

    def __init__(self) -> None:
        self.inside = MemoryStore()
        self.clock: FakeClock = self.inside.clock
        self.reads = self.writes = 0
        self.read_error: Exception | None = None
        self.write_error: Exception | None = None
        self.reading = self.writing = asyncio.Event()
        self.reading.set()
        self.told = Vitals(0, 0.0, 0)
        self.due_seconds: tuple[float, ...] = ()
        self.held: str | Exception = ""

    async def read_facts(self, _recipient: str) -> tuple[Directory, Standing]:
        self.reads += 1
        await self.reading.wait()
        if self.read_error is not None:
            raise self.read_error
        return Directory(), Standing()

    async def submit(self, command: CheckWriting) -> Any:
        self.writes += 1
        await self.writing.wait()
        if self.write_error is not None:
            raise self.write_error
        return await self.inside.submit(command)

    def vitals(self) -> Vitals:
        return self.told

    async def read_log_head(self) -> LogHead:
        if isinstance(self.held, Exception):
            raise self.held
        return LogHead(1, 2, self.held)

    async def count_outbox(self) -> int:
        return len(self.due_seconds)

    async def count_notices(self) -> int:
        return 5

    async def next_due(self) -> tuple[tuple[str, Any], ...]:
        now = self.clock.now()
        return tuple(("+1", now - timedelta(seconds=seconds)) for seconds in self.due_seconds)


def check_of(world: Any, **limits: float) -> ReadinessCheck:
    """Make a check that asks this world, and waits only for a moment."""
    store: Store = world
    return ReadinessCheck(store, world.clock, ReadinessLimits(**{"ask_seconds": 0.01, **limits}))


async def test_a_store_that_reads_and_writes_is_ready() -> None:
    """It writes a row of nobody's, and tells queue and outbox."""
    world = World()
    world.told = Vitals(7, 0.5, 0)
    world.due_seconds = (3.0, 61.5, -20.0)
    found = await check_of(world).look()
    assert (found.not_ready, found.reads, found.writes) == (None, True, True)
    assert (found.waiting, found.lag_seconds) == (7, 0.5)
    assert (found.outbox_jobs, found.outbox_age_seconds, found.notices) == (3, 61.5, 5)
    assert [owner for owner, _ in world.inside.idempotency] == ["consentry/readiness"]
    assert world.inside.entries == []


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ("Add the key.", "Add the key."),
        (LogDamaged("Its head is gone."), "Its head is gone."),
        (StoreUnavailable("away"), ""),
        (TimeoutError(), ""),
    ],
)
async def test_a_log_that_is_held_is_told_and_makes_nobody_unfit(
    held: str | Exception, told: str
) -> None:
    """A server that nothing is sent to hears no STOP."""
    world = World()
    world.held = held
    found = await check_of(world).look()
    assert (found.not_ready, found.ledger_held) == (None, told)


async def test_an_outbox_with_nothing_due_has_no_age() -> None:
    """What is due later makes nothing old."""
    world = World()
    world.due_seconds = (-20.0,)
    assert (await check_of(world).look()).outbox_age_seconds == 0.0


async def test_a_store_that_cannot_be_read_is_not_ready() -> None:
    """An error or silence: nothing is written then, and nothing told of the outbox."""
    for error in (StoreUnavailable("away"), None):
        world = World()
        world.read_error = error
        if error is None:
            world.reading = asyncio.Event()
        found = await check_of(world).look()
        assert (found.not_ready, found.reads) == (NotReady.STORE_UNAVAILABLE, False)
        assert (found.writes, found.outbox_jobs, found.outbox_age_seconds) == (False, None, None)
        assert world.writes == 0


async def test_a_store_that_can_only_be_read_is_not_ready() -> None:
    """A full disk, a standby: reading goes on and is not enough."""
    world = World()
    world.write_error = StoreUnavailable("the disk is full")
    found = await check_of(world).look()
    assert (found.not_ready, found.reads, found.writes) == (NotReady.STORE_UNAVAILABLE, True, False)


async def test_a_slow_writer_is_ready_until_its_lag_is_too_long() -> None:
    """A write that takes long is waited for, not begun again; the lag decides."""
    world = World()
    world.writing = asyncio.Event()
    check = check_of(world, lag_seconds=10, fresh_seconds=0)
    world.told = Vitals(300, 9.9, 0)
    slow = await check.look()
    world.told = Vitals(300, 10.1, 0)
    stuck = await check.look()
    assert (slow.not_ready, slow.writes) == (None, None)
    assert (stuck.not_ready, stuck.writes) == (NotReady.WRITER_STUCK, None)
    assert world.writes == 1
    world.writing.set()
    world.told = Vitals(0, 0.0, 0)
    await asyncio.sleep(0)
    assert (await check.look()).writes is True
    assert (await check.look()).writes is True
    assert world.writes == 2


async def test_an_answer_is_kept_for_a_moment_whoever_asks() -> None:
    """Many who ask at once, or within a second, cost one question; after it there is another."""
    world = World()
    check = check_of(world)
    await asyncio.gather(*(check.look() for _ in range(50)))
    world.clock.advance(seconds=0.9)
    await check.look()
    assert (world.reads, world.writes) == (1, 1)
    world.clock.advance(seconds=0.2)
    await check.look()
    assert (world.reads, world.writes) == (2, 2)


async def test_a_store_that_comes_back_is_ready_again() -> None:
    """Nobody has to start anything anew."""
    world = World()
    check = check_of(world, fresh_seconds=0)
    world.write_error = StoreUnavailable("away")
    assert (await check.look()).not_ready is NotReady.STORE_UNAVAILABLE
    world.write_error = None
    assert (await check.look()).not_ready is None


async def test_a_server_that_is_stopping_is_not_ready() -> None:
    """Whatever else is found, and at once: an answer that is still fresh does not count."""
    world = World()
    check = check_of(world)
    assert (await check.look()).not_ready is None
    check.drain()
    found = await check.look()
    assert (found.not_ready, found.reads, found.writes) == (NotReady.DRAINING, True, True)


def test_every_reason_says_what_to_do() -> None:
    """Each reason has its advice."""
    assert set(ADVICE) == set(NotReady)
