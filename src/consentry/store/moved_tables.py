"""What is moved between databases: every table's rows in one form and one order on both sides.

Values are copied as they are, byte for byte. The columns beside them are the same in both kinds of
database, but for what `store/sqlite/moving.py` and `store/postgres/moving.py` say.
"""

from typing import Final, NamedTuple

Cell = str | int | bytes | None
Row = tuple[Cell, ...]
Key = tuple[str | int | None, ...]
"""What rows are in the order of: there are no bytes in it, so that it can be noted as JSON."""


class MovedTable(NamedTuple):
    """A table, its columns with the key first, and how many of them are the key."""

    name: str
    columns: tuple[str, ...]
    key_length: int = 1

    @property
    def key(self) -> tuple[str, ...]:
        """The columns whose order is the same on both sides."""
        return self.columns[: self.key_length]

    def key_of(self, row: Row) -> Key:
        """Take the key out of a row."""
        return tuple(cell for cell in row[: self.key_length] if not isinstance(cell, bytes))

    def write_select(self, source: str, parameters: tuple[str, ...]) -> str:
        """Write the query for all rows behind a key, in order; `source` is what stands for it."""
        key = ", ".join(self.key)
        behind = f"WHERE ({key}) > ({', '.join(parameters)})" if parameters else ""
        columns = ", ".join(self.columns)
        return f"SELECT {columns} FROM {source} AS t {behind} ORDER BY {key}"  # noqa: S608 - our own names


def _set_up(name: str, *more: str) -> MovedTable:
    """Name a table of what people set up; it is listed in the order of `seq`."""
    return MovedTable(name, ("seq", "id", *more, "value"))


ENTRIES: Final = MovedTable(
    "entries", ("seq", "recipient", "id", "kind", "sender", "recorded_at", "value")
)
STANDINGS: Final = MovedTable("standings", ("recipient", "opted_out_at", "opt_out_marks", "value"))
AUDITED: Final = MovedTable("audited", ("seq", "recipient", "kind", "agent"))
TALLIES: Final = MovedTable("tallies", ("day", "sender", "kind", "reason", "count"), 4)

SET_UP: Final = (
    *map(
        _set_up,
        (
            "brands",
            "senders",
            "programs",
            "carriers",
            "api_keys",
            "agents",
            "templates",
            "keywords",
            "webhooks",
            "webhook_secrets",
            "webhook_health",
        ),
    ),
    _set_up("sessions", "agent"),
    _set_up("sign_in_links"),
)

TABLES: Final = (
    *SET_UP,
    ENTRIES,
    AUDITED,
    TALLIES,
    STANDINGS,
    MovedTable(
        "messages",
        (
            "id",
            "recipient",
            "sender",
            "direction",
            "status",
            "carrier",
            "carrier_message_id",
            "value",
        ),
        2,
    ),
    MovedTable(
        "jobs", ("message", "recipient", "sender", "state", "priority", "due_at", "value"), 2
    ),
    MovedTable(
        "receipts", ("recipient", "id", "carrier", "carrier_message_id", "message", "value"), 2
    ),
    MovedTable("notices", ("id", "recipient", "message", "host", "state", "due_at", "value"), 2),
    MovedTable("expiries", ("recipient", "program", "expires_at", "value"), 2),
    MovedTable("marks", ("recipient", "sender", "value"), 2),
    MovedTable(
        "drifts", ("id", "recipient", "sender", "carrier", "kind", "state", "report", "value"), 2
    ),
    MovedTable("reviews", ("id", "recipient", "sender", "state", "value"), 2),
    MovedTable("imports", ("id", "key", "value")),
    MovedTable("import_parts", ("run", "block", "part", "value"), 3),
    MovedTable("reconciliations", ("id", "carrier", "value")),
    MovedTable("calls_to_action", ("id", "version", "value"), 2),
    MovedTable("customers", ("id", "merged_into", "search", "value")),
    MovedTable("phones", ("number", "customer"), 2),
    MovedTable("idempotency", ("owner", "key", "created_at", "value"), 2),
    MovedTable("log_leaves", ("number", "first_seq", "last_seq", "seqs", "salts")),
    MovedTable("log_tiles", ("level", "number", "hashes"), 2),
    MovedTable("log_checkpoints", ("size", "value")),
    MovedTable("log_keys", ("id", "value")),
    MovedTable("erased", ("key", "hash", "erased_at", "value"), 2),
    MovedTable("erasure_keys", ("id",)),
    MovedTable("erased_texts", ("key", "hash", "until"), 2),
)
"""Not moved: the index of grams, which the target builds, who serves a database now, and how far
the log is, which is found out by whoever integrates there first.
"""
