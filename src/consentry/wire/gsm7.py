"""How many segments a text takes: GSM 03.38 septets where they suffice, else UTF-16.

Source: 3GPP TS 23.038 (alphabet and extension table) and TS 23.040 (the header that a part of a
longer message carries leaves 153 septets or 67 units). A character is never cut in two, so an
extension character or a surrogate pair that does not fit moves to the next segment.
"""

from enum import StrEnum

import msgspec

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
_GSM7 = _BASIC | _EXTENSION
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
    if _BASIC.issuperset(text):
        parts = _parts_of_singles(len(text), GSM7_SINGLE_SEPTETS, GSM7_PART_SEPTETS)
        return Segments(Encoding.GSM7, len(text), parts)
    if _GSM7.issuperset(text):
        widths = [2 if c in _EXTENSION else 1 for c in text]
        parts = _parts(widths, GSM7_SINGLE_SEPTETS, GSM7_PART_SEPTETS)
        return Segments(Encoding.GSM7, sum(widths), parts)
    widths = [2 if c > _BASIC_PLANE_LAST else 1 for c in text]
    return Segments(Encoding.UCS2, sum(widths), _parts(widths, UCS2_SINGLE_UNITS, UCS2_PART_UNITS))


def outside_gsm7(text: str) -> tuple[str, ...]:
    """List the characters that make a text go out in UCS-2, each once, in their order."""
    return tuple(dict.fromkeys(c for c in text if c not in _GSM7))


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
