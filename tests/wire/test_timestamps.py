"""Requests and answers of RFC 3161; the answers of a real authority are in tests/witnessing."""

from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentry.wire.timestamps import (
    TimestampError,
    check_response,
    read_response,
    write_request,
)
from fuzzing import fuzz

DIGEST = sha256(b"example\n").digest()
NONCE = 0xB1E71B99A0EA072B
SHA256 = "300d06096086480165030402010500"
TOKEN = "060b2a864886f70d0109100104"
SIGNED_DATA = "06092a864886f70d010702"


def tlv(tag: int, *parts: bytes | str) -> bytes:
    """Write a DER value of these parts, hexadecimal where they are text."""
    content = b"".join(bytes.fromhex(p) if isinstance(p, str) else p for p in parts)
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content


def answer(
    *,
    status: str = "020100",
    kind: str = SIGNED_DATA,
    inside: str = TOKEN,
    hashed: str = SHA256,
    time: bytes = b"20261130110339Z",
    rest: tuple[bytes | str, ...] = ("30030201ff", "0101ff", "020900b1e71b99a0ea072b"),
) -> bytes:
    """Write an authority's answer, with a certificate that is none."""
    imprint = tlv(0x30, hashed, tlv(0x04, DIGEST))
    info = tlv(0x30, "020101", "06042a030401", imprint, "020102", tlv(0x18, time), *rest)
    signed = tlv(0x30, inside, tlv(0xA0, tlv(0x04, info)))
    data = tlv(0x30, "020103", tlv(0x31, SHA256), signed, tlv(0xA0, bytes(300)))
    return tlv(0x30, tlv(0x30, status), tlv(0x30, kind, tlv(0xA0, data)))


@pytest.mark.unit
def test_a_request_is_the_one_that_openssl_writes() -> None:
    """Byte for byte what `openssl ts -query -sha256 -cert` wrote for this hash and nonce."""
    assert write_request(DIGEST, NONCE).hex() == (
        "30440201013031300d060960864801650304020105000420"
        "13550350a8681c84c861aac2e5b440161c2b33a3e4f302ac680ca5b686de48de"
        "020900b1e71b99a0ea072b0101ff"
    )
    long = write_request(bytes(200), 1)
    assert long[:3] == bytes.fromhex("3081e6")


@pytest.mark.unit
def test_an_answer_is_read() -> None:
    """When the authority saw which hash, and the nonce that came with it, if there is one."""
    at = datetime(2026, 11, 30, 11, 3, 39, tzinfo=UTC)
    found = check_response(answer(), DIGEST, NONCE)
    assert (found.at, found.digest, found.nonce) == (at, DIGEST, NONCE)
    fine = read_response(answer(time=b"20261130110339.25Z", rest=()))
    assert (fine.at, fine.nonce) == (at.replace(microsecond=250_000), None)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("response", "told"),
    [
        (answer(status="020102"), r"refused the timestamp \(status 2\)"),
        (answer(kind=TOKEN), "no signed data"),
        (answer(inside=SIGNED_DATA), "something else"),
        (answer(hashed="300906052b0e03021a0500"), "not over a SHA-256 hash"),
        (answer(time=b"yesterday"), "has no time"),
        (answer()[:-1], "cut off"),
        (b"", "cut off"),
        (b"\x30", "cut off"),
        (b"\x02\x01\x00", "0x02 where 0x30 is due"),
    ],
)
def test_what_is_no_timestamp_is_told_so(response: bytes, told: str) -> None:
    """The error says what is wrong with the answer."""
    with pytest.raises(TimestampError, match=told):
        read_response(response)


@pytest.mark.unit
@pytest.mark.parametrize(("digest", "nonce"), [(bytes(32), NONCE), (DIGEST, 1)])
def test_a_timestamp_of_something_else_is_refused(digest: bytes, nonce: int) -> None:
    """Another hash, and an answer to an older question, are not what was asked for."""
    with pytest.raises(TimestampError, match="not of what was asked for"):
        check_response(answer(), digest, nonce)


@pytest.mark.property
@given(response=st.binary(max_size=200), cut=st.integers(0, 400), put=st.binary(max_size=3))
def test_nothing_that_comes_breaks_the_reader(response: bytes, cut: int, put: bytes) -> None:
    """Any bytes, and any change of an answer, are read or told of."""
    whole = answer()
    for given_bytes in (response, whole[:cut] + put + whole[cut + len(put) :]):
        with suppress(TimestampError):
            read_response(given_bytes)


@pytest.mark.property
@pytest.mark.fuzz
def test_any_answer_is_a_timestamp_or_refused() -> None:
    """What an authority answers is read or refused, in bounded time, whatever it is."""
    fuzz(read_response, (answer(), answer(rest=())), clean=TimestampError)
