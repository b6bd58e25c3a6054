"""A store in dictionaries: the commands' side of `ports.Store`, one command a batch.

It is as strict as a real store: a command is shown only what its `needs` asked for.
"""

import math
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from consentry.domain.agents import Agent
from consentry.domain.calls_to_action import CallToAction
from consentry.domain.campaign_keywords import CampaignKeyword
from consentry.domain.customers import Customer
from consentry.domain.directory import Brand, Directory, Program, Sender
from consentry.domain.drift import Drift, Reconciliation
from consentry.domain.entries import (
    AUDIT_KINDS,
    NOBODY,
    Actor,
    ActorKind,
    Entry,
    EntryKind,
)
from consentry.domain.erasure import list_pieces
from consentry.domain.imports import ImportPart, ImportRun
from consentry.domain.keywords import is_our_opt_in
from consentry.domain.messages import REPEATED_FOR, Direction, Job, JobState, Message
from consentry.domain.policy import Policy
from consentry.domain.reading import CarrierWord
from consentry.domain.review import ReviewCase
from consentry.domain.standing import BlockState, SMSPreference, Standing, apply_pieces
from consentry.domain.templates import Template
from consentry.domain.webhooks import Webhook, WebhookHealth, WebhookSecrets
from consentry.ports import (
    APIKey,
    CarrierAccount,
    Change,
    Command,
    ConversationMark,
    Destroyed,
    DriftFilter,
    EntryFilter,
    Expiry,
    Held,
    IdempotencyRecord,
    LastSeen,
    ListedNotice,
    Mentions,
    MessageFilter,
    Needs,
    NoticeFilter,
    NoticePage,
    OptOut,
    OptOutFilter,
    OptOutPage,
    Page,
    Receipt,
    Record,
    ReviewFilter,
    ServerProcess,
    Session,
    SignInLink,
    StoreUnavailable,
    TextHash,
    Work,
    spell_out,
)
from consentry.store.derived import derive_notices, lane_of
from consentry.store.derived_events import derive_events

if TYPE_CHECKING:
    from consentry.domain.notices import Notice

T = TypeVar("T")
SYSTEM: Final = Actor(ActorKind.SYSTEM)
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class NotAsked(LookupError):
    """A command looked at something that its `needs` did not name."""


class FakeClock:
    """A clock that moves only when told to."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        """Return the time it was set to."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds since the start."""
        return (self._now - START).total_seconds()

    def advance(self, **delta: float) -> None:
        """Move by a timedelta's arguments; negative turns the clock back."""
        self._now += timedelta(**delta)


class CountingIds:
    """Ids that count up, so that a failing test reads the same every time."""

    def __init__(self) -> None:
        self._count = 0

    def new(self, prefix: str) -> str:
        """Return the next id; ids sort in the order they were made."""
        self._count += 1
        return f"{prefix}_{self._count:06}"

    def new_many(self, prefix: str, count: int) -> list[str]:
        """Return the next ids."""
        return [self.new(prefix) for _ in range(count)]


