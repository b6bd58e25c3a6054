"""What reads in one event loop: its connections, what the gate asks, and what it hears."""

from typing import Final

import msgspec

from consentry.ports import LastSeen, Mentions
from consentry.store.postgres.address import Address
from consentry.store.postgres.announcing import Listener
from consentry.store.postgres.erasing import find_mentions, read_last_seen, read_rows_of
from consentry.store.postgres.facts import FactsReader
from consentry.store.postgres.lists import Lists
from consentry.store.postgres.log_reading import LogReader
from consentry.store.postgres.pool import Pool
from consentry.store.postgres.reading import Reader
from consentry.store.postgres.writing_side import WritingSide
from consentry.store.watching import Watchers

POOL_SIZE: Final = 4
GATE_QUESTIONS_MAX: Final = 1000
"""How many questions about one recipient share a query: a few milliseconds."""

GATE_QUERIES_MAX: Final = 1
"""To send a query costs as much as to answer ten questions, so the more share one the better."""

STREAM_QUESTIONS_MAX: Final = 4
"""How many questions about some hundreds each share a query."""

STREAM_QUERIES_MAX: Final = 2
"""Those are long: while one is answered the next is put together."""

GATE_ANSWER_SECONDS: Final = 1.0
"""Then the gate says no: who sends waits for it. Its look-ups take some milliseconds."""

_BEFORE_GATE: Final = 1
"""Connections for what every request needs before the gate is asked: keys, accounts."""


class ReadingSide:
    """Belongs to the event loop that it was first used in."""

    def __init__(
        self, address: Address, *, process: str, watchers: Watchers, writing: WritingSide
    ) -> None:
        """Connect nowhere yet."""
        self._writing = writing
        # The gate's queries are look-ups by an index, whatever the planner knows of the table.
        by_index = {"enable_seqscan": "off"}
        self._gate = Pool(
            address,
            GATE_QUERIES_MAX + _BEFORE_GATE,
            settings=by_index,
            answer_seconds=GATE_ANSWER_SECONDS,
            is_quick=True,
        )
        self._many = Pool(address, STREAM_QUERIES_MAX, settings=by_index)
        self._pool = Pool(address, POOL_SIZE)
        self.facts = FactsReader(
            self._gate,
            GATE_QUESTIONS_MAX,
            queries_max=GATE_QUERIES_MAX,
            hash_keys=writing.hash_keys,
        )
        # Nobody who asks about one waits for those who ask about hundreds at once.
        self.facts_of_many = FactsReader(
            self._many,
            STREAM_QUESTIONS_MAX,
            queries_max=STREAM_QUERIES_MAX,
            hash_keys=writing.hash_keys,
        )
        self.before_gate = Reader(self._gate)
        self.reader = Reader(self._pool)
        # Queues are empty at one moment and long at the next. A plan that was made for an empty
        # one would read all of a long one, each time that somebody looks what is due.
        self.queues = Reader(self._many)
        self.lists = Lists(self._pool)
        self.log = LogReader(self._pool)
        self._listener = Listener(
            address,
            process=process,
            pool=self._pool,
            watchers=watchers,
            written=lambda: writing.written,
        )

    async def find_mentions(self, recipients: list[str]) -> list[Mentions]:
        """Look where numbers are named beside their own rows."""
        return await self._pool.use(lambda connection: find_mentions(connection, recipients))

    async def read_last_seen(self, after: str, limit: int) -> list[LastSeen]:
        """List numbers from behind one, with when something last happened with each."""
        return await self._pool.use(lambda connection: read_last_seen(connection, after, limit))

    async def read_rows_of(self, recipient: str) -> dict[str, list[msgspec.Raw]]:
        """Read all rows that are held of a number, by table."""
        return await self._pool.use(lambda connection: read_rows_of(connection, recipient))

    def listen(self) -> None:
        """Hear what other processes change, from now on."""
        self._listener.start(self._writing.known_foreign)

    async def close(self) -> None:
        """Let go of the database."""
        await self._listener.close()
        await self._gate.close()
        await self._many.close()
        await self._pool.close()

    def forget(self) -> None:
        """Let go without an event loop: it is gone."""
        self._gate.forget()
        self._many.forget()
        self._pool.forget()
