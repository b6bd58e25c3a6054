"""Lines of JSON as rows of a list: an object each, or a number alone."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from consentry.wire.delimited import CELL_CHARACTERS_MAX, Record

_DECODE: Final = msgspec.json.Decoder(dict[str, str | int | float | bool | None] | str).decode


def read_json_records(lines: Iterable[str], names: Sequence[str]) -> Iterator[Record]:
    """Read records from lines of JSON; the first names the cells, and is in no line (0).

    What an object says beyond these names is left out. A line that is no JSON is one cell.
    """
    yield 0, list(names)
    for place, line in enumerate(lines, start=1):
        if line.strip():
            yield place, [cell.strip()[:CELL_CHARACTERS_MAX] for cell in _read(line, names)]


def _read(line: str, names: Sequence[str]) -> list[str]:
    try:
        found = _DECODE(line)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return [line]
    if isinstance(found, str):
        return [found]
    return [_write(found.get(name)) for name in names]


def _write(value: str | float | None) -> str:
    return "" if value is None else str(value)