class MemoryStore:
    """Everything in dictionaries, changed only through commands."""

    def __init__(
        self,
        directory: Directory | None = None,
        policy: Policy | None = None,
        clock: FakeClock | None = None,
    ) -> None:
        self._directory = directory or Directory()
        self.policy = policy or Policy()
        self.clock = clock or FakeClock()
        self.ids = CountingIds()
        self.entries: list[Entry] = []
        self.standings: dict[str, Standing] = {}
        self.messages: dict[str, Message] = {}
        self.jobs: dict[str, Job] = {}
        self.sealed: set[str] = set()
        self.customers: dict[str, Customer] = {}
        self.receipts: dict[str, Receipt] = {}
        self.carriers: dict[str, CarrierAccount] = {}
        self.keys: dict[str, APIKey] = {}
        self.templates: dict[str, Template] = {}
        self.idempotency: dict[tuple[str, str], IdempotencyRecord] = {}
        self.agents: dict[str, Agent] = {}
        self.links: dict[str, SignInLink] = {}
        self.sessions: dict[str, Session] = {}
        self.marks: dict[tuple[str, str], ConversationMark] = {}
        self.processes: dict[str, ServerProcess] = {}
        self.notices: dict[str, Notice] = {}
        self.webhook_secrets: dict[str, WebhookSecrets] = {}
        self.webhook_health: dict[str, WebhookHealth] = {}
        self.drifts: dict[str, Drift] = {}
        self.expiries: dict[tuple[str, str], Expiry] = {}
        self.reviews: dict[str, ReviewCase] = {}
        self.imports: dict[str, ImportRun] = {}
        self.import_parts: list[ImportPart] = []
        self.reconciliations: dict[str, Reconciliation] = {}
        self.calls_to_action: dict[tuple[str, int], CallToAction] = {}
        self.erased: dict[tuple[str, str], Standing] = {}
        self.erased_texts: dict[tuple[str, str], datetime] = {}
        self.available = True
        self.pressed_seconds_ago = math.inf

    # --- Commands ---------------------------------------------------------------------------

    def run(self, command: Command[T]) -> T:
        """Carry a command out at once: all of its change, or, where it raises, nothing."""
        self._check_available()
        facts = MemoryFacts(self, command.needs())
        outcome, change = command.decide(facts)
        self._apply(change)
        return outcome

    async def submit(self, command: Command[T], *, is_patient: bool = False) -> T:
        """Carry a command out, as the port has it; nobody is in its way here."""
        del is_patient
        return self.run(command)

    def post(self, command: Command[object]) -> None:
        """Carry a command out that nobody waits for, where the store works."""
        if self.available:
            self.run(command)

    def _apply(self, change: Change) -> None:
        change = spell_out(change)
        derived = self._derive_notices(change)
        for destroyed in change.destroyed:
            self._destroy(destroyed)
        for entry in change.entries:
            self._recall(entry)
            self.entries.append(entry)
            if entry.pieces:
                known = self.standing(entry.recipient)
                self.standings[entry.recipient] = apply_pieces(known, entry.pieces)
        self._apply_notices(change, derived)
        self.messages.update({message.id: message for message in change.messages})
        self.jobs.update({job.message: job for job in change.jobs})
        for message_id in change.finished_jobs:
            self.jobs.pop(message_id, None)
        for record in change.records:
            self._put(record)
        for customer_id in change.deleted_customers:
            del self.customers[customer_id]
        for process in change.ended_processes:
            self.processes.pop(process, None)
        for pair in change.forgotten_answers:
            del self.idempotency[pair]
        if change.repeats_over is not None:
            young = {
                t: until for t, until in self.erased_texts.items() if until > change.repeats_over
            }
            self.erased_texts = young

    def _destroy(self, destroyed: Destroyed) -> None:
        """Leave an empty entry in each place, and what was kept under the number's hash."""
        number = destroyed.recipient
        for place in destroyed.places:
            old = self.entries[place]
            self.entries[place] = Entry(
                old.id, "erased", EntryKind.ENTRY_ERASED, old.at, old.recorded_at, SYSTEM
            )
        self.standings.pop(number, None)
        kept: tuple[dict[Any, Any], ...] = (self.messages, self.jobs, self.receipts, self.notices)
        for rows in (*kept, self.marks, self.drifts, self.reviews, self.expiries):
            for key in [key for key, row in rows.items() if row.recipient == number]:
                del rows[key]
        for pair in destroyed.hashes:
            self.erased.pop(pair, None)
        if destroyed.kept is not None:
            self.erased[destroyed.hashes[0]] = destroyed.kept
        self.erased_texts.update({(t.key, t.hash): t.until for t in destroyed.texts})
        if destroyed.kept is not None or destroyed.texts:
            keys = (destroyed.hashes[0][0],)
            self._directory = msgspec.structs.replace(self._directory, erased_keys=keys)

    def _recall(self, entry: Entry) -> None:
        """Begin the ledger of an erased number anew with what stands against it."""
        number = entry.recipient
        if number in self.standings or number == NOBODY or self.standing(number) == Standing():
            return
        standing = self.standings[number] = self.standing(number)
        recalled = Entry(
            self.ids.new("ent"),
            number,
            EntryKind.STANDING_RECALLED,
            entry.recorded_at,
            entry.recorded_at,
            SYSTEM,
            pieces=list_pieces(standing),
        )
        self.entries.append(recalled)

    def _derive_notices(self, change: Change) -> "list[Notice]":
        """Make what programs are told, from how everything was before the change."""
        directory, known = self._directory, self.messages
        events = derive_events(change, directory, known=known, standing_of=self.standing)
        return [*derive_notices(change.messages, known), *events]

    def _apply_notices(self, change: Change, derived: "list[Notice]") -> None:
        for notice_id in change.told:
            self.notices.pop(notice_id, None)
        for notice in (*derived, *change.notices):
            self.notices.setdefault(notice.id, notice)
        for notice_id in change.forgotten:
            if self.notices[notice_id].given_up is not None:
                del self.notices[notice_id]
        self.notices.update({notice.id: notice for notice in change.replayed})
        for postponed in change.postponed:
            self.notices[postponed.notice.id] = postponed.notice

    def _put(self, record: Record) -> None:
        known = self._directory
        match record:
            case Brand():
                brands = {**known.brands, record.id: record}
                self._directory = msgspec.structs.replace(known, brands=brands)
            case Sender():
                senders = {**known.senders, record.number: record}
                self._directory = msgspec.structs.replace(known, senders=senders)
            case Program():
                programs = {**known.programs, record.id: record}
                self._directory = msgspec.structs.replace(known, programs=programs)
            case CallToAction():
                self.calls_to_action[record.id, record.version] = record
                calls = {**known.calls_to_action, record.id: record}
                self._directory = msgspec.structs.replace(known, calls_to_action=calls)
            case ServerProcess():
                self.processes[record.id] = record
            case Drift():
                self.drifts[record.id] = record
            case Expiry():
                self.expiries[record.recipient, record.program] = record
            case ReviewCase():
                self.reviews[record.id] = record
            case Reconciliation():
                self.reconciliations[record.id] = record
            case _:
                self._keep(record)

    def _keep(self, record: Record) -> None:
        match record:
            case CarrierAccount():
                self.carriers[record.id] = record
            case APIKey():
                self.keys[record.id] = record
            case Customer():
                self.customers[record.id] = record
            case Receipt():
                self.receipts[record.id] = record
            case IdempotencyRecord():
                self.idempotency[record.owner, record.key] = record
            case Webhook() | WebhookSecrets() | WebhookHealth():
                self._keep_webhook(record)
            case _:
                self._keep_of_console(record)

    def _keep_of_console(self, record: Record) -> None:
        match record:
            case ImportRun():
                self.imports[record.id] = record
            case ImportPart():
                self.import_parts.append(record)
            case CampaignKeyword():
                known = self._directory
                keywords = {**known.keywords, record.id: record}
                if record.removed_at is not None:
                    del keywords[record.id]
                self._directory = msgspec.structs.replace(known, keywords=keywords)
            case Template():
                self.templates[record.id] = record
            case Agent():
                self.agents[record.id] = record
            case SignInLink():
                self.links[record.id] = record
            case Session():
                self.sessions[record.id] = record
            case ConversationMark():
                self.marks[record.recipient, record.sender] = record

    def _keep_webhook(self, record: Webhook | WebhookSecrets | WebhookHealth) -> None:
        match record:
            case Webhook():
                known = self._directory
                webhooks = {**known.webhooks, record.id: record}
                if record.removed_at is not None:
                    del webhooks[record.id]
                self._directory = msgspec.structs.replace(known, webhooks=webhooks)
            case WebhookSecrets():
                self.webhook_secrets[record.id] = record
            case WebhookHealth():
                self.webhook_health[record.id] = record

    # --- Reads ------------------------------------------------------------------------------

    def standing(self, recipient: str) -> Standing:
        """Return what stands; empty for a number never seen."""
        known = self.standings.get(recipient)
        return known or self.erased.get(self.hash(recipient), Standing())

    def hash(self, number: str) -> tuple[str, str]:
        """Hash a number by the only key there is."""
        return "key", f"hash of {number[::-1]}"

    def held(self, number: str) -> Held:
        """Find all that is held of a number."""
        tables: dict[str, dict[Any, Any]] = {"messages": self.messages, "jobs": self.jobs}
        return Held(
            places=tuple(p for p, entry in enumerate(self.entries) if entry.recipient == number),
            rows={
                table: sum(row.recipient == number for row in rows.values())
                for table, rows in tables.items()
            },
            newest_at=max((e.recorded_at for e in self.entries_of(number)), default=None),
            customers=tuple(c for c in self.customers.values() if _has_phone(c, number)),
            hashes=(self.hash(number),),
            texts=tuple(
                TextHash(
                    *self.hash_text(m.direction, m.carrier, m.carrier_message_id, number),
                    m.updated_at + REPEATED_FOR,
                    m.direction is Direction.INBOUND
                    and (m.id in self._list_opt_ins(number) or is_our_opt_in(m.body)),
                )
                for m in self.messages.values()
                if m.recipient == number and m.carrier and m.carrier_message_id
            ),
        )

    def _list_opt_ins(self, number: str) -> set[str | None]:
        return {
            entry.message
            for entry in self.entries_of(number)
            if entry.carrier_reading and entry.carrier_reading.word is CarrierWord.OPT_IN
        }

    def hash_text(
        self, direction: Direction, carrier: str, known_as: str, number: str
    ) -> tuple[str, str]:
        """Hash a text by the only key there is."""
        return "key", f"hash of {direction} {carrier} {known_as[::-1]} {number[::-1]}"

    async def read_customer(self, customer_id: str) -> Customer | None:
        """Find a customer."""
        return self.customers.get(customer_id)

    async def read_profiles(self, recipient: str) -> list[Customer]:
        """List the customers that have this number."""
        return list(self.held(recipient).customers)

    async def read_mentions(self, recipients: list[str]) -> list[Mentions]:
        """Look where numbers are named beside their own rows."""
        self._check_available()
        return [self._find_mentions(recipient) for recipient in recipients]

    async def read_last_seen(self, after: str, limit: int) -> list[LastSeen]:
        """List numbers in order, with when something last happened with each."""
        numbers = sorted({e.recipient for e in self.entries if e.recipient > max(after, "+")})
        seen = [
            LastSeen(number, max(e.recorded_at for e in self.entries_of(number)))
            for number in numbers
            if number < ","
        ]
        return seen[:limit]

    async def read_held(self, recipient: str) -> dict[str, list[msgspec.Raw]]:
        """Read all that is held of a number, as JSON."""
        texts = (m for m in self.messages.values() if m.recipient == recipient)
        return {
            table: [msgspec.Raw(msgspec.json.encode(row)) for row in rows]
            for table, rows in (("entries", self.entries_of(recipient)), ("messages", list(texts)))
            if rows
        }

    def _find_mentions(self, recipient: str) -> Mentions:
        return Mentions(
            places=tuple(
                place
                for place, entry in enumerate(self.entries)
                if entry.recipient == NOBODY and recipient in (entry.text or "")
            ),
            answers=tuple(
                pair for pair, row in self.idempotency.items() if recipient.encode() in row.body
            ),
        )

    def entries_of(self, recipient: str) -> list[Entry]:
        """List a recipient's entries, oldest first."""
        return [entry for entry in self.entries if entry.recipient == recipient]

    def works(self, state: JobState) -> list[Work]:
        """List jobs in a state with their messages, most urgent first."""
        jobs = [job for job in self.jobs.values() if job.state is state]
        jobs.sort(key=lambda job: (job.priority, job.due_at, job.message))
        return [Work(job, self.messages[job.message], job.message in self.sealed) for job in jobs]

    async def read_entries_after(self, entry: str | None, limit: int) -> list[Entry]:
        """List entries in the order of their ids, as the port has it."""
        self._check_available()
        found = sorted(self.entries, key=lambda one: one.id)
        return [one for one in found if entry is None or one.id > entry][:limit]

    async def read_recipients(self, page: Page) -> list[tuple[str, Standing]]:
        """List every recipient, as the port has it."""
        found = sorted(self.standings.items())
        return [one for one in found if page.before is None or one[0] > page.before][: page.limit]

    async def read_messages(self, wanted: MessageFilter, page: Page) -> list[Message]:
        """List all messages, newest first, as the port has it."""
        del wanted
        return self._newest(self.messages, page)

    async def read_customers(self, page: Page) -> list[Customer]:
        """List customers, newest first, as the port has it."""
        return self._newest(self.customers, page)

    def _newest(self, kept: dict[str, T], page: Page) -> list[T]:
        ids = sorted(
            (one for one in kept if page.before is None or one < page.before), reverse=True
        )
        return [kept[one] for one in ids[: page.limit]]

    def pressed_ago(self) -> float:
        """Tell that nobody else is here, as the port has it."""
        return self.pressed_seconds_ago

    async def read_imports(self, page: Page, *, key: str | None = None) -> list[ImportRun]:
        """List imports, as the port has it."""
        found = [run for run in self.imports.values() if key in (None, run.key)]
        return sorted(found, key=lambda run: run.id, reverse=True)[: page.limit]

    async def read_import_parts(self, import_id: str, block: int) -> list[ImportPart]:
        """List what became of a block, as the port has it."""
        return [p for p in self.import_parts if (p.run, p.block) == (import_id, block)]

    async def read_keys(self) -> list[APIKey]:
        """List API keys, as the port has it."""
        self._check_available()
        return list(self.keys.values())

    async def read_templates(self) -> list[Template]:
        """List named wordings, as the port has it."""
        self._check_available()
        return list(self.templates.values())

    async def read_webhook_secrets(self, webhook: str) -> WebhookSecrets | None:
        """Find what a webhook's events are signed with."""
        self._check_available()
        return self.webhook_secrets.get(webhook)

    async def read_webhook_health(self) -> list[WebhookHealth]:
        """List how telling each webhook went last."""
        return list(self.webhook_health.values())

    async def read_message(self, message_id: str) -> Message | None:
        """Find a message."""
        return self.messages.get(message_id)

    async def read_notice(self, notice_id: str) -> "Notice | None":
        """Find a notice."""
        return self.notices.get(notice_id)

    async def list_notices(self, wanted: NoticeFilter, page: Page) -> NoticePage:
        """List notices of a state and a webhook, the latest first; the cursor is an id."""
        found = [
            ListedNotice(notice, notice.made_at)
            for notice in sorted(self.notices.values(), key=lambda n: n.id, reverse=True)
            if (notice.given_up is not None) == wanted.given_up
            and wanted.lane in (None, lane_of(notice))
            and (page.before is None or notice.id < page.before)
        ]
        shown = found[: page.limit]
        is_last = len(found) <= page.limit
        return NoticePage(shown, None if is_last else shown[-1].notice.id)

    async def read_carriers(self) -> list[CarrierAccount]:
        """List carrier accounts, as the port has it."""
        self._check_available()
        return list(self.carriers.values())

    async def read_call_to_action(self, call: str, version: int) -> CallToAction | None:
        """Find a version of a call to action, as the port has it."""
        self._check_available()
        return self.calls_to_action.get((call, version))

    async def read_calls_to_action(self, call: str, page: Page) -> list[CallToAction]:
        """List the versions of a call to action, as the port has it."""
        self._check_available()
        before = math.inf if page.before is None else int(page.before)
        found = [
            c for (known, n), c in self.calls_to_action.items() if known == call and n < before
        ]
        return sorted(found, key=lambda c: -c.version)[: page.limit]

    def _check_available(self) -> None:
        if not self.available:
            raise StoreUnavailable("the store was switched off by the test")

    def directory(self) -> Directory:
        """Return brands, senders, programs."""
        self._check_available()
        return self._directory

    async def read_directory(self) -> Directory:
        """Return brands, senders, programs, as the port has it."""
        return self.directory()

    async def read_standing(self, recipient: str) -> Standing:
        """Return the standing, as the port has it."""
        if not self.available:
            raise StoreUnavailable("the store was switched off by the test")
        return self.standing(recipient)

    async def read_facts(self, recipient: str) -> tuple[Directory, Standing]:
        """Return all that the gate asks."""
        return self.directory(), await self.read_standing(recipient)

    async def read_facts_of(self, recipients: list[str]) -> tuple[Directory, list[Standing]]:
        """Return all that the gate asks about these."""
        return self.directory(), await self.read_standings(recipients)

    async def read_standings(self, recipients: list[str]) -> list[Standing]:
        """Return the standings in the order asked."""
        return [await self.read_standing(recipient) for recipient in recipients]

    async def read_inbound(self, carrier: str, carrier_message_ids: list[str]) -> list[Message]:
        """List the texts that came in by these ids."""
        self._check_available()
        return [
            message
            for message in self.messages.values()
            if message.direction is Direction.INBOUND
            and message.carrier == carrier
            and message.carrier_message_id in carrier_message_ids
        ]

    async def read_messages_by_id(self, message_ids: list[str]) -> dict[str, Message]:
        """Find messages by their ids."""
        return {one: self.messages[one] for one in message_ids if one in self.messages}

    async def read_reviews(self, wanted: ReviewFilter, page: Page) -> list[ReviewCase]:
        """List reviews of a state, newest first."""
        found = [
            case
            for case in sorted(self.reviews.values(), key=lambda case: case.id, reverse=True)
            if wanted.state in (None, case.state)
            and (wanted.senders is None or case.sender in wanted.senders)
            and (page.before is None or case.id < page.before)
        ]
        return found[: page.limit]

    async def read_opt_outs(self, wanted: OptOutFilter, page: Page) -> OptOutPage:
        """List recipients of whom a block of the scopes stands, by number, a page at a time."""
        found = [
            OptOut(recipient, START, standing)
            for recipient, standing in sorted(self.standings.items())
            if (page.before is None or recipient > page.before)
            and _is_held(standing, wanted.scopes)
        ]
        is_last = len(found) <= page.limit
        shown = found[: page.limit]
        return OptOutPage(shown, None if is_last else shown[-1].recipient)

    async def read_drifts(self, wanted: DriftFilter, page: Page) -> list[Drift]:
        """List drifts of a state in a report, newest first."""
        found = [
            drift
            for drift in sorted(self.drifts.values(), key=lambda drift: drift.id, reverse=True)
            if (drift.state, drift.report) == (wanted.state, wanted.report)
            and (page.before is None or drift.id < page.before)
        ]
        return found[: page.limit]

    async def read_reconciliations(
        self, page: Page, *, carrier: str | None = None
    ) -> list[Reconciliation]:
        """List comparisons, the newest first."""
        known = sorted(self.reconciliations.values(), key=lambda r: r.id, reverse=True)
        return [r for r in known if carrier in (None, r.carrier)][: page.limit]

    async def read_audit(
        self, page: Page, *, agent: str | None = None, kinds: tuple[EntryKind, ...] | None = None
    ) -> list[Entry]:
        """List the entries of the audit, newest first."""
        self._check_available()
        wanted = [
            entry
            for entry in reversed(self.entries)
            if entry.kind in (kinds or AUDIT_KINDS) and agent in (None, entry.actor.id)
        ]
        ids = [entry.id for entry in wanted]
        start = 0 if page.before is None else ids.index(page.before) + 1
        return wanted[start : start + page.limit]

    async def read_entries(
        self,
        recipient: str,
        page: Page,
        *,
        until: datetime | None = None,
        wanted: EntryFilter | None = None,
    ) -> list[Entry]:
        """List a page of a recipient's entries, newest first."""
        if not self.available:
            raise StoreUnavailable("the store was switched off by the test")
        newest = [
            entry
            for entry in reversed(self.entries_of(recipient))
            if (until is None or entry.recorded_at <= until)
            and (page.before is None or entry.id < page.before)
            and _lets_through(wanted or EntryFilter(), entry)
        ]
        return newest[: page.limit]


