"""Several processes deliver from one database: each text once, each sender at its rate.

Each process here is a loop with a clock of its own, so that one can be held up, or its time can
jump, while the others go on. What holds between real ones is shown in tests/e2e.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from delivery_world import PATIENCE_SECONDS, PERSON, TestClock, World, world

from consentry.actions.deliver_job import ClaimJobs, RecordSubmission, RecoverJobs
from consentry.actions.keep_lease import RenewLease
from consentry.actions.record_consent import Statement, SuppressRecipient
from consentry.delivery.membership import Identity, Neighbours
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.messages import MessageStatus
from consentry.ports import Accepted, Change, OutboundText, StoreUnavailable, Submission, Unanswered

pytestmark = pytest.mark.integration


class Process:
    """One process: its loop, its clock, and the task it runs in."""

    def __init__(
        self, made: World, identity: Identity, neighbours: Neighbours | None, **limits: float
    ) -> None:
        self.name = identity.id
        self.clock = TestClock()
        self.loop = made.build_loop(identity, self.clock, neighbours, **limits)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Let it run."""
        self._task = asyncio.create_task(self.loop.run())

    async def stop(self) -> None:
        """End it in order."""
        await self.loop.stop()
        if self._task is not None:
            await self._task

    async def kill(self) -> None:
        """End it as a crash does."""
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class Neighbourhood:
    """Implements `Neighbours`: a home, and who has ended there."""

    def __init__(self, home: str) -> None:
        self.home = home
        self.gone: set[str] = set()

    def is_gone(self, name: str) -> bool:
        """Tell who has ended."""
        return name in self.gone


class Together:
    """A world, and the processes in it."""

    def __init__(self, made: World) -> None:
        self.world = made
        self.processes: dict[str, Process] = {}
        self.mute: set[str] = set()

    def add(self, name: str, *, neighbours: Neighbours | None = None, **limits: float) -> Process:
        """Let one more process come."""
        identity = Identity(name, is_alone=False)
        self.processes[name] = process = Process(self.world, identity, neighbours, **limits)
        process.start()
        return process

    async def names(self) -> list[str]:
        """Name the processes that are there, as the store has it."""
        return [process.id for process in await self._read()]

    async def leaders(self) -> list[str]:
        """Name those that lead."""
        return [process.id for process in await self._read() if process.leads]

    async def _read(self) -> tuple[Any, ...]:
        found: tuple[Any, ...] = await self.world.store.submit(ListProcesses())
        return found

    async def until_names_are(self, *names: str) -> None:
        """Wait until these are there."""
        await self.world.until(self.names, list(names))

    async def until_known(self) -> None:
        """Wait until all know of each other."""

        async def look() -> bool:
            found = await self._read()
            newest = max((process.joined for process in found), default=0)
            return len(found) == len(self.processes) and all(p.seen >= newest for p in found)

        await self.world.until(look, True)
        await asyncio.sleep(0.05)

    async def until_renewed(self, name: str, *, times: int = 1) -> None:
        """Wait until a process has renewed its lease so many times from now."""

        async def read() -> int:
            return sum(process.beats for process in await self._read() if process.id == name)

        before = await read()

        async def look() -> bool:
            return await read() >= before + times

        await self.world.until(look, True)

    async def let_pass(self, watcher: Process, seconds: int) -> None:
        """Let time pass for a process that watches all the while: nobody else's time passes.

        Not more than this either: who is held up, as by a busy machine, watches anew afterwards.
        """
        watcher.clock.stand_still()
        for _ in range(0, seconds, 5):
            watcher.clock.advance(5)
            # The first of these may have begun before.
            await self.until_renewed(watcher.name, times=2)
        watcher.clock.go_on()

    async def take_for_dead(self, name: str, *, watcher: str) -> None:
        """Cut a process off from its lease until a new one has ended that."""
        self.mute.add(name)
        process = self.add(watcher)
        await self.until_renewed(watcher)
        await self.let_pass(process, 15)
        await self.until_names_are(watcher)


class ListProcesses:
    """A command that only looks."""

    def needs(self) -> Any:
        """Ask for the processes."""
        return RenewLease("").needs()

    def decide(self, facts: Any) -> Any:
        """Show them."""
        return facts.processes(), Change()


