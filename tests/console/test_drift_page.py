"""Carrier drift in the console: what differs, by the evidence of both sides, and its end."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from lists_world import (
    ACME_ONLY,
    ADMIN,
    ANN,
    BOB,
    CAT,
    COMPLIANCE,
    FOREIGN,
    LONG,
    NOW,
    OTHER_ONLY,
    World,
    Write,
    open_world,
)

from consentry.actions.record_drift import (
    Account,
    Recording,
    RecordListedBlock,
    RecordMissedText,
)
from consentry.domain.consent import PairState, pair_state
from consentry.domain.drift import Drift, DriftState, Reconciliation, ReconciliationState
from consentry.domain.entries import Actor, ActorKind
from consentry.ports import CarrierBlock, Change, DriftFilter, InboundText
from consentry.ports import Page as ListPage

pytestmark = pytest.mark.integration

PAGE = "/console/reports/drift"
SETTLE = f"{PAGE}/settle"
SYSTEM = Actor(ActorKind.SYSTEM)
RECORDING = Recording(Account("car_1", "twilio"), "rec_1", NOW)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Open the console on a new database."""
    async with open_world(tmp_path) as world:
        yield world


async def missed(world: World, body: str, person: str = ANN, sender: str = LONG) -> Drift:
    """Find a text at the carrier that never reached us."""
    world.texts += 1
    text = InboundText(f"SM-lost-{world.texts}", person, sender, body, sent_at=NOW)
    (drift,) = await world.store.submit(RecordMissedText(RECORDING, text))
    return drift


async def test_nothing_differs(world: World) -> None:
    """The page says what will be here, and that the account was not compared yet."""
    page = (await world.get(PAGE)).text
    assert "Nothing differs" in page
    assert "not compared yet" in page
    assert "Carrier drift" in (await world.get("/console/reports")).text


async def test_a_drift_shows_both_sides(world: World) -> None:
    """The words as they were written, what each side says, whose they are, that it is held back."""
    await world.text("Hello")
    drift = await missed(world, "STOP")
    await missed(world, "where <b>is</b> it?", BOB)
    page = (await world.get(PAGE)).text
    assert "An opt-out that never reached us" in page
    assert "where &lt;b&gt;is" in page
    assert ">STOP</blockquote>" in page
    assert drift.we_say in page
    assert drift.carrier_says in page
    assert "SM-lost-2" in page
    assert "texts are held back" in page
    assert 'href="/console/customers/' in page
    assert "<strong>2</strong>" in (await world.get("/console/reports")).text


async def test_a_line_of_the_carriers_list_is_evidence(world: World) -> None:
    """Where it stands in the list is shown, so that somebody finds it at the carrier."""
    await world.text("Hello")
    world.clock.advance(hours=1)
    directory = await world.store.read_directory()
    line = CarrierBlock(ANN, LONG, NOW - timedelta(days=1), "opt-outs, line 7")
    late = Recording(Account("car_1", "twilio"), "rec_1", NOW + timedelta(minutes=30))
    await world.store.submit(RecordListedBlock(late, line, (directory.senders[LONG],)))
    page = (await world.get(PAGE)).text
    assert "opt-outs, line 7" in page
    assert "The carrier blocks, and we do not" in page


async def test_an_admin_applies_with_a_reason(world: World) -> None:
    """From then on the person is opted out; who did it and why is shown, and in the audit."""
    await world.text("Hello")
    drift = await missed(world, "STOP")
    answer = await world.post(SETTLE, drift=drift.id, does="apply", reason="the proxy was down")
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    directory, standing = await world.store.read_facts(ANN)
    assert pair_state(standing, directory.senders[LONG]) is PairState.OPTED_OUT
    assert world.delivery.waited == [()]
    assert "<blockquote" not in (await world.get(PAGE)).text
    settled = (await world.get(PAGE, state="applied")).text
    assert "by Ada: “the proxy was down”" in settled
    audit = (await world.get("/console/audit")).text
    assert "applied a carrier drift of" in audit
    assert "the proxy was down" in audit


async def test_an_admin_dismisses_with_a_reason(world: World) -> None:
    """Texts go on."""
    await world.text("Hello")
    drift = await missed(world, "STOP")
    await world.post(SETTLE, drift=drift.id, does="dismiss", reason="our own phone")
    directory, standing = await world.store.read_facts(ANN)
    assert pair_state(standing, directory.senders[LONG]) is PairState.OPTED_IN
    kept = await world.store.read_drift(drift.id)
    assert kept is not None
    assert kept.state is DriftState.DISMISSED


