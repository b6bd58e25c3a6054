"""What commands of a batch are shown: stored facts, overlaid with what earlier ones changed.

It knows no database: it is filled with what was loaded, and it keeps what is to be written.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import msgspec

from consentry.domain.agents import Agent
from consentry.domain.alike import Alike
from consentry.domain.calls_to_action import CallToAction
from consentry.domain.campaign_keywords import CampaignKeyword
from consentry.domain.customers import Customer
from consentry.domain.directory import Brand, Directory, Program, Sender
from consentry.domain.drift import Drift
from consentry.domain.entries import Entry, EntryKind, fold
from consentry.domain.imports import ImportRun
from consentry.domain.messages import Direction, Job, JobState, Message
from consentry.domain.microseconds import to_microseconds
from consentry.domain.notices import Notice
from consentry.domain.policy import Policy
from consentry.domain.review import ReviewCase
from consentry.domain.standing import Standing, apply_pieces
from consentry.domain.webhooks import Webhook
from consentry.ports import (
    Change,
    ConversationMark,
    Held,
    IdempotencyRecord,
    Ids,
    Needs,
    Receipt,
    Record,
    ServerProcess,
    Session,
    SignInLink,
    Work,
    spell_out,
)
from consentry.store.changed import Changed, Encoder, Row, encode_change
from consentry.store.derived import derive_notices
from consentry.store.derived_events import derive_events
from consentry.store.erased import recall
from consentry.store.loaded import Loaded, Wanted
from consentry.store.outbox import Outbox
from consentry.store.profiles import Profiles
from consentry.store.sealing import SEALING

_EMPTY = Standing()
_Pair = tuple[str, str]
K = TypeVar("K")
T = TypeVar("T")


class _Named(Protocol):
    @property
    def id(self) -> str: ...


N = TypeVar("N", bound=_Named)


def _by_id(found: Iterable[N]) -> dict[str, N]:
    return {one.id: one for one in found}


class NotNeeded(LookupError):
    """A command asked for a fact that its `needs` did not name: a fault in the command."""

    def __init__(self, fact: str, key: object) -> None:
        super().__init__(f"The command asks for {fact} {key!r} without naming it in its needs.")


class KnownAlready(ValueError):
    """Entries that are alike are about somebody who is known: a fault in the command."""

    def __init__(self) -> None:
        super().__init__("The command writes alike about strangers and about somebody known.")


class Surroundings(msgspec.Struct, frozen=True):
    """What is the same for all commands of a batch."""

    now: datetime
    ids: Ids
    policy: Policy
    directory: Directory


class DrawnIds:
    """Implements `Ids` for one batch, and remembers what it gave: no row has such an id yet."""

    def __init__(self, ids: Ids) -> None:
        """Draw from these."""
        self._new = ids.new
        self._new_many = ids.new_many
        self.drawn: set[str] = set()

    def new(self, prefix: str) -> str:
        """Return a new unique id."""
        drawn = self._new(prefix)
        self.drawn.add(drawn)
        return drawn

    def new_many(self, prefix: str, count: int) -> list[str]:
        """Return many new ids; they are remembered by nobody, as entries are by none."""
        return self._new_many(prefix, count)


class WorkingSet(Generic[Row]):
    """Implements `ports.Facts` for one command after the other, and applies their changes."""

    def __init__(
        self,
        surroundings: Surroundings,
        wanted: Wanted,
        loaded: Loaded,
        *,
        encoder: Encoder[Row],
    ) -> None:
        """Start from what was wanted and found; changes are kept as the encoder writes them."""
        self.now = surroundings.now
        self.ids = DrawnIds(surroundings.ids)
        self.policy = surroundings.policy
        self.directory = surroundings.directory
        self.changed: Changed[Row] = Changed(
            drawn=self.ids.drawn, known_standings=loaded.standings.keys()
        )
        self._encoder = encoder
        self.asking = Needs()
        self._wanted = wanted
        self._standings = (
            dict.fromkeys(wanted.recipients, _EMPTY) | loaded.recalled | loaded.standings
        )
        self._alike: dict[str, Alike] = {}
        self._recalled = loaded.recalled
        self._erased_texts = loaded.erased_texts
        self._held = loaded.held
        self._messages: dict[str, Message] = {}
        self._inbound: dict[tuple[str, str, str], str] = {}
        self._outbound: dict[_Pair, str] = {}
        for message in (*loaded.inbound, *loaded.outbound, *loaded.messages):
            self._put_message(message)
        for work in loaded.works:
            self._put_message(work.message)
        self._outbox = Outbox(work.job for work in loaded.works)
        self._profiles = Profiles(loaded.customers, loaded.holders, wanted.profiles)
        self._idempotency = {(r.owner, r.key): r for r in loaded.idempotency}
        self._receipts: dict[_Pair, dict[str, Receipt]] = {}
        for receipt in loaded.receipts:
            self._put_receipt(receipt)
        self._refusals = loaded.refusals
        self._processes = _by_id(loaded.processes)
        self._agents = _by_id(loaded.agents)
        self._links = _by_id(loaded.links)
        self._sessions = _by_id(loaded.sessions)
        self._marks = {(mark.recipient, mark.sender): mark for mark in loaded.marks}
        self._drifts: dict[str, dict[str, Drift]] = {}
        for drift in loaded.drifts:
            self._put_drift(drift)
        self._reviews = _by_id(loaded.reviews)
        self._imports = _by_id(loaded.imports)

    # --- What a command is shown (ports.Facts) ----------------------------------------------

    def standing(self, recipient: str) -> Standing:
        """Return the standing after the commands so far; empty for a number never seen."""
        try:
            return self._standings[recipient]
        except KeyError:
            return self._stand_alike(recipient)

    def _stand_alike(self, recipient: str) -> Standing:
        """Work out the standing behind one of many entries that are alike: few are ever asked."""
        alike = _asked(self._alike, recipient, "the standing of")
        entry = alike.read(alike.find(recipient))
        standing = self._standings[recipient] = fold((entry,))
        return standing

    def strangers(self, recipients: Iterable[str]) -> AbstractSet[str]:
        """Tell of whom nothing is known after the commands so far."""
        known, outbox = self._standings, self._outbox
        found = {recipient for recipient in recipients if known.get(recipient) is _EMPTY}
        return {r for r in found if not outbox.names(r)} if outbox else found

    def inbound(self, carrier: str, carrier_message_id: str, recipient: str) -> Message | None:
        """Return the message of this person under the carrier's id."""
        pair = (carrier, carrier_message_id)
        if pair not in self._wanted.inbound:
            raise NotNeeded("the inbound message", pair)
        found = self._inbound.get((*pair, recipient))
        return None if found is None else self._messages[found]

    def was_erased(
        self, direction: Direction, carrier: str, carrier_message_id: str, recipient: str
    ) -> bool:
        """Tell whether a text that is not there was erased with its person, not long ago."""
        erased = self._erased_texts
        return bool(erased) and (direction, carrier, carrier_message_id, recipient) in erased

    def outbound(self, carrier: str, carrier_message_id: str) -> Message | None:
        """Return the outbound message under the carrier's id."""
        key = (carrier, carrier_message_id)
        if key not in self._outbound and key not in self._wanted.outbound:
            raise NotNeeded("the outbound message", key)
        found = self._outbound.get(key)
        return None if found is None else self._messages[found]

    def message(self, message_id: str) -> Message | None:
        """Return a message by our id."""
        found = self._messages.get(message_id)
        if found is None and message_id not in self._wanted.messages:
            raise NotNeeded("the message", message_id)
        return found

    def job(self, message_id: str) -> Job | None:
        """Return the job of a message, while it is in the outbox."""
        if message_id not in self._messages and message_id not in self._wanted.messages:
            raise NotNeeded("the job of", message_id)
        return self._outbox.find(message_id)

    def queued_work(self, recipient: str) -> tuple[Work, ...]:
        """Return the recipient's jobs that are queued and not claimed."""
        self._check_queue(recipient)
        return tuple(map(self._work, self._outbox.of(recipient, JobState.QUEUED)))

    def in_flight(self, recipient: str) -> tuple[str, ...]:
        """Return the message ids of the recipient's jobs that are with a carrier."""
        self._check_queue(recipient)
        return tuple(job.message for job in self._outbox.of(recipient, JobState.CLAIMED))

    def due_work(self) -> tuple[Work, ...]:
        """Return the due jobs the command asked for, most urgent first.

        A job whose recipient's standing is not at hand (one that was queued within this batch
        by a command that did not ask for it) waits for the next claim.
        """
        due = self._outbox.due(self.asking.due_jobs, self.now)
        return tuple(
            self._work(job)
            for job in due
            if job.recipient in self._standings or job.recipient in self._alike
        )

    def unmatched_receipts(self, carrier: str, carrier_message_id: str) -> tuple[Receipt, ...]:
        """Return receipts that came before we knew the carrier's id."""
        key = (carrier, carrier_message_id)
        if key not in self._wanted.receipts:
            raise NotNeeded("the receipts", key)
        known = self._receipts.get(key, {})
        return tuple(receipt for receipt in known.values() if receipt.message is None)

    def refusals_since(self, sender: str, since: datetime) -> int:
        """Count the carrier's "opted out" answers for a sender since then, up to a thousand."""
        earliest = to_microseconds(since)
        times = _asked(self._refusals, sender, "the refusals of")
        return sum(time >= earliest for time in times)

    def profile_of(self, recipient: str) -> str | None:
        """Return the oldest customer that has this number."""
        if recipient not in self._wanted.profiles:
            raise NotNeeded("the profile of", recipient)
        return self._profiles.oldest_holder(recipient)

    def customer(self, customer_id: str) -> Customer | None:
        """Return a customer by id."""
        if not self._profiles.knows(customer_id) and customer_id not in self._wanted.customers:
            raise NotNeeded("the customer", customer_id)
        return self._profiles.find(customer_id)

    def idempotent(self, owner: str, key: str) -> IdempotencyRecord | None:
        """Return the first answer given to this key."""
        pair = (owner, key)
        if pair not in self._idempotency and pair not in self._wanted.idempotency:
            raise NotNeeded("the answer to", pair)
        return self._idempotency.get(pair)

    def agents(self) -> tuple[Agent, ...]:
        """Return all agents in the order they were made."""
        if not self._wanted.agents:
            raise NotNeeded("the", "agents")
        return tuple(self._agents.values())

    def processes(self) -> tuple[ServerProcess, ...]:
        """Return all processes in the order of their coming."""
        if not self._wanted.processes:
            raise NotNeeded("the", "processes")
        return tuple(sorted(self._processes.values(), key=lambda process: process.joined))

    def sign_in_link(self, link_id: str) -> SignInLink | None:
        """Return a sign-in link."""
        return _found(self._links, link_id, self._wanted.links, "the sign-in link")

    def session(self, session_id: str) -> Session | None:
        """Return a session."""
        return _found(self._sessions, session_id, self._wanted.sessions, "the session")

    def mark(self, recipient: str, sender: str) -> ConversationMark | None:
        """Return how far a conversation was read."""
        return _found(self._marks, (recipient, sender), self._wanted.marks, "the mark of")

    def drifts(self, recipient: str) -> tuple[Drift, ...]:
        """Return all drifts of a recipient, in the order they were found."""
        if recipient not in self._wanted.drifts:
            raise NotNeeded("the drifts of", recipient)
        known = self._drifts.get(recipient, {})
        return tuple(known[drift_id] for drift_id in sorted(known))

    def review(self, review_id: str) -> ReviewCase | None:
        """Return a review."""
        return _found(self._reviews, review_id, self._wanted.reviews, "the review")

    def import_run(self, import_id: str) -> ImportRun | None:
        """Return an import."""
        return _found(self._imports, import_id, self._wanted.imports, "the import")

    def held(self, recipient: str) -> Held:
        """Return all that is held of a recipient."""
        return _asked(self._held, recipient, "what is held of")

    def _put_drift(self, drift: Drift) -> None:
        self._drifts.setdefault(drift.recipient, {})[drift.id] = drift

    def _check_queue(self, recipient: str) -> None:
        if recipient not in self._wanted.queues:
            raise NotNeeded("the outbox of", recipient)

    def _work(self, job: Job) -> Work:
        message = self._messages[job.message]
        return Work(job, message, SEALING.is_unopened(message.body))

    # --- What a command changes -------------------------------------------------------------

    def apply(self, change: Change) -> None:
        """Put a command's change on top; all of it, or, where this raises, nothing of it."""
        if self._recalled:
            change = recall(change, self._recalled, self.now, self.ids)
        change = self._check_strangers(change) if change.alike else change
        encoded = encode_change(change, self._encoder, self._list_notices(change))
        standings = self._stand_after(change.entries)
        self.changed.add(encoded, change, self.directory.erased_keys)
        self.changed.stand(standings)
        self._standings.update(standings)
        for alike in change.alike:
            self._put_alike(alike)
        for entry in change.entries:
            self._count_refusal(entry)
        for message in change.messages:
            self._put_message(message)
        for job in change.jobs:
            self._outbox.put(job)
        for message_id in change.finished_jobs:
            self._outbox.finish(message_id)
        for record in change.records:
            self._put_record(record)
        self._forget(change)
        if self._recalled:
            for entry in change.entries:
                self._recalled.pop(entry.recipient, None)

    def _check_strangers(self, change: Change) -> Change:
        """See that what is alike is about strangers; spell it out where somebody is told of it."""
        numbers = [number for alike in change.alike for number in alike.recipients]
        known = self._standings
        if len(set(numbers)) < len(numbers) or any(known.get(n) is not _EMPTY for n in numbers):
            raise KnownAlready
        return spell_out(change) if self.directory.webhooks else change

    def _put_alike(self, alike: Alike) -> None:
        recipients = alike.recipients
        for recipient in recipients:
            del self._standings[recipient]
        self._alike.update(dict.fromkeys(recipients, alike))

    def _forget(self, change: Change) -> None:
        for customer in change.deleted_customers:
            self._profiles.delete(customer)
        for process in change.ended_processes:
            self._processes.pop(process, None)
        for pair in change.forgotten_answers:
            self._idempotency.pop(pair, None)

    def _list_notices(self, change: Change) -> list[Notice]:
        """Make what programs are told of a change; few texts and few companies have any to tell."""
        told = [message for message in change.messages if message.callback is not None]
        notices: list[Notice] = [*derive_notices(told, self._messages)] if told else []
        if self.directory.webhooks:
            notices += derive_events(
                change, self.directory, known=self._messages, standing_of=self.standing
            )
        return notices

    def _stand_after(self, entries: Iterable[Entry]) -> dict[str, Standing]:
        """Fold the entries that changed a standing into the standings they lead to."""
        after: dict[str, Standing] = {}
        for entry in entries:
            if entry.pieces:
                before = after.get(entry.recipient) or self.standing(entry.recipient)
                after[entry.recipient] = apply_pieces(before, entry.pieces)
        return after

    def _count_refusal(self, entry: Entry) -> None:
        if entry.kind is EntryKind.CARRIER_REFUSED and entry.sender in self._refusals:
            self._refusals[entry.sender].append(to_microseconds(entry.recorded_at))

    def _put_message(self, message: Message) -> None:
        self._messages[message.id] = message
        if message.carrier is not None and message.carrier_message_id is not None:
            pair = message.carrier, message.carrier_message_id
            if message.direction is Direction.INBOUND:
                self._inbound[*pair, message.recipient] = message.id
            else:
                self._outbound[pair] = message.id

    def _put_receipt(self, receipt: Receipt) -> None:
        key = (receipt.carrier, receipt.carrier_message_id)
        self._receipts.setdefault(key, {})[receipt.id] = receipt

    def _put_record(self, record: Record) -> None:
        match record:
            case Customer():
                self._profiles.put(record)
            case Receipt():
                self._put_receipt(record)
            case IdempotencyRecord():
                self._idempotency[record.owner, record.key] = record
            case Brand() | Sender() | Program() | CallToAction() | CampaignKeyword() | Webhook():
                self.directory = _with_record(self.directory, record)
            case ServerProcess():
                self._processes[record.id] = record
            case Agent():
                self._agents[record.id] = record
            case Drift():
                self._put_drift(record)
            case _:
                self._put_console_record(record)

    def _put_console_record(self, record: Record) -> None:
        match record:
            case SignInLink():
                self._links[record.id] = record
            case Session():
                self._sessions[record.id] = record
            case ConversationMark():
                self._marks[record.recipient, record.sender] = record
            case ReviewCase():
                self._reviews[record.id] = record
            case ImportRun():
                self._imports[record.id] = record
            case _:
                # Carrier accounts, keys and comparisons are shown to no command.
                pass


