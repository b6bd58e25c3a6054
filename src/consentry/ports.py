"""What the inside needs from the outside: a store, carriers, a clock, ids.

A command is a value with a pure `decide`. The store gathers commands into batches, loads what
they need, lets each decide in order, and makes all changes durable in one transaction.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

import msgspec

from consentry.domain.customers import Customer
from consentry.domain.directory import Brand, Directory, Program, Sender
from consentry.domain.entries import Entry
from consentry.domain.messages import Job, Message, MessageStatus
from consentry.domain.policy import Policy
from consentry.domain.standing import Standing

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Clock(Protocol):
    """The only reader of time."""

    def now(self) -> datetime:
        """Return the aware UTC time."""

    def monotonic(self) -> float:
        """Return seconds that never turn back, for measuring."""


class Ids(Protocol):
    """The only source of identifiers."""

    def new(self, prefix: str) -> str:
        """Return a new unique id that sorts by time, for example `msg_01K...`."""


# --- Records that are no consent: set up by people, kept as they are -------------------------


class Scope(StrEnum):
    """What an API key may do."""

    CHECK = "check"
    SEND = "send"
    READ = "read"
    CONSENT = "consent"
    CUSTOMERS = "customers"
    ADMIN = "admin"


class APIKey(msgspec.Struct, frozen=True):
    """A key of a program. Only the keyed hash of its secret is kept; `prefix` tells it apart."""

    id: str
    name: str
    prefix: str
    hash: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class CarrierAccount(msgspec.Struct, frozen=True):
    """An account with a carrier. `secret` signs webhooks and authenticates us: never shown."""

    id: str
    kind: str
    account: str
    secret: str
    base_url: str
    key_id: str | None = None
    key_secret: str | None = None


class IdempotencyRecord(msgspec.Struct, frozen=True):
    """The first answer given to an Idempotency-Key, to be given again."""

    owner: str
    key: str
    fingerprint: str
    status: int
    body: bytes
    created_at: datetime


class Receipt(msgspec.Struct, frozen=True):
    """A delivery report as the carrier sent it; `message` is ours, where we know it."""

    id: str
    carrier: str
    carrier_message_id: str
    recipient: str
    status: MessageStatus
    received_at: datetime
    message: str | None = None
    error_code: str | None = None


# --- Commands and what they change -----------------------------------------------------------


class Needs(msgspec.Struct, frozen=True):
    """What a command must be shown; the store loads it for a whole batch in set queries.

    `inbound` is (carrier, carrier_message_id) of a text that may have come before; `outbound`
    finds one of ours by the same pair, with its job. `refusals_of` is a sender. `due_jobs` asks
    for jobs that are due: per sender, how many. `claimed_jobs` asks for all jobs that a crash
    left claimed.
    """

    recipients: tuple[str, ...] = ()
    inbound: tuple[str, str] | None = None
    outbound: tuple[str, str] | None = None
    messages: tuple[str, ...] = ()
    idempotency: tuple[str, str] | None = None
    customers: tuple[str, ...] = ()
    queued_jobs: bool = False
    profiles: bool = False
    due_jobs: tuple[tuple[str, int], ...] = ()
    claimed_jobs: bool = False
    unmatched_receipts: tuple[str, str] | None = None
    refusals_of: str | None = None


class Work(msgspec.Struct, frozen=True):
    """A job with the message that it carries out."""

    job: Job
    message: Message


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

    def inbound(self, carrier: str, carrier_message_id: str) -> Message | None:
        """The inbound message stored under the carrier's id."""

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

    def claimed_work(self) -> tuple[Work, ...]:
        """All jobs in state claimed."""

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


Record = Brand | Sender | Program | CarrierAccount | APIKey | Customer | IdempotencyRecord | Receipt


class Change(msgspec.Struct, frozen=True):
    """What a command changes: rows to write. The outcome goes back to who submitted it.

    `entries` are appended, and their pieces applied to the recipient's standing. `messages` and
    `jobs` and `records` are written whole, new or in the place of the one with the same key.
    """

    entries: tuple[Entry, ...] = ()
    messages: tuple[Message, ...] = ()
    jobs: tuple[Job, ...] = ()
    finished_jobs: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()
    deleted_customers: tuple[str, ...] = ()


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


# --- The store -------------------------------------------------------------------------------


class Page(msgspec.Struct, frozen=True):
    """Where to go on in a list: newest first, `before` is the cursor of the page before."""

    limit: int = 50
    before: str | None = None


class MessageFilter(msgspec.Struct, frozen=True):
    """Which messages to list; None is any."""

    recipient: str | None = None
    sender: str | None = None
    status: MessageStatus | None = None


