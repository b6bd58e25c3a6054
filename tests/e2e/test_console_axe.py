"""Every page of the console, as people with different eyes and screens meet it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    StorageState,
    ViewportSize,
    expect,
    sync_playwright,
)
from real_processes import clean_environment
from real_world import Demo
from sample_life import Life, live_a_day

from consentry.console.app import PAGES

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-console-axe"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to run this test"),
]

PATIENCE_MILLISECONDS = 60_000
PAGE_BYTES_MAX = 120_000
HEIGHTS = {1440: 900, 1024: 768, 390: 844}
Scheme = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
# The script tells of what the policy refused; the browser's own line may come in any words.
WATCH = """addEventListener("securitypolicyviolation", (event) =>
    console.error(`refused by the policy: ${event.violatedDirective} ${event.blockedURI}`));"""

Who = Literal["admin", "nobody", "stranger"]


@dataclass(frozen=True)
class View:
    """A page in one state: its name, its address with {names} to fill in, and who looks at it."""

    name: str
    address: str
    who: Who = "admin"
    status: int = 200


EXAMPLES: Final = {
    "/customers/{id}": "Ada Example",
    "/settings/brands/{id}": "retale",
    "/settings/programs/{id}": "offers",
    "/settings/calls-to-action/{id}": "offers-web",
    "/settings/templates/{id}": "template",
    "/settings/carriers/{id}": "simulated",
    "/settings/agents/{id}": "agent",
    "/settings/keys/{id}": "key",
    "/settings/webhooks/{id}": "webhook",
    "{number}": "+14155550100",
}
"""What fills the parameter of a path in the demo, in place of the example in the table of pages."""

NAMES: Final = {"": "inbox", "/inbox": "inbox-rows"}
"""Names of pages whose path does not say one, or says another's."""

EXTRA: Final = (
    View("sign-in", "/console/sign-in", who="stranger"),
    View("sign-in-link-used", "/console/sign-in?token=used", who="stranger", status=401),
    View("no-access", "/console", who="nobody", status=403),
    View("missing", "/console/nothing-here", status=404),
    View("customer-note", "/console/customers/{Dana Rivers}?compose=note"),
    View("customer-opted-out", "/console/customers/{Grace Okafor}"),
    View("customer-blocked-by-carrier", "/console/customers/{Ben Sample}"),
    View("customer-unclear", "/console/customers/{Iris Tanaka}"),
    View("customer-failed-and-right-to-left", "/console/customers/{Fatima Nour}"),
    View("customer-never-texted", "/console/customers/{Chloé Muster}"),
    View("customer-odd", "/console/customers/{odd}"),
    View(
        "customer-place",
        "/console/customers/{Chloé Muster}?edit=place&phone=%2B14155550144",
    ),
    View(
        "settings-rules-tried", "/console/settings/rules?number=%2B14015550142&at=2026-12-25T18:30"
    ),
    View("inbox-search", "/console?search=example"),
    View("inbox-nothing-found", "/console?search=nobody+of+this+name"),
    View("opt-outs-nothing-found", "/console/opt-outs?search=%2B19995550000"),
)
"""States of pages that the table alone does not show, and the pages of who is not signed in."""


def name_view(view: View) -> str:
    """Name a view in the list of tests."""
    return view.name


def name_page(path: str) -> str:
    """Name a page by its path."""
    return NAMES.get(path) or re.sub(r"[^a-z0-9]+", "-", path).strip("-")


def table_views() -> list[View]:
    """Make a view of each page in the table that is asked for by GET."""
    return [
        View(name_page(page.path), f"/console{page.path}")
        for page in PAGES
        # A file is not looked at, and the stream of what is new has no end.
        if page.method == "GET" and "." not in page.path and page.path != "/live"
    ]


VIEWS: Final = [*table_views(), *EXTRA]
MAIN: Final = frozenset(
    {
        "inbox",
        "customers-id",
        "customer-opted-out",
        "customer-odd",
        "customers-id-consent",
        "opt-outs",
        "reports",
        "reports-drift",
        "review",
        "settings-senders",
        "sign-in",
    }
)
"""The views that are looked at on narrower screens too."""


