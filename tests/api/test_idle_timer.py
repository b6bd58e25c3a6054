"""A connection's one timer does what a timer for each answer would do."""

import pytest

from consentry.api.idle_timer import IdleTimer

pytestmark = pytest.mark.unit


class Handle:
    """A timer that was started."""

    def __init__(self, due_at: float) -> None:
        self.due_at = due_at
        self.canceled = False

    def cancel(self) -> None:
        """Note the end."""
        self.canceled = True


class Hours:
    """An event loop whose time passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0
        self.started: list[tuple[Handle, object]] = []

    def time(self) -> float:
        """Tell the time."""
        return self.now

    def call_later(self, delay: float, callback: object) -> Handle:
        """Start a timer."""
        handle = Handle(self.now + delay)
        self.started.append((handle, callback))
        return handle

    def create_task(self) -> str:
        """Do what only a real loop can."""
        return "a task"

    def pass_to(self, now: float) -> None:
        """Let time pass, and call what is due in order."""
        while True:
            due = [one for one in self.started if not one[0].canceled and one[0].due_at <= now]
            if not due:
                break
            handle, callback = min(due, key=lambda one: one[0].due_at)
            self.started.remove((handle, callback))
            self.now = handle.due_at
            callback()  # type: ignore[operator]
        self.now = now


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
def timer(hours: Hours) -> IdleTimer:
    return IdleTimer(hours)  # type: ignore[arg-type]


def test_what_is_due_is_called_once(hours: Hours, timer: IdleTimer) -> None:
    """Not before its time, and not again."""
    calls: list[float] = []
    timer.call_later(5, lambda: calls.append(hours.now))
    hours.pass_to(104.9)
    assert calls == []
    hours.pass_to(120)
    assert calls == [105]
    timer.call_later(5, lambda: calls.append(hours.now))
    hours.pass_to(200)
    assert calls == [105, 125]


def test_what_was_noted_last_counts(hours: Hours, timer: IdleTimer) -> None:
    """A connection that is used again and again is not ended until it is left alone."""
    calls: list[float] = []
    for second in range(100, 120, 2):
        hours.pass_to(second)
        timer.call_later(5, lambda: calls.append(hours.now)).cancel()
        timer.call_later(5, lambda: calls.append(hours.now))
    hours.pass_to(200)
    assert calls == [123]


def test_many_answers_start_no_timers(hours: Hours, timer: IdleTimer) -> None:
    """A thousand answers within the time are one timer."""
    for _ in range(1000):
        timer.call_later(5, hours.time).cancel()
    assert len(hours.started) == 1


def test_what_was_taken_back_is_not_called(hours: Hours, timer: IdleTimer) -> None:
    """However long a request takes, its connection is not idle."""
    calls: list[float] = []
    timer.call_later(5, lambda: calls.append(hours.now))
    timer.cancel()
    hours.pass_to(150)
    assert calls == []
    assert hours.started == []
    timer.call_later(5, lambda: calls.append(hours.now))
    hours.pass_to(200)
    assert calls == [155]


def test_a_connection_that_is_gone_leaves_no_timer(hours: Hours, timer: IdleTimer) -> None:
    """Nothing keeps it in memory until a timer would have run out."""
    timer.end()
    timer.call_later(5, hours.time)
    timer.end()
    assert [handle.canceled for handle, _ in hours.started] == [True]


def test_everything_else_is_the_loops(timer: IdleTimer) -> None:
    """A protocol may ask it for whatever it asks an event loop."""
    assert timer.create_task() == "a task"  # type: ignore[call-arg, comparison-overlap]
    assert timer.time() == 100
