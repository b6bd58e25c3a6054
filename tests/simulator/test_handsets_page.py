"""The handsets page in a real browser: one types, sees what the carrier did, switches faults."""

import shutil
from collections.abc import Iterator

import pytest
from carrier_world import LONG_CODE, OTHER_PHONE, PHONE, World, eventually
from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to run this test"),
]


@pytest.fixture
def page() -> Iterator[Page]:
    """A browser page that fails the test on any error in its console."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        errors: list[str] = []
        page.on("console", lambda line: line.type == "error" and errors.append(line.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        browser.close()
        # A refused request is part of a test; a broken policy or script never is.
        assert [error for error in errors if "Failed to load resource" not in error] == []


def test_a_person_plays_the_story(world: World, page: Page) -> None:
    """Add a phone, text, opt out by a button, see the block and the refusal, opt back in."""
    page.goto(world.url)
    expect(page.get_by_text("No phone on the table")).to_be_visible()
    page.get_by_label("Phone", exact=True).fill("+1 415 555 0142")
    page.get_by_role("button", name="Pick or add").click()
    phone = page.get_by_role("article", name="Phone +1 415 555 0142")
    phone.get_by_role("textbox").fill("Hi <img src=x onerror=alert(1)>")
    phone.get_by_role("textbox").press("Enter")
    expect(phone.get_by_text("Hi <img src=x onerror=alert(1)>")).to_be_visible()
    expect(phone.get_by_text("Delivered in")).to_be_visible()
    phone.get_by_role("button", name="STOP").click()
    expect(phone.get_by_text("Blocked by the carrier")).to_be_visible()
    expect(phone.get_by_text("You have successfully been unsubscribed")).to_be_visible()
    phone.get_by_role("button", name="START").click()
    expect(phone.get_by_text("Blocked by the carrier")).to_be_hidden()
    world.send("Welcome back")
    expect(phone.get_by_text("Welcome back")).to_be_visible()
    assert world.shown()[0] == ("handset", "Hi <img src=x onerror=alert(1)>")


def test_three_phones_fit_and_stay(world: World, page: Page) -> None:
    """Three phones stand side by side in 1280 px, and the address brings them back."""
    phones = (PHONE, OTHER_PHONE, "+14155550144")
    for phone in phones:
        world.post("/api/handsets", {"phone": phone})
    page.goto(world.url)
    cards = page.get_by_role("article")
    expect(cards).to_have_count(3)
    boxes = [cards.nth(number).bounding_box() for number in range(3)]
    faults = page.get_by_role("complementary").bounding_box()
    assert all(box["x"] + box["width"] <= faults["x"] for box in boxes)
    assert len({box["y"] for box in boxes}) == 1
    cards.first.get_by_role("button", name="Put this phone away").click()
    expect(cards).to_have_count(2)
    page.reload()
    expect(cards).to_have_count(2)


def test_faults_are_switches(world: World, page: Page) -> None:
    """A switch sets a fault, shows its hits, and follows what others set."""
    world.post("/api/handsets", {"phone": PHONE})
    page.goto(world.url)
    switch = page.get_by_role("switch", name="Lost webhook")
    switch.check()
    eventually(lambda: bool(world.get("/api/faults").json()["faults"]))
    page.get_by_role("button", name="HELP").click()
    expect(page.get_by_text("Hit once")).to_be_visible()
    expect(page.get_by_text("Lost on its way (fault)")).to_be_visible()
    world.fault("latency")
    expect(page.get_by_role("switch", name="Latency")).to_be_checked()
    page.get_by_role("button", name="Switch all off").click()
    expect(switch).not_to_be_checked()
    assert world.get("/api/faults").json()["faults"] == []


def test_an_unknown_phone_is_explained(world: World, page: Page) -> None:
    """What cannot be a phone is said beside the field, not in a log."""
    world.type("Hi", to=LONG_CODE)
    page.goto(world.url)
    page.get_by_label("Phone", exact=True).fill("12")
    page.get_by_role("button", name="Pick or add").click()
    expect(page.get_by_text("is not a phone number like +14155550142")).to_be_visible()
