"""How often one may try, and where a request comes from and may lead."""

import pytest
from starlette.requests import Request

from consentry.console.origin import is_from_here, is_own_doing, own_path
from consentry.console.tries import Limits, Tries

pytestmark = pytest.mark.unit

LIMITS = Limits(per_account=2, per_address=4, window_seconds=100)


def begin(tries: Tries, at: float, account: str | None = "ada", address: str = "192.0.2.1") -> int:
    """Try once; give the seconds to wait, 0 where the try was let through."""
    wait = tries.begin(address, account, at)
    return 0 if wait is None else wait.seconds


def test_the_window_slides() -> None:
    """Each try is forgotten when it is as old as the window, not all of them at once."""
    tries = Tries(LIMITS)
    assert [begin(tries, at) for at in (0, 60, 70)] == [0, 0, 30]
    assert [begin(tries, at) for at in (99.5, 100, 101)] == [1, 0, 59]


def test_a_try_that_is_turned_away_does_not_count() -> None:
    """Who keeps trying does not wait longer for it."""
    tries = Tries(LIMITS)
    for at in range(2):
        begin(tries, at)
    assert [begin(tries, at) for at in (10, 20, 30)] == [90, 80, 70]
    assert begin(tries, 100) == 0


def test_accounts_and_addresses_are_counted_apart() -> None:
    """Many accounts from one address, and one account from many addresses."""
    tries = Tries(LIMITS)
    assert [begin(tries, 0, f"agent {n}") for n in range(5)] == [0, 0, 0, 0, 100]
    assert [begin(tries, 0, "eve", f"198.51.100.{n}") for n in range(3)] == [0, 0, 100]
    assert begin(tries, 0, None, "198.51.100.9") == 0


def test_one_ipv6_network_is_one_address() -> None:
    """Its owner has all of its addresses; IPv4 and what is no address are taken as they are."""
    tries = Tries(LIMITS)
    assert [begin(tries, 0, None, f"2001:db8:1:2::{n}") for n in range(5)] == [0, 0, 0, 0, 100]
    assert begin(tries, 0, None, "2001:db8:1:3::1") == 0
    mapped = [begin(tries, 0, None, f"::ffff:192.0.2.{n}") for n in range(5)]
    assert mapped == [0] * 5
    assert [begin(tries, 0, None, "") for _ in range(5)] == [0, 0, 0, 0, 100]


def test_the_audit_is_told_once_a_window() -> None:
    """However often somebody is turned away."""
    tries = Tries(LIMITS)
    waits = [tries.begin("192.0.2.1", "ada", at) for at in range(6)]
    assert [wait and wait.is_news for wait in waits] == [None, None, True, False, False, False]
    later = [tries.begin("192.0.2.1", "ada", at) for at in (150, 151, 152)]
    assert [wait and wait.is_news for wait in later] == [None, None, True]


def test_success_gives_an_accounts_tries_back() -> None:
    """Those of the address stay: it may be trying other accounts."""
    tries = Tries(LIMITS)
    assert [begin(tries, 0) for _ in range(3)] == [0, 0, 100]
    tries.succeed("ada")
    tries.succeed("nobody")
    assert [begin(tries, 0) for _ in range(3)] == [0, 0, 100]
    assert begin(tries, 0, "eve") == 100


def test_memory_is_bounded() -> None:
    """A flood of names and addresses pushes the oldest out."""
    tries = Tries(LIMITS)
    for count in range(30_000):
        tries.begin(f"host {count}", f"agent {count}", 0)
    names = [name for name in vars(tries).values() if hasattr(name, "__len__")]
    assert all(len(name) <= 10_000 for name in names)


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
