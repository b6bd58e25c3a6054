"""The list of opted-out numbers on SQLite: a walk along the index of those that stand."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

import apsw

from consentry.ports import OptOut, OptOutFilter, OptOutPage, Page
from consentry.store import rows
from consentry.store.answering import Binding, answering
from consentry.store.derived import mark_of
from consentry.store.queries import read_queries
from consentry.store.searching import find_named

_READ: Final = read_queries("sqlite", "console")

NUMBERS_LOOKED_AT_MAX: Final = 100_000
"""How many numbers one page compares with the digits that are searched for."""

MARKS_LOOKED_AT_MAX: Final = 20_000
"""How many numbers one page looks at for the scope and cause of their opt-outs."""

NAMES_LOOKED_AT_MAX: Final = 2000
"""How many numbers one page looks up the customers of: they lie all over the file."""

NAMED_MAX: Final = 1000
"""How many customers of a name are looked up one by one; more common words are met on a walk."""

_AFTER_EVERY_NUMBER: Final = "\U0010ffff"
_BEGINNING_OF_TIME: Final = -(2**62)
_END_OF_TIME: Final = datetime(9999, 12, 31, tzinfo=UTC)


class Place(NamedTuple):
    """Where an opted-out number stands in the list."""

    at: int
    recipient: str


def write_cursor(place: Place) -> str:
    """Write a place as a cursor."""
    return f"{place.at}:{place.recipient}"


def read_cursor(cursor: str) -> Place | None:
    """Read a cursor; None where it is none of ours."""
    at, colon, recipient = cursor.partition(":")
    if not colon or not at.removeprefix("-").isascii() or not at.removeprefix("-").isdigit():
        return None
    return Place(int(at), recipient) if abs(int(at)) < 2**63 else None


def read_opt_outs(connection: apsw.Connection, wanted: OptOutFilter, page: Page) -> OptOutPage:
    """List opted-out numbers, the newest opt-out first; raises `StoreUnavailable`."""
    until = rows.to_microseconds(wanted.until or _END_OF_TIME)
    begin = Place(until, _AFTER_EVERY_NUMBER) if page.before is None else read_cursor(page.before)
    if begin is None:
        return OptOutPage([])
    with answering():
        return _gather(connection, wanted, begin, page.limit)


def _gather(
    connection: apsw.Connection, wanted: OptOutFilter, begin: Place, limit: int
) -> OptOutPage:
    scan = _Scan(connection, wanted, begin)
    items: list[OptOut] = []
    last = begin
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

    def __init__(self, connection: apsw.Connection, wanted: OptOutFilter, begin: Place) -> None:
        self._connection = connection
        since, marks = wanted.since, _marks(wanted)
        self._range: dict[str, Binding] = {
            "at": begin.at,
            "recipient": begin.recipient,
            "since": _BEGINNING_OF_TIME if since is None else rows.to_microseconds(since),
            "scan": NUMBERS_LOOKED_AT_MAX if marks is None else MARKS_LOOKED_AT_MAX,
            "marks": marks,
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
    return OptOut(place.recipient, rows.from_microseconds(place.at), standing, customer)


def _marks(wanted: OptOutFilter) -> str | None:
    """Write what the marks of a wanted number have, one of these; None where any will do."""
    if wanted.scopes is None:
        return None if wanted.cause is None else _json([mark_of(None, wanted.cause)])
    return _json([mark_of(scope, wanted.cause) for scope in wanted.scopes])


def _json(values: list[str]) -> str:
    return rows.encode(values).decode()
