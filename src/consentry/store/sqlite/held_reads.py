"""What the store reads of one number's rows: a part of `SQLiteStore`."""

import msgspec

from consentry.ports import LastSeen, Mentions
from consentry.store.sqlite.aside import AsideReader
from consentry.store.sqlite.erasing import find_mentions, read_last_seen, read_rows_of


class HeldReads:
    """Reads in a thread and over a connection of its own: nobody waits for it."""

    _aside: AsideReader

    async def read_mentions(self, recipients: list[str]) -> list[Mentions]:
        """Look where numbers are named beside their own rows."""
        return await self._aside.walk(lambda connection: find_mentions(connection, recipients))

    async def read_last_seen(self, after: str, limit: int) -> list[LastSeen]:
        """List numbers from behind one, with when something last happened with each."""
        return await self._aside.walk(lambda connection: read_last_seen(connection, after, limit))

    async def read_held(self, recipient: str) -> dict[str, list[msgspec.Raw]]:
        """Read all rows that are held of a number, by table."""
        return await self._aside.walk(lambda connection: read_rows_of(connection, recipient))
