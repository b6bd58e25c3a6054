"""Plivo's request signatures, third version: computed, and checked without leaking time.

Source: the validator of Plivo's Python library 4.63 (`plivo.utils.signature_v3`), which is the
oracle of the tests. Signed are the address without its query, the parameters of the query as
`name=value` and those of the form as name + value, each in order, and a nonce.
"""

import hmac
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit, urlunsplit

SIGNATURE_HEADER = "X-Plivo-Signature-V3"
MAIN_ACCOUNT_SIGNATURE_HEADER = "X-Plivo-Signature-Ma-V3"
NONCE_HEADER = "X-Plivo-Signature-V3-Nonce"
_FIELDS_MAX = 1000


def plivo_signature(token: str, url: str, params: Iterable[tuple[str, str]], nonce: str) -> str:
    """Compute the signature of a form posted to `url`; raises ValueError where that is none."""
    signed = f"{_join(url, tuple(params))}.{nonce}"
    digest = hmac.new(_bytes(token), _bytes(signed), sha256).digest()
    return b64encode(digest).decode("ascii")


def plivo_signature_matches(
    token: str,
    url: str,
    params: Iterable[tuple[str, str]],
    *,
    nonce: str,
    signatures: Iterable[str],
) -> bool:
    """Check the signatures of a form: one must match; False whatever the headers hold.

    Each of `signatures` is a header, which lists one for every token that is in force.
    """
    try:
        expected = _bytes(plivo_signature(token, url, params, nonce))
    except ValueError:
        return False
    given = [part.strip() for header in signatures for part in header.split(",")]
    # Which of them matched is no secret, so the first match may end the search.
    return any(hmac.compare_digest(expected, _bytes(part)) for part in given)


def _join(url: str, params: tuple[tuple[str, str], ...]) -> str:
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=_FIELDS_MAX)
    address = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    asked = "&".join(f"{name}={value}" for name, value in sorted(query))
    if asked or params:
        address += f"?{asked}"
    if asked and params:
        address += "."
    return address + "".join(name + value for name, value in sorted(params))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
