"""The ring of API keys: what it finds, how soon it sees a change, what it does without a store."""

import msgspec
import pytest

from consentry.actions.administer import SaveKey, revoked
from consentry.actions.find_key import KeyRing, build_limits
from consentry.actions.make_key import (
    ACCOUNT_BYTES,
    SECRET_BYTES,
    identify_secret_key,
    join_credentials,
    make_account,
    make_key,
)
from consentry.ports import APIKey, Scope, StoreUnavailable
from memory_store import START, FakeClock, MemoryStore

pytestmark = pytest.mark.unit

SERVER = "the server's secret key, long enough"


class Ring:
    """A ring on a store in memory."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(clock=self.clock)
        self.keys = KeyRing(self.store, self.clock, SERVER)

    def add(self, name: str = "shop") -> tuple[str, APIKey]:
        """Save a new key; return its secret too."""
        secret, key = make_key(
            name,
            (Scope.SEND,),
            secret_key=SERVER,
            randomness=name.ljust(SECRET_BYTES, "*").encode(),
            now=START,
        )
        return secret, self.store.run(SaveKey(key))

    def add_account(self) -> APIKey:
        """Save a new account of the Twilio-compatible door."""
        _, key = make_account(
            "shop", (Scope.SEND,), secret_key=SERVER, randomness=b"a" * ACCOUNT_BYTES, now=START
        )
        return self.store.run(SaveKey(key))


async def test_a_key_is_found_by_its_secret_alone() -> None:
    """The secret finds its key, and anything else finds none."""
    ring = Ring()
    secret, key = ring.add()
    assert (await ring.keys.find(secret)) == key
    assert (await ring.keys.find(secret + "x")) is None


async def test_a_new_key_is_seen_at_once_where_it_was_made() -> None:
    """A key made here works at once; one made by another process a moment after a wrong guess."""
    ring = Ring()
    assert (await ring.keys.find("csk_wrong")) is None
    first, _ = ring.add("first")
    assert (await ring.keys.find(first)) is None
    ring.keys.note_new()
    assert (await ring.keys.find(first)) is not None
    second, _ = ring.add("second")
    ring.clock.advance(seconds=0.06)
    assert (await ring.keys.find(second)) is not None


async def test_a_revoked_key_is_refused_at_once_and_may_come_back() -> None:
    """Dropped here it is refused before that is durable; revoked elsewhere, within a second."""
    ring = Ring()
    secret, key = ring.add()
    assert (await ring.keys.find(secret)) is not None
    ring.keys.drop(key.id)
    assert (await ring.keys.find(secret)) is None
    ring.keys.restore(key.id)
    assert (await ring.keys.find(secret)) is not None
    ring.store.run(SaveKey(revoked(ring.store.keys[key.id], START)))
    ring.clock.advance(seconds=1)
    assert (await ring.keys.find(secret)) is None


async def test_an_account_is_found_by_its_sid() -> None:
    """A key with an account sid is found by it, a key without one never, a revoked one no more."""
    ring = Ring()
    account = ring.add_account()
    _, key = ring.add()
    assert account.account_sid == account.prefix == "AC" + b"a".hex() * ACCOUNT_BYTES
    assert key.account_sid is None
    assert (await ring.keys.find_account(account.prefix)) == account
    assert (await ring.keys.find_account(key.prefix)) is None
    ring.keys.drop(account.id)
    assert (await ring.keys.find_account(account.prefix)) is None


async def test_known_keys_outlive_the_store() -> None:
    """Without a store known keys go on to work; where none was ever read, nobody gets in."""
    ring = Ring()
    secret, _ = ring.add()
    ring.store.available = False
    with pytest.raises(StoreUnavailable):
        await ring.keys.find(secret)
    ring.store.available = True
    assert (await ring.keys.find(secret)) is not None
    ring.store.available = False
    ring.clock.advance(seconds=5)
    assert (await ring.keys.find(secret)) is not None


async def test_the_use_of_a_key_is_noted_once_a_minute() -> None:
    """The first use is noted on the key, the next within a minute is not, a later one is."""
    ring = Ring()
    secret, key = ring.add()
    await ring.keys.find(secret)
    assert ring.store.keys[key.id].last_used_at == START
    ring.clock.advance(seconds=59)
    await ring.keys.find(secret)
    assert ring.store.keys[key.id].last_used_at == START
    ring.clock.advance(seconds=2)
    await ring.keys.find(secret)
    assert ring.store.keys[key.id].last_used_at == ring.clock.now()


async def test_what_another_process_noted_is_not_noted_again() -> None:
    """A key that another process has just seen in use is left as it is."""
    ring = Ring()
    secret, key = ring.add()
    ring.clock.advance(seconds=30)
    used = msgspec.structs.replace(key, last_used_at=START)
    ring.store.run(SaveKey(used))
    await ring.keys.find(secret)
    assert ring.store.keys[key.id] == used


def test_a_key_is_held_up_where_that_is_set() -> None:
    """So many requests a second of each key; without limits nobody waits."""
    ring = Ring()
    _, key = ring.add()
    _, other = ring.add("other")
    assert [ring.keys.hold_up(key) for _ in range(100)] == [0] * 100
    limits = build_limits(requests_per_second=2, failures_per_minute=0)
    keys = KeyRing(ring.store, ring.clock, SERVER, limits)
    assert [keys.hold_up(key) for _ in range(5)] == [0, 0, 0, 0, 1]
    assert keys.hold_up(other) == 0
    assert [keys.turn_away("192.0.2.7") for _ in range(100)] == [0] * 100


def test_an_address_that_knocks_too_often_is_turned_away() -> None:
    """A whole IPv6 network counts as one address."""
    ring = Ring()
    limits = build_limits(requests_per_second=0, failures_per_minute=2)
    keys = KeyRing(ring.store, ring.clock, SERVER, limits)
    assert [keys.turn_away("2001:db8::1"), keys.turn_away("2001:db8::2")] == [0, 0]
    assert keys.turn_away("2001:db8::3") == 30
    assert keys.turn_away("2001:db9::1") == 0
    assert [ring.keys.turn_away("192.0.2.7") for _ in range(100)] == [0] * 100


# --- The secret key is changed ----------------------------------------------------------------

NEXT = "the server's next secret key, long too"


async def test_what_was_hashed_with_a_key_of_before_goes_on_to_work() -> None:
    """It is hashed anew when it is used, so that the key of before can be dropped afterwards."""
    ring = Ring()
    secret, key = ring.add()
    unused, _ = ring.add("unused")
    both = KeyRing(ring.store, ring.clock, NEXT, older=("another secret key of before", SERVER))
    found = await both.find(secret)
    assert found is not None
    assert (found.id, found.hashed_by) == (key.id, identify_secret_key(NEXT))
    assert await both.find(secret) == found
    assert await both.find(secret + "x") is None
    alone = KeyRing(ring.store, ring.clock, NEXT)
    assert (await alone.find(secret)) is not None
    assert (await alone.find(unused)) is None


async def test_a_revoked_key_is_not_hashed_anew() -> None:
    """It stays as it is, and is refused."""
    ring = Ring()
    secret, key = ring.add()
    ring.store.run(SaveKey(revoked(key, START)))
    both = KeyRing(ring.store, ring.clock, NEXT, older=(SERVER,))
    assert await both.find(secret) is None
    assert ring.store.keys[key.id].hash == key.hash


async def test_a_key_of_which_it_is_not_known_is_marked_when_it_is_used() -> None:
    """What was made before keys were named is told to hang on the newest, once it shows so."""
    ring = Ring()
    secret, key = ring.add()
    ring.store.keys[key.id] = msgspec.structs.replace(key, hashed_by="")
    assert (await ring.keys.find(secret)) is not None
    assert ring.store.keys[key.id].hashed_by == identify_secret_key(SERVER)


async def test_an_account_signs_as_before_until_its_secret_key_is_dropped() -> None:
    """Its token is derived from the key of then: programs have it, so it cannot change."""
    ring = Ring()
    token, made = make_account(
        "shop", (Scope.SEND,), secret_key=SERVER, randomness=b"b" * ACCOUNT_BYTES, now=START
    )
    account = ring.store.run(SaveKey(made))
    both = KeyRing(ring.store, ring.clock, NEXT, older=(SERVER,))
    assert await both.find(join_credentials(account.prefix, token)) == account
    assert both.derive_token_of(account) == token
    assert KeyRing(ring.store, ring.clock, NEXT).derive_token_of(account) is None
