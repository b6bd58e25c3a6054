"""The simulator's own words: senders, texts, blocks, messages. All frozen; all plain data."""

from datetime import datetime
from enum import StrEnum

import msgspec

from consentry.wire.signatures import HashAlgorithm
from consentry.wire.twilio_form import Media
from consentry.wire.twilio_message import MessageResource


class SenderKind(StrEnum):
    """What sort of number a sender is; it decides who reads and who blocks."""

    LONG_CODE = "long_code"
    TOLL_FREE = "toll_free"
    SHORT_CODE = "short_code"
    ALPHANUMERIC = "alphanumeric"


class KeywordAction(StrEnum):
    """What a keyword does."""

    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    HELP = "help"


class BlockLayer(StrEnum):
    """Who keeps a block: the carrier for a long code or a service, or on a toll-free number the
    carrier (provider) and the toll-free network, each for itself."""

    KEYWORD = "keyword"
    PROVIDER = "provider"
    NETWORK = "network"


class BlockCause(StrEnum):
    """Whether a text set the block, or the carrier did so without anybody hearing of it."""

    TEXT = "text"
    CARRIER = "carrier"


class Origin(StrEnum):
    """Who wrote a text that a handset shows."""

    HANDSET = "handset"
    CARRIER = "carrier"
    SENDER = "sender"


class TextDirection(StrEnum):
    """Seen from the phone: out was typed on it, in arrived at it."""

    OUT = "out"
    IN = "in"


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whoever may use the REST interface; webhooks are signed with its token."""

    sid: str
    token: str
    signature_algorithm: HashAlgorithm = HashAlgorithm.HMAC_SHA1


class Sender(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number that can be texted; `inbound_url` may carry `#rc=…` overrides."""

    number: str
    kind: SenderKind
    account_sid: str | None = None
    messaging_service_sid: str | None = None
    inbound_url: str | None = None


class AdvancedOptOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A messaging service's own words and answers; words are compared without regard to case."""

    opt_out: tuple[str, ...] = ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT")
    opt_in: tuple[str, ...] = ("START", "UNSTOP", "YES")
    help: tuple[str, ...] = ("HELP", "INFO")
    opt_out_answer: str | None = None
    opt_in_answer: str | None = None
    help_answer: str | None = None


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A messaging service: its numbers share one block list."""

    sid: str
    advanced_opt_out: AdvancedOptOut | None = None


class Text(msgspec.Struct, frozen=True):
    """One text as a handset shows it; `order` counts everything that ever happened here."""

    order: int
    direction: TextDirection
    phone: str
    number: str
    body: str
    at: datetime
    origin: Origin
    sid: str | None = None
    note: str | None = None
    media: tuple[Media, ...] = ()

    @property
    def from_number(self) -> str:
        """Who sent it."""
        return self.phone if self.direction is TextDirection.OUT else self.number

    @property
    def to_number(self) -> str:
        """Who gets it."""
        return self.number if self.direction is TextDirection.OUT else self.phone


class Refusal(msgspec.Struct, frozen=True):
    """A message that never reached the handset, and Twilio's code for why."""

    order: int
    phone: str
    number: str
    body: str
    at: datetime
    code: int
    sid: str | None = None


class Block(msgspec.Struct, frozen=True):
    """One refusal that stands: `scope` is a sender's number or a messaging service's sid."""

    scope: str
    recipient: str
    layer: BlockLayer
    cause: BlockCause
    since: datetime
    sender: str
    word: str | None = None


class Message(msgspec.Struct, frozen=True):
    """A message the REST interface knows, and what it does not show of it.

    `context` is what the account gave with it, where reports tell that again.
    """

    resource: MessageResource
    accepted_at: datetime
    accepted_order: int
    status_callback: str | None = None
    send_at: datetime | None = None
    context: dict[str, str] = {}


class SimulatorConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a simulator is started with; `carrier` is whom it speaks like.

    `keywords_as_of` reads texts by the keyword lists of that day; without it today's count.
    `receipt_delay_seconds` passes before each delivery report.
    """

    accounts: tuple[Account, ...]
    carrier: str = "twilio"
    senders: tuple[Sender, ...] = ()
    services: tuple[Service, ...] = ()
    host: str = "127.0.0.1"
    port: int = 0
    state_file: str | None = None
    seed: int = 0
    receipt_delay_seconds: float = 0.02
    keywords_as_of: datetime | None = None
    webhook_concurrency: int = 64
