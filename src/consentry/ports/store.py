"""Where everything is kept."""

from datetime import date, datetime
from typing import Protocol, TypeVar

import msgspec

from consentry.domain.agents import Agent
from consentry.domain.calls_to_action import CallToAction
from consentry.domain.customers import Customer
from consentry.domain.directory import Directory
from consentry.domain.drift import Drift, DriftKind, Reconciliation
from consentry.domain.entries import Entry, EntryKind
from consentry.domain.imports import ImportPart, ImportRun
from consentry.domain.messages import Job, Message
from consentry.domain.notices import Notice
from consentry.domain.review import ReviewCase
from consentry.domain.standing import Standing
from consentry.domain.templates import Template
from consentry.domain.webhooks import WebhookHealth, WebhookSecrets
from consentry.ports.commands import Command, Work
from consentry.ports.erasing import LastSeen, Mentions
from consentry.ports.ledger_log import Checkpoint, Logged, LogHead, LogKey
from consentry.ports.listings import (
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
    ReviewFilter,
    Tally,
)
from consentry.ports.records import (
    AnsweredKey,
    APIKey,
    CarrierAccount,
    ConversationMark,
    Receipt,
    Session,
)
from consentry.wire.tiles import TileName

T = TypeVar("T")


class Watch(Protocol):
    """Tells one listener what changed. Close it when done."""

    async def next(self) -> frozenset[str] | None:
        """Wait for changes and name the recipients they are about.

        `NOBODY` is among them for what is about no recipient (a session, a setting). None: more
        may have changed than is known, so look at everything again.
        """

    def close(self) -> None:
        """Stop listening."""


class Vitals(msgspec.Struct, frozen=True):
    """How the writing of commands goes right now.

    `waiting` commands are not durable yet, the oldest for `lag_seconds`. `dropped` commands that
    nobody waited for found no room, since the start.
    """

    waiting: int
    lag_seconds: float
    dropped: int


