"""The list of opted-out numbers on SQLite: a walk along the index of those that stand."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

import apsw

from consentry.domain.directory import conversation_program
from consentry.domain.standing import BlockState, Cause, Standing
from consentry.ports import OptOut, OptOutFilter, OptOutPage, Page
from consentry.store import rows
from consentry.store.answering import FIRST, Binding, answering
from consentry.store.queries import read_queries

_READ: Final = read_queries("sqlite", "console")

NUMBERS_LOOKED_AT_MAX: Final = 100_000
"""How many numbers one page compares with the digits that are searched for."""

STANDINGS_LOOKED_AT_MAX: Final = 2000
"""How many standings (or names) one page looks into: they lie all over the file."""

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
    begin = Place(until, FIRST) if page.before is None else read_cursor(page.before)
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
    for looked_at, place in enumerate(scan.places()):
        if len(items) == limit or looked_at == STANDINGS_LOOKED_AT_MAX:
            return OptOutPage(items, write_cursor(last))
        last = place
        found = _read(connection, place)
        if found is not None and _fits(found.standing, wanted):
            items.append(found)
    end = scan.end()
    return OptOutPage(items, None if end is None else write_cursor(end))


class _Scan:
    """One look along the index: which numbers have what is searched for, and where it ended."""

    def __init__(self, connection: apsw.Connection, wanted: OptOutFilter, begin: Place) -> None:
        self._connection = connection
        words = rows.fold_search(wanted.search or "")
        named = bool(words) and not rows.is_number(words)
        self._query = _READ["scan_opt_outs_of_named" if named else "scan_opt_outs"]
        since = wanted.since
        self._range: dict[str, Binding] = {
            "at": begin.at,
            "recipient": begin.recipient,
            "since": _BEGINNING_OF_TIME if since is None else rows.to_microseconds(since),
            "scan": STANDINGS_LOOKED_AT_MAX if named else NUMBERS_LOOKED_AT_MAX,
        }
        self._words = words

    def places(self) -> Iterator[Place]:
        """Give the numbers that fit, as they are wanted."""
        bindings = self._range | {"words": self._words}
        for at, recipient in self._connection.execute(self._query, bindings):
            yield Place(int(str(at)), str(recipient))

    def end(self) -> Place | None:
        """Tell where the look ended; None where there was no more to look at."""
        row = self._connection.execute(_READ["last_scanned_opt_out"], self._range).fetchone()
        return None if row is None else Place(int(str(row[0])), str(row[1]))


def _read(connection: apsw.Connection, place: Place) -> OptOut | None:
    row = connection.execute(_READ["read_opted_out"], (place.recipient,)).fetchone()
    if row is None:
        return None
    customer = None if row[1] is None else rows.decode_customer(str(row[1]))
    standing = rows.decode_standing(str(row[0]))
    return OptOut(place.recipient, rows.from_microseconds(place.at), standing, customer)


def _fits(standing: Standing, wanted: OptOutFilter) -> bool:
    """Tell whether one of the opt-outs that stand is of a wanted scope and cause."""
    if wanted.scopes is None and wanted.cause is None:
        return True
    return any(
        (wanted.scopes is None or scope in wanted.scopes)
        and (wanted.cause is None or cause is wanted.cause)
        for scope, cause in _opt_outs(standing)
    )


def _opt_outs(standing: Standing) -> Iterator[tuple[str, Cause | None]]:
    """List what stands, each with its scope and cause; a withdrawn conversation tells no cause."""
    for block in standing.blocks:
        if block.state is BlockState.BLOCKED:
            yield block.scope, block.cause
    for suppression in standing.suppressions:
        if suppression.active:
            yield suppression.scope, suppression.cause
    for consent in standing.consents:
        sender = consent.program.removeprefix(conversation_program(""))
        if consent.is_withdrawn and sender != consent.program:
            yield sender, None
