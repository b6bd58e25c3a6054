"""What a batch will write: rows as its database takes them, of each key the last one."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from consentry.domain.agents import Agent
from consentry.domain.alike import Alike
from consentry.domain.calls_to_action import CallToAction
from consentry.domain.campaign_keywords import CampaignKeyword
from consentry.domain.customers import Customer
from consentry.domain.directory import Brand, Program, Sender
from consentry.domain.drift import Drift, Reconciliation
from consentry.domain.entries import NOBODY, ActorKind, Entry
from consentry.domain.imports import ImportPart, ImportRun
from consentry.domain.messages import Job, Message
from consentry.domain.microseconds import to_microseconds
from consentry.domain.notices import Notice, PostponedNotice
from consentry.domain.review import ReviewCase
from consentry.domain.standing import Standing
from consentry.domain.templates import Template
from consentry.domain.webhooks import Webhook, WebhookHealth, WebhookSecrets
from consentry.ports import (
    APIKey,
    CarrierAccount,
    Change,
    ConversationMark,
    Destroyed,
    Expiry,
    IdempotencyRecord,
    Receipt,
    Record,
    ServerProcess,
    Session,
    SignInLink,
)
from consentry.store.derived import AUDITED, DAY_MICROSECONDS, TallyKey, told_reason

REPEATS_AT_ONCE: Final = 500
"""So many erased texts are forgotten in one batch, so that nobody has to wait."""

Key = str | tuple[str, str]
AnyKey = TypeVar("AnyKey", str, tuple[str, str])
Row = TypeVar("Row")


class Table(StrEnum):
    """The tables whose rows are written whole, new or in the place of the one with that key.

    `POSTPONED` are notices again: only those that are still there; and `REPLAYED` are those of them
    that were given up.
    """

    MESSAGES = "messages"
    JOBS = "jobs"
    RECEIPTS = "receipts"
    IDEMPOTENCY = "idempotency"
    CUSTOMERS = "customers"
    BRANDS = "brands"
    SENDERS = "senders"
    PROGRAMS = "programs"
    CARRIERS = "carriers"
    API_KEYS = "api_keys"
    AGENTS = "agents"
    SESSIONS = "sessions"
    SIGN_IN_LINKS = "sign_in_links"
    MARKS = "marks"
    PROCESSES = "processes"
    DRIFTS = "drifts"
    RECONCILIATIONS = "reconciliations"
    CALLS_TO_ACTION = "calls_to_action"
    EXPIRIES = "expiries"
    TEMPLATES = "templates"
    KEYWORDS = "keywords"
    REVIEWS = "reviews"
    IMPORTS = "imports"
    IMPORT_PARTS = "import_parts"
    WEBHOOKS = "webhooks"
    WEBHOOK_SECRETS = "webhook_secrets"
    WEBHOOK_HEALTH = "webhook_health"
    NOTICES = "notices"
    POSTPONED = "postponed"
    REPLAYED = "replayed"

    __hash__ = str.__hash__
    """An enum's own is slow, and every row is put in its table by it."""


DIRECTORY_TABLES = frozenset(
    {
        Table.BRANDS,
        Table.SENDERS,
        Table.PROGRAMS,
        Table.CALLS_TO_ACTION,
        Table.KEYWORDS,
        Table.WEBHOOKS,
    }
)


_Plain = (
    Brand
    | Sender
    | Program
    | CarrierAccount
    | APIKey
    | Receipt
    | Agent
    | Session
    | SignInLink
    | ConversationMark
    | ServerProcess
    | Drift
    | Reconciliation
    | CallToAction
    | Template
    | ReviewCase
    | CampaignKeyword
    | ImportRun
    | ImportPart
    | Webhook
    | WebhookSecrets
    | WebhookHealth
)
"""Records whose row is the value alone."""

