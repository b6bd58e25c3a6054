"""A server, a carrier and people who text and are texted, while something happens to the server.

Server and carrier are processes of their own. The carrier lives on, keeps count of everything
that happens, and repeats the webhooks that nobody answered, as the address it is given asks.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import aiohttp
from real_processes import Running
from real_site import (
    INITIAL_REPLY,
    LONG_CODE,
    OPT_OUT_CONFIRMATION,
    SHORT_CODE,
    Site,
    prepared_site,
)
from real_world import WAIT_SECONDS, eventually

PEOPLE = 30


@dataclass
class Person:
    """One phone, what it typed, and what was to be sent to it: each text under a key of its own."""

    phone: str
    number: str
    stop_at: float | None
    sends: list[tuple[float, str]]
    stop_sid: str | None = None
    taken: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)


@dataclass
class SharedSite(Site):
    """A site whose server is started with more words, and may be started on several hosts."""

    words: tuple[str, ...] = ()

    def start(self, until: ExitStack, *more: str, port: int | None = None) -> Running:
        """Start the server; on another port it is another host."""
        elsewhere = () if port is None else ("--port", str(port))
        return super().start(until, *self.words, *more, *elsewhere)

    def at(self, port: int) -> "SharedSite":
        """Give the same site as another host shows it."""
        product = replace(self.product, url=f"http://127.0.0.1:{port}")
        return replace(self, product=product, port=port)


@contextmanager
def running_site(folder: Path, database: str, *words: str) -> Iterator[SharedSite]:
    """Run a carrier, and set up a server on a database; `words` are for starting it."""
    settings = {
        "CONSENTRY_DATABASE": database,
        "CONSENTRY_RECONCILE_GRACE_SECONDS": "1",
        "CONSENTRY_SECRET_KEY": "a secret key of the tests, long enough",
    }
    with prepared_site(folder, settings) as site:
        yield SharedSite(**vars(site), words=words)


def new_session() -> aiohttp.ClientSession:
    """Open a session that never uses a connection twice: one that idled may just be closed."""
    connector = aiohttp.TCPConnector(force_close=True, limit=0)
    return aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=WAIT_SECONDS)
    )


def draw_people(dice: Random, phones: Iterator[str]) -> list[Person]:
    """Draw who texts, who says stop when, and what is sent to them when, in seconds."""
    people = []
    for _ in range(PEOPLE):
        phone = next(phones)
        sends = [(dice.uniform(0, 0.8), f"{phone} number {place}") for place in range(3)]
        stop_at = dice.uniform(0, 0.8) if dice.random() < 0.6 else None
        people.append(Person(phone, dice.choice((LONG_CODE, SHORT_CODE)), stop_at, sends))
    return people


class Load:
    """What people and programs do in one round, whether the server answers or not."""

    def __init__(self, site: Site, session: aiohttp.ClientSession) -> None:
        """Keep what every request needs."""
        self._site = site
        self._session = session

    async def greet(self, people: list[Person]) -> None:
        """Have everybody text once before, and wait until it is heard: they may be texted."""
        for sid in await asyncio.gather(*(self._type(person, "Hello") for person in people)):
            await asyncio.to_thread(
                eventually, lambda one=sid: self._site.carrier.is_heard(one), "all are heard"
            )

    async def run(self, people: list[Person]) -> None:
        """Type and send everything at its time."""
        await asyncio.gather(
            *(self._text(person) for person in people),
            *(self._stop(person) for person in people),
            *(
                self._send_at(person, seconds, body)
                for person in people
                for seconds, body in person.sends
            ),
        )

    async def repeat_sends(self, people: list[Person]) -> None:
        """Send again, under its old key, what got no answer: as a careful program does."""
        for person in people:
            for _, body in person.sends:
                if body not in person.taken and body not in person.refused:
                    await self._send(person, body)
                    assert body in person.taken or body in person.refused

    async def _text(self, person: Person) -> None:
        await self._type(person, "Hello")

    async def _stop(self, person: Person) -> None:
        if person.stop_at is not None:
            await asyncio.sleep(person.stop_at)
            person.stop_sid = await self._type(person, "STOP")

    async def _type(self, person: Person, body: str) -> str:
        url = f"{self._site.carrier.url}/api/handsets/{person.phone}/messages"
        async with self._session.post(url, json={"to": person.number, "body": body}) as answer:
            return str((await answer.json())["message"]["sid"])

    async def _send_at(self, person: Person, seconds: float, body: str) -> None:
        await asyncio.sleep(seconds)
        try:
            await self._send(person, body)
        except (aiohttp.ClientError, OSError):
            return

    async def _send(self, person: Person, body: str) -> None:
        text = {"sender": person.number, "recipient": person.phone, "body": body}
        headers = {
            "Authorization": f"Bearer {self._site.product.key}",
            "Idempotency-Key": body,
        }
        url = f"{self._site.product.url}/v1/messages"
        async with self._session.post(url, json=text, headers=headers) as answer:
            told = await answer.json(content_type=None)
        if answer.status == 202:
            person.taken[body] = told["id"]
        else:
            assert answer.status == 403, told
            person.refused.add(body)


def wait_until_some_are_sent(site: Site) -> None:
    """Wait until a text is with its carrier."""
    eventually(lambda: site.product.messages(status="sending"), "a text is with its carrier")


def read_acknowledged(site: Site) -> dict[str, int]:
    """Tell which webhooks of texts got their 2xx, each with its place in the order of events."""
    return {
        hook["sid"]: hook["acknowledged_order"]
        for hook in site.carrier.webhooks()
        if hook["kind"] == "inbound" and hook["outcome"] == "acknowledged"
    }


def assert_stops_kept(site: Site, people: list[Person], acknowledged: dict[str, int]) -> None:
    """Every STOP that got a 2xx is in the ledger, with its text, and stands."""
    for person in people:
        if person.stop_sid not in acknowledged:
            continue
        ids = {m["carrier_message_id"]: m["id"] for m in site.product.messages(person.phone)}
        assert person.stop_sid in ids, f"an acknowledged STOP is lost: {person}"
        entries = site.product.entries(person.phone, "opted_out")
        assert [entry["message"] for entry in entries] == [ids[person.stop_sid]], person
        assert site.product.check(person.number, person.phone)["reason"] == "opted_out", person


def wait_until_all_is_over(site: Site) -> None:
    """Wait until every webhook has ended and no text waits or is in doubt.

    A text stays sent where the carrier gave up telling what became of it: it found the server down
    six times in a row, as it may where a machine is slow to start a process.
    """
    eventually(
        lambda: all(hook["outcome"] != "pending" for hook in site.carrier.webhooks()),
        "every webhook has ended",
    )
    untold = {hook["sid"] for hook in site.carrier.webhooks() if hook["outcome"] == "failed"}
    for status in ("queued", "sending", "sent", "indeterminate"):
        eventually(
            lambda wanted=status: all(
                wanted == "sent" and message["carrier_message_id"] in untold
                for message in site.product.messages(status=wanted)
            ),
            f"no text is {status}",
        )


def count_ends(site: Site, people: list[Person], acknowledged: dict[str, int]) -> Counter[str]:
    """See that what we believe of each text is what the handset shows, and count how each ended."""
    taken = defaultdict(list)
    for message in site.carrier.messages():
        if message["direction"] != "inbound":
            taken[message["to"]].append(message)
    ends: Counter[str] = Counter()
    for person in people:
        handed_over = [(m["body"], m["accepted_order"]) for m in taken[person.phone]]
        assert max(Counter(body for body, _ in handed_over).values(), default=0) <= 1, person
        heard = acknowledged.get(person.stop_sid or "")
        if person.stop_sid is not None:
            ends["stops kept" if heard is not None else "stops given up"] += 1
        late = [body for body, order in handed_over if heard is not None and order > heard]
        assert [body for body in late if body != OPT_OUT_CONFIRMATION] == [], person
        refusals = site.carrier.refusals(person.phone, person.number)
        assert [r for r in refusals if heard is not None and r["order"] > heard] == [], person
        count_statuses(site, person, ends)
    return ends


def count_statuses(site: Site, person: Person, ends: Counter[str]) -> None:
    """Count how each text ended; exactly those that we call delivered are on the handset.

    Of a text that is called sent the carrier gave up telling what became of it.
    """
    shown = Counter(body for _, body in site.carrier.shown(person.phone, person.number))
    ours = {m["id"]: m for m in site.product.messages(person.phone) if m["direction"] == "outbound"}
    for message in ours.values():
        ends[message["status"]] += 1
        if message["status"] != "sent":
            assert shown[message["body"]] == (message["status"] == "delivered"), message
    assert set(person.taken.values()) <= set(ours)
    assert sum(m["body"].startswith(INITIAL_REPLY) for m in ours.values()) <= 1
