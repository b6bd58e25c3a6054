"""The list of opted-out numbers on SQLite: a walk along the index of those that stand."""

from collections.abc import Iterator
from typing import Final

import apsw

from consentry.domain.microseconds import from_microseconds, to_microseconds
from consentry.ports import OptOut, OptOutFilter, OptOutPage, Page
from consentry.store import rows
from consentry.store.opt_out_list import (
    BEGINNING_OF_TIME,
    MARKS_LOOKED_AT_MAX,
    NAMED_MAX,
    NAMES_LOOKED_AT_MAX,
    NUMBERS_LOOKED_AT_MAX,
    Place,
    begin,
    list_marks,
    write_cursor,
)
from consentry.store.queries import read_queries
from consentry.store.sqlite.answering import Binding, answering
from consentry.store.sqlite.searching import find_named

_READ: Final = read_queries("sqlite", "console")


def read_opt_outs(connection: apsw.Connection, wanted: OptOutFilter, page: Page) -> OptOutPage:
    """List opted-out numbers, the newest opt-out first; raises `StoreUnavailable`."""
    start = begin(wanted, page)
    if start is None:
        return OptOutPage([])
    with answering():
        return _gather(connection, wanted, start, page.limit)


def _gather(
    connection: apsw.Connection, wanted: OptOutFilter, start: Place, limit: int
) -> OptOutPage:
    scan = _Scan(connection, wanted, start)
    items: list[OptOut] = []
    last = start
    for place in scan.places():
        if len(items) == limit:
            return OptOutPage(items, write_cursor(last))
        last = place
        found = _read(connection, place)
        if found is not None:
            items.append(found)
    end = scan.end()
    return OptOutPage(items, None if end is None else write_cursor(end))


class _Scan:
    """One look for numbers: along the index of opt-outs, or up from the customers of a name."""

    def __init__(self, connection: apsw.Connection, wanted: OptOutFilter, start: Place) -> None:
        self._connection = connection
        since, marks = wanted.since, list_marks(wanted)
        self._range: dict[str, Binding] = {
            "at": start.at,
            "recipient": start.recipient,
            "since": BEGINNING_OF_TIME if since is None else to_microseconds(since),
            "scan": NUMBERS_LOOKED_AT_MAX if marks is None else MARKS_LOOKED_AT_MAX,
            "marks": None if marks is None else _json(marks),
        }
        self._query, self._asked, self._is_whole = self._choose(wanted.search or "")

    def _choose(self, search: str) -> tuple[str, dict[str, Binding], bool]:
        """Choose how to look, and tell whether that finds all there is."""
        words = rows.fold_search(search)
        if not words or rows.is_number(words):
            return "scan_opt_outs", {"words": words}, False
        named = find_named(self._connection, words, NAMED_MAX + 1)
        if len(named) <= NAMED_MAX:
            return "list_opt_outs_of_customers", {"keys": _json(named)}, True
        self._range["scan"] = NAMES_LOOKED_AT_MAX
        return "scan_opt_outs_of_named", {"words": words}, False

    def places(self) -> Iterator[Place]:
        """Give the numbers that fit, as they are wanted."""
        found = self._connection.execute(_READ[self._query], self._range | self._asked)
        for at, recipient in found:
            yield Place(int(str(at)), str(recipient))

    def end(self) -> Place | None:
        """Tell where the look ended; None where there was no more to look at."""
        if self._is_whole:
            return None
        row = self._connection.execute(_READ["last_scanned_opt_out"], self._range).fetchone()
        return None if row is None else Place(int(str(row[0])), str(row[1]))


def _read(connection: apsw.Connection, place: Place) -> OptOut | None:
    row = connection.execute(_READ["read_opted_out"], (place.recipient,)).fetchone()
    if row is None:
        return None
    customer = None if row[1] is None else rows.decode_customer(str(row[1]))
    standing = rows.decode_standing(str(row[0]))
    return OptOut(place.recipient, from_microseconds(place.at), standing, customer)


def _json(values: list[str]) -> str:
    return rows.encode(values).decode()
