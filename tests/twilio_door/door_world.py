"""The door on a real store, with the API behind it, in process or under a server on loopback."""

import asyncio
import base64
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import uvicorn
from starlette.types import Message as ASGIMessage
from starlette.types import Receive, Send
from starlette.types import Scope as HTTPScope

from consentry.actions.administer import SaveBrand, SaveCarrier, SaveKey, SaveProgram, SaveSender
from consentry.actions.find_account import AccountRing
from consentry.actions.find_key import KeyRing
from consentry.actions.make_key import ACCOUNT_BYTES, make_account
from consentry.actions.receive_message import ReceiveMessage
from consentry.clock import SystemClock, SystemIds
from consentry.domain.directory import Brand, Program, Purpose, Sender
from consentry.domain.entries import Entry
from consentry.domain.messages import Message
from consentry.domain.policy import Policy
from consentry.domain.reading import SenderKind
from consentry.ports import (
    UNMEASURED,
    CarrierAccount,
    InboundText,
    MessageFilter,
    Page,
    Scope,
    Store,
    Unmeasured,
)
from consentry.twilio_door.app import TwilioDoor
from consentry.twilio_door.services import DoorServices
from databases import open_database

SERVER_KEY = "a secret key of the server, long enough"
ACCOUNT = "AC" + "1" * 32
TOKEN = "0123456789abcdef0123456789abcdef"
OTHER_ACCOUNT = "AC" + "2" * 32
LONG_CODE = "+12025550101"
TOLL_FREE = "+18335550102"
SHORT_CODE = "55555"
SERVICE = "MG" + "5" * 32
MEMBERS = ("+12025550111", "+12025550112")
ELSEWHERE = "+12025550199"
PERSON = "+14155550142"
STRANGER = "+14155550143"
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
SECONDS_MAX = 60


class FakeDelivery:
    """Notes what it was asked."""

    def __init__(self) -> None:
        self.woken = 0
        self.waited: list[tuple[str, ...]] = []

    def wake(self) -> None:
        self.woken += 1

    async def wait_quiet(self, messages: tuple[str, ...]) -> None:
        self.waited.append(messages)


class Counting(Unmeasured):
    """Keeps the answers that were counted."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, int]] = []

    def note_request(self, route: str, status: int) -> None:
        self.requests.append((route, status))


@dataclass(frozen=True)
class Reply:
    """An answer of the door."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def refusal(self) -> tuple[int, int]:
        """The HTTP status and Twilio's code, from a body that is whole and says the same."""
        error = self.json
        assert set(error) == {"code", "message", "more_info", "status"}
        assert error["status"] == self.status
        assert error["more_info"] == f"https://www.twilio.com/docs/errors/{error['code']}"
        assert error["message"]
        return self.status, error["code"]


async def behind(scope: HTTPScope, _receive: Receive, send: Send) -> None:
    """Stand in for everything behind the door."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": scope["path"].encode()})


@dataclass
class World:
    """The door with everything around it."""

    door: TwilioDoor
    store: Store
    delivery: FakeDelivery
    counting: Counting
    services: DoorServices
    key_sid: str
    key_token: str
    texts: int = 0

    async def call(
        self,
        method: str,
        path: str,
        form: Mapping[str, str] | list[tuple[str, str]] | None = None,
        *,
        raw: bytes | None = None,
        auth: tuple[str, str] | None = (ACCOUNT, TOKEN),
        headers: Mapping[str, str] | None = None,
        raw_path: str | None = None,
    ) -> Reply:
        """Make one request; `auth` are the user and password of HTTP Basic.

        `raw_path`: how the path was escaped, where it was.
        """
        given = dict(headers or {})
        if auth is not None:
            pair = base64.b64encode(":".join(auth).encode()).decode()
            given.setdefault("authorization", f"Basic {pair}")
        body = raw if raw is not None else urlencode(form or {}).encode()
        if body:
            given.setdefault("content-type", "application/x-www-form-urlencoded")
        return await exchange(self.door, method, path, headers=given, body=body, raw_path=raw_path)

    async def create(self, **changes: str) -> Reply:
        """Send a text to the person from the long code, with some parameters changed."""
        form = {"To": PERSON, "From": LONG_CODE, "Body": "Hello"} | changes
        return await self.call("POST", MESSAGES, {k: v for k, v in form.items() if v})

    async def text(self, body: str, *, sender: str = LONG_CODE, person: str = PERSON) -> None:
        """Let a person text one of our numbers."""
        self.texts += 1
        inbound = InboundText(f"SM{self.texts:032x}", person, sender, body)
        await self.store.submit(
            ReceiveMessage("main", "twilio", inbound, self.services.clock.now())
        )

    async def messages(self) -> list[Message]:
        """List all messages, newest first."""
        return await self.store.read_messages(MessageFilter(), Page(limit=1000))

    async def entries(self, person: str = PERSON) -> list[Entry]:
        """List a person's entries, newest first."""
        return await self.store.read_entries(person, Page(limit=1000))


