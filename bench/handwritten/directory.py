"""Keys, senders and programs: read again when they are older than a second."""

import hashlib
import hmac
import time
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from tables import accounts, api_keys, programs, senders

CACHE_SECONDS = 1.0


@dataclass
class Directory:
    """What changes seldom."""

    engine: AsyncEngine
    keys: frozenset[str] = frozenset()
    senders: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    programs: list[tuple[str, str, str]] = field(default_factory=list)
    read_at: float = 0.0

    async def refresh(self) -> None:
        """Read everything again if it is time."""
        if time.monotonic() - self.read_at < CACHE_SECONDS:
            return
        async with self.engine.connect() as connection:
            found = await connection.execute(select(api_keys.c.hash))
            self.keys = frozenset(row.hash for row in found)
            found = await connection.execute(select(senders))
            self.senders = {row.number: row.brand for row in found}
            found = await connection.execute(select(accounts))
            self.accounts = {row.sid: row.token for row in found}
            found = await connection.execute(select(programs))
            self.programs = [(row.id, row.brand, row.purpose) for row in found]
        self.read_at = time.monotonic()

    def programs_for(self, brand: str, purpose: str) -> list[str]:
        """List the brand's programs of a purpose."""
        return [name for name, of, why in self.programs if of == brand and why == purpose]


def hash_key(secret: str) -> str:
    """Hash an API key as it is kept."""
    return hmac.digest(b"handwritten", secret.encode(), hashlib.sha256).hex()