@asynccontextmanager
async def together(folder: Path, *names: str, **limits: float) -> AsyncIterator[Together]:
    """Run a world with these processes; whoever is named in `mute` cannot renew its lease."""
    async with world(folder, started=False) as made:
        found = Together(made)

        async def hold_back(command: RenewLease) -> None:
            if command.process.partition(".")[0] in found.mute:
                raise StoreUnavailable("The test has cut this process off.")

        made.store.before[RenewLease] = hold_back
        for name in names:
            found.add(name, **limits)
            await found.until_names_are(*found.processes)
        await found.until_known()
        try:
            yield found
        finally:
            await asyncio.gather(*(process.stop() for process in found.processes.values()))


def holding(made: World) -> tuple[asyncio.Event, Callable[[OutboundText], Awaitable[Submission]]]:
    """Make a carrier that takes each text, and answers when it is told to."""
    may_answer = asyncio.Event()

    async def hold(text: OutboundText) -> Submission:
        made.carrier.keep(text)
        await may_answer.wait()
        return await answer_for(made, text)

    return may_answer, hold


async def answer_for(made: World, text: OutboundText) -> Submission:
    """Answer with the id under which a text was kept."""
    sid = next(sid for sid, taken in made.carrier.taken.items() if taken.message == text.message)
    return Accepted(sid, MessageStatus.SENDING)


async def test_every_text_goes_out_once_and_both_work(tmp_path: Path) -> None:
    """Two processes share the work of one sender, and none of it is done twice."""
    async with together(tmp_path, "a", "b") as found:
        made = found.world
        claims: Counter[str] = Counter()

        async def count(command: ClaimJobs) -> None:
            claims[command.process] += 1

        made.store.before[ClaimJobs] = count
        sent = [await made.send(f"text {number}") for number in range(300)]
        for process in found.processes.values():
            process.loop.wake()
        await made.until_outbox_is(0)
        assert Counter(text.message for text in made.carrier.submitted[1:]) == Counter(sent)
        assert set(claims) == {"a", "b"}


async def test_a_text_filed_elsewhere_is_heard_of(tmp_path: Path) -> None:
    """The process that may send it is told of it by the store, and not only by its own doors."""
    async with together(tmp_path, "a", "b", idle_seconds=300.0) as found:
        made = found.world
        await made.save_sender(messages_per_second=1.0)
        await made.send("Hi")
        await asyncio.wait_for(made.until_outbox_is(0), PATIENCE_SECONDS)


# --- Opt-outs --------------------------------------------------------------------------------


async def claim_elsewhere(found: Together) -> str:
    """Let a process that is not asked carry a text; gives its message."""
    made = found.world
    sent = await made.send("Hi")
    await made.until_submitted(1)
    return sent


@pytest.mark.parametrize("door", ["stop", "console"])
async def test_an_opt_out_waits_for_another_process(tmp_path: Path, door: str) -> None:
    """Whoever took it in, the answer waits until the text of another one has left."""
    async with together(tmp_path, "a") as found:
        made = found.world
        may_answer, made.carrier.answer = holding(made)
        sent = await claim_elsewhere(found)
        other = found.add("b")
        if door == "stop":
            in_flight = (await made.hear("STOP")).in_flight
        else:
            statement = Statement(PERSON, Actor(ActorKind.AGENT, "agent_1"), "asked by phone")
            in_flight = (await made.store.submit(SuppressRecipient(statement))).in_flight
        assert in_flight == (sent,)
        quiet = asyncio.create_task(other.loop.wait_quiet(in_flight))
        await asyncio.sleep(0.2)
        assert not quiet.done()
        may_answer.set()
        await asyncio.wait_for(quiet, PATIENCE_SECONDS / 2)


