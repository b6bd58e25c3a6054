"""What the gate asks, for everybody who asks at once: one query for all of them."""

import asyncio
from typing import Final

from consentry.domain.directory import Directory
from consentry.domain.standing import Standing
from consentry.ports import StoreUnavailable
from consentry.store.postgres.connection import Connection
from consentry.store.postgres.loading import DirectoryReader
from consentry.store.postgres.pool import Pool
from consentry.store.postgres.statements import (
    clean,
    clean_all,
    read_statements,
    write_array,
)
from consentry.store.rows import decode_standing

AT_ONCE_MAX: Final = 1000
"""How many recipients one query asks for: a few milliseconds."""

QUERIES_MAX: Final = 2
"""How many queries are on their way: while one is answered the next gathers."""

_FACTS: Final = read_statements("read")["read_facts"]
_EMPTY: Final = Standing()

_Facts = tuple[Directory, Standing]
_Asked = tuple[str, "asyncio.Future[_Facts]"]
_Found = dict[str | None, str]


class FactsReader:
    """Gathers what is asked in one turn of the event loop, and while no connection is free.

    Nothing is remembered of a standing: each answer was read after it was asked for.
    """

    def __init__(self, pool: Pool, pool_of_many: Pool) -> None:
        """Ask in the event loop that runs through these connections; others use them shortly.

        Who asks about many at once goes through others, so that nobody who asks about one waits.
        """
        # Looked up once: asking for it asks the system which process this is, for each question.
        self._loop = asyncio.get_running_loop()
        self._pool = pool
        self._pool_of_many = pool_of_many
        self._directory = DirectoryReader()
        self._waiting: list[_Asked] = []
        self._queries = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def read(self, recipient: str) -> _Facts:
        """Return the directory and a standing, as of the last commit, from one snapshot."""
        future: asyncio.Future[_Facts] = self._loop.create_future()
        self._waiting.append((clean(recipient), future))
        if self._queries < QUERIES_MAX and len(self._waiting) == 1:
            self._queries += 1
            task = self._loop.create_task(self._ask_on())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def read_many(self, recipients: list[str]) -> tuple[Directory, list[Standing]]:
        """Return the directory and standings in the order asked, all from one snapshot."""
        asked = clean_all(recipients)
        question = _Question(asked, self._directory)
        directory, found = await self._pool_of_many.use(question)
        return directory, [_standing_of(recipient, found) for recipient in asked]

    async def _ask_on(self) -> None:
        """Ask for all that wait, until nobody does."""
        try:
            await self._ask_all()
        finally:
            self._queries -= 1

    async def _ask_all(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting[:AT_ONCE_MAX], self._waiting[AT_ONCE_MAX:]
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
        question = _Question([recipient for recipient, _ in asked], self._directory)
        directory, found = await self._pool.use(question)
        for recipient, future in asked:
            if not future.done():
                future.set_result((directory, _standing_of(recipient, found)))


class _Question:
    """One query for many recipients, and for the directory where it is another by now."""

    def __init__(self, recipients: list[str], directory: DirectoryReader) -> None:
        self._recipients = recipients
        self._directory = directory

    async def __call__(self, connection: Connection) -> tuple[Directory, _Found]:
        rows = await connection.fetch(_FACTS.sql, write_array(self._recipients))
        found: _Found = {row[0]: row[1] for row in rows}
        directory = self._directory.known(int(found[None]))
        if directory is None:
            directory, _ = await self._directory.read(connection)
        return directory, found


def _standing_of(recipient: str, found: _Found) -> Standing:
    value = found.get(recipient)
    return _EMPTY if value is None else decode_standing(value)


def _fail(asked: list[_Asked], error: BaseException) -> None:
    """Tell everybody who asked; whatever it is, the answer is that there is none."""
    told = error if isinstance(error, Exception) else StoreUnavailable("Reading was ended.")
    for _, future in asked:
        if not future.done():
            future.set_exception(told)
