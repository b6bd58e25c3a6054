"""A company, its people, its carrier and its machine, for the length of one seed."""

import asyncio
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Final

import apsw
import msgspec
from actors import Actors
from hearing import Violation, name_text
from log_witness import LogWitness, tamper
from simulated_carrier import Book, SimulatedCarrier
from simulated_chance import Chance
from simulated_company import COMPANY
from simulated_disk import Faults, SimulatedDisk, SimulatedVFS, install_vfs
from simulated_loop import SimulatedClock, SimulatedIds, SimulatedLoop
from simulated_server import Observed, Server
from witness import Witness

from consentry.domain.policy import Policy
from consentry.ports import (
    CarrierEvent,
    InboundText,
    OutboundText,
    StoreUnavailable,
)
from consentry.store.batch import is_outage
from consentry.store.sqlite.log_reading import LogReader

_LOOKED_THROUGH_EVERY: Final = 20
"""After so many steps everything stored is looked at; in between what has changed."""

_ASKED_AT_THE_END: Final = 16
_VFS: Final[list[SimulatedVFS]] = []


def simulated_vfs() -> SimulatedVFS:
    """Give the file system of this process, which it has from the first call on."""
    if not _VFS:
        _VFS.append(install_vfs())
    return _VFS[0]


class Failure(msgspec.Struct):
    """What went wrong in a world, at which step, and the last that happened to whom it is about."""

    seed: int
    step: int
    what: str
    history: tuple[str, ...]


