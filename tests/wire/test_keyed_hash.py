"""Keyed hashes of numbers: what finds them, and what happens without their key."""

import hmac
from base64 import urlsafe_b64decode

import pytest

from consentry.wire.keyed_hash import (
    KEY_BYTES,
    HashKeys,
    UnknownHashKey,
    derive_hash_key,
    name_hash_key,
    read_hash_key,
    write_hash_key,
)

pytestmark = pytest.mark.unit

NUMBER = "+14155550142"
OLD, NEW = derive_hash_key("the secret of last year"), derive_hash_key("the secret of this year")


def test_a_hash_is_hmac_sha_256_of_the_number() -> None:
    """It is what the standard library says, in URL-safe base64 without padding."""
    made = HashKeys([NEW]).hash_number(NUMBER)
    expected = hmac.new(NEW.secret, NUMBER.encode(), "sha256").digest()
    assert (made.key, urlsafe_b64decode(made.hash + "=")) == (NEW.id, expected)


def test_the_newest_key_makes_hashes_and_each_finds_its_own() -> None:
    """With two keys the first is used, and what the other made is made again by its id."""
    keys = HashKeys([NEW, OLD, NEW])
    assert keys.ids == (NEW.id, OLD.id)
    assert keys.hash_number(NUMBER) == HashKeys([NEW]).hash_number(NUMBER)
    assert keys.hash_by(OLD.id, NUMBER) == HashKeys([OLD]).hash_number(NUMBER)


def test_an_id_is_made_from_the_key() -> None:
    """The same secret gives the same key and id, another one others; the key is not shown."""
    assert derive_hash_key("a") == derive_hash_key("a")
    assert derive_hash_key("a").id != derive_hash_key("b").id
    assert name_hash_key(b"k" * 16).id not in (OLD.id, NEW.id)
    assert repr(NEW) == f"HashKey({NEW.id!r})"


def test_a_key_that_is_not_at_hand_is_an_error_that_names_it() -> None:
    """No hash of an unknown key is ever taken for one that was not made."""
    HashKeys([NEW]).check([NEW.id])
    HashKeys().check([])
    with pytest.raises(UnknownHashKey, match=OLD.id):
        HashKeys([NEW]).check([NEW.id, OLD.id])
    with pytest.raises(UnknownHashKey, match="no key"):
        HashKeys().hash_number(NUMBER)


def test_a_key_is_written_and_read() -> None:
    """What was written is read as the same key; what is none is told without showing it."""
    written = write_hash_key(b"k" * KEY_BYTES)
    assert read_hash_key(written) == name_hash_key(b"k" * KEY_BYTES)
    for wrong in ("", written[4:], written[:-1], written + "A"):
        with pytest.raises(ValueError, match="An erasure key is"):
            read_hash_key(wrong)