class Store(Protocol):
    """Where everything is kept. Reads are from the primary; nothing about consent is cached."""

    async def submit(self, command: Command[T]) -> T:
        """Carry a command out and return its outcome once it is durable.

        Raises `Rejected` where the command says so and `StoreUnavailable` where the store
        cannot make it durable.
        """

    def post(self, command: Command[object]) -> None:
        """Queue a command nobody waits for (a refused attempt): best effort, in order."""

    def directory(self) -> Directory:
        """Return brands, senders and programs as they are now."""

    async def read_standing(self, recipient: str) -> Standing:
        """Return the standing; raises `StoreUnavailable`."""

    async def read_facts(self, recipient: str) -> tuple[Directory, Standing]:
        """Return all that the gate asks, as it is now; raises `StoreUnavailable`."""

    async def read_standings(self, recipients: list[str]) -> list[Standing]:
        """Return the standings in the order asked."""

    async def read_entries(
        self, recipient: str, page: Page, *, until: datetime | None = None
    ) -> list[Entry]:
        """List a recipient's entries, newest first, recorded no later than `until`."""

    async def read_messages(self, wanted: MessageFilter, page: Page) -> list[Message]:
        """List messages, newest first."""

    async def read_message(self, message_id: str) -> Message | None:
        """Find a message."""

    async def read_customers(self, page: Page, *, search: str | None = None) -> list[Customer]:
        """List customers, newest first; `search` is any part of a name or number."""

    async def read_customer(self, customer_id: str) -> Customer | None:
        """Find a customer, merged ones too."""

    async def read_profiles(self, recipient: str) -> list[Customer]:
        """List the customers that have this number, oldest first."""

    async def read_carriers(self) -> list[CarrierAccount]:
        """List carrier accounts."""

    async def read_keys(self) -> list[APIKey]:
        """List API keys, revoked ones too."""

    async def read_recipients(self, page: Page) -> list[tuple[str, Standing]]:
        """List every recipient we hold a standing of, in the order of their numbers."""

    async def count_outbox(self) -> int:
        """Count jobs in the outbox."""

    async def read_indeterminate(self, limit: int, *, after: str | None = None) -> list[Work]:
        """List indeterminate work in the order of message ids, from behind the id `after`."""

    async def next_due(self) -> tuple[tuple[str, datetime], ...]:
        """List the senders that have queued jobs, each with its earliest due time."""

    async def close(self) -> None:
        """Finish what was submitted, then let go of the database."""


# --- Carriers --------------------------------------------------------------------------------


class WebhookRequest(msgspec.Struct, frozen=True):
    """An HTTP request from a carrier as it came. `url` is the one the carrier was given."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class InboundText(msgspec.Struct, frozen=True):
    """A text as the carrier reported it; `sent_at` is the carrier's time where it gives one."""

    carrier_message_id: str
    recipient: str
    sender: str
    body: str
    media: tuple[str, ...] = ()
    sent_at: datetime | None = None
    opt_out_type: str | None = None
    token: str | None = None


class StatusReport(msgspec.Struct, frozen=True):
    """A delivery report as the carrier sent it. `message` is our id, from the callback URL."""

    carrier_message_id: str
    recipient: str
    sender: str
    status: MessageStatus
    error_code: str | None = None
    opted_out: bool = False
    message: str | None = None


class Forged(Exception):
    """A webhook whose signature is not the carrier's: 403, nothing stored."""


class Malformed(Exception):
    """A webhook that is signed and cannot be read: 400 with this reason."""


class OutboundText(msgspec.Struct, frozen=True):
    """A text to hand to a carrier."""

    message: str
    recipient: str
    sender: str
    body: str
    media: tuple[str, ...] = ()
    messaging_service_sid: str | None = None


class Accepted(msgspec.Struct, frozen=True):
    """The carrier took the text under this id."""

    carrier_message_id: str
    status: MessageStatus = MessageStatus.SENT


class CarrierRefusal(msgspec.Struct, frozen=True):
    """The carrier said no. Only `opted_out` says anything about consent.

    A refusal that is not `permanent` may be tried again, after `retry_after_seconds` if given.
    """

    permanent: bool
    opted_out: bool
    code: str
    text: str
    retry_after_seconds: float | None = None


class Unanswered(msgspec.Struct, frozen=True):
    """The text may or may not have gone out: no answer came. Never blindly resent."""

    text: str


Submission = Accepted | CarrierRefusal | Unanswered


class Carrier(Protocol):
    """One account with one carrier."""

    @property
    def id(self) -> str:
        """The id under which the account is set up."""

    @property
    def kind(self) -> str:
        """The carrier's name as the readers know it, for example `twilio`."""

    def read_inbound(self, request: WebhookRequest) -> InboundText:
        """Verify and read an inbound webhook; raises `Forged`, `Malformed`."""

    def read_status(self, request: WebhookRequest) -> StatusReport:
        """Verify and read a status webhook; raises `Forged`, `Malformed`."""

    async def submit(self, text: OutboundText) -> Submission:
        """Hand one text over, once; every foreign error becomes one of the three answers."""

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Look for a text handed over at `since` in the carrier's own list; None: not there.

        `known` are the carrier's ids of other texts of ours, so that one that reads the same is
        not taken for this one. Raises `CarrierUnreachable` where the list cannot be had.
        """

    async def close(self) -> None:
        """Close connections."""


class CarrierBook(Protocol):
    """Finds the carrier of an account; new and changed accounts are seen within a second."""

    async def find(self, carrier_id: str) -> Carrier | None:
        """Return the carrier, or None where no such account is set up."""


class Delivery(Protocol):
    """What the doors ask of the delivery loop."""

    def wake(self) -> None:
        """Say that a job may be due now."""

    async def wait_quiet(self, messages: tuple[str, ...]) -> None:
        """Wait until none of these messages is with the carrier any more (bounded in time)."""


class CarrierUnreachable(Exception):
    """The carrier could not be asked; try again later."""
