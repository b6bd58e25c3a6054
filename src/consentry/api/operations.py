"""What an operation of the API is: one row of the table that makes routes and documentation."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec
from starlette.types import Receive
from starlette.types import Scope as HTTPScope

from consentry.actions.find_key import KeyRing
from consentry.api.problems import Header
from consentry.api.services import Services
from consentry.domain.entries import Actor, ActorKind
from consentry.ports import APIKey, Scope

B = TypeVar("B")
Q = TypeVar("Q")
B_co = TypeVar("B_co", covariant=True)
Q_co = TypeVar("Q_co", covariant=True)


class Tag(StrEnum):
    """The chapters of the documentation."""

    GATE = "Gate"
    MESSAGES = "Messages"
    RECIPIENTS = "Recipients"
    CONSENT = "Consent"
    CUSTOMERS = "Customers"
    SETTING_UP = "Setting up"
    READING = "Reading texts"
    CARRIERS = "Carrier webhooks"
    REVIEWS = "Review queue"
    DRIFT = "Carrier drift"
    RULES = "Rules of law"
    WEBHOOKS = "Webhooks"
    LISTS = "Lists"
    LEDGER = "Proof"
    SERVICE = "Service"


class Call(msgspec.Struct, Generic[B_co, Q_co], frozen=True):
    """One request, read: who calls, what they ask.

    `path`: the parameters of the path. `query`, `body`: decoded to the operation's types.
    `key`: who calls, on operations that ask for a scope.
    """

    services: Services
    keys: KeyRing
    http: HTTPScope
    receive: Receive
    path: dict[str, str]
    key: APIKey | None
    query: Q_co
    body: B_co

    @property
    def actor(self) -> Actor:
        """Who is to be written down as having done this."""
        return Actor(ActorKind.KEY, None if self.key is None else self.key.id)

    def header(self, name: bytes) -> bytes | None:
        """Find a request header by its name in lower case."""
        return find_header(self.http, name)

    @property
    def base_url(self) -> str:
        """The address under which carriers and people reach us, without a slash at its end."""
        public_url = self.services.public_url
        if public_url is not None:
            return public_url.rstrip("/")
        host = self.header(b"host") or b"localhost"
        return f"{self.http['scheme']}://{host.decode('latin-1')}"


class Answer(msgspec.Struct, frozen=True):
    """What to answer: a value to encode, bytes as they are, or a stream of bytes."""

    body: object = b""
    status: int = 200
    headers: tuple[Header, ...] = ()
    media_type: bytes = b"application/json"
    stream: AsyncIterator[bytes] | None = None


Handler = Callable[[Call[B, Q]], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[B, Q]):
    """One operation: its route, what it takes and gives, who may use it, how it is explained.

    `body`: the type of a JSON body, or `bytes` for a body that the handler reads itself.
    `query`: a struct whose fields are the query parameters. `answers`: type of the answer by
    status (None: no content). `errors`: codes beyond those that every such operation has.
    `stream`: takes the same request as lines of JSON instead. `streamed_types`: media types of a
    body that the handler reads itself, piece by piece. `text_types`, `text_told`: media types and
    description of an answer that is text (`bytes`). `or_text`: a media type in which the same is
    given as text. `for_brands`: a key that is limited to brands may use it too, and sees its own
    alone; every other operation is closed to such a key.
    """

    method: str
    path: str
    tag: Tag
    summary: str
    handler: Handler[B, Q]
    answers: Mapping[int, object]
    scope: Scope | None = None
    body: type[B] | None = None
    query: type[Q] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    description: str = ""
    example: object = None
    answer_example: object = None
    stream: Handler[None, Q] | None = None
    streamed_types: tuple[str, ...] = ()
    text_types: tuple[str, ...] = ("text/xml",)
    text_told: str = "Taken; nothing is answered."
    or_text: str = ""
    for_brands: bool = False


def find_header(http: HTTPScope, name: bytes) -> bytes | None:
    """Find a header by its name in lower case; the first where there are several."""
    for given, value in http["headers"]:
        if given == name:
            return bytes(value)
    return None
