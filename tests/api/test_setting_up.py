"""Brands, programs, senders, carriers, keywords: setting up over HTTP."""

from dataclasses import replace

import msgspec
import pytest
from api_world import LONG_CODE, TOLL_FREE, World

from consentry.api.app import build_api

pytestmark = pytest.mark.integration

FRAGMENT = "#rc=5&rp=ct,rt,5xx"


async def test_a_brand(world: World) -> None:
    """A brand is made, shown, listed and changed; null clears its contact."""
    made = await world.call("POST", "/v1/brands", {"name": "Müller", "contact": "m@example.org"})
    assert made.status == 201
    path = f"/v1/brands/{made.json['id']}"
    assert (await world.call("GET", path, key="read")).json == made.json
    changed = await world.call("PATCH", path, {"contact": None})
    assert changed.json == {**made.json, "contact": None}
    listed = (await world.call("GET", "/v1/brands", key="read")).json
    assert changed.json in listed["items"]
    assert (await world.call("PATCH", path, {})).json == changed.json


async def test_a_program(world: World) -> None:
    """A program is made for a brand and renamed; its purpose is what people consented to."""
    asked = {"brand": "brd_a", "purpose": "marketing", "name": "Offers"}
    made = await world.call("POST", "/v1/programs", asked)
    assert made.status == 201
    path = f"/v1/programs/{made.json['id']}"
    assert (await world.call("PATCH", path, {"name": "Deals"})).json["name"] == "Deals"
    assert (await world.call("GET", path)).json["name"] == "Deals"
    assert (await world.call("PATCH", path, {})).status == 200
    reply = await world.call("PATCH", path, {"purpose": "informational"})
    assert (reply.status, reply.json["code"]) == (422, "invalid_body")
    listed = (await world.call("GET", "/v1/programs")).json["items"]
    assert {p["id"] for p in listed} == {"prg_news", "prg_ads", made.json["id"]}
    for wrong in ({**asked, "purpose": "conversational"}, {**asked, "name": " "}):
        assert (await world.call("POST", "/v1/programs", wrong)).status == 422
    told = {"frequency": "up to 4 msgs/month", "terms_url": "https://a.example/t", "enabled": False}
    changed = (await world.call("PATCH", path, told)).json
    assert changed.items() >= {**told, "name": "Deals", "recurring": True}.items()
    assert (await world.call("PATCH", path, {"frequency": None})).json["frequency"] is None
    for wrong, code in (
        ({"terms_url": "x"}, "invalid_body"),
        ({"sender": "+1"}, "sender_not_set_up"),
    ):
        assert (await world.call("PATCH", path, wrong)).json["code"] == code
    assert (await world.call("DELETE", path)).status == 405
    reply = await world.call("POST", "/v1/programs", {**asked, "brand": "brd_x"})
    assert (reply.status, reply.json["code"]) == (404, "unknown_brand")


async def test_a_sender_says_what_to_paste_and_who_answers(world: World) -> None:
    """A sender shows its webhook address with the retry fragment, and who answers a keyword."""
    asked = {
        "number": "(202) 555-0188",
        "kind": "long_code",
        "brand": "brd_a",
        "carrier": "fake",
        "replies": {"initial": "Hi from {brand}"},
    }
    made = await world.call("POST", "/v1/senders", asked)
    assert made.status == 201
    assert made.json["number"] == "+12025550188"
    assert made.json["webhook_url"] == f"http://api.example/carriers/fake/inbound{FRAGMENT}"
    assert made.json["who_answers"] == {
        "opt_out": "carrier",
        "opt_in": "carrier",
        "help": "carrier",
    }
    assert made.json["conversation"] == "conversation:+12025550188"
    again = await world.call("POST", "/v1/senders", asked)
    assert (again.status, again.json["code"]) == (409, "already_exists")
    short = {"number": "55555", "kind": "short_code", "brand": "brd_a", "carrier": "fake"}
    made = await world.call("POST", "/v1/senders", short)
    assert made.json["who_answers"] == {"opt_out": "ours", "opt_in": "ours", "help": "ours"}
    listed = (await world.call("GET", "/v1/senders", key="read")).json["items"]
    assert {s["number"] for s in listed} == {LONG_CODE, TOLL_FREE, "+12025550188", "55555"}


async def test_the_public_url_is_in_the_address(world: World) -> None:
    """With a public URL the webhook address is below it, whatever the request's host."""
    world.api = build_api(replace(world.services, public_url="https://sms.example.org"))
    reply = await world.call("GET", f"/v1/senders/{LONG_CODE}")
    assert reply.json["webhook_url"] == f"https://sms.example.org/carriers/fake/inbound{FRAGMENT}"


