"""The rows of law and places through the API."""

import pytest
from api_world import PERSON, World

pytestmark = pytest.mark.integration


async def test_rows_are_listed_with_statute_and_source(world: World) -> None:
    """Profile, edition, every row, and which regime is in force."""
    reply = await world.call("GET", "/v1/rules", key="read")
    assert reply.status == 200
    assert reply.json["profile"] == "per-state"
    florida = next(row for row in reply.json["rows"] if row["id"] == "us-fl")
    assert (florida["start"], florida["end"], florida["cap"]) == ("08:00", "20:00", 3)
    assert florida["statute"].startswith("Fla. Stat.")
    regimes = {regime["id"]: regime["in_force"] for regime in reply.json["regimes"]}
    assert regimes == {"us-2024": True, "us-26-67": False}


async def test_a_place_is_set_and_the_rules_follow_it(world: World) -> None:
    """A Californian number that lives in Miami keeps Florida's hours, until it is taken back."""
    path = f"/v1/recipients/{PERSON}/place"
    asked = f"/v1/rules/explain?recipient={PERSON.replace('+', '%2B')}&at=2026-07-07T00:30:00Z"
    before = (await world.call("GET", asked, key="read")).json
    assert (before["is_open"], before["whereabouts"]["by"]) == (True, "prefix")
    body = {"postal_code": "33101", "reason": "told by phone"}
    placed = await world.call("PUT", path, body, key="customers")
    assert placed.status == 200
    assert placed.json["whereabouts"]["jurisdictions"] == ["US", "US-FL"]
    assert placed.json["local_times"][0].endswith(("-05:00", "-04:00"))
    after = (await world.call("GET", asked, key="read")).json
    assert (after["is_open"], after["until"]) == (False, "2026-07-07T12:00:00Z")
    assert [row["rules"] for row in after["rows"] if not row["is_open"]] == [["us-fl"]]
    shown = (await world.call("GET", path, key="read")).json
    assert (shown["postal_code"], shown["entry"]) == ("33101", placed.json["entry"])
    entries = await world.call("GET", f"/v1/recipients/{PERSON}/entries", key="read")
    assert [entry["kind"] for entry in entries.json["items"]] == ["place_changed"]
    await world.call("PUT", path, {}, key="customers")
    assert (await world.call("GET", path, key="read")).json["whereabouts"]["by"] == "prefix"


async def test_what_is_no_place_is_told(world: World) -> None:
    """422 with the code and what to do; a purpose that is no marketing is asked nothing."""
    path = f"/v1/recipients/{PERSON}/place"
    refused = await world.call("PUT", path, {"zone": "Mars/Base"}, key="customers")
    assert (refused.status, refused.json["code"]) == (422, "invalid_place")
    number = PERSON.replace("+", "%2B")
    asked = f"/v1/rules/explain?recipient={number}&purpose=conversational"
    assert (await world.call("GET", asked, key="read")).json["applies"] is False
    bad = await world.call("GET", "/v1/rules/explain?recipient=x", key="read")
    assert (bad.status, bad.json["code"]) == (400, "invalid_number")
