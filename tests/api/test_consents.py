"""POST /v1/consents, /v1/suppressions and the SMS tag: what programs may and may not change."""

from datetime import datetime, timedelta

import pytest
from api_world import LONG_CODE, PERSON, World

from consentry.domain.reasons import OPTED_OUT_SENTENCE

pytestmark = pytest.mark.integration

CONVERSATION = f"conversation:{LONG_CODE}"


def statement(action: str = "grant", **changes: object) -> dict[str, object]:
    return {
        "recipient": PERSON,
        "program": "prg_news",
        "action": action,
        "reason": "Told us at the counter",
        "evidence": {"medium": "paper", "note": "Form 1142"},
        **changes,
    }


async def decision(world: World, **changes: object) -> object:
    asked = {"sender": LONG_CODE, "recipient": PERSON, **changes}
    return (await world.call("POST", "/v1/check", asked)).json["reason"]


async def test_a_typed_in_grant_is_pending(world: World) -> None:
    """A grant from paper is kept with its evidence, and pending until the handset speaks."""
    reply = await world.call("POST", "/v1/consents", statement(), key="consent")
    assert reply.status == 201
    assert reply.json["state"] == "pending"
    assert "handset" in reply.json["note"]
    assert await decision(world, program="prg_news") == "consent_pending"
    entries = await world.call("GET", f"/v1/recipients/{PERSON}/entries")
    (entry,) = entries.json["items"]
    assert entry["id"] == reply.json["entry"]
    assert entry["evidence"] == {"medium": "paper", "note": "Form 1142"}
    assert entry["actor"] == {"kind": "key", "id": "key_consent"}


async def test_a_request_asks_the_handset_once(world: World) -> None:
    """It is pending until then, says until when, and a second request sends nothing."""
    reply = await world.call("POST", "/v1/consents", statement("request"), key="consent")
    assert (reply.status, reply.json["state"]) == (201, "pending")
    asked = await world.call("GET", f"/v1/messages/{reply.json['message']}")
    assert asked.json["kind"] == "opt_in_request"
    assert "reply YES to get Weekly offers" in asked.json["body"]
    again = await world.call("POST", "/v1/consents", statement("request"))
    assert (again.status, again.json["message"]) == (201, None)
    assert "Asked already" in again.json["note"]
    shown = (await world.call("GET", f"/v1/recipients/{PERSON}")).json
    (consent,) = shown["consents"]
    until = (world.clock.time + timedelta(hours=48)).isoformat().replace("+00:00", "Z")
    assert (consent["state"], consent["answer_by"]) == ("pending", until)
    world.clock.advance(48 * 3600)
    shown = (await world.call("GET", f"/v1/recipients/{PERSON}")).json
    assert shown["consents"][0]["state"] == "expired"


async def test_a_grant_by_text_is_active(world: World) -> None:
    """A grant that the handset itself sent is active at once, with its level and end."""
    told = statement(
        evidence={"medium": "text", "verbatim": "JOIN", "at": "2026-04-30T23:00:00-05:00"},
        level="express",
        expires_at="2027-01-01T00:00:00+01:00",
    )
    reply = await world.call("POST", "/v1/consents", told)
    assert (reply.status, reply.json["state"]) == (201, "active")
    assert await decision(world, program="prg_news") is None
    shown = (await world.call("GET", f"/v1/recipients/{PERSON}")).json
    (consent,) = [c for c in shown["consents"] if c["program"] == "prg_news"]
    assert consent["since"] == "2026-05-01T04:00:00Z"
    assert consent["expires_at"] == "2026-12-31T23:00:00Z"


async def test_a_grant_against_an_opt_out_waits_for_the_person(world: World) -> None:
    """While the person's STOP stands, a grant is pending_carrier and says what to text."""
    await world.text("STOP")
    world.clock.advance(1)
    reply = await world.call("POST", "/v1/consents", statement())
    assert reply.json["state"] == "pending_carrier"
    assert f"START to {LONG_CODE}" in reply.json["note"]
    assert await decision(world, program="prg_news") == "opted_out"


