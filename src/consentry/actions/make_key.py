"""API keys: how a secret is made and recognised, and the record that is kept of it.

Only HMAC-SHA256(server's secret key, secret) is stored: who reads the database can neither use a
key nor try guesses against it.
"""

import base64
import hmac
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Final

from consentry.ports import APIKey, Scope

SECRET_BYTES: Final = 32
_ID_CHARACTERS: Final = 8
ACCOUNT_BYTES: Final = 16
ACCOUNT_SCOPES: Final = (Scope.SEND, Scope.READ, Scope.CONSENT)
"""What a program that speaks with Twilio does."""

_PREFIX: Final = "csk_"
_SHOWN_CHARACTERS: Final = 12
_TOKEN_CHARACTERS: Final = 32


def new_secret(randomness: bytes) -> str:
    """Write random bytes (`SECRET_BYTES` of them) as the secret of a key: `csk_…`."""
    return _PREFIX + base64.urlsafe_b64encode(randomness).decode("ascii").rstrip("=")


def hash_secret(secret_key: str, secret: str) -> str:
    """Hash a secret as it is stored: 64 hexadecimal digits."""
    # Surrogates can stand in a header that was no ASCII; they must not stop the comparison.
    keyed = _key_digest(secret_key).copy()
    keyed.update(secret.encode("utf-8", "surrogatepass"))
    return keyed.hexdigest()


def identify_secret_key(secret_key: str) -> str:
    """Name a secret key of the server by the beginning of a hash, which tells nothing of it."""
    return hash_secret(secret_key, "the id of this secret key")[:_ID_CHARACTERS]


@lru_cache(maxsize=16)
def _key_digest(secret_key: str) -> hmac.HMAC:
    # Made once and copied for each request: setting a key up takes as long as hashing with it.
    return hmac.new(secret_key.encode(), digestmod="sha256")


def make_key(
    name: str, scopes: Iterable[Scope], *, secret_key: str, randomness: bytes, now: datetime
) -> tuple[str, APIKey]:
    """Make an API key: its secret, to be shown once, and the record, to be saved by `SaveKey`.

    The beginning of the secret is kept, so that people can tell keys apart.
    """
    secret = new_secret(randomness)
    key = APIKey(
        id="",
        name=name,
        prefix=secret[:_SHOWN_CHARACTERS],
        hash=hash_secret(secret_key, secret),
        scopes=tuple(dict.fromkeys(scopes)),
        created_at=now,
        hashed_by=identify_secret_key(secret_key),
    )
    return secret, key


def make_account(
    name: str, scopes: Iterable[Scope], *, secret_key: str, randomness: bytes, now: datetime
) -> tuple[str, APIKey]:
    """Make a key for the Twilio-compatible door: its auth token, and the record to be saved.

    `randomness` (`ACCOUNT_BYTES` of it) is the account sid, which is the key's `prefix`.
    """
    account_sid = f"AC{randomness.hex()}"
    token = derive_token(secret_key, account_sid)
    key = APIKey(
        id="",
        name=name,
        prefix=account_sid,
        hash=hash_secret(secret_key, join_credentials(account_sid, token)),
        scopes=tuple(dict.fromkeys(scopes)),
        created_at=now,
        hashed_by=identify_secret_key(secret_key),
    )
    return token, key


def derive_token(secret_key: str, account_sid: str) -> str:
    """Derive the auth token of an account of ours, 32 hexadecimal digits.

    What the door passes on is signed with it, so it must be had again, and it is kept nowhere.
    """
    return hash_secret(secret_key, f"auth token of {account_sid}")[:_TOKEN_CHARACTERS]


def join_credentials(account_sid: str, token: str) -> str:
    """Put sid and token into the one secret whose hash is kept: neither is good by itself."""
    return f"{account_sid}:{token}"
