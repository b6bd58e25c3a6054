"""Implements `ports.Store` on PostgreSQL, for as many processes as there are."""

import asyncio
import secrets
from datetime import date, datetime
from typing import Final, Self, TypeVar, cast

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
from consentry.domain.policy import Policy
from consentry.domain.review import ReviewCase
from consentry.domain.standing import Standing
from consentry.domain.templates import Template
from consentry.domain.webhooks import WebhookHealth, WebhookSecrets
from consentry.ports import (
    UNMEASURED,
    AnsweredKey,
    APIKey,
    CarrierAccount,
    Checkpoint,
    Clock,
    Command,
    ConversationMark,
    DriftFilter,
    EntryFilter,
    ExpiringFilter,
    ExpiringPage,
    Ids,
    InboxFilter,
    InboxPage,
    LastSeen,
    Logged,
    LogHead,
    LogKey,
    Measuring,
    Mentions,
    MessageFilter,
    NoteSigner,
    NoticeFilter,
    NoticePage,
    OptOutFilter,
    OptOutPage,
    OptOutStory,
    Page,
    Receipt,
    ReviewFilter,
    Session,
    StoreUnavailable,
    Tally,
    Vitals,
    Watch,
    Work,
)
from consentry.store.erased import NO_KEYS
from consentry.store.line import BATCH_COMMANDS_MAX
from consentry.store.postgres.address import Address, read_address
from consentry.store.postgres.batches import Around, Undertaken
from consentry.store.postgres.connection import is_unavailable
from consentry.store.postgres.log_keeping import LogKeeping
from consentry.store.postgres.pipeline import PipelinedWriter
from consentry.store.postgres.reading_side import ReadingSide
from consentry.store.postgres.writing_side import WritingSide
from consentry.store.watching import Watchers
from consentry.wire.keyed_hash import HashKeys
from consentry.wire.tiles import TileName

T = TypeVar("T")

_SLICE: Final = 500
"""How many standings are asked for in one query."""


