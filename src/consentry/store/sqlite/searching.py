"""Customers by any part of what they can be found by: through an index of grams.

The newest customers may not be in the index yet; they are looked through one by one.
"""

from typing import Final

import apsw

from consentry.domain.customers import Customer
from consentry.ports import Page
from consentry.store import rows
from consentry.store.grams import ask_for
from consentry.store.queries import read_queries
from consentry.store.sqlite.answering import END, Binding, read_text

_SEARCH: Final = read_queries("sqlite", "search")
_READ_CUSTOMERS: Final = read_queries("sqlite", "read")["read_customers"]


def list_customers(connection: apsw.Connection, words: str, page: Page) -> list[Customer]:
    """List customers that have the folded words, newest first; no words are every customer."""
    before = END if page.before is None else _read_place(connection, page.before)
    bindings: dict[str, Binding] = {"before": before, "limit": page.limit}
    if not words:
        return rows.decode_customers(read_text(connection, _READ_CUSTOMERS, bindings))
    bindings |= _asked(connection, words)
    found = rows.decode_customers(read_text(connection, _SEARCH["search_unindexed"], bindings))
    if len(found) < page.limit:
        bindings["limit"] = page.limit - len(found)
        older = read_text(connection, _SEARCH["search_indexed"], bindings)
        found += rows.decode_customers(older)
    return found


def find_named(connection: apsw.Connection, words: str, limit: int) -> list[str]:
    """Name customers that have the folded words, up to a limit, in no order."""
    bindings = _asked(connection, words) | {"limit": limit}
    return rows.decode_ids(read_text(connection, _SEARCH["find_named"], bindings))


def _asked(connection: apsw.Connection, words: str) -> dict[str, Binding]:
    """Ask for words as the index was when this was asked, however far it gets meanwhile."""
    indexed = int(read_text(connection, _SEARCH["read_indexed"], {}))
    return {"indexed": indexed, "grams": ask_for(words), "words": words}


def _read_place(connection: apsw.Connection, customer_id: str) -> int:
    """Tell before which customer a page begins, also where its cursor was deleted."""
    return int(read_text(connection, _SEARCH["read_place"], {"before": customer_id}))
