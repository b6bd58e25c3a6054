"""Settings, brands: looked at, added, changed, and never changed by two people unawares."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from accounts import ADMIN, NO_ACCESS
from settings_world import ACME_ADMIN, AGENT, COMPLIANCE, SECOND_ADMIN, World, open_world

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """The settings of a company with two brands."""
    async with open_world(tmp_path) as made:
        yield made


async def test_settings_lead_to_the_first_section(world: World) -> None:
    """The bare address leads to the senders; the choice on a phone leads to any section."""
    desk = await world.desk()
    assert (await desk.open("")).location == "/console/settings/senders"
    assert (await desk.open("?section=brands")).location == "/console/settings/brands"
    assert (await desk.open("?section=nonsense")).location == "/console/settings/senders"


async def test_a_brand_is_added_and_told(world: World) -> None:
    """The page after says what was saved, in the words of the audit; the brand is listed."""
    desk = await world.desk()
    sent = await desk.change("/new-brand", name="  Retalé ", contact="help@example.org")
    after = await desk.follow(sent)
    assert "Saved. Brand Retalé added" in after.text
    assert "help@example.org" in after.text
    assert (await world.told())[0].startswith("brand Retalé added: name Retalé")
    names = {brand.name for brand in (await world.console.store.read_directory()).brands.values()}
    assert "Retalé" in names
    assert "Saved" not in (await desk.open("/brands")).text


async def test_a_change_names_what_it_was(world: World) -> None:
    """Who changed it, from what, to what."""
    desk = await world.desk()
    after = await desk.follow(await desk.change("/brands/acme", contact="+1 202 555 0100"))
    assert "Saved. Brand Acme changed: contact +1 202 555 0100" in after.text
    (entry, *_) = await world.console.audit()
    assert entry.actor.id == world.console.agents[ADMIN].id


async def test_nothing_different_is_nothing_changed(world: World) -> None:
    """Saving a form as it was leaves no trace, and says so."""
    desk = await world.desk()
    before = len(await world.told())
    after = await desk.follow(await desk.change("/brands/acme"))
    assert "Nothing was different" in after.text
    assert len(await world.told()) == before


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        ({"name": "", "contact": "kept <b>"}, {"name"}),
        ({"name": "x" * 201, "contact": "y" * 201}, {"name", "contact"}),
    ],
)
async def test_wrong_input_loses_nothing(
    world: World, form: dict[str, str], wrong: set[str]
) -> None:
    """What is wrong is told at its field, and every field keeps what was typed."""
    desk = await world.desk()
    shown = await desk.change("/new-brand", **form)
    assert shown.status == 422
    assert shown.invalid == wrong
    assert {name: shown.value(name) for name in form} == form
    assert len((await world.console.store.read_directory()).brands) == 2


async def test_a_name_is_shown_as_typed(world: World) -> None:
    """HTML, right-to-left letters and emoji are text."""
    desk = await world.desk()
    name = '<i>عيد</i> & "O\'Neil" 🎈'
    after = await desk.follow(await desk.change("/new-brand", name=name))
    assert name in after.text


async def test_a_stale_form_is_told_and_saved_at_the_second_look(world: World) -> None:
    """Another admin's change stands until it was seen; then the second word counts."""
    first, second = await world.desk(), await world.desk(SECOND_ADMIN)
    mine = await first.open("/brands/acme")
    await second.change("/brands/acme", name="Acme Inc", contact="new@example.org")
    told = await first.send(mine, "/brands/acme", {"name": "Acme Ltd"})
    assert told.status == 422
    assert "Somebody changed this while you had it open" in told.text
    assert "Stored now: Acme Inc" in told.text
    assert "Stored now: new@example.org" in told.text
    assert told.value("name") == "Acme Ltd"
    assert (await world.console.store.read_directory()).brands["acme"].name == "Acme Inc"
    await first.follow(await first.send(told, "/brands/acme", {}))
    assert (await world.console.store.read_directory()).brands["acme"].name == "Acme Ltd"


async def test_who_may_look_and_who_may_change(world: World) -> None:
    """Compliance looks, agents and strangers do not; only an admin's form is taken."""
    admin = await world.desk()
    form = await admin.open("/brands/acme")
    looking = await world.desk(COMPLIANCE)
    shown = await looking.open("/brands/acme")
    assert shown.status == 200
    assert shown.disabled == {"name", "contact"}
    assert "You can look at this, not change it" in shown.text
    for email in (COMPLIANCE, AGENT, NO_ACCESS):
        desk = await world.desk(email)
        assert (await desk.send(form, "/brands/acme", {"name": "Mine"})).status == 403
        assert (await desk.open("/new-brand")).status == 403
        if email != COMPLIANCE:
            assert (await desk.open("/brands")).status == 403
    assert (await world.console.store.read_directory()).brands["acme"].name == "Acme"


async def test_an_admin_of_one_brand_stays_within_it(world: World) -> None:
    """They see and change their brand; another is not there, and none can be added."""
    desk = await world.desk(ACME_ADMIN)
    listed = await desk.open("/brands")
    assert "Acme" in listed.text
    assert "Other" not in listed.text
    assert "/console/settings/new-brand" not in listed.links
    new = await desk.open("/new-brand")
    assert (new.status, "This concerns every brand" in new.text) == (403, True)
    assert (await desk.open("/brands/other")).status == 404
    form = await desk.open("/brands/acme")
    assert (await desk.send(form, "/brands/other", {"name": "Mine"})).status == 404
    assert (await desk.change("/brands/acme", name="Acme Co")).status == 303
    assert (await desk.send(form, "/new-brand", {"name": "Third"})).status == 403
    assert len((await world.console.store.read_directory()).brands) == 2


async def test_a_form_without_its_token_is_not_taken(world: World) -> None:
    """A form from elsewhere changes nothing."""
    desk = await world.desk()
    shown = await desk.open("/brands/acme")
    sent = await desk.send(shown, "/brands/acme", {"name": "Mine", "form_token": "x"})
    assert sent.status == 403
    assert (await world.console.store.read_directory()).brands["acme"].name == "Acme"
