"""The demo as a person and a program see it: phones, the product's API, the carrier's records."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
from real_processes import Running, is_alive, read_descendants, running
from twilio.rest import Client

JSON = dict[str, Any]
WAIT_SECONDS = 60.0
"""Only what is broken takes so long: a machine that many share takes its time."""

_LATENESS_EVERY_SECONDS = 0.03
_ANSWERS_WITHIN_SECONDS = 0.05
SENTENCE = (
    "The destination number has disabled receiving messages from this number and must text "
    "'START' to this number to enable"
)
# Area codes in use; with 555-01xx behind them they are numbers kept for fiction.
_AREA_CODES = (201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218)
FINAL_STATUSES = frozenset({"delivered", "undelivered", "failed", "canceled"})
_KEPT_FILES = frozenset(
    {"consentry.db", "demo.json", "ledger.key", "secret.key", "simulator.jsonl"}
)


def fictional_phones() -> Iterator[str]:
    """Give phone numbers that belong to nobody, 1,600 of them."""
    for area_code in _AREA_CODES:
        for last in range(100):
            yield f"+1{area_code}55501{last:02}"


@contextmanager
def noting_lateness(carrier: "Carrier") -> Iterator[list[float]]:
    """Note for how many seconds this machine keeps everybody waiting, as long as the block lasts.

    A simulated carrier that is asked how it is has next to nothing to do for its answer. What it
    takes beyond the time that it takes on any machine is not what it, or anybody else, does.
    """
    late: list[float] = []
    is_over = threading.Event()

    def ask() -> None:
        with requests.Session() as session:
            while not is_over.wait(_LATENESS_EVERY_SECONDS):
                began = time.monotonic()
                session.get(f"{carrier.url}/healthz", timeout=WAIT_SECONDS)
                late.append(max(0.0, time.monotonic() - began - _ANSWERS_WITHIN_SECONDS))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield late
    finally:
        is_over.set()
        asking.join()


def eventually(
    condition: Callable[[], object], what: str, *, seconds: float = WAIT_SECONDS
) -> None:
    """Wait until something is so, or fail saying what was not."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Product:
    """The product's API as a program calls it."""

    url: str
    key: str

    def call(
        self, method: str, path: str, body: object = None, *, headers: JSON | None = None
    ) -> requests.Response:
        """Make one request with the key."""
        sent = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        return requests.request(
            method, self.url + path, json=body, headers=sent, timeout=WAIT_SECONDS
        )

    def get(self, path: str) -> JSON:
        """Read something that is there."""
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        found: JSON = answer.json()
        return found

    def try_send(self, sender: str, phone: str, body: str, **more: object) -> requests.Response:
        """Ask for a text to be sent, and give the answer whatever it is."""
        return self.call(
            "POST", "/v1/messages", {"sender": sender, "recipient": phone, "body": body, **more}
        )

    def send(self, sender: str, phone: str, body: str, **more: object) -> str:
        """Send a text that must be let in; gives its id."""
        answer = self.try_send(sender, phone, body, **more)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def check(self, sender: str, phone: str) -> JSON:
        """Ask the gate."""
        answer = self.call("POST", "/v1/check", {"sender": sender, "recipient": phone})
        assert answer.status_code == 200, answer.text
        decision: JSON = answer.json()
        return decision

    def recipient(self, phone: str) -> JSON:
        """Read how a phone number stands."""
        return self.get(f"/v1/recipients/{quote(phone)}")

    def standing(self, phone: str, sender: str) -> JSON:
        """Read how a phone number stands with one sender."""
        found = [one for one in self.recipient(phone)["senders"] if one["sender"] == sender]
        assert len(found) == 1
        pair: JSON = found[0]
        return pair

    def entries(self, phone: str, *kinds: str) -> list[JSON]:
        """List a recipient's ledger entries of these kinds, oldest first."""
        path = f"/v1/recipients/{quote(phone)}/entries?limit=200"
        items = list(self._pages(path))[::-1]
        return [one for one in items if not kinds or one["kind"] in kinds]

    def messages(self, phone: str | None = None, status: str | None = None) -> list[JSON]:
        """List messages, oldest first."""
        wanted = {"recipient": phone, "status": status, "limit": "200"}
        query = "&".join(f"{name}={quote(value)}" for name, value in wanted.items() if value)
        return list(self._pages(f"/v1/messages?{query}"))[::-1]

    def texts(self, phone: str, sender: str) -> list[tuple[str, str]]:
        """Read a conversation as the timeline has it: direction and text."""
        found = [one for one in self.messages(phone) if one["sender"] == sender]
        return [(one["direction"], one["body"]) for one in found]

    def message(self, message_id: str) -> JSON:
        """Read one message."""
        return self.get(f"/v1/messages/{message_id}")

    def wait_for(self, message_id: str, *statuses: str, seconds: float = WAIT_SECONDS) -> JSON:
        """Wait until a message has one of these statuses."""
        seen: JSON = {}

        def there() -> bool:
            seen.update(self.message(message_id))
            return seen["status"] in statuses

        try:
            eventually(there, "", seconds=seconds)
        except AssertionError:
            raise AssertionError(f"the message is not {statuses}: {seen}") from None
        return seen

    def _pages(self, path: str) -> Iterator[JSON]:
        cursor = None
        while True:
            page = self.get(path if cursor is None else f"{path}&cursor={quote(cursor)}")
            yield from page["items"]
            cursor = page["next"]
            if cursor is None:
                return


