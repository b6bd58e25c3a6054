"""What each carrier tells closes the gate: a STOP, and a report of an opt-out, on a database."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from carrier_table import BASE, NOW, CarrierTable, Posted, read_tables

from consentry.actions.administer import SaveBrand, SaveCarrier, SaveSender
from consentry.actions.check import check
from consentry.actions.take_events import EventIntake
from consentry.clock import SystemIds
from consentry.domain.directory import Brand, Purpose, Sender
from consentry.domain.gate import Decision, Request, Verdict
from consentry.domain.policy import Policy
from consentry.domain.reading import SenderKind
from consentry.domain.reasons import Reason
from consentry.ports import CarrierEvent, InboundText, StatusReport, Store
from databases import open_database
from memory_store import FakeClock

pytestmark = pytest.mark.integration

CLOCK = FakeClock(NOW)


class QuietDelivery:
    """Has nothing under way."""

    def wake(self) -> None:
        """There is nothing to do."""

    async def wait_quiet(self, messages: tuple[str, ...]) -> None:
        """There is nothing to wait for."""


def each(told: Callable[[CarrierEvent], bool]) -> list[ParameterSet]:
    """Give the first webhook of each carrier that tells such a thing and no other."""
    found = {
        name: (table, posted)
        for name, table in read_tables().items()
        for posted in reversed(table.posted)
        if len(posted.events) == 1 and told(posted.events[0])
    }
    return [pytest.param(*pair, id=name) for name, pair in found.items()]


def is_stop(event: CarrierEvent) -> bool:
    """Tell whether it is a person's STOP to a number of ours."""
    return isinstance(event, InboundText) and event.body == "STOP" and event.sender.startswith("+")


def is_refusal(event: CarrierEvent) -> bool:
    """Tell whether it is a report that a person has opted out."""
    return isinstance(event, StatusReport) and event.opted_out and event.sender.startswith("+")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A database of its own."""
    opened = open_database(tmp_path / "c.db", clock=CLOCK, ids=SystemIds(), policy=Policy())
    yield opened
    await opened.close()


async def take(store: Store, table: CarrierTable, posted: Posted) -> tuple[Decision, Decision]:
    """Take a webhook; tell what the gate says of answering its person, before and after it."""
    carrier = table.kind.build(table.account, BASE)
    request = table.sign(table.request(posted))
    read = carrier.read_inbound if posted.to == "inbound" else carrier.read_status
    [event] = read(request)
    assert isinstance(event, InboundText | StatusReport)
    await store.submit(SaveBrand(Brand(id="brd_a", name="Retalé")))
    await store.submit(SaveCarrier(table.account))
    sender = Sender(event.sender, SenderKind.LONG_CODE, "brd_a", table.account.id)
    await store.submit(SaveSender(sender))
    intake = EventIntake(store, QuietDelivery(), CLOCK)
    began = NOW - timedelta(hours=1)
    hello = InboundText("hello", event.recipient, event.sender, "Hello", sent_at=began)
    await intake.take(carrier, (hello,))
    asked = Request(event.recipient, event.sender, Purpose.CONVERSATIONAL)
    before = await check(asked, store, Policy(), CLOCK.now())
    await intake.take(carrier, (event,))
    after = await check(asked, store, Policy(), CLOCK.now())
    await carrier.close()
    return before, after


@pytest.mark.parametrize(("table", "posted"), each(is_stop))
async def test_a_stop_closes_the_gate(store: Store, table: CarrierTable, posted: Posted) -> None:
    """Whoever carries it, whoever blocks: from then on nothing goes to this person."""
    before, after = await take(store, table, posted)
    assert before.decision is Verdict.ALLOW
    assert after.reason in (Reason.OPTED_OUT, Reason.CARRIER_BLOCKED)


@pytest.mark.parametrize(("table", "posted"), each(is_refusal))
async def test_a_report_of_an_opt_out_closes_the_gate(
    store: Store, table: CarrierTable, posted: Posted
) -> None:
    """What a carrier knows of an opt-out that we do not is learned from its reports."""
    before, after = await take(store, table, posted)
    assert before.decision is Verdict.ALLOW
    assert after.reason is Reason.CARRIER_BLOCKED


def test_these_carriers_are_tried() -> None:
    """Those whose tables hold such a webhook; nobody is left out by a slip."""
    stops, refusals = ({param.id for param in each(told)} for told in (is_stop, is_refusal))
    assert stops >= {"bandwidth", "plivo", "sinch", "telnyx", "vonage"}
    assert refusals >= {"bandwidth", "plivo", "signalwire", "sinch", "telnyx", "twilio", "vonage"}
