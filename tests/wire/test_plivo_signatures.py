"""Plivo's signatures, against the formula written out, and against what headers may hold."""

import hmac
from base64 import b64encode
from hashlib import sha256

import pytest

from consentry.wire.plivo import plivo_signature, plivo_signature_matches

pytestmark = pytest.mark.unit

TOKEN = "fictitious-token"
URL = "https://texts.example.com/carriers/pv/status?sender=%2B14155550100&message=msg_1"
PARAMS = (("To", "12125550142"), ("From", "14155550100"), ("Text", "Hi 🙂"))
SIGNED = (
    "https://texts.example.com/carriers/pv/status?message=msg_1&sender=+14155550100"
    ".From14155550100TextHi 🙂To12125550142.12345"
)


def matches(
    *signatures: str,
    url: str = URL,
    params: tuple[tuple[str, str], ...] = PARAMS,
    nonce: str = "12345",
) -> bool:
    """Check headers."""
    return plivo_signature_matches(TOKEN, url, params, nonce=nonce, signatures=signatures)


def test_the_formula() -> None:
    """Address, query in order, form in order, nonce: HMAC-SHA-256 by the token, base64."""
    digest = hmac.new(TOKEN.encode(), SIGNED.encode(), sha256).digest()
    assert plivo_signature(TOKEN, URL, PARAMS, "12345") == b64encode(digest).decode()


@pytest.mark.parametrize(
    ("url", "params", "signed"),
    [
        ("https://a.example/", (), "https://a.example/.1"),
        ("https://a.example/?b=1", (), "https://a.example/?b=1.1"),
        ("https://a.example/", (("b", "1"),), "https://a.example/?b1.1"),
        ("https://a.example/?c=2#rc=5", (("b", "2"), ("b", "1")), "https://a.example/?c=2.b1b2.1"),
    ],
)
def test_what_is_left_out(url: str, params: tuple[tuple[str, str], ...], signed: str) -> None:
    """Without a query or a form its mark is missing; the fragment is not signed."""
    digest = hmac.new(TOKEN.encode(), signed.encode(), sha256).digest()
    assert plivo_signature(TOKEN, url, params, "1") == b64encode(digest).decode()


def test_one_that_matches_is_enough() -> None:
    """In any header, and anywhere in a header's list."""
    good = plivo_signature(TOKEN, URL, PARAMS, "12345")
    assert matches(good)
    assert matches("old", good)
    assert matches(f"old, {good}")


def test_only_what_was_signed_matches() -> None:
    """Another address, form, nonce or token does not, and none of what a header may hold raises."""
    good = plivo_signature(TOKEN, URL, PARAMS, "12345")
    assert not matches(good, url=URL + "x")
    assert not matches(good, params=PARAMS[:2])
    assert not matches(good, nonce="1234")
    assert not matches(plivo_signature("another", URL, PARAMS, "12345"))
    for signature in ("", ",", "é", "\ud800", good[:-1], good + "="):
        assert not matches(signature)
    assert not matches()


@pytest.mark.parametrize("url", ["https://[::1/", "https://a.example/?" + "a=1&" * 1001])
def test_an_address_that_is_none_matches_nothing(url: str) -> None:
    """It cannot have been signed."""
    assert not matches("x", url=url)
    with pytest.raises(ValueError, match=r"Invalid IPv6|fields"):
        plivo_signature(TOKEN, url, (), "1")
