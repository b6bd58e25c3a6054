"""Which column of a list holds what: told by whoever brings it in, or guessed from its header."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from consentry.domain.phone import InvalidNumber, normalize_phone
from consentry.domain.reading_data import read_rows

_WORD_BREAKS: Final = re.compile(r"[\s_\-./]+")
COLUMNS_MAX: Final = 1000
"""Columns are looked for among so many: a line may be one of millions of cells, and looking
whether each is a number takes half a minute."""

_SHOWN_COLUMNS: Final = 20
_SHOWN_CHARACTERS: Final = 40
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}[/.]\d{1,2}[/.]\d{4}")


class Column(StrEnum):
    """What a column can mean. `text` is what the person texted, `name` whose number it is."""

    NUMBER = "number"
    REASON = "reason"
    DATE = "date"
    TEXT = "text"
    NAME = "name"

    __hash__ = str.__hash__
    """An enum's own is slow, and every row is read by it."""


class _Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    column: Column
    names: tuple[str, ...]
    source: str
    checked_on: str


class _NameTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    names: tuple[_Names, ...]


_MEANINGS: Final[dict[str, Column]] = {
    name: row.column
    for row in read_rows("import_columns.json", _NameTable).names
    for name in row.names
}


class Columns(msgspec.Struct, frozen=True):
    """The place of each column, counted from 0; None: there is no such column.

    `has_header`: the first row names the columns. `is_guessed`: nobody said where they are.
    """

    number: int = 0
    reason: int | None = None
    date: int | None = None
    text: int | None = None
    name: int | None = None
    has_header: bool = False
    is_guessed: bool = True

    def places(self) -> dict[Column, int]:
        """List the columns that there are."""
        found = {column: getattr(self, column.value) for column in Column}
        return {column: place for column, place in found.items() if place is not None}


class UnknownColumn(ValueError):
    """A mapping names what is not there; the message says what is."""


def fold_heading(heading: str) -> str:
    """Write a heading as it is compared: without case, and with one space between words."""
    return _WORD_BREAKS.sub(" ", heading.casefold().removeprefix("\ufeff")).strip()


def read_header(cells: Sequence[str]) -> Columns | None:
    """Find the columns by their names; None where the row names no column of numbers."""
    places = _places_by_name(cells)
    return None if Column.NUMBER not in places else _build(places, has_header=True)


def _places_by_name(cells: Sequence[str]) -> dict[Column, int]:
    places: dict[Column, int] = {}
    for place, cell in enumerate(cells):
        column = _MEANINGS.get(fold_heading(cell))
        if column is not None:
            places.setdefault(column, place)
    return places


def _build(places: Mapping[Column, int], *, has_header: bool, is_guessed: bool = True) -> Columns:
    return Columns(
        number=places.get(Column.NUMBER, 0),
        reason=places.get(Column.REASON),
        date=places.get(Column.DATE),
        text=places.get(Column.TEXT),
        name=places.get(Column.NAME),
        has_header=has_header,
        is_guessed=is_guessed,
    )


def guess_columns(rows: Sequence[Sequence[str]], *, region: str | None = None) -> Columns:
    """Guess the columns from the first rows: by their header, or by what looks like a number.

    A first row of several cells without any number, above one that has one, is a header in words
    that are not known here.
    """
    rows = [row[:COLUMNS_MAX] for row in rows]
    first = rows[0] if rows else ()
    known = read_header(first)
    if known is not None:
        return known
    number = _place_of_number(first, region)
    if number is not None:
        return _build(_guess_places(first, number), has_header=False)
    for row in rows[1:] if len(first) > 1 else ():
        number = _place_of_number(row, region)
        if number is not None:
            places = _places_by_name(first) | _guess_places(row, number)
            return _build(places, has_header=True)
    return Columns()


def _guess_places(cells: Sequence[str], number: int) -> dict[Column, int]:
    dates = (place for place, cell in enumerate(cells) if _DAY.match(cell.strip()))
    date = next((place for place in dates if place != number), None)
    found = {Column.NUMBER: number}
    return found if date is None else found | {Column.DATE: date}


def _place_of_number(cells: Sequence[str], region: str | None) -> int | None:
    """Find the first cell that is a number: one with its country code before any other."""
    numbers = [place for place, cell in enumerate(cells) if _is_number(cell, region)]
    whole = (place for place in numbers if bare_number(cells[place]).startswith("+"))
    return next(whole, next(iter(numbers), None))


def _is_number(cell: str, region: str | None) -> bool:
    if _DAY.match(cell.strip()):
        return False
    try:
        normalize_phone(bare_number(cell), region=region)
    except InvalidNumber:
        return False
    return True


def bare_number(cell: str) -> str:
    """Take the mark off by which a spreadsheet keeps a cell a text: an apostrophe."""
    return cell.strip().removeprefix("'")


def map_columns(mapping: Mapping[Column, str], header: Sequence[str]) -> Columns:
    """Find the columns that somebody named: by heading, or by place counted from 1.

    Raises `UnknownColumn` for a column that is not there, and where none is of numbers. The first
    row is a header where any heading was named, or where it names a column of numbers by itself.
    """
    if Column.NUMBER not in mapping:
        raise UnknownColumn("The mapping names no column for number, and nothing goes without.")
    header = header[:COLUMNS_MAX]
    headings = [fold_heading(cell) for cell in header]
    places: dict[Column, int] = {}
    named = read_header(header) is not None
    for column, wanted in mapping.items():
        folded = fold_heading(wanted)
        if folded in headings:
            places[column] = headings.index(folded)
            named = True
        elif wanted.strip().isdecimal() and 1 <= int(wanted.strip()[:6]) <= len(header):
            places[column] = int(wanted.strip()) - 1
        else:
            there = _name_some(header)
            raise UnknownColumn(
                f"There is no column {wanted!r} for {column}. The columns are: {there}."
            )
    return _build(places, has_header=named, is_guessed=False)


def _name_some(header: Sequence[str]) -> str:
    named = ", ".join(repr(cell[:_SHOWN_CHARACTERS]) for cell in header[:_SHOWN_COLUMNS]) or "none"
    left = len(header) - _SHOWN_COLUMNS
    return f"{named} and {left:,} more" if left > 0 else named