async def test_only_twilio_reads_what_stands_behind_the_address(world: World) -> None:
    """Others are given the address alone: some would not take it with a fragment."""
    asked = {
        "kind": "signalwire",
        "account": "446e9986",
        "secret": "PSK",
        "key_secret": "PT",
        "base_url": "https://example.signalwire.com",
    }
    account = (await world.call("POST", "/v1/carriers", asked)).json
    assert account["inbound_url"] == f"http://api.example/carriers/{account['id']}/inbound"
    assert account["status_url"] == f"http://api.example/carriers/{account['id']}/status"
    sender = {"number": "+12025550188", "kind": "long_code", "brand": "brd_a"}
    made = await world.call("POST", "/v1/senders", {**sender, "carrier": account["id"]})
    assert made.json["webhook_url"] == account["inbound_url"]


async def test_a_sender_changes(world: World) -> None:
    """A change touches what it names: enabled, rate, service, one wording of the replies."""
    path = f"/v1/senders/{LONG_CODE}"
    changes: list[dict[str, object]] = [
        {"enabled": False},
        {"messages_per_second": 2.5},
        {"messaging_service_sid": "MG1"},
        {"messaging_service_sid": None},
        {"replies": {"initial": "Hello"}},
        {"replies": {"help": "Ask us"}},
        {"replies": {"initial": None}},
        {"brand": "brd_a", "carrier": "fake"},
    ]
    for change in changes:
        assert (await world.call("PATCH", path, change)).status == 200
    shown = (await world.call("GET", path)).json
    assert shown["enabled"] is False
    assert shown["messages_per_second"] == 2.5
    assert shown["messaging_service_sid"] is None
    assert shown["replies"] == {"initial": None, "opt_out": None, "opt_in": None, "help": "Ask us"}
    await world.text("Hello")
    text = {"sender": LONG_CODE, "recipient": "+14155550142", "body": "Hi"}
    reply = await world.call("POST", "/v1/messages", text)
    assert (reply.status, reply.json["code"]) == (403, "sender_disabled")


async def test_a_sender_has_a_program(world: World) -> None:
    """Set up with it or given one later, and shown; null takes it away again."""
    program = {"inbound_url": "http://127.0.0.1:5000/sms#rc=2", "inbound_account": "AC1"}
    asked = {"number": "+12025550188", "kind": "long_code", "brand": "brd_a", "carrier": "fake"}
    made = await world.call("POST", "/v1/senders", {**asked, **program})
    assert {name: made.json[name] for name in program} == program
    path = f"/v1/senders/{LONG_CODE}"
    assert (await world.call("GET", path)).json["inbound_url"] is None
    changed = await world.call("PATCH", path, program)
    assert {name: changed.json[name] for name in program} == program
    kept = await world.call("PATCH", path, {"enabled": True, "inbound_account": None})
    assert (kept.json["inbound_url"], kept.json["inbound_account"]) == (
        program["inbound_url"],
        None,
    )
    gone = await world.call("PATCH", path, {"inbound_url": None})
    assert gone.json["inbound_url"] is None
    refused = await world.call("PATCH", path, {"inbound_url": "shop.example/sms"})
    assert (refused.status, refused.json["code"]) == (422, "invalid_inbound_url")
    assert "shop.example/sms" in refused.json["detail"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"number": "12"}, 400, "invalid_number"),
        ({"number": "12", "kind": "short_code"}, 422, "invalid_sender"),
        ({"number": "123456789012", "kind": "alphanumeric"}, 422, "invalid_sender"),
        ({"kind": "pigeon"}, 422, "invalid_body"),
        ({"brand": "brd_x"}, 404, "unknown_brand"),
        ({"carrier": "car_x"}, 404, "unknown_carrier"),
        ({"messages_per_second": 0}, 422, "invalid_body"),
        ({"messages_per_second": 1e400}, 422, "invalid_body"),
        ({"replies": {"initial": "x" * 301}}, 422, "invalid_body"),
        ({"inbound_url": ""}, 422, "invalid_body"),
        ({"inbound_url": "ftp://shop.example"}, 422, "invalid_inbound_url"),
        ({"inbound_url": "http://shop.example#rc=6"}, 422, "invalid_inbound_url"),
    ],
)
async def test_a_sender_that_does_not_fit(
    world: World, changes: dict[str, object], status: int, code: str
) -> None:
    """A wrong sender says what is wrong."""
    asked = {"number": "+12025550188", "kind": "long_code", "brand": "brd_a", "carrier": "fake"}
    body = {**asked, **changes}
    raw = msgspec.json.encode(body).replace(b"null", b"1e400") if 1e400 in body.values() else None
    reply = await world.call("POST", "/v1/senders", body, raw=raw)
    assert (reply.status, reply.json["code"]) == (status, code)


