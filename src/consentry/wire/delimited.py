"""Lists as people export them: which characters the bytes are, which cells a line has.

RFC 4180 is what most programs write. What they write wrongly spoils the line it is in, and none of
those behind it.
"""

import codecs
import csv
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

DELIMITERS: Final = ",;\t|"
CELL_CHARACTERS_MAX: Final = 2000

_AT_ONCE: Final = 2000
_LINES_JOINED_MAX: Final = 20

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Record = tuple[int, list[str]]
"""The number of the line it begins in, counted from 1, and its cells."""


class EncodingFinder:
    """Tells the encoding of a text from all its bytes, given piece by piece.

    A mark at the beginning says it; else it is UTF-8 where every byte fits, and Windows' Western
    characters (which any bytes are) where one does not.
    """

    def __init__(self) -> None:
        self._marked: str | None = None
        self._began = False
        self._decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()

    def feed(self, piece: bytes) -> None:
        """Look at the next bytes."""
        if not self._began and piece:
            self._began = True
            self._marked = next((name for mark, name in _MARKS if piece.startswith(mark)), None)
        self._try(piece, final=False)

    def _try(self, piece: bytes, *, final: bool) -> None:
        if self._decoder is not None and self._marked is None:
            try:
                self._decoder.decode(piece, final)
            except UnicodeDecodeError:
                self._decoder = None

    def found(self) -> str:
        """Name the encoding, when all bytes were given; as Python names it."""
        self._try(b"", final=True)
        if self._marked is not None:
            return self._marked
        return "cp1252" if self._decoder is None else "utf-8"


def find_delimiter(line: str) -> str:
    """Take what separates the first line; people export with semicolons and tabs too."""
    outside = "".join(line.split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def split_line(line: str, delimiter: str) -> list[str]:
    """Split one line that stands alone; one that cannot be split is one cell."""
    try:
        cells = next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        cells = [line]
    return [cell.strip()[:CELL_CHARACTERS_MAX] for cell in cells]


def read_records(lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    """Read records from lines without their ends; blank lines are counted and left out.

    A quoted cell may go on over some lines, but over none that is a whole record by itself: a
    stray quote spoils the line it is in alone.
    """
    rest = iter(lines)
    place = 1
    part = list(islice(rest, _AT_ONCE))
    width = next((len(split_line(line, delimiter)) for line in part if line.strip()), 0)
    whole = _Whole(delimiter, width)
    while part:
        if _is_plain(part):
            yield from _read_plain(part, delimiter, place)
            taken = len(part)
        else:
            ahead = list(islice(rest, _LINES_JOINED_MAX))
            taken = yield from _read_quoted(part + ahead, len(part), whole, place=place)
            part += ahead
        place += taken
        part = part[taken:]
        part += islice(rest, _AT_ONCE - len(part))


def _is_plain(lines: Sequence[str]) -> bool:
    """Tell lines of which each stands alone: every quote that opens closes in its line."""
    if '"' not in "".join(lines):
        return True
    return not any(line.count('"') & 1 for line in lines)


def _read_plain(lines: Sequence[str], delimiter: str, place: int) -> Iterator[Record]:
    try:
        read = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        read = []
    if len(read) != len(lines):
        read = [split_line(line, delimiter) for line in lines]
    for offset, cells in enumerate(read):
        if cells and not lines[offset].isspace():
            yield place + offset, cells


class _Whole(NamedTuple):
    """How a whole record looks: what separates its cells, and how many the first one has."""

    delimiter: str
    width: int


def _read_quoted(
    lines: Sequence[str], count: int, whole: _Whole, *, place: int
) -> Generator[Record, None, int]:
    """Read the records that begin in the first `count` lines; say how many lines they take."""
    at = 0
    while at < count:
        taken = _count_joined(lines, at, whole)
        if lines[at].strip():
            joined = "\n".join(lines[at : at + taken])
            yield place + at, split_line(joined, whole.delimiter)
        at += taken
    return at


def _count_joined(lines: Sequence[str], at: int, whole: _Whole) -> int:
    """Count how many lines are one record: 1, but for a quoted cell that goes on."""
    line = lines[at]
    if not line.count('"') & 1 or _is_closed(line, whole.delimiter):
        return 1
    for count, further in enumerate(lines[at + 1 : at + _LINES_JOINED_MAX], start=2):
        if further.count('"') & 1:
            joined = "\n".join(lines[at : at + count])
            return count if _is_closed(joined, whole.delimiter) else 1
        if len(split_line(further, whole.delimiter)) >= whole.width:
            return 1
    return 1


def _is_closed(record: str, delimiter: str) -> bool:
    """Tell whether every quoted cell ends, and what separates cells follows."""
    try:
        list(csv.reader([record], delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return True