class PostgresStore:
    """Implements `ports.Store`: one writer in its own thread, reads in the caller's event loop."""

    def __init__(
        self,
        address: Address,
        writing: WritingSide,
        writer: PipelinedWriter[Undertaken],
        *,
        watchers: Watchers,
        process: str,
    ) -> None:
        """Put an open store together; `open` does it from a URL."""
        self._address = address
        self._writing = writing
        self._writer = writer
        self._watchers = watchers
        self._process = process
        self._sides: dict[asyncio.AbstractEventLoop, ReadingSide] = {}
        self._closed = False

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Clock,
        ids: Ids,
        policy: Policy,
        measuring: Measuring = UNMEASURED,
        batch_commands_max: int = BATCH_COMMANDS_MAX,
        signer: NoteSigner | None = None,
        hash_keys: HashKeys = NO_KEYS,
    ) -> Self:
        """Connect, bring the tables up to date as needed, and start the writer.

        `ids` and `measuring` are called from the writer's thread. `batch_commands_max`: how many
        commands may share a commit. `hash_keys` hash the numbers of who is erased, and find them.
        With a `signer` entries are put into the log and checkpoints signed. Raises `MigrationError`
        where database and program do not fit, `StoreUnavailable` where the database cannot be
        reached or somebody was erased by a key that is not among these, and `AddressError` where
        the URL names none.
        """
        address = read_address(url)
        watchers, process = Watchers(), secrets.token_hex(4)
        around = Around(clock, ids, policy, measuring, hash_keys)
        logs = None if signer is None else LogKeeping(address, signer, clock)
        writing = WritingSide(address, around, watchers=watchers, process=process, logs=logs)
        try:
            writing.open()
        except Exception as error:
            if not is_unavailable(error):
                raise
            raise StoreUnavailable(
                f"The database {address} cannot be opened ({error}). Check that it runs, that it "
                "is reachable from here, and its user's rights."
            ) from error
        writer = writing.start(batch_commands_max)
        return cls(address, writing, writer, watchers=watchers, process=process)

    @property
    def _side(self) -> ReadingSide:
        """What reads in the running event loop; that of a loop that is gone is let go of."""
        loop = asyncio.get_running_loop()
        side = self._sides.get(loop)
        if side is None:
            if self._closed:
                raise StoreUnavailable("The store is closed. Check it and try again.")
            for gone in [known for known in self._sides if known.is_closed()]:
                self._sides.pop(gone).forget()
            side = self._sides[loop] = ReadingSide(
                self._address,
                process=self._process,
                watchers=self._watchers,
                writing=self._writing,
            )
        return side

    async def submit(self, command: Command[T], *, is_patient: bool = False) -> T:
        """Carry a command out and return its outcome once it is durable."""
        if self._closed:
            raise StoreUnavailable("The store is closed: the server is stopping. Try again later.")
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._writer.submit(command, future, is_patient=is_patient)
        return cast("T", await future)

    def post(self, command: Command[object]) -> None:
        """Queue a command nobody waits for; a closed store counts it as dropped."""
        self._writer.post(command)

    def vitals(self) -> Vitals:
        """Tell how the writing goes."""
        return self._writer.vitals()

    def pressed_ago(self) -> float:
        """Tell how many seconds ago somebody last pressed."""
        return self._writer.pressed_ago()

    async def read_directory(self) -> Directory:
        """Return brands, senders and programs as they are now, whichever process wrote them."""
        directory, _ = await self._side.facts.read("")
        return directory

    async def read_standing(self, recipient: str) -> Standing:
        """Return the standing as of the last commit."""
        _, standing = await self._side.facts.read(recipient)
        return standing

    async def read_facts(self, recipient: str) -> tuple[Directory, Standing]:
        """Return all that the gate asks, as of the last commit, from one snapshot."""
        return await self._side.facts.read(recipient)

    async def read_facts_of(self, recipients: list[str]) -> tuple[Directory, list[Standing]]:
        """Return all that the gate asks about these, in the order asked, from one snapshot."""
        return await self._side.facts_of_many.read_many(recipients)

    async def read_standings(self, recipients: list[str]) -> list[Standing]:
        """Return the standings in the order asked."""
        standings: list[Standing] = []
        for start in range(0, len(recipients), _SLICE):
            _, part = await self.read_facts_of(recipients[start : start + _SLICE])
            standings += part
        return standings

    async def read_entries(
        self,
        recipient: str,
        page: Page,
        *,
        until: datetime | None = None,
        wanted: EntryFilter | None = None,
    ) -> list[Entry]:
        """List a recipient's entries, newest first, recorded no later than `until`."""
        reader = self._side.reader
        return await reader.read_entries(recipient, page, until, wanted or EntryFilter())

    async def read_entry_values(
        self, recipient: str, page: Page, *, until: datetime | None = None
    ) -> list[bytes]:
        """List a recipient's entries as they were written, newest first."""
        return await self._side.reader.read_entry_values(recipient, page, until)

    async def read_receipts(
        self, recipient: str, limit: int, *, after: str | None = None
    ) -> list[Receipt]:
        """List what carriers reported of a recipient's texts, by id."""
        return await self._side.reader.read_receipts(recipient, limit, after)

    async def read_audit(
        self,
        page: Page,
        *,
        agent: str | None = None,
        kinds: tuple[EntryKind, ...] | None = None,
    ) -> list[Entry]:
        """List the entries of the audit, of all recipients and of none, newest first."""
        return await self._side.reader.read_audit(page, agent, kinds)

    async def read_messages(self, wanted: MessageFilter, page: Page) -> list[Message]:
        """List messages, newest first."""
        return await self._side.reader.read_messages(wanted, page)

    async def read_indeterminate(self, limit: int, *, after: str | None = None) -> list[Work]:
        """List indeterminate work in the order of message ids, from behind the id `after`."""
        return await self._side.reader.read_indeterminate(limit, after)

    async def read_message(self, message_id: str) -> Message | None:
        """Find a message."""
        return await self._side.reader.read_message(message_id)

    async def read_first_message_after(self, message_id: str) -> str | None:
        """Name the first message behind an id, which itself need not be there."""
        return await self._side.reader.read_first_message_after(message_id)

    async def read_messages_by_id(self, message_ids: list[str]) -> dict[str, Message]:
        """Find messages by their ids; those that are not there are left out."""
        return await self._side.reader.read_messages_by_id(message_ids)

    async def read_inbox(self, wanted: InboxFilter, page: Page) -> InboxPage:
        """List conversations by the person's newest text, newest first."""
        return await self._side.lists.read_inbox(wanted, page)

    async def read_mark(self, recipient: str, sender: str) -> ConversationMark | None:
        """Return how far a conversation was read."""
        return await self._side.reader.read_mark(recipient, sender)

    async def read_opt_outs(self, wanted: OptOutFilter, page: Page) -> OptOutPage:
        """List the numbers that have an opt-out standing, the newest first."""
        return await self._side.lists.read_opt_outs(wanted, page)

    async def read_tallies(
        self, first: date, last: date, *, senders: tuple[str, ...] | None = None
    ) -> list[Tally]:
        """Count entries of these senders by day, kind and reason, first day to last."""
        return await self._side.reader.read_tallies(first, last, senders)

    async def read_opt_out_stories(
        self,
        since: datetime,
        limit: int,
        *,
        until: datetime | None = None,
        senders: tuple[str, ...] | None = None,
    ) -> list[OptOutStory]:
        """List opt-outs by text, newest first, with what came before each."""
        return await self._side.reader.read_opt_out_stories(since, until, limit, senders)

    async def read_agents(self) -> list[Agent]:
        """List all agents, disabled ones too, in the order they were made."""
        return await self._side.reader.read_agents()

    async def read_signed_in(self, session_id: str) -> tuple[Session, Agent] | None:
        """Find a session by the hash of its secret, with its agent; ended ones too."""
        return await self._side.reader.read_signed_in(session_id)

    async def read_sessions(self, agent: str) -> list[Session]:
        """List an agent's sessions, newest first, at most a hundred, ended ones too."""
        return await self._side.reader.read_sessions(agent)

    def watch(self) -> Watch:
        """Listen to what changes from now on, whichever process makes the change."""
        watch = self._watchers.listen()
        self._side.listen()
        return watch

    async def read_customers(self, page: Page, *, search: str | None = None) -> list[Customer]:
        """List customers, newest first; `search` is any part of a name or number."""
        return await self._side.lists.read_customers(page, search or "")

    async def read_customer(self, customer_id: str) -> Customer | None:
        """Find a customer, merged ones too."""
        return await self._side.reader.read_customer(customer_id)

    async def read_profiles(self, recipient: str) -> list[Customer]:
        """List the customers that have this number, oldest first."""
        return await self._side.reader.read_profiles(recipient)

    async def read_carriers(self) -> list[CarrierAccount]:
        """List carrier accounts."""
        return await self._side.before_gate.read_carriers()

    async def read_templates(self) -> list[Template]:
        """List the named wordings, deleted ones too, in the order they were made."""
        return await self._side.reader.read_templates()

    async def read_keys(self) -> list[APIKey]:
        """List API keys, revoked ones too."""
        return await self._side.before_gate.read_keys()

    async def read_recipients(self, page: Page) -> list[tuple[str, Standing]]:
        """List every recipient we hold a standing of, in the order of their numbers."""
        return await self._side.reader.read_recipients(page)

    async def count_outbox(self) -> int:
        """Count jobs in the outbox."""
        return await self._side.reader.count_outbox()

    async def read_claimed(self, messages: list[str] | None = None) -> list[Job]:
        """List the jobs that are claimed now, by whichever process: of these messages, or all."""
        return await self._side.queues.read_claimed(messages)

    async def read_answered(
        self, limit: int, *, after: tuple[str, str] | None = None
    ) -> list[AnsweredKey]:
        """List answered Idempotency-Keys by owner and key, from behind the pair `after`."""
        return await self._side.reader.read_answered(limit, after or ("", ""))

    async def next_due(self) -> tuple[tuple[str, datetime], ...]:
        """List the senders that have queued jobs, each with its earliest due time."""
        return await self._side.queues.next_due()

    async def next_notices(self) -> tuple[tuple[str, datetime], ...]:
        """List the servers that wait for notices, each with the earliest due time."""
        return await self._side.queues.next_notices()

    async def read_notices(self, host: str, due_at: datetime, limit: int) -> list[Notice]:
        """List the notices for a server that are due by then and the next of their messages."""
        return await self._side.queues.read_notices(host, due_at, limit)

    async def count_notices(self) -> int:
        """Count the notices that wait."""
        return await self._side.reader.count_notices()

    async def list_notices(self, wanted: NoticeFilter, page: Page) -> NoticePage:
        """List notices that wait or were given up, the latest first."""
        return await self._side.reader.list_notices(wanted, page)

    async def read_notice(self, notice_id: str) -> Notice | None:
        """Find a notice that waits or was given up."""
        return await self._side.reader.read_notice(notice_id)

    async def read_webhook_secrets(self, webhook: str) -> WebhookSecrets | None:
        """Find what a webhook's events are signed with."""
        return await self._side.reader.read_webhook_secrets(webhook)

    async def read_webhook_health(self) -> list[WebhookHealth]:
        """List how telling each webhook went last."""
        return await self._side.reader.read_webhook_health()

    async def read_inbound(self, carrier: str, carrier_message_ids: list[str]) -> list[Message]:
        """List the texts that came in by these ids of a carrier account."""
        return await self._side.reader.read_inbound(carrier, carrier_message_ids)

    async def read_expiring(self, wanted: ExpiringFilter, page: Page) -> ExpiringPage:
        """List active consents that run out within a time, what runs out first first."""
        return await self._side.reader.read_expiring(wanted, page)

    async def read_drifts(self, wanted: DriftFilter, page: Page) -> list[Drift]:
        """List drifts, those that were found last first."""
        return await self._side.reader.read_drifts(wanted, page)

    async def read_drift(self, drift_id: str) -> Drift | None:
        """Find a drift."""
        return await self._side.reader.read_drift(drift_id)

    async def count_drifts(self) -> dict[DriftKind, int]:
        """Count the drifts that nobody has settled, by kind."""
        return await self._side.reader.count_drifts()

    async def read_reviews(self, wanted: ReviewFilter, page: Page) -> list[ReviewCase]:
        """List reviews, those that were opened last first."""
        return await self._side.reader.read_reviews(wanted, page)

    async def read_review(self, review_id: str) -> ReviewCase | None:
        """Find a review."""
        return await self._side.reader.read_review(review_id)

    async def count_reviews(self, senders: tuple[str, ...] | None = None) -> int:
        """Count the reviews that wait for an answer, of these senders or of all."""
        return await self._side.reader.count_reviews(senders)

    async def read_reconciliations(
        self, page: Page, *, carrier: str | None = None
    ) -> list[Reconciliation]:
        """List comparisons, of a carrier account or all, the newest first."""
        return await self._side.reader.read_reconciliations(page, carrier)

    async def read_reconciliation(self, report: str) -> Reconciliation | None:
        """Find a comparison by its id."""
        return await self._side.reader.read_reconciliation(report)

    async def read_calls_to_action(self, call: str, page: Page) -> list[CallToAction]:
        """List the versions of a call to action, the newest first; the cursor is a version."""
        return await self._side.reader.read_calls_to_action(call, page)

    async def read_call_to_action(self, call: str, version: int) -> CallToAction | None:
        """Find a version of a call to action, whether or not it is still shown."""
        return await self._side.reader.read_call_to_action(call, version)

    async def integrate_log(self) -> LogHead:
        """Put what is durable into the log now, some ten thousands at a time."""
        if self._closed:
            raise StoreUnavailable("The store is closed. Check it and try again.")
        return await self._writing.integrate_log()

    async def read_log_head(self) -> LogHead:
        """Tell how far the log is."""
        return self._writing.tell_held(await self._side.log.read_head())

    async def read_logged(self, entry_ids: list[str]) -> dict[str, Logged]:
        """Find entries in the log."""
        return await self._side.log.read_logged(entry_ids)

    async def read_checkpoint(self, size: int | None = None) -> Checkpoint | None:
        """Find the newest checkpoint, or the oldest one that covers a tree of this size."""
        return await self._side.log.read_checkpoint(size)

    async def read_tiles(self, names: list[TileName]) -> dict[TileName, bytes]:
        """Read tiles of the log's hashes."""
        return await self._side.log.read_tiles(names)

    async def keep_timestamp(self, size: int, answer: bytes) -> None:
        """Keep an authority's answer beside the checkpoint of this size."""
        await self._writing.keep_timestamp(size, answer)

    async def read_log_keys(self) -> list[LogKey]:
        """List the keys that ever signed checkpoints."""
        return await self._side.log.read_keys()

    async def read_entries_after(self, entry: str | None, limit: int) -> list[Entry]:
        """List entries of everybody in the order of their ids, from behind one."""
        return await self._side.reader.read_entries_after(entry, limit)

    async def read_imports(self, page: Page, *, key: str | None = None) -> list[ImportRun]:
        """List imports, those that began last first."""
        return await self._side.reader.read_imports(page, key)

    async def read_import(self, import_id: str) -> ImportRun | None:
        """Find an import by its id."""
        return await self._side.reader.read_import(import_id)

    async def read_import_parts(self, import_id: str, block: int) -> list[ImportPart]:
        """List what became of the rows of one block of an import."""
        return await self._side.reader.read_import_parts(import_id, block)

    async def read_mentions(self, recipients: list[str]) -> list[Mentions]:
        """Look where numbers are named beside their own rows."""
        return await self._side.find_mentions(recipients)

    async def read_last_seen(self, after: str, limit: int) -> list[LastSeen]:
        """List numbers from behind one, with when something last happened with each."""
        return await self._side.read_last_seen(after, limit)

    async def read_held(self, recipient: str) -> dict[str, list[msgspec.Raw]]:
        """Read all rows that are held of a number, by table."""
        return await self._side.read_rows_of(recipient)

    async def close(self) -> None:
        """Finish what was submitted, then let go of the database."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._writer.finish)
        await asyncio.to_thread(self._writing.close)
        for loop, side in self._sides.items():
            if loop is asyncio.get_running_loop():
                await side.close()
            else:
                side.forget()
