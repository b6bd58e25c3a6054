"""The story in a real browser: a phone in one window, an agent's console in another."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    Locator,
    Page,
    StorageState,
    expect,
    sync_playwright,
)
from real_world import SENTENCE, Demo

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to run this test"),
]

PATIENCE_MILLISECONDS = 10_000
RED = re.compile(r"rgb\((1[5-9]\d|2\d\d), \d{1,2}, \d{1,2}\)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium once."""
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def agent(browser: Browser, demo: Demo) -> StorageState:
    """Sign in by the link, which works once; other windows of the agent take the session over."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(demo.told["console_link"])
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()
    state = context.storage_state()
    context.close()
    return state


class Windows:
    """Browser windows of people who know nothing of each other; any error in one is a failure."""

    def __init__(self, browser: Browser) -> None:
        """Start with none."""
        self._browser = browser
        self._pages: list[Page] = []
        self.errors: list[str] = []

    def open(self, address: str, width: int = 1280, agent: StorageState | None = None) -> Page:
        """Open an address in a window of its own, signed in or not."""
        context = self._browser.new_context(
            viewport={"width": width, "height": 860}, storage_state=agent
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.on("console", lambda line: line.type == "error" and self.errors.append(line.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)
        self._pages.append(page)
        return page

    def photograph(self, folder: Path, moment: str) -> None:
        """Keep what every window shows, to be looked at where a test fails."""
        for place, page in enumerate(self._pages):
            page.screenshot(path=folder / f"{moment}-{place}.png")

    def close(self) -> None:
        """Close all windows."""
        for page in self._pages:
            page.context.close()


@pytest.fixture
def windows(browser: Browser) -> Iterator[Windows]:
    """Open windows, and see that none had an error."""
    windows = Windows(browser)
    yield windows
    windows.close()
    # A refused request is part of a test; a broken policy or script never is.
    assert [error for error in windows.errors if "Failed to load resource" not in error] == []


def pick_phone(page: Page, phone: str) -> Locator:
    """Put a phone on the table, or take the one that is there."""
    page.get_by_label("Phone", exact=True).fill(phone)
    page.get_by_role("button", name="Pick or add").click()
    return page.get_by_role("article", name=f"Phone {phone}")


def type_text(phone: Locator, body: str) -> None:
    """Type a text on a phone and send it."""
    phone.get_by_role("textbox").fill(body)
    phone.get_by_role("textbox").press("Enter")


@dataclass(frozen=True)
class Scene:
    """A phone and the console page of the person who has it."""

    phone: Locator
    console: Page

    @property
    def card(self) -> Locator:
        """The contact card."""
        return self.console.get_by_label("Contact card")

    @property
    def timeline(self) -> Locator:
        """The conversation timeline."""
        return self.console.get_by_label("Conversation timeline")

    @property
    def number(self) -> Locator:
        """The person's number on the card."""
        return self.card.get_by_text("+1 415 555 0142", exact=True)

    @property
    def composer(self) -> Locator:
        """Where an agent types."""
        return self.console.get_by_label("Text", exact=True)

    @property
    def send(self) -> Locator:
        """The button that sends."""
        return self.console.get_by_role("button", name="Send SMS")

    def expect_subscribed(self) -> None:
        """The tag is there, the number is not red, and Send works."""
        expect(self.card.get_by_text("Subscribed")).to_be_visible()
        expect(self.card.get_by_text("SMS", exact=True)).to_be_visible()
        expect(self.number).not_to_have_css("color", RED)
        expect(self.send).to_be_enabled()

    def expect_opted_out(self) -> None:
        """The number is red, the tag gone, Send dead with the sentence and no way around it."""
        expect(self.card.get_by_text("Opted out")).to_be_visible()
        expect(self.number).to_have_css("color", RED)
        expect(self.card.get_by_text("SMS", exact=True)).to_be_hidden()
        expect(self.card.get_by_text("must text START to +1 415 555 0100")).to_be_visible()
        expect(self.send).to_be_disabled()
        expect(self.console.get_by_role("combobox")).to_be_hidden()
        expect(
            self.console.get_by_text(
                "Ada opted out of +1 415 555 0100: to be texted again they must text START to "
                "+1 415 555 0100."
            )
        ).to_be_visible()
        expect(self.send).to_have_attribute("title", SENTENCE)


