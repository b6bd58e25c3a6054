"""The story in a real browser: a phone in one window, an agent's console in another."""

import re
from pathlib import Path

import pytest
from console_scene import Scene, pick_phone, type_text
from console_windows import CHROMIUM, Windows, expect_settled
from playwright.sync_api import StorageState, expect
from real_world import SENTENCE, Demo

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to run this test"),
]


def test_the_story_in_two_windows(
    demo: Demo, windows: Windows, agent: StorageState, tmp_path: Path
) -> None:
    """Text, answer, STOP, a dead Send with the sentence, START: both windows show it live."""
    table = windows.open(demo.told["handset_url"], width=760)
    phone = pick_phone(table, "+1 415 555 0142")
    expect(phone.get_by_role("combobox")).to_have_value(demo.number("long_code"))
    console = windows.open(f"{demo.product.url}/console", agent=agent)
    type_text(phone, "Hi, is my order on its way?")
    expect(phone.get_by_text("Thanks for texting Retalé!")).to_be_visible()

    console.get_by_role("link", name="Ada Example").click()
    scene = Scene(console, phone)
    expect(scene.timeline.get_by_text("Hi, is my order on its way?")).to_be_visible()
    expect(scene.timeline.get_by_text("Thanks for texting Retalé!")).to_be_visible()
    scene.expect_subscribed()
    scene.composer.fill("It left today.")
    scene.send.click()
    expect(phone.get_by_text("It left today.")).to_be_visible()
    expect(scene.timeline.get_by_text(re.compile("Delivered"))).to_have_count(2)
    windows.photograph(tmp_path, "talking")

    say_stop(scene)
    windows.photograph(tmp_path, "opted-out")
    type_text(phone, "Are you still there?")
    expect(scene.timeline.get_by_text("Are you still there?")).to_be_visible()
    scene.expect_opted_out()

    type_text(phone, "START")
    expect(phone.get_by_text("Blocked by the carrier")).to_be_hidden()
    scene.expect_subscribed()
    scene.send.click()
    expect(phone.get_by_text("One more thing")).to_be_visible()
    expect(scene.composer).to_have_value("")
    windows.photograph(tmp_path, "back")


def say_stop(scene: Scene) -> None:
    """STOP while the agent is typing: Send dies, what was typed stays, the carrier answers."""
    scene.composer.fill("One more")
    scene.composer.press_sequentially(" thi")
    type_text(scene.phone, "Stop")
    expect(scene.phone.get_by_text("You have successfully been unsubscribed")).to_be_visible()
    expect(scene.phone.get_by_text("Blocked by the carrier")).to_be_visible()
    scene.expect_opted_out()
    expect(scene.composer).to_be_focused()
    scene.composer.press_sequentially("ng")
    expect(scene.composer).to_have_value("One more thing")
    expect(scene.timeline.get_by_text("Opted out of +1 415 555 0100")).to_be_visible()
    expect(scene.timeline.get_by_text("The carrier's own answer: You have succ")).to_be_visible()


def test_a_click_that_races_a_stop_gets_the_sentence(
    demo: Demo, windows: Windows, agent: StorageState
) -> None:
    """A page that has not heard of the STOP yet sends nothing; the refusal is told and kept."""
    number, phone = demo.number("long_code"), "+14155550143"
    demo.carrier.type_heard(phone, number, "Hello")
    console = windows.open(f"{demo.product.url}/console", agent=agent)
    console.get_by_role("link", name="Ben Sample").click()
    expect(console.get_by_role("button", name="Send SMS")).to_be_enabled()
    console.wait_for_load_state()
    # The page hears nothing more, as on a train in a tunnel.
    console.evaluate("dispatchEvent(new Event('pagehide'))")
    expect_settled(console)
    demo.carrier.type_heard(phone, number, "STOP")
    console.get_by_label("Text", exact=True).fill("Just in time?")
    console.get_by_role("button", name="Send SMS").click()
    expect(console.get_by_role("alert")).to_have_text(SENTENCE)
    expect(console.get_by_label("Text", exact=True)).to_have_value("Just in time?")
    expect(console.get_by_text("Not sent")).to_be_visible()
    assert ("sender", "Just in time?") not in demo.shown(phone, number)


def test_a_stranger_who_says_stop_is_shown_so(
    demo: Demo, windows: Windows, agent: StorageState, phone: str
) -> None:
    """A customer made by a STOP: Send is dead, with the words that lift it; also once erased."""
    demo.carrier.type_heard(phone, demo.number("toll_free"), "STOP")
    console = windows.open(f"{demo.product.url}/console?search={phone[-4:]}", agent=agent)
    console.get_by_role("link", name="Opted out").click()
    for place in ("Contact card", "Composer"):
        told = console.get_by_label(place).get_by_text(
            "must text START or UNSTOP to +1 800 555 0100"
        )
        expect(told).to_be_visible()
    expect(console.get_by_role("button", name="Send SMS")).to_be_disabled()

    of_before = console.url
    console.get_by_role("link", name="Erase").click()
    expect(console.get_by_text("That they said no. It is kept under a keyed hash")).to_be_visible()
    console.get_by_label("Why, without").fill("asked at the counter")
    console.get_by_label("I know that it cannot be undone").check()
    console.get_by_role("button", name="Erase").click()
    expect(console.get_by_role("heading", name="Inbox")).to_be_visible()
    demo.carrier.type_heard(phone, demo.number("toll_free"), "Are you there?")
    console.goto(f"{demo.product.url}/console?search={phone[-4:]}")
    console.get_by_role("link", name="Opted out").click()
    expect(console.get_by_label("Composer").get_by_text("must text START")).to_be_visible()
    expect(console.get_by_role("button", name="Send SMS")).to_be_disabled()
    assert console.url != of_before


@pytest.mark.usefixtures("agent")
def test_the_sign_in_link_works_once(demo: Demo, windows: Windows) -> None:
    """Without a session there is nothing to see, and a used link opens none."""
    for address in (demo.told["console_link"], f"{demo.product.url}/console"):
        page = windows.open(address)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        expect(page.get_by_text("Ada Example")).to_be_hidden()
