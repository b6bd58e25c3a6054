"""The settings in a real browser: what is said follows what is typed, and copies are whole."""

import pytest
from console_windows import CHROMIUM, Windows
from playwright.sync_api import StorageState, expect
from real_world import Demo

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-console-settings"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to run this test"),
]

SETTINGS = "/console/settings"


def test_both_readers_speak_while_one_types(
    demo: Demo, windows: Windows, agent: StorageState
) -> None:
    """The box follows each letter and each choice of a sender, and the focus stays."""
    page = windows.open(f"{demo.product.url}{SETTINGS}/keywords", agent=agent)
    box = page.get_by_role("textbox", name="Text")
    box.press_sequentially("Stop")
    carrier = page.get_by_role("region", name="Twilio sees")
    law = page.get_by_role("region", name="The law hears")
    expect(carrier).to_contain_text("An opt-out keyword.")
    box.press_sequentially(" by the shop")
    expect(carrier).to_contain_text("Nothing.")
    expect(law).to_contain_text("No opt-out")
    expect(box).to_be_focused()
    box.fill("YES")
    expect(carrier).to_contain_text("An opt-in keyword.")
    page.get_by_label("As if it came to").select_option("sender:+18005550100")
    expect(carrier).to_contain_text("Nothing.")


def test_the_phone_and_the_linter_follow_what_is_written(
    demo: Demo, windows: Windows, agent: StorageState
) -> None:
    """Errors and the phone are there before anything is saved; saved, the carrier's way is told."""
    page = windows.open(f"{demo.product.url}{SETTINGS}/replies/55555", agent=agent)
    field = page.get_by_label("Initial reply")
    field.press_sequentially("Hello! It\u2019s us.")
    expect(page.get_by_text("It does not say who texts.")).to_be_visible()
    expect(page.get_by_text("15 of 70 characters in UCS-2, 1 part.")).to_be_visible()
    expect(page.get_by_role("group", name="Texts on the phone")).to_contain_text("It\u2019s us.")
    expect(field).to_be_focused()
    page.get_by_role("button", name="Write it in GSM-7 characters").click()
    expect(field).to_have_value("Hello! It's us.")
    field.fill("{brand} here. Reply STOP to opt out. Msg & data rates may apply.")
    expect(page.get_by_text("It does not say who texts.")).to_be_hidden()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").get_by_text("Saved. Sender 55555 changed")).to_be_visible()


def test_the_contact_text_is_copied_as_it_is_shown(
    demo: Demo, windows: Windows, agent: StorageState
) -> None:
    """The copy button that comes with a new text copies that text."""
    page = windows.open(
        f"{demo.product.url}{SETTINGS}/contact-page",
        agent=agent,
        permissions=["clipboard-read", "clipboard-write"],
    )
    terms = page.get_by_label("Address of your terms")
    terms.press_sequentially("retale")
    expect(page.get_by_text("This is no web address.")).to_be_visible()
    terms.fill("https://retale.example/terms")
    expect(page.get_by_text("This is no web address.")).to_be_hidden()
    shown = page.get_by_role("textbox", name="HTML")
    expect(shown).to_contain_text("https://retale.example/terms")
    page.get_by_role("button", name="Copy HTML").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == shown.input_value()


def test_somebody_new_comes_in_by_the_link_that_an_admin_copies(
    demo: Demo, windows: Windows, agent: StorageState
) -> None:
    """Added at the console, in at the first click, out at once when their sessions are ended."""
    page = windows.open(f"{demo.product.url}{SETTINGS}/new-agent", agent=agent)
    page.get_by_label("Email").fill("nia@example.org")
    page.get_by_label("Name", exact=True).fill("Nia New")
    page.get_by_label("Role").select_option("compliance")
    page.get_by_role("button", name="Add the agent").click()
    theirs = windows.open(page.locator("#link").inner_text())
    expect(theirs.get_by_role("heading", name="Inbox")).to_be_visible()
    theirs.goto(f"{demo.product.url}{SETTINGS}/brands/retale")
    expect(theirs.get_by_text("You can look at this, not change it.")).to_be_visible()
    expect(theirs.get_by_label("Name")).to_be_disabled()
    page.get_by_role("link", name="I have it").click()
    page.get_by_role("link", name="Nia New").click()
    page.get_by_role("button", name="End all sessions").click()
    expect(page.get_by_text("All sessions have ended")).to_be_visible()
    theirs.reload()
    expect(theirs.get_by_role("heading", name="Sign in")).to_be_visible()


def test_rules_follow_where_somebody_is(
    demo: Demo, windows: Windows, agent: StorageState, phone: str
) -> None:
    """The box explains a number; a postal code set on the card moves the hours for every door."""
    customer = demo.product.call(
        "POST", "/v1/customers", {"name": "Ann Example", "phones": [{"original": phone}]}
    ).json()
    asked = f"/v1/rules/explain?recipient={phone.replace('+', '%2B')}&at=2026-07-07T00:30:00Z"
    assert demo.product.get(asked)["whereabouts"]["by"] == "prefix"
    page = windows.open(f"{demo.product.url}{SETTINGS}/rules", agent=agent)
    page.get_by_role("textbox", name="Number").fill("+14015550142")
    page.get_by_label("Time (UTC), else now").fill("2026-12-25T18:30")
    page.get_by_role("button", name="Explain").click()
    expect(page.locator("#tried")).to_contain_text("Marketing waits until 2026-12-26 15:00")
    expect(page.locator("#tried")).to_contain_text("Christmas Day")
    page.goto(f"{demo.product.url}/console/customers/{customer['id']}")
    page.get_by_label("What can be done with").click()
    page.get_by_role("link", name="Set time zone or postal code").click()
    page.get_by_label("Postal code").fill("33101")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Place set: 33101")).to_be_visible()
    explained = demo.product.get(asked)
    assert explained["whereabouts"]["jurisdictions"] == ["US", "US-FL"]
    assert (explained["is_open"], explained["until"]) == (False, "2026-07-07T12:00:00Z")
    entries = demo.product.get(f"/v1/recipients/{phone.replace('+', '%2B')}/entries")["items"]
    assert [e["actor"]["kind"] for e in entries if e["kind"] == "place_changed"] == ["agent"]
