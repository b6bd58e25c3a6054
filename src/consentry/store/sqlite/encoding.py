"""Rows as SQLite takes them: each is its value as JSON, the searched columns are taken from it."""

from typing import Final

from consentry.domain.alike import Alike
from consentry.domain.customers import Customer
from consentry.domain.drift import Drift
from consentry.domain.entries import Entry
from consentry.domain.messages import Job, Message
from consentry.domain.notices import Notice
from consentry.domain.review import ReviewCase
from consentry.ports import Expiry, IdempotencyRecord, Record
from consentry.store.alike_rows import stand_alike
from consentry.store.changed import AlikeRows, Table
from consentry.store.derived import lane_of
from consentry.store.rows import encode, search_text, to_microseconds
from consentry.store.sealing import seal, seal_all


class JSONRows:
    """Implements `Encoder`: what a column cannot be taken from stands before the value."""

    def encode_entry(self, entry: Entry, recorded_at: int) -> bytes:
        """Write an entry behind its time."""
        return seal(encode((recorded_at, entry)))

    def encode_alike(self, alike: Alike, recorded_at: int) -> AlikeRows[bytes]:
        """Write entries that are alike behind their time, and the standings behind them."""
        written = alike.cut(encode((recorded_at, alike.exemplar))).fill_all(alike.words)
        stands = stand_alike(alike)
        marks = encode(stands.marks).decode()
        standings = {
            recipient: f"[{'null' if since is None else since},{marks},{value}]".encode()
            for recipient, since, value in stands.rows()
        }
        return AlikeRows(seal_all(written), standings)

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
                return encode((search_text(record), record))
            case IdempotencyRecord():
                return encode((to_microseconds(record.created_at), record))
            case Expiry():
                return encode((to_microseconds(record.expires_at), record))
            case ReviewCase() | Drift():
                return seal(encode(record))
            case _:
                return encode(record)

    def encode_notice(self, notice: Notice, due_at: int) -> bytes:
        """Write a notice behind when it is due, where it goes, and what it is about."""
        row = due_at, lane_of(notice), notice.recipient, notice.subject, notice
        return seal(encode(row))


JSON_ROWS: Final = JSONRows()
