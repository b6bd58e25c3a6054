"""What the gate asks, for everybody who asks in one turn of the event loop: one query for all.

A look-up by itself is slow for what surrounds it: by the time a request comes to it, others have
taken the processor's caches. One after the other in one query they cost less than half, which
pays for the wait.
"""

import asyncio
from typing import Final

import apsw

from consentry.domain.directory import Directory
from consentry.domain.standing import Standing
from consentry.store import rows
from consentry.store.queries import read_queries
from consentry.store.sqlite.answering import unavailable
from consentry.store.sqlite.loading import DirectoryReader

_FACTS: Final = read_queries("sqlite", "read")["read_facts"]

_Facts = tuple[Directory, Standing]


class FactsReader:
    """Gathers what is asked until the event loop comes round, then answers all of it.

    Nothing is remembered of a standing: each answer was read after it was asked for.
    """

    def __init__(self, connection: apsw.Connection, directory: DirectoryReader) -> None:
        """Read through this connection, in the event loop of those who ask."""
        self._execute = connection.cursor().execute
        self._directory = directory
        self._loop: asyncio.AbstractEventLoop | None = None
        self._recipients: list[bytes] = []
        self._waiting: list[asyncio.Future[_Facts]] = []

    def read(self, recipient: str) -> "asyncio.Future[_Facts]":
        """Return the directory and a standing, as of the last commit, from one snapshot."""
        # Written here, so that a text that cannot be written fails whoever asked, and nobody else.
        written = rows.encode(recipient)
        loop = self._loop
        if loop is None or loop.is_closed():
            loop = self._begin_turn()
        future: asyncio.Future[_Facts] = loop.create_future()
        self._recipients.append(written)
        self._waiting.append(future)
        return future

    def _begin_turn(self) -> asyncio.AbstractEventLoop:
        """Answer when the event loop comes round; who asked in one that is gone is left alone.

        Once a turn and not for each question: asking for the loop asks the system for the process.
        """
        loop = self._loop = asyncio.get_running_loop()
        self._recipients.clear()
        self._waiting.clear()
        loop.call_soon(self._answer)
        return loop

    def _answer(self) -> None:
        self._loop = None
        recipients, self._recipients = self._recipients, []
        waiting, self._waiting = self._waiting, []
        try:
            directory, standings = self._ask(rows.join_rows(recipients))
        except Exception as error:  # noqa: BLE001 - whatever it is, everybody who asked is told
            _fail(waiting, unavailable(error) if isinstance(error, apsw.Error) else error)
            return
        for future, standing in zip(waiting, standings, strict=True):
            if not future.done():
                future.set_result((directory, standing))

    def _ask(self, recipients: str) -> tuple[Directory, list[Standing]]:
        version, found = self._execute(_FACTS, (recipients,)).get
        directory = self._directory.at(version)
        standings = rows.decode_standing_list(str(found))
        if directory.erased_keys:
            self._directory.recall(rows.decode_ids(recipients), standings)
        return directory, standings


def _fail(waiting: "list[asyncio.Future[_Facts]]", error: Exception) -> None:
    """Tell everybody who asked that there is no answer."""
    for future in waiting:
        if not future.done():
            future.set_exception(error)
