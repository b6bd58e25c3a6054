"""The API on a real store, with a carrier and a delivery that are fakes behind their ports."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.types import Message as ASGIMessage

from consentry.actions.administer import SaveBrand, SaveCarrier, SaveKey, SaveProgram, SaveSender
from consentry.actions.check_readiness import ReadinessCheck, ReadinessLimits
from consentry.actions.make_key import hash_secret, new_secret
from consentry.api.app import API, build_api
from consentry.api.documentation import DOCUMENTATION
from consentry.api.openapi import implied_errors
from consentry.api.routing import Match, Routes
from consentry.api.services import Services
from consentry.api.table import OPERATIONS
from consentry.api.views import ProblemDetails
from consentry.bootstrap import CARRIERS
from consentry.clock import SystemIds
from consentry.domain.directory import Brand, Program, Purpose, Sender
from consentry.domain.policy import Policy
from consentry.domain.reading import SenderKind
from consentry.ports import (
    UNMEASURED,
    Accepted,
    Acknowledgement,
    APIKey,
    Carrier,
    CarrierAccount,
    CarrierEvent,
    Clock,
    Fence,
    Forged,
    Handshake,
    InboundText,
    Malformed,
    Measuring,
    OutboundText,
    Scope,
    StatusReport,
    Store,
    Submission,
    WebhookRequest,
)
from databases import open_database
from fake_evidence import FakeEvidence
from fake_webhooks import fake_ways
from ledger_keys import SIGNER

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
LONG_CODE = "+12025550101"
TOLL_FREE = "+18335550102"
PERSON = "+14155550142"
OTHER_PERSON = "+14155550143"
SECRET_KEY = "a secret key of the server, long enough"
SIGNED = {"x-fake-signature": "right"}


class FakeClock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.time = NOW
        self.seconds = 1000.0

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.seconds += seconds


class FakeCarrier:
    """Reads webhooks that are JSON of the port's own values, signed by one header."""

    id = "fake"
    kind = "twilio"
    acknowledgement = Acknowledgement(b"<Response/>", b"text/xml")
    history = None
    block_list = None
    link = None

    def __init__(self) -> None:
        self.requests: list[WebhookRequest] = []

    def _open(self, request: WebhookRequest) -> bytes:
        self.requests.append(request)
        if request.headers.get("x-fake-signature") != "right":
            raise Forged
        return request.body

    def read_inbound(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        try:
            return (msgspec.json.decode(self._open(request), type=InboundText),)
        except msgspec.DecodeError as error:
            raise Malformed(str(error)) from None

    def read_status(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        try:
            return (msgspec.json.decode(self._open(request), type=StatusReport),)
        except msgspec.DecodeError as error:
            raise Malformed(str(error)) from None

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        raise AssertionError(f"The API hands nothing to a carrier: {text} {fence}")

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        raise AssertionError(f"The API asks no carrier's list: {text} since {since} {known}")

    async def confirm(self, handshake: Handshake) -> None:
        raise AssertionError(f"It asks for no confirmation: {handshake}")

    async def probe(self) -> None:
        raise AssertionError("The API does not try accounts.")

    async def close(self) -> None:
        pass


class FakeBook:
    """Knows the carriers it was given."""

    def __init__(self, carriers: dict[str, Carrier]) -> None:
        self.carriers = carriers

    async def find(self, carrier_id: str) -> Carrier | None:
        return self.carriers.get(carrier_id)


class FakeDelivery:
    """Notes what it was asked."""

    def __init__(self) -> None:
        self.woken = 0
        self.waited: list[tuple[str, ...]] = []

    def wake(self) -> None:
        self.woken += 1

    async def wait_quiet(self, messages: tuple[str, ...]) -> None:
        self.waited.append(messages)


class FakeExposition:
    """Tells what it was asked to accept."""

    async def render(self, accept: str) -> tuple[bytes, bytes]:
        return f"counted 1 {accept}".encode(), b"text/plain"


@dataclass(frozen=True)
class Reply:
    """An answer of the API."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


def _judge(match: Match | None, method: str, reply: Reply) -> None:
    """Every answer is one that the table of operations promises."""
    if match is None or method not in match.resource.methods:
        assert reply.status in {204, 404, 405} or method == "HEAD"
        return
    operation = match.resource.methods[method].operation
    if reply.headers.get("content-type") == "application/problem+json":
        details = msgspec.json.decode(reply.body, type=ProblemDetails)
        assert details.status == reply.status
        assert details.code in implied_errors(operation), f"{operation.path}: {details.code}"
        return
    assert reply.status in operation.answers, f"{operation.path}: {reply.status}"
    shape = operation.answers[reply.status]
    if shape is None:
        assert reply.body == b""
    elif shape is not bytes and reply.headers["content-type"] == "application/json":
        msgspec.json.decode(reply.body, type=shape)


@dataclass
class World:
    """The API with everything around it."""

    api: API
    store: Store
    clock: FakeClock
    carrier: FakeCarrier
    delivery: FakeDelivery
    services: Services
    secrets: dict[Scope, str]
    routes: Routes = field(default_factory=lambda: Routes((*OPERATIONS, *DOCUMENTATION)))
    sids: int = 0
    client: str | None = None

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        key: str | None = "admin",
        headers: Mapping[str, str] | None = None,
        chunks: list[bytes] | None = None,
    ) -> Reply:
        """Make one request; `key` is a scope's name, a secret, or None for no key at all."""
        given = {"host": "api.example", **(headers or {})}
        if key is not None:
            secret = self.secrets[Scope(key)] if key in set(Scope) else key
            given.setdefault("authorization", f"Bearer {secret}")
        content = msgspec.json.encode(body) if raw is None and body is not None else raw or b""
        if content and body is not None:
            given.setdefault("content-type", "application/json")
        reply = await self.exchange(method, path, given, chunks or [content])
        _judge(self.routes.find(path.partition("?")[0]), method, reply)
        return reply

    async def exchange(
        self, method: str, target: str, headers: dict[str, str], chunks: list[bytes]
    ) -> Reply:
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": quote(path, safe="/+:%").encode(),
            "query_string": query.encode(),
            "client": None if self.client is None else (self.client, 50000),
            "headers": [
                (k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()
            ],
        }
        incoming = _requests(chunks)
        sent: list[ASGIMessage] = []

        async def receive() -> ASGIMessage:
            return await anext(incoming)

        async def send(message: ASGIMessage) -> None:
            sent.append(message)

        await self.api(scope, receive, send)
        answered = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
        return Reply(sent[0]["status"], answered, b"".join(m["body"] for m in sent[1:]))

    async def text(
        self,
        body: str,
        *,
        sender: str = LONG_CODE,
        recipient: str = PERSON,
        sid: str | None = None,
        headers: Mapping[str, str] = SIGNED,
    ) -> Reply:
        """Let a person text one of our numbers."""
        self.sids += 1
        inbound = InboundText(sid or f"SM{self.sids:032x}", recipient, sender, body)
        raw = msgspec.json.encode(inbound)
        return await self.call("POST", "/carriers/fake/inbound", raw=raw, key=None, headers=headers)


async def _requests(chunks: list[bytes]) -> AsyncIterator[ASGIMessage]:
    for chunk in chunks[:-1]:
        yield {"type": "http.request", "body": chunk, "more_body": True}
    yield {"type": "http.request", "body": chunks[-1], "more_body": False}
    while True:
        yield {"type": "http.disconnect"}


async def build_world(
    folder: Path,
    *,
    clock: Clock | None = None,
    measuring: Measuring = UNMEASURED,
    policy: Policy | None = None,
) -> World:
    """Build the API on a new database with a brand, two senders, programs and keys."""
    clock, ids, policy = clock or FakeClock(), SystemIds(), policy or Policy()
    real = open_database(
        folder / "api.db",
        clock=clock,
        ids=ids,
        policy=policy,
        measuring=measuring,
        signer=SIGNER,
    )
    secrets = await _set_up(real)
    carrier, delivery = FakeCarrier(), FakeDelivery()
    services = Services(
        store=real,
        book=FakeBook({"fake": carrier}),
        delivery=delivery,
        clock=clock,
        ids=ids,
        policy=policy,
        default_region="US",
        public_url=None,
        secret_key=SECRET_KEY,
        readiness=ReadinessCheck(real, clock, ReadinessLimits(ask_seconds=60)),
        exposition=FakeExposition(),
        carrier_kinds=CARRIERS,
        evidence=FakeEvidence(),
        webhook_ways=fake_ways(),
    )
    return World(build_api(services), real, clock, carrier, delivery, services, secrets)


async def _set_up(store: Store) -> dict[Scope, str]:
    """Set everything up in as few commits as the store needs for commands sent at once."""
    secrets = {scope: new_secret(str(scope).ljust(32, "*").encode()) for scope in Scope}
    account = CarrierAccount("fake", "twilio", "AC1", "secret token", "http://127.0.0.1:1")
    await asyncio.gather(
        store.submit(SaveBrand(Brand(id="brd_a", name="Retalé", contact="help@example.org"))),
        store.submit(SaveCarrier(account)),
        store.submit(SaveSender(Sender(LONG_CODE, SenderKind.LONG_CODE, "brd_a", "fake"))),
        store.submit(SaveSender(Sender(TOLL_FREE, SenderKind.TOLL_FREE, "brd_a", "fake"))),
        store.submit(
            SaveProgram(Program("prg_news", "brd_a", Purpose.INFORMATIONAL, "Weekly offers"))
        ),
        store.submit(SaveProgram(Program("prg_ads", "brd_a", Purpose.MARKETING, "Weekly offers"))),
        *(store.submit(SaveKey(_key(scope, secret))) for scope, secret in secrets.items()),
    )
    return secrets


def _key(scope: Scope, secret: str) -> APIKey:
    return APIKey(
        id=f"key_{scope}",
        name=str(scope),
        prefix=secret[:12],
        hash=hash_secret(SECRET_KEY, secret),
        scopes=(scope,),
        created_at=NOW,
    )
