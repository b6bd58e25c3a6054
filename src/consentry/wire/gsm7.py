"""How many segments a text takes: GSM 03.38 septets where they suffice, else UTF-16.

Source: 3GPP TS 23.038 (alphabet and extension table) and TS 23.040 (the header that a part of a
longer message carries leaves 153 septets or 67 units). A character is never cut in two, so an
extension character or a surrogate pair that does not fit moves to the next segment.
"""

import re
from enum import StrEnum

import msgspec

_ESCAPE = "\x1b"
_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = {
    "\f": 10,
    "^": 20,
    "{": 40,
    "}": 41,
    "\\": 47,
    "[": 60,
    "~": 61,
    "]": 62,
    "|": 64,
    "€": 101,
}
_BASIC = frozenset(_ALPHABET) - {_ESCAPE}
# Asked twice of each text that is sent, and nearly all are: a set takes three times as long.
_IS_BASIC = re.compile(f"[{re.escape(''.join(sorted(_BASIC)))}]*").fullmatch
_EXTENSION = frozenset(_EXTENDED)
_GSM7 = _BASIC | _EXTENSION
_CODES = {c: bytes([code]) for code, c in enumerate(_ALPHABET) if c != _ESCAPE}
_CODES |= {c: bytes([27, code]) for c, code in _EXTENDED.items()}
_BY_CODE = {code: c for c, code in _EXTENDED.items()}
_ESCAPE_CODE = _ALPHABET.index(_ESCAPE)
_BASIC_PLANE_LAST = "\uffff"

GSM7_SINGLE_SEPTETS = 160
GSM7_PART_SEPTETS = 153
UCS2_SINGLE_UNITS = 70
UCS2_PART_UNITS = 67


class Encoding(StrEnum):
    """How a text goes over the air."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


class Segments(msgspec.Struct, frozen=True):
    """What a text costs: `characters` are septets in GSM-7 and UTF-16 units in UCS-2."""

    encoding: Encoding
    characters: int
    segments: int


def count_segments(text: str) -> Segments:
    """Count the segments of `text`; an empty text has none."""
    if _IS_BASIC(text):
        parts = _parts_of_singles(len(text), GSM7_SINGLE_SEPTETS, GSM7_PART_SEPTETS)
        return Segments(Encoding.GSM7, len(text), parts)
    if _GSM7.issuperset(text):
        widths = [_width(c, Encoding.GSM7) for c in text]
        parts = _parts(widths, GSM7_SINGLE_SEPTETS, GSM7_PART_SEPTETS)
        return Segments(Encoding.GSM7, sum(widths), parts)
    widths = [_width(c, Encoding.UCS2) for c in text]
    return Segments(Encoding.UCS2, sum(widths), _parts(widths, UCS2_SINGLE_UNITS, UCS2_PART_UNITS))


def outside_gsm7(text: str) -> tuple[str, ...]:
    """List the characters that make a text go out in UCS-2, each once, in their order."""
    return tuple(dict.fromkeys(c for c in text if c not in _GSM7))


def encode_gsm7(text: str) -> bytes:
    """Write a text of this alphabet, one octet for each septet; raises ValueError for others."""
    try:
        return b"".join([_CODES[c] for c in text])
    except KeyError as error:
        raise ValueError(f"{error.args[0]!a} is not in the GSM alphabet.") from None


def decode_gsm7(octets: bytes) -> str:
    """Read a text written one octet for each septet.

    A code that the extension table does not have stands for the basic table's letter, as TS 23.038
    says; an octet that is no septet becomes U+FFFD.
    """
    letters: list[str] = []
    escaped = False
    for octet in octets:
        if octet == _ESCAPE_CODE and not escaped:
            escaped = True
            continue
        letters.append(_read_septet(octet, escaped=escaped))
        escaped = False
    return "".join(letters)


def _read_septet(octet: int, *, escaped: bool) -> str:
    if octet >= len(_ALPHABET):
        return "\ufffd"
    if octet == _ESCAPE_CODE:
        # Reserved for a further table: shown as a space.
        return " "
    letter = _ALPHABET[octet]
    return _BY_CODE.get(octet, letter) if escaped else letter


def split_segments(text: str, encoding: Encoding) -> tuple[str, ...]:
    """Cut a text into the segments that it takes in an encoding; `count_segments` counts them."""
    widths = [_width(letter, encoding) for letter in text]
    is_gsm7 = encoding is Encoding.GSM7
    if sum(widths) <= (GSM7_SINGLE_SEPTETS if is_gsm7 else UCS2_SINGLE_UNITS):
        return (text,)
    room = GSM7_PART_SEPTETS if is_gsm7 else UCS2_PART_UNITS
    parts: list[str] = []
    begun, width = 0, 0
    for at, letter_width in enumerate(widths):
        if width + letter_width > room:
            parts.append(text[begun:at])
            begun, width = at, 0
        width += letter_width
    return (*parts, text[begun:])


def _width(letter: str, encoding: Encoding) -> int:
    if encoding is Encoding.GSM7:
        return 2 if letter in _EXTENSION else 1
    return 2 if letter > _BASIC_PLANE_LAST else 1


def _parts_of_singles(characters: int, single: int, part: int) -> int:
    if characters <= single:
        return min(characters, 1)
    return -(-characters // part)


def _parts(widths: list[int], single: int, part: int) -> int:
    if sum(widths) <= single:
        return 1
    parts, room = 1, part
    for width in widths:
        if width > room:
            parts, room = parts + 1, part
        room -= width
    return parts