def _asked(known: dict[str, T], key: str, fact: str) -> T:
    try:
        return known[key]
    except KeyError:
        raise NotNeeded(fact, key) from None


def _found(known: dict[K, T], key: K, wanted: dict[K, None], fact: str) -> T | None:
    if key not in known and key not in wanted:
        raise NotNeeded(fact, key)
    return known.get(key)


def _with_record(
    directory: Directory,
    record: Brand | Sender | Program | CallToAction | CampaignKeyword | Webhook,
) -> Directory:
    match record:
        case Brand():
            brands = {**directory.brands, record.id: record}
            return msgspec.structs.replace(directory, brands=brands)
        case Sender():
            senders = {**directory.senders, record.number: record}
            return msgspec.structs.replace(directory, senders=senders)
        case Program():
            programs = {**directory.programs, record.id: record}
            return msgspec.structs.replace(directory, programs=programs)
        case CallToAction():
            calls = {**directory.calls_to_action, record.id: record}
            return msgspec.structs.replace(directory, calls_to_action=calls)
        case CampaignKeyword():
            keywords = {k: known for k, known in directory.keywords.items() if k != record.id}
            if record.removed_at is None:
                keywords[record.id] = record
            return msgspec.structs.replace(directory, keywords=keywords)
        case Webhook():
            webhooks = {k: known for k, known in directory.webhooks.items() if k != record.id}
            if record.removed_at is None:
                webhooks[record.id] = record
            return msgspec.structs.replace(directory, webhooks=webhooks)
