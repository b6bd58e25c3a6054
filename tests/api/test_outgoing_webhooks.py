"""Webhooks over HTTP: set up, tried, changed, replayed and taken away; and what they are told."""

from typing import Any

import msgspec
import pytest
from api_world import OTHER_PERSON, PERSON, World

from consentry.actions.keep_webhooks import SaveWebhook
from consentry.api.openapi import build_document
from consentry.api.table import OPERATIONS
from consentry.api.webhook_events import EXAMPLES
from consentry.domain.events import DATA_OF
from consentry.domain.webhooks import EventType
from consentry.ports import Untold
from consentry.wire.webhook_address import RetryCause
from fake_webhooks import FakePosting

pytestmark = pytest.mark.integration

PATH = "/v1/webhooks"
NEW = {"url": "https://shop.example.com/x", "events": ["consent.revoked"], "description": "Shop"}


async def add(world: World, **fields: object) -> dict[str, Any]:
    """Set a webhook up."""
    made = await world.call("POST", PATH, {**NEW, **fields})
    assert made.status == 201, made.json
    shown: dict[str, Any] = made.json
    return shown


async def test_a_webhook_is_set_up_changed_and_taken_away(world: World) -> None:
    """The secret is in one answer and nowhere else."""
    made = await add(world)
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made.items() >= {**NEW, "enabled": True, "brands": [], "last": None}.items()
    path = f"{PATH}/{made['id']}"
    assert (await world.call("GET", path)).json == made
    assert (await world.call("GET", PATH)).json == {"items": [made], "next": None}
    changed = await world.call("PATCH", path, {"enabled": False, "brands": ["brd_a"]})
    assert (changed.json["enabled"], changed.json["brands"]) == (False, ["brd_a"])
    assert changed.json["url"] == NEW["url"]
    rotated = (await world.call("POST", f"{path}/rotate-secret")).json["secret"]
    assert rotated.startswith("whsec_")
    assert rotated != secret
    assert (await world.call("DELETE", path)).status == 204
    for method, what in (("GET", path), ("DELETE", path), ("POST", f"{path}/test")):
        assert (await world.call(method, what)).json["code"] == "not_found"
    assert (await world.call("GET", PATH)).json["items"] == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"url": "https://127.0.0.1/x"}, "invalid_url"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "invalid_url"),
        ({"url": "https://2130706433/"}, "invalid_url"),
        ({"url": "https://user:pass@shop.example.com/"}, "invalid_url"),
        ({"url": "ftp://shop.example.com/"}, "invalid_body"),
        ({"brands": ["brd_none"]}, "unknown_brand"),
        ({"events": ["webhook.test"]}, "unknown_event"),
        ({"events": ["consent.given"]}, "invalid_body"),
    ],
)
async def test_what_may_not_be_is_refused(
    world: World, fields: dict[str, object], code: str
) -> None:
    """An address that only this server can reach above all."""
    reply = await world.call("POST", PATH, {**NEW, **fields})
    assert reply.json["code"] == code
    assert (await world.call("GET", PATH)).json["items"] == []


async def test_only_an_admin_may(world: World) -> None:
    """Who may read texts may not have them sent elsewhere."""
    for key in ("read", "send", "consent"):
        assert (await world.call("POST", PATH, NEW, key=key)).json["code"] == "scope_missing"
        assert (await world.call("GET", PATH, key=key)).json["code"] == "scope_missing"


async def test_a_test_event_tells_what_came_of_it(world: World) -> None:
    """Whether it was taken, what was answered, and why not."""
    path = f"{PATH}/{(await add(world))['id']}/test"
    ways = world.services.webhook_ways
    assert ways is not None
    posting = ways.posting
    assert isinstance(posting, FakePosting)
    assert (await world.call("POST", path)).json == {"taken": True, "status": 204, "why": None}
    posting.answer = Untold("No connection.", RetryCause.CONNECT)
    told = (await world.call("POST", path)).json
    assert told == {"taken": False, "status": None, "why": "No connection."}
    assert {notice.event for _, notice in posting.posted} == {EventType.TEST}


async def switch_off(world: World, webhook_id: str) -> None:
    """Switch a webhook off as we do ourselves, so that what follows is kept as failed."""
    known = (await world.store.read_directory()).webhooks[webhook_id]
    off = msgspec.structs.replace(known, enabled=False, disabled_because="It is gone.")
    await world.store.submit(SaveWebhook(off))


async def revoke(world: World, person: str) -> None:
    """Let a consent be withdrawn."""
    asked = {"recipient": person, "program": "prg_news", "reason": "told by phone"}
    evidence = {"medium": "phone"}
    for action in ("grant", "revoke"):
        body = {**asked, "action": action, "evidence": evidence}
        reply = await world.call("POST", "/v1/consents", body, key="consent")
        assert reply.status in (200, 201), reply.json


async def test_what_could_not_be_told_is_listed_and_replayed(world: World) -> None:
    """One, or all of a time; of a webhook that is switched on."""
    webhook = (await add(world))["id"]
    await switch_off(world, webhook)
    await revoke(world, PERSON)
    world.clock.advance(3600)
    since = world.clock.now().isoformat()
    await revoke(world, OTHER_PERSON)
    listed = (await world.call("GET", f"{PATH}/{webhook}/deliveries")).json["items"]
    assert [(one["recipient"], one["status"], one["why"]) for one in listed] == [
        (OTHER_PERSON, "failed", "It is gone."),
        (PERSON, "failed", "It is gone."),
    ]
    assert {one["event"] for one in listed} == {"consent.revoked"}
    page = (await world.call("GET", "/v1/webhook-deliveries?limit=1")).json
    rest = await world.call("GET", f"/v1/webhook-deliveries?limit=1&cursor={page['next']}")
    assert [*page["items"], *rest.json["items"]] == listed
    assert rest.json["next"] is None
    one = f"/v1/webhook-deliveries/{listed[1]['id']}/replay"
    everything = f"{PATH}/{webhook}/replay"
    for path, body in ((one, None), (everything, {})):
        assert (await world.call("POST", path, body)).json["code"] == "webhook_disabled"
    await world.call("PATCH", f"{PATH}/{webhook}", {"enabled": True})
    assert (await world.call("POST", everything, {"since": since})).json == {"replayed": 1}
    assert (await world.call("POST", one)).json == {"replayed": 1}
    assert (await world.call("POST", one)).json["code"] == "not_failed"
    gone = await world.call("POST", "/v1/webhook-deliveries/evt_none/replay")
    assert gone.json["code"] == "not_found"
    assert (await world.call("GET", f"{PATH}/{webhook}/deliveries")).json["items"] == []
    waiting = await world.call("GET", f"{PATH}/{webhook}/deliveries?status=waiting")
    assert [item["attempts"] for item in waiting.json["items"]] == [0, 0]
    assert all(item["replayed_at"] and item["due_at"] for item in waiting.json["items"])


@pytest.mark.parametrize("event", list(EventType))
def test_each_event_stands_in_the_document_with_an_example_of_its_shape(event: EventType) -> None:
    """What is told is the type that the schema was made from."""
    document = build_document(OPERATIONS)
    told = document["webhooks"][str(event)]["post"]["requestBody"]["content"]["application/json"]
    example = told["example"]
    assert example["type"] == told["schema"]["properties"]["type"]["const"] == event
    assert msgspec.convert(example["data"], DATA_OF[event]) == EXAMPLES[event]
    named = told["schema"]["properties"]["data"]["$ref"].rpartition("/")[2]
    schema = document["components"]["schemas"][named]
    assert set(example["data"]) == set(schema["properties"])
