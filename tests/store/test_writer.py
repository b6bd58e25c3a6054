"""The writer's thread and queue, with something that only counts in the place of a database."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from store_world import Act, write

from consentry.ports import Change, Needs, StoreUnavailable, Vitals
from consentry.store.batch import AnyCommand, Failure
from consentry.store.line import PATIENT_MAX
from consentry.store.writer import Writer

pytestmark = pytest.mark.unit


class Counter:
    """Carries out nothing: notes each batch, and waits for `go` in each."""

    def __init__(self) -> None:
        self.batches: list[list[AnyCommand]] = []
        self.begun = threading.Event()
        self.go = threading.Event()

    def carry_out(self, commands: Sequence[AnyCommand]) -> list[object]:
        """Answer each command with the number of its batch."""
        self.batches.append(list(commands))
        self.begun.set()
        assert self.go.wait(60)
        return [len(self.batches) for _ in commands]


def command() -> AnyCommand:
    """Make a command that is never looked into."""
    return write(Change())


def submit(writer: Writer, *, is_patient: bool = False) -> asyncio.Future[object]:
    """Submit a command and return what to wait for."""
    future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    writer.submit(command(), future, is_patient=is_patient)
    return future


async def test_a_batch_is_what_arrived_during_the_last_one() -> None:
    """One command begins at once; the ten that come meanwhile are one batch."""
    counter = Counter()
    writer = Writer(counter.carry_out)
    first = submit(writer)
    await asyncio.to_thread(counter.begun.wait, 60)
    rest = [submit(writer) for _ in range(10)]
    counter.go.set()
    assert await asyncio.gather(first, *rest) == [1] + [2] * 10
    await asyncio.to_thread(writer.finish)


async def test_a_batch_has_a_limit_and_the_queue_has_none() -> None:
    """What does not fit waits for the next batch; a submit is never refused."""
    counter = Counter()
    writer = Writer(counter.carry_out, batch_commands_max=4, posted_max=1)
    first = submit(writer)
    await asyncio.to_thread(counter.begun.wait, 60)
    rest = [submit(writer) for _ in range(10)]
    counter.go.set()
    await asyncio.gather(first, *rest)
    assert [len(batch) for batch in counter.batches] == [1, 4, 4, 2]
    await asyncio.to_thread(writer.finish)


async def test_posted_commands_are_dropped_and_counted_where_there_is_no_room() -> None:
    """A post never waits: beyond the limit, and after the end, it is dropped."""
    counter = Counter()
    writer = Writer(counter.carry_out, posted_max=3)
    first = submit(writer)
    await asyncio.to_thread(counter.begun.wait, 60)
    for _ in range(5):
        writer.post(command())
    assert writer.dropped == 2
    counter.go.set()
    await first
    await asyncio.to_thread(writer.finish)
    assert sum(map(len, counter.batches)) == 4
    writer.post(command())
    assert writer.dropped == 3


async def test_failures_reach_those_who_wait() -> None:
    """A failure is raised where it is awaited; a posted command's is only noted."""

    def fail(commands: Sequence[AnyCommand]) -> list[object]:
        return [Failure(ZeroDivisionError()) for _ in commands]

    writer = Writer(fail)
    writer.post(command())
    with pytest.raises(ZeroDivisionError):
        await submit(writer)
    await asyncio.to_thread(writer.finish)


async def test_a_batch_that_fails_as_a_whole_does_not_stop_the_writer() -> None:
    """Everybody is told that the store is unavailable; the next batch is carried out."""
    answers = iter([ZeroDivisionError(), None])

    def stumble(commands: Sequence[AnyCommand]) -> list[object]:
        error = next(answers)
        if error is not None:
            raise error
        return ["done" for _ in commands]

    writer = Writer(stumble)
    with pytest.raises(StoreUnavailable, match="ZeroDivisionError"):
        await submit(writer)
    assert await submit(writer) == "done"
    await asyncio.to_thread(writer.finish)


