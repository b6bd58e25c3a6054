"""One server process on the simulated machine: the store's own code, the delivery loop, the intake.

Only three things are not the product's: the writer's thread is a callback of the simulated loop,
reading and writing share one connection, and no HTTP is spoken.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import apsw
import msgspec
from simulated_loop import SimulatedClock, SimulatedIds, SimulatedLoop

from consentry.actions.take_events import EventIntake
from consentry.delivery.limits import Limits
from consentry.delivery.loop import DeliveryLoop
from consentry.delivery.membership import Identity
from consentry.domain.policy import Policy
from consentry.ports import CarrierBook, Change, Vitals, spell_out
from consentry.store.batch import AnyCommand
from consentry.store.line import BATCH_COMMANDS_MAX, Line, Submitted
from consentry.store.migrate import read_migrations
from consentry.store.sqlite.answering import answering
from consentry.store.sqlite.batches import Batches
from consentry.store.sqlite.connection import open_connection
from consentry.store.sqlite.foreign import ForeignChanges
from consentry.store.sqlite.indexing import SearchIndexer
from consentry.store.sqlite.integrating import LogIntegrator
from consentry.store.sqlite.migrating import apply_migrations
from consentry.store.sqlite.reading import Reader
from consentry.store.sqlite.resting import Resting
from consentry.store.sqlite.store import SQLiteStore
from consentry.store.watching import Watchers
from consentry.store.writer import settle
from consentry.wire.keyed_hash import HashKeys, derive_hash_key
from ledger_keys import SIGNER

DATABASE: Final = "/consentry.db"
HASH_KEYS: Final = HashKeys([derive_hash_key("a secret of the simulation")])
_MIGRATIONS: Final = read_migrations("sqlite")
_NOTHING: Final = Change()

LIMITS: Final = msgspec.structs.replace(
    Limits(), idle_seconds=20.0, resolve_seconds_max=30.0, forget_anew_seconds=240.0
)
"""As in life, but that an idle server looks less often: looking is all that it does."""


class Observed:
    """A command with what it decided last, which a crash may keep from whoever waits for it.

    The first `alike` entries of its change are about people of whom nothing was known.
    """

    __slots__ = ("alike", "asked", "change", "command", "error", "now", "outcome")

    def __init__(self, command: AnyCommand) -> None:
        self.command = command
        self.alike = self.asked = 0
        self.outcome: object = None
        self.change = _NOTHING
        self.error: Exception | None = None
        self.now: Any = None

    def needs(self) -> Any:
        """Ask for what the command needs; again where the batch is begun again one by one."""
        self.asked += 1
        return self.command.needs()

    def decide(self, facts: Any) -> tuple[object, Change]:
        """Let the command decide, and keep it in mind."""
        self.now, self.change, self.error = facts.now, _NOTHING, None
        try:
            self.outcome, change = self.command.decide(facts)
        except Exception as error:
            self.error = error
            raise
        self.change = spell_out(change)
        self.alike = len(self.change.entries) - len(change.entries)
        return self.outcome, change


class SteppedWriter:
    """The writer without its thread: what has gathered is carried out when its time has come."""

    def __init__(
        self,
        carry_out: Callable[[list[Submitted]], list[object] | None],
        loop: SimulatedLoop,
        *,
        seconds: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        """`carry_out` gives the outcomes, or None where the machine has stopped over it."""
        self._carry_out = carry_out
        self._loop = loop
        self._seconds = seconds
        self._monotonic = monotonic
        self._line = Line(BATCH_COMMANDS_MAX)
        self._is_due = False
        self.is_dead = False

    def submit(self, command: AnyCommand, future: Any, *, is_patient: bool = False) -> None:
        """Put a command in line."""
        self._line.join(Submitted(command, future, self._monotonic()), is_patient=is_patient)
        self._plan()

    def post(self, command: AnyCommand) -> None:
        """Put a command in line that nobody waits for."""
        self._line.join(Submitted(command, None, self._monotonic()), is_patient=False)
        self._plan()

    def vitals(self) -> Vitals:
        """Tell how many wait."""
        return Vitals(len(self._line), 0.0, 0)

    def pressed_ago(self) -> float:
        """Tell how many seconds ago somebody last pressed."""
        return self._monotonic() - self._line.pressed_at

    def look_up(self) -> None:
        """There is no other process whose changes could be looked for."""

    def finish(self) -> None:
        """Carry out all that waits."""
        while self._line and not self.is_dead:
            self._take()

    def _plan(self) -> None:
        if not self._is_due and not self.is_dead:
            self._is_due = True
            self._loop.call_later(self._seconds(), self._carry)

    def _carry(self) -> None:
        self._is_due = False
        self._take()
        if self._line:
            self._plan()

    def _take(self) -> None:
        batch = [] if self.is_dead else self._line.take()
        if batch:
            outcomes = self._carry_out(batch)
            if outcomes is not None:
                settle(batch, outcomes)


class _Aside:
    """Looks many standings up where they are: there is no thread to do it in."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def look_up(self, recipients: list[str]) -> Any:
        """Look them up."""
        return self._reader.look_up(recipients)

    async def walk(self, look: Callable[[apsw.Connection], Any]) -> Any:
        """Look through many rows."""
        with answering():
            return look(self._reader.connection)

    def close(self) -> None:
        """Nothing is held."""