async def test_a_form_that_is_not_taken_says_why(world: World) -> None:
    """Beside the drift, and what was typed stays."""
    drift = await missed(world, "STOP")
    for form, words in (
        ({"does": "apply", "reason": " "}, "Write why"),
        ({"does": "apply", "reason": "x" * 501}, "At most 500"),
        ({"does": "", "reason": "because"}, "Choose whether"),
    ):
        answer = await world.post(SETTLE, drift=drift.id, **form)
        assert answer.status_code == 422
        assert words in answer.text
    assert 'value="because"' in answer.text
    await world.post(SETTLE, drift=drift.id, does="dismiss", reason="x")
    again = await world.post(SETTLE, drift=drift.id, does="apply", reason="x")
    assert again.status_code == 409
    missing = await world.post(SETTLE, drift="drf_none", does="apply", reason="x")
    assert missing.status_code == 404


async def test_who_may_settle(world: World) -> None:
    """Compliance reads and cannot settle; an agent of another brand sees nothing of it."""
    drift = await missed(world, "STOP")
    page = (await world.get(PAGE, COMPLIANCE)).text
    assert "STOP" in page
    assert SETTLE not in page
    form = {"drift": drift.id, "does": "apply", "reason": "x"}
    assert (await world.post(SETTLE, COMPLIANCE, **form)).status_code == 403
    assert "STOP" in (await world.get(PAGE, ACME_ONLY)).text
    other = (await world.get(PAGE, OTHER_ONLY)).text
    assert "<blockquote" not in other
    assert ANN not in other


async def test_the_list_is_filtered(world: World) -> None:
    """By state, kind, number or brand; what is no choice is said so."""
    await world.text("Hello")
    await missed(world, "STOP")
    await missed(world, "Where is it?", BOB)
    await missed(world, "Bonjour", CAT, FOREIGN)

    async def shown(**query: str) -> set[str]:
        page = (await world.get(PAGE, ADMIN, **query)).text
        return {words for words in ("STOP", "Where is it?", "Bonjour") if f">{words}<" in page}

    assert await shown() == {"STOP", "Where is it?", "Bonjour"}
    assert await shown(kind="missed_text") == {"Where is it?", "Bonjour"}
    assert await shown(of="brand:other") == {"Bonjour"}
    assert await shown(of=f"sender:{LONG}", kind="missed_opt_out") == {"STOP"}
    assert await shown(state="dismissed") == set()
    assert await shown(state="any") == {"STOP", "Where is it?", "Bonjour"}
    assert "Nothing fits" in (await world.get(PAGE, state="dismissed")).text
    for query in ({"state": "odd"}, {"kind": "odd"}, {"of": "odd"}):
        answer = await world.get(PAGE, ADMIN, **query)
        assert answer.status_code == 400
        assert "no such choice" in answer.text


async def test_long_lists_go_page_by_page(world: World) -> None:
    """The newest first, and from each page to the older ones and back to the newest."""
    for count in range(27):
        await missed(world, f"text {count}")
    first = (await world.get(PAGE)).text
    assert first.count('class="card stack drift"') == 25
    assert "Older" in first
    oldest_shown = await world.store.read_drifts(DriftFilter(), ListPage(limit=25))
    second = (await world.get(PAGE, before=oldest_shown[-1].id)).text
    assert second.count('class="card stack drift"') == 2
    assert "Newest" in second


async def test_the_last_comparison_is_told(world: World) -> None:
    """Under way, failed with the reason, or what it came to; a server without it says so."""
    report = Reconciliation("rec_1", "car_1", NOW, NOW, NOW, SYSTEM, texts=1200)
    for state, words in (
        (ReconciliationState.RUNNING, "is being compared: 1,200 looked at"),
        (ReconciliationState.FAILED, "could not be compared: the carrier is away"),
        (ReconciliationState.FINISHED, "1,200 texts and 0 lines of its list compared: nothing new"),
    ):
        error = "the carrier is away" if state is ReconciliationState.FAILED else None
        kept = Reconciliation(
            "rec_1", "car_1", NOW, NOW, NOW, SYSTEM, state=state, texts=1200, error=error
        )
        await world.store.submit(Write(Change(records=(kept,))))
        assert words in (await world.get(PAGE)).text
    assert report.drifts == 0
    answer = await world.post(f"{PAGE}/compare", carrier="car_1")
    assert "compares no carriers" in answer.text
