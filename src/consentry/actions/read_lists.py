"""A list in a file: its hash, its characters, its columns, and its rows block by block.

It is read more than once and never held whole: first for its hash, which every entry tells, then
for its rows.
"""

import hashlib
import io
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from typing import BinaryIO, Final, Protocol

import msgspec

from consentry.actions.import_opt_outs import GUESSED_FROM
from consentry.actions.import_words import ListedRow
from consentry.domain.import_columns import Column, Columns, guess_columns, map_columns
from consentry.domain.listed_numbers import DayOrder, ListedNumber, read_listed
from consentry.wire.delimited import EncodingFinder, Record, find_delimiter, read_records
from consentry.wire.json_rows import read_json_records

BLOCK_ROWS: Final = 250_000
"""So many rows are sorted by their numbers before they are written: who is beside whom in the
database is written together. The same list falls into the same blocks whenever it is read."""

_PIECE_BYTES: Final = 1 << 20


class ListRows(Protocol):
    """What a file of any format gives: its hash, and its records as often as they are asked for."""

    @property
    def digest(self) -> str:
        """SHA-256 of its bytes, in hex."""

    @property
    def size(self) -> int:
        """About how many rows it has."""

    def records(self) -> Iterator[Record]:
        """Read the records from the beginning; the first may be a header."""


class TextList:
    """Implements `ListRows` for CSV of any usual delimiter, and for lines of JSON."""

    def __init__(
        self, opened: Callable[[], BinaryIO], *, is_json: bool = False, delimiter: str | None = None
    ) -> None:
        """Read all bytes once; `opened` opens them anew each time."""
        self._opened = opened
        self._is_json = is_json
        digest, encoding, size = hashlib.sha256(), EncodingFinder(), 0
        with closing(opened()) as file:
            while piece := file.read(_PIECE_BYTES):
                digest.update(piece)
                encoding.feed(piece)
                size += piece.count(b"\n")
        self.digest: Final = digest.hexdigest()
        self.size: Final = size
        self.encoding: Final = encoding.found()
        self.delimiter: Final = delimiter or find_delimiter(self._first_line())

    def _first_line(self) -> str:
        with closing(self._lines()) as lines:
            return next((line for line in lines if line.strip()), "")

    def records(self) -> Iterator[Record]:
        """Read the records from the beginning."""
        with closing(self._lines()) as lines:
            if self._is_json:
                yield from read_json_records(lines, tuple(Column))
            else:
                yield from read_records(lines, self.delimiter)

    def _lines(self) -> Generator[str, None, None]:
        # Bytes that are none of Windows' characters either are shown as such, and lose nobody.
        with closing(self._opened()) as file:
            text = io.TextIOWrapper(file, self.encoding, errors="replace", newline=None)
            for line in text:
                yield line.removesuffix("\n").removeprefix("\ufeff")


class ListReading(msgspec.Struct, frozen=True):
    """How a list is read: its columns, the region of numbers without a country, its days."""

    columns: Columns
    region: str | None = None
    days: DayOrder | None = None


def find_columns(
    rows: ListRows, *, region: str | None, mapping: Mapping[Column, str] | None = None
) -> tuple[Columns, list[str]]:
    """Tell the columns, and the first row, whose cells name them; raises `UnknownColumn`."""
    first = [cells for _, cells in islice(rows.records(), GUESSED_FROM)]
    header = first[0] if first else []
    columns = map_columns(mapping, header) if mapping else guess_columns(first, region=region)
    return columns, header


def read_rows(rows: ListRows, reading: ListReading) -> Iterator[ListedRow]:
    """Read the rows in the order of the list."""
    columns, region, days = reading.columns, reading.region, reading.days
    records = rows.records()
    if columns.has_header:
        next(records, None)
    for line, cells in records:
        yield read_listed(line, cells, columns, region=region, days=days)


def read_blocks(
    rows: ListRows, reading: ListReading, *, block_rows: int = BLOCK_ROWS
) -> Iterator[list[ListedRow]]:
    """Read block by block, each in the order of its numbers; of one number, in the list's."""
    left = read_rows(rows, reading)
    while block := list(islice(left, block_rows)):
        yield sorted(block, key=_number_of)


def _number_of(row: ListedRow) -> str:
    return row.recipient if isinstance(row, ListedNumber) else ""


def key_of(aim: msgspec.Struct, reading: ListReading) -> str:
    """Name a list, read in one way, for one aim: such an import goes on where it was cut off."""
    written = msgspec.json.encode((aim, reading, BLOCK_ROWS))
    return hashlib.sha256(written).hexdigest()


def list_numbers(rows: Iterable[ListedRow]) -> Iterator[str]:
    """List the numbers of rows that name one."""
    return (row.recipient for row in rows if isinstance(row, ListedNumber))
