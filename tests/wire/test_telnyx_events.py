"""Telnyx's events and signatures: what is written is read again, and nothing else matches."""

from base64 import b64encode

import msgspec
import pytest
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey

from consentry.wire.telnyx import (
    RECEIVED,
    TelnyxError,
    TelnyxMessage,
    TelnyxParty,
    message_decoder,
    parse_telnyx_errors,
    read_public_key,
    render_telnyx_errors,
    render_telnyx_event,
    show_public_key,
    sign_telnyx,
    telnyx_signature_matches,
    webhook_decoder,
)

pytestmark = pytest.mark.unit

SEED = b"a fictitious key of thirty-two b"
PUBLIC = b64encode(bytes(SigningKey(SEED).verify_key)).decode()
BODY = '{"text": "Grüße"}'.encode()
AT = "1777636800"


def matches(key: str = PUBLIC, at: str = AT, body: bytes = BODY, signature: str = "") -> bool:
    """Check what was signed, with one thing changed or none."""
    public_key = read_public_key(key)
    assert public_key is not None
    given = signature or sign_telnyx(SEED, timestamp=AT, body=BODY)
    return telnyx_signature_matches(public_key, timestamp=at, body=body, signature=given)


def test_an_event_is_read_as_it_was_written() -> None:
    """The envelope names the kind, and the payload is the message."""
    message = TelnyxMessage(
        id="1",
        from_=TelnyxParty("+12125550142"),
        to=[TelnyxParty("+14155550100", "delivered")],
        text="Hi",
        errors=[TelnyxError("40300", "No")],
    )
    written = render_telnyx_event(RECEIVED, message, event_id="e", occurred_at="2026-05-01T12:00Z")
    event = webhook_decoder.decode(written).data
    assert (event.event_type, event.id, event.occurred_at) == (RECEIVED, "e", "2026-05-01T12:00Z")
    assert message_decoder.decode(event.payload) == message
    plain = msgspec.json.decode(written)
    assert plain["data"]["record_type"] == "event"
    assert plain["data"]["payload"]["from"] == {"phone_number": "+12125550142"}


def test_errors_are_read_as_they_were_written() -> None:
    """A code may be a number; what is not a list of errors is none."""
    errors = [TelnyxError("40300", "Blocked", "by a STOP"), TelnyxError(10011)]
    assert parse_telnyx_errors(render_telnyx_errors(errors)) == errors
    for other in (b"", b"<html>", b"[]", b'{"errors": {}}', b'{"errors": [{}]}', b"\xff"):
        assert parse_telnyx_errors(other) == []


def test_our_signature_is_that_of_another_library() -> None:
    """PyNaCl, which Telnyx's own library verifies with, takes ours and gives the same bytes."""
    signature = sign_telnyx(SEED, timestamp=AT, body=BODY)
    key = SigningKey(SEED)
    signed = key.sign(f"{AT}|".encode() + BODY)
    assert signature == b64encode(signed.signature).decode()
    assert show_public_key(SEED) == PUBLIC
    with pytest.raises(BadSignatureError):
        key.verify_key.verify(f"{AT}|".encode() + BODY + b" ", signed.signature)


def test_only_what_was_signed_matches() -> None:
    """Another time, body or key does not, and none of what a header may hold raises."""
    assert matches()
    assert not matches(at="1777636801")
    assert not matches(at="\ud800")
    assert not matches(body=BODY + b" ")
    assert not matches(key=show_public_key(b"another fictitious key of 32 byt"))
    for signature in ("x", "=", "é", "\ud800", "AAAA", "A" * 88, PUBLIC):
        assert not matches(signature=signature)


@pytest.mark.parametrize("text", ["", "no key", "AAAA", "\u00fc", PUBLIC[:-4], PUBLIC + "AAAA"])
def test_what_cannot_be_a_public_key_is_none(text: str) -> None:
    """It is base64 of 32 bytes; white space around it does not count."""
    assert read_public_key(text) is None
    assert read_public_key(f" {PUBLIC}\n") == bytes(SigningKey(SEED).verify_key)
