"""Implements `ports.Store` on one SQLite file."""

import asyncio
import logging
from datetime import date, datetime
from pathlib import Path
from typing import Final, Self, TypeVar, cast

import apsw

from consentry.domain.agents import Agent
from consentry.domain.calls_to_action import CallToAction
from consentry.domain.customers import Customer
from consentry.domain.directory import Directory
from consentry.domain.drift import Drift, DriftKind, Reconciliation
from consentry.domain.entries import Entry, EntryKind
from consentry.domain.imports import ImportPart, ImportRun
from consentry.domain.messages import Job, Message
from consentry.domain.policy import Policy
from consentry.domain.review import ReviewCase
from consentry.domain.standing import Standing
from consentry.domain.templates import Template
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
    Logged,
    LogHead,
    LogKey,
    Measuring,
    MessageFilter,
    NoteSigner,
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
from consentry.store.migrate import read_migrations
from consentry.store.notes import check_notes
from consentry.store.sqlite.aside import AsideReader
from consentry.store.sqlite.batches import Batches
from consentry.store.sqlite.connection import (
    BUSY_TIMEOUT_MILLISECONDS,
    open_connection,
    open_for_reading,
)
from consentry.store.sqlite.folding import LogFolding
from consentry.store.sqlite.foreign import ForeignChanges
from consentry.store.sqlite.held_reads import HeldReads
from consentry.store.sqlite.indexing import SearchIndexer
from consentry.store.sqlite.integrating import LogIntegrator
from consentry.store.sqlite.log_reading import LogReader
from consentry.store.sqlite.migrating import apply_migrations
from consentry.store.sqlite.notice_reads import NoticeReads
from consentry.store.sqlite.noting import read_notes
from consentry.store.sqlite.reading import Reader
from consentry.store.sqlite.resting import Resting
from consentry.store.watching import Watchers
from consentry.store.writer import Writer
from consentry.wire.keyed_hash import HashKeys
from consentry.wire.tiles import TileName

T = TypeVar("T")

_log = logging.getLogger(__name__)

_SLICE: Final = 200
"""How many standings are looked up at once: longer answers are slower, for each standing too."""

_FEW: Final = 50
"""So many standings are looked up on the event loop itself: a thread would cost more."""


