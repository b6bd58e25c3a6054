"""Telnyx's webhooks and answers: signed, read and written.

Source: Telnyx, "Receiving Webhooks for Messaging" and the types of its Python library 4.189, read
on 2026-11-30. A webhook is one event in an envelope; its signature is Ed25519 over the time in a
header, a bar and the body as it came, so nothing of the address is signed.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SIGNATURE_HEADER = "telnyx-signature-ed25519"
TIMESTAMP_HEADER = "telnyx-timestamp"
KEY_BYTES = 32
TOLERANCE_SECONDS = 300
RECEIVED = "message.received"
SENT = "message.sent"
FINALIZED = "message.finalized"


class TelnyxParty(msgspec.Struct, frozen=True, omit_defaults=True):
    """A number of a message; `status` is that of the message on its way to it.

    An agent of another kind of message has no number.
    """

    phone_number: str = ""
    status: str | None = None
    carrier: str | None = None
    line_type: str | None = None


class TelnyxMedia(msgspec.Struct, frozen=True, omit_defaults=True):
    """A picture, or another file."""

    url: str | None = None
    content_type: str | None = None


class TelnyxError(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong: `code` has five digits and may come as a number."""

    code: str | int
    title: str | None = None
    detail: str | None = None


class TelnyxMessage(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A message as it stands in an event and in an answer; times are ISO 8601."""

    id: str
    from_: TelnyxParty
    to: list[TelnyxParty]
    record_type: str | None = "message"
    direction: str | None = None
    type: str | None = None
    text: str | None = None
    media: list[TelnyxMedia] | None = None
    messaging_profile_id: str | None = None
    received_at: str | None = None
    sent_at: str | None = None
    completed_at: str | None = None
    errors: list[TelnyxError] | None = None
    webhook_url: str | None = None
    autoresponse_type: str | None = None


class TelnyxEvent(msgspec.Struct, frozen=True):
    """One event: what its `payload` is depends on `event_type`, so it is read in a second step."""

    event_type: str
    payload: msgspec.Raw
    occurred_at: str | None = None
    id: str | None = None
    record_type: str | None = "event"


class TelnyxWebhook(msgspec.Struct, frozen=True):
    """The envelope."""

    data: TelnyxEvent


class TelnyxErrors(msgspec.Struct, frozen=True):
    """An answer that says no."""

    errors: list[TelnyxError]


webhook_decoder = msgspec.json.Decoder(TelnyxWebhook)
message_decoder = msgspec.json.Decoder(TelnyxMessage)
_errors_decoder = msgspec.json.Decoder(TelnyxErrors)


def parse_telnyx_errors(body: bytes) -> list[TelnyxError]:
    """Read an answer that says no; empty where it gives no reason."""
    try:
        return _errors_decoder.decode(body).errors
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def render_telnyx_errors(errors: Iterable[TelnyxError]) -> bytes:
    """Write an answer that says no."""
    return msgspec.json.encode(TelnyxErrors(list(errors)))


def render_telnyx_event(
    event_type: str, message: TelnyxMessage, *, event_id: str, occurred_at: str
) -> str:
    """Write a webhook."""
    payload = msgspec.Raw(msgspec.json.encode(message))
    event = TelnyxEvent(event_type, payload, occurred_at=occurred_at, id=event_id)
    return msgspec.json.encode(TelnyxWebhook(event)).decode()


def read_public_key(text: str) -> bytes | None:
    """Read a public key as Telnyx shows it, base64; None where it cannot be one."""
    try:
        key = b64decode(text.strip(), validate=True)
    except (Base64Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def telnyx_signature_matches(
    public_key: bytes, *, timestamp: str, body: bytes, signature: str
) -> bool:
    """Check a signature; False, never an exception, whatever the headers hold.

    Nothing in this is secret, so there is no time to leak.
    """
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - see `_load_key`

    try:
        given = b64decode(signature, validate=True)
        _load_key(public_key).verify(given, _signed(timestamp, body))
    except (Base64Error, ValueError, InvalidSignature):
        return False
    return True


def sign_telnyx(private_key: bytes, *, timestamp: str, body: bytes) -> str:
    """Sign a body as Telnyx does; `private_key` is the 32 bytes that a key is made from."""
    # Imported here for the same reason as in `_load_key`.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    key = Ed25519PrivateKey.from_private_bytes(private_key)
    return b64encode(key.sign(_signed(timestamp, body))).decode("ascii")


def show_public_key(private_key: bytes) -> str:
    """Give the public key that belongs to a private one, as Telnyx shows it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )

    key = Ed25519PrivateKey.from_private_bytes(private_key).public_key()
    return b64encode(key.public_bytes_raw()).decode("ascii")


def _signed(timestamp: str, body: bytes) -> bytes:
    # A header can hold what UTF-8 cannot: it must not match, but it must not raise either.
    return timestamp.encode("utf-8", "surrogatepass") + b"|" + body


@lru_cache(maxsize=64)
def _load_key(public_key: bytes) -> "Ed25519PublicKey":
    # It takes 40 ms to import, which no command without a webhook should wait for.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PublicKey,
    )

    return Ed25519PublicKey.from_public_bytes(public_key)
