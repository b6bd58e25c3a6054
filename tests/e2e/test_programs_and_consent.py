"""Programs, what their consent rests on and when it ends, and opt-outs told to somebody."""

from datetime import UTC, datetime, timedelta

import pytest
import requests
from console_windows import CHROMIUM, Windows
from playwright.sync_api import StorageState, expect
from real_world import JSON, WAIT_SECONDS, Demo, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-programs")]

ON_THE_WEB: JSON = {
    "medium": "web",
    "call_to_action": "I agree to marketing texts (Spring sale) from Retalé, sent by automated "
    "means from +1 415 555 0100. Consent is not a condition of purchase.",
    "action": "ticked the box and sent the form",
    "box": "unticked",
    "apart": True,
}


def tell(demo: Demo, phone: str, program: str, evidence: JSON, **more: object) -> JSON:
    """Record a grant that must be taken."""
    told = {"recipient": phone, "program": program, "action": "grant", "reason": "told"}
    answer = demo.product.call("POST", "/v1/consents", {**told, "evidence": evidence, **more})
    assert answer.status_code == 201, answer.text
    recorded: JSON = answer.json()
    return recorded


def test_a_program_texts_while_it_is_switched_on(demo: Demo, phone: str) -> None:
    """From one sender, to whom consented; switched off, nothing leaves and the consent stays."""
    product, sender = demo.product, demo.number("long_code")
    asked = {
        "brand": "retale",
        "purpose": "informational",
        "name": "Repairs",
        "sender": sender,
        "frequency": "1 msg/repair",
        "terms_url": "https://retale.example/terms",
        "recurring": False,
    }
    made = product.call("POST", "/v1/programs", asked).json()
    program = made["id"]
    named = {"purpose": "informational", "program": program}
    assert product.try_send(sender, phone, "Ready", **named).json()["code"] == "no_consent"
    tell(demo, phone, program, {"medium": "text", "verbatim": "JOIN"}, level="express")
    product.wait_for(product.send(sender, phone, "It is ready", **named), "delivered")
    path = f"/v1/programs/{program}"
    product.call("PATCH", path, {"enabled": False}).raise_for_status()
    for kind in (named, {"purpose": "informational"}):
        refused = product.try_send(sender, phone, "Ready again", **kind)
        assert (refused.status_code, refused.json()["code"]) == (403, "sender_disabled")
        assert refused.json()["decision"]["rules"] == ["program/enabled"]
    (consent,) = product.recipient(phone)["consents"]
    assert (consent["program"], consent["state"]) == (program, "active")
    product.call("PATCH", path, {"enabled": True}).raise_for_status()
    product.send(sender, phone, "Ready again", **named)
    other = demo.number("toll_free")
    assert product.try_send(other, phone, "Ready", **named).json()["code"] == "no_consent"
    assert product.call("DELETE", path).status_code == 405


def test_a_purpose_that_is_not_named_is_a_conversation_or_nothing(demo: Demo, phone: str) -> None:
    """Whoever has just written is answered; anybody else is not texted without a purpose."""
    sender = demo.number("long_code")
    assert demo.product.try_send(sender, phone, "Hi").json()["code"] == "no_consent"
    demo.carrier.type_heard(phone, sender, "Are you open?")
    demo.product.send(sender, phone, "We are.")
    marketing = demo.product.try_send(sender, phone, "Sale!", purpose="marketing")
    assert marketing.json()["code"] == "no_consent"


def test_written_consent_shows_what_it_rests_on(demo: Demo, phone: str) -> None:
    """Every item that is missing is named; with all of them the recipient shows each."""
    asked = {"brand": "retale", "purpose": "marketing", "name": "Spring sale"}
    program = demo.product.call("POST", "/v1/programs", asked).json()["id"]
    bare = {"recipient": phone, "program": program, "action": "grant", "reason": "told"}
    bare |= {"level": "express_written", "evidence": {"medium": "web"}}
    refused = demo.product.call("POST", "/v1/consents", bare)
    assert (refused.status_code, refused.json()["code"]) == (422, "evidence_missing")
    assert refused.json()["detail"].count("evidence.") == 10
    told = tell(demo, phone, program, ON_THE_WEB, level="express_written")
    assert (told["state"], told["checklist"]["is_met"]) == ("pending", True)
    assert demo.product.recipient(phone)["checklists"] == [told["checklist"]]


