"""API keys: finding the one that a request was made with."""

import hmac
from typing import Final

import msgspec

from consentry.actions.administer import SaveKey
from consentry.actions.count_try import network_of
from consentry.actions.limit_rates import RateLimit
from consentry.actions.make_key import (
    derive_token,
    hash_secret,
    identify_secret_key,
    join_credentials,
)
from consentry.ports import APIKey, Clock, Store, StoreUnavailable

_FRESH_SECONDS: Final = 1.0
REVOKED_EVERYWHERE_SECONDS: Final = _FRESH_SECONDS + 0.1
"""How long after it was revoked another process may still take a key for good."""

_UNKNOWN_FRESH_SECONDS: Final = 0.05
_NOTED_SECONDS: Final = 60.0


class KeyLimits(msgspec.Struct, frozen=True):
    """How often a key may be used, and how often an address may try one that is none."""

    of_key: RateLimit | None = None
    of_failures: RateLimit | None = None


NO_LIMITS: Final = KeyLimits()


def build_limits(*, requests_per_second: int, failures_per_minute: int) -> KeyLimits:
    """Build limits; 0 is none."""
    failures = failures_per_minute / 60.0
    return KeyLimits(
        RateLimit(requests_per_second) if requests_per_second else None,
        RateLimit(failures, failures_per_minute) if failures_per_minute else None,
    )


class KeyRing:
    """All keys by their hash, read again when they are older than a second.

    A key that is not on the ring may be brand new, so it is looked for at once, but not so often
    that guessing would keep the store busy.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        secret_key: str,
        limits: KeyLimits | None = None,
        *,
        older: tuple[str, ...] = (),
    ) -> None:
        """Read the keys of this store; without `limits` nobody is held up.

        `older`: secret keys of before. What was hashed with one of them is known all the same, and
        hashed anew when it is used.
        """
        self._older = older
        self._secret_key_id = identify_secret_key(secret_key)
        self._limits = limits or NO_LIMITS
        self._store = store
        self._clock = clock
        self._secret_key = secret_key
        self._by_hash: dict[str, APIKey] = {}
        self._by_account: dict[str, APIKey] = {}
        self._read_at: float | None = None
        self._outdated = False
        self._revoked: set[str] = set()
        self._noted_at: dict[str, float] = {}

    async def find(self, secret: str) -> APIKey | None:
        """Find the key of a secret; None where there is none or it is revoked.

        Raises `StoreUnavailable` where keys could never be read.
        """
        hashed = hash_secret(self._secret_key, secret)
        now_seconds = self._clock.monotonic()
        if not self._is_fresh(now_seconds, _FRESH_SECONDS):
            await self._refresh(now_seconds)
        key = self._look_up(hashed)
        if key is None:
            if not self._is_fresh(now_seconds, _UNKNOWN_FRESH_SECONDS):
                await self._refresh(now_seconds)
            key = self._look_up(hashed) or self._find_older(secret)
        if key is None or self._is_revoked(key):
            return None
        if key.hashed_by != self._secret_key_id and key.account_sid is None:
            key = self._hash_anew(key, hashed)
        self._note_use(key, now_seconds)
        return key

    def _look_up(self, hashed: str) -> APIKey | None:
        key = self._by_hash.get(hashed)
        return key if key is not None and hmac.compare_digest(key.hash, hashed) else None

    def _find_older(self, secret: str) -> APIKey | None:
        """Find a key that was hashed with a secret key of before."""
        for older in self._older:
            key = self._look_up(hash_secret(older, secret))
            if key is not None:
                return key
        return None

    def _hash_anew(self, key: APIKey, hashed: str) -> APIKey:
        """Have a key hang on the newest secret key from now on; best effort, until it is done."""
        anew = msgspec.structs.replace(key, hash=hashed, hashed_by=self._secret_key_id)
        self._store.post(SaveKey(anew))
        self._by_hash[hashed] = anew
        return anew

    def derive_token_of(self, account: APIKey) -> str | None:
        """Derive the auth token of an account of ours; None where its secret key was dropped."""
        sid = account.prefix
        for secret_key in (self._secret_key, *self._older):
            token = derive_token(secret_key, sid)
            hashed = hash_secret(secret_key, join_credentials(sid, token))
            if hmac.compare_digest(hashed, account.hash):
                return token
        return None

    def hold_up(self, key: APIKey) -> int:
        """Count a request made with a key; returns how many seconds it must wait, mostly none."""
        limit = self._limits.of_key
        return 0 if limit is None else limit.take(key.id, self._clock.monotonic())

    def turn_away(self, address: str) -> int:
        """Count a knock with no good key; returns for how many seconds there may be no other."""
        limit = self._limits.of_failures
        return 0 if limit is None else limit.take(network_of(address), self._clock.monotonic())

    async def find_account(self, account_sid: str) -> APIKey | None:
        """Find the key that is an account of ours; None where there is none or it is revoked.

        Raises `StoreUnavailable` where keys could never be read.
        """
        now_seconds = self._clock.monotonic()
        if not self._is_fresh(now_seconds, _FRESH_SECONDS):
            await self._refresh(now_seconds)
        key = self._by_account.get(account_sid)
        return None if key is None or self._is_revoked(key) else key

    def note_new(self) -> None:
        """Say that there is a new key: the next look reads them all again."""
        self._outdated = True

    def drop(self, key_id: str) -> None:
        """Refuse a key from now on, before its revocation is durable."""
        self._revoked.add(key_id)

    def restore(self, key_id: str) -> None:
        """Take a key back whose revocation could not be made durable."""
        self._revoked.discard(key_id)

    def _is_revoked(self, key: APIKey) -> bool:
        return key.revoked_at is not None or key.id in self._revoked

    def _is_fresh(self, now_seconds: float, fresh_seconds: float) -> bool:
        """Tell whether the keys at hand will do. Asked with each request, and so no coroutine."""
        read_at = self._read_at
        return not self._outdated and read_at is not None and now_seconds - read_at < fresh_seconds

    async def _refresh(self, now_seconds: float) -> None:
        self._outdated = False
        try:
            keys = await self._store.read_keys()
        except StoreUnavailable:
            # Known keys go on to work: the gate itself then says no, and says why.
            if self._read_at is None:
                raise
            return
        self._by_hash = {key.hash: key for key in keys}
        self._by_account = {key.account_sid: key for key in keys if key.account_sid is not None}
        self._read_at = now_seconds

    def _note_use(self, key: APIKey, now_seconds: float) -> None:
        """Note on the key that it is in use, at most once a minute; best effort."""
        noted_at = self._noted_at.get(key.id)
        if noted_at is not None and now_seconds - noted_at < _NOTED_SECONDS:
            return
        self._noted_at[key.id] = now_seconds
        now = self._clock.now()
        if key.last_used_at is None or (now - key.last_used_at).total_seconds() >= _NOTED_SECONDS:
            self._store.post(SaveKey(msgspec.structs.replace(key, last_used_at=now)))
