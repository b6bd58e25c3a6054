"""Settings, templates and registration: judged while written, kept, and taken along."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from accounts import FOREIGN_AGENT, LONG_CODE, read_form_token
from settings_world import (
    ACME_ADMIN,
    COMPLIANCE,
    SHORT_CODE,
    TOLL_FREE,
    Desk,
    World,
    open_world,
    read_page,
)

from consentry.domain.entries import EntryKind

pytestmark = pytest.mark.integration

GOOD = {
    "brand": "acme",
    "kind": "marketing",
    "name": "Friday sale",
    "body": "{brand}: 20% off on Friday. Reply STOP to opt out.",
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A company with a sender of every kind."""
    async with open_world(tmp_path) as made:
        yield made


async def kept_id(world: World, desk: Desk) -> str:
    """Keep a wording and give its id."""
    await desk.follow(await desk.change("/new-template", **GOOD))
    (template,) = await world.console.store.read_templates()
    return template.id


async def test_a_wording_is_kept_changed_and_deleted(world: World) -> None:
    """The page after says what was saved; deleted it is listed no more."""
    desk = await world.desk()
    assert "No template yet" in (await desk.open("/templates")).text
    after = await desk.follow(await desk.change("/new-template", **GOOD))
    assert "Saved. Template Friday sale added" in after.text
    assert "Acme: 20% off on Friday." in after.text
    (template,) = await world.console.store.read_templates()
    path = f"/templates/{template.id}"
    same = await desk.change(path)
    assert same.location.endswith("saved=same")
    after = await desk.follow(await desk.change(path, name="Sale", body=f"{GOOD['body']} bit.ly/x"))
    assert "name Friday sale → Sale" in after.text
    assert "1 to look at" in after.text
    token = {"form_token": await read_form_token(desk.browser)}
    answer = await desk.browser.post(f"/console/settings{path}/delete", data=token)
    assert answer.status_code == 303
    assert "No template yet" in (await desk.open("/templates")).text
    assert (await desk.open(path)).status == 404
    assert (await world.told())[0] == "template Sale deleted"


WRONG = (
    ({"body": "20% off. Reply STOP to opt out."}, "does not say who texts"),
    ({"body": ""}, "Write the text."),
    ({"name": ""}, "Write a name."),
    ({"brand": ""}, "Choose one of the brands."),
    ({"brand": "other"}, "Choose one of the brands."),
    ({"kind": "poem"}, "Choose what the text is for."),
)


async def test_what_may_not_go_out_is_not_kept(world: World) -> None:
    """What was typed stays, with what is wrong beside it."""
    desk = await world.desk(ACME_ADMIN)
    for change, said in WRONG:
        shown = await desk.change("/new-template", **{**GOOD, **change})
        assert (shown.status, said in shown.text) == (422, True), change
    assert await world.console.store.read_templates() == []


async def test_it_is_judged_while_it_is_written(world: World) -> None:
    """The script gets what is said and the phone alone; without it a button does the same."""
    desk = await world.desk()
    data = {**GOOD, "body": "{brand}: “hi”", "look": "1", "seen": ""}
    data["form_token"] = await read_form_token(desk.browser)
    address = "/console/settings/new-template"
    answer = await desk.browser.post(address, data=data, headers={"hx-request": "true"})
    assert "<html" not in answer.text
    assert "does not tell how to stop" in answer.text
    assert "Acme: “hi”" in answer.text
    whole = read_page(await desk.browser.post(address, data={**data, "look": "simplify"}))
    assert whole.value("body") == '{brand}: "hi"'
    assert await world.console.store.read_templates() == []
    path = f"/templates/{await kept_id(world, desk)}"
    looked = read_page(
        await desk.browser.post(f"/console/settings{path}", data={**data, "look": "1"})
    )
    assert "does not tell how to stop" in looked.text


async def test_others_look_and_change_nothing(world: World) -> None:
    """Compliance may look; another brand's agent finds nothing; a token is needed."""
    desk = await world.desk()
    path = f"/templates/{await kept_id(world, desk)}"
    compliance = await world.desk(COMPLIANCE)
    shown = await compliance.open(path)
    assert {"name", "body"} <= shown.disabled
    assert (await compliance.change(path, name="x")).status == 403
    for missing in ("/templates/none", "/templates/none/delete"):
        token = {"form_token": await read_form_token(desk.browser), "seen": ""}
        answer = await desk.browser.post(f"/console/settings{missing}", data=token)
        assert answer.status_code == 404
    stranger = Desk(await world.console.signed_in(FOREIGN_AGENT))
    assert (await stranger.open(path)).status in {403, 404}


async def test_a_registration_says_what_is_left_to_do(world: World) -> None:
    """What is missing, what reviewers reject, each field; the zip has it as files."""
    desk = await world.desk()
    await kept_id(world, desk)
    path = f"/senders/{LONG_CODE.number}/registration"
    assert f"/console/settings{path}" in [
        link.replace("%2B", "+") for link in (await desk.open(f"/senders/{LONG_CODE.number}")).links
    ]
    shown = await desk.open(path)
    assert "Missing: BrandRegistrationSid" in shown.text
    assert "has no address of the terms" in shown.text
    assert "Acme: 20% off on Friday." in shown.text
    token = {"form_token": await read_form_token(desk.browser)}
    answer = await desk.browser.post(f"/console/settings{path}", data=token)
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert sorted(archive.namelist()) == [
            "opt-in.html",
            "opt-in.svg",
            "packet.json",
            "packet.md",
        ]
        assert json.loads(archive.read("packet.json"))["sender"] == LONG_CODE.number
    taken = [e for e in await world.console.audit() if e.kind is EntryKind.EXPORTED]
    assert LONG_CODE.number in (taken[0].text or "")


async def test_a_toll_free_number_is_verified_and_a_short_code_is_not(world: World) -> None:
    """Each kind has its own packet, or a page that says so."""
    desk = await world.desk()
    free = await desk.open(f"/senders/{TOLL_FREE.number}/registration")
    assert "toll-free verification" in free.text
    assert "Missing: OptInImageUrls" in free.text
    short = f"/senders/{SHORT_CODE.number}/registration"
    assert "Nothing to register here" in (await desk.open(short)).text
    assert (await desk.open("/senders/+12025559999/registration")).status == 404
    token = {"form_token": await read_form_token(desk.browser)}
    assert (await desk.browser.post(f"/console/settings{short}", data=token)).status_code == 404
