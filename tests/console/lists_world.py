"""The console's lists on a real store: two brands, their agents, people who text, a clock."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request

from consentry.actions.administer import SaveBrand, SaveCarrier, SaveProgram, SaveSender
from consentry.actions.keep_customers import CreateCustomer
from consentry.actions.outgoing import Draft
from consentry.actions.receive_message import Received, ReceiveMessage
from consentry.actions.send_message import SendMessage, Sent
from consentry.bootstrap import CARRIERS
from consentry.clock import SystemIds
from consentry.console.app import build_console
from consentry.console.services import ConsoleServices
from consentry.domain.agents import Agent, Role
from consentry.domain.customers import Customer, CustomerPhone
from consentry.domain.directory import Brand, Program, Purpose, Sender
from consentry.domain.entries import Actor, ActorKind, Entry
from consentry.domain.gate import Door
from consentry.domain.policy import Policy
from consentry.domain.reading import SenderKind
from consentry.ports import CarrierAccount, Change, Facts, InboundText, Needs, Page, Session, Store
from databases import open_database
from fake_evidence import FakeEvidence

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
LONG = "+12025550101"
TOLL_FREE = "+18335550102"
FOREIGN = "+12025550199"
ANN, BOB, CAT = "+14155550142", "+14155550143", "+14155550144"

ADMIN = Agent("agt_admin", "ada@example.org", "Ada", Role.ADMIN, NOW)
COMPLIANCE = Agent("agt_compliance", "cem@example.org", "Cem", Role.COMPLIANCE, NOW)
AGENT = Agent("agt_agent", "eva@example.org", "Eva", Role.AGENT, NOW)
ACME_ONLY = Agent("agt_acme", "amy@example.org", "Amy", Role.COMPLIANCE, NOW, brands=("acme",))
OTHER_ONLY = Agent("agt_other", "oli@example.org", "Oli", Role.COMPLIANCE, NOW, brands=("other",))
OTHER_AGENT = Agent("agt_oto", "oto@example.org", "Oto", Role.AGENT, NOW, brands=("other",))
ACME_AGENT = Agent("agt_aga", "aga@example.org", "Aga", Role.AGENT, NOW, brands=("acme",))
NOBODY_YET = Agent("agt_none", "new@example.org", "New", None, NOW)
AGENTS = (ADMIN, COMPLIANCE, AGENT, ACME_ONLY, OTHER_ONLY, OTHER_AGENT, ACME_AGENT, NOBODY_YET)
TOKEN = "a form's token"


class FakeClock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        """Return the time it was set to."""
        return self.time

    def monotonic(self) -> float:
        """Return the time as seconds."""
        return self.time.timestamp()

    def advance(self, **delta: float) -> None:
        """Move by a timedelta's arguments."""
        self.time += timedelta(**delta)


class FakeDelivery:
    """Has nothing under way; notes what was waited for."""

    def __init__(self) -> None:
        self.waited: list[tuple[str, ...]] = []

    def wake(self) -> None:
        """Do nothing."""

    async def wait_quiet(self, messages: tuple[str, ...]) -> None:
        """Note it."""
        self.waited.append(messages)


class Write(msgspec.Struct, frozen=True):
    """A command that writes what it is given."""

    change: Change

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[None, Change]:
        """Write it."""
        del facts
        return None, self.change


class SignedIn:
    """Lets in whoever is named in the cookie."""

    async def find(self, request: Request) -> tuple[Session, Agent] | None:
        """Find the agent by their id."""
        known = {agent.id: agent for agent in AGENTS}
        agent = known.get(request.cookies.get("who", ""))
        if agent is None:
            return None
        return Session("ses_1", agent.id, NOW, NOW + timedelta(hours=12)), agent

    def form_token(self, session_id: str) -> str:
        """Give the one token there is."""
        del session_id
        return TOKEN

    def is_form_token(self, session_id: str, token: str) -> bool:
        """Tell it from others."""
        del session_id
        return token == TOKEN


