"""Marketing outside the hours over HTTP: scheduled with its time, asked about, refused."""

import pytest
from api_world import LONG_CODE, NOW, PERSON, World

from action_world import Put
from consent_world import consent
from consentry.domain.standing import ConsentLevel, Place

pytestmark = pytest.mark.integration

OFFER = {
    "sender": LONG_CODE,
    "recipient": PERSON,
    "body": "Half off today",
    "program": "prg_ads",
}
EIGHT = "2026-05-01T15:00:00Z"
"""The start is five in the morning in California."""


async def agree(world: World, *, zone: str = "America/Los_Angeles") -> None:
    """Have the person agree to offers, and be somewhere."""
    written = consent("prg_ads", level=ConsentLevel.EXPRESS_WRITTEN)
    await world.store.submit(Put(PERSON, (written, Place(zone=zone))))


async def test_a_text_before_eight_is_scheduled(world: World) -> None:
    """202 with the decision and its time; the message and the check say the same."""
    await agree(world)
    reply = await world.call("POST", "/v1/messages", OFFER)
    assert (reply.status, reply.json["status"]) == (202, "scheduled")
    decision = reply.json["decision"]
    assert (decision["decision"], decision["reason"]) == ("defer", "quiet_hours")
    assert decision["until"] == EIGHT
    assert len(decision["rules"]) > 1
    shown = await world.call("GET", f"/v1/messages/{reply.json['id']}", key="read")
    assert shown.json["status"] == "scheduled"
    question = {key: OFFER[key] for key in ("sender", "recipient", "program")}
    asked = await world.call("POST", "/v1/check", question, key="check")
    assert (asked.json["decision"], asked.json["until"]) == ("defer", EIGHT)
    later = await world.call("POST", "/v1/check", question | {"at": EIGHT}, key="check")
    assert later.json["decision"] == "allow"
    many = {"sender": LONG_CODE, "program": "prg_ads", "recipients": [PERSON, PERSON]}
    checked = await world.call("POST", "/v1/checks", many)
    assert [one["until"] for one in checked.json["items"]] == [EIGHT, EIGHT]
    kinds = await world.call("GET", f"/v1/recipients/{PERSON}/entries")
    assert kinds.json["items"][0]["kind"] == "send_deferred"


async def test_a_time_to_live_that_ends_before_is_a_refusal(world: World) -> None:
    """403 with the reason, the time when it might have gone, and what to do; nothing is queued."""
    await agree(world)
    for headers in ({}, {"idempotency-key": "k1"}):
        reply = await world.call("POST", "/v1/messages", OFFER | {"ttl": 3600}, headers=headers)
        assert (reply.status, reply.json["code"]) == (403, "quiet_hours")
        assert reply.json["decision"]["until"] == EIGHT
        assert "time to live" in reply.json["detail"]
    listed = await world.call("GET", "/v1/messages", key="read")
    assert listed.json["items"] == []


async def test_a_text_for_tonight_waits_for_the_morning(world: World) -> None:
    """`send_at` is judged by the hour that it will be there then."""
    await agree(world, zone="Europe/London")
    at_night = OFFER | {"send_at": "2026-05-01T22:00:00Z"}
    reply = await world.call("POST", "/v1/messages", at_night)
    assert reply.json["decision"]["until"] == "2026-05-02T07:00:00Z"
    at_noon = OFFER | {"send_at": "2026-05-02T12:00:00Z"}
    reply = await world.call("POST", "/v1/messages", at_noon)
    assert (reply.json["status"], reply.json["decision"]["decision"]) == ("scheduled", "allow")
    assert NOW.hour == 12
    assert (await world.call("POST", "/v1/messages", OFFER)).json["status"] == "queued"
