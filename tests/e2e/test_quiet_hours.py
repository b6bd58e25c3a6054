"""A server on the real clock: marketing waits for the person's morning, and three go in a day."""

from datetime import datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from console_windows import Windows
from playwright.sync_api import StorageState, expect
from real_world import Demo

from zones_now import zone_where_it_is

pytestmark = pytest.mark.e2e

PROGRAM = "offers"


def agree(demo: Demo, phone: str, number: str, **place: str) -> None:
    """Have a person text us, agree to offers in writing, and be somewhere."""
    demo.carrier.type_heard(phone, number, "Hello")
    shown = (
        f"Text JOIN OFFERS to {number} for Offers from Retalé, marketing texts sent by automated "
        "means. Consent is not a condition of purchase."
    )
    grant = {
        "recipient": phone,
        "program": PROGRAM,
        "action": "grant",
        "level": "express_written",
        "evidence": {
            "medium": "text",
            "verbatim": "JOIN OFFERS",
            "call_to_action": shown,
            "apart": True,
        },
        "reason": "texted the word of the campaign",
    }
    answer = demo.product.call("POST", "/v1/consents", grant)
    assert answer.status_code in (200, 201), answer.text
    assert answer.json()["state"] == "active"
    placed = demo.product.call("PUT", f"/v1/recipients/{quote(phone)}/place", place)
    assert placed.status_code == 200, placed.text


def offer(demo: Demo, phone: str, number: str, body: str, **more: object) -> dict[str, object]:
    """Send an offer that must be let in; gives the whole answer."""
    answer = demo.product.try_send(number, phone, body, program=PROGRAM, **more)
    assert answer.status_code == 202, answer.text
    sent: dict[str, object] = answer.json()
    return sent


def offers_on(demo: Demo, phone: str, number: str) -> list[str]:
    """List the offers that arrived on a phone."""
    shown = demo.carrier.shown(phone, number)
    return [body for origin, body in shown if origin == "sender" and body.startswith("Offer")]


def test_marketing_waits_for_the_morning_and_three_go_in_a_day(
    demo: Demo, agent: StorageState, windows: Windows
) -> None:
    """Scheduled with its time where it is night, sent at noon, and the fourth waits a day."""
    number, sleeper, reader = demo.number("long_code"), "+12025550111", "+12025550112"
    night = zone_where_it_is(2)
    agree(demo, sleeper, number, zone=night)
    agree(demo, reader, number, zone=zone_where_it_is(12), postal_code="33101")

    waiting = offer(demo, sleeper, number, "Offer of the night")
    decision = waiting["decision"]
    assert isinstance(decision, dict)
    assert (waiting["status"], decision["decision"]) == ("scheduled", "defer")
    assert decision["reason"] == "quiet_hours"
    eight = datetime.now(ZoneInfo(night)).replace(hour=8, minute=0, second=0, microsecond=0)
    assert datetime.fromisoformat(decision["until"]) == eight
    question = {"sender": number, "recipient": sleeper, "program": PROGRAM}
    asked = demo.product.call("POST", "/v1/check", question).json()
    assert (asked["decision"], asked["until"]) == ("defer", decision["until"])
    refused = demo.product.try_send(number, sleeper, "Offer", program=PROGRAM, ttl=60)
    assert (refused.status_code, refused.json()["code"]) == (403, "quiet_hours")
    assert "time to live" in refused.json()["detail"]

    four = [str(offer(demo, reader, number, f"Offer {n}")["id"]) for n in range(4)]
    ended = [demo.product.wait_for(m, "delivered", "scheduled")["status"] for m in four]
    assert sorted(ended) == ["delivered"] * 3 + ["scheduled"]
    assert len(offers_on(demo, reader, number)) == 3
    fifth = offer(demo, reader, number, "Offer 5")
    assert isinstance(fifth["decision"], dict)
    assert (fifth["status"], fifth["decision"]["reason"]) == ("scheduled", "frequency_cap")

    for phone, words in (
        (sleeper, "08:00 there (quiet hours)"),
        (reader, "there (frequency cap)"),
    ):
        (customer,) = demo.product.get(f"/v1/customers?search={quote(phone)}")["items"]
        address = f"{demo.told['url']}/console/customers/{customer['id']}"
        page = windows.open(address, agent=agent)
        expect(page.locator(".receipt", has_text=words).first).to_be_visible()

    demo.carrier.type_heard(sleeper, number, "STOP")
    stopped = demo.product.message(str(waiting["id"]))
    assert (stopped["status"], stopped["error_code"]) == ("canceled", "opted_out")
    assert offers_on(demo, sleeper, number) == []
