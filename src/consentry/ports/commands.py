"""Commands, what they need to be shown, and what they change.

Everything that can change consent is a `Command`, with a pure `decide`. The store gathers commands
into batches, loads what they need, lets each decide in order, and makes all changes durable in one
transaction.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from consentry.domain.agents import Agent
from consentry.domain.alike import Alike
from consentry.domain.calls_to_action import CallToAction
from consentry.domain.campaign_keywords import CampaignKeyword
from consentry.domain.customers import Customer
from consentry.domain.directory import Brand, Directory, Program, Sender
from consentry.domain.drift import Drift, Reconciliation
from consentry.domain.entries import Entry
from consentry.domain.imports import ImportPart, ImportRun
from consentry.domain.messages import Direction, Job, Message
from consentry.domain.notices import Notice, PostponedNotice
from consentry.domain.policy import Policy
from consentry.domain.review import ReviewCase
from consentry.domain.standing import Standing
from consentry.domain.templates import Template
from consentry.domain.webhooks import Webhook, WebhookHealth, WebhookSecrets
from consentry.ports.clock import Ids
from consentry.ports.erasing import Destroyed, Held
from consentry.ports.records import (
    APIKey,
    CarrierAccount,
    ConversationMark,
    Expiry,
    IdempotencyRecord,
    Receipt,
    ServerProcess,
    Session,
    SignInLink,
)

T_co = TypeVar("T_co", covariant=True)


class Needs(msgspec.Struct, frozen=True, gc=False):
    """What a command must be shown; the store loads it for a whole batch in set queries.

    `inbound` is (carrier, carrier_message_id) of a text that may have come before; `outbound`
    finds one of ours by such a pair, with its job. `refusals_of` is a sender. `due_jobs` asks
    for jobs that are due: per sender, how many. `agents` and `processes` ask for all of them.
    `idempotency` are pairs of owner and key. `links` and `sessions` are ids; `marks` are pairs
    of recipient and sender. `drifts` asks for all drifts of the recipients. `reviews` and
    `imports` are ids.
    `held` asks for all that is held of the recipients: such a command is carried out alone.
    """

    recipients: tuple[str, ...] = ()
    inbound: tuple[str, str] | None = None
    outbound: tuple[str, str] | None = None
    messages: tuple[str, ...] = ()
    idempotency: tuple[tuple[str, str], ...] = ()
    customers: tuple[str, ...] = ()
    queued_jobs: bool = False
    profiles: bool = False
    due_jobs: tuple[tuple[str, int], ...] = ()
    unmatched_receipts: tuple[str, str] | None = None
    refusals_of: str | None = None
    agents: bool = False
    processes: bool = False
    links: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    marks: tuple[tuple[str, str], ...] = ()
    drifts: bool = False
    reviews: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    held: bool = False


class Work(msgspec.Struct, frozen=True, gc=False):
    """A job with the message that it carries out.

    `is_sealed`: the text cannot be opened for want of its key, so nothing can be handed over.
    """

    job: Job
    message: Message
    is_sealed: bool = False


class Facts(Protocol):
    """What a command is shown: stored facts, overlaid with what earlier commands changed."""

    @property
    def now(self) -> datetime:
        """The time of this batch."""

    @property
    def ids(self) -> Ids:
        """Where new ids come from."""

    @property
    def policy(self) -> Policy:
        """The policy in force."""

    @property
    def directory(self) -> Directory:
        """Brands, senders, programs."""

    def standing(self, recipient: str) -> Standing:
        """The recipient's standing; empty for a number never seen."""

    def strangers(self, recipients: Iterable[str]) -> AbstractSet[str]:
        """Those of whom nothing is known: no standing, and no jobs where these were asked for."""

    def inbound(self, carrier: str, carrier_message_id: str, recipient: str) -> Message | None:
        """The message of this person that is stored under the carrier's id."""

    def was_erased(
        self, direction: Direction, carrier: str, carrier_message_id: str, recipient: str
    ) -> bool:
        """Tell whether a text that is not there was erased with its person, not long ago.

        Asked of the pair in `inbound` or `outbound`, and of the recipients.
        """

    def outbound(self, carrier: str, carrier_message_id: str) -> Message | None:
        """The outbound message known under the carrier's id."""

    def message(self, message_id: str) -> Message | None:
        """A message by our id."""

    def queued_work(self, recipient: str) -> tuple[Work, ...]:
        """Jobs of the recipient that are queued and not claimed."""

    def in_flight(self, recipient: str) -> tuple[str, ...]:
        """Message ids of the recipient's jobs that are claimed now."""

    def job(self, message_id: str) -> Job | None:
        """The job of a message, while it is in the outbox (needs the id in `messages`)."""

    def due_work(self) -> tuple[Work, ...]:
        """The jobs asked for by `due_jobs`, most urgent first."""

    def unmatched_receipts(self, carrier: str, carrier_message_id: str) -> tuple[Receipt, ...]:
        """Receipts that came before we knew the carrier's id."""

    def refusals_since(self, sender: str, since: datetime) -> int:
        """How many times the carrier said "opted out" for this sender since then."""

    def profile_of(self, recipient: str) -> str | None:
        """The oldest customer that has this number."""

    def customer(self, customer_id: str) -> Customer | None:
        """A customer by id."""

    def idempotent(self, owner: str, key: str) -> IdempotencyRecord | None:
        """The first answer given to this key."""

    def agents(self) -> tuple[Agent, ...]:
        """All agents, disabled ones too, in the order they were made."""

    def processes(self) -> tuple[ServerProcess, ...]:
        """All processes that serve this database, in the order of their coming."""

    def sign_in_link(self, link_id: str) -> SignInLink | None:
        """A sign-in link by the hash of its secret."""

    def session(self, session_id: str) -> Session | None:
        """A session by the hash of its secret."""

    def mark(self, recipient: str, sender: str) -> ConversationMark | None:
        """How far this conversation was read, if it ever was."""

    def drifts(self, recipient: str) -> tuple[Drift, ...]:
        """All drifts of a recipient, settled ones too, in the order they were found."""

    def review(self, review_id: str) -> ReviewCase | None:
        """A review by id."""

    def import_run(self, import_id: str) -> ImportRun | None:
        """An import by id: how far it has come."""

    def held(self, recipient: str) -> Held:
        """All that is held of a recipient."""


