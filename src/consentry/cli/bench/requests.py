"""Requests as the bytes that go over the wire, built before the clock runs."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from itertools import cycle
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from consentry.wire.signatures import SIGNATURE_HEADER, twilio_signature
from consentry.wire.twilio_form import InboundMessage, build_inbound_pairs, encode_form

SENDER: Final = "+14155550100"
BRAND: Final = "bench"
CARRIER: Final = "bench"
ACCOUNT_SID: Final = f"AC{'b' * 32}"
AUTH_TOKEN: Final = "bench-auth-token"  # noqa: S105 - a name for servers that live for a minute

AREAS: Final = ("213", "415", "646")
KNOWN_FIRST: Final = 2_000_000
PEOPLE_OF_AREA: Final = 8_000_000
_NEW_PREFIX: Final = "+1212"
_NEW_FIRST: Final = 2_000_000
_SCATTER: Final = 2_654_435_761
"""Knuth's multiplier: its multiples lie all over a range, each once, and no die is rolled."""

_BODY: Final = "Your order is ready."
_SCATTER_WIDE: Final = 0x9E3779B97F4A7C15F39CC0605CEDC835
_SIDS: Final = 1 << 128


def known_number(place: int) -> str:
    """Name one of the recipients that the databases are filled with."""
    area, line = divmod(place, PEOPLE_OF_AREA)
    return f"+1{AREAS[area]}{KNOWN_FIRST + line}"


def new_number(place: int) -> str:
    """Name a recipient that no database has heard of; places side by side lie far apart."""
    return f"{_NEW_PREFIX}{_NEW_FIRST + place * _SCATTER % PEOPLE_OF_AREA}"


def scattered_number(place: int, people: int) -> str:
    """Name one of so many known recipients; places side by side lie far apart."""
    return known_number(place * _SCATTER % people)


def _write(
    method: str, port: int, path: str, *, headers: Iterable[tuple[str, str]], body: bytes = b""
) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        f"host: 127.0.0.1:{port}",
        "accept: */*",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body


def _authorized(key: str, media_type: str = "application/json") -> tuple[tuple[str, str], ...]:
    return (
        ("user-agent", "consentry-bench"),
        ("content-type", media_type),
        ("authorization", f"Bearer {key}"),
    )


def _post_json(port: int, path: str, key: str, value: object) -> bytes:
    headers = _authorized(key)
    return _write("POST", port, path, headers=headers, body=msgspec.json.encode(value))


def build_health_check(port: int) -> bytes:
    """Ask whether a server is there."""
    return f"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode("ascii")


def build_check(port: int, key: str, recipient: str) -> bytes:
    """Ask the gate about a conversation with one recipient."""
    question = {"sender": SENDER, "recipient": recipient, "purpose": "conversational"}
    return _post_json(port, "/v1/check", key, question)


def repeat_checks(port: int, key: str, recipients: Iterable[str]) -> Iterator[bytes]:
    """Ask the gate about these recipients, over and over."""
    return cycle([build_check(port, key, recipient) for recipient in recipients])


def build_send(port: int, key: str, recipient: str) -> bytes:
    """Ask to send a text to one recipient."""
    text = {"sender": SENDER, "recipient": recipient, "body": _BODY}
    return _post_json(port, "/v1/messages", key, text)


def build_door_send(port: int, recipient: str) -> bytes:
    """Ask to send the same text through the Twilio-compatible door, as Twilio's clients ask."""
    pairs = [("To", recipient), ("From", SENDER), ("Body", _BODY)]
    login = b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
    headers = (
        ("user-agent", "consentry-bench"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("authorization", f"Basic {login}"),
    )
    path = f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    return _write("POST", port, path, headers=headers, body=encode_form(pairs))


def build_rate(port: int, key: str, per_second: float) -> bytes:
    """Set how many texts a second the sender may send."""
    change = msgspec.json.encode({"messages_per_second": per_second})
    return _write(
        "PATCH", port, f"/v1/senders/{quote(SENDER)}", headers=_authorized(key), body=change
    )


def build_tell(port: int, what: str) -> bytes:
    """Ask our carrier what it was handed: `counts` or `texts`."""
    return _write("GET", port, f"/{what}", headers=())


def build_reset(port: int) -> bytes:
    """Have our carrier count from nothing."""
    return _write("DELETE", port, "/", headers=())


def repeat_sends(port: int, key: str, recipients: Iterable[str]) -> Iterator[bytes]:
    """Ask to send a text to these recipients, over and over."""
    return cycle([build_send(port, key, recipient) for recipient in recipients])


def build_stream(port: int, key: str, recipients: Iterable[str]) -> bytes:
    """Ask the gate about many recipients as lines of one body."""
    body = b"".join(b'"%s"\n' % recipient.encode() for recipient in recipients)
    query = urlencode({"sender": SENDER, "purpose": "conversational"})
    headers = _authorized(key, "application/x-ndjson")
    return _write("POST", port, f"/v1/checks?{query}", headers=headers, body=body)


def build_stop(port: int, place: int, number: str | None = None) -> bytes:
    """Build the webhook of one STOP as Twilio posts and signs it.

    Each place is another text, and where no number is given of another person. A person who is
    named texts once: their sid is of their number, so that no other STOP of a run has it.
    """
    of_sid = place if number is None else int(number)
    message = InboundMessage(
        message_sid=f"SM{of_sid * _SCATTER_WIDE % _SIDS:032x}",
        account_sid=ACCOUNT_SID,
        from_number=number or new_number(place),
        to_number=SENDER,
        body="STOP",
        from_country="US",
        to_country="US",
    )
    pairs = build_inbound_pairs(message)
    path = f"/carriers/{CARRIER}/inbound"
    headers = (
        ("user-agent", "TwilioProxy/1.1"),
        ("content-type", "application/x-www-form-urlencoded; charset=UTF-8"),
        ("i-twilio-idempotency-token", f"token-{place}"),
        (SIGNATURE_HEADER, twilio_signature(AUTH_TOKEN, f"http://127.0.0.1:{port}{path}", pairs)),
    )
    return _write("POST", port, path, headers=headers, body=encode_form(pairs))