class SQLiteStore(NoticeReads, HeldReads):
    """Implements `ports.Store`. Reads take microseconds and run on the event loop itself,
    but for many standings at once.
    """

    def __init__(
        self,
        reader: Reader,
        aside: AsideReader,
        writer: Writer,
        *,
        writing: apsw.Connection,
        folding: LogFolding,
        watchers: Watchers,
        integrator: LogIntegrator | None = None,
    ) -> None:
        """Put an open store together; `open` does it from a path."""
        self._reader = reader
        self._aside = aside
        self._writer = writer
        self._writing = writing
        self._folding = folding
        self._watchers = watchers
        self._integrator = integrator
        self._log = LogReader(reader.connection)
        self._closed = False

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        clock: Clock,
        ids: Ids,
        policy: Policy,
        measuring: Measuring = UNMEASURED,
        batch_commands_max: int = BATCH_COMMANDS_MAX,
        busy_timeout_milliseconds: int = BUSY_TIMEOUT_MILLISECONDS,
        signer: NoteSigner | None = None,
        hash_keys: HashKeys = NO_KEYS,
    ) -> Self:
        """Open the database file, made and migrated as needed, and start the writer.

        `ids` and `measuring` are called from the writer's thread. `batch_commands_max`: how many
        commands may share a commit; the bench compares with 1. `busy_timeout_milliseconds`: how
        long a batch waits for another process that writes. `hash_keys` hash the numbers of who is
        erased, and find them. With a `signer` entries are put into the log and checkpoints signed.
        Raises `MigrationError` where file and program do not fit or a copy is unfinished, and
        `StoreUnavailable` where the file cannot be opened, or somebody was erased by a key that is
        not among these.
        """
        try:
            writing = open_connection(path, busy_timeout_milliseconds=busy_timeout_milliseconds)
            apply_migrations(writing, read_migrations("sqlite"), clock.now())
            check_notes(read_notes(writing), f"The database {path}", clock.now())
            reader = Reader(open_for_reading(path), hash_keys)
            reader.check_keys()
        except apsw.Error as error:
            raise StoreUnavailable(
                f"The database {path} cannot be opened ({error}). Check the path, its folder's "
                "permissions and the disk."
            ) from error
        watchers = Watchers()
        batches = Batches(
            writing,
            clock=clock,
            ids=ids,
            policy=policy,
            watchers=watchers,
            measuring=measuring,
            hash_keys=hash_keys,
        )
        # Before the writer's thread uses the connection.
        folding = LogFolding(path, writing)
        integrator = None if signer is None else LogIntegrator(writing, signer, clock)
        foreign = ForeignChanges(writing, watchers)
        writer = Writer(
            batches.carry_out,
            batch_commands_max=batch_commands_max,
            rest=Resting(foreign, SearchIndexer(writing), integrator),
            monotonic=clock.monotonic,
        )
        aside = AsideReader(path)
        return cls(
            reader,
            aside,
            writer,
            writing=writing,
            folding=folding,
            watchers=watchers,
            integrator=integrator,
        )

    async def submit(self, command: Command[T], *, is_patient: bool = False) -> T:
        """Carry a command out and return its outcome once it is on the disk."""
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
        return self._reader.read_directory()

    async def read_standing(self, recipient: str) -> Standing:
        """Return the standing as of the last commit."""
        return self._reader.read_standing(recipient)

    async def read_facts(self, recipient: str) -> tuple[Directory, Standing]:
        """Return all that the gate asks, as of the last commit, from one snapshot."""
        return await self._reader.facts.read(recipient)

    async def read_facts_of(self, recipients: list[str]) -> tuple[Directory, list[Standing]]:
        """Return all that the gate asks about these, in the order asked, from one snapshot."""
        if len(recipients) <= _FEW:
            return self._reader.read_facts_of(recipients)
        return self._reader.decode_facts(await self._aside.look_up(recipients))

    async def read_standings(self, recipients: list[str]) -> list[Standing]:
        """Return the standings in the order asked, letting others run now and then."""
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
        return self._reader.read_entries(recipient, page, until, wanted or EntryFilter())

    async def read_entry_values(
        self, recipient: str, page: Page, *, until: datetime | None = None
    ) -> list[bytes]:
        """List a recipient's entries as they were written, newest first."""
        return self._reader.read_entry_values(recipient, page, until)

    async def read_receipts(
        self, recipient: str, limit: int, *, after: str | None = None
    ) -> list[Receipt]:
        """List what carriers reported of a recipient's texts, by id."""
        return self._reader.read_receipts(recipient, limit, after)

    async def read_audit(
        self,
        page: Page,
        *,
        agent: str | None = None,
        kinds: tuple[EntryKind, ...] | None = None,
    ) -> list[Entry]:
        """List the entries of the audit, of all recipients and of none, newest first."""
        return self._reader.read_audit(page, agent, kinds)

    async def read_messages(self, wanted: MessageFilter, page: Page) -> list[Message]:
        """List messages, newest first."""
        return self._reader.read_messages(wanted, page)

    async def read_indeterminate(self, limit: int, *, after: str | None = None) -> list[Work]:
        """List indeterminate work in the order of message ids, from behind the id `after`."""
        return self._reader.read_indeterminate(limit, after)

    async def read_message(self, message_id: str) -> Message | None:
        """Find a message."""
        return self._reader.read_message(message_id)

    async def read_first_message_after(self, message_id: str) -> str | None:
        """Name the first message behind an id, which itself need not be there."""
        return self._reader.read_first_message_after(message_id)

    async def read_messages_by_id(self, message_ids: list[str]) -> dict[str, Message]:
        """Find messages by their ids; those that are not there are left out."""
        return self._reader.read_messages_by_id(message_ids)

    async def read_inbox(self, wanted: InboxFilter, page: Page) -> InboxPage:
        """List conversations by the person's newest text, newest first."""
        return self._reader.read_inbox(wanted, page)

    async def read_mark(self, recipient: str, sender: str) -> ConversationMark | None:
        """Return how far a conversation was read."""
        return self._reader.read_mark(recipient, sender)

    async def read_opt_outs(self, wanted: OptOutFilter, page: Page) -> OptOutPage:
        """List the numbers that have an opt-out standing, the newest first."""
        return self._reader.read_opt_outs(wanted, page)

    async def read_tallies(
        self, first: date, last: date, *, senders: tuple[str, ...] | None = None
    ) -> list[Tally]:
        """Count entries of these senders by day, kind and reason, first day to last."""
        return self._reader.read_tallies(first, last, senders)

    async def read_opt_out_stories(
        self,
        since: datetime,
        limit: int,
        *,
        until: datetime | None = None,
        senders: tuple[str, ...] | None = None,
    ) -> list[OptOutStory]:
        """List opt-outs by text, newest first, with what came before each."""
        return self._reader.read_opt_out_stories(since, until, limit, senders)

    async def read_agents(self) -> list[Agent]:
        """List all agents, disabled ones too, in the order they were made."""
        return self._reader.read_agents()

    async def read_signed_in(self, session_id: str) -> tuple[Session, Agent] | None:
        """Find a session by the hash of its secret, with its agent; ended ones too."""
        return self._reader.read_signed_in(session_id)

    async def read_sessions(self, agent: str) -> list[Session]:
        """List an agent's sessions, newest first, at most a hundred, ended ones too."""
        return self._reader.read_sessions(agent)

    def watch(self) -> Watch:
        """Listen to what changes from now on, whichever process makes the change."""
        watch = self._watchers.listen()
        self._writer.look_up()
        return watch

    async def read_customers(self, page: Page, *, search: str | None = None) -> list[Customer]:
        """List customers, newest first; `search` is any part of a name or number."""
        return self._reader.read_customers(page, search)

    async def read_customer(self, customer_id: str) -> Customer | None:
        """Find a customer, merged ones too."""
        return self._reader.read_customer(customer_id)

    async def read_profiles(self, recipient: str) -> list[Customer]:
        """List the customers that have this number, oldest first."""
        return self._reader.read_profiles(recipient)

    async def read_carriers(self) -> list[CarrierAccount]:
        """List carrier accounts."""
        return self._reader.read_carriers()

    async def read_templates(self) -> list[Template]:
        """List the named wordings, deleted ones too, in the order they were made."""
        return self._reader.read_templates()

    async def read_keys(self) -> list[APIKey]:
        """List API keys, revoked ones too."""
        return self._reader.read_keys()

    async def read_recipients(self, page: Page) -> list[tuple[str, Standing]]:
        """List every recipient we hold a standing of, in the order of their numbers."""
        return self._reader.read_recipients(page)

    async def count_outbox(self) -> int:
        """Count jobs in the outbox."""
        return self._reader.count_outbox()

    async def read_claimed(self, messages: list[str] | None = None) -> list[Job]:
        """List the jobs that are claimed now, by whichever process: of these messages, or all."""
        return self._reader.read_claimed(messages)

    async def read_answered(
        self, limit: int, *, after: tuple[str, str] | None = None
    ) -> list[AnsweredKey]:
        """List answered Idempotency-Keys by owner and key, from behind the pair `after`."""
        return self._reader.read_answered(limit, after or ("", ""))

    async def next_due(self) -> tuple[tuple[str, datetime], ...]:
        """List the senders that have queued jobs, each with its earliest due time."""
        return self._reader.next_due()

    async def read_inbound(self, carrier: str, carrier_message_ids: list[str]) -> list[Message]:
        """List the texts that came in by these ids of a carrier account."""
        return self._reader.read_inbound(carrier, carrier_message_ids)

    async def read_expiring(self, wanted: ExpiringFilter, page: Page) -> ExpiringPage:
        """List active consents that run out within a time, what runs out first first."""
        return self._reader.read_expiring(wanted, page)

    async def read_drifts(self, wanted: DriftFilter, page: Page) -> list[Drift]:
        """List drifts, those that were found last first."""
        return self._reader.read_drifts(wanted, page)

    async def read_drift(self, drift_id: str) -> Drift | None:
        """Find a drift."""
        return self._reader.read_drift(drift_id)

    async def count_drifts(self) -> dict[DriftKind, int]:
        """Count the drifts that nobody has settled, by kind."""
        return self._reader.count_drifts()

    async def read_reviews(self, wanted: ReviewFilter, page: Page) -> list[ReviewCase]:
        """List reviews, those that were opened last first."""
        return self._reader.read_reviews(wanted, page)

    async def read_review(self, review_id: str) -> ReviewCase | None:
        """Find a review."""
        return self._reader.read_review(review_id)

    async def count_reviews(self, senders: tuple[str, ...] | None = None) -> int:
        """Count the reviews that wait for an answer, of these senders or of all."""
        return self._reader.count_reviews(senders)

    async def read_reconciliations(
        self, page: Page, *, carrier: str | None = None
    ) -> list[Reconciliation]:
        """List comparisons, of a carrier account or all, the newest first."""
        return self._reader.read_reconciliations(page, carrier)

    async def read_reconciliation(self, report: str) -> Reconciliation | None:
        """Find a comparison by its id."""
        return self._reader.read_reconciliation(report)

    async def read_calls_to_action(self, call: str, page: Page) -> list[CallToAction]:
        """List the versions of a call to action, the newest first; the cursor is a version."""
        return self._reader.read_calls_to_action(call, page)

    async def read_call_to_action(self, call: str, version: int) -> CallToAction | None:
        """Find a version of a call to action, whether or not it is still shown."""
        return self._reader.read_call_to_action(call, version)

    async def integrate_log(self) -> LogHead:
        """Put what is durable into the log now, some ten thousands at a time."""
        if self._integrator is None or self._closed:
            raise StoreUnavailable("The store was not opened for writing the ledger's log.")
        return await self._integrator.integrate_soon(self._writer.look_up)

    async def read_log_head(self) -> LogHead:
        """Tell how far the log is."""
        return self._log.read_head(self._integrator)

    async def read_logged(self, entry_ids: list[str]) -> dict[str, Logged]:
        """Find entries in the log."""
        return self._log.read_logged(entry_ids)

    async def read_checkpoint(self, size: int | None = None) -> Checkpoint | None:
        """Find the newest checkpoint, or the oldest one that covers a tree of this size."""
        return self._log.read_checkpoint(size)

    async def read_tiles(self, names: list[TileName]) -> dict[TileName, bytes]:
        """Read tiles of the log's hashes."""
        return self._log.read_tiles(names)

    async def keep_timestamp(self, size: int, answer: bytes) -> None:
        """Keep an authority's answer beside the checkpoint of this size."""
        if self._integrator is not None:
            self._integrator.keep(size, answer)
            self._writer.look_up()

    async def read_log_keys(self) -> list[LogKey]:
        """List the keys that ever signed checkpoints."""
        return self._log.read_keys()

    async def read_entries_after(self, entry: str | None, limit: int) -> list[Entry]:
        """List entries of everybody in the order of their ids, from behind one."""
        return self._reader.read_entries_after(entry, limit)

    async def read_imports(self, page: Page, *, key: str | None = None) -> list[ImportRun]:
        """List imports, those that began last first."""
        return self._reader.read_imports(page, key)

    async def read_import(self, import_id: str) -> ImportRun | None:
        """Find an import by its id."""
        return self._reader.read_import(import_id)

    async def read_import_parts(self, import_id: str, block: int) -> list[ImportPart]:
        """List what became of the rows of one block of an import."""
        return self._reader.read_import_parts(import_id, block)

    async def close(self) -> None:
        """Finish what was submitted, bring the file up to date and let go of it."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._writer.finish)
        if self._integrator is not None:
            await asyncio.to_thread(self._integrator.finish)
        self._reader.close()
        await asyncio.to_thread(self._aside.close)
        await asyncio.to_thread(self._folding.close)
        await asyncio.to_thread(self._fold_log)

    def _fold_log(self) -> None:
        """Fold the write-ahead log into the file; where the disk is full the next start does it."""
        try:
            self._writing.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.Error:
            _log.warning("the write-ahead log stays beside the database for now", exc_info=True)
        self._writing.close()
