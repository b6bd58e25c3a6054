"""Writes what a batch changed to PostgreSQL: one statement, an array for each column."""

from collections.abc import Iterable
from typing import Final

from consentry.domain.customers import Customer
from consentry.domain.entries import ActorKind
from consentry.domain.microseconds import to_microseconds
from consentry.domain.standing import Standing
from consentry.store.changed import REPEATS_AT_ONCE, Changed, Key, Table
from consentry.store.derived import row_of_standing
from consentry.store.postgres.connection import Connection
from consentry.store.postgres.encoding import (
    COLUMNS,
    ENTRY_COLUMNS,
    NEW_COLUMNS,
    NEW_STANDING_COLUMNS,
    STANDING_COLUMNS,
    Columns,
    Row,
    optional,
)
from consentry.store.postgres.erasing import destroy
from consentry.store.postgres.statements import clean, read_statements, write_together
from consentry.store.rows import encode

_ADVANCE: Final = read_statements("write")["advance_directory_version"]

_NO_NEWS: Final = frozenset(
    {
        "write_processes",
        "end_processes",
        "forget_answers",
        "write_postponed",
        "write_replayed",
        "end_notices",
        "forget_notices",
        "forget_repeats",
        "write_webhook_health",
    }
)
_GONE_CUSTOMERS: Final = ("delete_customers", "delete_phones", "delete_grams", "delete_queued")
_NEW_PHONES: Final = Columns("add_phones", ("new_phone_numbers", "new_phone_customers"))
_BESIDE_CUSTOMERS: Final = ("queue_customers", "forget_grams", "let_go_of_phones", "write_phones")


class ChangedMeanwhile(Exception):
    """Somebody else changed the directory that this batch went by: it must be decided again."""


