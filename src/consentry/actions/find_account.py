"""Accounts at the Twilio-compatible door: those with Twilio itself, and keys of ours.

An existing program goes on with the account sid and token (or API key) that it has at Twilio. A
new one may be given a key of ours, which has an account sid and a token too.
"""

import hmac
from typing import Final

import msgspec

from consentry.actions.find_key import KeyRing
from consentry.actions.make_key import join_credentials
from consentry.ports import APIKey, CarrierAccount, Clock, Scope, Store, StoreUnavailable

TWILIO: Final = "twilio"
"""The kind of carrier whose accounts open the door."""

_FRESH_SECONDS: Final = 1.0


class Account(msgspec.Struct, frozen=True, gc=False):
    """Who is at the door: a carrier account of the company's, or a key of ours; one is set."""

    sid: str
    key: APIKey | None = None
    carrier: CarrierAccount | None = None

    def may(self, scope: Scope) -> bool:
        """Tell what it may do; who holds the carrier account itself may do everything."""
        if self.key is None:
            return True
        return scope in self.key.scopes or Scope.ADMIN in self.key.scopes


class AccountRing:
    """All accounts of the door. Carrier accounts are read again when older than a second."""

    def __init__(self, store: Store, clock: Clock, keys: KeyRing) -> None:
        self._store = store
        self._clock = clock
        self._keys = keys
        self._carriers: tuple[CarrierAccount, ...] = ()
        self._read_at: float | None = None

    async def authenticate(self, user: str, password: str) -> Account | None:
        """Find the account of a user (an account sid, or an API key's) and its secret.

        None where there is none, the secret is wrong, or the key revoked. Raises
        `StoreUnavailable` where accounts could never be read.
        """
        for carrier in await self.list_carriers():
            if _opens(carrier, user, password):
                return Account(carrier.account, carrier=carrier)
        key = await self._keys.find(join_credentials(user, password))
        if key is None or key.account_sid != user:
            return None
        return Account(user, key=key)

    def hold_up(self, account: Account) -> int:
        """Count a request of an account; returns how many seconds it must wait, mostly none.

        Whoever has the carrier's own token is the company itself, and is not held up.
        """
        return 0 if account.key is None else self._keys.hold_up(account.key)

    def turn_away(self, address: str) -> int:
        """Count a knock in vain; returns for how many seconds there may be no other."""
        return self._keys.turn_away(address)

    async def find_token(self, account_sid: str) -> str | None:
        """Find the token with which an account signs; None where there is no such account now.

        Raises `StoreUnavailable` where accounts could never be read.
        """
        for carrier in await self.list_carriers():
            if carrier.account == account_sid:
                return carrier.secret
        key = await self._keys.find_account(account_sid)
        return None if key is None else self._keys.derive_token_of(key)

    async def list_carriers(self) -> tuple[CarrierAccount, ...]:
        """List the company's accounts with Twilio; raises `StoreUnavailable`."""
        now_seconds = self._clock.monotonic()
        if self._read_at is None or now_seconds - self._read_at >= _FRESH_SECONDS:
            try:
                accounts = await self._store.read_carriers()
            except StoreUnavailable:
                # Known accounts go on to work: the gate itself then says no, and says why.
                if self._read_at is None:
                    raise
            else:
                self._carriers = tuple(account for account in accounts if account.kind == TWILIO)
                self._read_at = now_seconds
        return self._carriers


def _opens(carrier: CarrierAccount, user: str, password: str) -> bool:
    if user == carrier.account:
        return _is_same(password, carrier.secret)
    if carrier.key_secret is None or user != carrier.key_id:
        return False
    return _is_same(password, carrier.key_secret)


def _is_same(given: str, secret: str) -> bool:
    """Compare in a time that tells nothing; an empty secret is never right."""
    # Surrogates can stand in a header that was no ASCII; they must not stop the comparison.
    return bool(secret) and hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), secret.encode()
    )
