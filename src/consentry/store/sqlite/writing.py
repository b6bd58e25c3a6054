"""Writes what a batch changed to SQLite: one statement, one step for each table."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Final, cast

import apsw

from consentry.domain.customers import Customer
from consentry.domain.microseconds import to_microseconds
from consentry.store.changed import REPEATS_AT_ONCE, Changed, Table
from consentry.store.derived import encode_tallies, row_of_standing
from consentry.store.queries import read_queries
from consentry.store.rows import encode, join_rows
from consentry.store.sqlite.encoding import SQLiteRow
from consentry.store.sqlite.erasing import destroy, zeroing
from consentry.store.sqlite.filling_in import (
    AlikeEntries,
    AlikeStandings,
    append_alike,
    write_alike_standings,
)
from consentry.store.sqlite.indexing import forget, index_changed, step_back

_WRITE: Final = read_queries("sqlite", "write")


def _run(connection: apsw.Connection, name: str, rows: str) -> None:
    connection.execute(_WRITE[name], {"rows": rows})


def write(connection: apsw.Connection, changed: Changed[SQLiteRow]) -> None:
    """Write all rows; the transaction is the caller's.

    An erasure deletes a profile and answers too, as ever; nothing of them is left in the file.
    """
    if changed.destroyed:
        with zeroing(connection):
            _write(connection, changed)
    else:
        _write(connection, changed)


def _write(connection: apsw.Connection, changed: Changed[SQLiteRow]) -> None:
    _delete(connection, changed)
    _write_rows(connection, changed)
    if changed.entries:
        _append(connection, changed)
        _run(connection, "count_entries", encode_tallies(changed.tallies))
    if changed.audited:
        _run(connection, "list_for_audit", encode(changed.audited).decode())
    # Before the others: where a later command was about one of them, theirs is another by now.
    for alike in cast("Iterable[AlikeStandings]", changed.alike_standings):
        write_alike_standings(connection, alike)
    if changed.standings:
        after = {number: row_of_standing(s) for number, s in changed.standings.items()}
        _run(connection, "write_standings", encode(after).decode())
    if changed.directory_changed:
        connection.execute(_WRITE["advance_directory_version"])


def _append(connection: apsw.Connection, changed: Changed[SQLiteRow]) -> None:
    """Append entries in order."""
    if not changed.has_alike:
        _run(connection, "append_entries", join_rows(_as_json(changed.entries)))
        return
    for is_alike, rows in groupby(changed.entries, lambda row: isinstance(row, AlikeEntries)):
        if not is_alike:
            _run(connection, "append_entries", join_rows(_as_json(rows)))
            continue
        for alike in cast("Iterable[AlikeEntries]", rows):
            append_alike(connection, alike)


def _as_json(rows: Iterable[SQLiteRow]) -> Iterable[bytes]:
    """Take rows for what all are but entries that are alike."""
    return cast("Iterable[bytes]", rows)


def _delete(connection: apsw.Connection, changed: Changed[SQLiteRow]) -> None:
    for destroyed in changed.destroyed:
        destroy(connection, destroyed)
    if changed.finished_jobs:
        _run(connection, "delete_jobs", encode(list(changed.finished_jobs)).decode())
    if changed.ended_processes:
        _run(connection, "end_processes", encode(list(changed.ended_processes)).decode())
    if changed.forgotten_answers:
        _run(connection, "forget_answers", encode(list(changed.forgotten_answers)).decode())
    if changed.told_notices:
        _run(connection, "end_notices", encode(list(changed.told_notices)).decode())
    if changed.forgotten_notices:
        _run(connection, "forget_notices", encode(list(changed.forgotten_notices)).decode())
    if changed.repeats_over is not None:
        over = {"now": to_microseconds(changed.repeats_over), "limit": REPEATS_AT_ONCE}
        connection.execute(_WRITE["forget_repeats"], over)
    if changed.deleted_customers:
        _delete_customers(connection, encode(list(changed.deleted_customers)).decode())


def _write_rows(connection: apsw.Connection, changed: Changed[SQLiteRow]) -> None:
    for table, rows in changed.rows.items():
        if not rows:
            continue
        document = join_rows(_as_json(rows.values()))
        if table is Table.CUSTOMERS:
            _write_customers(connection, document, changed.customers)
        else:
            _run(connection, f"write_{table}", document)


def _delete_customers(connection: apsw.Connection, gone: str) -> None:
    """Delete customers with what is found by them; ids as one JSON array."""
    _run(connection, "delete_phones", gone)
    forget(connection, gone)
    _run(connection, "delete_customers", gone)
    step_back(connection)


def _write_customers(
    connection: apsw.Connection, document: str, customers: Mapping[str, Customer]
) -> None:
    """Write customers with their numbers; only who was there before had any, and was indexed."""
    (newest,) = next(connection.execute(_WRITE["newest_customer"]))
    written = connection.execute(_WRITE["write_customers"], {"rows": document}).fetchall()
    before = [(place, known) for place, known in written if int(str(place)) <= int(str(newest))]
    if before:
        _run(connection, "delete_phones", encode([known for _, known in before]).decode())
        index_changed(connection, [place for place, _ in before])
    held = [
        (phone.normalized, customer.id)
        for customer in customers.values()
        if customer.merged_into is None
        for phone in customer.phones
    ]
    if held:
        _run(connection, "write_phones", encode(held).decode())
