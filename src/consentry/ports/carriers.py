"""Those who carry texts."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Protocol

import msgspec

from consentry.domain.messages import MessageStatus


class WebhookRequest(msgspec.Struct, frozen=True, gc=False):
    """An HTTP request from a carrier as it came. `url` is the one the carrier was given.

    The names of `headers` are in lower case. `received_at` is by our own clock, for signatures
    that hold for a while.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class InboundText(msgspec.Struct, frozen=True, gc=False):
    """A text as the carrier reported it; `sent_at` is the carrier's time where it gives one.

    `media_types` are those of `media`, in their order, where it tells them.
    """

    carrier_message_id: str
    recipient: str
    sender: str
    body: str
    media: tuple[str, ...] = ()
    sent_at: datetime | None = None
    opt_out_type: str | None = None
    token: str | None = None
    media_types: tuple[str, ...] = ()


class StatusReport(msgspec.Struct, frozen=True, gc=False):
    """A delivery report as the carrier sent it. `message` is our id, from the callback URL."""

    carrier_message_id: str
    recipient: str
    sender: str
    status: MessageStatus
    error_code: str | None = None
    opted_out: bool = False
    message: str | None = None


class Handshake(msgspec.Struct, frozen=True, gc=False):
    """The carrier asks whether the address is ours; whoever fetches `url` has said yes."""

    url: str


CarrierEvent = InboundText | StatusReport | Handshake


class Acknowledgement(msgspec.Struct, frozen=True):
    """What a carrier wants to hear when its webhook was taken: nothing that sends anything."""

    body: bytes = b""
    media_type: bytes = b"text/plain"


class CarrierBlock(msgspec.Struct, frozen=True):
    """A line of a carrier's own list of opt-outs.

    `sender` is None where the list holds for every sender that was asked for. `evidence` says
    where it stands, so that a person finds it at the carrier again.
    """

    recipient: str
    sender: str | None
    blocked_at: datetime | None
    evidence: str


class Forged(Exception):
    """A webhook whose signature is not the carrier's: 403, nothing stored."""


class Malformed(Exception):
    """A webhook that is signed and cannot be read: 400 with this reason."""


class KeyMissing(Exception):
    """What a webhook is signed with must be fetched first: await `fetch`, then read it again.

    `fetch` raises `CarrierUnreachable`; nothing of the webhook is believed before it was read.
    """

    def __init__(self, fetch: Callable[[], Awaitable[None]]) -> None:
        """Say how to fetch it."""
        super().__init__("The key that it is signed with is not here yet.")
        self.fetch = fetch


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


class Withheld(msgspec.Struct, frozen=True):
    """The text was not handed over: too much time had passed since it was claimed."""

    text: str


Submission = Accepted | CarrierRefusal | Unanswered | Withheld


class Fence(Protocol):
    """What stands between a claimed text and its carrier."""

    @property
    def is_open(self) -> bool:
        """Tell whether the text may be handed over now; asked right before it is."""


class InboundHistory(Protocol):
    """What people wrote, as the carrier keeps it."""

    def replay(self, sender: str, *, since: datetime) -> AsyncIterator[InboundText]:
        """Read what came to a sender since then, in any order; raises `CarrierUnreachable`."""


class BlockList(Protocol):
    """Whom the carrier blocks, all of them."""

    def read(self, senders: tuple[str, ...]) -> AsyncIterator[CarrierBlock]:
        """Read who is blocked for these senders; raises `CarrierUnreachable`."""


class Taken(msgspec.Struct, frozen=True):
    """What became of a carrier's events: all of them are durable.

    `unknown_senders` are numbers of ours that are not set up: their texts are kept, and nobody is
    answered.
    """

    unknown_senders: tuple[str, ...] = ()


class Intake(Protocol):
    """Takes what a carrier tells."""

    async def take(self, carrier: "Carrier", events: tuple[CarrierEvent, ...]) -> Taken:
        """Make events durable, in their order, and wait until nothing they forbid is under way.

        Raises `StoreUnavailable`: then the carrier must tell them again. `CarrierUnreachable`
        where a handshake could not be answered.
        """


class CarrierLink(Protocol):
    """A connection that is kept to a carrier that posts no webhooks."""

    async def keep(self, intake: Intake) -> None:
        """Keep it up and take what comes by it, until cancelled."""


class Carrier(Protocol):
    """One account with one carrier."""

    @property
    def id(self) -> str:
        """The id under which the account is set up."""

    @property
    def kind(self) -> str:
        """The carrier's name as the readers know it, for example `twilio`."""

    @property
    def acknowledgement(self) -> Acknowledgement:
        """What it wants to hear when its webhook was taken."""

    @property
    def history(self) -> InboundHistory | None:
        """What people wrote, where the carrier can be asked for it."""

    @property
    def block_list(self) -> BlockList | None:
        """Whom it blocks, where it can be asked for it."""

    @property
    def link(self) -> CarrierLink | None:
        """The connection to keep, where it posts no webhooks."""

    def read_inbound(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Verify and read a webhook for texts; raises `Forged`, `Malformed`, `KeyMissing`."""

    def read_status(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Verify and read a webhook for reports; raises `Forged`, `Malformed`, `KeyMissing`.

        A carrier that posts everything to one address reads both in the same way.
        """

    async def confirm(self, handshake: Handshake) -> None:
        """Answer the carrier's question whether an address is ours; `CarrierUnreachable`."""

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Hand one text over, once; every foreign error becomes one of the four answers.

        The fence is asked when a connection is there and the text is about to be written into
        it. Where it is closed nothing is written, and the answer is `Withheld`.
        """

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Look for a text handed over at `since` in the carrier's own list; None: not there.

        `known` are the carrier's ids of other texts of ours, so that one that reads the same is
        not taken for this one. Raises `CarrierUnreachable` where the list cannot be had, `NoList`
        where there is none.
        """

    async def probe(self) -> None:
        """Ask something harmless that only the right account is answered.

        Raises `CarrierUnreachable`, and `NoList` where the carrier has no such question.
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


class NoList(Exception):
    """This carrier has nothing that could be asked: it will not help to try again."""
