"""Keyed hashes of phone numbers: HMAC-SHA-256 with keys that have ids.

There are few phone numbers: a plain hash of one is found by trying them all. Without the key
nothing can be tried (RFC 2104; https://www.rfc-editor.org/rfc/rfc2104).
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

KEY_BYTES = 32
KEY_PREFIX = "cek_"
"""A key is written as this and its bytes in base64url, so that a log can tell one and hide it."""

_PURPOSE = b"consentry: keyed hashes of erased numbers, 1"
_ID_LENGTH = 12
_WRITTEN = re.compile(re.escape(KEY_PREFIX) + r"[A-Za-z0-9_-]{43}")


class HashKey(NamedTuple):
    """A key of hashes; `id` tells which one made a hash, and nothing of the key."""

    id: str
    secret: bytes

    def __repr__(self) -> str:  # type: ignore[explicit-override]
        """Show which key it is, and nothing of it."""
        return f"HashKey({self.id!r})"


class KeyedHash(NamedTuple):
    """The hash of a number by the key of that id: URL-safe base64 without padding."""

    key: str
    hash: str


class UnknownHashKey(LookupError):
    """A hash was made by a key that is not at hand; the message names it."""


def derive_hash_key(secret: str) -> HashKey:
    """Derive a key from the server's own secret; the same secret always gives the same key."""
    return name_hash_key(hmac.digest(secret.encode(), _PURPOSE, "sha256"))


def name_hash_key(secret: bytes) -> HashKey:
    """Give a key its id, which is made from the key: so two keys never have the same."""
    return HashKey(sha256(_PURPOSE + secret).hexdigest()[:_ID_LENGTH], secret)


def write_hash_key(secret: bytes) -> str:
    """Write a key of `KEY_BYTES` as settings have it."""
    return KEY_PREFIX + urlsafe_b64encode(secret).rstrip(b"=").decode()


def read_hash_key(written: str) -> HashKey:
    """Read a key as settings have it; raises `ValueError`, which does not show the key."""
    if _WRITTEN.fullmatch(written) is None:
        raise ValueError(
            f"An erasure key is {KEY_PREFIX} and 43 letters, digits, - or _ behind it, and one "
            "here is not."
        )
    return name_hash_key(urlsafe_b64decode(written.removeprefix(KEY_PREFIX) + "="))


class HashKeys:
    """The keys that are at hand, the newest first: it makes hashes, all of them find them."""

    def __init__(self, keys: Iterable[HashKey] = ()) -> None:
        """Take keys, the newest first; the same one twice is one."""
        self._by_id = {key.id: key for key in keys}

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the keys, the newest first."""
        return tuple(self._by_id)

    def hash_number(self, number: str) -> KeyedHash:
        """Hash a number by the newest key; raises `UnknownHashKey` where there is no key."""
        if not self._by_id:
            raise UnknownHashKey("There is no key to hash an erased number with.")
        return self.hash_by(self.ids[0], number)

    def hash_by(self, key_id: str, number: str) -> KeyedHash:
        """Hash a number by a key; raises `UnknownHashKey` where it is not at hand."""
        key = self._by_id.get(key_id)
        if key is None:
            raise UnknownHashKey(
                f"The key {key_id} is not at hand, by which numbers were erased. Give it back: "
                "in CONSENTRY_ERASURE_KEYS, behind the newest, or the secret key that it was "
                "derived from. Without it nobody knows whom they opted out."
            )
        digest = hmac.digest(key.secret, number.encode(), "sha256")
        return KeyedHash(key_id, urlsafe_b64encode(digest).rstrip(b"=").decode())

    def check(self, key_ids: Iterable[str]) -> None:
        """Raise `UnknownHashKey` where one of these is not at hand."""
        for key_id in key_ids:
            self.hash_by(key_id, "")
