"""The inbox on SQLite: a walk from the newest text back, so that texts need no bookkeeping.

A conversation stands where the person's newest text in it stands. Older texts of the same
conversation are passed over, so one look costs as many rows as it passes, up to a bound.
"""

import heapq
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import apsw

from consentry.ports import Conversation, InboxFilter, InboxPage, Page
from consentry.store import rows
from consentry.store.queries import read_queries
from consentry.store.sqlite.answering import END, answering

_READ: Final = read_queries("sqlite", "console")

ROWS_LOOKED_AT_MAX: Final = 2000
"""How far one page may look: a few milliseconds, whatever is in the database."""

_Row = tuple[int, str, str]
"""Where a text lies, its recipient and its sender."""


def read_inbox(connection: apsw.Connection, wanted: InboxFilter, page: Page) -> InboxPage:
    """List conversations, newest first; raises `StoreUnavailable`."""
    with answering():
        before = _begin(connection, page)
        if before is None:
            return InboxPage([])
        senders = _senders(connection) if wanted.senders is None else wanted.senders
        walk = _walk(connection, senders, before)
        return _gather(connection, walk, limit=page.limit, open_only=wanted.open_only)


def _begin(connection: apsw.Connection, page: Page) -> int | None:
    """Say before which row the page begins; None where its cursor is unknown."""
    if page.before is None:
        return END
    row = connection.execute(_READ["find_message"], (page.before,)).fetchone()
    return None if row is None else int(str(row[0]))


def _senders(connection: apsw.Connection) -> list[str]:
    return [str(sender) for (sender,) in connection.execute(_READ["list_senders"])]


def _walk(connection: apsw.Connection, senders: Iterable[str], before: int) -> Iterator[_Row]:
    """Walk through the texts of some senders, newest first; rows are read as they are wanted."""
    query = _READ["walk_inbound"]
    ranges = (
        connection.execute(query, {"sender": sender, "before": before})
        for sender in dict.fromkeys(senders)
    )
    return heapq.merge(*ranges, reverse=True)


def _gather(
    connection: apsw.Connection, walk: Iterator[_Row], *, limit: int, open_only: bool
) -> InboxPage:
    seen: set[tuple[str, str]] = set()
    items: list[Conversation] = []
    last = 0
    for seq, recipient, sender in islice(walk, ROWS_LOOKED_AT_MAX):
        if len(items) == limit:
            return InboxPage(items, items[-1].message.id)
        last = seq
        if (recipient, sender) in seen:
            continue
        seen.add((recipient, sender))
        found = _read_conversation(connection, seq, open_only=open_only)
        if found is not None:
            items.append(found)
    if next(walk, None) is None:
        return InboxPage(items)
    row = connection.execute(_READ["read_id_of_message"], (last,)).fetchone()
    return InboxPage(items, None if row is None else str(row[0]))


def _read_conversation(
    connection: apsw.Connection, seq: int, *, open_only: bool
) -> Conversation | None:
    """Read the conversation whose newest text this is; None where there is a newer one."""
    bindings = {"seq": seq, "open_only": open_only}
    row = connection.execute(_READ["read_conversation"], bindings).fetchone()
    return None if row is None else rows.decode_conversation(str(row[0]))