def test_the_story_in_two_windows(
    demo: Demo, windows: Windows, agent: StorageState, tmp_path: Path
) -> None:
    """Text, answer, STOP, a dead Send with the sentence, START: both windows show it live."""
    table = windows.open(demo.told["handset_url"], width=760)
    phone = pick_phone(table, "+1 415 555 0142")
    expect(phone.get_by_role("combobox")).to_have_value(demo.number("long_code"))
    type_text(phone, "Hi, is my order on its way?")
    expect(phone.get_by_text("Thanks for texting Retalé!")).to_be_visible()

    console = windows.open(f"{demo.product.url}/console", agent=agent)
    console.get_by_role("link", name="Ada Example").click()
    scene = Scene(phone, console)
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
    windows.photograph(tmp_path, "back")


def say_stop(scene: Scene) -> None:
    """STOP while the agent is typing: Send dies, what was typed stays, the carrier answers."""
    scene.composer.fill("One more thing")
    type_text(scene.phone, "Stop")
    expect(scene.phone.get_by_text("You have successfully been unsubscribed")).to_be_visible()
    expect(scene.phone.get_by_text("Blocked by the carrier")).to_be_visible()
    scene.expect_opted_out()
    expect(scene.composer).to_have_value("One more thing")
    expect(scene.timeline.get_by_text("Opted out of +1 415 555 0100")).to_be_visible()
    expect(scene.timeline.get_by_text("The carrier answered: You have succ")).to_be_visible()


def test_a_click_that_races_a_stop_gets_the_sentence(
    demo: Demo, windows: Windows, agent: StorageState
) -> None:
    """A page that has not heard of the STOP yet sends nothing; the refusal is told and kept."""
    number, phone = demo.number("long_code"), "+14155550143"
    demo.carrier.type_heard(phone, number, "Hello")
    console = windows.open(f"{demo.product.url}/console", agent=agent)
    console.get_by_role("link", name="Ben Sample").click()
    expect(console.get_by_role("button", name="Send SMS")).to_be_enabled()
    # The page hears nothing more, as on a train in a tunnel.
    console.route(re.compile(r"/console/customers/[^/]+/[a-z]+"), lambda route: route.abort())
    demo.carrier.type_heard(phone, number, "STOP")
    console.get_by_label("Text", exact=True).fill("Just in time?")
    console.unroute_all()
    console.get_by_role("button", name="Send SMS").click()
    expect(console.get_by_role("alert")).to_have_text(SENTENCE)
    expect(console.get_by_label("Text", exact=True)).to_have_value("Just in time?")
    expect(console.get_by_text("Not sent")).to_be_visible()
    assert ("sender", "Just in time?") not in demo.shown(phone, number)


def test_a_stranger_who_says_stop_is_shown_so(
    demo: Demo, windows: Windows, agent: StorageState, phone: str
) -> None:
    """A customer made by a STOP: Send is dead for that reason, with the words that lift it."""
    demo.carrier.type_heard(phone, demo.number("toll_free"), "STOP")
    console = windows.open(f"{demo.product.url}/console?search={phone[-4:]}", agent=agent)
    console.get_by_role("link", name="Opted out").click()
    for place in ("Contact card", "Composer"):
        told = console.get_by_label(place).get_by_text(
            "must text START or UNSTOP to +1 800 555 0100"
        )
        expect(told).to_be_visible()
    expect(console.get_by_role("button", name="Send SMS")).to_be_disabled()


@pytest.mark.usefixtures("agent")
def test_the_sign_in_link_works_once(demo: Demo, windows: Windows) -> None:
    """Without a session there is nothing to see, and a used link opens none."""
    for address in (demo.told["console_link"], f"{demo.product.url}/console"):
        page = windows.open(address)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        expect(page.get_by_text("Ada Example")).to_be_hidden()
