"""Fills the index of grams, in the writer's thread, when there is nothing else to write.

A new customer costs a commit twice as much when it is indexed at once, and a stranger's first
text, which may be a STOP, is such a commit.
"""

import logging
from collections.abc import Iterable, Sequence
from typing import Final

import apsw

from consentry.store import rows
from consentry.store.grams import write_grams
from consentry.store.queries import read_queries
from consentry.store.sqlite.connection import transaction

CUSTOMERS_AT_ONCE: Final = 200
"""Few enough that whoever writes meanwhile hardly waits."""

UNINDEXED_MAX: Final = 20_000
"""So many are looked through one by one in some milliseconds; more are not left waiting."""

_PAUSE_SECONDS: Final = 0.05
_RETRY_SECONDS: Final = 10.0
_CALLS_BETWEEN_LOOKS: Final = 16

_SEARCH: Final = read_queries("sqlite", "search")
_log = logging.getLogger(__name__)


class SearchIndexer:
    """Brings the index up to the newest customer, a little at a time."""

    def __init__(self, writing: apsw.Connection) -> None:
        """Write through the writer's connection; everything here runs in its thread."""
        self._writing = writing
        self._calls = 0

    def rest(self, *, idle: bool) -> float | None:
        """Index some customers if there is time, or too many wait; say when to be called again.

        None: there is nothing to do until the next commit.
        """
        self._calls += 1
        if not idle and self._calls % _CALLS_BETWEEN_LOOKS:
            return _PAUSE_SECONDS
        try:
            waiting = self._count_waiting()
            if waiting == 0:
                return None
            if idle or waiting > UNINDEXED_MAX:
                index_some(self._writing, CUSTOMERS_AT_ONCE)
                return 0.0 if idle else _PAUSE_SECONDS
        except apsw.Error:
            _log.warning("the search index could not be brought up to date", exc_info=True)
            return _RETRY_SECONDS
        return _PAUSE_SECONDS

    def _count_waiting(self) -> int:
        (count,) = next(self._writing.execute(_SEARCH["count_unindexed"]))
        return int(str(count))


def index_some(connection: apsw.Connection, count: int) -> int:
    """Index the next customers in a transaction of its own, and tell how many there were."""
    with transaction(connection):
        found = connection.execute(_SEARCH["next_unindexed"], (count,)).fetchall()
        if found:
            _write(connection, found)
            connection.execute(_SEARCH["advance_indexed"], (found[-1][0],))
    return len(found)


def index_changed(connection: apsw.Connection, places: Sequence[object]) -> None:
    """Index customers again that were changed; the transaction is the caller's.

    Those that are not indexed yet are left to their turn.
    """
    keys = {"keys": rows.encode(places).decode()}
    found = connection.execute(_SEARCH["find_indexed"], keys).fetchall()
    if found:
        _write(connection, found)


def _write(connection: apsw.Connection, customers: Iterable[Sequence[object]]) -> None:
    grams = [(seq, write_grams(str(search))) for seq, search in customers]
    connection.execute(_SEARCH["write_grams"], {"rows": rows.encode(grams).decode()})


def forget(connection: apsw.Connection, customer_ids: str) -> None:
    """Take customers out of the index before they are deleted; ids as one JSON array."""
    connection.execute(_SEARCH["delete_grams"], {"keys": customer_ids})


def step_back(connection: apsw.Connection) -> None:
    """After a deletion, have the next customer indexed who is given a number again."""
    connection.execute(_SEARCH["step_back"])
