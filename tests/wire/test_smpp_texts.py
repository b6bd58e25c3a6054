"""SMPP's texts: alphabets, parts, and what comes of octets that say little of themselves."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from consentry.wire.gsm7 import (
    Encoding,
    count_segments,
    decode_gsm7,
    encode_gsm7,
    split_segments,
)
from consentry.wire.smpp.fields import Tag
from consentry.wire.smpp.requests import Address, ShortMessage
from consentry.wire.smpp.texts import (
    HEADER_INDICATOR,
    Default,
    EncodedText,
    Part,
    decode_octets,
    encode_text,
    read_text,
)
from fuzzing import make_inputs

pytestmark = pytest.mark.property

GSM = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./09:;<=>?¡AZÄÖÑÜ§¿azäöñüà\f^{}\\[~]|€"
texts = st.one_of(
    st.text(st.sampled_from(GSM), max_size=700),
    st.text(max_size=400),
    st.text(st.sampled_from("aé€😀"), min_size=60, max_size=330),
)


def received(encoded: EncodedText, number: int = 0, esm_class: int | None = None) -> ShortMessage:
    """One part of a text as it comes in."""
    return ShortMessage(
        Address("12125550142", 1, 1),
        Address("14155550100", 1, 1),
        encoded.parts[number],
        esm_class=encoded.esm_class if esm_class is None else esm_class,
        data_coding=encoded.data_coding,
    )


def is_utf8_too(encoded: EncodedText) -> bool:
    """Tell whether Latin-1 is UTF-8 by chance: it is read as that, for a STOP that may be in it."""
    for part in encoded.parts:
        octets = part[6:] if len(encoded.parts) > 1 else part
        try:
            if not octets.isascii() and octets.decode():
                return True
        except UnicodeDecodeError:
            continue
    return False


def test_what_is_latin_1_and_utf_8_at_once_is_read_as_utf_8() -> None:
    """A peer that sends UTF-8 unsaid would else hide a STOP; two odd letters are the price."""
    encoded = encode_text("\xc4\xa1", 0, Default.LATIN1)
    assert is_utf8_too(encoded)
    assert read_text(received(encoded), Default.LATIN1) == ("\u0121", None)


@settings(max_examples=300)
@given(texts, st.integers(0, 255), st.sampled_from(Default))
def test_a_text_comes_back_out_of_its_parts(text: str, reference: int, default: Default) -> None:
    """Its parts, in order, are the text; each fits into 140 octets over the air."""
    encoded = encode_text(text, reference, default)
    assume(not (encoded.data_coding == 0 and default is Default.LATIN1 and is_utf8_too(encoded)))
    read = [read_text(received(encoded, n), default) for n in range(len(encoded.parts))]
    assert "".join(body for body, _ in read) == text.replace("\0", "\ufffd")
    if len(encoded.parts) > 1:
        total = len(encoded.parts)
        expected = [Part(reference, total, number) for number in range(1, total + 1)]
        assert [part for _, part in read] == expected
    else:
        assert read[0][1] is None
    largest = 140 if encoded.data_coding == 8 else 160
    assert max(map(len, encoded.parts)) <= largest


@settings(max_examples=300)
@given(texts)
def test_parts_are_those_that_are_billed(text: str) -> None:
    """As many parts go out as `count_segments` counts, and no letter is cut in two."""
    encoded = encode_text(text, 1)
    assert len(encoded.parts) == max(1, count_segments(text).segments)
    parts = split_segments(text, count_segments(text).encoding)
    assert "".join(parts) == text


def test_the_basic_and_the_extended_alphabet_are_those_of_the_standard() -> None:
    """TS 23.038: places of letters that differ from ASCII, and escapes before the extended ones."""
    assert encode_gsm7("@$_ÉÄà") == bytes((0x00, 0x02, 0x11, 0x1F, 0x5B, 0x7F))
    assert encode_gsm7("€[~") == b"\x1b\x65\x1b\x3c\x1b\x3d"
    assert decode_gsm7(encode_gsm7(GSM)) == GSM
    with pytest.raises(ValueError, match=r"'\\u0142' is not in the GSM alphabet"):
        encode_gsm7("ł")


def test_octets_outside_the_alphabet_are_read_as_the_standard_says() -> None:
    """An unknown extended code is the basic letter, a second escape a space, 8 bits are none."""
    assert decode_gsm7(b"\x1bA\x1b\x1bB\x80") == "A B\ufffd"
    assert decode_gsm7(b"A\x1b") == "A"


def test_too_many_parts_are_refused() -> None:
    """A text of more parts than a header can count is not sent in half."""
    with pytest.raises(ValueError, match="has 257 parts; at most 255 can be sent"):
        encode_text("a" * 153 * 256 + "b", 1)


def test_a_letter_that_latin1_has_not_goes_out_in_two_octets() -> None:
    """Where the peer's default is Latin-1, what GSM has and Latin-1 has not is UCS-2."""
    assert encode_text("@ 5", 1, Default.LATIN1) == EncodedText(0, (b"@ 5",))
    assert encode_text("5 €", 1, Default.LATIN1).data_coding == 8


