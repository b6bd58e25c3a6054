"""What people write and paste, and what phones send, against inputs that nobody should send."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from consentry.actions.import_opt_outs import normalize_list, read_list
from consentry.domain.keywords import read_carrier, read_legal
from consentry.domain.phone import InvalidNumber, is_e164_shape, parse_phone, read_delivered
from consentry.domain.reading import CarrierWord, LegalMeaning, SenderKind
from consentry.wire.gsm7 import count_segments, decode_gsm7, encode_gsm7, split_segments
from consentry.wire.smpp.fields import Tag
from consentry.wire.smpp.receipts import claims_receipt, read_receipt
from consentry.wire.smpp.requests import Address, ShortMessage
from consentry.wire.smpp.texts import Default, decode_octets, read_text
from consentry.wire.twilio_errors import TwilioRefusedError
from consentry.wire.twilio_sent_filter import parse_sent_filter
from consentry.wire.twilio_sids import NoSid, build_message_sid, parse_message_sid
from fuzzing import fuzz

pytestmark = [pytest.mark.property, pytest.mark.no_cover, pytest.mark.fuzz]

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
A_FEW = 3000
"""These readers take tens of microseconds: `make fuzz` gives them more inputs."""
MANY = 20_000

TEXTS = (
    b"STOP",
    "Bitte löschen Sie meine Nummer. Danke!".encode(),
    b'"stop" \n\nSent from my iPhone',
    "取消订阅".encode(),
    b"please dont text me anymore, wrong number",
    b"stop by the shop tomorrow",
)


class Never(Exception):
    """What a reader raises that answers everything with a value."""


def as_text(given: bytes) -> str:
    """Take bytes as a text, whatever they are: half a letter is a letter that nobody can write."""
    return given.decode("utf-8", "surrogateescape")


def test_both_readers_read_any_text() -> None:
    """Any text is read, the same each time, and what the carrier takes for STOP opts out."""

    def read(given: bytes) -> None:
        text = as_text(given)
        legal = read_legal(text)
        assert legal == read_legal(text)
        carrier = read_carrier(text, carrier="twilio", kind=SenderKind.LONG_CODE, at=NOW)
        if carrier.word is CarrierWord.OPT_OUT:
            assert legal.meaning is LegalMeaning.OPT_OUT
        if legal.meaning is LegalMeaning.NONE:
            raise Never

    fuzz(read, TEXTS, clean=Never, count=A_FEW)


def test_any_number_is_one_or_none() -> None:
    """What is read is of E.164's shape and stays what it is when it is read again."""

    def read(given: bytes) -> None:
        phone = parse_phone(as_text(given), region="US")
        assert is_e164_shape(phone.normalized)
        assert parse_phone(phone.normalized).normalized == phone.normalized
        assert read_delivered(phone.normalized) == phone.normalized

    fuzz(
        read,
        (b"+14155550142", b"(415) 555-0142 x12", b"0049 30 901820", b"tel:+1-800-555-0100"),
        clean=InvalidNumber,
        count=A_FEW,
    )


def test_any_list_is_read_line_by_line() -> None:
    """Every line with something in it is a number, a repeat, or is said to be unreadable."""

    def read(given: bytes) -> None:
        text = normalize_list(as_text(given))
        lines = list(read_list(text, region="US"))
        assert len(lines) <= text.count("\n") + 1
        if not lines:
            raise Never

    fuzz(
        read,
        (b'Phone;Reason;Date\n+14155550142;asked;2026-05-01\n\'+14155550143;"a;b";x\n', b"\n"),
        clean=Never,
        count=A_FEW,
    )


def each_reading(octets: bytes) -> Iterator[ShortMessage]:
    """Take octets as a text of a phone in each coding, with a header and without."""
    here = Address("4155550142", 1, 1)
    for esm_class in (0x00, 0x04, 0x40):
        for coding in (0x00, 0x01, 0x03, 0x04, 0x08, 0xF1, octets[0] if octets else 0):
            tagged = {Tag.RECEIPTED_MESSAGE_ID: octets[:9], Tag.MESSAGE_STATE: octets[:1]}
            yield ShortMessage(here, here, octets, esm_class, coding, tagged=tagged)


def test_any_octets_of_a_phone_are_a_text() -> None:
    """Whatever coding they claim, they give a text that a database can keep, and no error."""

    def read(octets: bytes) -> None:
        for message in each_reading(octets):
            text, _ = read_text(message, Default.LATIN1)
            assert "\0" not in text
            text.encode()
            assert decode_octets(octets, message.data_coding) is not None
            if claims_receipt(message):
                read_receipt(message)
        if len(octets) % 2:
            raise Never

    fuzz(
        read,
        (b"STOP", b"\x05\x00\x03\x07\x02\x01STO", "стоп".encode("utf-16-be"),
         b"id:3A7F sub:001 dlvrd:001 submit date:2605011200 stat:DELIVRD err:000 text:Hi"),
        clean=Never, count=A_FEW,
    )  # fmt: skip


def test_any_text_has_segments() -> None:
    """A text of the GSM alphabet is the same after it was packed; its parts make the whole."""

    def read(given: bytes) -> None:
        text = given.decode("utf-8", "replace")
        segments = count_segments(text)
        assert "".join(split_segments(text, segments.encoding)) == text
        decode_gsm7(given)
        assert decode_gsm7(encode_gsm7(text)) == text

    fuzz(read, (b"Hello {there}", "Grüß Gott €5".encode()), clean=ValueError, count=A_FEW)


def test_any_filter_and_sid_of_twilios_is_read_or_refused() -> None:
    """A time that is asked for is one, and an id is the one that it was made from."""

    def read(given: bytes) -> None:
        text = as_text(given)
        with suppress(NoSid):
            assert parse_message_sid(build_message_sid(text)) == text
        parse_message_sid(text)
        parse_sent_filter("DateSent>", text)

    fuzz(
        read,
        (b"2026-05-01", b"2026-05-01T12:00:00Z", b"SM019aadf2ec171d13d47d84d0aa6c1e2d"),
        clean=TwilioRefusedError,
        count=MANY,
    )
