"""Settings, API keys: the secret is seen once, works at the API's door, and ends when revoked."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from accounts import SECRET_KEY
from settings_world import ACME_ADMIN, AGENT, COMPLIANCE, World, open_world

from consentry.actions.make_key import derive_token, hash_secret
from consentry.console.settings.keys import SCOPES
from consentry.ports import APIKey, Scope

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A company without a key."""
    async with open_world(tmp_path) as made:
        yield made


async def keys(world: World) -> list[APIKey]:
    return await world.console.store.read_keys()


def test_every_scope_is_told_in_words() -> None:
    """What a key may do can be read before it is given."""
    assert set(SCOPES) == set(Scope)


async def test_a_key_is_made_and_its_secret_shown_once(world: World) -> None:
    """The page offers it for copying; only its hash is kept; no other page or entry has it."""
    desk = await world.desk()
    assert "No key yet" in (await desk.open("/keys")).text
    made = await desk.change("/new-key", name="shop backend", scopes=["send", "check"])
    assert made.status == 201
    (secret,) = made.copies
    assert secret.startswith("csk_")
    (key,) = await keys(world)
    assert key.hash == hash_secret(SECRET_KEY, secret)
    assert (key.name, set(key.scopes)) == ("shop backend", {Scope.SEND, Scope.CHECK})
    assert "cannot be shown again" in made.text
    listed = await desk.open("/keys")
    assert f"{secret[:12]}…" in listed.text
    assert "In force" in listed.text
    shown = str([listed, await desk.open(f"/keys/{key.id}"), await world.told()])
    assert secret not in shown
    assert (await world.told())[0].startswith("API key shop backend added")


async def test_a_key_for_some_brands_alone(world: World) -> None:
    """None chosen is every brand; one that there is not is refused; the key's page names them."""
    desk = await world.desk()
    assert (
        await desk.change("/new-key", name="x", scopes=["check"], brands=["nope"])
    ).status == 422
    await desk.change("/new-key", name="shop", scopes=["check"], brands=["other"])
    (key,) = await keys(world)
    assert key.brands == ("other",)
    assert "Other" in (await desk.open(f"/keys/{key.id}")).text
    assert "for other alone" in (await world.told())[0]


async def test_a_key_for_programs_that_speak_with_twilio(world: World) -> None:
    """Its account sid and auth token are shown for copying, the token only once."""
    desk = await world.desk()
    made = await desk.change("/new-key", name="shop", scopes=["send", "read"], doors=["twilio"])
    assert made.status == 201
    account_sid, token = made.copies
    (key,) = await keys(world)
    assert key.account_sid == account_sid
    assert token == derive_token(SECRET_KEY, account_sid)
    shown = str([await desk.open("/keys"), await desk.open(f"/keys/{key.id}")])
    assert account_sid in shown
    assert token not in shown


async def test_the_page_with_the_secret_is_kept_nowhere(world: World) -> None:
    """No cache between here and the browser keeps it."""
    desk = await world.desk()
    form = (await desk.open("/new-key")).form_with("seen")
    answer = await desk.browser.post(
        "/console/settings/new-key", data={**form, "name": "x", "scopes": ["check"]}
    )
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"


async def test_the_same_form_again_makes_no_second_key(world: World) -> None:
    """A reload of the page with the secret leaves no key behind whose secret nobody has."""
    desk = await world.desk()
    await desk.change("/new-key", name="shop", scopes=["check"])
    again = await desk.change("/new-key", name="shop", scopes=["check"])
    assert again.invalid == {"name"}
    assert len(await keys(world)) == 1


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "", "scopes": ["check"]}, "Write what the key is for."),
        ({"name": "x" * 201, "scopes": ["check"]}, "at most 200"),
        ({"name": "x", "scopes": []}, "Choose what it may do."),
        ({"name": "x", "scopes": ["check", "root"]}, "Choose among these."),
    ],
)
async def test_wrong_input_loses_nothing(
    world: World, form: dict[str, str | list[str]], said: str
) -> None:
    """What is wrong is told, what was chosen stays chosen, no key is made."""
    shown = await (await world.desk()).change("/new-key", **form)
    assert shown.status == 422
    assert said in shown.text
    assert shown.value("name") == form["name"]
    kept = set(shown.form_with("seen").get("scopes", []))
    assert kept == set(form["scopes"]) & set(Scope)
    assert await keys(world) == []


async def test_revoking_asks_first_and_stays(world: World) -> None:
    """The key's page says what happens; a second time changes nothing."""
    desk = await world.desk()
    await desk.change("/new-key", name="shop", scopes=["admin"])
    (key,) = await keys(world)
    page = await desk.open(f"/keys/{key.id}")
    assert "It cannot be taken back" in page.text
    path = f"/keys/{key.id}/revoke"
    after = await desk.follow(await desk.send(page, path, {}, of="form_token"))
    assert "Saved. API key shop revoked" in after.text
    assert "Revoked now" in after.text
    (revoked,) = await keys(world)
    assert revoked.revoked_at == world.console.clock.now()
    world.console.clock.time += timedelta(hours=1)
    again = await desk.follow(await desk.send(page, path, {}, of="form_token"))
    assert "Nothing was different" in again.text
    assert await keys(world) == [revoked]
    assert "Revoke this key" not in (await desk.open(f"/keys/{key.id}")).text
    assert (await desk.change("/new-key", name="shop", scopes=["check"])).status == 201


async def test_keys_are_the_admins_of_every_brand(world: World) -> None:
    """A key serves every brand, so an admin of one makes none; compliance looks."""
    admin = await world.desk()
    await admin.change("/new-key", name="shop", scopes=["check"])
    (key,) = await keys(world)
    form = await admin.open("/new-key")
    looking = await world.desk(COMPLIANCE)
    assert "shop" in (await looking.open("/keys")).text
    assert "Revoke this key" not in (await looking.open(f"/keys/{key.id}")).text
    held = await world.desk(ACME_ADMIN)
    for path in ("/keys", f"/keys/{key.id}", "/new-key"):
        shown = await held.open(path)
        assert shown.status == 403
        assert "shop" not in shown.text
    for email in (COMPLIANCE, AGENT, ACME_ADMIN):
        desk = await world.desk(email)
        sent = await desk.send(form, "/new-key", {"name": "mine", "scopes": ["admin"]})
        assert sent.status == 403
        assert (await desk.send(form, f"/keys/{key.id}/revoke", {})).status == 403
    assert await keys(world) == [key]


async def test_a_key_that_is_not_there(world: World) -> None:
    """An old link leads to a page that says so."""
    desk = await world.desk()
    form = await desk.open("/new-key")
    assert (await desk.open("/keys/key_gone")).status == 404
    assert (await desk.send(form, "/keys/key_gone/revoke", {})).status == 404
