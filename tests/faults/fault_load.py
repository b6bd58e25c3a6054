"""People who text and a program that sends, whatever fault there is; every answer is noted."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import aiohttp
from load_world import new_session
from machine_share import MachineShare
from real_site import LONG_CODE, SHORT_CODE, Site
from real_world import eventually, fictional_phones

PEOPLE = 120
_PATHS = {"send": "/v1/messages", "check": "/v1/check"}


@dataclass
class Person:
    """One phone, the number of ours it texts, and the sids of what was typed on it, in order."""

    phone: str
    number: str
    words: list[tuple[str, str]] = field(default_factory=list)
    wants_back: bool = False

    @property
    def has_stopped(self) -> bool:
        """Tell whether the last word was STOP."""
        return bool(self.words) and self.words[-1][0] == "STOP"


@dataclass(frozen=True)
class Answered:
    """One request of the program: when it began and ended, by the wall clock, and its answer."""

    kind: str
    person: Person
    began: float
    ended: float
    outcome: str
    body: str = ""
    message: str | None = None

    @property
    def was_let_in(self) -> bool:
        """Tell whether the text was taken, or the gate said yes."""
        return self.outcome in ("202", "allow")

    @property
    def was_turned_away(self) -> bool:
        """Tell whether it was not answered as it should, now or ever."""
        return self.outcome not in ("202", "403", "allow", "deny")


@dataclass
class Outage:
    """The database could not be asked from `since` until `until`, by the wall clock.

    `returned`: when it could be asked again at the latest, where that is not the same. `kinds`:
    what cannot be let in meanwhile.
    """

    since: float
    until: float
    returned: float | None = None
    kinds: tuple[str, ...] = ("send", "check")


class Load:
    """People and a program, in the background from `start` to `end`."""

    def __init__(self, site: Site, *, seed: int = 20_261_129, people: int = PEOPLE) -> None:
        """Draw who there is; nobody does anything yet."""
        self._site = site
        self._dice = Random(seed)
        phones = itertools.islice(fictional_phones(), people)
        numbers = itertools.cycle((LONG_CODE, SHORT_CODE))
        self.people = [Person(*pair) for pair in zip(phones, numbers, strict=False)]
        self.answers: list[Answered] = []
        self.outages: list[Outage] = []
        self._numbers = itertools.count(1)
        self._stop_order = self._draw_stoppers()
        self.machine = MachineShare()
        self._tasks: list[asyncio.Task[None]] = []
        self._typing: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    def _draw_stoppers(self) -> Iterator[Person]:
        drawn = self._dice.sample(self.people, len(self.people) * 2 // 3)
        for place, person in enumerate(drawn):
            person.wants_back = place % 3 == 0
        return iter(drawn)

    async def start(self) -> None:
        """Have everybody text us first; then begin, and wait until all of it works."""
        self._session = new_session()
        await asyncio.gather(*(self.type(person, "Hello") for person in self.people))
        await asyncio.to_thread(
            eventually, lambda: len(heard(self._site)) >= len(self.people), "all were heard"
        )
        jobs = [self._send_on(), self._send_on(), self._send_on(), self._check_on()]
        self._tasks = [asyncio.create_task(job) for job in (*jobs, self._check_on())]
        self._tasks.append(asyncio.create_task(self._stop_on()))
        self._tasks.append(asyncio.create_task(self.machine.watch()))
        await self.wait_for_more(30)

    async def wait_for_more(self, count: int, *, seconds: float = 120.0) -> None:
        """Wait until so many more texts were let in."""
        wanted = self.count("202") + count
        async with asyncio.timeout(seconds):
            while self.count("202") < wanted:  # noqa: ASYNC110 - the tasks tell nobody
                await asyncio.sleep(0.01)

    def count(self, outcome: str) -> int:
        """Count the answers of one kind."""
        return sum(answer.outcome == outcome for answer in self.answers)

    async def end(self) -> None:
        """Stop; what was begun to be typed is written down, for the carrier may have it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*self._typing)
        if self._session is not None:
            await self._session.close()

    async def type(self, person: Person, body: str) -> None:
        """Type a text on a phone, to its end; the carrier brings it to us."""
        typing = asyncio.create_task(self._type(person, body))
        self._typing.add(typing)
        typing.add_done_callback(self._typing.discard)
        await asyncio.shield(typing)

    async def _type(self, person: Person, body: str) -> None:
        url = f"{self._site.carrier.url}/api/handsets/{person.phone}/messages"
        async with self._client.post(url, json={"to": person.number, "body": body}) as answer:
            told = await answer.json()
        person.words.append((body, told["message"]["sid"]))

    async def stop_some(self, count: int) -> list[Person]:
        """Have people who have not yet opted out do so now."""
        found = list(itertools.islice(self._stop_order, count))
        await asyncio.gather(*(self.type(person, "STOP") for person in found))
        return found

    @property
    def _client(self) -> aiohttp.ClientSession:
        assert self._session is not None
        return self._session

    async def _stop_on(self) -> None:
        """Opt out one after the other; some come back after a while."""
        leaving: list[Person] = []
        while True:
            await asyncio.sleep(self._dice.uniform(0.05, 0.15))
            if len(leaving) > 5 and leaving[0].wants_back:
                await self.type(leaving.pop(0), "START")
            elif leaving and not leaving[0].wants_back:
                leaving.pop(0)
            leaving += await self.stop_some(1)

    async def _send_on(self) -> None:
        while True:
            person = self._dice.choice(self.people)
            body = f"{person.phone} text {next(self._numbers)}"
            await self._send(person, body)
            await asyncio.sleep(0.03)

    async def _send(self, person: Person, body: str) -> None:
        """Send one text; where the answer says nothing, ask again as a careful program does."""
        text = {"sender": person.number, "recipient": person.phone, "body": body}
        for _ in range(200):
            told = await self._ask("send", person, text, Idempotency_Key=body)
            if told.outcome in ("202", "403"):
                return
            await asyncio.sleep(0.05)

    async def _check_on(self) -> None:
        while True:
            person = self._dice.choice(self.people)
            asked = {"sender": person.number, "recipient": person.phone}
            await self._ask("check", person, asked)
            await asyncio.sleep(0.03)

    async def _ask(self, kind: str, person: Person, body: dict[str, str], **more: str) -> Answered:
        headers = {"Authorization": f"Bearer {self._site.product.key}"}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        began, message = time.time(), None
        try:
            url = self._site.product.url + _PATHS[kind]
            async with self._client.post(url, json=body, headers=headers) as answer:
                told = await answer.json(content_type=None)
        except TimeoutError:
            outcome = "hung"
        except (aiohttp.ClientError, OSError, ValueError):
            outcome = "no answer"
        else:
            outcome, message = _read(kind, answer.status, told)
        known = Answered(kind, person, began, time.time(), outcome, body.get("body", ""), message)
        self.answers.append(known)
        return known


@asynccontextmanager
async def under_load(site: Site) -> AsyncIterator[Load]:
    """Have a load on a site, and end it whatever happens."""
    load = Load(site)
    try:
        await load.start()
        yield load
    finally:
        await load.end()


def _read(kind: str, status: int, told: dict[str, str]) -> tuple[str, str | None]:
    """Say what an answer means: a status, or what the gate decided."""
    if kind == "check" and status == 200:
        is_away = told.get("reason") == "store_unavailable"
        return ("503" if is_away else told["decision"]), None
    return str(status), told.get("id") if status == 202 else None


def heard(site: Site) -> dict[str, int]:
    """Tell which texts of people got their 2xx, each with its place in the order of events."""
    return {
        hook["sid"]: hook["acknowledged_order"]
        for hook in site.carrier.webhooks()
        if hook["kind"] == "inbound" and hook["outcome"] == "acknowledged"
    }
