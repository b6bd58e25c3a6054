"""What vouches for a webhook of Vonage's: `sig` among its parameters, or a token in its header.

`sig` is a hash over all other parameters in the order of their names, each as `&name=value` with
`&` and `=` in a value turned into `_`; the account says which hash. The token is a JWT, signed by
HMAC-SHA256 with the same secret, that carries the SHA-256 of the body (`payload_hash`).

A signature is good for as long as Vonage repeats a webhook, and an hour more: nobody says whether
a repeat has a new time, and a STOP must not be turned away because it comes late. What is repeated
changes nothing here (docs/decisions/0030-a-signature-is-good-while-the-carrier-repeats.md).

Source: Vonage, "Signing messages" and "Decoding signed webhooks"; the hashes of its Python library
1.5 are the oracle of the tests.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from consentry.carriers.shared.fields import is_fresh
from consentry.domain.messages import REPEATED_FOR

MD5_HASH: Final = "md5hash"
HMAC_METHODS: Final = ("md5", "sha1", "sha256", "sha512")
METHODS: Final = (MD5_HASH, *HMAC_METHODS)
_SCHEME: Final = "bearer"


class _Header(msgspec.Struct, frozen=True):
    alg: str


class _Claims(msgspec.Struct, frozen=True):
    iat: int
    payload_hash: str
    exp: int | None = None
    api_key: str | None = None


_header_decoder = msgspec.json.Decoder(_Header)
_claims_decoder = msgspec.json.Decoder(_Claims)


def read_method(text: str) -> str:
    """Read a method as Vonage's dashboard writes it (`SHA-256 HMAC`) or as its libraries do.

    What is none of them stays as it is, and no signature fits it.
    """
    letters = "".join(c for c in text.lower() if c.isalnum())
    method = letters.removeprefix("hmac").removesuffix("hmac")
    return method if method in METHODS else text


def compute_signature(secret: str, method: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Compute `sig` over parameters, `sig` itself not among them, as hex digits."""
    cleaned = ((name, value.replace("&", "_").replace("=", "_")) for name, value in pairs)
    signed = "".join(f"&{name}={value}" for name, value in sorted(cleaned))
    key = _bytes(secret)
    if method == MD5_HASH:
        return hashlib.md5(_bytes(signed) + key, usedforsecurity=False).hexdigest()
    return hmac.new(key, _bytes(signed), method).hexdigest()


def signature_matches(
    secret: str, method: str, pairs: Iterable[tuple[str, str]], *, now: datetime
) -> bool:
    """Check `sig` and the age of `timestamp`. Constant-time in the signature; never raises."""
    if method not in METHODS:
        return False
    pairs = tuple(pairs)
    others = [(name, value) for name, value in pairs if name != "sig"]
    if any("&" in name or "=" in name for name, _ in others):
        # Names are not cleaned, so with these in one the same hash would fit other parameters.
        return False
    given = next((value for name, value in pairs if name == "sig"), "").lower()
    expected = compute_signature(secret, method, others)
    fresh = is_fresh(dict(others).get("timestamp", ""), now=now, tolerance=REPEATED_FOR)
    return hmac.compare_digest(_bytes(expected), _bytes(given)) and fresh


def token_matches(
    secret: str, account: str, authorization: str, body: bytes, *, now: datetime
) -> bool:
    """Check a token, that it is for this body and account, and its age; never raises."""
    scheme, _, token = authorization.partition(" ")
    signed, dot, signature = token.strip().rpartition(".")
    header, _, claims = signed.partition(".")
    if scheme.lower() != _SCHEME or not dot:
        return False
    try:
        expected = hmac.new(_bytes(secret), _bytes(signed), "sha256").digest()
        if not hmac.compare_digest(expected, _decode(signature)):
            return False
        # Only now is anything of it believed; another algorithm was not what we checked.
        if _header_decoder.decode(_decode(header)).alg != "HS256":
            return False
        return _fits(_claims_decoder.decode(_decode(claims)), account, body, now=now)
    except (ValueError, msgspec.DecodeError, RecursionError):
        return False


def _fits(claims: _Claims, account: str, body: bytes, *, now: datetime) -> bool:
    hashed = hashlib.sha256(body).hexdigest()
    return (
        hmac.compare_digest(_bytes(hashed), _bytes(claims.payload_hash.lower()))
        and claims.api_key in (None, account)
        and is_fresh(str(claims.iat), now=now, tolerance=REPEATED_FOR)
        and (claims.exp is None or now.timestamp() <= claims.exp)
    )


def _decode(part: str) -> bytes:
    """Read base64 as tokens have it, without the signs that fill it up."""
    return urlsafe_b64decode(_bytes(part) + b"=" * (-len(part) % 4))


def _bytes(text: str) -> bytes:
    # What UTF-8 cannot hold must not match, but it must not raise either.
    return text.encode("utf-8", "surrogatepass")
