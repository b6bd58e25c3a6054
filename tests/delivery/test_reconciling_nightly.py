"""Carriers are compared once a day by the process that leads, and when somebody asks for it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from consentry.actions.administer import SaveBrand, SaveCarrier, SaveSender
from consentry.actions.reconcile import Limits
from consentry.clock import SystemIds
from consentry.delivery.reconciling import NightlyReconciling
from consentry.domain.directory import Brand, Sender
from consentry.domain.drift import Reconciliation, ReconciliationState
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.policy import Policy
from consentry.domain.reading import SenderKind
from consentry.ports import CarrierAccount, CarrierUnreachable, InboundText, Page, Rejected, Store
from databases import open_database

pytestmark = pytest.mark.integration

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SENDER = "+14155550100"
ADMIN = Actor(ActorKind.AGENT, "agt_1")
HOUR = 3


class Clock:
    """Stands where it is put."""

    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        """Tell the time."""
        return self.time

    def monotonic(self) -> float:
        """Tell it in seconds."""
        return self.time.timestamp()


class Asked:
    """A carrier that is asked what people wrote; it may wait, fail, or have no history."""

    kind = "twilio"
    block_list = None

    def __init__(self, carrier_id: str, *, has_history: bool = True) -> None:
        self.id = carrier_id
        self.history = self if has_history else None
        self.asked = 0
        self.fails: Exception | None = None
        self.was_asked = asyncio.Event()
        self.released = asyncio.Event()
        self.released.set()

    async def replay(self, _sender: str, *, since: datetime) -> AsyncIterator[InboundText]:
        """Wait, and tell one text that is known to nobody."""
        self.asked += 1
        self.was_asked.set()
        await self.released.wait()
        if self.fails is not None:
            raise self.fails
        yield InboundText("SM1", "+14155550142", SENDER, "Hi", sent_at=since)


class Book:
    """Knows the carriers by their ids."""

    def __init__(self, *carriers: Asked) -> None:
        self._carriers = {carrier.id: carrier for carrier in carriers}

    async def find(self, carrier_id: str) -> Asked | None:
        """Find one."""
        return self._carriers.get(carrier_id)


class Night:
    """A store with two accounts, of which one can be asked, and what sees to it each night."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.carrier = Asked("one")
        self.leads = True
        self.book = Book(self.carrier, Asked("two", has_history=False))
        self.nightly = self.restart()

    def restart(self, look_seconds: float = 0.005) -> NightlyReconciling:
        """Begin anew, as another process would."""
        self.nightly = NightlyReconciling(
            self.store,
            self.book,  # type: ignore[arg-type]
            self.clock,
            SystemIds(),
            hour=HOUR,
            limits=Limits(rest_seconds=0),
            leads=lambda: self.leads,
            look_seconds=look_seconds,
        )
        return self.nightly

    async def look(self) -> list[Reconciliation]:
        """Let it look once, wait for what it began, and list all comparisons."""
        await self.nightly.look(HOUR)
        return await self.settle()

    async def settle(self) -> list[Reconciliation]:
        """Wait until none is under way, in the store and for the one that sees to it."""
        under_way = self.nightly._running.values()  # noqa: SLF001 - it learns of the end last
        async with asyncio.timeout(60):
            while True:
                reports = await self.reports()
                is_over = all(r.state is not ReconciliationState.RUNNING for r in reports)
                if is_over and all(task.done() for _, task in under_way):
                    return reports
                await asyncio.sleep(0.002)

    async def reports(self) -> list[Reconciliation]:
        """List all comparisons, newest first."""
        return await self.store.read_reconciliations(Page())


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    """Set it up at noon."""
    clock = Clock()
    store = open_database(tmp_path / "n.db", clock=clock, ids=SystemIds(), policy=Policy())
    await store.submit(SaveBrand(Brand("brd", "Retalé", "help@example.org")))
    for carrier_id in ("two", "one"):
        account = CarrierAccount(carrier_id, "twilio", "AC1", "token", "http://127.0.0.1:1")
        await store.submit(SaveCarrier(account))
    await store.submit(SaveSender(Sender(SENDER, SenderKind.LONG_CODE, "brd", "one")))
    yield Night(store, clock)
    await store.close()


