"""Calls to action over HTTP: made in versions, each readable as it was shown."""

import hashlib

import pytest
from api_world import World

pytestmark = pytest.mark.integration

PATH = "/v1/calls-to-action"
ASKED = {"program": "prg_ads", "heading": "Ads by text", "id": "ads"}


async def test_a_call_to_action_is_set_up_and_changed(world: World) -> None:
    """Made, listed, shown with its checklist; a change is a new version with another hash."""
    made = await world.call("POST", PATH, ASKED)
    assert made.status == 201
    assert (made.json["version"], made.json["medium"], made.json["is_open"]) == (1, "web", True)
    assert made.json["gives"] == "express_written"
    assert made.json["url"].endswith("/opt-in/ads")
    assert all(check["is_met"] for check in made.json["checks"])
    assert (await world.call("GET", PATH, key="read")).json["items"] == [made.json]
    assert (await world.call("GET", f"{PATH}/ads", key="read")).json == made.json
    told = {"frequency": "Up to 4 msgs/month"}
    changed = (await world.call("PATCH", f"{PATH}/ads", told)).json
    assert changed["version"] == 2
    assert "Up to 4 msgs/month." in changed["disclosure"]
    assert changed["sha256"] != made.json["sha256"]
    assert (await world.call("PATCH", f"{PATH}/ads", {})).json == changed
    again = await world.call("POST", PATH, ASKED)
    assert (again.status, again.json["code"]) == (409, "already_exists")


async def test_every_version_can_be_read_as_it_was_shown(world: World) -> None:
    """The newest first, page by page; the bytes have the hash that the list tells."""
    await world.call("POST", PATH, ASKED)
    for number in (2, 3):
        await world.call("PATCH", f"{PATH}/ads", {"heading": f"Ads {number}"})
    first = (await world.call("GET", f"{PATH}/ads/versions?limit=2", key="read")).json
    assert [one["version"] for one in first["items"]] == [3, 2]
    rest = await world.call("GET", f"{PATH}/ads/versions?cursor={first['next']}", key="read")
    assert [one["heading"] for one in rest.json["items"]] == ["Ads by text"]
    assert rest.json["next"] is None
    shown = await world.call("GET", f"{PATH}/ads/versions/1", key="read")
    assert hashlib.sha256(shown.body).hexdigest() == rest.json["items"][0]["sha256"]
    assert shown.headers["content-type"].startswith("text/html")
    assert "sandbox" in shown.headers["content-security-policy"]
    for version in ("4", "x", "9" * 30):
        missing = await world.call("GET", f"{PATH}/ads/versions/{version}", key="read")
        assert (missing.status, missing.json["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"program": "prg_x"}, "unknown_program"),
        ({"text": "Ads from us. STOP to stop."}, "call_to_action_incomplete"),
        ({"medium": "keyword"}, "wording_invalid"),
        ({"locale": "la"}, "invalid_body"),
        ({"id": "a b"}, "invalid_body"),
        ({"terms": "javascript:x"}, "invalid_body"),
    ],
)
async def test_what_nobody_may_be_asked_with_is_refused(
    world: World, wrong: dict[str, str], code: str
) -> None:
    """The problem's code says what is wrong, and nothing is set up."""
    refused = await world.call("POST", PATH, {**ASKED, **wrong})
    assert refused.json["code"] == code
    assert (await world.call("GET", PATH)).json["items"] == []
    assert (await world.call("GET", f"{PATH}/ads")).status == 404