class _Writing:
    """Names the queries that write a batch, with the columns that they take."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self.values: dict[str, object] = {}

    def add(self, query: str, **columns: object) -> None:
        """Run a query with these columns."""
        self.queries.append(query)
        self.values.update(columns)

    def add_rows(self, columns: Columns, rows: Iterable[Row]) -> None:
        """Write rows, where there are any: cell by cell into columns."""
        cells = tuple(zip(*rows, strict=True))
        if cells:
            self.queries.append(columns.query)
            self.values.update(zip(columns.names, cells, strict=True))


async def write(connection: Connection, changed: Changed[Row], directory_version: int) -> bool:
    """Write all rows; the transaction is the caller's. Tell whether it counts as a change.

    Signs of life, old answers and what programs were told do not: nobody who listens to changes
    wants to hear of them.

    Raises `ChangedMeanwhile` where the directory is written, and is not of that version any more.
    """
    writing = _collect(changed)
    if not writing.queries:
        return False
    if changed.directory_changed:
        told = await connection.execute(_ADVANCE.sql, directory_version)
        if told != "UPDATE 1":
            raise ChangedMeanwhile
    for destroyed in changed.destroyed:
        await destroy(connection, destroyed)
    is_change = not _NO_NEWS.issuperset(writing.queries)
    statement = write_together(tuple(writing.queries), is_counted=is_change)
    await connection.fetchval(statement.sql, *statement.bind(writing.values))
    return is_change


def _collect(changed: Changed[Row]) -> _Writing:
    writing = _Writing()
    _delete(changed, writing)
    if changed.entries:
        _append(changed, writing)
    if changed.standings or changed.alike_standings:
        _write_standings(changed, writing)
    for table, rows in changed.rows.items():
        _write_rows(changed, table, rows, writing)
    if changed.customers:
        _write_phones(changed, writing)
    return writing


def _write_rows(
    changed: Changed[Row], table: Table, rows: dict[Key, Row], writing: _Writing
) -> None:
    """Add the rows whose id was drawn in this batch; others may be there already."""
    added = NEW_COLUMNS.get(table)
    if added is not None:
        writing.add_rows(added, [row for key, row in rows.items() if key in changed.drawn])
        rows = {key: row for key, row in rows.items() if key not in changed.drawn}
    writing.add_rows(COLUMNS[table], _unlike(table, rows.values()))


def _unlike(table: Table, rows: Iterable[Row]) -> Iterable[Row]:
    """Leave one row of each key; a revoked key stays revoked whoever notes its use."""
    if table is not Table.API_KEYS:
        return rows
    kept: dict[object, Row] = {}
    for row in rows:
        key, is_revoked = row[0], row[1]
        if is_revoked or key not in kept:
            kept[key] = row
    return [kept[key] for key in sorted(kept, key=str)]


def _delete(changed: Changed[Row], writing: _Writing) -> None:
    """Delete what is not written again."""
    jobs = changed.rows.get(Table.JOBS, {})
    finished = [job for job in changed.finished_jobs if job not in jobs]
    if finished:
        writing.add("delete_jobs", finished_jobs=finished)
    if changed.ended_processes:
        writing.add("end_processes", ended_processes=list(changed.ended_processes))
    answers = changed.rows.get(Table.IDEMPOTENCY, {})
    forgotten = [pair for pair in changed.forgotten_answers if pair not in answers]
    if forgotten:
        owners, keys = zip(*forgotten, strict=True)
        writing.add("forget_answers", forgotten_owners=owners, forgotten_keys=keys)
    _forget(changed, writing)
    gone = [c for c in changed.deleted_customers if c not in changed.customers]
    if gone:
        writing.queries += _GONE_CUSTOMERS
        writing.values["deleted_customers"] = gone


def _forget(changed: Changed[Row], writing: _Writing) -> None:
    """Delete what was told, and what nobody will ask for again."""
    if changed.told_notices:
        writing.add("end_notices", told_notices=list(changed.told_notices))
    if changed.forgotten_notices:
        writing.add("forget_notices", forgotten_notices=list(changed.forgotten_notices))
    if changed.repeats_over is not None:
        over = to_microseconds(changed.repeats_over)
        writing.add("forget_repeats", repeats_over=over, repeats_limit=REPEATS_AT_ONCE)


def _append(changed: Changed[Row], writing: _Writing) -> None:
    """Append entries, in order, with their tallies and what the audit lists of them."""
    writing.add_rows(ENTRY_COLUMNS, changed.entries)
    if changed.audited:
        _list_for_audit(changed, writing)
    # All connections count in one order, so that none waits for another that waits for it.
    tallies = sorted(changed.tallies.items())
    writing.add(
        "count_entries",
        tally_days=[day for (day, _, _, _), _ in tallies],
        tally_senders=[clean(sender) for (_, sender, _, _), _ in tallies],
        tally_kinds=[kind for (_, _, kind, _), _ in tallies],
        tally_reasons=[clean(reason) for (_, _, _, reason), _ in tallies],
        tally_counts=[count for _, count in tallies],
    )


def _list_for_audit(changed: Changed[Row], writing: _Writing) -> None:
    agents = {
        entry.id: entry.actor.id if entry.actor.kind is ActorKind.AGENT else None
        for change in changed.changes
        for entry in change.entries
    }
    writing.add(
        "list_for_audit",
        audited_ids=changed.audited,
        audited_agents=[optional(agents[entry_id]) for entry_id in changed.audited],
    )


def _write_standings(changed: Changed[Row], writing: _Writing) -> None:
    # Where a later command of the batch was about one of them, theirs is another by now.
    later = changed.standings
    new: list[Row] = [row for row in changed.alike_standings if row[0] not in later]
    known: list[Row] = []
    for asked, standing in changed.standings.items():
        recipient = clean(asked)
        rows = known if recipient in changed.known_standings else new
        rows.append(_stand(recipient, standing))
    writing.add_rows(NEW_STANDING_COLUMNS, new)
    writing.add_rows(STANDING_COLUMNS, known)


def _stand(recipient: str, standing: Standing) -> Row:
    opted_out_at, marks, _ = row_of_standing(standing)
    return recipient, opted_out_at, optional(marks), encode(standing).decode()


def _write_phones(changed: Changed[Row], writing: _Writing) -> None:
    """Write who holds which number now, and have what they are found by indexed."""
    new = [c for c in changed.customers.values() if c.id in changed.drawn]
    if new:
        held = _list_held(new)
        writing.queries.append("queue_added")
        writing.add_rows(_NEW_PHONES, held)
    known = [c for c in changed.customers.values() if c.id not in changed.drawn]
    if known:
        held = _list_held(known)
        writing.queries += _BESIDE_CUSTOMERS
        writing.values["phone_numbers"] = [number for number, _ in held]
        writing.values["phone_customers"] = [customer for _, customer in held]


def _list_held(customers: Iterable[Customer]) -> list[tuple[str, str]]:
    """List numbers, each with who holds it; a merged customer holds none."""
    held = dict.fromkeys(
        (clean(phone.normalized), customer.id)
        for customer in customers
        if customer.merged_into is None
        for phone in customer.phones
    )
    return list(held)
