"""The writer on PostgreSQL: one thread with an event loop, and batches that overlap.

While one batch is on its way to the disk the next is decided, over another connection. Outcomes
are told in the order in which the batches were begun.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from consentry.ports import StoreUnavailable, Vitals
from consentry.store.batch import AnyCommand, Failure
from consentry.store.line import BATCH_COMMANDS_MAX, Line, Submitted, oldest_of
from consentry.store.writer import COMPANY_SECONDS, POSTED_MAX, settle

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Overlapping(Protocol[T]):
    """Carries out a batch in two steps."""

    async def undertake(self, commands: Sequence[AnyCommand]) -> T:
        """Decide; what was decided about is held."""

    async def complete(self, undertaken: T) -> list[object]:
        """Make it durable; an outcome or a `Failure` for each command."""

    def note(self, undertaken: T, outcomes: list[object]) -> None:
        """Tell whoever measures; called in the order in which batches were begun."""


class _Turn(Generic[T]):
    """A lane, and the batch that is on its way to the disk over it."""

    def __init__(self, carrier: Overlapping[T]) -> None:
        self.carrier = carrier
        self.task: asyncio.Task[None] | None = None
        self.in_hand: list[Submitted] = []

    async def wait(self) -> None:
        """Wait until it is free."""
        if self.task is not None:
            await self.task


class PipelinedWriter(Generic[T]):
    """Queues commands from any event loop, and carries them out in its own thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        lanes: Sequence[Overlapping[T]],
        *,
        batch_commands_max: int = BATCH_COMMANDS_MAX,
        monotonic: Callable[[], float],
        after_batch: Callable[[], None],
        beside: Callable[[], Awaitable[None]],
    ) -> None:
        """Start the thread, which runs this loop.

        `after_batch` is called when a batch is durable, before anybody is told; `beside` runs
        beside the batches until the end. `monotonic` tells how long commands have been waiting.
        """
        self.dropped = 0
        self._loop = loop
        self._turns = deque(_Turn(lane) for lane in lanes)
        self._monotonic = monotonic
        self._after_batch = after_batch
        self._beside = beside
        self._line = Line(batch_commands_max)
        self._sleeping = False
        self._idling = False
        self._finished = False
        self._told = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(
        self, command: AnyCommand, future: "asyncio.Future[object]", *, is_patient: bool = False
    ) -> None:
        """Queue a command whose outcome somebody waits for; a patient one lets others go first."""
        self._line.join(Submitted(command, future, self._monotonic()), is_patient=is_patient)
        if self._sleeping or self._idling:
            self._wake()

    def post(self, command: AnyCommand) -> None:
        """Queue a command nobody waits for; where there is no room it is dropped and counted."""
        if self._finished or len(self._line) >= POSTED_MAX:
            self.dropped += 1
            return
        self._line.join(Submitted(command, None, self._monotonic()), is_patient=False)
        if self._sleeping:
            self._wake()

    def finish(self) -> None:
        """Carry out everything that was queued, then end the thread; blocks until it has."""
        self._finished = True
        self._wake()
        self._thread.join()

    def vitals(self) -> Vitals:
        """Tell how many commands are not durable yet, and how long the oldest has waited."""
        in_hand = [turn.in_hand for turn in tuple(self._turns)]
        known = [self._line.waiting_since(), *map(oldest_of, in_hand)]
        oldest = min((since for since in known if since is not None), default=None)
        lag_seconds = 0.0 if oldest is None else max(0.0, self._monotonic() - oldest)
        waiting = len(self._line) + sum(map(len, in_hand))
        return Vitals(waiting, lag_seconds, self.dropped)

    def pressed_ago(self) -> float:
        """Tell how many seconds ago somebody last pressed."""
        return self._monotonic() - self._line.pressed_at

    @property
    def is_idle(self) -> bool:
        """Tell whether there is nothing to carry out."""
        return not self._line and not any(turn.in_hand for turn in self._turns)

    def _wake(self) -> None:
        self._sleeping = self._idling = False
        self._loop.call_soon_threadsafe(self._told.set)

    def _run(self) -> None:
        self._loop.run_until_complete(self._work())

    async def _work(self) -> None:
        beside = asyncio.ensure_future(self._beside())
        free = self._turns
        while True:
            lane = free[0]
            await lane.wait()
            batch = await self._gather()
            if batch is None:
                break
            decided = self._loop.create_future()
            carrying = self._carry(lane, batch, decided, before=free[-1].task)
            lane.task = self._loop.create_task(carrying)
            free.rotate(-1)
            await decided
        for lane in free:
            await lane.wait()
        beside.cancel()
        await asyncio.gather(beside, return_exceptions=True)

    async def _carry(
        self,
        lane: _Turn[T],
        batch: list[Submitted],
        decided: "asyncio.Future[None]",
        *,
        before: "asyncio.Task[None] | None",
    ) -> None:
        """Carry out a batch in a task of its own, and tell everybody after those before."""
        lane.in_hand = batch
        try:
            undertaken = await lane.carrier.undertake([submitted.command for submitted in batch])
            decided.set_result(None)
            outcomes = await lane.carrier.complete(undertaken)
            if before is not None:
                await before
            lane.carrier.note(undertaken, outcomes)
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller must be told
            _log.exception("a batch of %d commands failed", len(batch))
            told = StoreUnavailable(f"The writer failed ({type(error).__name__}). See the log.")
            outcomes = [Failure(told) for _ in batch]
        if not decided.done():
            decided.set_result(None)
        self._after_batch()
        lane.in_hand = []
        settle(batch, outcomes)

    async def _gather(self) -> list[Submitted] | None:
        """Wait for a command, then take what fits; None where the end was asked for."""
        while not self._line:
            if self._finished:
                return None
            await self._sleep()
        if self._may_wait():
            await self._take_company()
        return self._line.take()

    def _may_wait(self) -> bool:
        return not self._finished and self._line.may_gather()

    async def _sleep(self) -> None:
        """Sleep until something is queued or the end is asked for."""
        self._told.clear()
        self._sleeping = True
        # Looked again after the flag: who came before it was up has not woken us.
        if not self._line and not self._finished:
            await self._told.wait()
        self._sleeping = False

    async def _take_company(self) -> None:
        """Let more gather while nobody waits for these: a commit costs the same for many."""
        self._told.clear()
        self._idling = True
        if self._may_wait():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), COMPANY_SECONDS)
        self._idling = False
