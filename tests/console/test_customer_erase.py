"""Somebody is erased at the console: what goes and what stays is said before, and by whom after."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from customer_world import Person, meet
from lists_world import ADMIN, AGENT, ANN, LONG, World, open_world

from consentry.actions.deliver_job import ClaimJobs
from consentry.domain.entries import EntryKind
from consentry.domain.standing import SMSPreference
from consentry.ports import Page

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Open the console on a new database."""
    async with open_world(tmp_path) as world:
        yield world


async def stopped(world: World) -> Person:
    """Have Ann write, and stop."""
    person = await meet(world)
    await world.text("Hello", ANN, LONG)
    await world.text("STOP", ANN, LONG)
    return person


async def test_what_goes_and_what_stays_is_said_and_then_done(world: World) -> None:
    """Counts, that the no is kept; after it the profile is gone and the number is refused."""
    person = await stopped(world)
    page = (await person.page(ADMIN, "/erase")).words
    assert "It cannot be undone" in page
    assert "That they said no" in page
    profile = await person.profile()
    done = await person.post("/erase", ADMIN, reason="asked by mail", sure="yes")
    assert done.status_code == 303
    assert await world.store.read_customer(profile.id) is None
    assert await person.entries() == []
    standing = await world.store.read_standing(ANN)
    assert standing.sms_preference is SMSPreference.FORBIDDEN
    [told] = await world.store.read_audit(Page(), kinds=(EntryKind.ERASED,))
    assert (told.reason, told.actor.id) == ("asked by mail", ADMIN.id)


async def test_it_asks_for_a_reason_and_a_tick(world: World) -> None:
    """What is missing is said beside it, and what was typed is still there; nothing is erased."""
    person = await stopped(world)
    bare = await person.post("/erase", ADMIN)
    assert bare.status_code == 422
    assert "Say why" in bare.text
    assert "Tick this" in bare.text
    named = await person.post("/erase", ADMIN, reason=f"for {ANN}", sure="yes")
    assert named.status_code == 422
    assert "The reason names a number" in named.text
    assert await person.entries()


async def test_only_who_works_for_every_brand_erases(world: World) -> None:
    """An agent may not, nor somebody of one brand: their card does not lead there."""
    person = await stopped(world)
    assert "Erase, export" in await person.card(ADMIN)
    assert "Erase, export" not in await person.card(AGENT)
    refused = await person.post("/erase", AGENT, reason="asked", sure="yes")
    assert refused.status_code == 403
    assert await person.entries()


async def test_all_that_is_held_is_taken_along(world: World) -> None:
    """As a file of JSON, and the audit says who took it."""
    person = await stopped(world)
    taken = await world.get(f"{person.address}/held.json", ADMIN)
    held = msgspec.json.decode(taken.content)
    assert taken.headers["content-disposition"].startswith("attachment")
    assert held["numbers"][0]["number"] == ANN
    [told] = await world.store.read_audit(Page(), kinds=(EntryKind.EXPORTED,))
    assert told.actor.id == ADMIN.id


async def test_a_text_with_a_carrier_puts_it_off(world: World) -> None:
    """It is said above the form, with what to do; what was typed is still there."""
    person = await meet(world)
    await world.text("Hello", ANN, LONG)
    await world.send("It left today.")
    works = await world.store.submit(ClaimJobs(((LONG, 9),), "prc_1"))
    assert works
    put_off = await person.post("/erase", ADMIN, reason="asked by mail", sure="yes")
    assert put_off.status_code == 409
    assert "try again in a minute" in put_off.text
    assert "asked by mail" in put_off.text
    assert await person.entries()