async def test_the_wait_for_another_process_is_bounded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A process that never says more is not waited for longer than its text may still leave."""
    async with together(tmp_path, "a") as found:
        made = found.world
        may_answer, made.carrier.answer = holding(made)
        sent = await claim_elsewhere(found)
        other = found.add("b", quiet_seconds=0.2)
        await asyncio.wait_for(other.loop.wait_quiet((sent,)), PATIENCE_SECONDS / 2)
        assert any("still_with_the_carrier" in record.getMessage() for record in caplog.records)
        may_answer.set()


async def test_the_wait_goes_on_while_the_store_is_away(tmp_path: Path) -> None:
    """Nothing is known of other processes then."""
    async with together(tmp_path, "a") as found:
        made = found.world
        may_answer, made.carrier.answer = holding(made)
        sent = await claim_elsewhere(found)
        other = found.add("b")
        made.store.unreadable_claims = 5
        quiet = asyncio.create_task(other.loop.wait_quiet((sent,)))
        await made.until_seen(lambda: made.store.unreadable_claims, 0)
        assert not quiet.done()
        may_answer.set()
        await asyncio.wait_for(quiet, PATIENCE_SECONDS / 2)


async def _value(value: Any) -> Any:
    return value


async def test_what_was_claimed_too_long_ago_is_not_handed_over(tmp_path: Path) -> None:
    """A process that is held up until the wait for it is over finds the fence closed.

    It sends the text later, if the gate still lets it; here the person has opted out meanwhile.
    """
    async with together(tmp_path, "a", quiet_seconds=0.2) as found:
        made = found.world
        connected, go_on = asyncio.Event(), asyncio.Event()

        async def hold_up() -> None:
            connected.set()
            await go_on.wait()

        made.carrier.connect = hold_up
        sent = await made.send("Hi")
        await connected.wait()
        received = await made.hear("STOP")
        await found.processes["a"].loop.wait_quiet(received.in_flight)
        found.processes["a"].clock.advance(12)
        go_on.set()
        await made.until_status(sent, MessageStatus.CANCELED)
        assert made.carrier.bodies() == []


async def test_what_was_held_up_goes_out_when_it_may(tmp_path: Path) -> None:
    """It is claimed anew, behind the gate, and goes out once."""
    async with world(tmp_path) as made:
        made.carrier.connect = lambda: _value(made.clock.advance(7))
        sent = await made.send("Hi")
        await made.until(lambda: made.status(sent), MessageStatus.QUEUED)
        made.carrier.connect = lambda: _value(None)
        await made.until_status(sent, MessageStatus.SENT)
        assert made.carrier.bodies() == ["Hi"]


async def test_a_claim_that_took_too_long_is_given_back_before_a_connection(tmp_path: Path) -> None:
    """The time counts from when the claim began, and a slow store is part of it."""
    async with world(tmp_path) as made:

        async def be_slow(_command: Any) -> None:
            made.clock.advance(7)
            del made.store.after[ClaimJobs]

        made.store.after[ClaimJobs] = be_slow
        sent = await made.send("Hi")
        await made.until_status(sent, MessageStatus.SENT)
        assert (await made.message(sent)).submitted_at is not None
        assert made.carrier.bodies() == ["Hi"]


# --- The dead ----------------------------------------------------------------------------------


async def test_the_texts_of_a_dead_process_are_looked_up_by_another(tmp_path: Path) -> None:
    """Killed with a text at the carrier: it is watched, then its carrier's list decides."""
    async with together(tmp_path, "a", "b") as found:
        made = found.world
        first, second = found.processes.values()
        _, made.carrier.answer = holding(made)
        sent = await claim_elsewhere(found)
        owner = (await made.store.read_claimed())[0].process
        dead, alive = (first, second) if owner == "a" else (second, first)
        await dead.kill()
        await found.until_renewed(alive.name)
        assert await made.status(sent) is MessageStatus.SENDING
        await found.let_pass(alive, 5)
        assert await found.names() == ["a", "b"]
        await found.let_pass(alive, 10)
        await made.until_status(sent, MessageStatus.INDETERMINATE)
        assert await found.names() == [alive.name]
        assert await found.leaders() == [alive.name]
        await made.pass_grace()
        alive.clock.advance(made.grace_seconds)
        await made.until_status(sent, MessageStatus.SENT)
        assert made.carrier.bodies() == ["Hi"]
        del found.processes[dead.name]


