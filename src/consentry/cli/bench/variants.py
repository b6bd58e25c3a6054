"""Variants of the product to compare it with, run as `python -m consentry.cli.bench.variants`.

`bare` is the server with every handler and no look-up: one standing is read at the start and given
to every question. `commit_each` is the server with a commit for each command.
"""

import sys
from typing import Self

from consentry.bootstrap import Server
from consentry.cli.bench.requests import known_number
from consentry.cli.event_loop import run_fast
from consentry.cli.output import print_json
from consentry.clock import SystemClock, SystemIds
from consentry.domain.directory import Directory
from consentry.domain.standing import Standing
from consentry.hosting import bind
from consentry.opening import build_policy, start_logging
from consentry.ports import Store
from consentry.settings import Settings, read_settings
from consentry.store.postgres.store import PostgresStore
from consentry.store.sqlite.store import SQLiteStore


class _BareStore(SQLiteStore):
    """A store that answers the gate without asking the database."""

    _directory = Directory()
    _standing = Standing()

    async def learn(self) -> Self:
        """Read once what is answered from now on."""
        self._directory = await super().read_directory()
        self._standing = await super().read_standing(known_number(0))
        return self

    # typing.override comes with Python 3.12.
    async def read_directory(self) -> Directory:  # type: ignore[explicit-override]
        return self._directory

    async def read_facts(  # type: ignore[explicit-override]
        self, recipient: str
    ) -> tuple[Directory, Standing]:
        del recipient
        return self._directory, self._standing


async def _open(kind: str, settings: Settings) -> Store:
    policy, clock, ids = build_policy(settings), SystemClock(), SystemIds()
    if kind == "bare":
        path = settings.database_path
        store = _BareStore.open(path, clock=clock, ids=ids, policy=policy)
        return await store.learn()
    if settings.is_postgres:
        return PostgresStore.open(
            settings.database, clock=clock, ids=ids, policy=policy, batch_commands_max=1
        )
    return SQLiteStore.open(
        settings.database_path, clock=clock, ids=ids, policy=policy, batch_commands_max=1
    )


async def _serve(kind: str) -> None:
    settings = read_settings()
    start_logging(settings)
    listener = bind(settings.host, settings.port)
    server = Server(settings, listener, store=await _open(kind, settings))

    def tell() -> None:
        print_json({"url": server.url})
        sys.stdout.flush()

    await server.run(on_ready=tell)


if __name__ == "__main__":
    run_fast(_serve(sys.argv[1]))
