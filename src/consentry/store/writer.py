"""The writer: one thread that takes whatever has gathered and makes it durable as one batch."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from enum import Enum, auto
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from consentry.ports import Rejected, StoreUnavailable, Vitals
from consentry.store.batch import AnyCommand, Failure

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future

BATCH_COMMANDS_MAX: Final = 256
"""Short enough that the event loop gets the interpreter back every few milliseconds."""

POSTED_MAX: Final = 100_000

COMPANY_SECONDS: Final = 0.02
"""How long commands that nobody waits for may wait for more: a commit costs the same for many."""

_log = logging.getLogger(__name__)


class _Sign(Enum):
    """What else the queue may hold."""

    END = auto()
    LOOK_UP = auto()


Rest = Callable[[bool], float | None]


def _never(_idle: bool) -> None:
    return None


_Submitted = tuple[AnyCommand, "Future[object] | None"]
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
        self._batch_commands_max = batch_commands_max
        self._posted_max = posted_max
        self._company_seconds = company_seconds
        self._rest = rest
        self._monotonic = monotonic
        self._waiting_since: float | None = None
        self._in_hand = 0
        self._idle = False
        self._finished = False
        self._queue: SimpleQueue[_Submitted | _Sign] = SimpleQueue()
        self._idling = False
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, command: AnyCommand, future: "Future[object]") -> None:
        """Queue a command whose outcome somebody waits for."""
        self._note_waiting()
        self._queue.put((command, future))
        if self._idling:
            self._hurry.set()

    def post(self, command: AnyCommand) -> None:
        """Queue a command nobody waits for; where there is no room it is dropped and counted."""
        if self._finished or self._queue.qsize() >= self._posted_max:
            self.dropped += 1
            return
        self._note_waiting()
        self._queue.put((command, None))

    def vitals(self) -> Vitals:
        """Tell how many commands are not carried out yet, and how long the oldest has waited."""
        since = self._waiting_since
        lag_seconds = 0.0 if since is None else max(0.0, self._monotonic() - since)
        return Vitals(self._queue.qsize() + self._in_hand, lag_seconds, self.dropped)

    def _note_waiting(self) -> None:
        if self._waiting_since is None:
            self._waiting_since = self._monotonic()

    def look_up(self) -> None:
        """Have `rest` called soon: it may have something to do now."""
        self._queue.put(_Sign.LOOK_UP)

    def finish(self) -> None:
        """Carry out everything that was queued, then end the thread; blocks until it has."""
        self._finished = True
        self._queue.put(_Sign.END)
        self._hurry.set()
        self._thread.join()

    def _run(self) -> None:
        going_on = True
        while going_on:
            batch, going_on = self._gather()
            outcomes: list[object] = []
            taken_at = self._monotonic()
            if batch:
                # Who submitted just as the last batch ended may have found it still noted.
                self._waiting_since = self._waiting_since or taken_at
                self._in_hand = len(batch)
                outcomes = self._outcomes_of(batch)
            # Who is told may ask at once, and nothing of this batch waits any more. What waits now
            # came while it was carried out, so it is no older.
            self._in_hand = 0
            self._waiting_since = None if self._queue.empty() else taken_at
            if batch:
                settle(batch, outcomes)

    def _outcomes_of(self, batch: list[_Submitted]) -> list[object]:
        """Carry a batch out; whatever goes wrong, everybody is told and the thread lives on."""
        try:
            return self._carry_out([command for command, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller must be told
            _log.exception("a batch of %d commands failed", len(batch))
            told = StoreUnavailable(f"The writer failed ({type(error).__name__}). See the log.")
            return [Failure(told) for _ in batch]

    def _gather(self) -> tuple[list[_Submitted], bool]:
        """Wait for a command, then take all that is there; False where the end was asked for."""
        first = self._first()
        if first is _Sign.END:
            return [], False
        if first is _Sign.LOOK_UP:
            return [], True
        batch = [first]
        going_on = self._take(batch)
        if going_on and self._may_wait(batch):
            going_on = self._take_company(batch)
        return batch, going_on

    def _first(self) -> _Submitted | _Sign:
        """Wait for whatever comes first."""
        wait_seconds = self._rest(self._idle)
        try:
            first = self._queue.get(timeout=wait_seconds)
        except Empty:
            self._idle = True
            return _Sign.LOOK_UP
        self._idle = False
        return first

    def _take(self, batch: list[_Submitted]) -> bool:
        """Take what is there, up to the limit; False where the end was asked for."""
        while len(batch) < self._batch_commands_max:
            try:
                submitted = self._queue.get_nowait()
            except Empty:
                return True
            if submitted is _Sign.END:
                return False
            if submitted is _Sign.LOOK_UP:
                continue
            batch.append(submitted)
        return True

    def _may_wait(self, batch: list[_Submitted]) -> bool:
        """Tell whether nobody waits for any of these, and more would fit."""
        full = len(batch) >= self._batch_commands_max
        return not full and all(future is None for _, future in batch)

    def _take_company(self, batch: list[_Submitted]) -> bool:
        """Let more commands gather, until somebody waits for one or a moment has passed."""
        self._hurry.clear()
        self._idling = True
        # Looked again after the flag: who submitted before it was up has not hurried us.
        going_on = self._take(batch)
        if going_on and self._may_wait(batch):
            self._hurry.wait(self._company_seconds)
            going_on = self._take(batch)
        self._idling = False
        return going_on


def settle(batch: list[_Submitted], outcomes: list[object]) -> None:
    """Tell everybody who waits, with one call into each event loop."""
    waiting: dict[AbstractEventLoop, list[_Settled]] = defaultdict(list)
    for (command, future), outcome in zip(batch, outcomes, strict=True):
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
