"""Connection overrides in a webhook's address."""

import pytest

from consentry.wire.webhook_address import (
    RETRY_FRAGMENT,
    RetryCause,
    WebhookAddress,
    WebhookAddressError,
    inbound_path,
    parse_webhook_address,
    status_path,
    write_request_url,
)

pytestmark = pytest.mark.unit

URL = "https://example.com/carriers/main/inbound"


def test_by_default_nothing_is_retried() -> None:
    """An address without a fragment is tried once."""
    assert parse_webhook_address(URL) == WebhookAddress(URL)
    assert WebhookAddress(URL).retry_count == 0


def test_the_advised_fragment() -> None:
    """The addresses we print ask for five retries after every failure of ours."""
    assert status_path("main", "") == "/carriers/main/status"
    assert status_path("main", RETRY_FRAGMENT) == "/carriers/main/status#rc=5&rp=ct,rt,5xx"
    path = inbound_path("main", RETRY_FRAGMENT)
    assert path == "/carriers/main/inbound#rc=5&rp=ct,rt,5xx"
    address = parse_webhook_address(f" https://example.com{path} ")
    assert address.url == URL
    assert address.retry_count == 5
    assert address.retry_causes == {
        RetryCause.CONNECT,
        RetryCause.READ_TIMEOUT,
        RetryCause.SERVER_ERROR,
    }


def test_timeouts_and_all() -> None:
    """Timeouts are milliseconds; `all` is every cause; overrides of no matter are ignored."""
    address = parse_webhook_address(f"{URL}#rc=1&rp=all&ct=200&rt=300&tt=400&e=ashburn")
    assert address.retry_causes == set(RetryCause)
    assert address.connect_timeout_ms == 200
    assert address.read_timeout_ms == 300
    assert address.total_timeout_ms == 400


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not an http or https address"),
        ("ftp://example.com", "is not an http or https address"),
        ("https:///path", "is not an http or https address"),
        ("https://example.com:port/", "is not an http or https address"),
        (f"{URL}#rc=6", "rc=6 must be 0 to 5"),
        (f"{URL}#rc=x", "rc=x must be 0 to 5"),
        (f"{URL}#rt=99", "rt=99 must be 100 to 15000"),
        (f"{URL}#rc", "must be written name=value"),
        (f"{URL}#rc=1&rp=never", "may list 4xx, 5xx, ct, rt, all"),
    ],
)
def test_a_wrong_address_is_named(text: str, message: str) -> None:
    """The error quotes what is wrong and says what is allowed."""
    with pytest.raises(WebhookAddressError, match=message):
        parse_webhook_address(text)


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("http://a.example", "http://a.example/"),
        ("http://a.example?x=1", "http://a.example/?x=1"),
        ("https://u:p@a.example:84/a%2fb?q=%C3%A9+1", "https://u:p@a.example:84/a%2fb?q=%C3%A9+1"),
        ('http://a.example/a b/é?q=ü"<', "http://a.example/a%20b/%C3%A9?q=%C3%BC%22%3C"),
    ],
)
def test_an_address_is_written_as_its_server_sees_it(url: str, written: str) -> None:
    """With a path, escaped where it must be, and otherwise as it was configured."""
    assert write_request_url(url) == written
    assert write_request_url(written) == written


def test_an_address_tells_whether_it_speaks_of_retries() -> None:
    """Timeouts alone do not."""
    assert parse_webhook_address("http://a.example#rc=0").names_retries
    assert not parse_webhook_address("http://a.example#ct=500&rp=5xx").names_retries