class Store(Protocol):
    """Where everything is kept. Reads are from the primary; nothing about consent is cached."""

    async def submit(self, command: Command[T], *, is_patient: bool = False) -> T:
        """Carry a command out and return its outcome once it is durable.

        A patient one lets others go first, but does get on: for work of which there may be very
        much, and nobody stands at a door for it.

        Raises `Rejected` where the command says so and `StoreUnavailable` where the store
        cannot make it durable.
        """

    def post(self, command: Command[object]) -> None:
        """Queue a command nobody waits for (a refused attempt): best effort, in order."""

    def vitals(self) -> Vitals:
        """Tell how the writing goes; costs nothing and asks nobody."""

    def pressed_ago(self) -> float:
        """Tell how many seconds ago the last command was submitted here that is not patient."""

    async def read_directory(self) -> Directory:
        """Return brands, senders and programs as they are now."""

    async def read_standing(self, recipient: str) -> Standing:
        """Return the standing; raises `StoreUnavailable`."""

    async def read_facts(self, recipient: str) -> tuple[Directory, Standing]:
        """Return all that the gate asks, as it is now; raises `StoreUnavailable`."""

    async def read_facts_of(self, recipients: list[str]) -> tuple[Directory, list[Standing]]:
        """Return all that the gate asks about these, in the order asked, from one snapshot.

        For some hundreds at once, so that nobody else waits long. Raises `StoreUnavailable`.
        """

    async def read_standings(self, recipients: list[str]) -> list[Standing]:
        """Return the standings in the order asked."""

    async def read_entries(
        self,
        recipient: str,
        page: Page,
        *,
        until: datetime | None = None,
        wanted: EntryFilter | None = None,
    ) -> list[Entry]:
        """List a recipient's entries, newest first, recorded no later than `until`.

        The cursor may be an entry of another recipient: entries have one order.
        """

    async def read_entry_values(
        self, recipient: str, page: Page, *, until: datetime | None = None
    ) -> list[bytes]:
        """List a recipient's entries as `read_entries` does, each as the bytes that were written.

        The ledger's hashes are over these bytes.
        """

    async def read_receipts(
        self, recipient: str, limit: int, *, after: str | None = None
    ) -> list[Receipt]:
        """List what carriers reported of a recipient's texts, by id, from behind the id `after`."""

    async def read_audit(
        self,
        page: Page,
        *,
        agent: str | None = None,
        kinds: tuple[EntryKind, ...] | None = None,
    ) -> list[Entry]:
        """List the entries of `AUDIT_KINDS` of all recipients and of none, newest first.

        What an import wrote row by row is not among them: the import itself is one entry.
        """

    async def read_messages(self, wanted: MessageFilter, page: Page) -> list[Message]:
        """List messages, newest first."""

    async def read_message(self, message_id: str) -> Message | None:
        """Find a message."""

    async def read_first_message_after(self, message_id: str) -> str | None:
        """Name the first message behind an id, which itself need not be there; None: there is none.

        Ids sort by time, so this finds a place in a list by a time.
        """

    async def read_messages_by_id(self, message_ids: list[str]) -> dict[str, Message]:
        """Find messages by their ids; those that are not there are left out."""

    async def read_inbox(self, wanted: InboxFilter, page: Page) -> InboxPage:
        """List conversations by the person's newest text, newest first.

        A conversation is a recipient with a sender; one that the person never wrote in is none.
        """

    async def read_mark(self, recipient: str, sender: str) -> ConversationMark | None:
        """Return how far a conversation was read."""

    async def read_opt_outs(self, wanted: OptOutFilter, page: Page) -> OptOutPage:
        """List the numbers that have an opt-out standing, the newest first."""

    async def read_tallies(
        self, first: date, last: date, *, senders: tuple[str, ...] | None = None
    ) -> list[Tally]:
        """Count entries of these senders by day, kind and reason, first day to last."""

    async def read_opt_out_stories(
        self,
        since: datetime,
        limit: int,
        *,
        until: datetime | None = None,
        senders: tuple[str, ...] | None = None,
    ) -> list[OptOutStory]:
        """List opt-outs by text, newest first, with what came before each.

        They were recorded from `since` to `until`, both included; None is now.
        """

    async def read_agents(self) -> list[Agent]:
        """List all agents, disabled ones too, in the order they were made."""

    async def read_signed_in(self, session_id: str) -> tuple[Session, Agent] | None:
        """Find a session by the hash of its secret, with its agent; ended ones too."""

    async def read_sessions(self, agent: str) -> list[Session]:
        """List an agent's sessions, newest first, at most a hundred, ended ones too."""

    def watch(self) -> Watch:
        """Listen to what changes from now on, whichever process makes the change."""

    async def read_customers(self, page: Page, *, search: str | None = None) -> list[Customer]:
        """List customers, newest first; `search` is any part of a name or number."""

    async def read_customer(self, customer_id: str) -> Customer | None:
        """Find a customer, merged ones too."""

    async def read_profiles(self, recipient: str) -> list[Customer]:
        """List the customers that have this number, oldest first."""

    async def read_carriers(self) -> list[CarrierAccount]:
        """List carrier accounts."""

    async def read_templates(self) -> list[Template]:
        """List the named wordings, deleted ones too, in the order they were made."""

    async def read_keys(self) -> list[APIKey]:
        """List API keys, revoked ones too."""

    async def read_recipients(self, page: Page) -> list[tuple[str, Standing]]:
        """List every recipient we hold a standing of, in the order of their numbers."""

    async def count_outbox(self) -> int:
        """Count jobs in the outbox."""

    async def read_indeterminate(self, limit: int, *, after: str | None = None) -> list[Work]:
        """List indeterminate work in the order of message ids, from behind the id `after`."""

    async def read_claimed(self, messages: list[str] | None = None) -> list[Job]:
        """List the jobs that are claimed now, by whichever process: of these messages, or all."""

    async def read_answered(
        self, limit: int, *, after: tuple[str, str] | None = None
    ) -> list[AnsweredKey]:
        """List answered Idempotency-Keys by owner and key, from behind the pair `after`."""

    async def next_due(self) -> tuple[tuple[str, datetime], ...]:
        """List the senders that have queued jobs, each with its earliest due time."""

    async def next_notices(self) -> tuple[tuple[str, datetime], ...]:
        """List the servers that wait for notices, each with the earliest due time.

        A server is scheme and authority of a URL, in lower case.
        """

    async def read_notices(self, host: str, due_at: datetime, limit: int) -> list[Notice]:
        """List the notices for a server that are due by then, those that were due first first.

        Of each message only the next one: those behind it wait.
        """

    async def count_notices(self) -> int:
        """Count the notices that wait; those given up do not."""

    async def list_notices(self, wanted: NoticeFilter, page: Page) -> NoticePage:
        """List notices that wait or were given up, the latest first."""

    async def read_notice(self, notice_id: str) -> Notice | None:
        """Find a notice that waits or was given up."""

    async def read_webhook_secrets(self, webhook: str) -> WebhookSecrets | None:
        """Find what a webhook's events are signed with."""

    async def read_webhook_health(self) -> list[WebhookHealth]:
        """List how telling each webhook went last; those never told are not among them."""

    async def read_inbound(self, carrier: str, carrier_message_ids: list[str]) -> list[Message]:
        """List the texts that came in by these ids of a carrier account; unknown ones are not."""

    async def read_expiring(self, wanted: ExpiringFilter, page: Page) -> ExpiringPage:
        """List active consents that run out within a time, what runs out first first."""

    async def read_drifts(self, wanted: DriftFilter, page: Page) -> list[Drift]:
        """List drifts, those that were found last first."""

    async def read_drift(self, drift_id: str) -> Drift | None:
        """Find a drift."""

    async def count_drifts(self) -> dict[DriftKind, int]:
        """Count the drifts that nobody has settled, by kind."""

    async def read_reviews(self, wanted: ReviewFilter, page: Page) -> list[ReviewCase]:
        """List reviews, those that were opened last first."""

    async def read_review(self, review_id: str) -> ReviewCase | None:
        """Find a review."""

    async def count_reviews(self, senders: tuple[str, ...] | None = None) -> int:
        """Count the reviews that wait for an answer, of these senders or of all."""

    async def read_reconciliations(
        self, page: Page, *, carrier: str | None = None
    ) -> list[Reconciliation]:
        """List comparisons, of a carrier account or all, the newest first."""

    async def read_reconciliation(self, report: str) -> Reconciliation | None:
        """Find a comparison by its id."""

    async def read_calls_to_action(self, call: str, page: Page) -> list[CallToAction]:
        """List the versions of a call to action, the newest first; the cursor is a version."""

    async def read_call_to_action(self, call: str, version: int) -> CallToAction | None:
        """Find a version of a call to action, whether or not it is still shown."""

    async def integrate_log(self) -> LogHead:
        """Put what is durable into the log now, and sign it: for who cannot wait a second.

        Only where the store was opened with a signer; raises `StoreUnavailable`.
        """

    async def read_log_head(self) -> LogHead:
        """Tell how far the log is."""

    async def read_logged(self, entry_ids: list[str]) -> dict[str, Logged]:
        """Find entries in the log; those that are not in it yet, or not there, are left out."""

    async def read_checkpoint(self, size: int | None = None) -> Checkpoint | None:
        """Find the newest checkpoint, or the oldest one that covers a tree of this size."""

    async def read_tiles(self, names: list[TileName]) -> dict[TileName, bytes]:
        """Read tiles of the log's hashes; those that are not there are left out."""

    async def keep_timestamp(self, size: int, answer: bytes) -> None:
        """Keep an authority's answer beside the checkpoint of this size."""

    async def read_log_keys(self) -> list[LogKey]:
        """List the keys that ever signed checkpoints, in the order of first use."""

    async def read_entries_after(self, entry: str | None, limit: int) -> list[Entry]:
        """List entries of everybody and of nobody in the order of their ids, from behind one.

        Ids sort by the time they were made.
        """

    async def read_imports(self, page: Page, *, key: str | None = None) -> list[ImportRun]:
        """List imports, those that began last first: all, or those of one key."""

    async def read_import(self, import_id: str) -> ImportRun | None:
        """Find an import by its id."""

    async def read_import_parts(self, import_id: str, block: int) -> list[ImportPart]:
        """List what became of the rows of one block of an import, in the order of deciding."""

    async def read_mentions(self, recipients: list[str]) -> list[Mentions]:
        """Look where numbers are named beside their own rows, in the order asked.

        For some hundreds at once: one walk, which takes seconds in a large database.
        """

    async def read_last_seen(self, after: str, limit: int) -> list[LastSeen]:
        """List numbers in order, from behind one, with when something last happened with each."""

    async def read_held(self, recipient: str) -> dict[str, list[msgspec.Raw]]:
        """Read all rows that are held of a number, by table, as JSON."""

    async def close(self) -> None:
        """Finish what was submitted, then let go of the database."""
