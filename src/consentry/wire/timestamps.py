"""Timestamps of an authority: what is asked of it, and what its answer is about.

Source: RFC 3161 (the messages), RFC 5652 (the signed data around a token), X.690 (DER). Only what
is needed is read: that the authority granted it, and that its token is about our hash and nonce.
Whether the token's signature is right is for whoever trusts the authority to check, with its
certificate: `openssl ts -verify`.
"""

from datetime import UTC, datetime
from typing import Final

import msgspec

_INTEGER: Final = 0x02
_OCTETS: Final = 0x04
_OID: Final = 0x06
_TIME: Final = 0x18
_SEQUENCE: Final = 0x30
_EXPLICIT: Final = 0xA0

_SHA256: Final = bytes.fromhex("0609608648016503040201")
_NULL: Final = bytes.fromhex("0500")
_TRUE: Final = bytes.fromhex("0101ff")
_VERSION: Final = bytes.fromhex("020101")
_SIGNED_DATA: Final = bytes.fromhex("2a864886f70d010702")
_TOKEN: Final = bytes.fromhex("2a864886f70d0109100104")
_GRANTED: Final = (0, 1)


class TimestampError(ValueError):
    """An answer that is no timestamp of what was asked for; str() says why."""


class Timestamp(msgspec.Struct, frozen=True):
    """When an authority says that it saw a hash."""

    at: datetime
    digest: bytes
    nonce: int | None


def _write(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    written = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(written)]) + written + content


def _write_integer(number: int) -> bytes:
    return _write(_INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def write_request(digest: bytes, nonce: int) -> bytes:
    """Ask for a timestamp of a SHA-256 digest, with the authority's certificate in the answer."""
    imprint = _write(_SEQUENCE, _write(_SEQUENCE, _SHA256 + _NULL) + _write(_OCTETS, digest))
    return _write(_SEQUENCE, _VERSION + imprint + _write_integer(nonce) + _TRUE)


class _Reader:
    """Reads the parts of a DER value one after the other."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0

    @property
    def is_done(self) -> bool:
        return self._place >= len(self._content)

    def take(self, tag: int) -> bytes:
        """Take the next part, which must be of this kind."""
        found, content = self._take_any()
        if found != tag:
            raise TimestampError(
                f"The answer is no timestamp: {found:#04x} where {tag:#04x} is due."
            )
        return content

    def find(self, tag: int) -> bytes | None:
        """Take the next part of this kind, and leave out others before it."""
        while not self.is_done:
            found, content = self._take_any()
            if found == tag:
                return content
        return None

    def enter(self, tag: int = _SEQUENCE) -> "_Reader":
        """Take the next part and read what is in it."""
        return _Reader(self.take(tag))

    def _take_any(self) -> tuple[int, bytes]:
        head = self._content[self._place : self._place + 2]
        if len(head) < 2:
            raise TimestampError("The answer is no timestamp: it is cut off.")
        start, length = self._place + 2, head[1]
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(self._content[start : start + count], "big")
            start += count
        end = start + length
        if end > len(self._content):
            raise TimestampError("The answer is no timestamp: it is cut off.")
        self._place = end
        return head[0], self._content[start:end]


def read_response(response: bytes) -> Timestamp:
    """Read an authority's answer; raises `TimestampError` where it was refused or is none."""
    answer = _Reader(response).enter()
    status = int.from_bytes(answer.enter().take(_INTEGER), "big", signed=True)
    if status not in _GRANTED:
        raise TimestampError(f"The authority refused the timestamp (status {status}).")
    content = answer.enter()
    if content.take(_OID) != _SIGNED_DATA:
        raise TimestampError("The answer is no timestamp: there is no signed data in it.")
    signed = content.enter(_EXPLICIT).enter()
    signed.take(_INTEGER)
    signed.find(0x31)
    inside = signed.enter()
    if inside.take(_OID) != _TOKEN:
        raise TimestampError("The answer is no timestamp: what is signed in it is something else.")
    return _read_info(inside.enter(_EXPLICIT).take(_OCTETS))


def _read_info(written: bytes) -> Timestamp:
    info = _Reader(written).enter()
    info.take(_INTEGER)
    info.take(_OID)
    imprint = info.enter()
    if not imprint.take(_SEQUENCE).startswith(_SHA256):
        raise TimestampError("The timestamp is not over a SHA-256 hash.")
    digest = imprint.take(_OCTETS)
    info.take(_INTEGER)
    at = _read_time(info.take(_TIME))
    nonce = info.find(_INTEGER)
    return Timestamp(at, digest, None if nonce is None else int.from_bytes(nonce, "big"))


def _read_time(written: bytes) -> datetime:
    """Read a GeneralizedTime as RFC 3161 has it: UTC, perhaps with a fraction of a second."""
    text, _, fraction = written.decode("latin-1").removesuffix("Z").partition(".")
    try:
        at = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        return at.replace(microsecond=int(fraction[:6].ljust(6, "0")))
    except ValueError as error:
        raise TimestampError(f"The timestamp has no time: {written!r}.") from error


def check_response(response: bytes, digest: bytes, nonce: int) -> Timestamp:
    """Read an answer and hold it against what was asked; raises `TimestampError`."""
    timestamp = read_response(response)
    if timestamp.digest != digest or timestamp.nonce != nonce:
        raise TimestampError("The timestamp is not of what was asked for.")
    return timestamp
