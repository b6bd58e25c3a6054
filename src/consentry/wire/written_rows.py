"""Rows as they leave: CSV (RFC 4180) that no spreadsheet runs, or lines of JSON."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

Cell = str | int | bool | msgspec.Raw | None
"""`Raw` is JSON already."""

Row = Sequence[Cell]

_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets take the wide signs for the narrow ones

_E164: Final = re.compile(r"\+[1-9][0-9]{1,14}")

_encode_lines: Final = msgspec.json.Encoder().encode_lines


def write_csv(rows: Iterable[Row], *, is_shown: bool = True) -> bytes:
    """Write rows as CSV (RFC 4180, UTF-8); what no spreadsheet is shown stays as it is."""
    text = io.StringIO()
    mark = harmless if is_shown else str
    csv.writer(text).writerows([[mark(_write(cell)) for cell in row] for row in rows])
    return text.getvalue().encode("utf-8", "replace")


def _write(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case msgspec.Raw():
            return bytes(cell).decode()
        case _:
            return str(cell)


def write_json_lines(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """Write rows as lines of JSON, an object each, by the names of the columns."""
    return _encode_lines([dict(zip(columns, row, strict=True)) for row in rows])


def harmless(cell: str) -> str:
    """Mark a cell as text where a spreadsheet would run it as a formula.

    A phone number in E.164 begins with a plus and stays as it is, for programs that read it: a
    plus and at most 15 digits is a number to a spreadsheet and nothing that could be run.
    """
    if cell.startswith(_FORMULA_STARTS) and _E164.fullmatch(cell) is None:
        return f"'{cell}"
    return cell