Record = (
    Brand
    | Sender
    | Program
    | CarrierAccount
    | APIKey
    | Customer
    | IdempotencyRecord
    | Receipt
    | Agent
    | Session
    | SignInLink
    | ConversationMark
    | ServerProcess
    | Drift
    | Reconciliation
    | CallToAction
    | Expiry
    | Template
    | CampaignKeyword
    | ReviewCase
    | ImportRun
    | ImportPart
    | Webhook
    | WebhookSecrets
    | WebhookHealth
)


class Change(msgspec.Struct, frozen=True, gc=False):
    """What a command changes: rows to write. The outcome goes back to who submitted it.

    `entries` are appended, and their pieces applied to the recipient's standing. `messages` and
    `jobs` and `records` are written whole, new or in the place of the one with the same key.
    `notices` are new; those of a message's status and those of events nobody names: the store
    makes them from the rest. `postponed` changes notices that are still there, `told` ends them by
    their ids; `replayed` are due at once, and `forgotten` end, where they were given up.
    `destroyed` goes before all else. `repeats_over`: some of the texts that were erased, and that
    carriers tell of no more by then, are forgotten. `alike` are entries too, and come before the
    others: `spell_out` gives them one by one.
    """

    entries: tuple[Entry, ...] = ()
    messages: tuple[Message, ...] = ()
    jobs: tuple[Job, ...] = ()
    finished_jobs: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()
    deleted_customers: tuple[str, ...] = ()
    ended_processes: tuple[str, ...] = ()
    forgotten_answers: tuple[tuple[str, str], ...] = ()
    notices: tuple[Notice, ...] = ()
    postponed: tuple[PostponedNotice, ...] = ()
    told: tuple[str, ...] = ()
    replayed: tuple[Notice, ...] = ()
    forgotten: tuple[str, ...] = ()
    destroyed: tuple[Destroyed, ...] = ()
    repeats_over: datetime | None = None
    alike: tuple[Alike, ...] = ()


def spell_out(change: Change) -> Change:
    """Give the same change with each of its entries by itself."""
    if not change.alike:
        return change
    spelled = tuple(entry for alike in change.alike for entry in alike.entries())
    return msgspec.structs.replace(change, entries=spelled + change.entries, alike=())


class Outcome(msgspec.Struct, frozen=True):
    """Marks a command that has nothing to tell but that it is done."""


class Command(Protocol[T_co]):
    """One action: a value that says what it needs and decides, purely, what changes."""

    def needs(self) -> Needs:
        """Say what must be loaded."""

    def decide(self, facts: Facts) -> tuple[T_co, Change]:
        """Decide the outcome and the change; raise `Rejected` to change nothing."""


class Rejected(Exception):
    """A command cannot be carried out: `code` for programs, the message for people.

    `code` is a lower_snake_case name; `status` is the HTTP status that fits.
    """

    def __init__(self, code: str, message: str, *, status: int = 409) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class StoreUnavailable(Exception):
    """The store cannot answer; the gate then says no, and a webhook is not acknowledged."""


class LogDamaged(StoreUnavailable):
    """The ledger's log is not what was written: somebody changed it. Says where, and what to do."""


class TextSealed(StoreUnavailable):
    """A text cannot be opened: its key is not at hand, or its bytes were changed. Says which."""
