"""What every door of a real server says to a browser with each answer."""

import pytest
import requests
from real_world import WAIT_SECONDS, Demo

from consentry.api.documentation import DOCUMENTATION
from consentry.api.table import OPERATIONS
from consentry.console.app import PAGES

pytestmark = pytest.mark.e2e

STREAM = "/live"
EVERY_ANSWER: dict[str, tuple[str, ...]] = {
    "x-content-type-options": ("nosniff",),
    "cache-control": ("no-store",),
}
EVERY_PAGE = {
    "content-security-policy": ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"),
    "referrer-policy": ("same-origin",),
    "permissions-policy": ("camera=()", "microphone=()", "geolocation=()"),
}


def list_addresses() -> list[tuple[str, str]]:
    """List every route of every door: the API, the console, the public pages, Twilio's."""
    operations = [(o.method, o.path) for o in (*OPERATIONS, *DOCUMENTATION)]
    pages = [(page.method, f"/console{page.path}") for page in PAGES if page.path != STREAM]
    others = [
        ("GET", "/console/sign-in"),
        ("GET", "/console/nothing"),
        ("GET", "/opt-in/nothing"),
        ("GET", "/opt-out/sample"),
        ("GET", "/opt-out/nothing"),
        ("GET", "/2010-04-01/Accounts/AC1/Messages.json"),
        ("GET", "/nothing"),
    ]
    return [*operations, *pages, *others]


def list_missing(method: str, path: str, answer: requests.Response) -> dict[str, str]:
    """List what an answer does not say and should, with what it says instead."""
    wanted = dict(EVERY_ANSWER)
    is_page = answer.headers.get("content-type", "").startswith("text/html")
    if is_page and not path.startswith("/docs"):
        wanted |= EVERY_PAGE
    if answer.is_redirect:
        wanted = {}
    return {
        f"{method} {path} {answer.status_code} {name}": answer.headers.get(name, "")
        for name, parts in wanted.items()
        if not all(part in answer.headers.get(name, "") for part in parts)
    }


def test_every_answer_says_how_it_may_be_used(demo: Demo) -> None:
    """Whoever asks, with a key or with nothing, and whatever is answered."""
    session, missing = requests.Session(), {}
    for method, path in list_addresses():
        address = demo.product.url + path.replace("{", "").replace("}", "")
        for headers in ({}, {"authorization": f"Bearer {demo.told['api_key']}"}):
            if headers and method != "GET":
                continue
            answer = session.request(
                method, address, headers=headers, timeout=WAIT_SECONDS, allow_redirects=False
            )
            missing |= list_missing(method, path, answer)
    assert missing == {}
