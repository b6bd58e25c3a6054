"""The texts that are with a carrier right now, and the tasks that carry them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress

from consentry.ports import Work


class Flights:
    """Keeps account of what has been claimed: aloft until the carrier answered, then noted down.

    A claim and the start of its flights happen under `claiming`, so that whoever waits for quiet
    sees either none of it or all of it.
    """

    def __init__(self, on_end: Callable[[], None]) -> None:
        """Tell `on_end` whenever a flight is over and its slot free."""
        self._on_end = on_end
        self._aloft: dict[str, asyncio.Event] = {}
        self._tasks: dict[asyncio.Task[None], Work] = {}
        self._claim = asyncio.Lock()

    @asynccontextmanager
    async def claiming(self) -> AsyncIterator[None]:
        """Hold back those who wait for quiet until the claimed texts are known here."""
        async with self._claim:
            yield

    def start(self, work: Work, flight: Coroutine[None, None, None]) -> None:
        """Start a flight; its message is aloft until `land`."""
        self._aloft[work.message.id] = asyncio.Event()
        task = asyncio.create_task(flight)
        self._tasks[task] = work
        task.add_done_callback(lambda done: self._end(done, work))

    def land(self, message: str) -> None:
        """Note that nothing of this message is under way any more."""
        landed = self._aloft.pop(message, None)
        if landed is not None:
            landed.set()

    def _end(self, task: asyncio.Task[None], work: Work) -> None:
        # A task that was cancelled before it began has landed nothing itself.
        self.land(work.message.id)
        del self._tasks[task]
        self._on_end()

    @property
    def count(self) -> int:
        """How many are under way or not yet noted down."""
        return len(self._tasks)

    @property
    def messages(self) -> frozenset[str]:
        """Their messages."""
        return frozenset(work.message.id for work in self._tasks.values())

    def count_by_sender(self) -> Counter[str]:
        """How many each sender has."""
        return Counter(work.message.sender for work in self._tasks.values())

    async def wait_quiet(self, messages: tuple[str, ...]) -> None:
        """Wait until none of these messages is aloft."""
        if any(message not in self._aloft for message in messages):
            # One may belong to the claim that is being made.
            async with self._claim:
                pass
        waiting = [self._aloft[message] for message in messages if message in self._aloft]
        for landed in waiting:
            await landed.wait()

    async def finish(self, seconds: float) -> None:
        """Wait for all flights, at most so long; then break off those that are left.

        What is broken off stays claimed, and is cleared up at the next start.
        """
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        left = list(self._tasks)
        for task in left:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*left, return_exceptions=True)