def test_a_loop_that_is_gone_does_not_stop_the_writer() -> None:
    """Whoever submitted from a closed loop is not told; the next one is."""
    counter = Counter()
    writer = Writer(counter.carry_out)

    async def leave() -> None:
        submit(writer)
        await asyncio.to_thread(counter.begun.wait, 60)

    asyncio.run(leave())
    counter.go.set()

    async def stay() -> object:
        return await submit(writer)

    assert asyncio.run(stay()) == 2
    writer.finish()


def test_a_post_needs_no_loop() -> None:
    """Commands can be posted from plain code; `finish` carries them out."""
    counter = Counter()
    counter.go.set()
    writer = Writer(counter.carry_out)
    writer.post(Act(lambda _: (None, Change()), Needs()))
    writer.finish()
    assert [len(batch) for batch in counter.batches] == [1]


async def test_what_nobody_waits_for_goes_in_company() -> None:
    """Posted commands gather for a moment, so that a burst of refusals is one commit.

    Whoever wakes the writer for anything else ends that for nobody.
    """
    counter = Counter()
    counter.go.set()
    writer = Writer(counter.carry_out, company_seconds=30)
    for _ in range(50):
        writer.post(command())
        writer.look_up()
    await asyncio.to_thread(writer.finish)
    assert [len(batch) for batch in counter.batches] == [50]


async def test_who_waits_is_not_held_up_by_company() -> None:
    """A submitted command ends the waiting of those that were posted before it."""
    counter = Counter()
    counter.go.set()
    writer = Writer(counter.carry_out, company_seconds=30)
    for _ in range(20):
        writer.post(command())
        await asyncio.sleep(0.001)
        await asyncio.wait_for(submit(writer), 60)
    writer.post(command())
    await asyncio.wait_for(asyncio.to_thread(writer.finish), 60)
    assert sum(map(len, counter.batches)) == 41


async def test_what_is_patient_lets_others_go_first() -> None:
    """A thousand deliveries wait, and somebody opts out: it is in the very next batch."""
    counter = Counter()
    writer = Writer(counter.carry_out)
    first = submit(writer)
    await asyncio.to_thread(counter.begun.wait, 60)
    deliveries = [submit(writer, is_patient=True) for _ in range(1000)]
    opt_out = submit(writer)
    counter.go.set()
    assert await asyncio.gather(first, opt_out) == [1, 2]
    assert len(counter.batches[1]) == 1 + PATIENT_MAX
    assert {await delivery for delivery in deliveries} == set(range(2, 7))
    await asyncio.to_thread(writer.finish)


async def test_what_is_patient_gets_on_however_many_others_come() -> None:
    """Each batch takes some along, though there is never one without others."""
    counter = Counter()
    writer = Writer(counter.carry_out, batch_commands_max=4)
    first = submit(writer)
    await asyncio.to_thread(counter.begun.wait, 60)
    others = [submit(writer) for _ in range(40)]
    deliveries = [submit(writer, is_patient=True) for _ in range(40)]
    counter.go.set()
    await asyncio.gather(first, *others, *deliveries)
    assert [len(batch) for batch in counter.batches] == [1] + [8] * 10
    assert [await delivery for delivery in deliveries[:8]] == [2] * 4 + [3] * 4
    await asyncio.to_thread(writer.finish)


async def test_vitals_know_the_oldest_of_all() -> None:
    """Whatever overtakes it, the one that has waited longest tells the lag."""
    counter, now = Counter(), [0.0]
    writer = Writer(counter.carry_out, monotonic=lambda: now[0])
    assert writer.vitals() == Vitals(0, 0.0, 0)
    first = submit(writer)
    await asyncio.to_thread(counter.begun.wait, 60)
    now[0] = 1.0
    delivery = submit(writer, is_patient=True)
    now[0] = 5.0
    opt_out = submit(writer)
    assert writer.vitals() == Vitals(3, 5.0, 0)
    counter.go.set()
    await asyncio.gather(first, delivery, opt_out)
    await asyncio.to_thread(writer.finish)
    assert writer.vitals() == Vitals(0, 0.0, 0)
