"""How often somebody may try to sign in, over all processes."""

from datetime import timedelta

import pytest

from consentry.actions.count_try import CountTry, ForgetTries, TryLimits, Wait
from memory_store import START, MemoryStore

pytestmark = pytest.mark.unit

LIMITS = TryLimits(per_account=2, per_address=4, window_seconds=100)


class World:
    """Somebody who tries, at seconds since the start."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    def ask(
        self, at: float, account: str | None = "ada", address: str = "192.0.2.1"
    ) -> Wait | None:
        """Try once."""
        self.store.clock.advance(seconds=at - self.store.clock.monotonic())
        return self.store.run(CountTry(address, account, LIMITS))

    def begin(self, at: float, account: str | None = "ada", address: str = "192.0.2.1") -> int:
        """Try once; give the seconds to wait, 0 where the try was let through."""
        wait = self.ask(at, account, address)
        return 0 if wait is None else wait.seconds


def test_the_window_slides() -> None:
    """Each try is forgotten when it is as old as the window, not all of them at once."""
    world = World()
    assert [world.begin(at) for at in (0, 60, 70)] == [0, 0, 30]
    assert [world.begin(at) for at in (99.5, 100, 101)] == [1, 0, 59]


def test_a_try_that_is_turned_away_does_not_count() -> None:
    """Who keeps trying does not wait longer for it."""
    world = World()
    for at in range(2):
        world.begin(at)
    assert [world.begin(at) for at in (10, 20, 30)] == [90, 80, 70]
    assert world.begin(100) == 0


def test_accounts_and_addresses_are_counted_apart() -> None:
    """Many accounts from one address, and one account from many addresses."""
    world = World()
    assert [world.begin(0, f"agent {n}") for n in range(5)] == [0, 0, 0, 0, 100]
    assert [world.begin(0, "eve", f"198.51.100.{n}") for n in range(3)] == [0, 0, 100]
    assert world.begin(0, None, "198.51.100.9") == 0


def test_one_ipv6_network_is_one_address() -> None:
    """Its owner has all of its addresses; IPv4 and what is no address are taken as they are."""
    world = World()
    tried = [world.begin(0, None, f"2001:db8:1:2::{n}") for n in range(5)]
    assert tried == [0, 0, 0, 0, 100]
    assert world.begin(0, None, "2001:db8:1:3::1") == 0
    mapped = [world.begin(0, None, f"::ffff:192.0.2.{n}") for n in range(5)]
    assert mapped == [0] * 5
    assert [world.begin(0, None, "") for _ in range(5)] == [0, 0, 0, 0, 100]


def test_the_audit_is_told_once_a_window() -> None:
    """However often somebody is turned away."""
    world = World()
    waits = [world.ask(at) for at in range(6)]
    assert [wait and wait.is_news for wait in waits] == [None, None, True, False, False, False]
    later = [world.ask(at) for at in (150, 151, 152)]
    assert [wait and wait.is_news for wait in later] == [None, None, True]


def test_success_gives_an_accounts_tries_back() -> None:
    """Those of the address stay: it may be trying other accounts."""
    world = World()
    assert [world.begin(0) for _ in range(3)] == [0, 0, 100]
    world.store.run(ForgetTries("ada"))
    world.store.run(ForgetTries("nobody"))
    assert [world.begin(0) for _ in range(3)] == [0, 0, 100]
    assert world.begin(0, "eve") == 100


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    """What was counted at a time to come does not count."""
    world = World()
    assert [world.begin(at) for at in (90_000, 90_001, 90_002)] == [0, 0, 98]
    assert world.begin(0) == 0
    assert world.store.clock.now() == START + timedelta(0)


def test_nobody_is_named_in_the_database() -> None:
    """An address or an email that was only tried is kept nowhere."""
    world = World()
    world.begin(0, "ada@example.org", "192.0.2.77")
    world.begin(0, "a lone \udc80 surrogate")
    kept = repr(world.store.idempotency)
    assert "ada" not in kept
    assert "192.0.2.77" not in kept
