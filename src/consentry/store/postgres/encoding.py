"""Rows as PostgreSQL takes them: the searched columns, and the value as JSON behind them."""

from collections.abc import Callable
from itertools import repeat
from typing import Any, Final, NamedTuple

from consentry.domain.alike import ID, RECIPIENT, Alike
from consentry.domain.calls_to_action import CallToAction
from consentry.domain.customers import Customer
from consentry.domain.directory import Sender
from consentry.domain.drift import Drift, Reconciliation
from consentry.domain.entries import Entry
from consentry.domain.imports import ImportPart, ImportRun
from consentry.domain.messages import Job, Message
from consentry.domain.microseconds import to_microseconds
from consentry.domain.notices import Notice
from consentry.domain.review import ReviewCase
from consentry.ports import (
    APIKey,
    ConversationMark,
    Expiry,
    IdempotencyRecord,
    Receipt,
    Record,
    Session,
)
from consentry.store.alike_rows import stand_alike
from consentry.store.changed import AlikeRows, Table
from consentry.store.derived import lane_of
from consentry.store.postgres.statements import clean
from consentry.store.rows import encode, search_text
from consentry.store.sealing import seal, seal_all

Row = tuple[object, ...]


def optional(text: str | None) -> str | None:
    """Write a text that may not be there as PostgreSQL can hold it."""
    return None if text is None else clean(text)


class ColumnRows:
    """Implements `Encoder`: one cell for each column of the table's query."""

    def encode_entry(self, entry: Entry, recorded_at: int) -> Row:
        """Write an entry."""
        return (
            clean(entry.recipient),
            entry.id,
            entry.kind,
            optional(entry.sender),
            recorded_at,
            seal(encode(entry)).decode(),
        )

    def encode_alike(self, alike: Alike, recorded_at: int) -> AlikeRows[Row]:
        """Write entries that are alike, and the standings behind them."""
        kind, sender = alike.exemplar.kind, optional(alike.exemplar.sender)
        written = seal_all(alike.cut_entry().fill_all(alike.words))
        entries: list[Row] = [
            (words[RECIPIENT], words[ID], kind, sender, recorded_at, value)
            for words, value in zip(alike.words, written, strict=True)
        ]
        stands = stand_alike(alike)
        marks = optional(stands.marks)
        times = repeat(None) if marks is None else alike.times
        values = stands.value.fill_all(alike.words)
        standings: list[Row] = [
            (words[RECIPIENT], since, marks, value)
            for words, since, value in zip(alike.words, times, values, strict=False)
        ]
        return AlikeRows(entries, standings)

    def encode_message(self, message: Message) -> Row:
        """Write a message."""
        return (
            clean(message.recipient),
            message.id,
            clean(message.sender),
            message.direction,
            message.status,
            message.carrier,
            optional(message.carrier_message_id),
            seal(encode(message)).decode(),
        )

    def encode_job(self, job: Job) -> Row:
        """Write a job."""
        return (
            clean(job.recipient),
            job.message,
            clean(job.sender),
            job.state,
            job.priority,
            to_microseconds(job.due_at),
            encode(job).decode(),
        )

    def encode_record(self, record: Record, table: Table) -> Row:
        """Write a record of that table."""
        written = encode(record)
        if isinstance(record, ReviewCase | Drift):
            written = seal(written)
        return (*_CELLS.get(table, _id)(record), written.decode())

    def encode_notice(self, notice: Notice, due_at: int) -> Row:
        """Write a notice."""
        return (
            clean(notice.recipient),
            notice.id,
            notice.subject,
            clean(lane_of(notice)),
            "waiting" if notice.given_up is None else "given_up",
            due_at,
            seal(encode(notice)).decode(),
        )


COLUMN_ROWS: Final = ColumnRows()


def _id(record: Any) -> Row:
    return (record.id,)


def _sender(sender: Sender) -> Row:
    return (sender.number,)


def _receipt(receipt: Receipt) -> Row:
    return (
        clean(receipt.recipient),
        receipt.id,
        receipt.carrier,
        clean(receipt.carrier_message_id),
        receipt.message,
    )


def _answer(record: IdempotencyRecord) -> Row:
    return clean(record.owner), clean(record.key), to_microseconds(record.created_at)


def _customer(customer: Customer) -> Row:
    return customer.id, customer.merged_into, clean(search_text(customer))


def _key(key: APIKey) -> Row:
    return key.id, key.revoked_at is not None


def _session(session: Session) -> Row:
    return session.id, session.agent


def _expiry(expiry: Expiry) -> Row:
    return clean(expiry.recipient), clean(expiry.program), to_microseconds(expiry.expires_at)


def _mark(mark: ConversationMark) -> Row:
    return clean(mark.recipient), clean(mark.sender)


def _drift(drift: Drift) -> Row:
    return (
        clean(drift.recipient),
        drift.id,
        clean(drift.sender),
        drift.carrier,
        drift.kind,
        drift.state,
        drift.report,
    )


def _review(case: ReviewCase) -> Row:
    return clean(case.recipient), case.id, clean(case.sender), case.state


def _import(run: ImportRun) -> Row:
    return run.id, run.key


def _import_part(part: ImportPart) -> Row:
    return part.run, part.block, part.part


