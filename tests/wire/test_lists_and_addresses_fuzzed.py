"""Lists that people bring in, and addresses that programs give, against what nobody should send."""

from datetime import UTC, datetime

import pytest

from consentry.wire.delimited import find_delimiter, read_records
from consentry.wire.json_rows import read_json_records
from consentry.wire.keyed_hash import read_hash_key
from consentry.wire.public_address import (
    AddressRefused,
    is_public,
    read_address,
    read_networks,
    read_target,
)
from consentry.wire.standard_webhooks import read_retry_after
from fuzzing import fuzz

pytestmark = [pytest.mark.property, pytest.mark.no_cover, pytest.mark.fuzz]

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


class Never(Exception):
    """What a parser raises that answers everything with a value."""


def as_text(given: bytes) -> str:
    """Take bytes as a text, whatever they are."""
    return given.decode("utf-8", "surrogateescape")


def test_any_lines_are_records() -> None:
    """Every line that is not blank is in one record, in order, and none is read without end."""

    def read(given: bytes) -> None:
        lines = as_text(given).split("\n")
        places = [place for place, _ in read_records(lines, find_delimiter(lines[0]))]
        assert places == sorted(set(places))
        assert not places or 1 <= places[0] <= places[-1] <= len(lines)
        if len(places) < 2:
            raise Never

    fuzz(
        read,
        (b'Phone;Reason\n+14155550142;"asked;\nplainly"\n+14155550143;x\n', b"a,b\n\n1,2\n3,4\n"),
        clean=Never,
        count=3000,
    )


def test_any_lines_of_json_are_records() -> None:
    """Each line that is not blank is one record, of the cells that were asked for or one cell."""

    def read(given: bytes) -> None:
        lines = as_text(given).split("\n")
        found = list(read_json_records(lines, ("number", "date")))
        assert len(found) == 1 + sum(1 for line in lines if line.strip())
        if len(found) < 3:
            raise Never

    fuzz(
        read,
        (b'{"number":"+14155550142","date":null}\n"+14155550143"\n{"number":1.5,"x":[1]}',),
        clean=Never,
        count=3000,
    )


def test_any_url_is_a_target_or_refused() -> None:
    """What is taken has a scheme, a host and a port that can be connected to."""

    def read(given: bytes) -> None:
        target = read_target(as_text(given))
        assert target.scheme in {"http", "https"}
        assert target.host
        assert 0 <= target.port < 65536

    fuzz(
        read,
        (
            b"https://example.com/hook?x=1", b"http://[::ffff:10.0.0.1]:8080/", b"http://0x7f.1/",
            b"https://xn--bcher-kva.example:8443/a", b"http://127.0.0.1/",
        ),
        clean=AddressRefused,
    )  # fmt: skip


def test_any_address_is_public_or_not() -> None:
    """An address is as public or private when it is written out and read again."""

    def read(given: bytes) -> None:
        text = as_text(given)
        read_networks(text)
        address = read_address(text)
        assert is_public(read_address(str(address))) is is_public(address)

    fuzz(
        read,
        (b"10.0.0.1", b"::ffff:169.254.169.254", b"64:ff9b::a00:1", b"2001:db8::1", b"8.8.8.8"),
        clean=ValueError,
    )


def test_any_header_says_how_long_to_wait_or_nothing() -> None:
    """It is a number of seconds from none up, or it says nothing; it never raises."""

    def read(given: bytes) -> None:
        seconds = read_retry_after(as_text(given), NOW)
        if seconds is None:
            raise Never
        assert seconds >= 0

    fuzz(read, (b"120", b"Fri, 01 May 2026 12:00:30 GMT"), clean=Never)


def test_any_key_is_read_or_refused() -> None:
    """What is no key is refused, in words that do not show it."""

    def read(given: bytes) -> None:
        text = as_text(given)
        try:
            read_hash_key(text)
        except ValueError as error:
            shown = len(text) >= 30 and text in str(error)
            if shown:
                raise KeyError(text) from error
            raise

    fuzz(read, (b"cek_" + b"A" * 43, b"A" * 43), clean=ValueError)
