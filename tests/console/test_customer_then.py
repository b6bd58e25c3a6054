"""Could we text them at another time: the answer on the page, by the rules of that time."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from customer_world import Person, find_person, meet
from lists_world import ADMIN, ANN, FOREIGN, LONG, NOW, OTHER_ONLY, World, open_world

from consentry.actions.administer import SaveSender
from consentry.actions.record_rules import record_rules

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Open the console on a new database, as a server does."""
    async with open_world(tmp_path) as world:
        await record_rules(world.store)
        yield world


def asked(minutes: float) -> dict[str, str]:
    """Ask for a time so many minutes after the start."""
    at = (NOW + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%S")
    return {"phone": ANN, "sender": LONG, "purpose": "conversational", "at": at}


async def answer(person: Person, minutes: float) -> str:
    """Ask the page and read what it says."""
    return (await person.page(ADMIN, "/then", **asked(minutes))).by_id("then").words


async def test_a_past_time_is_answered_with_what_it_rests_on(world: World) -> None:
    """Yes before the STOP, no after it, with rule and entry; a sender that was on then counts."""
    await world.text("Hello")
    world.clock.advance(minutes=10)
    await world.text("STOP")
    world.clock.advance(minutes=10)
    await world.text("START")
    world.clock.advance(minutes=10)
    sender = (await world.store.read_directory()).senders[LONG]
    await world.store.submit(SaveSender(msgspec.structs.replace(sender, enabled=False)))
    person = await find_person(world)
    assert "Yes. Allowed: implied consent" in await answer(person, 5)
    said = await answer(person, 15)
    assert "No. The destination number has disabled" in said
    assert "block/provider" in said
    assert "by entry ent_" in said
    assert "Yes. Allowed" in await answer(person, 25)
    assert "sender/enabled" in await answer(person, 35)


async def test_a_question_that_cannot_be_is_told_beside_its_field(world: World) -> None:
    """No time, a phone that is not theirs, a number that is not ours; nothing is answered."""
    person = await meet(world)
    query = {"phone": "+14155550199", "sender": "+1", "purpose": "fun", "at": "yesterday"}
    reply = await world.get(f"{person.address}/then", ADMIN, **query)
    assert reply.status_code == 422
    for told in ("one of the customer", "one of our numbers", "would have been for", "a day and"):
        assert told in reply.text
    query = asked(0) | {"at": "0001-01-01T00:00:00+14:00"}
    assert (await world.get(f"{person.address}/then", ADMIN, **query)).status_code == 422


async def test_decisions_are_shown_decided_again(world: World) -> None:
    """Each decision about the customer comes out the same; of other brands none is shown."""
    await world.text("Hello")
    await world.send("On its way")
    await world.text("STOP")
    await world.send("And now?")
    await world.text("Hello", sender=FOREIGN)
    person = await find_person(world)
    rows = (await person.page(ADMIN, "/then")).by_id("then").all("tr")
    told = [row.words for row in rows[1:]]
    assert len(told) >= 4
    assert all("The same" in row for row in told)
    assert sum("No, opted out" in row for row in told) >= 1
    theirs = (await person.page(OTHER_ONLY, "/then")).by_id("then").all("tr")
    assert 1 < len(theirs) < len(rows)
