"""A webhook's address with Twilio's connection overrides in its fragment: `#rc=5&rp=ct,rt,5xx`.

Source: Twilio's "Webhooks connection overrides". By default nothing is retried after a 5xx or a
read timeout, so an opt-out answered late would be lost; the fragment is how one asks for more.
"""

from enum import StrEnum
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

_SAFE: Final = "%!#$&'()*+,/:;=?@[]~"
"""What may stand in a request beside letters and digits; what is escaped already stays so."""

RETRY_COUNT_MAX = 5
TIMEOUT_MAX_MS = 15_000
CONNECT_TIMEOUT_DEFAULT_MS = 5_000
TIMEOUT_MIN_MS = 100
CONNECT_TIMEOUT_MAX_MS = 10_000

RETRY_FRAGMENT = "#rc=5&rp=ct,rt,5xx"
"""What our own addresses ask Twilio for: by default a text is lost that we could not take."""


def inbound_path(carrier_id: str, fragment: str) -> str:
    """Give the path to which a carrier posts texts that come in, with what it reads behind `#`."""
    return f"/carriers/{carrier_id}/inbound{fragment}"


def status_path(carrier_id: str, fragment: str) -> str:
    """Give the path to which a carrier posts delivery reports, likewise."""
    return f"/carriers/{carrier_id}/status{fragment}"


class WebhookAddressError(ValueError):
    """An address that cannot be called, or an override that is not one; str() says what to do."""


class RetryCause(StrEnum):
    """What an attempt may fail with so that it is tried again."""

    CLIENT_ERROR = "4xx"
    SERVER_ERROR = "5xx"
    CONNECT = "ct"
    READ_TIMEOUT = "rt"


class WebhookAddress(msgspec.Struct, frozen=True):
    """Where to post, and how patiently: `url` is without the fragment, as it is signed.

    `names_retries`: whether the address itself says how often it wants to be tried again.
    """

    url: str
    retry_count: int = 0
    retry_causes: frozenset[RetryCause] = frozenset({RetryCause.CONNECT})
    connect_timeout_ms: int = CONNECT_TIMEOUT_DEFAULT_MS
    read_timeout_ms: int = TIMEOUT_MAX_MS
    total_timeout_ms: int = TIMEOUT_MAX_MS
    names_retries: bool = False


def parse_webhook_address(text: str) -> WebhookAddress:
    """Read an address; raises WebhookAddressError. Overrides that decide no retry are ignored."""
    url, _, fragment = text.strip().partition("#")
    _check_url(url)
    given = dict(_read_override(part) for part in fragment.split("&") if part)
    return WebhookAddress(
        url=url,
        retry_count=_read_number(given, "rc", (0, RETRY_COUNT_MAX), 0),
        retry_causes=_read_causes(given.get("rp", RetryCause.CONNECT)),
        connect_timeout_ms=_read_number(
            given, "ct", (TIMEOUT_MIN_MS, CONNECT_TIMEOUT_MAX_MS), CONNECT_TIMEOUT_DEFAULT_MS
        ),
        read_timeout_ms=_read_number(given, "rt", (TIMEOUT_MIN_MS, TIMEOUT_MAX_MS), TIMEOUT_MAX_MS),
        total_timeout_ms=_read_number(
            given, "tt", (TIMEOUT_MIN_MS, TIMEOUT_MAX_MS), TIMEOUT_MAX_MS
        ),
        names_retries="rc" in given,
    )


def write_request_url(url: str) -> str:
    """Write a URL as its server sees it: with a path, and what no request may hold escaped.

    Who checks a signature knows no other spelling.
    """
    parts = urlsplit(url)
    path = quote(parts.path or "/", safe=_SAFE)
    return urlunsplit(parts._replace(path=path, query=quote(parts.query, safe=_SAFE)))


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        callable_url = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        callable_url = False
    if not callable_url:
        raise WebhookAddressError(f"{url!r} is not an http or https address with a host")


def _read_override(part: str) -> tuple[str, str]:
    name, separator, value = part.partition("=")
    if not separator:
        raise WebhookAddressError(f"the override {part!r} must be written name=value, as in rc=5")
    return name, value


def _read_number(given: dict[str, str], name: str, bounds: tuple[int, int], default: int) -> int:
    value = given.get(name)
    if value is None:
        return default
    least, most = bounds
    known = value.isascii() and value.isdecimal() and len(value) <= len(str(most))
    if not known or not least <= int(value) <= most:
        raise WebhookAddressError(f"the override {name}={value} must be {least} to {most}")
    return int(value)


def _read_causes(text: str) -> frozenset[RetryCause]:
    names = [name.strip().lower() for name in text.split(",")]
    if "all" in names:
        return frozenset(RetryCause)
    try:
        return frozenset(RetryCause(name) for name in names)
    except ValueError:
        allowed = ", ".join([*RetryCause, "all"])
        raise WebhookAddressError(f"the override rp={text} may list {allowed}") from None
