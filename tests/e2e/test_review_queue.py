"""An unclear text, from the handset to the queue, to one key of an agent, to what it does."""

import pytest
from console_windows import CHROMIUM, Windows, fits_its_width
from playwright.sync_api import StorageState, expect
from real_world import SENTENCE, Demo, eventually

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-review-queue"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to run this test"),
]


def agree(demo: Demo, phone: str, number: str) -> None:
    """Have a person agree, by text, to news of their orders."""
    demo.carrier.type_heard(phone, number, "Tell me when my order leaves")
    told = {
        "recipient": phone,
        "program": "order-updates",
        "action": "grant",
        "level": "express",
        "reason": "asked for it by text",
        "evidence": {"medium": "text", "verbatim": "Tell me when my order leaves"},
    }
    answer = demo.product.call("POST", "/v1/consents", told)
    assert (answer.status_code, answer.json()["state"]) == (201, "active"), answer.text


def inform(demo: Demo, phone: str, number: str) -> None:
    """Send news of an order, and wait until it is there."""
    demo.product.wait_for(
        demo.product.send(number, phone, "Your order left today", program="order-updates"),
        "delivered",
    )


def test_an_unclear_text_waits_for_one_key(
    demo: Demo, windows: Windows, agent: StorageState, phone: str
) -> None:
    """Held back at once, shown live, answered by a key, and then refused as by any STOP."""
    number = demo.number("long_code")
    agree(demo, phone, number)
    inform(demo, phone, number)
    console = windows.open(f"{demo.product.url}/console/review", agent=agent)
    expect(console.get_by_role("heading", name="Nothing waits")).to_be_visible()
    demo.carrier.type_heard(phone, number, "who is this")
    waiting = console.get_by_role("listitem").filter(has_text="who is this")
    expect(waiting).to_be_visible()
    expect(waiting).to_contain_text("Your order left today")
    expect(waiting).to_contain_text("Our last text to them was informational.")
    held = demo.product.try_send(number, phone, "One more thing", program="order-updates")
    assert (held.status_code, held.json()["code"]) == (403, "paused_for_review")
    console.reload()
    assert fits_its_width(console)
    expect(console.locator("[data-item]")).to_be_focused()
    console.keyboard.press("n")
    expect(console.get_by_role("heading", name="Nothing waits")).to_be_visible()
    console.wait_for_load_state()
    inform(demo, phone, number)
    demo.carrier.type_heard(phone, number, "not interested")
    console.keyboard.type("gq")
    expect(console.locator("[data-item]")).to_be_focused()
    console.wait_for_load_state()
    console.keyboard.press("o")
    expect(console.get_by_role("heading", name="Nothing waits")).to_be_visible()
    refused = demo.product.try_send(number, phone, "One more thing", program="order-updates")
    assert (refused.status_code, refused.json()["detail"]) == (403, SENTENCE)
    eventually(
        lambda: "opted out" in demo.carrier.thread(phone, number)[-1]["body"],
        "the opt-out was confirmed",
    )
    cases = demo.product.get("/v1/test-cases")["items"]
    assert [(one["text"], one["expected"]) for one in cases] == [
        ("not interested", "opt_out"),
        ("who is this", "none"),
    ]
    (shown,) = demo.product.get("/v1/reviews?state=answered&limit=1")["items"]
    assert (shown["text"], shown["answer"], shown["settled_by"]["kind"]) == (
        "not interested",
        "opt_out",
        "agent",
    )
