"""Which letters the paper's font has: what it has not is written by its number, never dropped."""

import struct
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final

REGULAR: Final = "DejaVuSansCondensed.ttf"
BOLD: Final = "DejaVuSansCondensed-Bold.ttf"
_GROUPED: Final = 12
_GROUP: Final = struct.Struct(">3L")
_DRAWN_AS_SPACE: Final = frozenset("\n\t ")
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL"})


def read_font(name: str) -> bytes:
    """Read a font that comes with the product."""
    return files(__name__.rpartition(".")[0]).joinpath("fonts", name).read_bytes()


@cache
def known_letters() -> frozenset[int]:
    """List the letters (code points) that the regular and the bold font both have."""
    return _read_letters(read_font(REGULAR)) & _read_letters(read_font(BOLD))


def _read_letters(font: bytes) -> frozenset[int]:
    """Read a font's own table of letters (OpenType `cmap`, format 12)."""
    (tables,) = struct.unpack_from(">H", font, 4)
    records = (struct.unpack_from(">4s3L", font, 12 + 16 * i) for i in range(tables))
    start = next(offset for tag, _, offset, _ in records if tag == b"cmap")
    (count,) = struct.unpack_from(">H", font, start + 2)
    places = (struct.unpack_from(">2HL", font, start + 4 + 8 * i)[2] for i in range(count))
    table = next(
        start + at for at in places if struct.unpack_from(">H", font, start + at)[0] == _GROUPED
    )
    (groups,) = struct.unpack_from(">L", font, table + 12)
    spans = _GROUP.iter_unpack(font[table + 16 : table + 16 + groups * _GROUP.size])
    return frozenset(letter for first, last, _ in spans for letter in range(first, last + 1))


def spell_unknown(text: str, unknown: set[str]) -> str:
    """Write letters that the font has not as [U+4E2D], and note which they were in `unknown`."""
    if text.isascii() and text.isprintable():
        return text
    known = known_letters()
    return "".join(
        letter if _is_drawn(letter, known) else _spell(letter, unknown) for letter in text
    )


def _is_drawn(letter: str, known: frozenset[int]) -> bool:
    if letter in _DRAWN_AS_SPACE:
        return True
    # What is not seen (a joiner, a mark of direction) must be: it may hide something.
    return ord(letter) in known and unicodedata.category(letter) not in ("Cc", "Cf", "Co", "Cn")


def _spell(letter: str, unknown: set[str]) -> str:
    name = f"U+{ord(letter):04X}"
    unknown.add(name)
    return f"[{name}]"


def runs_right_to_left(text: str) -> bool:
    """Tell whether the first letter that has a direction runs from right to left."""
    for letter in text:
        direction = unicodedata.bidirectional(letter)
        if direction == "L":
            return False
        if direction in _RIGHT_TO_LEFT:
            return True
    return False
