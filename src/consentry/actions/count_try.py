"""How often somebody may try something: so many times in a while, per account and per address.

Signing in is counted apart from filling in an opt-in form, where the account is the phone number.

Counted in the database, so that it holds over all processes. Each name has a row there, under a
digest of it: an address or an email that was only tried is kept nowhere.
"""

from datetime import datetime, timedelta
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Final

import msgspec

from consentry.ports import Change, Facts, IdempotencyRecord, Needs, Outcome

SIGN_IN: Final = "sign-in tries"
OPT_IN: Final = "opt-in tries"
OPT_OUT: Final = "opt-out tries"


class TryLimits(msgspec.Struct, frozen=True):
    """How many tries within the last `window_seconds` are let through."""

    per_account: int = 10
    per_address: int = 50
    window_seconds: int = 900


class Wait(msgspec.Struct, frozen=True):
    """No more tries for now. `is_news` is true for the first that is turned away."""

    seconds: int
    is_news: bool


class _Tries(msgspec.Struct, frozen=True):
    """When a name was tried, oldest first, and when somebody was last told to wait for it."""

    made: tuple[datetime, ...] = ()
    told_at: datetime | None = None


_Key = tuple[str, str]
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Tries).decode


class CountTry(msgspec.Struct, frozen=True):
    """Count one try, or tell how long to wait; a try that is turned away does not count.

    `account` is None where it is not known yet whose it would be. `what` is tried.
    """

    address: str
    account: str | None
    limits: TryLimits
    what: str = SIGN_IN

    def needs(self) -> Needs:
        """Ask for the tries of the address, and of the account."""
        return Needs(idempotency=tuple((self.what, key) for key, _ in self._names()))

    def decide(self, facts: Facts) -> tuple[Wait | None, Change]:
        """Decide by the name that must wait longest."""
        window = timedelta(seconds=self.limits.window_seconds)
        known = {key: _read(facts, (self.what, key), window) for key, _ in self._names()}
        waits = {key: _wait(known[key], most, window, facts.now) for key, most in self._names()}
        longest = max(waits, key=lambda key: waits[key])
        if waits[longest] <= timedelta(0):
            rows = (
                _write((self.what, key), _Tries((*tries.made, facts.now), tries.told_at), facts)
                for key, tries in known.items()
            )
            return None, Change(records=tuple(rows))
        tries = known[longest]
        is_news = tries.told_at is None
        told = _write((self.what, longest), _Tries(tries.made, tries.told_at or facts.now), facts)
        wait = Wait(ceil(waits[longest].total_seconds()), is_news)
        return wait, Change(records=(told,) if is_news else ())

    def _names(self) -> tuple[tuple[str, int], ...]:
        address = (_digest(f"address {network_of(self.address)}"), self.limits.per_address)
        if self.account is None:
            return (address,)
        return address, (_digest(f"account {self.account}"), self.limits.per_account)


class ForgetTries(msgspec.Struct, frozen=True):
    """Forget the tries of an account whose owner has shown who they are."""

    account: str

    def needs(self) -> Needs:
        """Ask for its tries, so that nobody counts one meanwhile."""
        return Needs(idempotency=((SIGN_IN, _digest(f"account {self.account}")),))

    def decide(self, facts: Facts) -> tuple[type[Outcome], Change]:
        """Forget them; those of the address stay: it may be trying other accounts."""
        key = _digest(f"account {self.account}")
        if facts.idempotent(SIGN_IN, key) is None:
            return Outcome, Change()
        return Outcome, Change(records=(_write((SIGN_IN, key), _Tries(), facts),))


def _read(facts: Facts, key: _Key, window: timedelta) -> _Tries:
    """Read what still counts. What lies ahead was counted before the clock was set back."""
    record = facts.idempotent(*key)
    if record is None:
        return _Tries()
    tries = _decode(record.body)
    made = tuple(at for at in tries.made if facts.now - window < at <= facts.now)
    told = tries.told_at is not None and facts.now - window < tries.told_at <= facts.now
    return _Tries(made, tries.told_at if told else None)


def _wait(tries: _Tries, most: int, window: timedelta, now: datetime) -> timedelta:
    if len(tries.made) < most:
        return timedelta(0)
    return tries.made[-most] + window - now


def _write(key: _Key, tries: _Tries, facts: Facts) -> IdempotencyRecord:
    return IdempotencyRecord(*key, "", 200, _encode(tries), facts.now)


def _digest(name: str) -> str:
    return blake2b(name.encode("utf-8", "replace"), digest_size=16).hexdigest()


def network_of(address: str) -> str:
    """Take a whole IPv6 network for one address: its owner has all of the addresses in it."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(int(parsed) >> 64)
    return address