class Server:
    """One process from its start to its end; the next one finds what it left on the disk."""

    def __init__(
        self,
        loop: SimulatedLoop,
        clock: SimulatedClock,
        ids: SimulatedIds,
        *,
        policy: Policy,
        book: CarrierBook,
        observe: "Callable[[Server, list[Observed], list[object]], bool]",
        commit_seconds: Callable[[], float],
        migrates: bool = True,
    ) -> None:
        """Open the database and start; raises `apsw.Error` where the disk does not let it.

        Without `migrates` it is not looked for migrations that are missing: that takes longest.
        `observe` is shown each batch with its outcomes, and says whether the machine still runs.
        """
        self.loop = loop
        self.is_alive = True
        self._observe = observe
        self._tasks: set[asyncio.Task[Any]] = set()
        self.connection = open_connection(DATABASE)
        try:
            if migrates:
                apply_migrations(self.connection, _MIGRATIONS, clock.now())
            reader = Reader(self.connection, HASH_KEYS)
        except BaseException:
            self.connection.close(True)
            raise
        self.read_facts_of = reader.read_facts_of
        watchers = Watchers()
        self._batches = Batches(
            self.connection,
            clock=clock,
            ids=ids,
            policy=policy,
            watchers=watchers,
            hash_keys=HASH_KEYS,
        )
        integrator = LogIntegrator(self.connection, SIGNER, clock)
        foreign = ForeignChanges(self.connection, watchers)
        self.rest = Resting(foreign, SearchIndexer(self.connection), integrator)
        self.writer = SteppedWriter(
            self._carry_out, loop, seconds=commit_seconds, monotonic=clock.monotonic
        )
        self.store = SQLiteStore(
            reader,
            _Aside(reader),  # type: ignore[arg-type]
            self.writer,  # type: ignore[arg-type]
            writing=self.connection,
            folding=None,  # type: ignore[arg-type]
            watchers=watchers,
            integrator=integrator,
        )
        self.delivery = DeliveryLoop(
            self.store,
            book,
            clock,
            identity=Identity(ids.new("prc")),
            reconcile_grace_seconds=120.0,
            limits=LIMITS,
        )
        self.intake = EventIntake(self.store, self.delivery, clock)
        self._running = self.start(self.delivery.run())

    def _carry_out(self, batch: list[Submitted]) -> list[object] | None:
        observed = [Observed(submitted.command) for submitted in batch]
        outcomes = self._batches.carry_out(observed)
        return outcomes if self._observe(self, observed, outcomes) else None

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Do something in this process; it ends with it."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def die(self) -> None:
        """End at once: nothing is finished, nothing is written down, nobody is answered."""
        if not self.is_alive:
            return
        self.is_alive = False
        self.writer.is_dead = True
        for task in sorted(self._tasks, key=lambda task: int(task.get_name().rpartition("-")[2])):
            task.cancel()
        # SQLite folds its log where the last connection is closed, which a kill leaves no time for.
        self.connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self.let_go()

    async def stop(self, quiet: Callable[[], Awaitable[None]]) -> None:
        """End in order: finish what is under way, fold the log, close the file."""
        await self.delivery.stop()
        await quiet()
        self.is_alive = False
        self.writer.finish()
        self.writer.is_dead = True
        for task in list(self._tasks):
            task.cancel()
        self.let_go()

    def let_go(self) -> None:
        """Close the file, by force where the disk fails."""
        try:
            self.connection.close(True)
        except apsw.Error:
            self.connection.close(True)
