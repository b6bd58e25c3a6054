"""Named parameters for PostgreSQL, and several queries in one statement."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from consentry.store.queries import read_queries

_IN_QUOTES: Final = re.compile(r'[\\"]')
_PARAMETER: Final = re.compile(r"(?<!:):([a-z_]+)")


class Statement(NamedTuple):
    """SQL as the driver takes it, and which values it wants in which order."""

    sql: str
    names: tuple[str, ...]

    def bind(self, values: Mapping[str, object]) -> list[object]:
        """Put named values into their order."""
        return [values[name] for name in self.names]


def number_parameters(sql: str) -> Statement:
    """Write `$1` for the first name, and the same number wherever the name comes again."""
    places: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${places.setdefault(found[1], len(places) + 1)}"

    numbered = _PARAMETER.sub(number, sql)
    return Statement(numbered, tuple(places))


def read_statements(file: str) -> dict[str, Statement]:
    """Read the named queries of a file, ready to be run."""
    return {name: number_parameters(sql) for name, sql in read_queries("postgres", file).items()}


_LOAD: Final = read_queries("postgres", "load")
_WRITE: Final = read_queries("postgres", "write")


@cache
def ask_together(names: tuple[str, ...]) -> Statement:
    """Put queries for one value each into one statement: a row with a column for each."""
    columns = ",\n".join(f"({_LOAD[name]}) AS {name}" for name in names)
    return number_parameters(f"SELECT {columns}")


@cache
def write_together(names: tuple[str, ...], *, is_counted: bool = True) -> Statement:
    """Put queries that write into one statement, in their order; it may count itself."""
    parts = ",\n".join(f"{name} AS ({_WRITE[name]})" for name in names)
    count = "nextval('changes_seq')" if is_counted else "0"
    return number_parameters(f"WITH {parts} SELECT {count}")


def clean(text: str) -> str:
    """Write a text as PostgreSQL can hold it in a column: it knows no NUL character."""
    return text.replace("\x00", "\ufffd") if "\x00" in text else text


def clean_all(texts: Sequence[str]) -> list[str]:
    """Write texts as PostgreSQL can hold them."""
    return [clean(text) for text in texts] if "\x00" in "".join(texts) else list(texts)


def write_array(texts: Sequence[str]) -> str:
    """Write texts without NUL as the literal of an array, for a parameter that is `::text::text[]`.

    A list of texts is taken apart by the driver, which asks of each whether it is a list itself:
    that takes four times as long as this.
    """
    if _IN_QUOTES.search("".join(texts)) is not None:
        texts = [_IN_QUOTES.sub(r"\\\g<0>", text) for text in texts]
    return '{"' + '","'.join(texts) + '"}' if texts else "{}"
