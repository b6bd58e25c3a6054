"""Twilio's request signatures: computed, and checked without leaking time.

Source: Twilio's "Security" page and the validator of its Python library 9.13, which is the oracle
of the tests. The signature covers the address exactly as it was configured, without its fragment,
followed by every distinct parameter as name + value, names in order and the values of one name in
order. A JSON body is covered by its SHA-256 in the query (`bodySHA256`) and by nothing else.
"""

import hmac
from binascii import b2a_base64
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit, urlunsplit

SIGNATURE_HEADER = "X-Twilio-Signature"
SIGNATURE_SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"
HTTPS_PORT = 443
HTTP_PORT = 80


class HashAlgorithm(StrEnum):
    """The hashes Twilio signs with; the value is the name its settings header uses."""

    HMAC_SHA1 = "HMAC_SHA1"
    HMAC_SHA256 = "HMAC_SHA256"


# OpenSSL's names, looked up once instead of being derived for every webhook.
_DIGEST_NAMES = {HashAlgorithm.HMAC_SHA1: "sha1", HashAlgorithm.HMAC_SHA256: "sha256"}


def read_algorithm(settings_header: str | None) -> HashAlgorithm | None:
    """Read which hash the header X-Twilio-Webhooks-Signature-Settings names.

    No header, an empty one, or one without `algorithm=` means HMAC_SHA1, as it always was.
    None is an algorithm we do not know: such a request cannot be trusted.
    """
    for part in (settings_header or "").split(","):
        name, separator, value = part.partition("=")
        if separator and name.strip() == "algorithm" and value.strip():
            try:
                return HashAlgorithm(value.strip().upper())
            except ValueError:
                return None
    return HashAlgorithm.HMAC_SHA1


def twilio_signature(
    token: str,
    url: str,
    params: Iterable[tuple[str, str]] = (),
    *,
    algorithm: HashAlgorithm = HashAlgorithm.HMAC_SHA1,
) -> str:
    """Compute the signature of a form sent to `url`; for a JSON body give no params.

    `url` is the address as configured; its fragment (`#rc=5`) never leaves the carrier and is not
    signed.
    """
    signed = _bytes(url.partition("#")[0]) + _joined(params)
    return _sign(_bytes(token), signed, algorithm).decode("ascii")


def twilio_signature_matches(
    token: str,
    url: str,
    params: Iterable[tuple[str, str]],
    signature: str,
    *,
    settings_header: str | None = None,
) -> bool:
    """Check the signature of a form, with and without the default port in the address.

    Constant-time in the signature. False, never an exception, whatever the header holds.
    """
    signed = _joined(params)
    candidates = [address + signed for address in _addresses(url)]
    return _matches(token, candidates, signature, settings_header)


def twilio_json_signature_matches(
    token: str,
    url: str,
    body: bytes,
    signature: str,
    *,
    settings_header: str | None = None,
) -> bool:
    """Check the signature of a JSON body: the address alone, whose `bodySHA256` vouches for it.

    An address without `bodySHA256` vouches for nothing, so it never matches.
    """
    promised = _read_promise(url)
    if promised is None:
        return False
    body_matches = hmac.compare_digest(_bytes(sha256(body).hexdigest()), _bytes(promised))
    return _matches(token, _addresses(url), signature, settings_header) and body_matches


def _read_promise(url: str) -> str | None:
    """Read which hash of the body an address carries; None where it is not even an address."""
    try:
        return parse_qs(urlsplit(url).query).get("bodySHA256", [None])[0]
    except ValueError:
        return None


def _matches(
    token: str, candidates: Iterable[bytes], signature: str, settings_header: str | None
) -> bool:
    algorithm = read_algorithm(settings_header) if settings_header else HashAlgorithm.HMAC_SHA1
    if algorithm is None:
        return False
    key, given = _bytes(token), _bytes(signature)
    # Which spelling of the address matched is no secret, so the first match may end the search.
    return any(hmac.compare_digest(_sign(key, signed, algorithm), given) for signed in candidates)


def _sign(key: bytes, signed: bytes, algorithm: HashAlgorithm) -> bytes:
    keyed = _key_digest(key, algorithm).copy()
    keyed.update(signed)
    return b2a_base64(keyed.digest(), newline=False)


@lru_cache(maxsize=256)
def _key_digest(key: bytes, algorithm: HashAlgorithm) -> hmac.HMAC:
    # Made once for each token and copied for each webhook: setting a key up takes as long as
    # signing a text with it.
    return hmac.new(key, digestmod=_DIGEST_NAMES[algorithm])


def _joined(params: Iterable[tuple[str, str]]) -> bytes:
    pairs = tuple(params)
    values = dict(pairs)
    if len(values) == len(pairs):
        return _bytes("".join([name + values[name] for name in sorted(values)]))
    # Sorting distinct pairs is sorting the names, and below each its distinct values.
    return _bytes("".join([name + value for name, value in sorted(set(pairs))]))


def _bytes(text: str) -> bytes:
    # A header can hold what UTF-8 cannot: it must not match, but it must not raise either.
    return text.encode("utf-8", "surrogatepass")


@lru_cache(maxsize=256)
def _addresses(url: str) -> tuple[bytes, ...]:
    """List the spellings of an address that Twilio may have signed, likeliest first.

    Twilio is inconsistent about the port, so both spellings count, as in its own validator.
    """
    try:
        parts = urlsplit(url.partition("#")[0])
        port = parts.port
    except ValueError:
        return (_bytes(url.partition("#")[0]),)
    if port is None:
        default_port = HTTPS_PORT if parts.scheme == "https" else HTTP_PORT
        other = parts._replace(netloc=f"{parts.netloc}:{default_port}")
    else:
        other = parts._replace(netloc=parts.netloc.rpartition(":")[0])
    return _bytes(urlunsplit(parts)), _bytes(urlunsplit(other))
