"""Writes what a batch changed to SQLite: one statement, one step for each table."""

from typing import Final

import apsw

from consentry.store.changed import Changed, Table
from consentry.store.derived import encode_tallies, row_of_standing
from consentry.store.indexing import forget, index_changed, step_back
from consentry.store.queries import read_queries
from consentry.store.rows import encode, join_rows

_WRITE: Final = read_queries("sqlite", "write")


def _run(connection: apsw.Connection, name: str, rows: str) -> None:
    connection.execute(_WRITE[name], {"rows": rows})


def _write_profiles(connection: apsw.Connection, changed: Changed) -> None:
    """Delete profiles that are gone, and put the phones of the others in place."""
    if changed.deleted_customers:
        gone = encode(list(changed.deleted_customers)).decode()
        _run(connection, "delete_phones", gone)
        forget(connection, gone)
        _run(connection, "delete_customers", gone)
        step_back(connection)
    if changed.rows.get(Table.CUSTOMERS):
        ids = encode(list(changed.rows[Table.CUSTOMERS])).decode()
        _run(connection, "delete_phones", ids)
        _run(connection, "write_phones", join_rows(changed.rows[Table.CUSTOMERS].values()))


def _write_rows(connection: apsw.Connection, changed: Changed) -> None:
    """Write what is written whole, and let profiles be found by what is new in them."""
    for table, document in changed.documents():
        written = connection.execute(_WRITE[f"write_{table}"], {"rows": document})
        if table is Table.CUSTOMERS:
            index_changed(connection, [place for (place,) in written])


def write(connection: apsw.Connection, changed: Changed) -> None:
    """Write all rows; the transaction is the caller's."""
    if changed.finished_jobs:
        _run(connection, "delete_jobs", encode(list(changed.finished_jobs)).decode())
    _write_profiles(connection, changed)
    _write_rows(connection, changed)
    if changed.entries:
        _run(connection, "append_entries", join_rows(changed.entries))
        _run(connection, "count_entries", encode_tallies(changed.tallies))
    if changed.audited:
        _run(connection, "list_for_audit", encode(changed.audited).decode())
    if changed.standings:
        after = {number: row_of_standing(s) for number, s in changed.standings.items()}
        _run(connection, "write_standings", encode(after).decode())
    if changed.directory_changed:
        connection.execute(_WRITE["advance_directory_version"])
