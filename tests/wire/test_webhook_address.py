"""Connection overrides in a webhook's address."""

import pytest

from consentry.wire.webhook_address import (
    RetryCause,
    WebhookAddress,
    WebhookAddressError,
    inbound_path,
    parse_webhook_address,
    status_path,
)

pytestmark = pytest.mark.unit

URL = "https://example.com/carriers/main/inbound"


def test_by_default_nothing_is_retried() -> None:
    """An address without a fragment is tried once."""
    assert parse_webhook_address(URL) == WebhookAddress(URL)
    assert WebhookAddress(URL).retry_count == 0


def test_the_advised_fragment() -> None:
    """The addresses we print ask for five retries after every failure of ours."""
    assert inbound_path("main") == "/carriers/main/inbound#rc=5&rp=ct,rt,5xx"
    assert status_path("main") == "/carriers/main/status#rc=5&rp=ct,rt,5xx"
    address = parse_webhook_address(f" https://example.com{inbound_path('main')} ")
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