_TABLES: Final[dict[type[_Plain], Table]] = {
    Receipt: Table.RECEIPTS,
    Brand: Table.BRANDS,
    Sender: Table.SENDERS,
    Program: Table.PROGRAMS,
    CarrierAccount: Table.CARRIERS,
    APIKey: Table.API_KEYS,
    Agent: Table.AGENTS,
    Session: Table.SESSIONS,
    SignInLink: Table.SIGN_IN_LINKS,
    ConversationMark: Table.MARKS,
    ServerProcess: Table.PROCESSES,
    Drift: Table.DRIFTS,
    Reconciliation: Table.RECONCILIATIONS,
    CallToAction: Table.CALLS_TO_ACTION,
    Template: Table.TEMPLATES,
    CampaignKeyword: Table.KEYWORDS,
    ReviewCase: Table.REVIEWS,
    ImportRun: Table.IMPORTS,
    ImportPart: Table.IMPORT_PARTS,
    Webhook: Table.WEBHOOKS,
    WebhookSecrets: Table.WEBHOOK_SECRETS,
    WebhookHealth: Table.WEBHOOK_HEALTH,
}


class Encoder(Protocol[Row]):
    """Writes values as the rows that a database's set statements take.

    Raises where a value cannot be written (a lone surrogate in a text).
    """

    def encode_entry(self, entry: Entry, recorded_at: int) -> Row:
        """Write an entry, with its time in microseconds."""

    def encode_alike(self, alike: Alike, recorded_at: int) -> "AlikeRows[Row]":
        """Write entries that are one but for a few words, and the standings they lead to."""

    def encode_message(self, message: Message) -> Row:
        """Write a message."""

    def encode_job(self, job: Job) -> Row:
        """Write a job."""

    def encode_record(self, record: Record, table: Table) -> Row:
        """Write a record of that table."""

    def encode_notice(self, notice: Notice, due_at: int) -> Row:
        """Write a notice, with the time it is due in microseconds."""


class AlikeRows(NamedTuple, Generic[Row]):
    """Rows of entries, in order, and of the standings behind them."""

    entries: list[Row]
    standings: list[Row]


@dataclass(slots=True)
class EncodedChange(Generic[Row]):
    """One command's change as rows; made before anything is touched, so that it can fail.

    `standings` are those of strangers whose entries are alike, and `many` how many those are.
    """

    entries: list[Row]
    tallies: list[TallyKey]
    audited: list[str]
    rows: list[tuple[Table, Key, Row]]
    standings: list[Row] = field(default_factory=list)
    many: list[tuple[TallyKey, int]] = field(default_factory=list)

    def before(self, other: "EncodedChange[Row]") -> "EncodedChange[Row]":
        """Put what is alike before the rest of the same change."""
        entries = self.entries + other.entries
        return EncodedChange(
            entries, other.tallies, other.audited, other.rows, self.standings, self.many
        )


def encode_change(
    change: Change, encoder: Encoder[Row], derived: Sequence[Notice] = ()
) -> EncodedChange[Row]:
    """Encode a change and the notices made from it; raises where a value cannot be written."""
    encoded = _encode_rows(change, encoder, derived)
    return _encode_alike(change, encoder).before(encoded) if change.alike else encoded


