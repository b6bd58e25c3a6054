"""Reads from SQLite: each is one query and one decode, a few microseconds on the event loop."""

from datetime import date, datetime
from typing import Final, NamedTuple

import apsw

from consentry.domain.agents import Agent
from consentry.domain.calls_to_action import CallToAction
from consentry.domain.customers import Customer
from consentry.domain.directory import Directory
from consentry.domain.drift import Drift, DriftKind, Reconciliation
from consentry.domain.entries import AUDIT_KINDS, Entry, EntryKind
from consentry.domain.imports import ImportPart, ImportRun
from consentry.domain.messages import Job, Message
from consentry.domain.microseconds import from_microseconds, to_microseconds
from consentry.domain.notices import Notice
from consentry.domain.review import ReviewCase
from consentry.domain.standing import Standing
from consentry.domain.templates import Template
from consentry.domain.webhooks import WebhookHealth, WebhookSecrets
from consentry.ports import (
    AnsweredKey,
    APIKey,
    CarrierAccount,
    ConversationMark,
    DriftFilter,
    EntryFilter,
    ExpiringFilter,
    ExpiringPage,
    InboxFilter,
    InboxPage,
    MessageFilter,
    NoticeFilter,
    NoticePage,
    OptOutFilter,
    OptOutPage,
    OptOutStory,
    Page,
    Receipt,
    ReviewFilter,
    Session,
    Tally,
    Work,
)
from consentry.store import notice_list, rows
from consentry.store.drift_list import list_drifts_by
from consentry.store.erased import NO_KEYS, check_keys
from consentry.store.expiry_list import begin, build_page
from consentry.store.queries import read_queries
from consentry.store.review_list import list_reviews_by
from consentry.store.sqlite.answering import END, Binding, read_text, read_value, unavailable
from consentry.store.sqlite.facts import FactsReader
from consentry.store.sqlite.inbox import read_inbox
from consentry.store.sqlite.loading import DirectoryReader
from consentry.store.sqlite.opt_outs import read_opt_outs
from consentry.store.sqlite.searching import list_customers
from consentry.wire.keyed_hash import HashKeys

_READ: Final = read_queries("sqlite", "read")
_STANDING: Final = _READ["read_standing"]
_LOAD: Final = read_queries("sqlite", "load")
_FACTS: Final = _READ["read_facts"]
_CONSOLE: Final = read_queries("sqlite", "console")

_EVERY_KIND: Final = tuple(EntryKind)


class LookedUp(NamedTuple):
    """The version of the directory and standings as JSON, from one snapshot, of these numbers."""

    version: int
    standings: str
    recipients: list[str]