class World:
    """Everything of one seed. It is the carrier's host, and the judge's eyes."""

    def __init__(self, seed: int, *, verbose: bool = False) -> None:
        self.seed = seed
        self.step = 0
        self.counts: Counter[str] = Counter()
        self.chance = Chance(seed, self.counts)
        self.loop = SimulatedLoop()
        self.clock = SimulatedClock(self.loop)
        self.ids = SimulatedIds()
        self.policy = Policy(scope_question=self.chance.happens(0.5))
        self.witness = Witness(COMPANY, self.policy, self.clock.now)
        self.carrier = SimulatedCarrier(
            self.loop, self.clock, self.chance, numbers=self.witness.numbers, host=self
        )
        self.faults = Faults(self.chance.random, self.counts)
        self.disk = SimulatedDisk({}, self.faults)
        self.disk_level = self.chance.pick([0.0, 0.0, 0.002, 0.02])
        self.commit_level = self.chance.pick([0.02, 0.4, 1.5])
        self.server: Server | None = None
        self.failure: Failure | None = None
        self.events: list[tuple[str, str]] = []
        self._verbose = verbose
        self.log = LogWitness()
        self.actors = Actors(self)

    def go_on_from(self, past: "World", image: dict[str, bytes]) -> None:
        """Begin where the days before have ended."""
        self.disk = SimulatedDisk(image, self.faults)
        self.ids.go_on_from(past.ids)
        self.witness.go_on_from(past.witness)
        self.carrier.go_on_from(past.carrier)
        self.log.go_on_from(past.log)

    # --- What happens is told -------------------------------------------------------------------

    def tell(self, recipient: str, what: str) -> None:
        """Write down what happened, so that two runs of a seed can be held together."""
        line = f"{self.loop.time():.6f} {recipient} {what}"
        self.events.append((recipient, line))
        if self._verbose:
            print(line)

    def digest(self) -> str:
        """Hash all that happened: two runs of a seed have told the same."""
        return sha256("".join(line for _, line in self.events).encode()).hexdigest()

    def look_for_failures(self) -> None:
        """Find what a callback or a task raised that nobody waited for."""
        for context in self.loop.failures:
            error = context.get("exception")
            if error is not None:
                self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Keep the first thing that went wrong."""
        if self.failure is None:
            about = getattr(error, "recipient", None)
            told = [line for person, line in self.events if about is None or person in (about, "")]
            what = str(error) if isinstance(error, Violation) else f"{error!r}"
            self.failure = Failure(self.seed, self.step, what, tuple(told[-40:]))
            if not isinstance(error, Violation):
                told += "".join(traceback.format_exception(error)).splitlines()[-12:]
                self.failure.history = tuple(told[-50:])

    # --- The machine ------------------------------------------------------------------------------

    def boot(self) -> bool:
        """Start a server on what is on the disk; False where the disk does not let it."""
        self.disk.start_again()
        simulated_vfs().disk = self.disk
        try:
            self.server = Server(
                self.loop,
                self.clock,
                self.ids,
                policy=self.policy,
                book=Book(self.carrier),  # type: ignore[arg-type]
                observe=self.observe,
                commit_seconds=lambda: self.chance.random.random() * self.commit_level,
                migrates=not self.disk.files or self.chance.happens(0.2),
            )
        except apsw.Error:
            self.counts["start in vain"] += 1
            return False
        return True

    def observe(self, server: Server, batch: list[Observed], outcomes: list[object]) -> bool:
        """See a batch; False where the machine stopped over it."""
        if self.disk.stopped:
            self.witness.doubt(batch)
            self.loop.call_soon(self.crash, "power lost")
            return False
        self.counts["batch"] += 1
        pairs = list(zip(batch, outcomes, strict=True))
        kept = [observed for observed, outcome in pairs if not is_outage(outcome)]
        refused = [observed for observed, outcome in pairs if is_outage(outcome)]
        try:
            self._see_faulty(batch)
            if kept:
                self.count(kept)
                self._without_faults(lambda: self.witness.observe(server, kept))
            if refused:
                self.counts["batch that the disk refused"] += 1
                self.witness.doubt(refused)
        except Exception as error:  # noqa: BLE001 - whatever it is, the seed has failed
            self.fail(error)
        return True

    def _see_faulty(self, batch: list[Observed]) -> None:
        for observed in batch:
            error = observed.error
            if error is not None and type(error).__name__ != "Rejected":
                name = type(observed.command).__name__
                raise AssertionError(f"{name} raised {error!r}") from error

    def count(self, batch: list[Observed]) -> None:
        """Count what was carried out, and tell it."""
        for observed in batch:
            command, change = observed.command, observed.change
            name = type(command).__name__
            self.counts[f"did {name}"] += 1
            if observed.error is not None:
                self.tell("", f"{name} rejected: {getattr(observed.error, 'code', '')}")
            for entry in change.entries:
                decided = "" if entry.decision is None else f" {entry.decision.decision}"
                text = "" if entry.text is None else f" {entry.text!r}"
                self.tell(
                    entry.recipient,
                    f"{name}: {entry.kind}{decided} {entry.reason or ''} sender={entry.sender} "
                    f"program={entry.program} message={entry.message}{text}",
                )
            for message in change.messages:
                status = f"{message.id} is {message.status}"
                self.tell(message.recipient, f"{name}: {status}")

    def crash(self, why: str) -> None:
        """End the process at once, and start another one a little later."""
        server = self.server
        if server is None:
            return
        self.server = None
        self.counts[why] += 1
        self.tell("", why)
        if why == "power lost":
            self.disk.lose_power()
        server.die()
        self.loop.call_later(self.chance.pick([0.5, 5.0, 60.0]), self.start_again)

    def start_again(self) -> None:
        """Start on what is left, and hold it against what was promised."""
        if self.server is not None:
            return
        try:
            if not self.boot():
                self.loop.call_later(2.0, self.start_again)
                return
            assert self.server is not None
            self._without_faults(self._see_disk)
            self.tell("", "started again")
        except Exception as error:  # noqa: BLE001 - whatever it is, the seed has failed
            self.fail(error)

    def _see_disk(self) -> None:
        assert self.server is not None
        self.witness.see_disk(self.server)
        self.see_log_lead_on()

    def see_log_lead_on(self) -> None:
        """I6: a log that was signed once goes on from there."""
        assert self.server is not None
        fault = self.log.note(self.server.connection)
        if fault is not None:
            raise Violation(f"I6: after a restart {fault}")

    def _without_faults(self, look: Callable[[], None]) -> None:
        """Look at the disk as nobody in the world can: it neither fails nor ends by that."""
        read, crash_in = self.faults.read, self.faults.crash_in
        self.faults.read, self.faults.crash_in = 0.0, None
        look()
        self.faults.read, self.faults.crash_in = read, crash_in

    async def stop_in_order(self) -> None:
        """Stop the server as an operator does, and start it again."""
        server = self.server
        if server is None:
            return
        self.counts["stopped in order"] += 1

        async def settle() -> None:
            await asyncio.sleep(1.0)

        await server.stop(settle)
        if self.server is server:
            self.server = None
            if self.disk.stopped:
                self.disk.start_again()
            self.start_again()

    # --- The host of the carrier ------------------------------------------------------------------

    def post(self, event: CarrierEvent, answer: Callable[[bool], None]) -> None:
        """Take a webhook, where a server is there to take it."""
        server = self.server
        if server is None:
            self.counts["webhook to a server that is down"] += 1
            return
        server.start(self._take(server, event, answer))

    async def _take(
        self, server: Server, event: CarrierEvent, answer: Callable[[bool], None]
    ) -> None:
        try:
            await server.intake.take(self.carrier, (event,))  # type: ignore[arg-type]
        except StoreUnavailable:
            self.counts["webhook refused with 503"] += 1
            answer(False)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the seed has failed
            self.fail(error)
            return
        if not server.is_alive:
            return
        if isinstance(event, InboundText):
            self.judge(lambda: self.witness.acknowledge(name_text(event)))
            self.tell(event.recipient, f"acknowledged {event.carrier_message_id}")
        answer(True)

    def judge(self, look: Callable[[], None]) -> None:
        """Let the witness look; what it finds ends the world."""
        try:
            look()
        except Exception as error:  # noqa: BLE001 - whatever it is, the seed has failed
            self.fail(error)

    def text_left(self, text: OutboundText) -> None:
        """Note that a text is handed over."""
        self.tell(text.recipient, f"{text.message} leaves")
        self.counts["text handed over"] += 1
        self.judge(lambda: self.witness.see_leaving(text))

    def text_taken(self, text: OutboundText, sid: str) -> None:
        """Note that the carrier took a text."""
        self.tell(text.recipient, f"{text.message} is with the carrier")
        self.judge(lambda: self.witness.see_taken(text, sid))

    # --- Its life ---------------------------------------------------------------------------------

    async def live(self, steps: int) -> None:
        """Let things happen, one a step, and look at the end whether all is as it must be."""
        for self.step in range(steps):
            self.actors.act()
            self._trouble()
            await asyncio.sleep(self._pause())
            if self.loop.failures:
                self.look_for_failures()
            if self.step % _LOOKED_THROUGH_EVERY == _LOOKED_THROUGH_EVERY - 1:
                self.judge(lambda: self._without_faults(self._look_through))
            if self.failure is not None:
                return
        self._calm()
        self.faults.crash_in = None
        await asyncio.sleep(300.0)
        for _ in range(1000):
            if self.server is not None:
                break
            await asyncio.sleep(5.0)
        server = self.server
        self.judge(lambda: self.witness.see_disk(server, thoroughly=True))
        self.judge(self.witness.see_end)
        self.judge(lambda: self._see_log(server))
        others = self.witness.some_of(list(self.witness.said), _ASKED_AT_THE_END)
        for recipient in (*self.actors.circle, *others):
            self.judge(lambda recipient=recipient: self.witness.see_gate(recipient))

    def _look_through(self) -> None:
        """I4, I5: hold all that is stored against what must be there, while it runs."""
        if self.server is not None and not self.disk.stopped and not self.witness.in_doubt:
            difference = self.witness.mirror.find_difference(self.server, thoroughly=False)
            if difference is not None:
                raise Violation(f"I4: the disk has other {difference}")

    def _see_log(self, server: Server) -> None:
        """I6: the log covers what it says, and a change behind the product's back is found.

        In some worlds only, since it takes as long as ten steps.
        """
        if not self.chance.happens(0.3):
            return
        server.rest(idle=True)
        if self.chance.happens(0.5):
            fault = self.log.find_fault(server.connection)
            if fault is not None:
                raise Violation(f"I6: {fault}")
        checkpoint = LogReader(server.connection).read_checkpoint(None)
        server.die()
        if checkpoint is None:
            return
        findings = self.log.verify()
        if findings:
            raise Violation(f"I6: {findings[0].sentence}")
        if self.chance.happens(0.5):
            how = tamper(self.chance, checkpoint.size)
            if not self.log.verify():
                raise Violation(f"I6: {how}, and nothing shows it")

    def _pause(self) -> float:
        """Say how long until the next thing happens."""
        place = self.chance.random.random()
        if place < 0.6:
            return place * 0.3
        if place > 0.98:
            return 301.0
        return self.chance.pick([0.0, 0.5, 2.0, 8.0, 20.0, 40.0])

    def _trouble(self) -> None:
        """Break something now and then: the disk, the clock, the machine, the process."""
        chance = self.chance
        if self.disk_level and chance.happens(0.03):
            self._trouble_disk()
        if chance.happens(0.01):
            phone, number = self.actors.pick_pair()
            self.tell(phone, f"the carrier blocks {number} by itself")
            self.carrier.block(phone, number)
        if chance.strikes("clock set"):
            by = chance.pick([-4000.0, -45.0, -1.0, 1.0, 301.0, 5000.0])
            self.clock.set_by += timedelta(seconds=by)
            self.tell("", f"the clock is set by {by} s")
        if self.server is not None:
            if chance.strikes("machine asleep"):
                self.loop.sleep_through(chance.pick([3.0, 15.0, 600.0, 40_000.0, 180_000.0]))
                self.tell("", "the machine was asleep")
            self._trouble_process()

    def _trouble_disk(self) -> None:
        chance, level = self.chance, self.disk_level
        self.faults.read = level * chance.pick([0.0, 1.0])
        self.faults.write = level * chance.pick([0.0, 1.0])
        self.faults.sync = level * chance.pick([0.0, 10.0])
        self.faults.full = chance.happens(0.2)
        self.loop.call_later(chance.pick([0.3, 2.0, 10.0]), self._calm)

    def _trouble_process(self) -> None:
        """Kill it, take its power, take its power in the middle of a write, or stop it in order."""
        chance = self.chance
        level = chance.slowness * 0.2 + 0.02
        place = chance.random.random()
        if place < 0.15 * level:
            self.crash("process killed")
        elif place < 0.25 * level:
            self.crash("power lost")
        elif place < 0.4 * level:
            self.faults.crash_in = 1 + int(chance.random.random() * 60)
        elif place < 0.45 * level:
            self.loop.create_task(self.stop_in_order())
        elif place < 0.45 * level + 0.03:
            self._keep_house()

    def _keep_house(self) -> None:
        """Fold the write-ahead log; put entries into the ledger's; index customers."""
        server = self.server
        if server is None:
            return
        if self.chance.happens(0.3):
            self.counts["log folded"] += 1
            try:
                server.connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            except apsw.Error:
                self.counts["log not folded"] += 1
        else:
            self.counts["ledger integrated"] += 1
            server.rest(idle=True)
        if self.disk.stopped:
            self.crash("power lost")

    def _calm(self) -> None:
        """End the faults of the disk, so that what is under way comes to its end."""
        self.faults.read = self.faults.write = self.faults.sync = 0.0
        self.faults.full = False

    def close(self) -> None:
        """Let go of everything."""
        if self.server is not None:
            self.server.die()
            self.server = None
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()