def _reconciliation(report: Reconciliation) -> Row:
    return report.id, report.carrier


def _call(call: CallToAction) -> Row:
    return clean(call.id), call.version


_CELLS: Final[dict[Table, Callable[[Any], Row]]] = {
    Table.SENDERS: _sender,
    Table.RECEIPTS: _receipt,
    Table.IDEMPOTENCY: _answer,
    Table.CUSTOMERS: _customer,
    Table.API_KEYS: _key,
    Table.SESSIONS: _session,
    Table.EXPIRIES: _expiry,
    Table.MARKS: _mark,
    Table.DRIFTS: _drift,
    Table.RECONCILIATIONS: _reconciliation,
    Table.CALLS_TO_ACTION: _call,
    Table.REVIEWS: _review,
    Table.IMPORTS: _import,
    Table.IMPORT_PARTS: _import_part,
}


class Columns(NamedTuple):
    """The query that writes a table, and its parameters in the order of a row's cells."""

    query: str
    names: tuple[str, ...]


def _columns(query: str, singular: str, *names: str) -> Columns:
    return Columns(query, tuple(f"{singular}_{name}" for name in (*names, "values")))


_NOTICE_CELLS: Final = ("recipients", "ids", "messages", "hosts", "states", "times")

ENTRY_COLUMNS: Final = _columns(
    "append_entries", "entry", "recipients", "ids", "kinds", "senders", "times"
)

STANDING_COLUMNS: Final = _columns("write_standings", "standing", "recipients", "times", "marks")

COLUMNS: Final[dict[Table, Columns]] = {
    Table.MESSAGES: _columns(
        "write_messages",
        "message",
        "recipients",
        "ids",
        "senders",
        "directions",
        "statuses",
        "carriers",
        "carrier_ids",
    ),
    Table.JOBS: _columns(
        "write_jobs", "job", "recipients", "messages", "senders", "states", "priorities", "times"
    ),
    Table.RECEIPTS: _columns(
        "write_receipts", "receipt", "recipients", "ids", "carriers", "carrier_ids", "messages"
    ),
    Table.IDEMPOTENCY: _columns("write_idempotency", "answer", "owners", "keys", "times"),
    Table.CUSTOMERS: _columns("write_customers", "customer", "ids", "merged", "searches"),
    Table.API_KEYS: _columns("write_api_keys", "api_key", "ids", "revoked"),
    Table.SESSIONS: _columns("write_sessions", "session", "ids", "agents"),
    Table.EXPIRIES: _columns("write_expiries", "expiry", "recipients", "programs", "times"),
    Table.MARKS: _columns("write_marks", "mark", "recipients", "senders"),
    Table.DRIFTS: _columns(
        "write_drifts",
        "drift",
        "recipients",
        "ids",
        "senders",
        "carriers",
        "kinds",
        "states",
        "reports",
    ),
    Table.RECONCILIATIONS: _columns("write_reconciliations", "reconciliation", "ids", "carriers"),
    Table.CALLS_TO_ACTION: _columns("write_calls_to_action", "call", "ids", "versions"),
    Table.REVIEWS: _columns("write_reviews", "review", "recipients", "ids", "senders", "states"),
    Table.IMPORTS: _columns("write_imports", "import", "ids", "keys"),
    Table.IMPORT_PARTS: _columns("write_import_parts", "import_part", "runs", "blocks", "parts"),
    Table.BRANDS: _columns("write_brands", "brand", "ids"),
    Table.SENDERS: _columns("write_senders", "sender", "ids"),
    Table.PROGRAMS: _columns("write_programs", "program", "ids"),
    Table.CARRIERS: _columns("write_carriers", "carrier", "ids"),
    Table.TEMPLATES: _columns("write_templates", "template", "ids"),
    Table.KEYWORDS: _columns("write_keywords", "keyword", "ids"),
    Table.WEBHOOKS: _columns("write_webhooks", "webhook", "ids"),
    Table.WEBHOOK_SECRETS: _columns("write_webhook_secrets", "webhook_secret", "ids"),
    Table.WEBHOOK_HEALTH: _columns("write_webhook_health", "webhook_health", "ids"),
    Table.AGENTS: _columns("write_agents", "agent", "ids"),
    Table.PROCESSES: _columns("write_processes", "process", "ids"),
    Table.SIGN_IN_LINKS: _columns("write_sign_in_links", "sign_in_link", "ids"),
    Table.NOTICES: _columns("write_notices", "notice", *_NOTICE_CELLS),
    Table.POSTPONED: _columns("write_postponed", "postponed", *_NOTICE_CELLS),
    Table.REPLAYED: _columns("write_replayed", "replayed", *_NOTICE_CELLS),
}


def _add(columns: Columns) -> Columns:
    query = columns.query.replace("write_", "add_")
    return Columns(query, tuple(f"new_{name}" for name in columns.names))


NEW_STANDING_COLUMNS: Final = _add(STANDING_COLUMNS)

NEW_COLUMNS: Final[dict[Table, Columns]] = {
    table: _add(COLUMNS[table]) for table in (Table.MESSAGES, Table.JOBS, Table.CUSTOMERS)
}
"""The same for rows of which it is known that none has their key yet."""
