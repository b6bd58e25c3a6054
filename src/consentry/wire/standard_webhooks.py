"""Signatures and times of Standard Webhooks 1.0.0: what a program checks an event by."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import Final

_PREFIX: Final = "whsec_"
_DIGITS_MAX: Final = 9


def sign_event(secrets: Iterable[str], event_id: str, timestamp: int, body: bytes) -> str:
    """Sign a body with each secret; `timestamp` is in seconds since 1970.

    Raises `ValueError` for a secret that is not base64 behind `whsec_`.
    """
    signed = b".".join((event_id.encode(), str(timestamp).encode(), body))
    return " ".join(f"v1,{_sign(secret, signed)}" for secret in secrets)


def _sign(secret: str, signed: bytes) -> str:
    key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    return b64encode(hmac.digest(key, signed, sha256)).decode()


def read_retry_after(value: str | None, now: datetime) -> int | None:
    """Read for how many seconds a server wants to be left alone; None where it does not say.

    It is a number of seconds or a date (RFC 9110, 10.2.3); what is neither says nothing.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return int(text[:_DIGITS_MAX]) if len(text) <= _DIGITS_MAX else 10**_DIGITS_MAX
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return max(0, round((at - now).total_seconds()))
