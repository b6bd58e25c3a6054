"""A running simulator with the server it reports to, for the tests of this folder."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import requests
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

from consentry.simulator import Account, Sender, SenderKind, Service, SimulatorConfig
from consentry.simulator import running_simulator as start_simulator

ACCOUNT = Account("AC" + "1" * 32, "first token")
OTHER_ACCOUNT = Account("AC" + "2" * 32, "second token")
SERVICE = "MG" + "3" * 32
LONG_CODE = "+14155550100"
OTHER_LONG_CODE = "+14155550101"
TOLL_FREE = "+18005550199"
SHORT_CODE = "73529"
PHONE = "+14155550142"
OTHER_PHONE = "+14155550143"
WAIT_SECONDS = 8.0


@dataclass
class Received:
    """One webhook as the server got it."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def params(self) -> dict[str, str]:
        """The form, last value of a name."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass
class Answer:
    """What the server answers, and how late."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/xml"
    delay_seconds: float = 0.0


@dataclass
class Receiver:
    """A server that keeps what it is sent; `answers` are used up in order, then all is well."""

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where to post."""
        return f"http://127.0.0.1:{self.port}/hook?from=carrier"

    def forms(self, sid: str | None = None) -> list[dict[str, str]]:
        """List the forms that came in, of one message or of all."""
        forms = [one.params for one in list(self.received)]
        return [form for form in forms if sid is None or form["MessageSid"] == sid]

    def statuses(self, sid: str) -> list[str]:
        """List the statuses reported for a message, as they came."""
        return [form["MessageStatus"] for form in self.forms(sid) if "MessageStatus" in form]


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Serve a receiver on a free port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(Received(self.path, dict(self.headers.items()), body))
            answer = receiver.answers.pop(0) if receiver.answers else Answer()
            time.sleep(answer.delay_seconds)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class DatedClock:
    """A clock that starts on a day of one's choice and goes on from there."""

    def __init__(self, start: datetime) -> None:
        """Set the day."""
        self.start = start
        self.began = time.monotonic()

    def now(self) -> datetime:
        """Tell the time."""
        return self.start + timedelta(seconds=time.monotonic() - self.began)

    def monotonic(self) -> float:
        """Tell seconds."""
        return time.monotonic()


@dataclass
class Site:
    """A simulator, and who it reports to."""

    url: str
    receiver: Receiver

    def type(self, body: str, to: str = LONG_CODE, phone: str = PHONE) -> dict:
        """Type a text on a phone."""
        answer = self.post(f"/api/handsets/{phone}/messages", {"to": to, "body": body})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def thread(self, number: str = LONG_CODE, phone: str = PHONE) -> list[dict]:
        """Read a thread on a phone."""
        answer = self.get(f"/api/handsets/{phone}/messages", {"with": number})
        return answer.json()["messages"]

    def shown(self, number: str = LONG_CODE, phone: str = PHONE) -> list[tuple[str, str]]:
        """Read who wrote what in a thread."""
        return [(text["origin"], text["body"]) for text in self.thread(number, phone)]

    def blocks(self) -> set[tuple[str, str, str]]:
        """Read the blocks: sender, recipient, layer."""
        blocks = self.get("/api/blocks").json()["blocks"]
        return {(one["sender"], one["recipient"], one["layer"]) for one in blocks}

    def fault(self, kind: str, **more: object) -> None:
        """Switch a fault on."""
        answer = self.post("/api/faults", {"kind": kind, **more})
        assert answer.status_code == 201, answer.text

    def get(self, path: str, params: dict | None = None) -> requests.Response:
        """Ask the simulator's own interface."""
        return requests.get(self.url + path, params=params, timeout=WAIT_SECONDS)

    def post(self, path: str, body: object) -> requests.Response:
        """Tell the simulator's own interface."""
        return requests.post(self.url + path, json=body, timeout=WAIT_SECONDS)


@dataclass
class World(Site):
    """The same, with Twilio's own client."""

    client: Client

    def send(
        self, body: str = "Hello", sender: str = LONG_CODE, phone: str = PHONE
    ) -> MessageInstance:
        """Send a message by the official client, with reports to the receiver."""
        return self.client.messages.create(
            to=phone, from_=sender, body=body, status_callback=self.receiver.url
        )


@contextmanager
def running_site(carrier: str, account: Account) -> Iterator[Site]:
    """Start a simulator that speaks like another carrier, with one number of each kind."""
    with running_receiver() as receiver:
        hook = receiver.url
        config = SimulatorConfig(
            accounts=(account,),
            carrier=carrier,
            senders=(
                Sender(LONG_CODE, SenderKind.LONG_CODE, inbound_url=hook),
                Sender(OTHER_LONG_CODE, SenderKind.LONG_CODE, inbound_url=hook),
                Sender(TOLL_FREE, SenderKind.TOLL_FREE, inbound_url=hook),
                Sender(SHORT_CODE, SenderKind.SHORT_CODE, inbound_url=hook),
            ),
            receipt_delay_seconds=0.005,
        )
        with start_simulator(config) as url:
            yield Site(url, receiver)


@contextmanager
def running_world(clock: DatedClock | None = None, **config: object) -> Iterator[World]:
    """Start a simulator with one number of each kind, all reporting to one receiver."""
    with running_receiver() as receiver:
        hook = receiver.url + config.pop("overrides", "#rc=0")
        senders = config.pop(
            "senders",
            (
                Sender(LONG_CODE, SenderKind.LONG_CODE, inbound_url=hook),
                Sender(OTHER_LONG_CODE, SenderKind.LONG_CODE, inbound_url=hook),
                Sender(TOLL_FREE, SenderKind.TOLL_FREE, inbound_url=hook),
                Sender(SHORT_CODE, SenderKind.SHORT_CODE, inbound_url=hook),
            ),
        )
        settings = SimulatorConfig(
            accounts=(ACCOUNT, OTHER_ACCOUNT),
            senders=senders,
            receipt_delay_seconds=0.005,
            **config,
        )
        with start_simulator(settings, clock) as url:
            yield World(url, receiver, build_client(url))


def build_client(url: str, account: Account = ACCOUNT) -> Client:
    """Point Twilio's own client at a simulator."""
    client = Client(account.sid, account.token)
    client.api.base_url = url
    return client


def service_senders(hook: str) -> tuple[Sender, ...]:
    """List two long codes of one messaging service."""
    return tuple(
        Sender(number, SenderKind.LONG_CODE, None, SERVICE, hook)
        for number in (LONG_CODE, OTHER_LONG_CODE)
    )


def service(**advanced: object) -> Service:
    """Build the messaging service of the tests."""
    return Service(SERVICE, **advanced)


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so, or fail."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def on(year: int, month: int, day: int) -> datetime:
    """Name a day."""
    return datetime(year, month, day, 12, tzinfo=UTC)
