"""Commands that wait for a writer: who goes first, and how many at a time."""

import asyncio
from collections.abc import Iterator

import pytest
from store_world import write

from consentry.ports import Change
from consentry.store.line import PATIENT_MAX, Line, Submitted

pytestmark = pytest.mark.unit


@pytest.fixture
def future() -> Iterator["asyncio.Future[object]"]:
    """Stand for somebody who waits."""
    loop = asyncio.new_event_loop()
    yield loop.create_future()
    loop.close()


def fill(
    line: Line, future: "asyncio.Future[object] | None", times: range, *, is_patient: bool
) -> None:
    """Put commands into a line, that are here since these times."""
    for since in times:
        line.join(Submitted(write(Change()), future, float(since)), is_patient=is_patient)


def test_others_come_first_and_a_few_patient_ones_behind_them(
    future: "asyncio.Future[object]",
) -> None:
    """Each in the order of its own line."""
    line = Line(10)
    fill(line, future, range(3), is_patient=True)
    fill(line, future, range(3, 15), is_patient=False)
    assert len(line) == 15
    assert [taken.since for taken in line.take()] == [*range(3, 13), 0, 1, 2]
    assert [taken.since for taken in line.take()] == [13, 14]
    assert (line.take(), len(line)) == ([], 0)


def test_patient_ones_alone_fill_a_batch(future: "asyncio.Future[object]") -> None:
    """Where nobody else waits they take all the room; beside others, a little."""
    line = Line(100)
    fill(line, future, range(300), is_patient=True)
    assert len(line.take()) == 100
    fill(line, future, range(1), is_patient=False)
    assert len(line.take()) == 1 + PATIENT_MAX


def test_a_batch_of_one_starves_neither(future: "asyncio.Future[object]") -> None:
    """With a commit for each command, one of each line goes at a time."""
    line = Line(1)
    fill(line, future, range(2), is_patient=True)
    fill(line, future, range(10, 12), is_patient=False)
    assert [taken.since for taken in line.take()] == [10, 0]
    assert [taken.since for taken in line.take()] == [11, 1]


def test_only_what_nobody_waits_for_may_gather(future: "asyncio.Future[object]") -> None:
    """And only while there is room for more."""
    line = Line(5)
    fill(line, None, range(4), is_patient=False)
    assert line.may_gather()
    fill(line, None, range(1), is_patient=False)
    assert not line.may_gather()
    for is_patient in (True, False):
        waited_for = Line(5)
        fill(waited_for, None, range(1), is_patient=False)
        fill(waited_for, future, range(1), is_patient=is_patient)
        assert not waited_for.may_gather()


def test_the_oldest_is_known(future: "asyncio.Future[object]") -> None:
    """Whichever line it is in."""
    line = Line(5)
    assert line.waiting_since() is None
    fill(line, future, range(7, 9), is_patient=False)
    assert line.waiting_since() == 7
    fill(line, future, range(3, 5), is_patient=True)
    assert line.waiting_since() == 3
