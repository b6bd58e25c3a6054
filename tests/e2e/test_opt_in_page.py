"""Asking for consent on a web page: in a real browser, from the form to the handset's answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from console_windows import CHROMIUM
from playwright.sync_api import Browser, Page, expect
from real_world import WAIT_SECONDS, Demo, eventually

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("e2e-opt-in"),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here; install it to run this test"),
]

BUTTON: Final = "Text me to confirm"
PROGRAM: Final = "offers"


@contextmanager
def window(browser: Browser, **more: Any) -> Iterator[Page]:
    """Open a window of a person who has never been here."""
    with browser.new_context(**more) as context:
        page = context.new_page()
        page.set_default_timeout(WAIT_SECONDS * 1000)
        yield page


@contextmanager
def foreign_site(drawn: str) -> Iterator[str]:
    """Serve a page of another site, with something in it; its address ends with a slash."""
    head = "<!doctype html><html lang=en><meta charset=utf-8><title>Shop</title>"
    page = f"{head}<body>{drawn}".encode()

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def consent(demo: Demo, phone: str) -> dict[str, Any] | None:
    """Read the consent of a phone with the program."""
    found = demo.product.recipient(phone)["consents"]
    return next((one for one in found if one["program"] == PROGRAM), None)


def evidence(demo: Demo, phone: str) -> dict[str, Any]:
    """Read the evidence of the one form that was sent for a phone."""
    told = [one["evidence"] for one in demo.product.entries(phone) if one.get("evidence")]
    forms: list[dict[str, Any]] = [one for one in told if one["medium"] == "web"]
    assert len(forms) == 1
    return forms[0]


def test_a_person_without_javascript_opts_in(demo: Demo, browser: Browser, phone: str) -> None:
    """Unticked: told what to do, nothing kept. Ticked: kept with its evidence, and pending."""
    address = demo.told["opt_in_url"]
    with window(browser, java_script_enabled=False, locale="en-US") as page:
        page.goto(address)
        box = page.get_by_role("checkbox")
        expect(box).not_to_be_checked()
        page.get_by_label("Mobile number", exact=True).fill(phone)
        page.get_by_role("button", name=BUTTON).click()
        expect(page.get_by_role("alert")).to_contain_text("Tick the box if you agree")
        expect(page.get_by_label("Mobile number", exact=True)).to_have_value(phone)
        expect(box).not_to_be_checked()
        assert consent(demo, phone) is None
        box.check()
        page.get_by_role("button", name=BUTTON).click()
        expect(page.get_by_role("heading", name="Check your phone")).to_be_visible()
    kept, call = evidence(demo, phone), demo.product.get("/v1/calls-to-action/offers-web")
    assert kept["call_to_action"] == call["disclosure"]
    assert kept["call_to_action_version"] == f"offers-web/{call['version']}"
    assert kept["call_to_action_sha256"] == call["sha256"]
    assert (kept["page_url"], kept["ip"]) == (address, "127.0.0.1")
    assert "Chrome" in kept["user_agent"]
    say_yes(demo, phone)


def say_yes(demo: Demo, phone: str) -> None:
    """Answer the one text that asks; only then may marketing go, as far as the hour allows."""
    number = demo.number("long_code")

    def asked() -> list[str]:
        return [text for who, text in demo.carrier.shown(phone, number) if who == "sender"]

    eventually(asked, "the phone is asked")
    assert len(asked()) == 1
    assert "reply YES to get Offers" in asked()[0]
    about = {"sender": number, "recipient": phone, "purpose": "marketing", "program": PROGRAM}
    before = demo.product.call("POST", "/v1/check", about).json()
    assert (before["decision"], before["reason"]) == ("deny", "consent_pending")
    demo.carrier.type_heard(phone, number, "YES")
    given = consent(demo, phone)
    assert given is not None
    assert (given["state"], given["level"]) == ("active", "express_written")
    after = demo.product.call("POST", "/v1/check", about).json()
    assert after["decision"] == "allow" or after["reason"] == "quiet_hours", after


@pytest.mark.parametrize("way", ["script", "html"])
def test_a_page_of_another_site_asks_with_the_same_form(
    demo: Demo, browser: Browser, phone: str, way: str
) -> None:
    """One script tag, or HTML that was copied: unticked, the same words, from another origin."""
    address = demo.told["opt_in_url"]
    shown = requests.get(
        f"{demo.product.url}/v1/calls-to-action/offers-web/versions/1",
        headers={"Authorization": f"Bearer {demo.product.key}"},
        timeout=WAIT_SECONDS,
    ).content.decode()
    copied = (
        f'<form method="post" action="{address}">{shown}'
        '<input type="hidden" name="version" value="1"></form>'
    )
    drawn = {"script": f'<script src="{address}.js"></script>', "html": copied}[way]

    with foreign_site(drawn) as shop, window(browser) as page:
        page.goto(f"{shop}deals?from=mail")
        assert page.get_by_role("checkbox").is_checked() is False
        disclosure = demo.product.get("/v1/calls-to-action/offers-web")["disclosure"]
        expect(page.get_by_label(disclosure)).to_be_visible()
        page.get_by_label("Mobile number", exact=True).fill(phone)
        page.get_by_label("Name (optional)").fill("Ann")
        page.get_by_role("checkbox").check()
        page.get_by_role("button", name=BUTTON).click()
        expect(page.get_by_role("heading", name="Check your phone")).to_be_visible()
    kept = evidence(demo, phone)
    assert kept["name"] == "Ann"
    # Of another site a browser tells only the site; the script tells the page.
    assert kept["page_url"] == (f"{shop}deals?from=mail" if way == "script" else shop)


def test_the_pages_are_for_everybody(demo: Demo, browser: Browser) -> None:
    """Axe finds nothing in the form, its problems and what follows, light or dark, on a phone."""
    address = demo.told["opt_in_url"]
    for scheme in ("light", "dark"):
        size = {"width": 390, "height": 844}
        with window(browser, color_scheme=scheme, viewport=size) as page:
            page.goto(address)
            broken = judge(page)
            page.get_by_role("button", name=BUTTON).click()
            expect(page.get_by_role("alert")).to_be_visible()
            broken += judge(page)
            page.goto(f"{address}/sent")
            broken += judge(page)
            assert broken == []
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"]


def judge(page: Page) -> list[str]:
    """Name what a page breaks."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{one['id']}: {node['target']}" for one in found for node in one["nodes"]]


def test_a_number_is_asked_only_so_often(demo: Demo, phone: str) -> None:
    """Five forms an hour for a number; then 429 with when to try again, and no more entries."""
    form = {"phone": phone, "agree": "yes", "version": "1"}

    def send() -> requests.Response:
        address = demo.told["opt_in_url"]
        return requests.post(address, form, timeout=WAIT_SECONDS, allow_redirects=False)

    assert {send().status_code for _ in range(5)} == {303}
    kept = len(demo.product.entries(phone))
    turned_away = send()
    assert turned_away.status_code == 429
    assert 0 < int(turned_away.headers["retry-after"]) <= 3600
    assert len(demo.product.entries(phone)) == kept