async def test_a_withdrawal_counts_at_once(world: World) -> None:
    """A revocation stops the conversation with the exact sentence, and waits for what is out."""
    await world.text("Hello")
    told = statement("revoke", program=CONVERSATION, evidence={"medium": "phone"})
    reply = await world.call("POST", "/v1/consents", told)
    assert (reply.status, reply.json["state"]) == (201, "revoked")
    assert world.delivery.waited[-1] == ()
    assert await decision(world) == "opted_out"
    await world.text("START")
    assert await decision(world) is None


async def test_a_program_takes_back_only_its_own_withdrawal(world: World) -> None:
    """A withdrawal is the person's unless the company says it is its own: then a grant lifts it."""
    await world.text("Hello")
    ours = {**statement("revoke", program=CONVERSATION, evidence=None), "by_person": False}
    await world.call("POST", "/v1/consents", ours)
    assert await decision(world) == "opted_out"
    world.clock.advance(1)
    by_text = statement(program=CONVERSATION, evidence={"medium": "text", "verbatim": "Hi again"})
    reply = await world.call("POST", "/v1/consents", by_text)
    assert reply.json["state"] == "active"
    assert await decision(world) is None
    world.clock.advance(1)
    theirs = statement("revoke", program=CONVERSATION, evidence=None)
    await world.call("POST", "/v1/consents", theirs)
    world.clock.advance(1)
    reply = await world.call("POST", "/v1/consents", by_text)
    assert reply.json["state"] == "pending_carrier"
    assert await decision(world) == "opted_out"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"recipient": "nobody"}, 400, "invalid_number"),
        ({"program": "prg_missing"}, 404, "unknown_program"),
        ({"evidence": None}, 422, "evidence_missing"),
        ({"level": "express_written"}, 422, "evidence_missing"),
        ({"evidence": {"medium": "text", "verbatim": "STOP"}}, 422, "not_a_consent"),
        ({"action": "request", "call_to_action": "poster"}, 404, "unknown_call_to_action"),
        ({"action": "request", "program": CONVERSATION}, 422, "conversation_is_built_in"),
        ({"action": "request", "evidence": None}, 422, "evidence_missing"),
        ({"action": "Grant"}, 422, "invalid_body"),
        ({"reason": ""}, 422, "invalid_body"),
        ({"reason": "  "}, 422, "invalid_body"),
        ({"evidence": {"medium": "rumour"}}, 422, "invalid_body"),
        ({"evidence": {"medium": "web", "at": "2026-05-01T12:00:00"}}, 422, "invalid_body"),
        ({"evidence": {"medium": "web", "at": "9999-12-31T23:59:59-09:00"}}, 422, "invalid_time"),
        ({"expires_at": "0001-01-01T00:00:00+09:00"}, 422, "invalid_time"),
        ({"reasn": "typo"}, 422, "invalid_body"),
    ],
)
async def test_a_statement_that_does_not_fit(
    world: World, changes: dict[str, object], status: int, code: str
) -> None:
    """A wrong statement says what is wrong and records nothing."""
    reply = await world.call("POST", "/v1/consents", statement(**changes))
    assert (reply.status, reply.json["code"]) == (status, code)
    entries = await world.call("GET", f"/v1/recipients/{PERSON}/entries")
    assert entries.json["items"] == []


async def test_the_do_not_text_list(world: World) -> None:
    """A number on the list of everything is refused as suppressed; who put it there lifts it."""
    await world.text("Hello")
    told = {"recipient": PERSON, "reason": "Known litigator", "by_person": False}
    reply = await world.call("POST", "/v1/suppressions", told, key="consent")
    assert (reply.status, reply.json["state"]) == (201, "revoked")
    shown = (await world.call("GET", f"/v1/recipients/{PERSON}")).json
    assert [s["brand"] for s in shown["suppressions"]] == [None]
    assert shown["sms_preference"] == "forbidden"
    lifted = await world.call("DELETE", f"/v1/suppressions/{PERSON}?reason=Mistaken+identity")
    assert lifted.status == 200
    shown = (await world.call("GET", f"/v1/recipients/{PERSON}")).json
    assert shown["suppressions"] == []