@pytest.fixture(scope="module")
def life(demo: Demo) -> Life:
    """Fill the demo once."""
    return live_a_day(demo)


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


def ask_command_line(demo: Demo, *words: str) -> dict[str, Any]:
    """Run a command on the demo's database."""
    settings = {
        **clean_environment(),
        "CONSENTRY_DATABASE": f"sqlite:///{demo.data / 'consentry.db'}",
        "CONSENTRY_PUBLIC_URL": demo.product.url,
        "CONSENTRY_SECRET_KEY": (demo.data / "secret.key").read_text(encoding="utf-8").strip(),
    }
    done = subprocess.run(
        [sys.executable, "-m", "consentry", *words, "--json"],
        env=settings,
        cwd=demo.data.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def states(demo: Demo, browser: Browser) -> dict[Who, StorageState | None]:
    """Sign in who looks at pages: an admin, somebody without access, and nobody at all."""
    nobody = ask_command_line(
        demo, "agent", "add", "nobody@example.org", "--name", "No Body", "--role", "none"
    )
    links: dict[Who, str] = {"admin": demo.told["console_link"], "nobody": nobody["sign_in_link"]}
    states: dict[Who, StorageState | None] = {"stranger": None}
    for who, link in links.items():
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(link)
            expect(page).to_have_url(re.compile(r"/console$"))
            states[who] = context.storage_state()
    return states


@dataclass(frozen=True)
class Looker:
    """Who opens pages, and what they noticed that must not be."""

    browser: Browser
    demo: Demo
    life: Life
    states: dict[Who, StorageState | None]

    @contextmanager
    def window(self, view: View, width: int = 1440) -> Iterator[tuple[Page, list[str]]]:
        """Open a view in a window of its own; the list fills with what must not happen."""
        with self.browser.new_context(
            viewport=ViewportSize(width=width, height=HEIGHTS[width]),
            color_scheme="light",
            storage_state=self.states[view.who],
            reduced_motion="reduce",
        ) as context:
            faults = watch(context, urlsplit(self.demo.product.url).netloc)
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MILLISECONDS)
            answer = page.goto(self.demo.product.url + self.fill(view.address))
            assert answer is not None
            assert answer.status == view.status, (view.address, answer.status)
            yield page, faults

    def fill(self, address: str) -> str:
        """Put customers' ids and the examples into an address."""
        path = address.removeprefix("/console")
        names = self.life.ids
        known = {**next((p.example for p in PAGES if p.path == path and p.example), {})}

        def find(match: re.Match[str]) -> str:
            name = match.group(1)
            prefix = path[: match.end() - len(address) + len(path)]
            told = EXAMPLES.get(prefix) or EXAMPLES.get(match.group()) or known.get(name) or name
            found = names.get(told, told)
            assert found != name, f"say in EXAMPLES or in the table what fills {prefix}"
            return found.replace("+", "%2B")

        return re.sub(r"\{([^}]+)\}", find, address)


def watch(context: BrowserContext, host: str) -> list[str]:
    """Note errors in the console, refusals by the policy, and requests to other hosts."""
    faults: list[str] = []
    context.add_init_script(WATCH)

    def note_request(url: str) -> None:
        if urlsplit(url).netloc != host:
            faults.append(f"asks another host: {url}")

    def note_line(kind: str, text: str) -> None:
        # The browser itself logs every page that is answered with 403 or 404.
        if kind == "error" and not text.startswith("Failed to load resource"):
            faults.append(text)

    context.on("console", lambda line: note_line(line.type, line.text))
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on("request", lambda request: note_request(request.url))
    return faults


@pytest.fixture(scope="module")
def looker(
    browser: Browser, demo: Demo, life: Life, states: dict[Who, StorageState | None]
) -> Looker:
    """Look at the console of a shop with some life in it."""
    with browser.new_context(storage_state=states["admin"]) as context:
        work_for_a_while(context.new_page(), demo.product.url, life)
    return Looker(browser, demo, life, states)


