"""Settings, calls to action: made in versions, seen as they are shown, and where to put them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from settings_world import COMPLIANCE, PROMO, World, open_world

from consentry.actions.administer import SaveBrand, SaveProgram
from consentry.actions.save_call_to_action import SaveCallToAction
from consentry.domain.call_to_action_embedding import write_form
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.directory import Brand, Program, Purpose

pytestmark = pytest.mark.integration

HERE = "/calls-to-action"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A company with one marketing program."""
    async with open_world(tmp_path) as made:
        yield made


async def shown_now(world: World) -> list[CallToAction]:
    """List what is shown now."""
    return list((await world.console.store.read_directory()).calls_to_action.values())


async def test_a_call_to_action_is_added_and_changed(world: World) -> None:
    """Added to a program, then changed: a new version, and both can be read as they were."""
    desk = await world.desk()
    sent = await desk.change("/new-call-to-action", program="promo", heading="Deals by text")
    page = await desk.follow(sent)
    (first,) = await shown_now(world)
    assert "Saved. Call to action Deals by text added" in page.text
    assert " ".join(first.text.split()) in page.text
    (address,) = (link for link in page.links if link.endswith(f"/opt-in/{first.id}"))
    assert address.startswith("http")
    assert write_form(first, address) in page.copies
    path = f"{HERE}/{first.id}"
    await desk.change(path, frequency="Up to 4 msgs/month")
    (second,) = await shown_now(world)
    assert (second.version, "Up to 4 msgs/month." in second.text) == (2, True)
    for call in (first, second):
        old = await desk.open(f"{path}/versions/{call.version}")
        assert call.sha256 in old.text
        assert old.copies == [call.html]
    same = await desk.follow(await desk.change(path))
    assert "Nothing was different" in same.text
    assert (await desk.open(f"{path}/versions/3")).status == 404
    assert (await desk.open(f"{path}/versions/x")).status == 404


async def test_what_is_written_is_drawn_without_saving(world: World) -> None:
    """With its checklist; what is missing is said at once, and nothing is kept."""
    desk = await world.desk()
    path = "/new-call-to-action"
    assert "Choose a program" in (await desk.open(path)).text
    assert "Write a heading" in (await desk.open(f"{path}?program=promo")).text
    filled = {"program": "promo", "heading": "Deals", "text": "Deals. STOP to stop."}
    looked = await desk.send(await desk.open(path), f"{path}/look", filled)
    assert "No: It names the seller, Acme." in looked.text
    assert "Yes: It names the program, Deals." in looked.text
    refused = await desk.change(path, **filled)
    assert refused.status == 422
    assert "Not so: It names the seller, Acme." in refused.text
    for wrong in ({"program": "x"}, {"medium": "keyword"}, {"medium": "x"}, {"heading": ""}):
        told = await desk.change(path, **{"program": "promo", "heading": "Deals", **wrong})
        assert told.status == 422
    assert await shown_now(world) == []


async def test_the_list_says_which_are_closed(world: World) -> None:
    """One whose brand is called otherwise by now is closed until there is a new version."""
    desk = await world.desk()
    assert "No call to action yet" in (await desk.open(HERE)).text
    store = world.console.store
    call = SaveCallToAction("deals", PROMO.id, CallMedium.WEB, "es-MX", Wording("Ofertas"))
    await store.submit(call)
    assert "Ofertas Web Deals Version 1 since" in (await desk.open(HERE)).text
    await store.submit(SaveBrand(Brand("acme", "Newco")))
    assert "Closed" in (await desk.open(HERE)).text
    await desk.change(f"{HERE}/deals")
    assert "Open" in (await desk.open(HERE)).text
    (made,) = await shown_now(world)
    assert (made.version, made.locale) == (2, "es-MX")


async def test_who_may_not_change_may_look(world: World) -> None:
    """Who may only read sees the form and cannot send it; another brand's is not there at all."""
    store = world.console.store
    await store.submit(SaveProgram(Program("theirs", "other", Purpose.MARKETING, "Theirs")))
    for call, program in (("deals", "promo"), ("other", "theirs")):
        asked = SaveCallToAction(call, program, CallMedium.WEB, "en", Wording(f"For {program}"))
        await store.submit(asked)
    reader, acme = await world.desk(COMPLIANCE), await world.desk("acme@example.org")
    looked = await reader.open(f"{HERE}/deals")
    assert looked.status == 200
    assert "heading" in looked.disabled
    assert (await acme.open(f"{HERE}/other")).status == 404
    assert "For theirs" not in (await acme.open(HERE)).text
    assert (await reader.open("/new-call-to-action")).status == 403