async def test_a_process_that_beats_is_never_taken_for_dead(tmp_path: Path) -> None:
    """However the clock of who watches it jumps: what it has seen is a sign of life."""
    async with together(tmp_path, "a", "b") as found:
        for _ in range(5):
            found.processes["b"].clock.advance(1000)
            await asyncio.sleep(0.05)
        assert await found.names() == ["a", "b"]


async def test_a_process_that_is_cut_off_sends_nothing(tmp_path: Path) -> None:
    """It cannot renew its lease, so it hands nothing over, although its claims still work."""
    async with together(tmp_path, "a") as found:
        made = found.world
        process = found.processes["a"]
        found.mute.add("a")
        process.clock.advance(7)
        sent = await made.send("Hi")
        await asyncio.sleep(0.2)
        assert made.carrier.bodies() == []
        found.mute.clear()
        await made.until_status(sent, MessageStatus.SENT)
        assert made.carrier.bodies() == ["Hi"]


async def test_who_wakes_up_after_it_was_taken_for_dead_sends_nothing(tmp_path: Path) -> None:
    """Its text is with nobody's carrier yet when it is cleared up, and stays so; then it goes on.

    It was stopped when it had a connection, and for so long that another one has ended its lease.
    """
    async with together(tmp_path, "a", sweep_seconds=0.02) as found:
        made = found.world
        sleeper = found.processes["a"]
        connected, go_on = asyncio.Event(), asyncio.Event()

        async def fall_asleep() -> None:
            connected.set()
            await go_on.wait()

        made.carrier.connect = fall_asleep
        sent = await made.send("Hi")
        await connected.wait()
        await found.take_for_dead("a", watcher="b")
        await made.until_status(sent, MessageStatus.INDETERMINATE)
        await made.hear("STOP")
        sleeper.clock.advance(20)
        found.mute.clear()
        go_on.set()
        await made.until_status(sent, MessageStatus.CANCELED)
        assert made.carrier.bodies() == []
        await found.until_names_are("b", "a.2")
        made.carrier.connect = lambda: _value(None)
        await made.hear("Hello", recipient="+12125550143")
        await made.until_outbox_is(0)


async def test_who_has_slept_itself_takes_nobody_for_dead(tmp_path: Path) -> None:
    """It has watched nobody meanwhile, so it begins to watch anew."""
    async with together(tmp_path, "a", "b") as found:
        found.mute |= {"a", "b"}
        for process in found.processes.values():
            process.clock.advance(100)
        found.mute.remove("a")
        await asyncio.sleep(0.2)
        assert await found.names() == ["a", "b"]
        found.mute.clear()


async def test_who_has_surely_ended_is_not_watched(tmp_path: Path) -> None:
    """A newcomer at the same home ends its lease, sends at once, and looks its texts up."""
    home = Neighbourhood("here")
    async with together(tmp_path) as found:
        made = found.world
        found.add("a", neighbours=home)
        await found.until_names_are("a")
        made.carrier.answer = lambda _text: asyncio.sleep(60, Unanswered("never"))
        sent = await claim_elsewhere(found)
        await found.processes.pop("a").kill()
        home.gone.add("a")
        found.add("c", neighbours=home)
        await made.until_status(sent, MessageStatus.INDETERMINATE)
        assert await found.leaders() == ["c"]
        assert await found.names() == ["c"]
        made.carrier.answer = made.carrier.take
        await made.until_status(await made.send("More"), MessageStatus.SENT)


async def test_who_lives_elsewhere_is_watched_whatever_is_told_of_it_here(tmp_path: Path) -> None:
    """The same name may be free here because it is held at another home."""
    here, there = Neighbourhood("here"), Neighbourhood("there")
    here.gone |= {"a", "b"}
    async with together(tmp_path) as found:
        found.add("a", neighbours=there)
        found.add("b")
        found.add("c", neighbours=here)
        await found.until_known()
        await found.until_renewed("c", times=3)
        assert sorted(await found.names()) == ["a", "b", "c"]