async def test_the_list_of_a_brand(world: World) -> None:
    """A brand's list covers that brand; an unknown brand is told."""
    told = {"recipient": PERSON, "reason": "Legal", "brand": "brd_a", "by_person": False}
    assert (await world.call("POST", "/v1/suppressions", told)).status == 201
    assert await decision(world) == "suppressed"
    lift = f"/v1/suppressions/{PERSON}?reason=x"
    other = await world.call("DELETE", lift)
    assert (other.status, other.json["code"]) == (404, "not_found")
    assert (await world.call("DELETE", lift + "&brand=brd_a")).status == 200
    unknown = await world.call("POST", "/v1/suppressions", {**told, "brand": "brd_x"})
    assert (unknown.status, unknown.json["code"]) == (404, "unknown_brand")


async def test_only_the_person_lifts_the_persons_word(world: World) -> None:
    """A suppression with evidence is the person's; no program takes it off the list."""
    told = {
        "recipient": PERSON,
        "reason": "Asked by letter",
        "evidence": {"medium": "mail", "verbatim": "Never text me again"},
    }
    await world.call("POST", "/v1/suppressions", told)
    reply = await world.call("DELETE", f"/v1/suppressions/{PERSON}?reason=please")
    assert (reply.status, reply.json["code"]) == (403, "opted_out")
    assert OPTED_OUT_SENTENCE in reply.json["detail"]
    missing = await world.call("DELETE", f"/v1/suppressions/{PERSON}")
    assert (missing.status, missing.json["code"]) == (422, "invalid_parameter")


async def test_the_tag_by_hand(world: World) -> None:
    """The SMS tag is set and removed by hand, and refused on a forbidden number."""
    path = f"/v1/recipients/{PERSON}/tag"
    reply = await world.call("PUT", path, {"sms": True, "reason": "Asked"}, key="consent")
    assert (reply.status, reply.json["sms_preference"]) == (200, "on")
    reply = await world.call("PUT", path, {"sms": False, "reason": "Asked"})
    assert reply.json["sms_preference"] == "off"
    await world.text("STOP")
    reply = await world.call("PUT", path, {"sms": True, "reason": "Asked"})
    assert (reply.status, reply.json["code"]) == (403, "opted_out")
    assert reply.json["detail"] == OPTED_OUT_SENTENCE
    for wrong in ({"sms": 1, "reason": "x"}, {"sms": True}, {"sms": True, "reason": "\n"}):
        reply = await world.call("PUT", path, wrong)
        assert (reply.status, reply.json["code"]) == (422, "invalid_body")


async def test_consents_that_run_out_soon_are_listed(world: World) -> None:
    """What ends first first, by pages, of a program; what is further off or withdrawn is not."""
    told = {"evidence": {"medium": "text", "verbatim": "JOIN"}}
    now = world.clock.now()
    for number, days in ((1, 20), (2, 10), (3, 29), (4, 31)):
        ends = (now + timedelta(days=days)).isoformat()
        asked = statement(recipient=f"+1415555018{number}", expires_at=ends, **told)
        reply = await world.call("POST", "/v1/consents", asked)
        assert datetime.fromisoformat(reply.json["expires_at"]) == now + timedelta(days=days)
    gone = statement("revoke", recipient="+14155550183")
    await world.call("POST", "/v1/consents", gone)
    path = "/v1/consents/expiring"
    listed = (await world.call("GET", f"{path}?within_days=30", key="read")).json
    assert [item["recipient"][-1] for item in listed["items"]] == ["2", "1"]
    assert listed["items"][0]["consent"]["program"] == "prg_news"
    first = (await world.call("GET", f"{path}?limit=1&program=prg_news")).json
    assert [item["recipient"][-1] for item in first["items"]] == ["2"]
    after = (await world.call("GET", f"{path}?limit=1&cursor={first['next']}")).json
    assert [item["recipient"][-1] for item in after["items"]] == ["1"]
    assert (await world.call("GET", f"{path}?program=prg_ads")).json["items"] == []


