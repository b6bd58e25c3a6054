"""What the gate asks, for everybody who asks at once: one query for all of them."""

import asyncio
from typing import Final

from consentry.domain.directory import Directory
from consentry.domain.standing import Standing
from consentry.ports import StoreUnavailable
from consentry.store.postgres.connection import Connection
from consentry.store.postgres.loading import DirectoryReader, find_erased
from consentry.store.postgres.pool import Pool
from consentry.store.postgres.statements import (
    clean,
    clean_all,
    read_statements,
    write_array,
)
from consentry.store.rows import decode_standing
from consentry.wire.keyed_hash import HashKeys

_FACTS: Final = read_statements("read")["read_facts"]
_EMPTY: Final = Standing()

_Found = dict[str | None, str]
_Answer = tuple[Directory, _Found]
_Asked = tuple[list[str], "asyncio.Future[_Answer]"]


class FactsReader:
    """Gathers what is asked in one turn of the event loop, and while no connection is free.

    Nothing is remembered of a standing: each answer was read after it was asked for.
    """

    def __init__(
        self, pool: Pool, questions_max: int, *, queries_max: int, hash_keys: HashKeys
    ) -> None:
        """Ask in the event loop that runs through these connections; others use them shortly.

        `hash_keys` find who was erased.
        `questions_max`: how many questions share a query. `queries_max`: how many queries are on
        their way; meanwhile the next gathers.
        """
        # Looked up once: asking for it asks the system which process this is, for each question.
        self._loop = asyncio.get_running_loop()
        self._pool = pool
        self._questions_max = questions_max
        self._queries_max = queries_max
        self._directory = DirectoryReader(hash_keys)
        self._waiting: list[_Asked] = []
        self._queries = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def read(self, recipient: str) -> tuple[Directory, Standing]:
        """Return the directory and a standing, as of the last commit, from one snapshot."""
        asked = clean(recipient)
        directory, found = await self._ask([asked])
        return directory, _read_standings([asked], found)[0]

    async def read_many(self, recipients: list[str]) -> tuple[Directory, list[Standing]]:
        """Return the directory and standings in the order asked, all from one snapshot."""
        asked = clean_all(recipients)
        directory, found = await self._ask(asked)
        return directory, _read_standings(asked, found)

    def _ask(self, recipients: list[str]) -> "asyncio.Future[_Answer]":
        """Ask with all others who ask now; what is found may be about them as well."""
        future: asyncio.Future[_Answer] = self._loop.create_future()
        self._waiting.append((recipients, future))
        if self._queries < self._queries_max and len(self._waiting) == 1:
            self._queries += 1
            task = self._loop.create_task(self._ask_on())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return future

    async def _ask_on(self) -> None:
        """Ask for all that wait, until nobody does."""
        try:
            await self._ask_all()
        finally:
            self._queries -= 1

    async def _ask_all(self) -> None:
        most = self._questions_max
        while self._waiting:
            asked, self._waiting = self._waiting[:most], self._waiting[most:]
            try:
                await self._answer(asked)
            except StoreUnavailable as error:
                # Who has begun to wait meanwhile is told now: it would take as long again.
                asked, self._waiting = asked + self._waiting, []
                _fail(asked, error)
            except BaseException as error:
                _fail(asked, error)
                if not isinstance(error, Exception):
                    raise

    async def _answer(self, asked: list[_Asked]) -> None:
        recipients = [recipient for question, _ in asked for recipient in question]
        answer = await self._pool.use(_Question(recipients, self._directory))
        for _, future in asked:
            if not future.done():
                future.set_result(answer)


class _Question:
    """One query for many recipients, and for the directory where it is another by now."""

    def __init__(self, recipients: list[str], directory: DirectoryReader) -> None:
        self._recipients = recipients
        self._directory = directory

    async def __call__(self, connection: Connection) -> _Answer:
        rows = await connection.fetch(_FACTS.sql, write_array(self._recipients))
        found: _Found = {row[0]: row[1] for row in rows}
        directory = self._directory.known(int(found[None]))
        if directory is None:
            directory, _ = await self._directory.read(connection)
        if directory.erased_keys:
            # Another snapshot: it may show what was kept of somebody who has a standing again by
            # now, and never less.
            strangers = [r for r in self._recipients if r and r not in found]
            found.update(await find_erased(connection, strangers, self._directory.asked))
        return directory, found


def _read_standings(asked: list[str], found: _Found) -> list[Standing]:
    values = map(found.get, asked)
    return [_EMPTY if value is None else decode_standing(value) for value in values]


def _fail(asked: list[_Asked], error: BaseException) -> None:
    """Tell everybody who asked; whatever it is, the answer is that there is none."""
    told = error if isinstance(error, Exception) else StoreUnavailable("Reading was ended.")
    for _, future in asked:
        if not future.done():
            future.set_exception(told)
