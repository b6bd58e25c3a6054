"""Rows as SQLite takes them: each is its value as JSON, the searched columns are taken from it."""

from typing import Final

from consentry.domain.alike import Alike
from consentry.domain.customers import Customer
from consentry.domain.drift import Drift
from consentry.domain.entries import Entry
from consentry.domain.messages import Job, Message
from consentry.domain.microseconds import to_microseconds
from consentry.domain.notices import Notice
from consentry.domain.review import ReviewCase
from consentry.ports import Expiry, IdempotencyRecord, Record
from consentry.store.changed import AlikeRows, Table
from consentry.store.derived import lane_of
from consentry.store.rows import encode, search_text
from consentry.store.sealing import seal
from consentry.store.sqlite.filling_in import (
    AlikeEntries,
    AlikeStandings,
    fill_entries,
    fill_standings,
)

SQLiteRow = bytes | AlikeEntries | AlikeStandings
"""A row as JSON; or all rows of what is alike: they are most of what is ever written."""


class JSONRows:
    """Implements `Encoder`: what a column cannot be taken from stands before the value."""

    def encode_entry(self, entry: Entry, recorded_at: int) -> bytes:
        """Write an entry behind its time."""
        return seal(encode((recorded_at, entry)))

    def encode_alike(self, alike: Alike, recorded_at: int) -> AlikeRows[SQLiteRow]:
        """Have entries that are alike filled in, and the standings behind them."""
        return AlikeRows([fill_entries(alike, recorded_at)], [fill_standings(alike)])

    def encode_message(self, message: Message) -> bytes:
        """Write a message."""
        return seal(encode(message))

    def encode_job(self, job: Job) -> bytes:
        """Write a job behind the time it is due."""
        return encode((to_microseconds(job.due_at), job))

    def encode_record(self, record: Record, table: Table) -> bytes:
        """Write a record; a customer behind what they are found by."""
        del table
        match record:
            case Customer():
                return self.encode_customer(record)
            case IdempotencyRecord():
                return encode((to_microseconds(record.created_at), record))
            case Expiry():
                return encode((to_microseconds(record.expires_at), record))
            case ReviewCase() | Drift():
                return seal(encode(record))
            case _:
                return encode(record)

    def encode_customer(self, customer: Customer) -> bytes:
        """Write a customer behind what they are found by."""
        return encode((search_text(customer), customer))

    def encode_notice(self, notice: Notice, due_at: int) -> bytes:
        """Write a notice behind when it is due, where it goes, and what it is about."""
        row = due_at, lane_of(notice), notice.recipient, notice.subject, notice
        return seal(encode(row))


JSON_ROWS: Final = JSONRows()
