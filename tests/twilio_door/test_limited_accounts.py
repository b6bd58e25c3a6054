"""An account of ours that is limited to brands, at the door that speaks Twilio's language."""

import msgspec
import pytest
from door_world import LONG_CODE, PERSON, SERVER_KEY, World

from consentry.actions.administer import SaveBrand, SaveKey, SaveSender
from consentry.actions.make_key import ACCOUNT_BYTES, make_account
from consentry.domain.directory import Brand, Sender
from consentry.domain.reading import SenderKind
from consentry.ports import Scope

pytestmark = pytest.mark.integration

THEIRS = "+12025550188"


@pytest.fixture
async def account(world: World) -> tuple[str, str]:
    """Set up another brand, and an account for it alone; gives its sid and token."""
    await world.store.submit(SaveBrand(Brand("beta", "Beta")))
    await world.store.submit(SaveSender(Sender(THEIRS, SenderKind.LONG_CODE, "beta", "main")))
    token, key = make_account(
        "beta",
        (Scope.ADMIN,),
        secret_key=SERVER_KEY,
        randomness=b"l" * ACCOUNT_BYTES,
        now=world.services.clock.now(),
    )
    saved = await world.store.submit(SaveKey(msgspec.structs.replace(key, brands=("beta",))))
    return saved.prefix, token


async def test_it_sends_from_its_brands_numbers_alone(
    world: World, account: tuple[str, str]
) -> None:
    """A number of another brand is none of the account's, as at Twilio."""
    sid, _ = account
    await world.text("Hello", sender=THEIRS)
    await world.text("Hello")
    path = f"/2010-04-01/Accounts/{sid}/Messages.json"
    form = {"To": PERSON, "From": THEIRS, "Body": "Hello"}
    sent = await world.call("POST", path, form, auth=account)
    assert sent.status == 201
    refused = await world.call("POST", path, {**form, "From": LONG_CODE}, auth=account)
    assert refused.refusal == (400, 21606)
    one = path.replace(".json", f"/{sent.json['sid']}.json")
    assert (await world.call("GET", one, auth=account)).json["body"] == "Hello"
    canceled = await world.call("POST", one, {"Status": "canceled"}, auth=account)
    assert canceled.json["status"] == "canceled"


async def test_it_sees_no_text_of_another_brand(world: World, account: tuple[str, str]) -> None:
    """Neither listed nor by its sid; nothing is passed on for it."""
    sid, _ = account
    await world.text("Hello")
    await world.text("Hello, Beta", sender=THEIRS)
    path = f"/2010-04-01/Accounts/{sid}/Messages.json"
    listed = (await world.call("GET", path, auth=account)).json["messages"]
    assert {message["body"] for message in listed if message["direction"] == "inbound"} == {
        "Hello, Beta"
    }
    foreign = (await world.create()).json["sid"]
    one = path.replace(".json", f"/{foreign}.json")
    for method, form in (("GET", None), ("POST", {"Status": "canceled"}), ("DELETE", None)):
        assert (await world.call(method, one, form, auth=account)).refusal == (404, 20404)
    other = await world.call("GET", f"/2010-04-01/Accounts/{sid}/Calls.json", auth=account)
    assert other.refusal == (404, 20404)
