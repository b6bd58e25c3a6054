"""Links are kept for the accounts that have one: new, changed and removed ones too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from consentry.delivery.links import LinkKeeper
from consentry.ports import CarrierAccount, Intake, StoreUnavailable

pytestmark = pytest.mark.unit


@dataclass
class Link:
    """Implements `ports.CarrierLink`: says when it is kept, and when no more."""

    told: list[str]
    name: str
    fails: int = 0

    async def keep(self, _intake: Intake) -> None:
        """Stay until cancelled, or fail."""
        self.told.append(f"+{self.name}")
        if self.fails:
            self.fails -= 1
            raise RuntimeError("a fault")
        try:
            await asyncio.Event().wait()
        finally:
            self.told.append(f"-{self.name}")


@dataclass
class LinkedCarrier:
    """As much of a carrier as is looked at."""

    id: str
    link: Link | None


@dataclass
class World:
    """Implements what is asked of the store and of the book: one carrier for each account."""

    accounts: list[CarrierAccount] = field(default_factory=list)
    built: dict[str, tuple[CarrierAccount, LinkedCarrier]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    fault: Exception | None = None
    looks: int = 0
    is_kept: bool = False
    fails: int = 0

    async def read_carriers(self) -> list[CarrierAccount]:
        """List accounts, unless it is away."""
        self.looks += 1
        if self.fault is not None:
            raise self.fault
        return self.accounts

    async def find(self, account_id: str) -> LinkedCarrier | None:
        """Build a carrier once, and anew when its account has changed."""
        account = next((a for a in self.accounts if a.id == account_id), None)
        if account is None or account.kind == "gone":
            return None
        kept = self.built.get(account_id)
        if kept is None or kept[0] != account:
            link = Link(self.told, account.secret, self.fails) if account.kind == "smpp" else None
            kept = self.built[account_id] = (account, LinkedCarrier(account_id, link))
        return kept[1]

    async def settle(self) -> list[str]:
        """Let some looks pass, and give what was told."""
        looks = self.looks
        async with asyncio.timeout(60):
            # Nobody tells of a look: the keeper has no more to say than its links.
            while self.looks < looks + 5 and self.is_kept:  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.002)
        told, self.told[:] = list(self.told), []
        return told


@asynccontextmanager
async def kept(world: Any) -> AsyncIterator[None]:
    """Keep links as long as the block."""
    keeper = LinkKeeper(world, world, world, look_seconds=0.005)
    running = asyncio.create_task(keeper.run())
    world.is_kept = True
    try:
        yield
    finally:
        world.is_kept = False
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def account(name: str, secret: str, kind: str = "smpp") -> CarrierAccount:
    """An account; its secret is how its link is called here."""
    return CarrierAccount(name, kind, "us", secret, "smpp://127.0.0.1")


async def test_only_accounts_with_a_link_are_linked() -> None:
    """Once each, until the end; one that posts webhooks, or that nobody can build, is not."""
    world = World([account("a", "one"), account("b", "b", "twilio"), account("c", "c", "gone")])
    async with kept(world):
        assert await world.settle() == ["+one"]
        assert await world.settle() == []
    assert await world.settle() == ["-one"]


async def test_accounts_come_change_and_go_while_it_runs() -> None:
    """A changed account's link ends before the new one begins; a removed one's ends."""
    world = World()
    async with kept(world):
        assert await world.settle() == []
        world.accounts = [account("a", "one"), account("b", "two")]
        assert await world.settle() == ["+one", "+two"]
        world.accounts = [msgspec.structs.replace(world.accounts[0], secret="three")]
        told = await world.settle()
        assert set(told[:2]) == {"-one", "-two"}
        assert told[2:] == ["+three"]


@pytest.mark.parametrize("fault", [StoreUnavailable("away"), RuntimeError("a fault")])
async def test_a_store_that_is_away_ends_no_link(fault: Exception) -> None:
    """What is bound stays bound until the accounts can be read again, whatever is wrong."""
    world = World([account("a", "one")])
    async with kept(world):
        assert await world.settle() == ["+one"]
        world.fault = fault
        assert await world.settle() == []
        world.fault, world.accounts = None, []
        assert await world.settle() == ["-one"]


async def test_a_link_with_a_fault_is_begun_again() -> None:
    """And it ends no other."""
    world = World([account("a", "one")], fails=2)
    async with kept(world):
        assert await world.settle() == ["+one"] * 3