async def test_carrier_secrets_go_in_and_never_out(world: World) -> None:
    """No answer about a carrier holds its secrets, not on making, changing or listing."""
    asked = {
        "kind": "twilio",
        "account": "AC2",
        "secret": "token-one",
        "key_id": "SK1",
        "key_secret": "token-two",
    }
    made = await world.call("POST", "/v1/carriers", asked)
    assert made.status == 201
    assert made.json["base_url"] == "https://api.twilio.com"
    path = f"/v1/carriers/{made.json['id']}"
    assert (
        made.json["inbound_url"]
        == f"http://api.example/carriers/{made.json['id']}/inbound{FRAGMENT}"
    )
    changed = await world.call("PATCH", path, {"secret": "token-three", "key_id": None})
    assert changed.json["key_id"] is None
    listed = await world.call("GET", "/v1/carriers")
    shown = await world.call("GET", path)
    for reply in (made, changed, listed, shown):
        assert b"token-" not in reply.body
        assert b"secret token" not in reply.body
    stored = {a.id: a for a in await world.store.read_carriers()}[made.json["id"]]
    assert (stored.secret, stored.key_secret) == ("token-three", "token-two")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"id": "fake"}, 409, "already_exists"),
        ({"id": "a/b"}, 422, "invalid_body"),
        ({"kind": "pigeon"}, 422, "invalid_body"),
        ({"base_url": "ftp://x"}, 422, "invalid_body"),
        ({"base_url": "https://x/path?y"}, 422, "invalid_body"),
        ({"secret": "with space"}, 422, "invalid_body"),
        ({"secret": ""}, 422, "invalid_body"),
    ],
)
async def test_a_carrier_that_does_not_fit(
    world: World, changes: dict[str, object], status: int, code: str
) -> None:
    """A wrong account says what is wrong."""
    asked = {"kind": "twilio", "account": "AC2", "secret": "token", **changes}
    reply = await world.call("POST", "/v1/carriers", asked)
    assert (reply.status, reply.json["code"]) == (status, code)


@pytest.mark.parametrize("kind", ["brands", "programs", "senders", "carriers"])
@pytest.mark.parametrize("name", ["missing", "%00", "x" * 300])
async def test_what_is_not_there(world: World, kind: str, name: str) -> None:
    """Reading or changing what is not set up is 404."""
    for method, body in (("GET", None), ("PATCH", {})):
        reply = await world.call(method, f"/v1/{kind}/{name}", body)
        assert (reply.status, reply.json["code"]) == (404, "not_found")


async def test_the_keyword_profiles_are_data(world: World) -> None:
    """GET /v1/keywords lists the profiles by carrier, kind of sender and date."""
    listed = (await world.call("GET", "/v1/keywords", key="read")).json
    assert listed["next"] is None
    now = [p for p in listed["items"] if p["carrier"] == "twilio" and p["until"] is None]
    (long_code,) = [p for p in now if "long_code" in p["kinds"]]
    (row,) = [row for row in long_code["rows"] if row["word"] == "opt_out"]
    assert {"STOP", "REVOKE", "OPTOUT"} <= set(row["texts"])


@pytest.mark.parametrize(
    ("asked", "carrier", "legal"),
    [
        ({"text": "STOP"}, "opt_out", "opt_out"),
        ({"text": "STOP."}, "none", "opt_out"),
        ({"text": "YES", "kind": "toll_free"}, "none", "none"),
        ({"text": "STOP", "kind": "short_code"}, "none", "opt_out"),
        ({"text": "Hello", "carrier": "telnyx"}, "none", "none"),
        ({"text": ""}, "none", "none"),
    ],
)
async def test_both_readers_read(
    world: World, asked: dict[str, object], carrier: str, legal: str
) -> None:
    """POST /v1/read says what the carrier did with a text, and what the person meant."""
    reply = await world.call("POST", "/v1/read", asked, key="read")
    assert (reply.json["carrier"], reply.json["legal"]) == (carrier, legal)
    assert reply.json["text"] == asked["text"]
    assert reply.json["carrier_reading"]["word"] == carrier
    assert reply.json["legal_reading"]["meaning"] == legal
