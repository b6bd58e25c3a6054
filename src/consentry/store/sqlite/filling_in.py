"""Rows that are one but for a few words, put together by the database: only the words go there.

SQLite fills in what Python would otherwise write out for each row, and does so while other threads
have the interpreter.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Final, NamedTuple

import apsw

from consentry.domain.alike import ID, RECIPIENT, Alike
from consentry.store.alike_rows import stand_alike
from consentry.store.queries import read_queries
from consentry.store.sealing import seal_all, seals_none

_WRITE: Final = read_queries("sqlite", "write")

_ROWS_AT_ONCE: Final = 100
_PLACE: Final = re.compile(r"column[34]|\(\?[?, ]*\)")

Cell = str | int | None
Words = tuple[Cell, ...]


class Filling(NamedTuple):
    """A form with holes, which word of a row goes into each, and the rows, all of one width.

    Of each row the first word is an id, and the second a recipient.
    """

    form: str
    places: tuple[int, ...]
    rows: Sequence[Words]


class AlikeEntries(NamedTuple):
    """Entries that share kind, sender and time."""

    kind: str
    sender: str | None
    recorded_at: int
    values: Filling


class AlikeStandings(NamedTuple):
    """Standings that share the marks of an opt-out, or have none.

    Where they do, the last word of each row tells since when, in microseconds.
    """

    marks: str | None
    values: Filling


def fill_entries(alike: Alike, recorded_at: int) -> AlikeEntries:
    """Have entries filled in; where texts are sealed that is done for each by itself."""
    exemplar = alike.exemplar
    cut = alike.cut_entry()
    filling = Filling(cut.form, cut.places, alike.words)
    if not seals_none(cut.form, alike.words):
        written = zip(alike.words, seal_all(cut.fill_all(alike.words)), strict=True)
        filling = Filling("%s", (2,), [(w[ID], w[RECIPIENT], value) for w, value in written])
    return AlikeEntries(exemplar.kind.value, exemplar.sender, recorded_at, filling)


def fill_standings(alike: Alike) -> AlikeStandings:
    """Have the standings behind entries filled in; raises `ValueError` as `stand_alike` does."""
    marks, cut = stand_alike(alike)
    rows: Sequence[Words] = alike.words
    if marks is not None:
        rows = [(*words, at) for words, at in zip(alike.words, alike.times, strict=True)]
    return AlikeStandings(marks, Filling(cut.form, cut.places, rows))


def append_alike(connection: apsw.Connection, entries: AlikeEntries) -> None:
    """Append entries in their order."""
    shared = entries.kind, entries.sender, entries.recorded_at
    _write(connection, "append_alike", shared, entries.values)


def write_alike_standings(connection: apsw.Connection, standings: AlikeStandings) -> None:
    """Write standings of people who have none; raises `apsw.ConstraintError` where one has."""
    if standings.marks is None:
        _write(connection, "stand_alike", (), standings.values)
    else:
        _write(connection, "opt_out_alike", (standings.marks,), standings.values)


def _write(
    connection: apsw.Connection, name: str, shared: Sequence[Cell], filling: Filling
) -> None:
    """Write rows, many in one step; `shared` are cells that all have, and come first."""
    rows = filling.rows
    if not rows:
        return
    width, before = len(rows[0]), (*shared, filling.form)
    whole = len(rows) - len(rows) % _ROWS_AT_ONCE
    for start in range(0, whole, _ROWS_AT_ONCE):
        words = chain.from_iterable(rows[start : start + _ROWS_AT_ONCE])
        many = _spread(name, width, filling.places, _ROWS_AT_ONCE)
        connection.execute(many, (*before, *words))
    if whole < len(rows):
        rest = ((*before, *words) for words in rows[whole:])
        connection.executemany(_spread(name, width, filling.places, 1), rest)


@lru_cache(maxsize=256)
def _spread(name: str, width: int, places: tuple[int, ...], rows: int) -> str:
    """Write a statement out for so many rows of so many words."""
    words = {
        "column3": ", ".join(f"column{place + 1}" for place in places) or "''",
        "column4": f"column{width}",
    }
    spread = ", ".join([f"({', '.join('?' * width)})"] * rows)
    return _PLACE.sub(lambda found: words.get(found[0], spread), _WRITE[name])
