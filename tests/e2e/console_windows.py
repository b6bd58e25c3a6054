"""Browser windows of people who know nothing of each other, and what they do in them."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    Locator,
    Page,
    Request,
    StorageState,
    expect,
    sync_playwright,
)
from real_processes import clean_environment
from real_world import Demo, noting_lateness

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE_MILLISECONDS: Final = 60_000
PHONE_WIDTH: Final = 360
PASSWORD: Final = "four words are enough"
_NO_ERRORS: Final = ("Failed to load resource", "htmx:sendAbort", "htmx:afterRequest")

_NOTE_SIGHTS = """() => {
  const sights = {};
  let askedAt = performance.now();
  const look = () => {
    for (const [mark] of document.body.innerText.matchAll(/sight-\\d+/g))
      sights[mark] ??= performance.timeOrigin + performance.now();
  };
  const changes = { subtree: true, childList: true, characterData: true };
  new MutationObserver(look).observe(document.body, changes);
  document.addEventListener("htmx:afterRequest", () => { askedAt = performance.now(); });
  const until = (find) => new Promise((found, failed) => {
    const began = performance.now();
    const again = setInterval(() => {
      const value = find();
      if (!value && performance.now() - began < 60000) return;
      clearInterval(again);
      if (value) found(value);
      else failed(new Error("not in time"));
    }, 10);
  });
  window.untilAtRest = () => until(() => performance.now() - askedAt > 1100);
  window.untilSeen = (text) => until(() => sights[text]);
}"""
_TYPE = """async ([address, to, body]) => {
  const headers = { "content-type": "application/json" };
  const text = JSON.stringify({ to, body });
  const answer = await fetch(address, { method: "POST", headers, body: text });
  if (answer.status !== 201) throw new Error(`answered ${answer.status}`);
  return performance.timeOrigin + performance.now();
}"""


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start Chromium, with patience for a busy machine."""
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        yield browser
        browser.close()


def sign_in(browser: Browser, link: str) -> StorageState:
    """Sign in by a link, which works once; windows opened with the state take the session over."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()
    state = context.storage_state()
    context.close()
    return state


class Windows:
    """The windows that are open; an error in one, or a request to elsewhere, is a failure."""

    def __init__(self, browser: Browser) -> None:
        """Start with none."""
        self._browser = browser
        self.pages: list[Page] = []
        self.errors: list[str] = []
        self.strangers: list[str] = []

    def open(
        self,
        address: str,
        width: int = 1280,
        agent: StorageState | None = None,
        **more: Any,
    ) -> Page:
        """Open an address in a window of its own, signed in or not."""
        context = self._browser.new_context(
            viewport={"width": width, "height": 860}, storage_state=agent, **more
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.on("console", lambda line: line.type == "error" and self.errors.append(line.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._note_host)
        page.goto(address)
        self.pages.append(page)
        return page

    def _note_host(self, request: Request) -> None:
        if urlsplit(request.url).hostname != "127.0.0.1":
            self.strangers.append(request.url)

    def photograph(self, folder: Path, moment: str) -> None:
        """Keep what every window shows, to be looked at where a test fails."""
        for place, page in enumerate(self.pages):
            page.screenshot(path=folder / f"{moment}-{place}.png")

    def close(self) -> None:
        """Close all windows, and see that none had an error."""
        for page in self.pages:
            page.context.close()
        # A refused request is part of a test, and one whose answer nobody needs any more, because
        # the next letter was typed; a broken policy or script never is.
        bad = [error for error in self.errors if not error.startswith(_NO_ERRORS)]
        assert bad == [], bad
        assert self.strangers == []


def ask_command_line(demo: Demo, *words: str, typed: str = "") -> Any:
    """Run a command on the demo's database, beside the demo; `typed` is its standard input."""
    settings = {
        **clean_environment(),
        "CONSENTRY_DATABASE": f"sqlite:///{demo.data / 'consentry.db'}",
        "CONSENTRY_PUBLIC_URL": demo.product.url,
    }
    done = subprocess.run(
        [sys.executable, "-m", "consentry", *words, "--json"],
        env=settings,
        cwd=demo.data.parent,
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout)


@dataclass(frozen=True)
class Account:
    """Somebody who can sign in."""

    email: str
    name: str
    link: str

    def sign_in_by_password(self, page: Page) -> None:
        """Fill in the sign-in form that is shown."""
        page.get_by_label("Email").fill(self.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()


def add_agent(demo: Demo, name: str, role: str = "agent") -> Account:
    """Let somebody in, with a password and a link."""
    email = f"{name.split(maxsplit=1)[0].lower()}@example.org"
    words = ("agent", "add", email, "--name", name, "--role", role, "--password-stdin")
    told = ask_command_line(demo, *words, typed=PASSWORD)
    return Account(email, name, str(told["sign_in_link"]))


def fits_its_width(page: Page) -> bool:
    """Tell whether nothing makes the page scroll sideways."""
    fits: bool = page.evaluate(
        "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    return fits


def note_sights(page: Page) -> None:
    """Have a page note when it first shows each `sight-N`, by the clock that windows share."""
    page.evaluate(_NOTE_SIGHTS)


def milliseconds_to_see(
    demo: Demo, handset: Page, console: Page, *, phone: str, number: int
) -> float:
    """Type `sight-N` on a phone when the console is at rest; measure in the browser.

    From the moment at which the handset knows that its text is taken to the one at which the
    console has it in its page, without what the machine kept everybody waiting meanwhile.
    """
    console.evaluate("untilAtRest()")
    address = f"{demo.told['simulator_url']}/api/handsets/{phone}/messages"
    text = f"sight-{number}"
    with noting_lateness(demo.carrier) as late:
        typed: float = handset.evaluate(_TYPE, [address, demo.number("long_code"), text])
        seen: float = console.evaluate("text => untilSeen(text)", text)
    return seen - typed - 1000 * sum(late)


def expect_settled(page: Page) -> None:
    """Wait until nothing that the page has asked for is on its way."""
    expect(page.locator(".htmx-request")).to_have_count(0)


def rows(page: Page) -> Locator:
    """Find the rows of the inbox."""
    return page.get_by_role("complementary", name="Inbox").get_by_role("listitem")
