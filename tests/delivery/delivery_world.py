"""A whole small world for the delivery loop: real store, a carrier of our own making, a clock."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consentry.actions.administer import SaveBrand, SaveCarrier, SaveSender
from consentry.actions.outgoing import Draft
from consentry.actions.receive_message import Received, ReceiveMessage
from consentry.actions.record_receipt import Recorded, RecordReceipt
from consentry.actions.send_message import SendMessage
from consentry.clock import SystemIds
from consentry.delivery.limits import Limits
from consentry.delivery.loop import DeliveryLoop
from consentry.delivery.membership import Identity, Neighbours
from consentry.domain.directory import Brand, Directory, Replies, Sender
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.messages import Job, Message, MessageStatus
from consentry.domain.policy import Policy
from consentry.domain.reading import SenderKind
from consentry.ports import (
    UNMEASURED,
    Accepted,
    Acknowledgement,
    Carrier,
    CarrierAccount,
    CarrierEvent,
    CarrierUnreachable,
    Fence,
    Handshake,
    InboundText,
    Measuring,
    NoList,
    OutboundText,
    Page,
    StatusReport,
    Store,
    StoreUnavailable,
    Submission,
    Teller,
    WebhookRequest,
    Withheld,
    Work,
)
from databases import open_database

SENDER = "+14155550100"
OTHER_SENDER = "+14155550101"
PERSON = "+12125550142"
PATIENCE_SECONDS = 60.0
WELCOME = "Welcome! Reply STOP to end."
LIMITS = Limits(
    # A test that is about such a bound says so: a machine that is held up reaches none of them.
    submit_seconds=60.0,
    flight_seconds=60.0,
    quiet_seconds=60.0,
    stop_seconds=0.5,
    idle_seconds=0.02,
    resolve_seconds_max=0.02,
    retry_seconds=0.01,
    retry_seconds_max=0.05,
    beat_seconds=0.02,
    sweep_seconds=0.02,
    listen_seconds=0.005,
    tell_seconds=0.01,
)


class TestClock:
    """Real time with jumps, or standing still; the store's thread reads it too."""

    __test__ = False

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._jump = 0.0
        self._set_off = timedelta()
        self._stopped_at: float | None = None
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        """Read seconds."""
        with self._lock:
            real = time.monotonic() if self._stopped_at is None else self._stopped_at
            return real - self._start + self._jump

    def now(self) -> datetime:
        """Read the time of day that goes with them."""
        noon = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
        return noon + self._set_off + timedelta(seconds=self.monotonic())

    def set_off(self, hours: float) -> None:
        """Set the time of day off, as an operator does: no time passes."""
        self._set_off = timedelta(hours=hours)

    def advance(self, seconds: float) -> None:
        """Jump ahead."""
        with self._lock:
            self._jump += seconds

    def stand_still(self) -> None:
        """Let no time pass but by jumps."""
        with self._lock:
            self._stopped_at = time.monotonic()

    def go_on(self) -> None:
        """Run again, from where it stood."""
        with self._lock:
            assert self._stopped_at is not None
            self._start += time.monotonic() - self._stopped_at
            self._stopped_at = None


Answer = Callable[[OutboundText], Awaitable[Submission]]


async def _at_once() -> None:
    """Hold nothing up."""


