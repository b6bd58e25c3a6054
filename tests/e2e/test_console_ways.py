"""The story for everybody: on a phone, by keyboard alone, and without scripts."""

import re

import pytest
from console_scene import Scene, pick_phone, type_text
from console_windows import (
    CHROMIUM,
    PASSWORD,
    PHONE_WIDTH,
    Windows,
    add_agent,
    fits_its_width,
    rows,
)
from playwright.sync_api import Page, StorageState, expect
from real_world import SENTENCE, Demo

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-console-ways"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to run this test"),
]


def test_the_story_on_a_phone(demo: Demo, windows: Windows, agent: StorageState) -> None:
    """At 360 pixels, by touch: one column at a time, and nothing scrolls sideways."""
    table = windows.open(demo.told["handset_url"], width=760)
    console = windows.open(
        f"{demo.product.url}/console", PHONE_WIDTH, agent, has_touch=True, is_mobile=True
    )
    phone = pick_phone(table, "+1 415 555 0142")
    type_text(phone, "Do you fit in a pocket?")
    scene = Scene(console, phone)
    rows(console).filter(has_text="Do you fit in a pocket?").get_by_role("link").tap()
    expect(scene.timeline.get_by_text("Do you fit in a pocket?")).to_be_visible()
    assert fits_its_width(console)
    scene.composer.fill("We do.")
    scene.send.tap()
    expect(phone.get_by_text("We do.")).to_be_visible()
    expect(scene.timeline.get_by_text("We do.")).to_be_in_viewport()
    scene.composer.fill("And")
    type_text(phone, "STOP")
    scene.expect_dead()
    expect(scene.send).to_be_in_viewport()
    assert fits_its_width(console)
    console.get_by_role("link", name="Opted out").tap()
    expect(scene.card.get_by_text("must text START to +1 415 555 0100")).to_be_in_viewport()
    assert fits_its_width(console)
    console.get_by_role("link", name="Conversation").first.tap()
    expect(scene.composer).to_have_value("And")
    type_text(phone, "START")
    expect(scene.send).to_be_enabled()
    console.get_by_role("link", name="Back to the inbox").tap()
    row = rows(console).filter(has_text="START")
    expect(row).to_be_visible()
    expect(row).not_to_contain_text("Unread")
    assert fits_its_width(console)


def test_from_signing_in_to_a_sent_text_by_keyboard_alone(demo: Demo, windows: Windows) -> None:
    """No pointer: sign in, walk the list, open, reply, send, and put the conversation away."""
    kim = add_agent(demo, "Kim Keys")
    table = windows.open(demo.told["handset_url"], width=760)
    phone = pick_phone(table, "+1 415 555 0143")
    type_text(phone, "Answer me by keyboard")
    page = windows.open(f"{demo.product.url}/console/sign-in")
    keyboard = page.keyboard
    expect(page.get_by_label("Email")).to_be_focused()
    keyboard.type(kim.email)
    keyboard.press("Tab")
    keyboard.type(PASSWORD)
    keyboard.press("Enter")
    expect(rows(page).first).to_contain_text("Answer me by keyboard")
    # The list is there before the scripts are; keys are heard when the page is whole.
    page.wait_for_load_state()
    keyboard.press("j")
    expect(rows(page).first.get_by_role("link")).to_be_focused()
    keyboard.press("Enter")
    scene = Scene(page, phone)
    expect(scene.timeline.get_by_text("Answer me by keyboard")).to_be_visible()
    page.wait_for_load_state()
    keyboard.press("r")
    expect(scene.composer).to_be_focused()
    keyboard.type("With pleasure")
    keyboard.press("Control+Enter")
    expect(phone.get_by_text("With pleasure")).to_be_visible()
    expect(scene.composer).to_have_value("")
    expect(scene.composer).to_be_focused()
    keyboard.press("Escape")
    keyboard.press("e")
    expect(rows(page).filter(has_text="Answer me by keyboard")).to_be_hidden()
    keyboard.type("gi")
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()
    page.wait_for_load_state()
    everything_can_be_reached(page)


def everything_can_be_reached(page: Page) -> None:
    """Tab goes through the page in order, each stop is seen, and none is a trap."""
    outlines = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        outlines.add(page.evaluate("getComputedStyle(document.activeElement).outlineStyle"))
    assert outlines <= {"solid", "auto"}, outlines


def test_reading_sending_and_the_refusal_without_scripts(
    demo: Demo, windows: Windows, agent: StorageState
) -> None:
    """Plain links and forms: read, send, and a text that a STOP overtakes is refused, and kept."""
    number, person = demo.number("long_code"), "+14155550144"
    demo.carrier.type_heard(person, number, "Can you read me?")
    console = windows.open(f"{demo.product.url}/console", agent=agent, java_script_enabled=False)
    rows(console).filter(has_text="Can you read me?").get_by_role("link").click()
    timeline = console.get_by_label("Conversation timeline")
    expect(timeline).to_contain_text("Can you read me?")
    field, send = (
        console.get_by_label("Text", exact=True),
        console.get_by_role("button", name="Send SMS"),
    )
    field.fill("Loud and clear.")
    send.click()
    expect(timeline).to_contain_text("Loud and clear.")
    expect(field).to_have_value("")
    assert ("sender", "Loud and clear.") in demo.shown(person, number)
    demo.carrier.type_heard(person, number, "STOP")
    field.fill("One more thing")
    send.click()
    expect(console.get_by_role("alert")).to_contain_text(SENTENCE)
    expect(field).to_have_value("One more thing")
    expect(send).to_be_disabled()
    expect(timeline).to_contain_text("Not sent")
    console.goto(f"{demo.product.url}/console")
    row = rows(console).filter(has_text="Chloé Muster")
    expect(row).to_contain_text(re.compile("STOP.*Opted out", re.DOTALL))
    assert ("sender", "One more thing") not in demo.shown(person, number)
