"""Everything that is measured, filled with people and started; stopped again at the end."""

import importlib.util
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Final

import msgspec

from consentry.cli.bench.cluster import Postgres, PostgresFailed, find_postgres, run_postgres
from consentry.cli.bench.databases import Database, PostgresDatabase, SQLiteDatabase
from consentry.cli.bench.handwritten import fill_handwritten, run_handwritten
from consentry.cli.bench.plan import TITLES, Operation, Plan, StoreKind
from consentry.cli.bench.population import Content, prepare_database, take_content
from consentry.cli.bench.servers import (
    Running,
    ServerFailed,
    run_part,
    run_product,
    run_variant,
)
from consentry.cli.progress import Steps
from consentry.setting_values import SettingError

SMALL_PEOPLE: Final = 10
_NEEDS: Final = {
    StoreKind.SQLITE: ("fastapi", "sqlalchemy", "aiosqlite"),
    StoreKind.POSTGRESQL: ("fastapi", "sqlalchemy", "asyncpg"),
}
"""What the hand-written service needs."""

_BY_HAND: Final = {
    StoreKind.SQLITE: (Operation.GATE,),
    StoreKind.POSTGRESQL: (
        Operation.GATE,
        Operation.REFUSED,
        Operation.STOP,
        Operation.ACCEPTED,
    ),
}
"""What the hand-written service does on each."""


class Product(msgspec.Struct, frozen=True):
    """The product on one store with so many processes."""

    store: StoreKind
    workers: int
    database: Database
    running: Running

    @property
    def title(self) -> str:
        """The store's name."""
        return TITLES[self.store]


class Setup(msgspec.Struct):
    """What runs. `missing` says of what does not run, why: by a name of it and its store."""

    content: Content
    carrier: Running
    small: Database
    products: list[Product] = []
    handwritten: dict[StoreKind, Running] = {}
    each: dict[StoreKind, Product] = {}
    bare: Running | None = None
    asgi: Running | None = None
    postgres: Postgres | None = None
    missing: dict[tuple[str, StoreKind, int], str] = {}

    def product(self, store: StoreKind) -> Product | None:
        """Find the product with one process."""
        found = (p for p in self.products if p.store is store and p.workers == 1)
        return next(found, None)


@asynccontextmanager
async def set_up(plan: Plan, steps: Steps) -> AsyncIterator[Setup]:
    """Start what the plan needs."""
    with ExitStack() as stack:
        carrier = stack.enter_context(run_part("carrier", plan.folder))
        content = await take_content(plan.folder / "sample", plan.people, carrier.port)
        small = SQLiteDatabase(plan.folder / "small")
        await prepare_database(small, content, SMALL_PEOPLE)
        yield await _Building(plan, steps, stack, Setup(content, carrier, small)).build()


class _Building:
    """Starts one thing after the other."""

    def __init__(self, plan: Plan, steps: Steps, stack: ExitStack, setup: Setup) -> None:
        self._plan = plan
        self._steps = steps
        self._stack = stack
        self._setup = setup

    async def build(self) -> Setup:
        plan, setup = self._plan, self._setup
        if plan.wants(Operation.GATE):
            setup.bare = self._stack.enter_context(run_variant("bare", setup.small))
            setup.asgi = self._stack.enter_context(run_part("bare_asgi", plan.folder))
        why = self._start_postgres()
        for store in plan.stores:
            if store is StoreKind.POSTGRESQL and setup.postgres is None:
                self._miss_all(store, why)
                continue
            for workers in plan.workers_on(store):
                await self._start_product(store, workers)
            if plan.wants(Operation.STOP):
                await self._start_each(store)
            if plan.wants(*_BY_HAND[store]):
                self._start_handwritten(store)
        return setup

    def _start_postgres(self) -> str:
        """Start the server where the plan has a use for it; say why there is none."""
        if StoreKind.POSTGRESQL not in self._plan.stores and not self._plan.wants(Operation.STOP):
            return "it was not asked for"
        programs = find_postgres(self._plan.pg_bindir)
        if programs is None:
            return "PostgreSQL with pgbench is not installed"
        self._steps.step("starting PostgreSQL")
        try:
            running = run_postgres(programs, self._plan.folder / "pg")
            self._setup.postgres = self._stack.enter_context(running)
        except PostgresFailed as error:
            return str(error)
        return ""

    def _miss_all(self, store: StoreKind, why: str) -> None:
        for workers in self._plan.workers_on(store):
            self._setup.missing["product", store, workers] = why
        for name in ("each", "handwritten"):
            self._setup.missing[name, store, 1] = why

    async def _start_product(self, store: StoreKind, workers: int) -> None:
        self._steps.step(f"{self._plan.people:,} people for {workers} on {TITLES[store]}")
        try:
            database = await self._fill(store, f"product{workers}")
            running = self._stack.enter_context(run_product(database, workers=workers))
        except (SettingError, ServerFailed) as error:
            self._setup.missing["product", store, workers] = str(error)
            return
        self._setup.products.append(Product(store, workers, database, running))

    async def _start_each(self, store: StoreKind) -> None:
        self._steps.step(f"{self._plan.people:,} people for a commit each on {TITLES[store]}")
        try:
            database = await self._fill(store, "each")
            running = self._stack.enter_context(run_variant("commit_each", database))
        except (SettingError, ServerFailed) as error:
            self._setup.missing["each", store, 1] = str(error)
            return
        self._setup.each[store] = Product(store, 1, database, running)

    async def _fill(self, store: StoreKind, name: str) -> Database:
        database = self._make(store, name)
        await prepare_database(database, self._setup.content, self._plan.people)
        return database

    def _make(self, store: StoreKind, name: str) -> Database:
        folder = self._plan.folder / f"{store}-{name}"
        if store is StoreKind.SQLITE:
            return SQLiteDatabase(folder)
        server = self._setup.postgres
        if server is None:
            raise ServerFailed("There is no PostgreSQL.")
        server.create(name)
        return PostgresDatabase(server, name, folder)

    def _start_handwritten(self, store: StoreKind) -> None:
        """Run the hand-written service on the same people, or say why it cannot be."""
        service = self._plan.handwritten
        lacking = [name for name in _NEEDS[store] if importlib.util.find_spec(name) is None]
        if not service.exists():
            why = f"{service.name} is not here; name it with --handwritten"
        elif lacking:
            why = f"{', '.join(lacking)} not installed (development dependencies)"
        else:
            self._steps.step(f"{self._plan.people:,} people by hand on {TITLES[store]}")
            database = self._make(store, "handwritten")
            database.folder.mkdir()
            fill_handwritten(service, database, self._setup.content)
            running = run_handwritten(service, database)
            self._setup.handwritten[store] = self._stack.enter_context(running)
            return
        self._setup.missing["handwritten", store, 1] = why