@dataclass(frozen=True)
class Carrier:
    """The simulated carrier: its handsets, its faults, its records."""

    url: str

    def type(self, phone: str, to: str, body: str) -> JSON:
        """Type a text on a phone; tells the text with its sid and what the carrier read in it."""
        answer = self._post(f"/api/handsets/{quote(phone)}/messages", {"to": to, "body": body})
        typed: JSON = answer.json()
        return typed

    def type_heard(self, phone: str, to: str, body: str) -> JSON:
        """Type a text and wait until the product has taken it."""
        typed = self.type(phone, to, body)
        eventually(lambda: self.is_heard(typed["message"]["sid"]), f"the product took {body!r}")
        return typed

    def is_heard(self, sid: str) -> bool:
        """Tell whether every webhook of a message was acknowledged."""
        webhooks = self.webhooks(sid)
        return bool(webhooks) and all(one["outcome"] == "acknowledged" for one in webhooks)

    def thread(self, phone: str, number: str) -> list[JSON]:
        """Read a thread on a phone."""
        path = f"/api/handsets/{quote(phone)}/messages?with={quote(number)}"
        messages: list[JSON] = self.get(path)["messages"]
        return messages

    def shown(self, phone: str, number: str) -> list[tuple[str, str]]:
        """Read who wrote what in a thread: handset, carrier or sender."""
        return [(text["origin"], text["body"]) for text in self.thread(phone, number)]

    def blocks(self, phone: str, number: str) -> set[str]:
        """Read which layers block a pair."""
        blocks = self.get("/api/blocks")["blocks"]
        return {b["layer"] for b in blocks if b["recipient"] == phone and number in b["senders"]}

    def webhooks(self, sid: str | None = None) -> list[JSON]:
        """List webhooks, of one message or of all, with their attempts."""
        path = "/api/webhooks?limit=200000" if sid is None else f"/api/webhooks?sid={sid}"
        webhooks: list[JSON] = self.get(path)["webhooks"]
        return webhooks

    def messages(self) -> list[JSON]:
        """List every message the carrier has taken, in the order of acceptance."""
        messages: list[JSON] = self.get("/api/messages?limit=200000")["messages"]
        return messages

    def refusals(self, phone: str, number: str) -> list[JSON]:
        """List what was sent to a pair and refused, with its place in the order of events."""
        view = self.get(f"/api/view?open={quote(f'{phone}~{number}')}")
        return [line for line in view["open"][0]["lines"] if line["origin"] == "refused"]

    def fault(self, kind: str, **more: object) -> None:
        """Switch a fault on."""
        self._post("/api/faults", {"kind": kind, **more})

    def set_sender(self, number: str, kind: str, inbound_url: str) -> None:
        """Set up a number at the carrier whose texts go to an address of the test's own."""
        self._post("/api/senders", {"number": number, "kind": kind, "inbound_url": inbound_url})

    def clear_faults(self) -> None:
        """Switch all faults off."""
        requests.delete(f"{self.url}/api/faults", timeout=WAIT_SECONDS).raise_for_status()

    def get(self, path: str) -> JSON:
        """Read something that is there."""
        answer = requests.get(self.url + path, timeout=WAIT_SECONDS)
        assert answer.status_code == 200, answer.text
        found: JSON = answer.json()
        return found

    def _post(self, path: str, body: object) -> requests.Response:
        answer = requests.post(self.url + path, json=body, timeout=WAIT_SECONDS)
        assert answer.status_code == 201, answer.text
        return answer


@dataclass(frozen=True)
class Demo:
    """A demo that runs."""

    process: Running
    data: Path
    product: Product
    carrier: Carrier

    @property
    def told(self) -> JSON:
        """What the demo said of itself."""
        return self.process.told

    def shown(self, phone: str, number: str) -> list[tuple[str, str]]:
        """Read a thread on a phone once nothing for it is on its way any more."""
        product = self.product
        eventually(
            lambda: all(
                m["status"] in FINAL_STATUSES | {"received"} for m in product.messages(phone)
            ),
            f"everything for {phone} has ended",
        )
        return self.carrier.shown(phone, number)

    def number(self, kind: str) -> str:
        """Find the sender of a kind."""
        return next(str(s["number"]) for s in self.told["senders"] if s["kind"] == kind)

    def twilio(self, sid: str | None = None, token: str | None = None) -> Client:
        """Point Twilio's own client at the simulated carrier."""
        account, secret = self.told["twilio_account_sid"], self.told["twilio_auth_token"]
        client = Client(sid or account, token or secret)
        client.api.base_url = self.told["simulator_url"]
        return client


@contextmanager
def running_demo(folder: Path) -> Iterator[Demo]:
    """Start the demo with an empty data folder, and see that it ends as it should."""
    data = folder / "data"
    words = ("demo", "--json", "--port", "0", "--data", str(data))
    with running(*words, folder=folder) as process:
        told = process.told
        product = Product(told["url"], told["api_key"])
        yield Demo(process, data, product, Carrier(told["simulator_url"]))
        children = read_descendants(process.process.pid)
        process.stop()
        assert [pid for pid in children if is_alive(pid)] == []
        check_clean(data)


def check_clean(data: Path) -> None:
    """See that nothing half-written is left and that the database is whole."""
    left = {path.name for path in data.iterdir()}
    assert left == _KEPT_FILES, left
    count_rows(data / "consentry.db", ())
    # Bytes are parted at line feeds alone; a text also at what may stand in a message.
    for line in (data / "simulator.jsonl").read_bytes().splitlines():
        json.loads(line)


def count_rows(database: Path, tables: Iterable[str]) -> dict[str, int]:
    """Count rows in a database that nobody has open; it must be whole without its journal."""
    connection = sqlite3.connect(f"file:{database}?immutable=1", uri=True)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        counts = {}
        for table in tables:
            counts[table] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - the tests name the tables
        return counts
    finally:
        connection.close()
