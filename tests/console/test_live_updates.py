"""Live updates: who is told of what, how soon, how often, and until when."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import httpx
import msgspec
import pytest
from accounts import ADMIN, FOREIGN_AGENT, LONG_CODE, NOW, Console

from consentry.actions.administer import SaveBrand
from consentry.actions.keep_agents import SaveAgent
from consentry.actions.keep_customers import CreateCustomer, MergeCustomers, SavePhone
from consentry.actions.receive_message import ReceiveMessage
from consentry.actions.sign_in import RevokeSessionsOf
from consentry.domain.agents import Role
from consentry.domain.customers import Customer, CustomerPhone
from consentry.domain.directory import Brand
from consentry.ports import InboundText

pytestmark = pytest.mark.integration

ANN, BOB, CAT = "+14155550142", "+14155550143", "+14155550144"
PATIENCE_SECONDS: Final = 60.0
QUIET_SECONDS: Final = 0.3
"""Nothing is told for so long: then it is not going to be."""


class Listener:
    """A page that listens, over ASGI: what the server sends, event by event."""

    def __init__(self, console: Console, cookies: httpx.Cookies, query: str) -> None:
        self.status = 0
        self.is_over = False
        self._events: asyncio.Queue[str] = asyncio.Queue()
        self._has_begun = asyncio.Event()
        self._is_away = asyncio.Event()
        cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/console/live",
            "raw_path": b"/console/live",
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(b"host", b"console.example"), (b"cookie", cookie.encode())],
            "client": ("192.0.2.7", 40000),
            "server": ("console.example", 80),
        }
        self._running = asyncio.create_task(console.app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, object]:
        await self._is_away.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, object]) -> None:  # type: ignore[explicit-any]
        if message["type"] == "http.response.start":
            self.status = int(str(message["status"]))
            self._has_begun.set()
            return
        body = message.get("body", b"")
        assert isinstance(body, bytes)
        for line in body.decode().splitlines():
            if line.startswith("event: "):
                self._events.put_nowait(line.removeprefix("event: "))
        self.is_over = not message.get("more_body", False)
        if self.is_over:
            self._events.put_nowait("over")

    async def begin(self) -> None:
        """Wait for the answer's beginning."""
        await asyncio.wait_for(self._has_begun.wait(), PATIENCE_SECONDS)

    async def next(self) -> str:
        """Wait for the next event; `over` is the end."""
        return await asyncio.wait_for(self._events.get(), PATIENCE_SECONDS)

    async def quiet(self) -> bool:
        """Tell whether nothing comes for a while."""
        await asyncio.sleep(QUIET_SECONDS)
        return self._events.empty()

    async def leave(self) -> None:
        """Go away, and wait until the server has noticed."""
        self._is_away.set()
        await asyncio.wait_for(self._running, PATIENCE_SECONDS)


@asynccontextmanager
async def listening(
    console: Console, query: str = "inbox", email: str = ADMIN
) -> AsyncIterator[Listener]:
    """Listen as somebody who is signed in, until the block ends."""
    browser = await console.signed_in(email)
    listener = Listener(console, browser.cookies, query)
    await browser.aclose()
    await listener.begin()
    yield listener
    await listener.leave()


async def customer(console: Console, name: str, *numbers: str) -> Customer:
    """Make a profile."""
    phones = tuple(CustomerPhone(number, number, "US") for number in numbers)
    return await console.store.submit(CreateCustomer(name, phones=phones))


async def text(console: Console, phone: str) -> None:
    """Let a text come in."""
    console.links += 1
    inbound = InboundText(f"SM-{console.links}", phone, LONG_CODE.number, "Hello")
    await console.store.submit(ReceiveMessage("fake", "twilio", inbound, NOW))


async def hear_first(listener: Listener) -> None:
    """Hear the first word, which comes whatever happened."""
    assert {await listener.next(), await listener.next()} == {"changed", "inbox"}


async def test_a_page_hears_at_once_that_it_may_be_old(console: Console) -> None:
    """What changed between the making of the page and its listening is not missed."""
    async with listening(console) as page:
        assert page.status == 200
        await hear_first(page)
        assert await page.quiet()


async def test_a_page_about_a_customer_hears_of_that_one(console: Console) -> None:
    """Others' texts are only news for the list beside it."""
    ann = await customer(console, "Ann", ANN)
    async with listening(console, f"customer={ann.id}") as page:
        await hear_first(page)
        console.clock.advance(2)
        await text(console, BOB)
        assert await page.next() == "inbox"
        console.clock.advance(2)
        await text(console, ANN)
        assert {await page.next(), await page.next()} == {"changed", "inbox"}


