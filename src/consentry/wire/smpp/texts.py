"""Texts as octets: alphabets (data_coding, 5.2.19) and the parts of a longer text.

What comes in is read leniently, because an opt-out may be in it: whatever the coding says, a text
comes out, without zeros and without halves of surrogate pairs, which no database keeps.
"""

from enum import StrEnum
from typing import Final

import msgspec

from consentry.wire.gsm7 import (
    Encoding,
    count_segments,
    decode_gsm7,
    encode_gsm7,
    split_segments,
)
from consentry.wire.smpp.fields import Tag
from consentry.wire.smpp.requests import ShortMessage

HEADER_INDICATOR: Final = 0x40
PARTS_MAX: Final = 255
_UCS2: Final = 0x08
_CODECS: Final = {0x01: "latin-1", 0x03: "latin-1", 0x06: "iso8859_5", 0x07: "iso8859_8"}
_CONCATENATED_8: Final = 0x00
_CONCATENATED_16: Final = 0x08
_SEPTETS_MAX: Final = 0x80
_ASCII: Final = 0x01
_SPACE: Final = 0x20
_WHITE_SPACE: Final = b"\t\n\r"


class Part(msgspec.Struct, frozen=True):
    """Which part of which text this is: number `number` of `total`, counted from 1."""

    reference: int
    total: int
    number: int


class EncodedText(msgspec.Struct, frozen=True):
    """A text in parts that are ready to go; more than one have a header each."""

    data_coding: int
    parts: tuple[bytes, ...]

    @property
    def esm_class(self) -> int:
        """Say that there is a header, where there is one."""
        return HEADER_INDICATOR if len(self.parts) > 1 else 0


class Default(StrEnum):
    """What a peer reads where the coding is 0, its default alphabet."""

    GSM7 = "gsm7"
    LATIN1 = "latin1"


def encode_text(text: str, reference: int, default: Default = Default.GSM7) -> EncodedText:
    """Write a text in the smallest alphabet; its parts have `reference` (8 bits) in common.

    Raises ValueError for more parts than can be numbered.
    """
    encoding = count_segments(text).encoding
    if encoding is Encoding.GSM7 and default is Default.LATIN1 and not _is_latin1(text):
        encoding = Encoding.UCS2
    parts = split_segments(text, encoding)
    if len(parts) > PARTS_MAX:
        raise ValueError(f"The text has {len(parts)} parts; at most {PARTS_MAX} can be sent.")
    written = [_write_part(part, encoding, default) for part in parts]
    if len(written) > 1:
        head = bytes((5, _CONCATENATED_8, 3, reference & 0xFF, len(written)))
        written = [head + bytes((at,)) + part for at, part in enumerate(written, start=1)]
    return EncodedText(0 if encoding is Encoding.GSM7 else _UCS2, tuple(written))


def _write_part(part: str, encoding: Encoding, default: Default) -> bytes:
    if encoding is Encoding.UCS2:
        return part.encode("utf-16-be", "replace")
    return encode_gsm7(part) if default is Default.GSM7 else part.encode("latin-1")


def _is_latin1(text: str) -> bool:
    return all(letter <= "\xff" for letter in text)


def read_text(message: ShortMessage, default: Default = Default.GSM7) -> tuple[str, Part | None]:
    """Read a text, and which part of a longer one it is, by its header or its tagged values."""
    octets, part = message.octets, None
    if message.esm_class & HEADER_INDICATOR:
        part, octets = _split_header(octets)
    text = decode_octets(octets, message.data_coding, default)
    return text, part or _read_tagged_part(message)


def decode_octets(octets: bytes, data_coding: int, default: Default = Default.GSM7) -> str:
    """Read octets by their coding; by how they look where it says nothing that is known."""
    coding = _read_alphabet(data_coding)
    if _is_gsm7(octets, coding, default):
        text = decode_gsm7(octets)
    elif coding == _UCS2:
        text = octets[: len(octets) & ~1].decode("utf-16-be", "replace")
    elif coding in _CODECS:
        text = octets.decode(_CODECS[coding], "replace")
    else:
        text = _guess(octets)
    return text.replace("\0", "\ufffd")


def _is_gsm7(octets: bytes, coding: int, default: Default) -> bool:
    """Tell whether octets are of the GSM alphabet: by default, or where ASCII has no such octets.

    Some peers call their GSM alphabet ASCII; its escape, `@` and accents are what gives it away.
    """
    if any(octet >= _SEPTETS_MAX for octet in octets):
        return False
    if coding == _ASCII:
        return any(octet < _SPACE and octet not in _WHITE_SPACE for octet in octets)
    return coding == 0 and default is Default.GSM7


def _read_alphabet(data_coding: int) -> int:
    """Read the alphabet out of the classes of TS 23.038, which vendors send as they are."""
    group = data_coding >> 4
    if group in (0x1, 0x2, 0x3):
        return data_coding & 0x0C
    if group == 0xE:
        return _UCS2
    if group in (0xC, 0xD):
        return 0
    if group == 0xF:
        return data_coding & 0x04
    return data_coding


def _guess(octets: bytes) -> str:
    """Read octets whose alphabet nobody knows: UTF-8, two octets a letter, or one."""
    if octets[::2].count(0) * 2 > len(octets[::2]) and len(octets) % 2 == 0:
        return octets.decode("utf-16-be", "replace")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _split_header(octets: bytes) -> tuple[Part | None, bytes]:
    """Take the user data header off (TS 23.040, 9.2.3.24); one that cannot be is left as it is."""
    length = octets[0] if octets else 0
    header, rest = octets[1 : 1 + length], octets[1 + length :]
    if not length or len(header) < length:
        return None, octets
    part, at = None, 0
    while at + 2 <= len(header):
        element, size = header[at], header[at + 1]
        value = header[at + 2 : at + 2 + size]
        if element == _CONCATENATED_8 and len(value) == 3:
            part = _name_part(value[0], value[1], value[2])
        elif element == _CONCATENATED_16 and len(value) == 4:
            part = _name_part(int.from_bytes(value[:2], "big"), value[2], value[3])
        at += 2 + size
    return part, rest


def _read_tagged_part(message: ShortMessage) -> Part | None:
    """Read the part out of the sar_ values (5.3.2.22-24)."""
    tagged = message.tagged
    reference = tagged.get(Tag.SAR_MESSAGE_REFERENCE, b"")
    total = tagged.get(Tag.SAR_TOTAL_SEGMENTS, b"")
    number = tagged.get(Tag.SAR_SEGMENT_NUMBER, b"")
    if not (reference and total and number):
        return None
    return _name_part(int.from_bytes(reference, "big"), total[0], number[0])


def _name_part(reference: int, total: int, number: int) -> Part | None:
    """Name a part; a text in one part is whole, and a number out of range says nothing."""
    return Part(reference, total, number) if total > 1 and 1 <= number <= total else None