@pytest.mark.parametrize(
    ("octets", "coding", "text"),
    [
        (b"STOP", 0x00, "STOP"),
        (b"STOP", 0x01, "STOP"),
        (b"STOP `now`\n", 0x01, "STOP `now`\n"),
        (b"STOP \x1be\0", 0x01, "STOP €@"),
        (b"STOP \xe9", 0x03, "STOP é"),
        (b"\0S\0T\0O\0P", 0x08, "STOP"),
        (b"\0S\0T\0O\0P\0", 0x08, "STOP"),
        (b"\xd8\x3d\0A", 0x08, "\ufffdA"),
        ("СТОП".encode("iso8859_5"), 0x06, "СТОП"),
        ("הסר".encode("iso8859_8"), 0x07, "הסר"),
        (b"STOP", 0xF0, "STOP"),
        (b"STOP", 0xF5, "STOP"),
        (b"\0S\0T\0O\0P", 0x18, "STOP"),
        (b"\0S\0T\0O\0P", 0xE0, "STOP"),
        (b"STOP", 0xC8, "STOP"),
        ("STOP 🛑".encode(), 0x00, "STOP 🛑"),
        ("STOP 🛑".encode(), 0x04, "STOP 🛑"),
        (b"STOP \xe9", 0x02, "STOP é"),
        (b"\0S\0T\0O\0P", 0x2A, "STOP"),
        (b"\0S\0T\0O\0P", 0x0E, "STOP"),
        (b"ST\0OP", 0x03, "ST\ufffdOP"),
        (b"", 0x00, ""),
        (b"", 0x0B, ""),
    ],
)
def test_octets_are_read_by_their_coding_and_else_by_their_looks(
    octets: bytes, coding: int, text: str
) -> None:
    """A person's STOP is read whatever the coding is called, and zeros do not get into it."""
    assert decode_octets(octets, coding) == text


def header(*elements: bytes) -> bytes:
    """A user data header of these elements."""
    inside = b"".join(elements)
    return bytes((len(inside),)) + inside


@pytest.mark.parametrize(
    ("octets", "body", "part"),
    [
        (header(b"\0\3\7\2\1") + b"Hi", "Hi", Part(7, 2, 1)),
        (header(b"\x08\4\1\7\2\2") + b"Hi", "Hi", Part(263, 2, 2)),
        (header(b"\5\4\0\0\0\0", b"\0\3\7\2\1") + b"Hi", "Hi", Part(7, 2, 1)),
        (header(b"\5\4\0\0\0\0") + b"Hi", "Hi", None),
        (header(b"\0\3\7\1\1") + b"Hi", "Hi", None),
        (header(b"\0\3\7\2\3") + b"Hi", "Hi", None),
        (header(b"\0\2\7\2") + b"Hi", "Hi", None),
        (header(b"\x08\3\7\2\1") + b"Hi", "Hi", None),
        (b"STOP", "STOP", None),
        (b"\0STOP", "@STOP", None),
        (b"", "", None),
    ],
)
def test_headers_are_taken_off(octets: bytes, body: str, part: Part | None) -> None:
    """References of 8 and 16 bits; other elements are passed over; what is no header is text."""
    message = ShortMessage(Address(), Address(), octets, esm_class=HEADER_INDICATOR)
    assert read_text(message) == (body, part)


@pytest.mark.parametrize(
    ("tagged", "part"),
    [
        ({0x20C: b"\1\0", 0x20E: b"\2", 0x20F: b"\1"}, Part(256, 2, 1)),
        ({0x20C: b"\1\0", 0x20E: b"\2"}, None),
        ({0x20C: b"\1\0", 0x20E: b"\2", 0x20F: b""}, None),
    ],
)
def test_parts_are_named_by_tagged_values_too(tagged: dict[int, bytes], part: Part | None) -> None:
    """The sar_ values say the same as a header, where all three are there."""
    message = ShortMessage(Address(), Address(), b"", tagged={**tagged, Tag.MESSAGE_PAYLOAD: b"Hi"})
    assert read_text(message) == ("Hi", part)


@pytest.mark.fuzz
@pytest.mark.no_cover
def test_all_octets_are_texts() -> None:
    """Whatever the octets and classes are, a text comes out that a database can keep."""
    parts = encode_text("STOP " * 60, 3).parts + encode_text("🛑 стоп " * 30, 4).parts
    for at, octets in enumerate(make_inputs(parts, seed=34)):
        message = ShortMessage(
            Address(), Address(), octets, esm_class=at % 2 * 64, data_coding=at // 2 % 256
        )
        body, part = read_text(message)
        body.encode("utf-8")
        assert "\0" not in body
        assert part is None or 1 <= part.number <= part.total


def test_lone_halves_of_letters_are_not_sent() -> None:
    """Half a surrogate pair is no letter: it goes out as a question mark."""
    assert encode_text("\ud83d", 1) == EncodedText(8, (b"\0?",))
    assert count_segments("\ud83d").encoding is Encoding.UCS2