async def test_the_first_change_is_told_at_once_and_further_ones_with_rests(
    console: Console,
) -> None:
    """A hundred texts at once are told twice a second of a customer, once a second of a list."""
    ann = await customer(console, "Ann", ANN)
    async with listening(console, f"customer={ann.id}") as page:
        await hear_first(page)
        console.clock.advance(2)
        for _ in range(50):
            await text(console, ANN)
        assert {await page.next(), await page.next()} == {"changed", "inbox"}
        for _ in range(50):
            await text(console, ANN)
        assert await page.quiet()
        console.clock.advance(0.5)
        assert await page.next() == "changed"
        assert await page.quiet()
        console.clock.advance(0.5)
        assert await page.next() == "inbox"
        console.clock.advance(10)
        assert await page.quiet()


async def test_a_phone_that_is_added_is_followed(console: Console) -> None:
    """And so is a customer into whom the one on the page was merged."""
    ann = await customer(console, "Ann", ANN)
    other = await customer(console, "Ann B.", CAT)
    async with listening(console, f"customer={ann.id}") as page:
        await hear_first(page)
        console.clock.advance(2)
        await console.store.submit(SavePhone(ann.id, CustomerPhone(BOB, BOB, "US")))
        assert {await page.next(), await page.next()} == {"changed", "inbox"}
        console.clock.advance(2)
        await text(console, BOB)
        assert {await page.next(), await page.next()} == {"changed", "inbox"}
        console.clock.advance(2)
        await console.store.submit(MergeCustomers(into=other.id, merged=ann.id))
        assert {await page.next(), await page.next()} == {"changed", "inbox"}
        console.clock.advance(2)
        await text(console, CAT)
        assert {await page.next(), await page.next()} == {"changed", "inbox"}


async def test_it_ends_when_the_session_does(console: Console) -> None:
    """The page is told that it ended, and nothing after."""
    async with listening(console) as page:
        await hear_first(page)
        await console.store.submit(RevokeSessionsOf(console.agents[ADMIN].id))
        assert [await page.next(), await page.next()] == ["ended", "over"]


async def test_it_ends_when_the_session_has_run_out(console: Console) -> None:
    """It is noticed with the next change that is about nobody, and with every heartbeat."""
    async with listening(console) as page:
        await hear_first(page)
        console.clock.advance(13 * 3600)
        await console.store.submit(SaveBrand(Brand("third", "Third")))
        assert [await page.next(), await page.next()] == ["ended", "over"]


async def test_who_may_see_other_things_listens_anew(console: Console) -> None:
    """A changed role ends the stream without sending anybody to the sign-in page."""
    async with listening(console, email=FOREIGN_AGENT) as page:
        await hear_first(page)
        agent = msgspec.structs.replace(console.agents[FOREIGN_AGENT], role=Role.COMPLIANCE)
        await console.store.submit(SaveAgent(agent))
        assert await page.next() == "over"


async def test_every_stream_ends_when_the_server_stops(console: Console) -> None:
    """At once, and nobody begins to listen any more."""
    async with listening(console) as one, listening(console) as other:
        await hear_first(one)
        await hear_first(other)
        console.services.streams.close_all()
        assert [await one.next(), await other.next()] == ["over", "over"]
        async with listening(console) as late:
            assert late.status == 503


async def test_nobody_listens_to_what_they_may_not_see(console: Console) -> None:
    """Another brand's customer is not there, nor one that never was."""
    ann = await customer(console, "Ann", ANN)
    await text(console, ANN)
    for query in (f"customer={ann.id}", "customer=cus_none"):
        async with listening(console, query, FOREIGN_AGENT) as page:
            assert page.status == 404
    stranger = Listener(console, httpx.Cookies(), "inbox")
    await stranger.begin()
    assert stranger.status == 303
    await stranger.leave()


async def test_the_store_is_watched_only_while_somebody_listens(console: Console) -> None:
    """Who goes away leaves nothing behind, and who comes later is told as well."""
    for _ in range(3):
        async with listening(console) as page:
            await hear_first(page)
            assert console.services.streams.is_watching
            console.clock.advance(2)
            await text(console, ANN)
            assert {await page.next(), await page.next()} == {"changed", "inbox"}
        assert not console.services.streams.is_watching