class ScriptedCarrier:
    """Implements `ports.Carrier`: keeps what it took in a list, and answers as it is told."""

    kind = "twilio"
    acknowledgement = Acknowledgement()
    history = None
    block_list = None
    link = None

    def __init__(self, account_id: str) -> None:
        self.id = account_id
        self.submitted: list[OutboundText] = []
        self.taken: dict[str, OutboundText] = {}
        self.answer: Answer = self.take
        self.connect: Callable[[], Awaitable[None]] = _at_once
        self.unreachable = False
        self.has_no_list = False
        self.asked = 0

    async def take(self, text: OutboundText) -> Submission:
        """Take a text, as a carrier does on a good day."""
        return Accepted(self.keep(text), MessageStatus.SENDING)

    def keep(self, text: OutboundText) -> str:
        """Put a text on the list, and return its id."""
        sid = f"SM{self.id}{len(self.taken):06}"
        self.taken[sid] = text
        return sid

    def always(self, submission: Submission) -> None:
        """Answer every text so."""

        async def answer(_text: OutboundText) -> Submission:
            return submission

        self.answer = answer

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Answer by the script, unless the fence is closed when there is a connection."""
        await self.connect()
        if not fence.is_open:
            return Withheld("It is too late.")
        self.submitted.append(text)
        return await self.answer(text)

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Look for a text by its pair and words, newest first, as a real list must be searched."""
        assert since.tzinfo is not None
        self.asked += 1
        if self.has_no_list:
            raise NoList("It keeps none.")
        if self.unreachable:
            raise CarrierUnreachable("It is down.")
        wanted = (text.recipient, text.sender, text.body)
        for sid, taken in reversed(self.taken.items()):
            if (taken.recipient, taken.sender, taken.body) == wanted and sid not in known:
                return Accepted(sid)
        return None

    def bodies(self, recipient: str = PERSON) -> list[str]:
        """List what was submitted to somebody, without the initial reply."""
        return [
            text.body
            for text in self.submitted
            if text.recipient == recipient and text.body != WELCOME
        ]

    def read_inbound(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Not asked here."""
        raise AssertionError(f"Delivery reads no webhook: {request}")

    def read_status(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Not asked here."""
        raise AssertionError(f"Delivery reads no webhook: {request}")

    async def confirm(self, handshake: Handshake) -> None:
        """Not asked here."""
        raise AssertionError(f"Delivery confirms nothing: {handshake}")

    async def probe(self) -> None:
        """Not asked here."""
        raise AssertionError("Delivery tries no account.")

    async def close(self) -> None:
        """Nothing to close."""


class Book:
    """Implements `ports.CarrierBook` over carriers by id."""

    def __init__(self) -> None:
        self.carriers: dict[str, Carrier] = {}
        self.asked = 0
        self.failing = False
        self.held: asyncio.Event | None = None

    async def find(self, carrier_id: str) -> Carrier | None:
        """Find a carrier, when it is not held up."""
        self.asked += 1
        if self.held is not None:
            await self.held.wait()
        if self.failing:
            raise OSError("the book is closed")
        return self.carriers.get(carrier_id)


Hook = Callable[[Any], Awaitable[None]]


class WatchedStore:
    """The real store; a hook may hold up or fail a kind of command, before or after it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.before: dict[type, Hook] = {}
        self.after: dict[type, Hook] = {}
        self.patient: set[type] = set()
        self.looks = 0
        self.unreadable = 0
        self.unreadable_claims = 0
        self.look_failures: Iterator[Exception] = iter(())
        self.after_looking: Callable[[], Awaitable[None]] = _at_once
        self.before_planning: Callable[[], Awaitable[None]] = _at_once

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def read_indeterminate(self, limit: int, *, after: str | None = None) -> list[Work]:
        """Read, unless that is made to fail some times."""
        if self.unreadable > 0:
            self.unreadable -= 1
            raise StoreUnavailable("The disk is away.")
        found = await self._store.read_indeterminate(limit, after=after)
        self.looks += 1
        return found

    async def read_directory(self) -> Directory:
        """Read, when that is not held up: a round does so between its look and its claim."""
        await self.before_planning()
        return await self._store.read_directory()

    async def read_notices(self, *asked: Any) -> Any:
        """Read what may be told, and give it when that is not held up."""
        found = await self._store.read_notices(*asked)
        await self.after_looking()
        return found

    async def next_notices(self) -> tuple[tuple[str, datetime], ...]:
        """Look for notices, unless that is made to fail some times."""
        for failure in self.look_failures:
            raise failure
        return await self._store.next_notices()

    async def read_claimed(self, messages: list[str] | None = None) -> list[Job]:
        """Read, unless that is made to fail some times."""
        if self.unreadable_claims > 0:
            self.unreadable_claims -= 1
            raise StoreUnavailable("The disk is away.")
        return await self._store.read_claimed(messages)

    async def submit(self, command: Any, *, is_patient: bool = False) -> Any:
        """Submit between the hooks."""
        if is_patient:
            self.patient.add(type(command))
        if type(command) in self.before:
            await self.before[type(command)](command)
        outcome = await self._store.submit(command, is_patient=is_patient)
        if type(command) in self.after:
            await self.after[type(command)](command)
        return outcome


class World:
    """The store, a carrier, and any number of delivery loops, one after the other."""

    def __init__(self, store: Store, clock: TestClock) -> None:
        self.store = WatchedStore(store)
        self.clock = clock
        self.carrier = ScriptedCarrier("one")
        self.book = Book()
        self.book.carriers["one"] = self.carrier
        self.grace_seconds = 60.0
        self.teller: Teller | None = None
        self.measuring: Measuring = UNMEASURED
        self.loop = self.new_loop()
        self._running: asyncio.Task[None] | None = None
        self._sids = iter(range(1, 1_000_000))

    def new_loop(self, **limits: Any) -> DeliveryLoop:
        """Build a loop as a server does at its start."""
        return self.build_loop(Identity(SystemIds().new("prc")), self.clock, **limits)

    def build_loop(
        self,
        identity: Identity,
        clock: TestClock,
        neighbours: Neighbours | None = None,
        **limits: Any,
    ) -> DeliveryLoop:
        """Build a loop of somebody, with a clock of its own."""
        return DeliveryLoop(
            self.store,
            self.book,
            clock,
            identity=identity,
            reconcile_grace_seconds=self.grace_seconds,
            limits=msgspec.structs.replace(LIMITS, **limits),
            neighbours=neighbours,
            teller=self.teller,
            measuring=self.measuring,
        )

    async def set_up(self) -> None:
        """Set up a brand with two senders."""
        await self.store.submit(SaveBrand(Brand("acme", "Acme")))
        for carrier in ("one", "two"):
            account = CarrierAccount(carrier, "twilio", "AC1", "t", "http://127.0.0.1:1")
            await self.store.submit(SaveCarrier(account))
        for number in (SENDER, OTHER_SENDER):
            await self.save_sender(number)

    async def save_sender(self, number: str = SENDER, **changes: Any) -> None:
        """Set up a sender, or change it."""
        sender = Sender(
            number=number,
            kind=SenderKind.LONG_CODE,
            brand="acme",
            carrier="one",
            messages_per_second=500.0,
            replies=Replies(initial=WELCOME),
        )
        await self.store.submit(SaveSender(msgspec.structs.replace(sender, **changes)))

    # --- People and programs ------------------------------------------------------------------

    async def hear(self, body: str, *, recipient: str = PERSON, sender: str = SENDER) -> Received:
        """Let a person text us; returns when it is durable, as a webhook's handler sees it."""
        text = InboundText(f"SMin{next(self._sids):08}", recipient, sender, body)
        received = await self.store.submit(ReceiveMessage("one", "twilio", text, self.clock.now()))
        self.loop.wake()
        return received

    async def acknowledge(self, body: str, *, recipient: str = PERSON) -> None:
        """Let a person text us, and wait as the webhook does before its 2xx."""
        received = await self.hear(body, recipient=recipient)
        await self.loop.wait_quiet(received.in_flight)

    async def send(
        self, body: str, *, recipient: str = PERSON, sender: str = SENDER, **changes: Any
    ) -> str:
        """Queue a text; returns our message id."""
        actor = Actor(ActorKind.AGENT, "agent_1")
        draft = Draft(recipient=recipient, sender=sender, body=body, actor=actor, **changes)
        sent = await self.store.submit(SendMessage(draft))
        assert sent.message is not None, sent.decision.detail
        self.loop.wake()
        return str(sent.message)

    async def pass_grace(self) -> None:
        """Let texts without an answer be seen, and then their grace time pass."""
        looks = self.store.looks
        # The second look from now has begun after now, and the third after that one was over.
        while self.store.looks < looks + 3:  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.01)
        self.clock.advance(self.grace_seconds)

    async def report(self, message: str, status: MessageStatus, **changes: Any) -> Recorded:
        """Let the carrier report on a message of ours."""
        sid = changes.pop("sid", None) or next(
            (sid for sid, text in self.carrier.taken.items() if text.message == message), "SMnone"
        )
        report = StatusReport(sid, PERSON, SENDER, status, message=message)
        report = msgspec.structs.replace(report, **changes)
        return await self.store.submit(RecordReceipt("one", report, self.clock.now()))

    async def message(self, message_id: str) -> Message:
        """Read a message."""
        found = await self.store.read_message(message_id)
        assert found is not None
        return found

    async def status(self, message_id: str) -> MessageStatus:
        """Read a message's status."""
        return (await self.message(message_id)).status

    async def until_status(self, message_id: str, status: MessageStatus) -> Message:
        """Wait until a message has a status."""
        await self.until(lambda: self.status(message_id), status)
        return await self.message(message_id)

    async def until_back_in_line(self, message_id: str, attempts: int = 1) -> Message:
        """Wait until the carrier has refused a text so often and it waits again."""
        await self.until_submitted(attempts)
        return await self.until_status(message_id, MessageStatus.QUEUED)

    async def until_outbox_is(self, count: int) -> None:
        """Wait until so many jobs are left."""
        await self.until(self.store.count_outbox, count)

    async def let_all_go(self) -> None:
        """Let time pass, and then again, until no job is left."""
        began = time.monotonic()
        while left := await self.store.count_outbox():
            assert time.monotonic() - began < PATIENCE_SECONDS, f"{left} jobs are left"
            await self.settle()
            self.clock.advance(300)

    async def until(self, read: Callable[[], Awaitable[Any]], expected: Any) -> None:
        """Wait until something reads as expected; fails after a time that is never needed."""
        began = time.monotonic()
        while (found := await read()) != expected:
            assert time.monotonic() - began < PATIENCE_SECONDS, f"{found!r}, not {expected!r}"
            await asyncio.sleep(0.003)

    async def until_seen(self, look: Callable[[], Any], expected: Any = True) -> None:
        """Wait until what the test itself holds looks as expected."""

        async def read() -> Any:
            return look()

        await self.until(read, expected)

    async def until_said(self, log: pytest.LogCaptureFixture, words: str) -> None:
        """Wait until a line of the log has these words: it is written when all else is done."""
        await self.until_seen(lambda: any(words in record.getMessage() for record in log.records))

    async def until_submitted(self, count: int) -> None:
        """Wait until the carrier was asked so many times, beside the initial replies."""

        await self.until_seen(
            lambda: len([t for t in self.carrier.submitted if t.body != WELCOME]), count
        )

    async def until_asked(self, count: int) -> None:
        """Wait until a carrier was looked up so many times."""

        await self.until_seen(lambda: self.book.asked, count)

    async def settle(self) -> None:
        """Give the loop some rounds, for what should not happen."""
        await asyncio.sleep(0.1)

    # --- The loop's life ----------------------------------------------------------------------

    def start(self) -> None:
        """Start the loop."""
        self._running = asyncio.create_task(self.loop.run())

    async def stop(self) -> None:
        """Stop it in order."""
        await self.loop.stop()
        if self._running is not None:
            await self._running

    async def crash(self) -> None:
        """End it as a crash does: nothing is finished, nothing written down."""
        assert self._running is not None
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running
        self._running = None

    async def restart(self) -> None:
        """Start anew on the same database, with a fresh memory."""
        self.loop = self.new_loop()
        self.start()

    async def opt_in(self, *recipients: str) -> None:
        """Let people text us first, and their initial replies go out."""
        for recipient in recipients or (PERSON,):
            await self.hear("Hello", recipient=recipient)
        await self.until_outbox_is(0)


@asynccontextmanager
async def world(folder: Path, *, started: bool = True) -> AsyncIterator[World]:
    """Run a world on a database in this folder; PERSON has opted in.

    No time passes but by the test's own jumps, so that nothing is due because a machine was slow.
    """
    clock = TestClock()
    clock.stand_still()
    store = open_database(folder / "db", clock=clock, ids=SystemIds(), policy=Policy())
    made = World(store, clock)
    try:
        await made.set_up()
        made.start()
        await made.opt_in()
        if not started:
            await made.stop()
            made.loop = made.new_loop()
        yield made
    finally:
        await made.stop()
        await store.close()


async def last_entries(made: World, recipient: str = PERSON) -> list[str]:
    """List the kinds of somebody's entries, newest first."""
    entries = await made.store.read_entries(recipient, Page(limit=50))
    return [str(entry.kind) for entry in entries]
