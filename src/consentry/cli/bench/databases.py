"""The databases that the product is measured on: each is filled with people and counted in.

People are written by the database itself out of a few standings, each under an entry of their own:
so a million take seconds, and no two standings are the same.
"""

from pathlib import Path
from typing import Final, Protocol

import msgspec

from consentry.cli.bench.cluster import Postgres
from consentry.cli.bench.plan import StoreKind
from consentry.cli.bench.requests import AREAS, KNOWN_FIRST, PEOPLE_OF_AREA
from consentry.domain.entries import EntryKind
from consentry.domain.standing import Standing
from consentry.store.derived import row_of_standing
from consentry.store.rows import encode
from consentry.store.sqlite.connection import open_connection, transaction

_CHUNK_PEOPLE: Final = 1_000_000
_DIGITS: Final = 8
_FILL: Final = """
WITH RECURSIVE places (place) AS ({places}),
shapes (shape, opted_out_at, opt_out_marks, value, entry) AS (VALUES {shapes})
INSERT INTO standings ({columns}, opted_out_at, opt_out_marks, value)
SELECT
    {keys},
    opted_out_at,
    opt_out_marks,
    replace(
        value,
        entry,
        substr(entry, 1, length(entry) - {digits}) || substr(CAST({base} + place AS text), 2)
    )
FROM places JOIN shapes ON shape = place % {count}
"""
_RECIPIENT: Final = (
    "'+1' || CASE place / {size} {areas} END || CAST({first} + place % {size} AS text)"
)
_KEYS: Final = {
    StoreKind.SQLITE: ("number, recipient", f"CAST({_RECIPIENT} AS integer), {_RECIPIENT}"),
    StoreKind.POSTGRESQL: ("recipient", _RECIPIENT),
}
_PLACES: Final = {
    StoreKind.SQLITE: "SELECT {begin} UNION ALL SELECT place + 1 FROM places WHERE place < {last}",
    StoreKind.POSTGRESQL: "SELECT * FROM generate_series({begin}, {last})",
}


class Database(Protocol):
    """A database that a server is run on."""

    @property
    def store(self) -> StoreKind:
        """What kind it is."""

    @property
    def url(self) -> str:
        """What the setting `database` says."""

    @property
    def folder(self) -> Path:
        """Where the server runs."""

    @property
    def server_pid(self) -> int | None:
        """Which process serves it, None where it is a file."""

    def fill(self, shapes: tuple[Standing, ...], begin: int, end: int) -> None:
        """Give the people from one place to before another their standings, in turn."""

    def count_entries(self, kind: EntryKind) -> int:
        """Count what is durable in the ledger, past the server."""


class SQLiteDatabase(msgspec.Struct, frozen=True):
    """A file in a folder of its own."""

    folder: Path

    @property
    def store(self) -> StoreKind:
        """What kind it is."""
        return StoreKind.SQLITE

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / "consentry.db"

    @property
    def url(self) -> str:
        """What the setting `database` says."""
        return f"sqlite:///{self.path}"

    @property
    def server_pid(self) -> int | None:
        """Nobody serves it."""
        return None

    def fill(self, shapes: tuple[Standing, ...], begin: int, end: int) -> None:
        """Give the people from one place to before another their standings, in turn."""
        connection = open_connection(self.path)
        try:
            for first, last in _cut(begin, end):
                with transaction(connection):
                    connection.execute(_write_fill(self.store, shapes, first, last))
        finally:
            connection.close()

    def count_entries(self, kind: EntryKind) -> int:
        """Count what is durable in the ledger, past the server."""
        connection = open_connection(self.path)
        try:
            ((count,),) = connection.execute(_count(kind))
            return int(str(count))
        finally:
            connection.close()


class PostgresDatabase(msgspec.Struct, frozen=True):
    """A database of the server of this run."""

    server: Postgres
    name: str
    folder: Path

    @property
    def store(self) -> StoreKind:
        """What kind it is."""
        return StoreKind.POSTGRESQL

    @property
    def url(self) -> str:
        """What the setting `database` says."""
        return self.server.url(self.name)

    @property
    def server_pid(self) -> int | None:
        """Which process serves it."""
        return self.server.pid

    def fill(self, shapes: tuple[Standing, ...], begin: int, end: int) -> None:
        """Give the people from one place to before another their standings, in turn."""
        chunks = [_write_fill(self.store, shapes, *chunk) for chunk in _cut(begin, end)]
        self.server.execute(self.name, *chunks, "VACUUM (ANALYZE) standings")

    def count_entries(self, kind: EntryKind) -> int:
        """Count what is durable in the ledger, past the server."""
        return int(self.server.execute(self.name, _count(kind)))


def _cut(begin: int, end: int) -> list[tuple[int, int]]:
    """Cut places into pieces, each from its first to its last."""
    starts = range(begin, end, _CHUNK_PEOPLE)
    return [(start, min(start + _CHUNK_PEOPLE, end) - 1) for start in starts]


def _count(kind: EntryKind) -> str:
    return f"SELECT count(*) FROM entries WHERE kind = {_quote(kind)}"  # noqa: S608 - a name of ours


def _write_fill(store: StoreKind, shapes: tuple[Standing, ...], first: int, last: int) -> str:
    areas = " ".join(f"WHEN {place} THEN {_quote(area)}" for place, area in enumerate(AREAS))
    columns, keys = _KEYS[store]
    return _FILL.format(
        columns=columns,
        keys=keys.format(size=PEOPLE_OF_AREA, areas=areas, first=KNOWN_FIRST),
        places=_PLACES[store].format(begin=first, last=last),
        shapes=", ".join(_write_shape(place, shape) for place, shape in enumerate(shapes)),
        digits=_DIGITS,
        base=10**_DIGITS,
        count=len(shapes),
    )


def _write_shape(place: int, shape: Standing) -> str:
    opted_out_at, marks, _ = row_of_standing(shape)
    value = encode(shape).decode()
    entry = shape.consents[0].entry
    since = "CAST(NULL AS bigint)" if opted_out_at is None else str(opted_out_at)
    told = "CAST(NULL AS text)" if marks is None else _quote(marks)
    return f"({place}, {since}, {told}, {_quote(value)}, {_quote(entry)})"


def _quote(text: str) -> str:
    quoted = text.replace("'", "''")
    return f"'{quoted}'"
