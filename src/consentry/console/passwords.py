"""Passwords: hashed with argon2id, checked beside the event loop, alike for people nobody knows."""

import asyncio
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_AT_ONCE: Final = 2
"""Each check takes 64 MiB and a core: more at once would starve everything else."""

_HASHER: Final = PasswordHasher()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password is the right one; `renewed` is a hash with newer parameters, if due."""

    is_right: bool
    renewed: str | None = None


def hash_password(password: str) -> str:
    """Hash a password as it is kept. It takes a tenth of a second: not on the event loop."""
    return _HASHER.hash(_normalize(password))


def _normalize(password: str) -> bytes:
    """Write it in one way, whichever keyboard composed its accents (RFC 8265)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


class Passwords:
    """Hashes and checks passwords without holding up anybody else."""

    def __init__(self) -> None:
        """Start with no hash of nobody's yet."""
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """Hash a password."""
        async with self._slots:
            return await asyncio.to_thread(hash_password, password)

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Check a password; where there is no hash to check against, take the same time."""
        async with self._slots:
            return await asyncio.to_thread(self._verify, password, stored)

    def _verify(self, password: str, stored: str | None) -> Verdict:
        # Made at the first check of all, so that nobody's check takes longer than another's.
        nobodys = self._nobodys or hash_password(secrets.token_urlsafe())
        self._nobodys = nobodys
        known = stored or nobodys
        try:
            _HASHER.verify(known, _normalize(password))
        except (VerificationError, InvalidHashError):
            return Verdict(is_right=False)
        renewed = hash_password(password) if _HASHER.check_needs_rehash(known) else None
        return Verdict(is_right=stored is not None, renewed=renewed)
