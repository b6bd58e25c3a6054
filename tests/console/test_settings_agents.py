"""Settings, agents: added with a link that works once, changed, shut out at once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from accounts import ADMIN, FOREIGN_AGENT, NO_ACCESS
from settings_world import ACME_ADMIN, AGENT, COMPLIANCE, SECOND_ADMIN, World, open_world, read_page

from consentry.console.settings.agents import PERMISSION_WORDS, ROLES
from consentry.domain.agents import Agent, Permission, Role

pytestmark = pytest.mark.integration

NEW = {"email": " New@Example.org ", "name": "Nia", "role": "agent", "brands": ["acme"]}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A company with agents of every role."""
    async with open_world(tmp_path) as made:
        yield made


async def stored(world: World, email: str) -> Agent:
    return {agent.email: agent for agent in await world.console.store.read_agents()}[email]


def path_of(world: World, email: str) -> str:
    return f"/agents/{world.console.agents[email].id}"


def test_every_role_and_permission_is_told_in_words() -> None:
    """The matrix has a line for each permission and a choice for each role."""
    assert set(PERMISSION_WORDS) == set(Permission)
    assert set(ROLES) == {*[role.value for role in Role], ""}


async def test_the_list_tells_who_may_come_in(world: World) -> None:
    """Name, email, role, brands, last sign-in, state; and what each role may do."""
    text = (await (await world.desk(COMPLIANCE)).open("/agents")).text
    assert "Acme acme@example.org Admin Acme Last sign-in: never May sign in" in text
    assert "Compliance compliance@example.org Compliance All Last sign-in: now" in text
    assert "nobody@example.org No access" in text
    assert "Make and revoke API keys" in text


async def test_a_new_agent_signs_in_by_the_link_once(world: World) -> None:
    """The page shows the link this once; it lets them in, and nobody a second time."""
    desk = await world.desk()
    made = await desk.change("/new-agent", **NEW)
    assert made.status == 201
    (link,) = made.copies
    assert link.startswith("http://console.example/console/sign-in?token=")
    assert "It was not sent to anybody" in made.text
    nia = await stored(world, "new@example.org")
    assert (nia.name, nia.role, nia.brands) == ("Nia", Role.AGENT, ("acme",))
    told = await world.told()
    assert told[0].startswith("agent new@example.org: sign-in link made")
    assert told[1].startswith("agent new@example.org added")
    assert link.partition("token=")[2] not in str(told)
    browser = world.console.browser()
    assert (await browser.get(link)).status_code == 303
    assert (await browser.get("/console")).status_code == 200
    assert (await world.console.browser().get(link)).status_code == 401


async def test_a_link_leads_to_the_public_address(tmp_path: Path) -> None:
    """Where the server knows its public address, links lead there."""
    async with open_world(tmp_path, public_url="http://sms.example.org") as world:
        desk = await world.desk()
        page = await desk.open(path_of(world, AGENT))
        shown = await desk.send(page, f"{path_of(world, AGENT)}/link", {})
        assert shown.copies[0].startswith("http://sms.example.org/console/sign-in?token=")


async def test_an_agent_without_access_gets_no_link(world: World) -> None:
    """They are known, and that is all."""
    desk = await world.desk()
    after = await desk.follow(await desk.change("/new-agent", **{**NEW, "role": ""}))
    assert "Saved. Agent new@example.org added" in after.text
    assert after.copies == []
    assert (await stored(world, "new@example.org")).role is None


@pytest.mark.parametrize(
    ("changed", "wrong", "said"),
    [
        ({"email": "nobody"}, {"email"}, "is no email address"),
        ({"email": AGENT}, {"email"}, "belongs to another agent"),
        ({"name": " "}, {"name"}, "An agent needs a name"),
        ({"name": "x" * 201}, {"name"}, "at most 200"),
        ({"role": "root"}, {"role"}, "Choose a role."),
        ({"brands": ["nothing"]}, set(), "Choose among these."),
    ],
)
async def test_wrong_input_loses_nothing(
    world: World, changed: dict[str, str | list[str]], wrong: set[str], said: str
) -> None:
    """What is wrong is told at its field; what was typed and chosen stays."""
    before = await world.console.store.read_agents()
    typed = {**NEW, **changed}
    shown = await (await world.desk()).change("/new-agent", **typed)
    assert (shown.status, shown.invalid) == (422, wrong)
    assert said in shown.text
    for name in ("email", "name"):
        assert shown.value(name) == str(typed[name]).strip()
    if typed["brands"] == ["acme"]:
        assert shown.form_with("seen")["brands"] == ["acme"]
    assert len(await world.console.store.read_agents()) == len(before)


