"""The console on a real store, and the standing accounts that its tests sign in with."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

import httpx
from starlette.applications import Starlette

from consentry.actions.administer import SaveBrand, SaveSender
from consentry.actions.count_try import TryLimits
from consentry.actions.keep_agents import SaveAgent, SetPassword
from consentry.actions.sign_in import MakeSignInLink, hash_sign_in_secret
from consentry.bootstrap import CARRIERS
from consentry.clock import SystemIds
from consentry.console.app import build_console
from consentry.console.identity import IdentityProvider
from consentry.console.passwords import Passwords, hash_password
from consentry.console.services import ConsoleServices
from consentry.console.sessions import Sessions
from consentry.domain.agents import Agent, Role
from consentry.domain.directory import Brand, Sender
from consentry.domain.entries import Entry, EntryKind
from consentry.domain.policy import Policy
from consentry.domain.reading import SenderKind
from consentry.ports import Page, Store
from databases import open_database
from fake_evidence import FakeEvidence
from fake_webhooks import fake_ways
from ledger_keys import SIGNER

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
SECRET_KEY = "a secret key of the server, long enough"
PASSWORD = "correct horse battery"
HOST = "console.example"
COOKIE = "consentry_session"
LONG_CODE = Sender("+12025550101", SenderKind.LONG_CODE, "acme", "fake")
FOREIGN = Sender("+12025550199", SenderKind.LONG_CODE, "other", "fake")
LIMITS = TryLimits(per_account=3, per_address=8, window_seconds=900)

ADMIN: Final = "admin@example.org"
FOREIGN_AGENT: Final = "foreign@example.org"
NO_ACCESS: Final = "nobody@example.org"
ACCOUNTS: Final[dict[str, tuple[Role | None, tuple[str, ...]]]] = {
    ADMIN: (Role.ADMIN, ()),
    FOREIGN_AGENT: (Role.AGENT, ("other",)),
    NO_ACCESS: (None, ()),
}
"""The three standing accounts: an admin, an agent of another brand, one with no access."""


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


class FakeDelivery:
    """Delivers nothing."""

    def wake(self) -> None:
        pass

    async def wait_quiet(self, messages: tuple[str, ...]) -> None:
        del messages


@cache
def hash_of_password() -> str:
    """Hash the accounts' password once: it takes a while by design."""
    return hash_password(PASSWORD)


@dataclass
class Console:
    """The console as browsers see it, and the store behind it."""

    app: Starlette
    store: Store
    clock: FakeClock
    services: ConsoleServices
    agents: dict[str, Agent] = field(default_factory=dict)
    links: int = 0
    mounts: dict[str, httpx.AsyncBaseTransport] = field(default_factory=dict)
    browsers: list[httpx.AsyncClient] = field(default_factory=list)

    def browser(
        self,
        *,
        scheme: str = "http",
        headers: Mapping[str, str] | None = None,
        address: str = "192.0.2.7",
    ) -> httpx.AsyncClient:
        """A browser with no cookies yet; it follows no redirect by itself."""
        browser = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app, client=(address, 40000)),
            mounts=self.mounts,
            base_url=f"{scheme}://{HOST}",
            headers={"user-agent": "Firefox", **(headers or {})},
        )
        self.browsers.append(browser)
        return browser

    async def make_link(self, email: str = ADMIN, seconds: int = 3600) -> str:
        """Make a sign-in link; give its path."""
        self.links += 1
        secret = f"link-{self.links}".ljust(43, "x")
        await self.store.submit(
            MakeSignInLink(self.agents[email].id, hash_sign_in_secret(secret), seconds)
        )
        return f"/console/sign-in?token={secret}"

    async def signed_in(
        self, email: str = ADMIN, *, address: str = "192.0.2.7"
    ) -> httpx.AsyncClient:
        """A browser in which somebody has signed in, by a link."""
        browser = self.browser(address=address)
        answer = await browser.get(await self.make_link(email))
        assert answer.status_code == 303
        return browser

    async def audit(self) -> list[Entry]:
        """List what the audit says, newest first."""
        return await self.store.read_audit(Page(limit=100))

    async def refusals(self) -> list[tuple[str | None, str | None]]:
        """List the refused sign-ins: what was tried, and why not."""
        return [
            (entry.text, entry.reason)
            for entry in await self.audit()
            if entry.kind is EntryKind.SIGN_IN_REFUSED
        ]


async def read_form_token(browser: httpx.AsyncClient, path: str = "/console/account") -> str:
    """Read the token that a page's forms carry."""
    page = (await browser.get(path)).text
    return page.partition('name="form_token" value="')[2].partition('"')[0]


@asynccontextmanager
async def open_console(
    folder: Path,
    *,
    provider: IdentityProvider | None = None,
    public_url: str | None = None,
    limits: TryLimits = LIMITS,
) -> AsyncIterator[Console]:
    """Build the console on a new database with two brands and the three accounts."""
    clock, ids, policy = FakeClock(), SystemIds(), Policy()
    store = open_database(folder / "console.db", clock=clock, ids=ids, policy=policy, signer=SIGNER)
    services = ConsoleServices(
        store=store,
        sessions=Sessions(
            store,
            clock,
            secret_key=SECRET_KEY,
            session_seconds=12 * 3600,
            public_url=public_url,
        ),
        clock=clock,
        ids=ids,
        policy=policy,
        delivery=FakeDelivery(),
        default_region="US",
        public_url=public_url,
        secret_key=SECRET_KEY,
        carrier_kinds=CARRIERS,
        passwords=Passwords(),
        try_limits=limits,
        link_seconds=3600,
        provider=provider,
        evidence=FakeEvidence(),
        webhook_ways=fake_ways(),
    )
    console = Console(Starlette(routes=build_console(services)), store, clock, services)
    for brand in ("acme", "other"):
        await store.submit(SaveBrand(Brand(brand, brand.title())))
    for sender in (LONG_CODE, FOREIGN):
        await store.submit(SaveSender(sender))
    for email, (role, brands) in ACCOUNTS.items():
        name = email.partition("@")[0].title()
        agent = await store.submit(SaveAgent(Agent("", email, name, role, NOW, brands)))
        console.agents[email] = await store.submit(SetPassword(agent.id, hash_of_password()))
    yield console
    for browser in console.browsers:
        await browser.aclose()
    await store.close()