def work_for_a_while(page: Page, address: str, life: Life) -> None:
    """Answer a customer at the console and leave a note for colleagues."""
    page.goto(f"{address}/console/customers/{life.ids['Dana Rivers']}")
    page.get_by_label("Text", exact=True).fill("The next one comes with a gift, Dana.")
    page.get_by_role("button", name="Send SMS").click()
    expect(page.get_by_text("The next one comes with a gift, Dana.").last).to_be_visible()
    page.goto(f"{address}/console/customers/{life.ids['Dana Rivers']}?compose=note")
    page.get_by_label("Note for colleagues").fill("Loves a gift. Ask before the holidays.")
    page.get_by_role("button", name="Save note").click()
    expect(page.get_by_text("Loves a gift.").last).to_be_visible()


def weigh(page: Page) -> int:
    """Count the bytes that came over the wire for a page that was never visited before."""
    return int(
        page.evaluate("""() => [
            ...performance.getEntriesByType("navigation"),
            ...performance.getEntriesByType("resource"),
        ].reduce((sum, entry) => sum + entry.transferSize, 0)""")
    )


def is_whole(page: Page) -> bool:
    """Tell a page from a part of one, and from a file."""
    return bool(page.evaluate("document.doctype !== null && document.title !== ''"))


def photograph(page: Page, file: Path) -> None:
    """Take a picture of a page on a screen as high as it needs, so that bars stay at the edges."""
    size = page.viewport_size
    assert size is not None
    needed = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": max(size["height"], needed)})
    picture = Image.open(BytesIO(page.screenshot()))
    page.set_viewport_size(size)
    # Pages have few colours: a third of the size, and nobody sees the difference.
    picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(file, optimize=True)


def judge(page: Page, scheme: Scheme) -> list[str]:
    """Name the rules of axe that a page breaks, and by what.

    What is dark differs from what is light by its colours alone, so it is judged by those.
    """
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if scheme == "dark":
        options["runOnly"] = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    # What every rule found in order is a long list that would cross to this process for nothing.
    broken = page.evaluate("chosen => axe.run(chosen).then(found => found.violations)", options)
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in broken
        for node in one["nodes"]
    ]


@pytest.fixture
def album() -> Path | None:
    """Name the folder for pictures, where somebody wants to look at them: no test does."""
    named = os.environ.get("CONSENTRY_SCREENSHOTS")
    if not named:
        return None
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def look(page: Page, album: Path | None, name: str, *, whether_usable: bool = True) -> list[str]:
    """Tell what axe finds on a page in each of both themes; photograph it for an album."""
    found = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        if album is not None:
            photograph(page, album / f"{name}-{scheme}.png")
        if whether_usable:
            found += [f"{scheme}: {fault}" for fault in judge(page, scheme)]
    return found


@pytest.mark.parametrize("view", VIEWS, ids=name_view)
def test_everybody_can_use_a_page(looker: Looker, view: View, album: Path | None) -> None:
    """Axe finds nothing, the policy refuses nothing, no other host is asked, no page is heavy."""
    with looker.window(view) as (page, faults):
        if is_whole(page):
            assert weigh(page) <= PAGE_BYTES_MAX
            assert look(page, album, view.name) == []
        assert faults == []


@pytest.mark.parametrize("width", [1024, 390])
@pytest.mark.parametrize("view", [one for one in VIEWS if one.name in MAIN], ids=name_view)
def test_a_page_fits_a_narrow_screen(
    looker: Looker, view: View, width: int, album: Path | None
) -> None:
    """On a tablet and on a phone nothing is cut off at the side; axe finds nothing on a phone."""
    with looker.window(view, width) as (page, faults):
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wider) <= 0
        name = f"{view.name}-{width}"
        assert look(page, album, name, whether_usable=width == 390) == []
        assert faults == []


def test_the_handsets_can_be_used_by_everybody(looker: Looker, album: Path | None) -> None:
    """The phones of the same shop, as the demo shows them: axe finds nothing, no error."""
    with looker.browser.new_context(viewport=ViewportSize(width=1440, height=900)) as context:
        address = looker.demo.told["handset_url"]
        faults = watch(context, urlsplit(address).netloc)
        page = context.new_page()
        page.goto(address)
        expect(page.get_by_role("article")).to_have_count(3)
        expect(page.get_by_text("Blocked by the carrier").first).to_be_visible()
        assert look(page, album, "handsets") == []
        assert faults == []
