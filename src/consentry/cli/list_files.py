"""Opens a list in a file: CSV, lines of JSON, or Parquet."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from consentry.actions.read_lists import ListRows, TextList
from consentry.wire.delimited import Record

if TYPE_CHECKING:
    import duckdb

_TEXT: Final = (".csv", ".tsv", ".txt")
_JSON_LINES: Final = (".jsonl", ".ndjson")
_PARQUET: Final = (".parquet", ".pq")
_AT_ONCE: Final = 10_000


class UnreadableFile(Exception):
    """A file cannot be read as what its name says; the message says why."""


def open_list(path: Path, *, delimiter: str | None = None) -> ListRows:
    """Open a list by the ending of its name; raises `OSError` and `UnreadableFile`."""
    ending = path.suffix.casefold()
    if ending in _PARQUET:
        return ParquetList(path)
    if ending not in (*_TEXT, *_JSON_LINES):
        raise UnreadableFile(
            f"{path.name} does not tell by the end of its name how it is written. Let it end in "
            f"{', '.join((*_TEXT, *_JSON_LINES, *_PARQUET))}."
        )
    return TextList(lambda: path.open("rb"), is_json=ending in _JSON_LINES, delimiter=delimiter)


class ParquetList:
    """Implements `ListRows` for Parquet: the names of its columns are the header."""

    def __init__(self, path: Path) -> None:
        """Read its bytes once for the hash; its rows are read when they are asked for."""
        self._path = path
        with path.open("rb") as file:
            self.digest: Final = hashlib.file_digest(file, "sha256").hexdigest()
        self.size: Final = self._count()

    def _count(self) -> int:
        """Count the rows: that stands in the file, and is looked up."""
        with _opened(self._path) as connection:
            query = "SELECT count(*) FROM read_parquet(?)"
            ((count,),) = connection.execute(query, [str(self._path)]).fetchall()
        return int(count)

    def records(self) -> Iterator[Record]:
        """Read the rows, the first of which is 1; the header is in no row (0)."""
        with _opened(self._path) as connection:
            connection.execute("SET preserve_insertion_order = true")
            found = connection.execute("SELECT * FROM read_parquet(?)", [str(self._path)])
            yield 0, [str(column[0]) for column in found.description or ()]
            row = 0
            while rows := found.fetchmany(_AT_ONCE):
                for cells in rows:
                    row += 1
                    yield row, [_write(cell) for cell in cells]


@contextmanager
def _opened(path: Path) -> "Iterator[duckdb.DuckDBPyConnection]":
    # Imported here: only Parquet needs it, and it takes longer to load than all the rest.
    import duckdb  # noqa: PLC0415 - see above

    try:
        with duckdb.connect() as connection:
            yield connection
    except duckdb.Error as error:
        why = str(error).partition("\n")[0].rstrip(".")
        raise UnreadableFile(f"{path} is no Parquet that can be read: {why}.") from error


def _write(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    return str(cell).strip()