async def test_once_a_day_from_the_hour_on(night: Night) -> None:
    """Not before the hour came round, once after it, and again the next day."""
    assert await night.look() == []
    night.clock.time = NOON + timedelta(hours=15)
    (first,) = await night.look()
    assert (first.carrier, first.actor.kind) == ("one", ActorKind.SYSTEM)
    assert first.state is ReconciliationState.FINISHED
    assert len(await night.look()) == 1
    night.clock.time += timedelta(hours=23, minutes=59)
    assert len(await night.look()) == 1
    night.clock.time += timedelta(minutes=1)
    assert len(await night.look()) == 2


async def test_a_night_that_was_slept_through_is_made_up_for(night: Night) -> None:
    """A server that was down at the hour compares as soon as it is back."""
    night.clock.time = NOON + timedelta(hours=15)
    await night.look()
    night.clock.time += timedelta(days=2, hours=9)
    night.restart()
    assert len(await night.look()) == 2


async def test_one_that_failed_is_tried_again_after_an_hour(night: Night) -> None:
    """Not at once: the carrier may be away for a while."""
    night.clock.time = NOON + timedelta(hours=15)
    night.carrier.fails = CarrierUnreachable("away")
    (failed,) = await night.look()
    assert (failed.state, failed.error) == (ReconciliationState.FAILED, "away")
    night.clock.time += timedelta(minutes=59)
    assert len(await night.look()) == 1
    night.clock.time += timedelta(minutes=2)
    night.carrier.fails = None
    assert (await night.look())[0].state is ReconciliationState.FINISHED


async def test_one_that_was_cut_off_is_taken_up_by_the_next_process(night: Night) -> None:
    """A fault, or a process that ended, leaves it running; ten minutes later it goes on."""
    night.clock.time = NOON + timedelta(hours=15)
    night.carrier.fails = RuntimeError("a fault of ours")
    await night.nightly.look(HOUR)
    await asyncio.wait_for(night.carrier.was_asked.wait(), 60)
    night.carrier.fails = None
    night.restart()
    await night.nightly.look(HOUR)
    assert night.carrier.asked == 1
    night.clock.time += timedelta(minutes=11)
    (report,) = await night.look()
    assert report.state is ReconciliationState.FINISHED


async def test_only_the_one_that_leads_sees_to_it(night: Night) -> None:
    """And it is over when the process ends, with what was under way."""
    night.clock.time = NOON + timedelta(hours=15)
    night.leads = False
    running = asyncio.create_task(night.restart().run())
    night.nightly._began = NOON  # noqa: SLF001 - it was there before the hour
    await asyncio.sleep(0.05)
    assert await night.reports() == []
    night.carrier.released.clear()
    night.leads = True
    await asyncio.wait_for(night.carrier.was_asked.wait(), 60)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    (report,) = await night.reports()
    assert report.state is ReconciliationState.RUNNING


async def test_whoever_asks_is_given_the_one_under_way(night: Night) -> None:
    """Two at once would ask the carrier twice for nothing."""
    night.carrier.released.clear()
    first = await night.nightly.start("one", actor=ADMIN)
    second = await night.nightly.start("one", actor=ADMIN)
    assert first.id == second.id
    night.carrier.released.set()
    (report,) = await night.settle()
    assert (report.actor, report.drifts) == (ADMIN, 1)
    third = await night.nightly.start("one", actor=ADMIN)
    assert third.id != first.id
    await night.settle()
    with pytest.raises(Rejected, match="no carrier account"):
        await night.nightly.start("three", actor=ADMIN)


async def test_a_database_that_is_away_is_waited_for(
    night: Night, caplog: pytest.LogCaptureFixture
) -> None:
    """It is looked again a minute later; nothing ends by it."""
    night.clock.time = NOON + timedelta(hours=15)
    await night.store.close()
    await night.nightly.look(HOUR)
    assert any("reconcile" in record.getMessage() for record in caplog.records)