def test_consent_of_a_canadian_runs_out_and_is_told_before(demo: Demo) -> None:
    """Two years after the purchase; a newer one renews it, and what has ended lets nothing go."""
    product, sender, phone = demo.product, demo.number("long_code"), "+14165550142"
    program = f"conversation:{sender}"
    bought = datetime.now(UTC) - timedelta(days=715)
    evidence = {"medium": "text", "verbatim": "Yes", "basis": "purchase", "at": bought.isoformat()}
    told = tell(demo, phone, program, evidence)
    ends = datetime.fromisoformat(told["expires_at"])
    assert (ends.year, ends.month) == (bought.year + 2, bought.month)
    listed = product.get("/v1/consents/expiring?within_days=30")["items"]
    assert [(one["recipient"], one["consent"]["program"]) for one in listed] == [(phone, program)]
    renewed = {**evidence, "at": (bought + timedelta(days=90)).isoformat()}
    tell(demo, phone, program, renewed)
    assert product.get("/v1/consents/expiring?within_days=30")["items"] == []
    soon = datetime.now(UTC) + timedelta(seconds=1)
    other = "+14165550143"
    tell(demo, other, program, {"medium": "text", "verbatim": "Yes"}, expires_at=soon.isoformat())
    asked = {"sender": sender, "recipient": other, "purpose": "conversational"}

    def has_ended() -> bool:
        decision = product.call("POST", "/v1/check", asked).json()
        return bool(decision["reason"] == "consent_expired")

    eventually(has_ended, "the consent has run out")


def test_an_opt_out_by_phone_is_in_force_at_once(demo: Demo, phone: str) -> None:
    """Nothing leaves any more, on the person's word alone it comes back, and the clock is told."""
    product, sender = demo.product, demo.number("long_code")
    demo.carrier.type_heard(phone, sender, "Hello")
    received = datetime.now(UTC) - timedelta(days=40)
    evidence = {"medium": "phone", "at": received.isoformat(), "verbatim": "no more texts"}
    asked = {"recipient": phone, "reason": "called", "brand": "retale", "evidence": evidence}
    told = product.call("POST", "/v1/suppressions", asked).json()
    assert product.try_send(sender, phone, "Hi").json()["code"] == "opted_out"
    assert (told["clock"]["is_late"], told["clock"]["business_days"]) == (True, 10)
    late = product.get("/v1/opt-outs/told?late=true")["items"]
    assert phone in [one["recipient"] for one in late]
    lifted = product.call("DELETE", f"/v1/suppressions/{phone}?reason=x&brand=retale")
    assert (lifted.status_code, lifted.json()["code"]) == (403, "opted_out")
    demo.carrier.type_heard(phone, sender, "START")
    product.send(sender, phone, "Welcome back")


def test_anybody_stops_a_brands_texts_on_its_page(demo: Demo, phone: str) -> None:
    """A plain form, without a script: it counts at once, and is among what was told."""
    sender, page = demo.number("long_code"), f"{demo.product.url}/opt-out/retale"
    demo.carrier.type_heard(phone, sender, "Hello")
    assert "Stop texts from Retalé" in requests.get(page, timeout=WAIT_SECONDS).text
    sent = requests.post(page, {"phone": phone}, timeout=WAIT_SECONDS)
    assert (sent.status_code, sent.url) == (200, f"{page}/done")
    assert demo.product.try_send(sender, phone, "Hi").json()["code"] == "opted_out"
    newest = demo.product.get("/v1/opt-outs/told")["items"][0]
    assert (newest["recipient"], newest["clock"]["is_late"]) == (phone, False)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to run this test")
def test_an_agent_records_an_opt_out_of_a_number_nobody_knows(
    demo: Demo, phone: str, windows: Windows, agent: StorageState
) -> None:
    """By a form from the list of opt-outs; the report has it with its clock, and nothing leaves."""
    page = windows.open(f"{demo.product.url}/console/opt-outs", agent=agent)
    page.get_by_role("link", name="Record one").click()
    page.get_by_label("Number", exact=True).fill(phone)
    page.get_by_label("By mail").check()
    page.get_by_label("What they said, word for word").fill("Please take me off your list")
    page.get_by_label("When it was received").fill("2026-01-05T10:00")
    page.get_by_role("button", name="Record it").click()
    expect(page.get_by_role("heading", name="Opt-outs told to us")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="Please take me off your list")
    expect(row).to_contain_text("Too late")
    expect(row).to_contain_text("20 January 2026")
    refused = demo.product.try_send(demo.number("long_code"), phone, "Hi")
    assert refused.json()["code"] == "suppressed"