class Reader:
    """Reads through a connection of its own. Every method raises `StoreUnavailable`."""

    def __init__(self, connection: apsw.Connection, keys: HashKeys = NO_KEYS) -> None:
        """Read through this connection; `keys` find who was erased."""
        self._connection = connection
        self._directory = DirectoryReader(connection, keys)
        self.facts = FactsReader(connection, self._directory)

    @property
    def connection(self) -> apsw.Connection:
        """What it reads through."""
        return self._connection

    def read_directory(self) -> Directory:
        """Return the directory as it is now."""
        try:
            return self._directory.read()
        except apsw.Error as error:
            raise unavailable(error) from error

    def read_standing(self, recipient: str) -> Standing:
        """Return one standing; this is on the path of every gate, so it takes no detour."""
        try:
            row = self._connection.execute(_STANDING, (recipient,)).fetchone()
        except apsw.Error as error:
            raise unavailable(error) from error
        if row is None:
            _, (standing,) = self.read_facts_of([recipient])
            return standing
        return rows.decode_standing(row[0])

    def check_keys(self) -> None:
        """Raise `StoreUnavailable` where a key of erased numbers is not at hand."""
        self.read_directory()
        check_keys(self._directory.asked)

    def read_facts_of(self, recipients: list[str]) -> tuple[Directory, list[Standing]]:
        """Return the directory and standings in the order asked, all from one snapshot."""
        return self.decode_facts(self.look_up(recipients))

    def look_up(self, recipients: list[str]) -> LookedUp:
        """Look up what the gate asks about these, to be read by `decode_facts`."""
        keys = {"keys": rows.encode(recipients).decode()}
        try:
            version, standings = next(self._connection.execute(_FACTS, keys))
        except apsw.Error as error:
            raise unavailable(error) from error
        return LookedUp(int(str(version)), str(standings), recipients)

    def decode_facts(self, found: LookedUp) -> tuple[Directory, list[Standing]]:
        """Read what was looked up, through this connection or another."""
        standings = rows.decode_standing_list(found.standings)
        try:
            directory = self._directory.at(found.version)
            if directory.erased_keys:
                self._directory.recall(found.recipients, standings)
        except apsw.Error as error:
            raise unavailable(error) from error
        return directory, standings

    def read_entries(
        self, recipient: str, page: Page, until: datetime | None, wanted: EntryFilter
    ) -> list[Entry]:
        """List entries of a recipient, newest first, recorded no later than `until`."""
        return rows.decode_entries(self._entries(recipient, page, until, wanted))

    def read_entry_values(self, recipient: str, page: Page, until: datetime | None) -> list[bytes]:
        """List entries of a recipient as they were written, newest first."""
        found = rows.decode_raw(self._entries(recipient, page, until, EntryFilter()))
        return [bytes(value) for value in found]

    def _entries(
        self, recipient: str, page: Page, until: datetime | None, wanted: EntryFilter
    ) -> str:
        bindings: dict[str, Binding] = {
            "recipient": recipient,
            "before": page.before,
            "until": None if until is None else to_microseconds(until),
            "kinds": _any_of(_EVERY_KIND if wanted.kinds is None else wanted.kinds),
            "senders": _any_of(wanted.senders),
            "limit": page.limit,
        }
        return self._text(_READ["read_entries"], bindings)

    def read_receipts(self, recipient: str, limit: int, after: str | None) -> list[Receipt]:
        """List what carriers reported of a recipient's texts."""
        bindings: dict[str, Binding] = {
            "recipient": recipient,
            "after": after or "",
            "limit": limit,
        }
        return rows.decode_receipts(self._text(_READ["read_receipts"], bindings))

    def read_audit(
        self, page: Page, agent: str | None, kinds: tuple[EntryKind, ...] | None
    ) -> list[Entry]:
        """List the entries of the audit, newest first."""
        name = "read_audit" if agent is None else "read_audit_of_agent"
        bindings: dict[str, Binding] = {
            "agent": agent,
            "kinds": _any_of(AUDIT_KINDS if kinds is None else kinds),
            "before": page.before,
            "limit": page.limit,
        }
        return rows.decode_entries(self._text(_CONSOLE[name], bindings))

    def read_messages(self, wanted: MessageFilter, page: Page) -> list[Message]:
        """List messages, newest first, by the index that fits the filter best."""
        if wanted.recipient is not None:
            name = "read_messages_of_recipient"
        elif wanted.sender is not None:
            name = "read_messages_of_sender"
        elif wanted.status is not None:
            name = "read_messages_in_status"
        else:
            name = "read_messages"
        bindings: dict[str, Binding] = {
            "recipient": wanted.recipient,
            "sender": wanted.sender,
            "status": wanted.status,
            "before": page.before,
            "limit": page.limit,
        }
        return rows.decode_messages(self._text(_READ[name], bindings))

    def read_indeterminate(self, limit: int, after: str | None) -> list[Work]:
        """List indeterminate work in the order of message ids, from behind the id `after`."""
        bindings: dict[str, Binding] = {"after": after or "", "limit": limit}
        return rows.decode_works(self._text(_READ["read_indeterminate"], bindings))

    def read_message(self, message_id: str) -> Message | None:
        """Find a message."""
        found = self._value("read_message", message_id)
        return None if found is None else rows.decode_message(found)

    def read_first_message_after(self, message_id: str) -> str | None:
        """Name the first message behind an id."""
        return self._value("read_first_message_after", message_id)

    def read_messages_by_id(self, message_ids: list[str]) -> dict[str, Message]:
        """Find messages by their ids."""
        keys: dict[str, Binding] = {"keys": rows.encode(message_ids).decode()}
        found = rows.decode_messages(self._text(_LOAD["load_messages"], keys))
        return {message.id: message for message in found}

    def read_inbox(self, wanted: InboxFilter, page: Page) -> InboxPage:
        """List conversations by the person's newest text, newest first."""
        return read_inbox(self._connection, wanted, page)

    def read_mark(self, recipient: str, sender: str) -> ConversationMark | None:
        """Return how far a conversation was read."""
        found = read_value(self._connection, _CONSOLE["read_mark"], recipient, sender)
        return None if found is None else rows.decode_mark(found)

    def read_opt_outs(self, wanted: OptOutFilter, page: Page) -> OptOutPage:
        """List the numbers that have an opt-out standing, the newest first."""
        return read_opt_outs(self._connection, wanted, page)

    def read_tallies(self, first: date, last: date, senders: tuple[str, ...] | None) -> list[Tally]:
        """Count entries by day, kind and reason, of these senders."""
        bindings: dict[str, Binding] = {
            "first": first.isoformat(),
            "last": last.isoformat(),
            "senders": _any_of(senders),
        }
        return rows.decode_tallies(self._text(_CONSOLE["read_tallies"], bindings))

    def read_opt_out_stories(
        self, since: datetime, until: datetime | None, limit: int, senders: tuple[str, ...] | None
    ) -> list[OptOutStory]:
        """List opt-outs by text, newest first, with what came before each."""
        bindings: dict[str, Binding] = {
            "since": to_microseconds(since),
            "until": END if until is None else to_microseconds(until),
            "limit": limit,
            "senders": _any_of(senders),
        }
        return rows.decode_stories(self._text(_CONSOLE["read_opt_out_stories"], bindings))

    def read_agents(self) -> list[Agent]:
        """List all agents in the order they were made."""
        return rows.decode_agents(self._text(_LOAD["load_agents"], {}))

    def read_signed_in(self, session_id: str) -> tuple[Session, Agent] | None:
        """Find a session with its agent; this is on the path of every page."""
        found = read_value(self._connection, _CONSOLE["read_signed_in"], session_id)
        return None if found is None else rows.decode_signed_in(found)

    def read_sessions(self, agent: str) -> list[Session]:
        """List an agent's newest sessions, newest first."""
        return rows.decode_sessions(self._text(_CONSOLE["read_sessions"], {"agent": agent}))

    def read_customers(self, page: Page, search: str | None) -> list[Customer]:
        """List customers that were not merged into another, newest first."""
        return list_customers(self._connection, rows.fold_search(search or ""), page)

    def read_customer(self, customer_id: str) -> Customer | None:
        """Find a customer, merged ones too."""
        found = self._value("read_customer", customer_id)
        return None if found is None else rows.decode_customer(found)

    def read_profiles(self, recipient: str) -> list[Customer]:
        """List the customers that have this number, oldest first."""
        return rows.decode_customers(self._text(_READ["read_profiles"], {"number": recipient}))

    def read_carriers(self) -> list[CarrierAccount]:
        """List carrier accounts."""
        return rows.decode_carriers(self._text(_READ["read_carriers"], {}))

    def read_templates(self) -> list[Template]:
        """List the named wordings, deleted ones too."""
        return rows.decode_templates(self._text(_READ["read_templates"], {}))

    def read_keys(self) -> list[APIKey]:
        """List API keys."""
        return rows.decode_keys(self._text(_READ["read_keys"], {}))

    def read_recipients(self, page: Page) -> list[tuple[str, Standing]]:
        """List recipients with their standings, in the order of their numbers."""
        bindings: dict[str, Binding] = {"after": page.before or "", "limit": page.limit}
        return rows.decode_recipients(self._text(_READ["read_recipients"], bindings))

    def count_outbox(self) -> int:
        """Count jobs in the outbox."""
        return int(self._text(_READ["count_outbox"], {}))

    def read_claimed(self, messages: list[str] | None) -> list[Job]:
        """List claimed jobs; there are only ever a few."""
        claimed = rows.decode_jobs(self._text(_READ["read_claimed"], {}))
        return [job for job in claimed if messages is None or job.message in messages]

    def read_answered(self, limit: int, after: tuple[str, str]) -> list[AnsweredKey]:
        """List answered keys by owner and key, from behind a pair."""
        owner, key = after
        bindings: dict[str, Binding] = {"owner": owner, "key": key, "limit": limit}
        return rows.decode_answered(self._text(_READ["read_answered"], bindings))

    def next_due(self) -> tuple[tuple[str, datetime], ...]:
        """List senders with queued jobs, each with its earliest due time."""
        found = rows.decode_due(self._text(_READ["next_due"], {}))
        return tuple((sender, from_microseconds(due)) for sender, due in found)

    def next_notices(self) -> tuple[tuple[str, datetime], ...]:
        """List servers that wait for notices, each with the earliest due time."""
        found = rows.decode_due(self._text(_READ["next_notices"], {}))
        return tuple((host, from_microseconds(due)) for host, due in found)

    def read_notices(self, host: str, due_at: datetime, limit: int) -> list[Notice]:
        """List the notices for a server that are due and the next of their messages."""
        bindings: dict[str, Binding] = {
            "host": host,
            "due_at": to_microseconds(due_at),
            "limit": limit,
        }
        return rows.decode_notices(self._text(_READ["read_notices"], bindings))

    def count_notices(self) -> int:
        """Count the notices that wait."""
        return int(self._text(_READ["count_notices"], {}))

    def list_notices(self, wanted: NoticeFilter, page: Page) -> NoticePage:
        """List notices that wait or were given up, the latest first."""
        place = notice_list.begin(page)
        if place is None:
            return NoticePage([])
        bindings: dict[str, Binding] = {**notice_list.bind(wanted, place, page.limit)}
        text = self._text(_READ["list_notices"], bindings)
        return notice_list.build_page(text, page.limit)

    def read_notice(self, notice_id: str) -> Notice | None:
        """Find a notice that waits or was given up."""
        found = self._value("read_notice", notice_id)
        return None if found is None else rows.decode_notice(found)

    def read_webhook_secrets(self, webhook: str) -> WebhookSecrets | None:
        """Find what a webhook's events are signed with."""
        found = self._value("read_webhook_secrets", webhook)
        return None if found is None else rows.decode_webhook_secrets(found)

    def read_webhook_health(self) -> list[WebhookHealth]:
        """List how telling each webhook went last."""
        return rows.decode_webhook_health(self._text(_READ["read_webhook_health"], {}))

    def read_inbound(self, carrier: str, carrier_message_ids: list[str]) -> list[Message]:
        """List the texts that came in by these ids of a carrier account."""
        pairs = [(carrier, known_as) for known_as in carrier_message_ids]
        keys: dict[str, Binding] = {"keys": rows.encode(pairs).decode()}
        return rows.decode_messages(self._text(_LOAD["load_inbound"], keys))

    def read_expiring(self, wanted: ExpiringFilter, page: Page) -> ExpiringPage:
        """List active consents that run out within a time, what runs out first first."""
        place = begin(wanted, page)
        if place is None:
            return ExpiringPage([])
        bindings: dict[str, Binding] = {
            **place._asdict(),
            "until": to_microseconds(wanted.until),
            "programs": _any_of(wanted.programs),
            "limit": page.limit + 1,
        }
        return build_page(self._text(_READ["read_expiring"], bindings), wanted, page.limit)

    def read_drifts(self, wanted: DriftFilter, page: Page) -> list[Drift]:
        """List drifts, newest first, by the index that fits the filter best."""
        bindings: dict[str, Binding] = {
            "state": wanted.state,
            "kind": wanted.kind,
            "carrier": wanted.carrier,
            "recipient": wanted.recipient,
            "report": wanted.report,
            "senders": _any_of(wanted.senders),
            "before": page.before,
            "limit": page.limit,
        }
        return rows.decode_drifts(self._text(_READ[list_drifts_by(wanted)], bindings))

    def read_drift(self, drift_id: str) -> Drift | None:
        """Find a drift."""
        found = self._value("read_drift", drift_id)
        return None if found is None else rows.decode_drift(found)

    def count_drifts(self) -> dict[DriftKind, int]:
        """Count the drifts that nobody has settled, by kind."""
        return rows.decode_drift_counts(self._text(_READ["count_drifts"], {}))

    def read_reviews(self, wanted: ReviewFilter, page: Page) -> list[ReviewCase]:
        """List reviews, newest first, by the index that fits the filter best."""
        bindings: dict[str, Binding] = {
            "state": wanted.state,
            "recipient": wanted.recipient,
            "senders": _any_of(wanted.senders),
            "before": page.before,
            "limit": page.limit,
        }
        return rows.decode_reviews(self._text(_READ[list_reviews_by(wanted)], bindings))

    def read_review(self, review_id: str) -> ReviewCase | None:
        """Find a review."""
        found = self._value("read_review", review_id)
        return None if found is None else rows.decode_review(found)

    def count_reviews(self, senders: tuple[str, ...] | None) -> int:
        """Count the reviews that wait for an answer."""
        return int(self._text(_READ["count_reviews"], {"senders": _any_of(senders)}))

    def read_reconciliations(self, page: Page, carrier: str | None) -> list[Reconciliation]:
        """List comparisons, the newest first."""
        name = "read_reconciliations" + ("" if carrier is None else "_of_carrier")
        bindings: dict[str, Binding] = {
            "carrier": carrier,
            "before": page.before,
            "limit": page.limit,
        }
        return rows.decode_reconciliations(self._text(_READ[name], bindings))

    def read_reconciliation(self, report: str) -> Reconciliation | None:
        """Find a comparison."""
        found = self._value("read_reconciliation", report)
        return None if found is None else rows.decode_reconciliation(found)

    def read_calls_to_action(self, call: str, page: Page) -> list[CallToAction]:
        """List the versions of a call to action, the newest first."""
        bindings: dict[str, Binding] = {
            "id": call,
            "before": rows.read_version(page.before),
            "limit": page.limit,
        }
        return rows.decode_calls(self._text(_READ["read_calls_to_action"], bindings))

    def read_call_to_action(self, call: str, version: int) -> CallToAction | None:
        """Find a version of a call to action."""
        found = read_value(self._connection, _READ["read_call_to_action"], call, version)
        return None if found is None else rows.decode_call(found)

    def read_entries_after(self, entry: str | None, limit: int) -> list[Entry]:
        """List entries of everybody in the order of their ids."""
        bindings: dict[str, Binding] = {"after": entry or "", "limit": limit}
        return rows.decode_entries(self._text(_READ["read_entries_after"], bindings))

    def read_imports(self, page: Page, key: str | None) -> list[ImportRun]:
        """List imports, those that began last first."""
        name = "read_imports" + ("" if key is None else "_of_key")
        bindings: dict[str, Binding] = {"key": key, "before": page.before, "limit": page.limit}
        return rows.decode_imports(self._text(_READ[name], bindings))

    def read_import(self, import_id: str) -> ImportRun | None:
        """Find an import."""
        found = self._value("read_import", import_id)
        return None if found is None else rows.decode_import(found)

    def read_import_parts(self, import_id: str, block: int) -> list[ImportPart]:
        """List what became of the rows of a block."""
        bindings: dict[str, Binding] = {"run": import_id, "block": block}
        return rows.decode_import_parts(self._text(_READ["read_import_parts"], bindings))

    def _text(self, query: str, bindings: dict[str, Binding]) -> str:
        return read_text(self._connection, query, bindings)

    def _value(self, name: str, key: str) -> str | None:
        return read_value(self._connection, _READ[name], key)

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()


def _any_of(values: tuple[str, ...] | None) -> str | None:
    """Write what a filter lets through as a query takes it; None is any."""
    return None if values is None else rows.encode(values).decode()