async def test_an_end_in_order_leaves_no_trace(tmp_path: Path) -> None:
    """What is under way is finished under the lease, which is given up then."""
    async with together(tmp_path, "a", "b", stop_seconds=60.0) as found:
        made = found.world
        may_answer, made.carrier.answer = holding(made)
        sent = await claim_elsewhere(found)
        owner = (await made.store.read_claimed())[0].process
        stopping = asyncio.create_task(found.processes[str(owner)].stop())
        await asyncio.sleep(0.1)
        assert await found.names() == ["a", "b"]
        may_answer.set()
        await stopping
        assert await made.status(sent) is MessageStatus.SENT
        del found.processes[str(owner)]
        await found.until_names_are(*found.processes)


async def test_clearing_up_skips_what_a_newcomer_claimed(tmp_path: Path) -> None:
    """Claims are read before it is asked who lives, and then it is asked once more."""
    async with together(tmp_path, "a") as found:
        made = found.world
        may_answer, made.carrier.answer = holding(made)
        recovered: list[RecoverJobs] = []

        async def note(command: RecoverJobs) -> None:
            recovered.append(command)

        made.store.before[RecoverJobs] = note
        sent = await claim_elsewhere(found)
        (claim,) = await made.store.read_claimed()
        assert await made.store.submit(RecoverJobs("other", (claim,))) == 0
        await asyncio.sleep(0.1)
        assert await made.status(sent) is MessageStatus.SENDING
        assert all(command.process == "other" for command in recovered)
        may_answer.set()


async def test_an_answer_is_noted_under_the_old_name(tmp_path: Path) -> None:
    """A process that was taken for dead while it noted an answer still gets it noted."""
    async with together(tmp_path, "a") as found:
        made = found.world
        noting, go_on = asyncio.Event(), asyncio.Event()

        async def hold(_command: Any) -> None:
            noting.set()
            await go_on.wait()

        made.store.before[RecordSubmission] = hold
        sent = await made.send("Hi")
        await noting.wait()
        await found.take_for_dead("a", watcher="b")
        await made.until_status(sent, MessageStatus.INDETERMINATE)
        go_on.set()
        await made.until_status(sent, MessageStatus.SENT)
        found.mute.clear()


# --- Pace ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "at_least"), [(1.0, 1), (20.0, 20)])
async def test_all_together_keep_a_senders_rate(tmp_path: Path, rate: float, at_least: int) -> None:
    """However many there are, come and go: no more than one bucket and the rate times the time."""
    async with together(tmp_path, "a", "b", "c") as found:
        made = found.world
        await made.save_sender(messages_per_second=rate)
        before = len(made.carrier.submitted)
        began = asyncio.get_running_loop().time()
        for number in range(80):
            await made.send(f"text {number}")
        left, sent = {"b", "d"}, 0
        while (elapsed := asyncio.get_running_loop().time() - began) < 2.5 or sent < at_least:
            if elapsed > 0.8 and "b" in left:
                left.remove("b")
                await found.processes.pop("b").stop()
            if elapsed > 1.4 and "d" in left:
                left.remove("d")
                found.add("d")
            sent = len(made.carrier.submitted) - before
            elapsed = asyncio.get_running_loop().time() - began
            assert sent <= max(1.0, rate) + rate * elapsed + 1e-6
            await asyncio.sleep(0.005)
            assert elapsed < 30, "they send too little"


async def test_a_newcomer_sends_nothing_before_all_know_of_it(tmp_path: Path) -> None:
    """Else the others would still send as if they were alone."""
    async with together(tmp_path, "a") as found:
        made = found.world
        # Its lease does not grow old meanwhile, and it has only the tokens that it had.
        found.processes["a"].clock.stand_still()
        found.mute.add("a")
        claims: Counter[str] = Counter()

        async def count(command: ClaimJobs) -> None:
            claims[command.process] += 1

        made.store.before[ClaimJobs] = count
        newcomer = found.add("b")
        newcomer.clock.stand_still()
        await found.until_names_are("a", "b")
        for number in range(20):
            await made.send(f"text {number}")
        await made.until_outbox_is(0)
        assert set(claims) == {"a"}
        found.mute.clear()
        await found.until_known()
        newcomer.clock.advance(1)
        await asyncio.gather(*(made.send(f"more {number}") for number in range(300)))
        await made.until_outbox_is(0)
        assert set(claims) == {"a", "b"}
