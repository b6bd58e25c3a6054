"""Writes what is told into the database: in the order of time, many rows at once.

Rows go through the store's own statements. Indexes that lie in the order of numbers are taken
down meanwhile and built at the end, as sorting is faster than putting each row in its place.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

import apsw

from consentry.cli.generate.people import Told
from consentry.cli.generate.stories import ENTRIES, STANDINGS
from consentry.store.derived import DAY_MICROSECONDS, TallyKey, encode_tallies
from consentry.store.queries import read_queries
from consentry.store.rows import encode

_WRITE: Final = read_queries("sqlite", "write")
_SCATTERED: Final = (
    "entries_of_recipient",
    "messages_of_recipient",
    "messages_received",
    "messages_sent",
)
_BUCKET_MICROSECONDS: Final = 3600 * 1_000_000
_CHUNK_ROWS: Final = 4000
_CACHE_KIBIBYTES: Final = 1024 * 1024


class Timeline:
    """Puts rows of many people into one order; what is early enough comes out."""

    def __init__(self) -> None:
        """Start empty."""
        self._hours: dict[int, list[Told]] = defaultdict(list)

    def add(self, told: Iterable[Told]) -> None:
        """Put rows in."""
        for one in told:
            self._hours[one.at // _BUCKET_MICROSECONDS].append(one)

    def take_before(self, time: int) -> Iterator[list[Told]]:
        """Take out, hour by hour, what came before the hour of a time."""
        limit = time // _BUCKET_MICROSECONDS
        for hour in sorted(hour for hour in self._hours if hour < limit):
            rows = self._hours.pop(hour)
            rows.sort(key=_when)
            yield rows


def _when(told: Told) -> int:
    return told.at


class Filler:
    """Writes chunks of rows in a thread of its own, while the next is being told."""

    def __init__(self, connection: apsw.Connection) -> None:
        """Write through this connection, which nobody else uses."""
        self._connection = connection
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None
        self._waiting: list[Told] = []

    def add(self, rows: list[Told]) -> None:
        """Write rows, when enough have gathered."""
        self._waiting += rows
        if len(self._waiting) >= _CHUNK_ROWS:
            self.flush()

    def flush(self) -> None:
        """Hand over what has gathered; waits for what was handed over before."""
        rows, self._waiting = self._waiting, []
        self.wait()
        self._writing = self._thread.submit(write_rows, self._connection, rows)

    def wait(self) -> None:
        """Wait for what was handed over; raises what went wrong."""
        if self._writing is not None:
            self._writing.result()

    def close(self) -> None:
        """Write the rest."""
        self.flush()
        self.wait()
        self._thread.shutdown()


def write_rows(connection: apsw.Connection, rows: list[Told]) -> None:
    """Write rows in one transaction, by the statements with which the store writes a batch."""
    tables: dict[str, list[bytes]] = defaultdict(list)
    tallies: dict[TallyKey, int] = defaultdict(int)
    audited: list[str] = []
    held = [(told.holds, told.held_by) for told in rows if told.holds]
    for told in rows:
        tables[told.table].append(told.row)
        if told.counted is not None:
            counted = told.counted
            key = (told.at // DAY_MICROSECONDS, counted.sender, counted.kind, counted.reason)
            tallies[key] += 1
        if told.audited is not None:
            audited.append(told.audited.decode())
    connection.execute("BEGIN")
    for table, encoded in tables.items():
        _write_table(connection, table, b",".join(encoded).decode())
    if held:
        _run(connection, "write_phones", encode(held).decode())
    if tallies:
        _run(connection, "count_entries", encode_tallies(tallies))
    if audited:
        _run(connection, "list_for_audit", encode(audited).decode())
    connection.execute("COMMIT")


def _write_table(connection: apsw.Connection, table: str, joined: str) -> None:
    if table == STANDINGS:
        _run(connection, "write_standings", f"{{{joined}}}")
    elif table == ENTRIES:
        _run(connection, "append_entries", f"[{joined}]")
    else:
        _run(connection, f"write_{table}", f"[{joined}]")


def _run(connection: apsw.Connection, name: str, rows: str) -> None:
    connection.execute(_WRITE[name], {"rows": rows}).fetchall()


@contextmanager
def without_scattered_indexes(connection: apsw.Connection) -> Iterator[list[str]]:
    """Take down what slows a large filling; gives the statements that build it up again.

    Nothing is safe from a crash meanwhile: a filling that was broken off is thrown away.
    """
    names = encode(list(_SCATTERED)).decode()
    found = connection.execute(
        "SELECT name, sql FROM sqlite_schema "
        "WHERE type = 'trigger' OR name IN (SELECT value FROM json_each(?)) ORDER BY type, name",
        (names,),
    ).fetchall()
    connection.pragma("journal_mode", "off")
    connection.pragma("synchronous", "off")
    connection.pragma("cache_size", -_CACHE_KIBIBYTES)
    for name, sql in found:
        kind = str(sql).split()[1]
        connection.execute(f"DROP {'TRIGGER' if kind == 'TRIGGER' else 'INDEX'} {name}")
    yield [str(sql) for _, sql in found]
    connection.pragma("journal_mode", "wal")
