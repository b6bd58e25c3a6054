"""Having a person asked for consent from their page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from customer_world import Person, hand_over, meet
from lists_world import ACME_ONLY, ADMIN, ANN, COMPLIANCE, LONG, OTHER_ONLY, World, open_world

from consentry.actions.administer import SaveProgram
from consentry.domain.directory import Program, Purpose
from consentry.domain.entries import EntryKind

pytestmark = pytest.mark.integration

NEWS = Program("news-1", "acme", Purpose.INFORMATIONAL, "Order news")
OFFERS = Program("offers-1", "acme", Purpose.MARKETING, "Offers")
FORM = {"phone": ANN, "program": NEWS.id, "medium": "in_person", "note": "Form 1142"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A console whose company has two programs."""
    async with open_world(tmp_path) as opened:
        await opened.store.submit(SaveProgram(NEWS))
        await opened.store.submit(SaveProgram(OFFERS))
        yield opened


async def test_a_person_is_asked_and_shown_as_waiting(world: World) -> None:
    """The form leads to the Consent tab; asked again, it says that nothing more is sent."""
    ann = await meet(world)
    page = await ann.page(ADMIN, "/request", phone=ANN)
    assert "Order news (informational)" in page.words
    sent = await ann.post("/request", ADMIN, **FORM)
    assert (sent.status_code, sent.headers["location"]) == (303, f"{ann.address}/consent")
    (entry,) = [e for e in await ann.entries() if e.kind is EntryKind.CONSENT_REQUESTED]
    assert entry.evidence is not None
    assert (entry.evidence.medium, entry.evidence.note) == ("in_person", "Form 1142")
    message = await hand_over(world)
    assert message.body.startswith("Acme: reply YES to get Order news")
    tab = (await ann.page(ADMIN, "/consent")).words
    assert "Waiting for reply" in tab
    assert "YES until" in tab
    assert "Consent asked for: Order news" in tab
    again = await ann.post("/request", ADMIN, **FORM)
    assert again.status_code == 409
    assert "Asked already" in again.text
    world.clock.advance(hours=48)
    tab = (await ann.page(ADMIN, "/consent")).words
    assert "Waiting for reply" not in tab
    assert "expired" in tab


async def test_marketing_without_what_was_shown_is_not_asked_for(world: World) -> None:
    """The page says what is missing, and keeps what was typed."""
    ann = await meet(world)
    sent = await ann.post("/request", COMPLIANCE, **{**FORM, "program": OFFERS.id})
    assert sent.status_code == 422
    assert "call_to_action" in sent.text
    assert "Form 1142" in sent.text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"phone": "+19995550100"}, "Choose the phone"),
        ({"program": "gone"}, "Choose what to ask for"),
        ({"medium": "text"}, "Choose how they told it"),
        ({"note": "x" * 501}, "At most 500"),
        ({"when": "2999-01-01T10:00"}, "still to come"),
    ],
)
async def test_a_form_that_does_not_fit(world: World, changes: dict[str, str], says: str) -> None:
    """Each field says what is wrong, and nobody is asked."""
    ann = await meet(world)
    sent = await ann.post("/request", ADMIN, **{**FORM, **changes})
    assert sent.status_code == 422
    assert says in sent.text
    assert EntryKind.CONSENT_REQUESTED not in {entry.kind for entry in await ann.entries()}


async def test_an_agent_asks_for_their_own_brands_alone(world: World) -> None:
    """Programs of other brands are not offered, nor taken."""
    ann = await meet(world)
    assert "Order news" in (await ann.page(ACME_ONLY, "/request")).words
    other = await ann.page(OTHER_ONLY, "/request")
    assert "There is no program to ask for" in other.words
    assert (await ann.post("/request", OTHER_ONLY, **FORM)).status_code == 422


async def test_the_texted_number_asks(world: World) -> None:
    """A person who texted a number knows it."""
    await world.text("Hello")
    (customer,) = await world.store.read_profiles(ANN)
    ann = Person(world, customer.id)
    await ann.post("/request", ADMIN, **FORM)
    (entry,) = [e for e in await ann.entries() if e.kind is EntryKind.CONSENT_REQUESTED]
    assert entry.sender == LONG
