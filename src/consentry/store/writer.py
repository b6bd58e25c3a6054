"""The writer: one thread that takes whatever has gathered and makes it durable as one batch."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from consentry.ports import Rejected, StoreUnavailable, Vitals
from consentry.store.batch import AnyCommand, Failure
from consentry.store.line import BATCH_COMMANDS_MAX, Line, Submitted, oldest_of

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future

POSTED_MAX: Final = 100_000

COMPANY_SECONDS: Final = 0.02
"""How long commands that nobody waits for may wait for more: a commit costs the same for many."""

_log = logging.getLogger(__name__)


Rest = Callable[[bool], float | None]


def _never(_idle: bool) -> None:
    return None


_Settled = tuple["Future[object]", object]
_CarryOut = Callable[[Sequence[AnyCommand]], list[object]]


class Writer:
    """Queues commands from any event loop and carries them out in its own thread."""

    def __init__(
        self,
        carry_out: _CarryOut,
        *,
        batch_commands_max: int = BATCH_COMMANDS_MAX,
        posted_max: int = POSTED_MAX,
        company_seconds: float = COMPANY_SECONDS,
        rest: Rest = _never,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the thread; `carry_out` returns an outcome or a `Failure` for each command.

        `rest` is called in the thread before it waits for more, and told whether nothing has come
        since the last time. It says in how many seconds to be called again if nothing comes; None
        waits for the next command. It must not raise.

        `company_seconds`: how long commands that nobody waits for may wait for more of them.
        `monotonic` reads seconds, to tell how long commands have been waiting.
        """
        self.dropped = 0
        self._carry_out = carry_out
        self._posted_max = posted_max
        self._company_seconds = company_seconds
        self._rest = rest
        self._monotonic = monotonic
        self._line = Line(batch_commands_max)
        self._in_hand: list[Submitted] = []
        self._finished = False
        self._sleeping = False
        self._gathering = False
        self._told = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(
        self, command: AnyCommand, future: "Future[object]", *, is_patient: bool = False
    ) -> None:
        """Queue a command whose outcome somebody waits for; a patient one lets others go first."""
        self._line.join(Submitted(command, future, self._monotonic()), is_patient=is_patient)
        if self._sleeping or self._gathering:
            self._told.set()

    def post(self, command: AnyCommand) -> None:
        """Queue a command nobody waits for; where there is no room it is dropped and counted."""
        if self._finished or len(self._line) >= self._posted_max:
            self.dropped += 1
            return
        self._line.join(Submitted(command, None, self._monotonic()), is_patient=False)
        if self._sleeping:
            self._told.set()

    def vitals(self) -> Vitals:
        """Tell how many commands are not carried out yet, and how long the oldest has waited."""
        in_hand = self._in_hand
        known = [oldest_of(in_hand), self._line.waiting_since()]
        oldest = min((since for since in known if since is not None), default=None)
        lag_seconds = 0.0 if oldest is None else max(0.0, self._monotonic() - oldest)
        return Vitals(len(self._line) + len(in_hand), lag_seconds, self.dropped)

    def pressed_ago(self) -> float:
        """Tell how many seconds ago somebody last pressed."""
        return self._monotonic() - self._line.pressed_at

    def look_up(self) -> None:
        """Have `rest` called soon: it may have something to do now."""
        self._told.set()

    def finish(self) -> None:
        """Carry out everything that was queued, then end the thread; blocks until it has."""
        self._finished = True
        self._told.set()
        self._thread.join()

    def _run(self) -> None:
        is_idle = False
        while self._line or not self._finished:
            is_idle = not self._wait(is_idle=is_idle)
            batch = self._line.take()
            if batch:
                self._in_hand = batch
                outcomes = self._outcomes_of(batch)
                # Who is told may ask at once, and nothing of this batch waits any more.
                self._in_hand = []
                settle(batch, outcomes)

    def _outcomes_of(self, batch: list[Submitted]) -> list[object]:
        """Carry a batch out; whatever goes wrong, everybody is told and the thread lives on."""
        try:
            return self._carry_out([submitted.command for submitted in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller must be told
            _log.exception("a batch of %d commands failed", len(batch))
            told = StoreUnavailable(f"The writer failed ({type(error).__name__}). See the log.")
            return [Failure(told) for _ in batch]

    def _wait(self, *, is_idle: bool) -> bool:
        """Wait until there is something to do; False where nothing came before the next rest."""
        # First of all: who tells us from here on is heard, whatever the rest has looked at.
        self._told.clear()
        wait_seconds = self._rest(is_idle)
        self._sleeping = True
        # Looked at after the flag: who came before it was up has not told us.
        has_come = bool(self._line) or self._finished or self._told.wait(wait_seconds)
        self._sleeping = False
        if self._line and self._may_gather():
            self._gather()
        return has_come

    def _may_gather(self) -> bool:
        return not self._finished and self._line.may_gather()

    def _gather(self) -> None:
        """Let more commands come, until somebody waits for one or a moment has passed."""
        self._gathering = True
        self._told.clear()
        # Whoever posted as it woke from its sleep may tell it once more: nobody waits for that.
        while self._may_gather() and self._told.wait(self._company_seconds):
            self._told.clear()
        self._gathering = False


def settle(batch: Sequence[Submitted], outcomes: Sequence[object]) -> None:
    """Tell everybody who waits, with one call into each event loop."""
    waiting: dict[AbstractEventLoop, list[_Settled]] = defaultdict(list)
    for (command, future, _), outcome in zip(batch, outcomes, strict=True):
        if future is not None:
            waiting[future.get_loop()].append((future, outcome))
        elif isinstance(outcome, Failure) and not isinstance(outcome.error, Rejected):
            _log.error("a posted %s failed", type(command).__name__, exc_info=outcome.error)
    for loop, settled in waiting.items():
        try:
            loop.call_soon_threadsafe(_resolve, settled)
        except RuntimeError:
            # The loop was closed while its callers still waited: nobody is left to be told.
            _log.warning("%d callers were gone before their outcome", len(settled))


def _resolve(settled: list[_Settled]) -> None:
    for future, outcome in settled:
        if future.done():
            # The caller was cancelled; what it asked for is durable all the same.
            continue
        if isinstance(outcome, Failure):
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome)