async def test_a_role_and_brands_change_at_once(world: World) -> None:
    """An open session has the new rights at its next page."""
    working = await world.desk(AGENT)
    assert (await working.open("/brands")).status == 403
    desk = await world.desk()
    path = path_of(world, AGENT)
    after = await desk.follow(
        await desk.change(path, role="compliance", brands=["acme", "other"], name="Ann")
    )
    assert "role agent → compliance" in after.text
    assert (await working.open("/brands")).status == 200
    await desk.change(path, brands=[])
    assert (await stored(world, AGENT)).brands == ()


async def test_ending_all_sessions_puts_them_out(world: World) -> None:
    """Sessions and unused links end; they may sign in again."""
    working, desk = await world.desk(COMPLIANCE), await world.desk()
    unused = await world.console.make_link(COMPLIANCE)
    path = path_of(world, COMPLIANCE)
    page = await desk.open(path)
    assert "1 session is open." in page.text
    after = await desk.follow(await desk.send(page, f"{path}/sessions", {}))
    assert "All sessions have ended" in after.text
    assert "0 sessions are open." in after.text
    assert (await working.open("/brands")).status == 303
    assert (await world.console.browser().get(unused)).status_code == 401
    assert (await (await world.desk(COMPLIANCE)).open("/brands")).status == 200


async def test_disabling_shuts_out_until_enabled(world: World) -> None:
    """Every session ends, no link is made, and enabling lets them sign in again."""
    working, desk = await world.desk(COMPLIANCE), await world.desk()
    path = path_of(world, COMPLIANCE)
    page = await desk.open(path)
    after = await desk.follow(await desk.send(page, f"{path}/switch", {"to": "off"}))
    assert "Disabled now" in after.text
    assert "Make a sign-in link" not in after.text
    assert (await working.open("/brands")).status == 303
    assert (await desk.send(page, f"{path}/link", {})).status == 403
    assert "Disabled" in (await desk.open("/agents")).text
    await desk.send(page, f"{path}/switch", {"to": "on"})
    assert (await (await world.desk(COMPLIANCE)).open("/brands")).status == 200


async def test_nobody_shuts_everybody_out(world: World) -> None:
    """Not oneself, and not the last admin who can sign in."""
    desk = await world.desk()
    page = await desk.open(path_of(world, ADMIN))
    assert "Disable" not in [button.get("name") for button in page.buttons]
    told = await desk.send(page, f"{path_of(world, ADMIN)}/switch", {"to": "off"})
    assert (told.status, "Another admin can disable you" in told.text) == (422, True)
    for email in (SECOND_ADMIN, ACME_ADMIN):
        await desk.change(path_of(world, email), role="agent")
    last = await desk.change(path_of(world, ADMIN), role="agent")
    assert last.invalid == {"role"}
    assert "the only admin who can sign in" in last.text
    assert (await stored(world, ADMIN)).role is Role.ADMIN


async def test_a_stale_form_is_told(world: World) -> None:
    """What another admin saved meanwhile stands beside the field."""
    first, second = await world.desk(), await world.desk(SECOND_ADMIN)
    path = path_of(world, AGENT)
    mine = await first.open(path)
    await second.change(path, brands=["acme"])
    told = await first.send(mine, path, {"name": "Mine"})
    assert told.status == 422
    assert "Stored now: acme" in told.text
    assert (await stored(world, AGENT)).name == "Agent"


async def test_agents_concern_every_brand(world: World) -> None:
    """An admin of one brand neither sees nor changes them, and cannot widen their own reach."""
    admin = await world.desk()
    path = path_of(world, ACME_ADMIN)
    form = await admin.open(path)
    held = await world.desk(ACME_ADMIN)
    for asked in ("/agents", path, "/new-agent"):
        shown = await held.open(asked)
        assert shown.status == 403
        assert SECOND_ADMIN not in shown.text
    for email in (ACME_ADMIN, COMPLIANCE, AGENT, FOREIGN_AGENT, NO_ACCESS):
        desk = await world.desk(email)
        for doing in ("", "/link", "/sessions", "/switch"):
            assert (await desk.send(form, f"{path}{doing}", {"brands": []})).status == 403
        assert (await desk.send(form, "/new-agent", NEW)).status == 403
    assert (await stored(world, ACME_ADMIN)).brands == ("acme",)


async def test_an_agent_who_is_not_there(world: World) -> None:
    """An old link leads to a page that says so."""
    desk = await world.desk()
    form = await desk.open(path_of(world, AGENT))
    assert (await desk.open("/agents/agt_gone")).status == 404
    for doing in ("", "/link", "/sessions", "/switch"):
        assert (await desk.send(form, f"/agents/agt_gone{doing}", {})).status == 404


async def test_names_are_shown_as_typed(world: World) -> None:
    """HTML and right-to-left letters in a name are text."""
    desk = await world.desk()
    name = "<b>\u0645\u0631\u064a\u0645</b> O'Neil"
    await desk.change(path_of(world, AGENT), name=name)
    answer = await desk.browser.get("/console/settings/agents")
    assert name in read_page(answer).text
