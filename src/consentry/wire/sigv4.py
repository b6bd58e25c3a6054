"""AWS Signature Version 4: who makes a request, shown without sending the secret.

Source: AWS's "Create a signed AWS API request"; AWS's published test requests and botocore are the
oracles of the tests. The body is signed by its hash, and every header that is given.
"""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, unquote, urlsplit

import msgspec

ALGORITHM = "AWS4-HMAC-SHA256"


class SigningKey(msgspec.Struct, frozen=True):
    """Who signs, and for which service in which region."""

    key_id: str
    secret: str
    region: str
    service: str


def sign_request(
    key: SigningKey, method: str, url: str, *, headers: Mapping[str, str], body: bytes, at: datetime
) -> dict[str, str]:
    """Give the headers with those that sign: `host`, `x-amz-date`, `authorization`; lower case.

    `url` is absolute and as it is sent; its query, if any, is percent-encoded. `at` is the aware
    time of signing: AWS takes it for five minutes.
    """
    parts = urlsplit(url)
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    signed = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    signed |= {"host": parts.netloc, "x-amz-date": stamp}
    names = ";".join(sorted(signed))
    request = "\n".join(
        (
            method,
            _write_path(parts.path),
            _write_query(parts.query),
            *(f"{name}:{signed[name]}" for name in sorted(signed)),
            "",
            names,
            sha256(body).hexdigest(),
        )
    )
    scope = f"{stamp[:8]}/{key.region}/{key.service}/aws4_request"
    text = "\n".join((ALGORITHM, stamp, scope, sha256(request.encode()).hexdigest()))
    signature = hmac.new(_derive_key(key, stamp[:8]), text.encode(), "sha256").hexdigest()
    authorization = (
        f"{ALGORITHM} Credential={key.key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return signed | {"authorization": authorization}


def _derive_key(key: SigningKey, day: str) -> bytes:
    derived = f"AWS4{key.secret}".encode()
    for part in (day, key.region, key.service, "aws4_request"):
        derived = hmac.new(derived, part.encode(), "sha256").digest()
    return derived


def _write_path(path: str) -> str:
    return quote(path, safe="/-_.~") or "/"


def _write_query(query: str) -> str:
    pairs = [part.partition("=") for part in query.split("&") if part]
    written = [
        (quote(unquote(n), safe="-_.~"), quote(unquote(v), safe="-_.~")) for n, _, v in pairs
    ]
    return "&".join(f"{name}={value}" for name, value in sorted(written))