async def exchange(
    app: TwilioDoor,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str],
    body: bytes,
    raw_path: str | None = None,
) -> Reply:
    """Make one request of an application in process."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": (path if raw_path is None else raw_path).encode(),
        "query_string": query.encode(),
        "client": None,
        "headers": [(k.lower().encode(), v.encode("utf-8")) for k, v in headers.items()],
    }
    incoming = _requests(body)
    sent: list[ASGIMessage] = []

    async def receive() -> ASGIMessage:
        return await anext(incoming)

    async def send(message: ASGIMessage) -> None:
        sent.append(message)

    await app(scope, receive, send)
    answered = {k.decode(): v.decode() for k, v in sent[0]["headers"]}
    return Reply(sent[0]["status"], answered, b"".join(m["body"] for m in sent[1:]))


async def _requests(body: bytes) -> AsyncIterator[ASGIMessage]:
    half = len(body) // 2
    yield {"type": "http.request", "body": body[:half], "more_body": True}
    yield {"type": "http.request", "body": body[half:], "more_body": False}
    while True:
        yield {"type": "http.disconnect"}


async def build_world(folder: Path, **changes: Any) -> World:
    """Build the door on a new database; `changes` are of its services."""
    clock, ids, policy = SystemClock(), SystemIds(), Policy()
    store = open_database(
        folder / "door.db", clock=clock, ids=ids, policy=policy, measuring=UNMEASURED
    )
    token = await _set_up(store, clock)
    delivery, counting = FakeDelivery(), Counting()
    keys = KeyRing(store, clock, SERVER_KEY)
    services = DoorServices(
        store=store,
        accounts=AccountRing(store, clock, keys),
        delivery=delivery,
        clock=clock,
        ids=ids,
        policy=policy,
        measuring=counting,
        default_region="US",
        **changes,
    )
    sid = "AC" + b"k".hex() * ACCOUNT_BYTES
    return World(TwilioDoor(services, behind), store, delivery, counting, services, sid, token)


async def _set_up(store: Store, clock: SystemClock) -> str:
    """Set up two carrier accounts, their senders and a key; return the key's token."""
    token, key = make_account(
        "shop",
        (Scope.SEND, Scope.READ, Scope.CONSENT),
        secret_key=SERVER_KEY,
        randomness=b"k" * ACCOUNT_BYTES,
        now=clock.now(),
    )
    own = CarrierAccount("main", "twilio", ACCOUNT, TOKEN, "http://127.0.0.1:1")
    other = CarrierAccount("other", "twilio", OTHER_ACCOUNT, TOKEN, "http://127.0.0.1:1")
    senders = [
        Sender(LONG_CODE, SenderKind.LONG_CODE, "acme", "main"),
        Sender(TOLL_FREE, SenderKind.TOLL_FREE, "acme", "main"),
        Sender(SHORT_CODE, SenderKind.SHORT_CODE, "acme", "main"),
        *(
            Sender(number, SenderKind.LONG_CODE, "acme", "main", messaging_service_sid=SERVICE)
            for number in MEMBERS
        ),
        Sender(ELSEWHERE, SenderKind.LONG_CODE, "acme", "other"),
    ]
    await asyncio.gather(
        store.submit(SaveBrand(Brand(id="acme", name="Acme", contact="help@example.org"))),
        store.submit(SaveCarrier(own)),
        store.submit(SaveCarrier(other)),
        *(store.submit(SaveSender(sender)) for sender in senders),
        store.submit(SaveProgram(Program("news", "acme", Purpose.INFORMATIONAL, "Order news"))),
        store.submit(SaveKey(key)),
    )
    return token


@dataclass(frozen=True)
class Live:
    """A server that answers, and the world inside it; `run` does something on its loop."""

    url: str
    world: World
    loop: asyncio.AbstractEventLoop

    def text(self, body: str, *, sender: str = LONG_CODE, person: str = PERSON) -> None:
        """Let a person text one of our numbers."""
        done = asyncio.run_coroutine_threadsafe(
            self.world.text(body, sender=sender, person=person), self.loop
        )
        done.result(SECONDS_MAX)


@contextmanager
def running_door(folder: Path) -> Iterator[Live]:
    """Run the door on a new database until the block ends."""
    started = threading.Event()
    lives: list[Live] = []
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        # Named as TCP, or the event loop leaves each answer waiting for an acknowledgement.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        world = await build_world(folder)
        config = uvicorn.Config(world.door, lifespan="off", log_level="error", access_log=False)
        servers.append(uvicorn.Server(config))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        lives.append(Live(url, world, asyncio.get_running_loop()))
        started.set()
        await servers[0].serve(sockets=[listener])
        await world.store.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(SECONDS_MAX)
    try:
        yield lives[0]
    finally:
        servers[0].should_exit = True
        thread.join(SECONDS_MAX)
        assert not thread.is_alive()