@dataclass
class World:
    """The console with everything around it."""

    store: Store
    clock: FakeClock
    delivery: FakeDelivery
    client: httpx.AsyncClient
    app: Starlette
    evidence: FakeEvidence
    texts: int = 0
    customers: dict[str, Customer] = field(default_factory=dict)

    async def get(self, path: str, who: Agent | None = ADMIN, /, **query: str) -> httpx.Response:
        """Open a page as an agent."""
        address = f"{path}?{urlencode(query)}" if query else path
        cookies = {} if who is None else {"cookie": f"who={who.id}"}
        return await self.client.get(address, headers=cookies)

    async def post(
        self, path: str, who: Agent = ADMIN, *, token: str = TOKEN, **form: str
    ) -> httpx.Response:
        """Send a form as an agent."""
        return await self.client.post(
            path, data={"form_token": token, **form}, headers={"cookie": f"who={who.id}"}
        )

    async def text(
        self,
        body: str,
        recipient: str = ANN,
        sender: str = LONG,
        *,
        sent_at: datetime | None = None,
        after: float = 0.0,
    ) -> Received:
        """Let a person text a sender; it is on record `after` seconds."""
        self.texts += 1
        inbound = InboundText(f"SM-{self.texts}", recipient, sender, body, sent_at=sent_at)
        received_at = self.clock.now()
        self.clock.advance(seconds=after)
        return await self.store.submit(ReceiveMessage("car_1", "twilio", inbound, received_at))

    async def send(
        self, body: str, recipient: str = ANN, sender: str = LONG, who: Agent = ADMIN
    ) -> Sent:
        """Let an agent send a text."""
        actor = Actor(ActorKind.AGENT, who.id)
        draft = Draft(recipient=recipient, sender=sender, body=body, actor=actor, door=Door.CONSOLE)
        return await self.store.submit(SendMessage(draft))

    async def customer(self, name: str, *numbers: str) -> Customer:
        """Make a profile."""
        phones = tuple(CustomerPhone(n, n, "US") for n in numbers)
        return await self.store.submit(CreateCustomer(name=name, phones=phones))

    async def audit(self) -> list[Entry]:
        """Read the audit, newest first."""
        return await self.store.read_audit(Page(limit=200))


@asynccontextmanager
async def open_world(
    folder: Path, wrap: Callable[[Store], Store] = lambda store: store
) -> AsyncIterator[World]:
    """Build the console on a new database with two brands; `wrap` may put a store before it."""
    clock, policy, delivery = FakeClock(), Policy(), FakeDelivery()
    evidence = FakeEvidence()
    store = open_database(folder / "c.db", clock=clock, ids=SystemIds(), policy=policy)
    await _set_up(store)
    services = ConsoleServices(
        store=wrap(store),
        sessions=SignedIn(),  # type: ignore[arg-type]
        clock=clock,
        ids=SystemIds(),
        policy=policy,
        delivery=delivery,
        default_region="US",
        public_url=None,
        secret_key="a secret key of the server, long enough",
        carrier_kinds=CARRIERS,
        evidence=evidence,
    )
    app = Starlette(routes=build_console(services))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://console.test") as client:
        try:
            yield World(store, clock, delivery, client, app, evidence)
        finally:
            await store.close()


async def _set_up(store: Store) -> None:
    await store.submit(
        SaveCarrier(CarrierAccount("car_1", "twilio", "AC1", "secret", "https://carrier.example"))
    )
    for brand in (Brand("acme", "Acme"), Brand("other", "Other")):
        await store.submit(SaveBrand(brand))
    for number, kind, brand_id in (
        (LONG, SenderKind.LONG_CODE, "acme"),
        (TOLL_FREE, SenderKind.TOLL_FREE, "acme"),
        (FOREIGN, SenderKind.LONG_CODE, "other"),
    ):
        await store.submit(SaveSender(Sender(number, kind, brand_id, "car_1")))
    await store.submit(SaveProgram(Program("promo", "acme", Purpose.MARKETING, "Deals")))
    await store.submit(Write(Change(records=AGENTS)))


class _Tables(HTMLParser):
    """Reads the tables of a page: rows of cells, as text."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] | None = None
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a table, a row or a cell."""
        if tag == "table":
            name = dict(attrs).get("id") or f"table {len(self.tables)}"
            self._rows = self.tables.setdefault(name, [])
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in {"td", "th"}:
            self._cell = []
        elif tag == "br" and self._cell is not None:
            self._cell.append(" ")

    def handle_endtag(self, tag: str) -> None:
        """Close it."""
        if tag in {"td", "th"} and self._rows and self._cell is not None:
            self._rows[-1].append(" ".join("".join(self._cell).split()))
            self._cell = None
        elif tag == "table":
            self._rows = None

    def handle_data(self, data: str) -> None:
        """Keep what stands in a cell."""
        if self._cell is not None:
            self._cell.append(data)


def read_tables(page: str) -> dict[str, list[list[str]]]:
    """Read the tables of a page by their ids; rows of cells, the head's too."""
    reader = _Tables()
    reader.feed(page)
    return reader.tables
