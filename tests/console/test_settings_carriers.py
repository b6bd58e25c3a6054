"""Settings, carrier accounts: secrets go in, are replaced, and are never seen again."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from accounts import LONG_CODE
from settings_world import ACCOUNT, ACME_ADMIN, AGENT, COMPLIANCE, SECOND_ADMIN, World, open_world

from consentry.ports import CarrierAccount

pytestmark = pytest.mark.integration

NEW = {
    "kind": "twilio",
    "id": "second",
    "account": "AC2",
    "secret": "s3cret-token",
    "base_url": "https://api.twilio.com",
    "key_id": "SK1",
    "key_secret": "k3y-secret",
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A company with one carrier account."""
    async with open_world(tmp_path) as made:
        yield made


async def stored(world: World, account: str = "fake") -> CarrierAccount:
    return {a.id: a for a in await world.console.store.read_carriers()}[account]


async def test_an_account_is_added_and_its_secrets_stay_inside(world: World) -> None:
    """The audit and the pages tell of the account, never of a secret."""
    desk = await world.desk()
    after = await desk.follow(await desk.change("/new-carrier?kind=twilio", **NEW))
    assert "Saved. Carrier account second added" in after.text
    assert await stored(world, "second") == CarrierAccount(
        "second", "twilio", "AC2", "s3cret-token", "https://api.twilio.com", "SK1", "k3y-secret"
    )
    page = await desk.open("/carriers/second")
    shown = str([after.text, page.text, page.forms, await world.told()])
    assert "s3cret" not in shown
    assert "k3y" not in shown
    assert "consentry carrier test second" in page.text


async def test_a_secret_that_is_not_typed_stays(world: World) -> None:
    """Another change leaves it; a new one replaces it, and the audit says only that."""
    desk = await world.desk()
    await desk.change("/carriers/fake", account="AC9")
    assert await stored(world) == msgspec.structs.replace(ACCOUNT, account="AC9")
    after = await desk.follow(await desk.change("/carriers/fake", secret="another"))
    assert "secret changed" in after.text
    assert "another" not in after.text
    assert (await stored(world)).secret == "another"


async def test_a_key_goes_with_its_id(world: World) -> None:
    """A key secret is kept while its id is there, and forgotten with it."""
    desk = await world.desk()
    await desk.change("/carriers/fake", key_id="SK1", key_secret="k1")
    await desk.change("/carriers/fake", account="AC9")
    assert (await stored(world)).key_secret == "k1"
    await desk.change("/carriers/fake", key_id="")
    assert await stored(world) == msgspec.structs.replace(ACCOUNT, account="AC9")


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"id": ""}, {"id"}),
        ({"id": "a/b"}, {"id"}),
        ({"id": "fake"}, {"id"}),
        ({"account": ""}, {"account"}),
        ({"secret": ""}, {"secret"}),
        ({"secret": "with space"}, {"secret"}),
        ({"base_url": "https://api.twilio.com/"}, {"base_url"}),
        ({"base_url": "https://SPACE.example.com"}, {"base_url"}),
        ({"base_url": "javascript:x", "key_id": "ключ"}, {"base_url", "key_id"}),
    ],
)
async def test_wrong_input_keeps_what_was_typed_but_secrets(
    world: World, changed: dict[str, str], wrong: set[str]
) -> None:
    """Fields keep what was typed; secrets are not sent back, and the page says so."""
    typed = {**NEW, **changed}
    shown = await (await world.desk()).change("/new-carrier?kind=twilio", **typed)
    assert shown.status == 422
    secrets = {name for name in ("secret", "key_secret") if typed[name]}
    assert shown.invalid == wrong | secrets
    for name in ("id", "account", "base_url", "key_id"):
        assert shown.value(name) == typed[name]
    assert {shown.value("secret"), shown.value("key_secret")} == {""}
    assert "Type it again" in shown.text
    assert [account.id for account in await world.console.store.read_carriers()] == ["fake"]


async def test_the_carrier_is_chosen_first(world: World) -> None:
    """Each carrier asks for its own; of one that there is not nothing is kept."""
    desk = await world.desk()
    listed = await desk.open("/new-carrier")
    assert "/console/settings/new-carrier?kind=twilio" in listed.links
    form = await desk.open("/new-carrier?kind=twilio")
    assert form.value("base_url") == "https://api.twilio.com"
    sent = await desk.send(form, "/new-carrier", {**NEW, "kind": "pigeon"})
    assert sent.status == 404
    assert [account.id for account in await world.console.store.read_carriers()] == ["fake"]


async def test_a_stale_form_is_told(world: World) -> None:
    """What another admin saved meanwhile stands beside the field."""
    first, second = await world.desk(), await world.desk(SECOND_ADMIN)
    mine = await first.open("/carriers/fake")
    await second.change("/carriers/fake", account="AC7")
    told = await first.send(mine, "/carriers/fake", {"base_url": "https://x.example"})
    assert "Stored now: AC7" in told.text
    assert (await stored(world)).base_url == ACCOUNT.base_url


async def test_accounts_concern_every_brand(world: World) -> None:
    """Compliance looks; an admin of one brand neither looks nor changes."""
    form = await (await world.desk()).open("/carriers/fake")
    shown = await (await world.desk(COMPLIANCE)).open("/carriers/fake")
    assert shown.disabled == {"account", "secret", "base_url", "key_id", "key_secret"}
    held = await world.desk(ACME_ADMIN)
    for path in ("/carriers", "/carriers/fake", "/new-carrier"):
        page = await held.open(path)
        assert page.status == 403
        assert "AC1" not in page.text
    for email in (ACME_ADMIN, COMPLIANCE, AGENT):
        desk = await world.desk(email)
        assert (await desk.send(form, "/carriers/fake", {"account": "AC3"})).status == 403
        assert (await desk.send(form, "/new-carrier", NEW)).status == 403
    assert await stored(world) == ACCOUNT


async def test_a_carrier_that_posts_nothing_is_told_of_as_what_it_is(world: World) -> None:
    """An SMSC is added by its own kind of address; nothing is said of webhooks, nor to paste."""
    desk = await world.desk()
    form = await desk.open("/new-carrier?kind=smpp")
    assert form.value("base_url") == "smpp://localhost:2775"
    assert "webhooks" not in form.text
    smsc = {"id": "smsc", "account": "us", "secret": "ours"}
    address = "smpps://smsc.example.net:3550"
    await desk.change("/new-carrier?kind=smpp", **smsc, base_url=address, country_code="1")
    kept = await stored(world, "smsc")
    assert (kept.base_url, kept.more) == (address, {"country_code": "1"})
    await desk.change(f"/senders/{LONG_CODE.number}", carrier="smsc")
    page = await desk.open(f"/senders/{LONG_CODE.number}")
    assert "keeps a connection to SMPP 3.4" in page.text
    assert "Paste" not in page.text
