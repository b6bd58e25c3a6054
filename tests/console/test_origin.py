"""Where a request comes from, and where it may lead."""

import pytest
from starlette.requests import Request

from consentry.console.origin import is_from_here, is_own_doing, own_path

pytestmark = pytest.mark.unit


def request(method: str = "GET", **headers: str) -> Request:
    """A request with these headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    listed = [(name.encode(), value.encode()) for name, value in named.items()]
    return Request({"type": "http", "method": method, "headers": listed})


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (request("POST"), True),
        (request("POST", sec_fetch_site="same-origin", origin="https://other"), True),
        (request("POST", sec_fetch_site="none"), True),
        (request("POST", sec_fetch_site="same-site"), False),
        (request("POST", sec_fetch_site="cross-site"), False),
        (request("POST", origin="https://A.example:8000", host="a.example:8000"), True),
        (request("POST", origin="https://a.example:8001", host="a.example:8000"), False),
        (request("POST", origin="https://sms.example.org", host="inside:8000"), True),
        (request("POST", origin="https://sms.example.org.evil", host="inside:8000"), False),
        (request("POST", origin="null", host="a.example"), False),
        (request("POST", origin="null"), False),
        (request("POST", origin="https://[a.example", host="a.example"), False),
    ],
)
def test_forms_from_here_are_told_from_others(asked: Request, *, expected: bool) -> None:
    """By what the browser says; behind a proxy the public address is ours too."""
    assert is_from_here(asked, "https://sms.example.org") is expected


def test_a_look_is_told_from_a_preview() -> None:
    """Previews, prerendering and other sites' links are nobody's own doing."""
    assert is_own_doing(request())
    assert is_own_doing(request(sec_fetch_site="none"))
    assert not is_own_doing(request("HEAD"))
    assert not is_own_doing(request(sec_purpose="prefetch;anonymous-client-ip"))
    assert not is_own_doing(request(purpose="Prefetch"))
    assert not is_own_doing(request(sec_fetch_site="cross-site"))


@pytest.mark.parametrize(
    "path", ["/console", "/console/customers/cus_1?x=1&y=%2F", "/console?search=a", "/console/"]
)
def test_own_pages_are_led_to(path: str) -> None:
    """As they were asked for."""
    assert own_path(path) == path
