"""Accounts of the Twilio-compatible door: who gets in, and with which token an account signs."""

import msgspec
import pytest

from consentry.actions.administer import SaveKey, revoked
from consentry.actions.find_account import Account, AccountRing
from consentry.actions.find_key import KeyRing, build_limits
from consentry.actions.make_key import (
    ACCOUNT_BYTES,
    SECRET_BYTES,
    derive_token,
    make_account,
    make_key,
)
from consentry.ports import CarrierAccount, Scope, StoreUnavailable
from memory_store import START, FakeClock, MemoryStore

pytestmark = pytest.mark.unit

SERVER = "the server's secret key, long enough"
OWN = CarrierAccount(
    "simulated",
    "twilio",
    "AC" + "1" * 32,
    "the auth token",
    "http://127.0.0.1:1",
    key_id="SK" + "2" * 32,
    key_secret="the key's secret",
)
OTHER = CarrierAccount("other", "telnyx", "AC" + "3" * 32, "not for this door", "http://127.0.0.1")
EMPTY = CarrierAccount("empty", "twilio", "AC" + "4" * 32, "", "http://127.0.0.1", key_id="SK1")


class Ring:
    """All accounts on a store in memory."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = MemoryStore(clock=self.clock)
        self.store.carriers = {account.id: account for account in (OTHER, OWN, EMPTY)}
        keys = KeyRing(self.store, self.clock, SERVER)
        self.accounts = AccountRing(self.store, self.clock, keys)
        self.token, key = make_account(
            "shop",
            (Scope.SEND, Scope.SEND),
            secret_key=SERVER,
            randomness=b"k" * ACCOUNT_BYTES,
            now=START,
        )
        self.key = self.store.run(SaveKey(key))


async def test_a_carrier_account_opens_with_its_token_and_with_its_key() -> None:
    """Sid and token open the door, the pair of API key and secret too; it may do everything."""
    ring = Ring()
    assert OWN.key_id is not None
    for user, password in ((OWN.account, "the auth token"), (OWN.key_id, "the key's secret")):
        account = await ring.accounts.authenticate(user, password)
        assert account == Account(OWN.account, carrier=OWN)
        assert all(account.may(scope) for scope in Scope)


@pytest.mark.parametrize(
    ("user", "password"),
    [
        (OWN.account, "the key's secret"),
        (OWN.account, ""),
        (OWN.account, "\udce9"),
        (OWN.key_id, "the auth token"),
        (OTHER.account, OTHER.secret),
        (EMPTY.account, ""),
        ("SK1", ""),
        ("", ""),
        ("AC" + "9" * 32, "the auth token"),
    ],
)
async def test_nobody_else_gets_in(user: str, password: str) -> None:
    """Neither a wrong secret, nor an empty one, nor another carrier's account opens the door."""
    assert (await Ring().accounts.authenticate(user, password)) is None


async def test_a_key_of_ours_opens_with_the_token_derived_from_it() -> None:
    """Its sid and token open the door, within its scopes; what is kept tells no token."""
    ring = Ring()
    account = await ring.accounts.authenticate(ring.key.prefix, ring.token)
    assert account == Account(ring.key.prefix, key=ring.key)
    assert account.may(Scope.SEND)
    assert not account.may(Scope.READ)
    assert ring.key.scopes == (Scope.SEND,)
    admin = msgspec.structs.replace(ring.key, scopes=(Scope.ADMIN,))
    assert Account(admin.prefix, key=admin).may(Scope.READ)
    assert len(ring.token) == 32
    assert ring.token not in repr(ring.key)
    assert ring.token == derive_token(SERVER, ring.key.prefix)
    assert ring.token != derive_token("another server", ring.key.prefix)


async def test_an_api_key_is_no_account() -> None:
    """The secret of an ordinary key, split at a colon, does not open the door."""
    ring = Ring()
    secret, key = make_key(
        "x", (Scope.ADMIN,), secret_key=SERVER, randomness=b"x" * SECRET_BYTES, now=START
    )
    ring.store.run(SaveKey(msgspec.structs.replace(key, hash=ring.key.hash)))
    assert (await ring.accounts.authenticate(key.prefix, secret)) is None
    assert (await ring.accounts.authenticate(ring.key.prefix, ring.token)) is None


async def test_an_account_signs_with_its_own_token() -> None:
    """The carrier's token, or the derived one; a revoked key signs nothing, nor a stranger."""
    ring = Ring()
    assert (await ring.accounts.find_token(OWN.account)) == "the auth token"
    assert (await ring.accounts.find_token(ring.key.prefix)) == ring.token
    assert (await ring.accounts.find_token("AC" + "9" * 32)) is None
    ring.store.run(SaveKey(revoked(ring.key, START)))
    ring.clock.advance(seconds=1)
    assert (await ring.accounts.find_token(ring.key.prefix)) is None


async def test_changed_accounts_are_seen_within_a_second_and_outlive_the_store() -> None:
    """A new token counts after a second; without a store the known ones go on to work."""
    ring = Ring()
    ring.store.available = False
    with pytest.raises(StoreUnavailable):
        await ring.accounts.authenticate(OWN.account, OWN.secret)
    ring.store.available = True
    assert (await ring.accounts.authenticate(OWN.account, OWN.secret)) is not None
    ring.store.carriers[OWN.id] = msgspec.structs.replace(OWN, secret="a new token")
    assert (await ring.accounts.authenticate(OWN.account, OWN.secret)) is not None
    ring.clock.advance(seconds=1)
    assert (await ring.accounts.authenticate(OWN.account, OWN.secret)) is None
    assert (await ring.accounts.authenticate(OWN.account, "a new token")) is not None
    ring.store.available = False
    ring.clock.advance(seconds=1)
    assert (await ring.accounts.authenticate(OWN.account, "a new token")) is not None


def test_a_key_of_ours_is_held_up_and_the_companys_own_account_is_not() -> None:
    """By the limits of API keys, which both doors share."""
    ring = Ring()
    limits = build_limits(requests_per_second=1, failures_per_minute=1)
    keys = KeyRing(ring.store, ring.clock, SERVER, limits)
    accounts = AccountRing(ring.store, ring.clock, keys)
    ours, carriers = Account("AC", key=ring.key), Account(OWN.account, carrier=OWN)
    assert [accounts.hold_up(ours) for _ in range(3)] == [0, 0, 1]
    assert [accounts.hold_up(carriers) for _ in range(3)] == [0, 0, 0]
    assert [accounts.turn_away("192.0.2.7") for _ in range(2)] == [0, 60]
