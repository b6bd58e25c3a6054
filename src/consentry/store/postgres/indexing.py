"""Brings the index of grams up to date, in the writer's thread, when there is time."""

from typing import Final

from consentry.store.grams import write_grams
from consentry.store.postgres.connection import Connection
from consentry.store.postgres.statements import read_statements

CUSTOMERS_AT_ONCE: Final = 200
"""Few enough that whoever writes meanwhile hardly waits."""

_READ: Final = read_statements("read")


async def index_some(connection: Connection) -> int:
    """Index the next customers of the queue, and tell how many there were.

    Several processes may do so: each takes those that no other has in hand.
    """
    async with connection.transaction():
        query = _READ["next_in_queue"]
        found = await connection.fetch(query.sql, CUSTOMERS_AT_ONCE)
        if not found:
            return 0
        known = [(row["customer"], row["search"]) for row in found if row["search"] is not None]
        values: dict[str, object] = {
            "customers": [customer for customer, _ in known],
            "grams": [write_grams(search) for _, search in known],
        }
        query = _READ["write_grams"]
        await connection.execute(query.sql, *query.bind(values))
        query = _READ["take_from_queue"]
        await connection.execute(query.sql, [row["customer"] for row in found])
    return len(found)
