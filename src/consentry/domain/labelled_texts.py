"""Texts labelled with what a reasonable person understands: a CSV file to measure a reader on."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final, TypeVar

import msgspec

from consentry.domain.reading import LegalMeaning, Tier

COLUMNS: Final = ("text", "language", "expected", "tier", "part")
_NEEDED: Final = ("text", "expected")
_PROBLEMS_MAX: Final = 20
_SHOWN_MAX: Final = 40

_Choice = TypeVar("_Choice", bound=StrEnum)


class LabelledText(msgspec.Struct, frozen=True, gc=False):
    """A text and its label.

    `tier`: whether it is a lone keyword or free text, None where nobody said. `part`: which half of
    a set it is in. `line`: where it begins in its file, from 1.
    """

    text: str
    expected: LegalMeaning
    language: str = ""
    tier: Tier | None = None
    part: str = ""
    line: int = 0


class LabelsUnreadable(ValueError):
    """A file is no list of labelled texts; `problems` says line by line why."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep the problems; the message names the first of them."""
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def parse_labelled_texts(text: str) -> list[LabelledText]:
    """Read a CSV file (RFC 4180) with a header; `text` and `expected` are needed, order is free.

    Raises `LabelsUnreadable` with every line that cannot be used, at most 20: a figure over a part
    of a file would be a figure over another file.
    """
    rows = _split_rows(text.removeprefix("\ufeff"))
    try:
        header = _read_header(next(rows, (1, [])))
        labelled: list[LabelledText] = []
        problems: list[str] = []
        for line, cells in rows:
            try:
                labelled.append(_read_row(line, cells, header))
            except LabelsUnreadable as error:
                problems += error.problems
                if len(problems) >= _PROBLEMS_MAX:
                    break
    except csv.Error as error:
        told = f"The file is no CSV: {error}. Put texts with quotes, commas or line ends in quotes."
        raise LabelsUnreadable([told]) from error
    if problems:
        raise LabelsUnreadable(problems)
    return labelled


def _split_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Give each row that has cells, with the line that it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    for cells in reader:
        if cells:
            yield begins, cells
        begins = reader.line_num + 1


def _read_header(row: tuple[int, list[str]]) -> dict[str, int]:
    line, cells = row
    header = {name.strip().casefold(): place for place, name in enumerate(cells)}
    missing = [name for name in _NEEDED if name not in header]
    if len(header) < len(cells):
        twice = next(
            name for name in header if [c.strip().casefold() for c in cells].count(name) > 1
        )
        raise LabelsUnreadable([f"line {line}: the header has the one column {twice} twice."])
    if missing:
        lacks = " and no column ".join(missing)
        told = f"line {line}: the header has no column {lacks}. Begin the file with: text,expected"
        raise LabelsUnreadable([told])
    return header


def _read_row(line: int, cells: Sequence[str], header: dict[str, int]) -> LabelledText:
    if len(cells) != len(header):
        told = f"line {line}: {len(cells)} cells, the header has {len(header)}. Quote the text."
        raise LabelsUnreadable([told])
    named = {name: cells[place] for name, place in header.items()}
    tier = named.get("tier", "").strip()
    return LabelledText(
        text=named["text"],
        expected=_choose(LegalMeaning, line, "expected", named["expected"]),
        language=named.get("language", "").strip(),
        tier=_choose(Tier, line, "tier", tier) if tier else None,
        part=named.get("part", "").strip(),
        line=line,
    )


def _choose(choices: type[_Choice], line: int, column: str, told: str) -> _Choice:
    try:
        return choices(told.strip().casefold())
    except ValueError:
        known = ", ".join(choices)
        shown = repr(told[:_SHOWN_MAX])
        raise LabelsUnreadable([f"line {line}: {column} is {shown}, not one of {known}."]) from None


def render_labelled_texts(rows: Iterable[LabelledText]) -> str:
    """Write labelled texts as such a file, each with all columns.

    Every cell is quoted: the writer of the library leaves a lone carriage return bare.
    """
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow((row.text, row.language, row.expected, row.tier or "", row.part))
    return written.getvalue()