async def test_the_law_ends_an_implied_consent(world: World) -> None:
    """A purchase by somebody in Canada: two years on, as the answer says."""
    bought = {
        "medium": "text",
        "verbatim": "Yes",
        "basis": "purchase",
        "at": "2026-01-31T10:00:00Z",
    }
    asked = statement(recipient="+14165550142", program=CONVERSATION, evidence=bought)
    reply = await world.call("POST", "/v1/consents", asked)
    assert (reply.status, reply.json["expires_at"]) == (201, "2028-01-31T10:00:00Z")


async def test_an_opt_out_that_was_told_has_its_legal_clock(world: World) -> None:
    """In the answer and in the list: received, in force, due; late ones are marked, not hidden."""
    now = world.clock.now()
    for medium, days in (("phone", 0), ("mail", 30), ("in_person", 2)):
        received = (now - timedelta(days=days)).isoformat()
        evidence = {"medium": medium, "at": received, "verbatim": "no more texts"}
        asked = {"recipient": f"+141555501{days + 50}", "reason": "told us", "evidence": evidence}
        clock = (await world.call("POST", "/v1/suppressions", asked)).json["clock"]
        assert datetime.fromisoformat(clock["received_at"]) == now - timedelta(days=days)
        assert (clock["is_late"], clock["business_days"]) == (days == 30, 10)
    revoked = statement("revoke", recipient="+14155550199", evidence={"medium": "web"})
    assert (await world.call("POST", "/v1/consents", revoked)).json["clock"]["is_late"] is False
    ours = {"recipient": PERSON, "reason": "Known litigator", "by_person": False}
    assert (await world.call("POST", "/v1/suppressions", ours)).json["clock"] is None
    path = "/v1/opt-outs/told"
    listed = (await world.call("GET", path, key="read")).json["items"]
    media = [item["entry"]["evidence"]["medium"] for item in listed]
    assert media == ["web", "in_person", "mail", "phone"]
    late = (await world.call("GET", f"{path}?late=true&limit=1")).json
    assert [item["clock"]["is_late"] for item in late["items"]] == [True]
    first = (await world.call("GET", f"{path}?limit=3")).json
    after = (await world.call("GET", f"{path}?cursor={first['next']}")).json["items"]
    assert [item["entry"]["evidence"]["medium"] for item in after] == ["phone"]


async def test_express_written_consent_is_shown_item_by_item(world: World) -> None:
    """A grant without them names each; with them, answer and recipient say where each is shown."""
    bare = statement(program="prg_ads", level="express_written", evidence={"medium": "web"})
    refused = await world.call("POST", "/v1/consents", bare)
    assert (refused.status, refused.json["code"]) == (422, "evidence_missing")
    for part in ("seller", "program", "number", "marketing", "automated", "condition"):
        assert part in refused.json["detail"]
    for field in ("evidence.action", "evidence.apart", "evidence.box"):
        assert field in refused.json["detail"]
    brand = (await world.call("GET", "/v1/brands/brd_a")).json["name"]
    program = (await world.call("GET", "/v1/programs/prg_ads")).json["name"]
    evidence = {
        "medium": "web",
        "call_to_action": f"I agree to marketing texts ({program}) from {brand}, sent by automated "
        f"means from {LONG_CODE}. Consent is not a condition of purchase.",
        "action": "ticked the box and sent the form",
        "box": "unticked",
        "apart": True,
        "clock": "NTP",
        "locale": "en-US",
    }
    reply = await world.call("POST", "/v1/consents", {**bare, "evidence": evidence})
    assert (reply.status, reply.json["state"]) == (201, "pending")
    checklist = reply.json["checklist"]
    assert checklist["is_met"]
    assert {item["where"] for item in checklist["items"]} <= {*evidence, "recipient"}
    weaker = {"medium": "text", "verbatim": "JOIN"}
    await world.call("POST", "/v1/consents", statement(evidence=weaker))
    shown = (await world.call("GET", f"/v1/recipients/{PERSON}")).json["checklists"]
    assert {c["program"]: c["is_met"] for c in shown} == {"prg_ads": True, "prg_news": False}
    assert checklist in shown
