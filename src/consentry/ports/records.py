"""Records that are no consent: set up by people or programs, kept as they are."""

from datetime import datetime
from enum import StrEnum

import msgspec

from consentry.domain.agents import Agent
from consentry.domain.messages import MessageStatus


class Scope(StrEnum):
    """What an API key may do."""

    CHECK = "check"
    SEND = "send"
    READ = "read"
    CONSENT = "consent"
    CUSTOMERS = "customers"
    METRICS = "metrics"
    ADMIN = "admin"


class APIKey(msgspec.Struct, frozen=True):
    """A key of a program. Only the keyed hash of its secret is kept; `prefix` tells it apart.

    It is the beginning of the secret, or the whole account sid where the key is an account at
    the Twilio-compatible door. `brands`: it is good for these alone; empty is every brand.
    `hashed_by` is the id of the server's secret key that `hash` is keyed with; empty is not known.
    """

    id: str
    name: str
    prefix: str
    hash: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    brands: tuple[str, ...] = ()
    hashed_by: str = ""

    @property
    def account_sid(self) -> str | None:
        """The account sid, where the key opens the Twilio-compatible door."""
        return self.prefix if self.prefix.startswith("AC") else None


class CarrierAccount(msgspec.Struct, frozen=True):
    """An account with a carrier. `secret` signs webhooks and authenticates us: never shown.

    `key_id`, `key_secret` authenticate us where the carrier has a key apart from that. `more` is
    what only this carrier asks for, nothing secret.
    """

    id: str
    kind: str
    account: str
    secret: str
    base_url: str
    key_id: str | None = None
    key_secret: str | None = None
    more: dict[str, str] = {}


class IdempotencyRecord(msgspec.Struct, frozen=True):
    """The first answer given to an Idempotency-Key, to be given again."""

    owner: str
    key: str
    fingerprint: str
    status: int
    body: bytes
    created_at: datetime


class AnsweredKey(msgspec.Struct, frozen=True):
    """An Idempotency-Key that was answered, and when that was."""

    owner: str
    key: str
    at: datetime


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """An agent is signed in. `id` is the hash of the cookie's secret, which is kept nowhere.

    `address` and `user_agent` tell the agent which of their sessions it is. `epoch` is the
    agent's when it was opened.
    """

    id: str
    agent: str
    created_at: datetime
    expires_at: datetime
    address: str = ""
    user_agent: str = ""
    revoked_at: datetime | None = None
    epoch: int = 0

    def is_open(self, at: datetime) -> bool:
        """Tell whether it is neither over nor revoked at a time."""
        return self.revoked_at is None and at < self.expires_at

    def lets_in(self, agent: Agent, at: datetime) -> bool:
        """Tell whether it lets its agent in at a time: open, and the agent still welcome."""
        return (
            self.is_open(at)
            and agent.id == self.agent
            and agent.epoch == self.epoch
            and agent.disabled_at is None
        )


class SignInLink(msgspec.Struct, frozen=True, omit_defaults=True):
    """A link that signs an agent in, once. `id` is the hash of the link's secret.

    `epoch` is the agent's when it was made: what ends all sessions ends the links too.
    """

    id: str
    agent: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    epoch: int = 0


class ConversationMark(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a conversation was read, and put away as done: ids of inbound messages.

    A newer text of the person makes it unread, and open, again.
    """

    recipient: str
    sender: str
    read: str | None = None
    done: str | None = None


class ServerProcess(msgspec.Struct, frozen=True, omit_defaults=True):
    """A process that serves this database, and that lives as far as anybody knows.

    `beats` goes up as long as it lives. `joined` is its place in the order of their coming, and
    `seen` the place of the last newcomer that it knows of. `leads`: it does what one must do.
    `home` is where processes can tell of each other whether they have ended; it may be unknown.
    """

    id: str
    joined: int
    beats: int = 0
    seen: int = 0
    leads: bool = False
    home: str = ""


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """A delivery report as the carrier sent it; `message` is ours, where we know it."""

    id: str
    carrier: str
    carrier_message_id: str
    recipient: str
    status: MessageStatus
    received_at: datetime
    message: str | None = None
    error_code: str | None = None


class Expiry(msgspec.Struct, frozen=True):
    """When a consent was to run out, as a grant said; where it stands now its standing says."""

    recipient: str
    program: str
    expires_at: datetime
