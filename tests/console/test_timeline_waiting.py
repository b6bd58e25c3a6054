"""What waits in the timeline: until when, on whose clock, and why; and what became of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from customer_world import Person, hand_over, meet
from lists_world import ANN, LONG, World, open_world

from action_world import KEY, Put
from consent_world import consent
from consentry.actions.cancel_message import CancelMessage
from consentry.actions.deliver_job import ClaimJobs
from consentry.actions.outgoing import Draft
from consentry.actions.send_message import SendMessage, Sent
from consentry.domain.gate import Door
from consentry.domain.standing import ConsentLevel, Piece, Place

pytestmark = pytest.mark.integration

WRITTEN = consent("promo", level=ConsentLevel.EXPRESS_WRITTEN)
OFFER = Draft(ANN, LONG, "Half off today", KEY, door=Door.API, program="promo")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Open the console on a new database."""
    async with open_world(tmp_path) as world:
        yield world


async def offer(world: World, *place: Piece) -> Sent:
    """Send an offer to somebody who agreed to them."""
    await world.store.submit(Put(ANN, (WRITTEN, *place)))
    return await world.store.submit(SendMessage(OFFER))


async def newest(person: Person) -> str:
    """Read the last item of the timeline."""
    return (await person.items())[-1]


async def test_a_text_says_until_when_it_waits_there(world: World) -> None:
    """On the person's clock, with the reason, and the whole decision under "why?"."""
    person = await meet(world)
    sent = await offer(world, Place(zone="America/Denver"))
    shown = await newest(person)
    assert "Half off today" in shown
    assert "Waiting until Wed 08:00 there (quiet hours)" in shown
    assert "why?" in shown
    assert "per-state" in shown
    world.clock.advance(hours=3, minutes=15)
    message = await hand_over(world)
    assert message.id == sent.message
    shown = await newest(person)
    assert "Waiting" not in shown
    assert "Sent" in shown


async def test_where_they_may_be_in_several_zones_it_is_utc(world: World) -> None:
    """A number that does not tell the zone gives no clock to name."""
    person = await meet(world)
    await offer(world, Place(postal_code="83525"))
    assert "UTC (quiet hours)" in await newest(person)


async def test_what_waits_again_says_its_newest_time(world: World) -> None:
    """Put back at the claim: still one bubble, with the time that holds now."""
    person = await meet(world)
    at_noon = Place(zone="Europe/London", postal_code="33101")
    await offer(world, at_noon)
    for _ in range(3):
        await world.store.submit(SendMessage(OFFER))
    await world.store.submit(ClaimJobs(((LONG, 9),), "prc_1"))
    items = [item for item in await person.items() if "Half off" in item]
    assert len(items) == 4
    assert "Waiting until Thu 13:00 there (frequency cap)" in items[-1]


async def test_what_was_taken_back_waits_no_more(world: World) -> None:
    """Its bubble says that it was not sent, and by whose wish."""
    person = await meet(world)
    sent = await offer(world, Place(zone="America/Denver"))
    await world.store.submit(CancelMessage(sent.message or "", ANN, KEY))
    shown = await newest(person)
    assert "Waiting" not in shown
    assert "Not sent" in shown
