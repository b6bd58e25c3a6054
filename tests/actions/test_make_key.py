"""API keys: a secret that is shown once, and a record from which it cannot be had back."""

import hashlib
import hmac

import pytest

from consentry.actions.make_key import SECRET_BYTES, hash_secret, make_key, new_secret
from consentry.ports import Scope
from memory_store import START

pytestmark = pytest.mark.unit


def test_a_secret_is_its_random_bytes() -> None:
    """A secret begins with csk_ and tells different bytes apart; its hash is HMAC-SHA256."""
    first, second = new_secret(b"a" * SECRET_BYTES), new_secret(b"b" * SECRET_BYTES)
    assert first.startswith("csk_")
    assert len(first) == 47
    assert first != second
    expected = hmac.new(b"server", first.encode(), hashlib.sha256).hexdigest()
    assert hash_secret("server", first) == expected


class _Counted(str):
    """A secret key that counts how often it is set up for hashing."""

    __slots__ = ("encoded",)

    def __init__(self, text: str) -> None:
        del text
        self.encoded = 0

    # typing.override comes with Python 3.12.
    def encode(  # type: ignore[explicit-override]
        self, encoding: str = "utf-8", errors: str = "strict"
    ) -> bytes:
        self.encoded += 1
        return super().encode(encoding, errors)


def test_the_servers_secret_key_is_set_up_once() -> None:
    """Each request hashes a secret, so that the key to hash with is not made anew each time."""
    server = _Counted("a server whose key no other test has")
    assert hash_secret(server, "csk_a") != hash_secret(server, "csk_b")
    assert server.encoded == 1


def test_what_is_no_ascii_is_hashed_too() -> None:
    """A lone surrogate, as it can stand in a header, has a hash like any other text."""
    assert len(hash_secret("server", "\ud800")) == 64


def test_the_record_holds_the_beginning_and_the_hash_and_no_more() -> None:
    """What is kept tells keys apart and recognises the secret; scopes stand in it once."""
    secret, key = make_key(
        "shop",
        (Scope.SEND, Scope.CHECK, Scope.SEND),
        secret_key="server",
        randomness=b"a" * SECRET_BYTES,
        now=START,
    )
    assert key.prefix == secret[:12]
    assert key.hash == hash_secret("server", secret)
    assert key.scopes == (Scope.SEND, Scope.CHECK)
    assert (key.id, key.name, key.created_at) == ("", "shop", START)
    assert secret[12:] not in repr(key)
