"""A list as it lies in a file: CSV or Parquet, its columns, and which of them has the numbers."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from consentry.domain.import_columns import fold_heading, read_header
from consentry.scrubbing.engine import ListError, failing, quote, quote_name, quote_path
from consentry.wire.delimited import DELIMITERS

if TYPE_CHECKING:
    import duckdb

PARQUET: Final = ".parquet"
CSV: Final = (".csv", ".tsv", ".txt")
_HEADER_CHARACTERS_MAX: Final = 1_000_000


class ListFile(msgspec.Struct, frozen=True):
    """A file of rows. `columns` are named as in the file, and `number` is one of them.

    `delimiter` is None for Parquet.
    """

    path: Path
    columns: tuple[str, ...]
    number: str
    delimiter: str | None = None

    @property
    def source(self) -> str:
        """What stands behind FROM: all rows in their order; every cell of a CSV is text."""
        if self.delimiter is None:
            return f"read_parquet({quote_path(self.path)})"
        columns = ", ".join(f"{quote(name)}: 'VARCHAR'" for name in self.columns)
        return (
            f"read_csv({quote_path(self.path)}, auto_detect = false, header = true, "
            f"delim = {quote(self.delimiter)}, quote = '\"', escape = '\"', "
            f"allow_quoted_nulls = false, columns = {{{columns}}})"
        )

    @property
    def numbers(self) -> str:
        """The texts that are to be numbers, in the order of the rows, as a query for `n`."""
        return f"SELECT {quote_name(self.number)}::VARCHAR AS n FROM {self.source}"  # noqa: S608 - quoted


def is_parquet(path: Path) -> bool:
    """Tell the kind of a file by the end of its name; raises ListError for any other."""
    suffix = path.suffix.lower()
    if suffix != PARQUET and suffix not in CSV:
        raise ListError(
            f"{path.name} is neither CSV nor Parquet by its name. Let it end in .csv or .parquet."
        )
    return suffix == PARQUET


def read_list_file(path: Path, number: str | None, engine: "duckdb.DuckDBPyConnection") -> ListFile:
    """Look at a file's columns; `number` is the one to take, None finds it by its name.

    Raises ListError.
    """
    if not path.is_file():
        raise ListError(f"There is no file {path}.")
    if is_parquet(path):
        columns, delimiter = _read_parquet_columns(path, engine), None
    else:
        columns, delimiter = _read_header(path)
    names = [name.casefold() for name in columns]
    if len(set(names)) < len(names):
        twice = next(name for name in columns if names.count(name.casefold()) > 1)
        raise ListError(f"{path.name} has two columns named {twice!r}. Rename one of them.")
    if not all(name.strip() for name in columns):
        place = next(n for n, name in enumerate(columns, 1) if not name.strip())
        raise ListError(f"Column {place} of {path.name} has no name. Give it one.")
    return ListFile(path, columns, _find_number(columns, number, path), delimiter)


def _read_parquet_columns(path: Path, engine: "duckdb.DuckDBPyConnection") -> tuple[str, ...]:
    with failing(f"{path.name} is no Parquet file that can be read"):
        found = engine.execute(f"DESCRIBE FROM read_parquet({quote_path(path)})").fetchall()
    return tuple(str(row[0]) for row in found)


def _read_header(path: Path) -> tuple[tuple[str, ...], str]:
    """Read the first row, which may go over lines; people export with semicolons and tabs too."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline(_HEADER_CHARACTERS_MAX)
            delimiter = max(DELIMITERS, key=first.count)
            file.seek(0)
            columns = next(csv.reader(file, delimiter=delimiter, strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise ListError(
            f"{path.name} does not begin as CSV in UTF-8 ({error}). Export it as such."
        ) from error
    if not any(columns):
        raise ListError(f"{path.name} is empty. Its first line must name the columns.")
    return tuple(columns), delimiter


def _find_number(columns: tuple[str, ...], wanted: str | None, path: Path) -> str:
    shown = ", ".join(columns)
    if wanted is not None:
        headings = [fold_heading(column) for column in columns]
        if fold_heading(wanted) not in headings:
            raise ListError(f"{path.name} has no column {wanted!r}. It has: {shown}.")
        return columns[headings.index(fold_heading(wanted))]
    known = read_header(columns)
    if known is None:
        raise ListError(
            f"None of the columns of {path.name} is known to have numbers: {shown}. Say which one "
            "does, with --number-column."
        )
    return columns[known.number]