def _encode_rows(
    change: Change, encoder: Encoder[Row], derived: Sequence[Notice]
) -> EncodedChange[Row]:
    """Encode all but what is alike."""
    entries: list[Row] = []
    tallies: list[TallyKey] = []
    audited: list[str] = []
    recorded_at, time = 0, None
    for entry in change.entries:
        if entry.recorded_at is not time:
            # All entries of one command have the time of its batch.
            time = entry.recorded_at
            recorded_at = to_microseconds(time)
        entries.append(encoder.encode_entry(entry, recorded_at))
        kind = entry.kind.value
        tallies.append(
            (recorded_at // DAY_MICROSECONDS, entry.sender or "", kind, told_reason(entry))
        )
        if kind in AUDITED and entry.actor.kind is not ActorKind.IMPORT:
            audited.append(entry.id)
    rows: list[tuple[Table, Key, Row]] = [
        (Table.MESSAGES, m.id, encoder.encode_message(m)) for m in change.messages
    ]
    rows += [(Table.JOBS, j.message, encoder.encode_job(j)) for j in change.jobs]
    for record in change.records:
        table, key = _place_of(record)
        rows.append((table, key, encoder.encode_record(record, table)))
    if derived or change.notices or change.postponed or change.replayed:
        rows += _encode_notices(change, encoder, derived)
    return EncodedChange(entries, tallies, audited, rows)


def _encode_alike(change: Change, encoder: Encoder[Row]) -> EncodedChange[Row]:
    """Encode what is alike in a change, and that alone."""
    encoded: EncodedChange[Row] = EncodedChange([], [], [], [])
    for alike in change.alike:
        exemplar = alike.exemplar
        recorded_at = to_microseconds(exemplar.recorded_at)
        written = encoder.encode_alike(alike, recorded_at)
        encoded.entries += written.entries
        encoded.standings += written.standings
        day, kind = recorded_at // DAY_MICROSECONDS, exemplar.kind.value
        tally = day, exemplar.sender or "", kind, told_reason(exemplar)
        encoded.many.append((tally, len(alike.words)))
    return encoded


def _encode_notices(
    change: Change, encoder: Encoder[Row], derived: Sequence[Notice]
) -> Iterator[tuple[Table, Key, Row]]:
    for notice in (*derived, *change.notices):
        made_at = to_microseconds(notice.made_at)
        yield Table.NOTICES, notice.id, encoder.encode_notice(notice, made_at)
    for postponed in change.postponed:
        row = encoder.encode_notice(postponed.notice, _due_at(postponed))
        yield Table.POSTPONED, postponed.notice.id, row
    for replayed in change.replayed:
        due_at = to_microseconds(replayed.replayed_at or replayed.made_at)
        yield Table.REPLAYED, replayed.id, encoder.encode_notice(replayed, due_at)


def _due_at(postponed: PostponedNotice) -> int:
    """Tell when it is due; one that was given up was due when it was made."""
    return to_microseconds(postponed.due_at or postponed.notice.made_at)


def _place_of(record: Record) -> tuple[Table, Key]:
    if isinstance(record, Customer):
        return Table.CUSTOMERS, record.id
    if isinstance(record, IdempotencyRecord):
        return Table.IDEMPOTENCY, (record.owner, record.key)
    if isinstance(record, Expiry):
        return Table.EXPIRIES, (record.recipient, record.program)
    return _TABLES[type(record)], _key_of(record)


def _key_of(record: _Plain) -> Key:
    match record:
        case Receipt():
            return record.recipient, record.id
        case ConversationMark():
            return record.recipient, record.sender
        case Sender():
            return record.number
        case CallToAction() | ImportPart():
            return _numbered(record)
        case APIKey():
            # Both rows go out, so that the statement can keep a revoked key revoked even where
            # its use is noted later in the same batch.
            return record.id, "in_use" if record.revoked_at is None else "revoked"
        case _:
            return record.id


def _numbered(record: CallToAction | ImportPart) -> Key:
    if isinstance(record, CallToAction):
        return record.id, str(record.version)
    return record.run, str(record.part)


def _touched(record: Record) -> tuple[str, ...]:
    """Name the recipients a record is about; what a program notes for itself is about none."""
    match record:
        case Customer():
            return tuple(phone.normalized for phone in record.phones) or (NOBODY,)
        case Receipt() | ConversationMark() | Drift() | Expiry() | ReviewCase():
            return (record.recipient,)
        case IdempotencyRecord() | ServerProcess() | ImportRun() | ImportPart() | WebhookHealth():
            return ()
        case _:
            return (NOBODY,)


def _list_strangers(alike: Iterable[Alike]) -> Iterator[str]:
    return (number for one in alike for number in one.recipients)


@dataclass(slots=True)
class Changed(Generic[Row]):
    """All that a batch changed so far, ready for the set statements.

    Deletions come before writings: what is deleted and written again is there in the end.

    No row is there yet under an id that was `drawn` in this batch. `known_standings` are those that
    were found: no other recipient of the batch has one yet. `alike_standings` are of strangers;
    who is among `standings` too stands as it is there.
    """

    drawn: AbstractSet[str] = frozenset()
    known_standings: AbstractSet[str] = frozenset()

    entries: list[Row] = field(default_factory=list)
    tallies: dict[TallyKey, int] = field(default_factory=dict)
    audited: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    rows: dict[Table, dict[Key, Row]] = field(default_factory=dict)
    standings: dict[str, Standing] = field(default_factory=dict)
    alike_standings: list[Row] = field(default_factory=list)
    finished_jobs: dict[str, None] = field(default_factory=dict)
    deleted_customers: dict[str, None] = field(default_factory=dict)
    ended_processes: dict[str, None] = field(default_factory=dict)
    forgotten_answers: dict[tuple[str, str], None] = field(default_factory=dict)
    told_notices: dict[str, None] = field(default_factory=dict)
    forgotten_notices: dict[str, None] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    destroyed: list[Destroyed] = field(default_factory=list)
    has_new_keys: bool = False
    has_alike: bool = False
    repeats_over: datetime | None = None

    def add(
        self, encoded: EncodedChange[Row], change: Change, erased_keys: tuple[str, ...] = ()
    ) -> None:
        """Add one command's change on top of those before it.

        `erased_keys` are those under which somebody is kept already.
        """
        self.entries += encoded.entries
        if change.alike:
            self.has_alike = True
            self.alike_standings += encoded.standings
            for tally, count in encoded.many:
                self.tallies[tally] = self.tallies.get(tally, 0) + count
        self.audited += encoded.audited
        self.changes.append(change)
        for tally in encoded.tallies:
            self.tallies[tally] = self.tallies.get(tally, 0) + 1
        for table, key, row in encoded.rows:
            self.rows.setdefault(table, {})[key] = row
        for record in change.records:
            if isinstance(record, Customer):
                self.customers[record.id] = record
        self._delete_of(change)
        for destroyed in change.destroyed:
            self.destroyed.append(destroyed)
            is_used = destroyed.kept is not None or destroyed.texts
            is_new = is_used and destroyed.hashes[0][0] not in erased_keys
            self.has_new_keys = self.has_new_keys or bool(is_new)

    def stand(self, standings: Mapping[str, Standing]) -> None:
        """Put the standings behind a command in the place of those before it."""
        self.standings.update(standings)

    def _delete_of(self, change: Change) -> None:
        for message in change.finished_jobs:
            self._delete(Table.JOBS, message, self.finished_jobs)
        for customer in change.deleted_customers:
            self._delete(Table.CUSTOMERS, customer, self.deleted_customers)
            self.customers.pop(customer, None)
        for process in change.ended_processes:
            self._delete(Table.PROCESSES, process, self.ended_processes)
        for pair in change.forgotten_answers:
            self._delete(Table.IDEMPOTENCY, pair, self.forgotten_answers)
        for notice in change.told:
            self._delete(Table.POSTPONED, notice, self.told_notices)
        if change.forgotten:
            self.forgotten_notices.update(dict.fromkeys(change.forgotten))
        self.repeats_over = change.repeats_over or self.repeats_over

    def _delete(self, table: Table, key: AnyKey, deleted: dict[AnyKey, None]) -> None:
        self.rows.get(table, {}).pop(key, None)
        deleted[key] = None

    def touched(self) -> frozenset[str]:
        """Name the recipients it is about; asked for only where somebody listens."""
        found: set[str] = set()
        for change in self.changes:
            found.update(entry.recipient for entry in change.entries)
            found.update(_list_strangers(change.alike))
            found.update(message.recipient for message in change.messages)
            for record in change.records:
                found.update(_touched(record))
            if change.deleted_customers:
                found.add(NOBODY)
            found.update(destroyed.recipient for destroyed in change.destroyed)
        return frozenset(found)

    @property
    def directory_changed(self) -> bool:
        """Tell whether something of the directory was written, a key of erased numbers too."""
        return self.has_new_keys or not DIRECTORY_TABLES.isdisjoint(self.rows)