class MemoryFacts:
    """What one command is shown: only what it asked for."""

    def __init__(self, store: MemoryStore, needs: Needs) -> None:
        self._store = store
        self._needs = needs
        self.now = store.clock.now()
        self.ids = store.ids
        self.policy = store.policy
        self.directory = store.directory()

    def standing(self, recipient: str) -> Standing:
        """Return the standing of a recipient that was asked for, or whose jobs are due."""
        due = {work.job.recipient for work in self.due_work()}
        self._check(recipient in (*self._needs.recipients, *due), f"standing of {recipient}")
        return self._store.standing(recipient)

    def strangers(self, recipients: Iterable[str]) -> AbstractSet[str]:
        """Tell of whom nothing is known."""
        waiting = {job.recipient for job in self._store.jobs.values()}
        return {r for r in recipients if self.standing(r) == Standing() and r not in waiting}

    def inbound(self, carrier: str, carrier_message_id: str, recipient: str) -> Message | None:
        """Find a text that this person sent."""
        asked = self._needs.inbound == (carrier, carrier_message_id)
        self._check(asked, f"inbound {carrier_message_id}")
        return self._by_carrier_id(Direction.INBOUND, carrier, carrier_message_id, recipient)

    def was_erased(
        self, direction: Direction, carrier: str, carrier_message_id: str, recipient: str
    ) -> bool:
        """Tell whether a text that is not there was erased with its person."""
        pair = (carrier, carrier_message_id)
        self._check(pair in (self._needs.inbound, self._needs.outbound), f"erased {pair}")
        self._check(recipient in self._needs.recipients, f"erased of {recipient}")
        return self._store.hash_text(direction, *pair, recipient) in self._store.erased_texts

    def outbound(self, carrier: str, carrier_message_id: str) -> Message | None:
        """Find a text that went out."""
        asked = self._needs.outbound == (carrier, carrier_message_id)
        self._check(asked, f"outbound {carrier_message_id}")
        return self._by_carrier_id(Direction.OUTBOUND, carrier, carrier_message_id)

    def _by_carrier_id(
        self, direction: Direction, carrier: str, known_as: str, recipient: str | None = None
    ) -> Message | None:
        for message in self._store.messages.values():
            key = (message.direction, message.carrier, message.carrier_message_id)
            if key == (direction, carrier, known_as) and recipient in (None, message.recipient):
                return message
        return None

    def message(self, message_id: str) -> Message | None:
        """Find a message by our id."""
        self._check(message_id in self._needs.messages, f"message {message_id}")
        return self._store.messages.get(message_id)

    def job(self, message_id: str) -> Job | None:
        """Find the job of a message that was asked for, by our id or the carrier's."""
        asked = message_id in self._needs.messages or self._needs.outbound is not None
        self._check(asked, f"job {message_id}")
        return self._store.jobs.get(message_id)

    def queued_work(self, recipient: str) -> tuple[Work, ...]:
        """List what waits for a recipient."""
        self._check_queue(recipient)
        works = self._store.works(JobState.QUEUED)
        return tuple(work for work in works if work.job.recipient == recipient)

    def in_flight(self, recipient: str) -> tuple[str, ...]:
        """List the recipient's messages that are with the carrier."""
        self._check_queue(recipient)
        works = self._store.works(JobState.CLAIMED)
        return tuple(work.message.id for work in works if work.job.recipient == recipient)

    def _check_queue(self, recipient: str) -> None:
        asked = self._needs.queued_jobs and recipient in self._needs.recipients
        self._check(asked, f"jobs of {recipient}")

    def due_work(self) -> tuple[Work, ...]:
        """List the due jobs asked for, most urgent first."""
        due: list[Work] = []
        for sender, limit in self._needs.due_jobs:
            works = self._store.works(JobState.QUEUED)
            mine = [w for w in works if w.job.sender == sender and w.job.due_at <= self.now]
            due += mine[:limit]
        return tuple(due)

    def unmatched_receipts(self, carrier: str, carrier_message_id: str) -> tuple[Receipt, ...]:
        """List receipts that came before we knew the carrier's id."""
        key = (carrier, carrier_message_id)
        self._check(self._needs.unmatched_receipts == key, f"receipts of {carrier_message_id}")
        receipts = self._store.receipts.values()
        return tuple(
            r for r in receipts if (r.carrier, r.carrier_message_id) == key and r.message is None
        )

    def refusals_since(self, sender: str, since: datetime) -> int:
        """Count the carrier's refusals of a sender."""
        self._check(self._needs.refusals_of == sender, f"refusals of {sender}")
        return sum(
            entry.kind is EntryKind.CARRIER_REFUSED
            and entry.sender == sender
            and entry.recorded_at >= since
            for entry in self._store.entries
        )

    def profile_of(self, recipient: str) -> str | None:
        """Find the oldest customer with a number."""
        asked = self._needs.profiles and recipient in self._needs.recipients
        self._check(asked, f"profile of {recipient}")
        holders = (c.id for c in self._store.customers.values() if _has_phone(c, recipient))
        return next(holders, None)

    def customer(self, customer_id: str) -> Customer | None:
        """Find a customer."""
        self._check(customer_id in self._needs.customers, f"customer {customer_id}")
        return self._store.customers.get(customer_id)

    def idempotent(self, owner: str, key: str) -> IdempotencyRecord | None:
        """Find the first answer to a key."""
        self._check((owner, key) in self._needs.idempotency, f"answer to {key}")
        return self._store.idempotency.get((owner, key))

    def agents(self) -> tuple[Agent, ...]:
        """List all agents."""
        self._check(self._needs.agents, "agents")
        return tuple(self._store.agents.values())

    def processes(self) -> tuple[ServerProcess, ...]:
        """List all processes."""
        self._check(self._needs.processes, "processes")
        return tuple(sorted(self._store.processes.values(), key=lambda one: one.joined))

    def sign_in_link(self, link_id: str) -> SignInLink | None:
        """Find a sign-in link."""
        self._check(link_id in self._needs.links, f"link {link_id}")
        return self._store.links.get(link_id)

    def session(self, session_id: str) -> Session | None:
        """Find a session."""
        self._check(session_id in self._needs.sessions, f"session {session_id}")
        return self._store.sessions.get(session_id)

    def mark(self, recipient: str, sender: str) -> ConversationMark | None:
        """Find how far a conversation was read."""
        self._check((recipient, sender) in self._needs.marks, f"mark of {recipient}")
        return self._store.marks.get((recipient, sender))

    def drifts(self, recipient: str) -> tuple[Drift, ...]:
        """List a recipient's drifts."""
        asked = self._needs.drifts and recipient in self._needs.recipients
        self._check(asked, f"drifts of {recipient}")
        return tuple(d for d in self._store.drifts.values() if d.recipient == recipient)

    def review(self, review_id: str) -> ReviewCase | None:
        """Find a review."""
        self._check(review_id in self._needs.reviews, f"review {review_id}")
        return self._store.reviews.get(review_id)

    def import_run(self, import_id: str) -> ImportRun | None:
        """Find an import."""
        self._check(import_id in self._needs.imports, f"import {import_id}")
        return self._store.imports.get(import_id)

    def held(self, recipient: str) -> Held:
        """Find all that is held of a number."""
        asked = self._needs.held and recipient in self._needs.recipients
        self._check(asked, f"what is held of {recipient}")
        return self._store.held(recipient)

    def _check(self, asked: bool, what: str) -> None:
        if not asked:
            raise NotAsked(f"The command looked at the {what} and did not ask for it in needs().")


def _is_held(standing: Standing, scopes: tuple[str, ...] | None) -> bool:
    """Tell whether a block of these scopes stands, or anything at all."""
    if scopes is None:
        return standing.sms_preference is SMSPreference.FORBIDDEN
    blocks = (block for block in standing.blocks if block.state is BlockState.BLOCKED)
    return any(block.scope in scopes for block in blocks)


def _has_phone(customer: Customer, number: str) -> bool:
    return any(phone.normalized == number for phone in customer.phones)


def claimable(senders: Iterable[str], limit: int = 100) -> tuple[tuple[str, int], ...]:
    """Ask to claim up to `limit` jobs of each sender."""
    return tuple((sender, limit) for sender in senders)


def _lets_through(wanted: EntryFilter, entry: Entry) -> bool:
    of_kind = wanted.kinds is None or entry.kind in wanted.kinds
    about_none = entry.sender is None
    return of_kind and (wanted.senders is None or about_none or entry.sender in wanted.senders)
