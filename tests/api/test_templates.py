"""Named wordings over HTTP, each with what the linter finds in it."""

import pytest
from api_world import LONG_CODE, PERSON, World

pytestmark = pytest.mark.integration

BODY = "{brand}: 20% off on Friday, see bit.ly/x. Reply STOP to opt out."
NEW = {"brand": "brd_a", "name": "Friday sale", "kind": "marketing", "body": BODY}


async def test_a_wording_is_kept_judged_changed_and_taken_away(world: World) -> None:
    """It shows its size and its warnings; deleted it is found no more."""
    made = await world.call("POST", "/v1/templates", NEW)
    assert made.status == 201
    assert made.json.items() >= {**NEW, "segments": 1, "encoding": "GSM-7"}.items()
    assert [one["rule"] for one in made.json["findings"]] == ["no_short_link"]
    path = f"/v1/templates/{made.json['id']}"
    assert (await world.call("GET", path, key="read")).json == made.json
    changed = await world.call("PATCH", path, {"name": "Sale", "body": BODY.replace("20", "25")})
    assert (changed.json["name"], "25%" in changed.json["filled"]) == ("Sale", True)
    assert (await world.call("PATCH", path, {})).json["name"] == "Sale"
    listed = (await world.call("GET", "/v1/templates", key="read")).json
    assert [one["id"] for one in listed["items"]] == [made.json["id"]]
    assert (await world.call("DELETE", path)).status == 204
    assert (await world.call("GET", "/v1/templates")).json["items"] == []
    for method in ("GET", "DELETE"):
        assert (await world.call(method, path)).json["code"] == "not_found"


async def test_what_may_not_go_out_is_refused(world: World) -> None:
    """With a code for programs and a sentence for people."""
    for change, status, code in (
        ({"body": "20% off"}, 422, "wording_invalid"),
        ({"brand": "brd_x"}, 404, "unknown_brand"),
        ({"kind": "poem"}, 422, "invalid_body"),
        ({"name": " "}, 422, "invalid_body"),
        ({"body": " "}, 422, "invalid_body"),
    ):
        reply = await world.call("POST", "/v1/templates", {**NEW, **change})
        assert (reply.status, reply.json["code"]) == (status, code), change


async def test_a_wording_is_judged_without_being_kept(world: World) -> None:
    """Errors and warnings with their sources; a program's own name counts for it."""
    asked = {"brand": "brd_a", "kind": "opt_in_request", "body": "Reply YES to get Offers."}
    found = (await world.call("POST", "/v1/templates/lint", asked, key="read")).json
    rules = {one["rule"]: one["level"] for one in found["findings"]}
    assert rules["names_program"] == rules["tells_how_to_stop"] == "error"
    assert rules["rates"] == "warning"
    assert all(one["source"] for one in found["findings"])
    program = {"brand": "brd_a", "purpose": "marketing", "name": "Offers"}
    made = (await world.call("POST", "/v1/programs", program)).json
    named = await world.call("POST", "/v1/templates/lint", {**asked, "program": made["id"]})
    assert "names_program" not in {one["rule"] for one in named.json["findings"]}
    for wrong, code in (({"program": "x"}, "unknown_program"), ({"brand": "x"}, "unknown_brand")):
        reply = await world.call("POST", "/v1/templates/lint", {**asked, **wrong})
        assert (reply.status, reply.json["code"]) == (404, code)
    assert (await world.call("GET", "/v1/templates")).json["items"] == []


async def test_a_text_is_worded_by_a_template(world: World) -> None:
    """Filled in with the program's values, for what the template is for; holes are refused."""
    talk = {**NEW, "kind": "conversational", "name": "Left", "body": "{brand}: {order} left."}
    made = (await world.call("POST", "/v1/templates", talk)).json
    help_ = {**NEW, "kind": "help_reply", "body": "{brand}: call 202 555 0100. Reply STOP to end."}
    ours = (await world.call("POST", "/v1/templates", help_)).json
    await world.text("Hello")
    asked = {"sender": LONG_CODE, "recipient": PERSON, "template": made["id"]}
    sent = await world.call("POST", "/v1/messages", {**asked, "values": {"order": "Order 7"}})
    assert sent.status == 202, sent.json
    message = (await world.call("GET", f"/v1/messages/{sent.json['id']}")).json
    brand = (await world.call("GET", "/v1/brands/brd_a")).json["name"]
    assert (message["body"], message["purpose"]) == (f"{brand}: Order 7 left.", "conversational")
    for change, code in (
        ({}, "template_unusable"),
        ({"values": {"order": "7"}, "body": "Hi"}, "template_unusable"),
        ({"values": {"order": "7"}, "purpose": "marketing"}, "template_unusable"),
        ({"template": ours["id"]}, "template_unusable"),
        ({"template": "none"}, "unknown_template"),
    ):
        reply = await world.call("POST", "/v1/messages", {**asked, **change})
        assert reply.json["code"] == code, change
