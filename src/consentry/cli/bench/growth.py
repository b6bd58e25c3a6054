"""How the gate slows as consents grow: the same questions on ever larger databases.

All sizes are filled first and then measured in turn, with the same handler without a store beside
them: whatever else the machine does slows all of them alike. Every question is asked once before
that, as a server that has run for an hour would have it: what is measured is no disk.
"""

import shutil
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import msgspec

from consentry.cli.bench.cluster import Postgres, PostgresFailed, find_postgres, run_postgres
from consentry.cli.bench.databases import Database, PostgresDatabase, SQLiteDatabase
from consentry.cli.bench.figures import Figure, not_measured
from consentry.cli.bench.gates import BARE, gate_lane
from consentry.cli.bench.lanes import Lane, measure_lanes
from consentry.cli.bench.plan import MAIN, TITLES, Operation, Plan, StoreKind
from consentry.cli.bench.population import Content, prepare_database, take_content
from consentry.cli.bench.servers import Running, run_product, run_variant
from consentry.cli.bench.sheet import Cell, Key, Sheet
from consentry.cli.progress import Steps

SIZES: Final = (10_000, 1_000_000, 20_000_000)
QUESTIONS: Final = 50_000
"""About how many people the questions are; no cache of the processor holds so many pages."""

SLOWER_AT_MOST: Final = 1.3
_NOWHERE: Final = 9
_SMALL_PEOPLE: Final = 10
_WARM_UP_SECONDS: Final = 0.3


class _Size(msgspec.Struct, frozen=True):
    """What one size gave: the gate's rate over that of the smallest, and over no store at all."""

    people: int
    of_smallest: float
    of_bare: float


async def measure_growth(plan: Plan, steps: Steps) -> tuple[list[Figure], list[Cell]]:
    """Measure each store at each size up to the plan's people."""
    sheet = Sheet()
    figures: list[Figure] = []
    small = SQLiteDatabase(plan.folder / "small")
    content = await take_content(plan.folder / "sample", plan.people, _NOWHERE)
    await prepare_database(small, content, _SMALL_PEOPLE)
    with run_variant("bare", small) as bare:
        for store in plan.stores:
            grown = _Growing(plan, steps, sheet, content=content, bare=bare)
            try:
                with _open_maker(plan, store) as maker:
                    sizes = await grown.measure(maker)
            except PostgresFailed as error:
                figures += _missing(store, str(error))
                continue
            figures += _read_figures(store, sizes)
    return figures, sheet.cells()


class _Maker(msgspec.Struct, frozen=True):
    """Makes empty databases of one kind: on a server that runs, or as files."""

    store: StoreKind
    plan: Plan
    server: Postgres | None = None

    def make(self, people: int) -> Database:
        """Make the one for so many people."""
        folder = self.plan.folder / f"grown-{self.store}-{people}"
        if self.server is None:
            return SQLiteDatabase(folder)
        self.server.create(f"grown_{people}")
        return PostgresDatabase(self.server, f"grown_{people}", folder)


@contextmanager
def _open_maker(plan: Plan, store: StoreKind) -> Iterator[_Maker]:
    """Make databases, and take them away when they were measured: they are large."""
    if store is StoreKind.SQLITE:
        yield _Maker(store, plan)
        for folder in plan.folder.glob(f"grown-{store}-*"):
            shutil.rmtree(folder)
        return
    programs = find_postgres(plan.pg_bindir)
    if programs is None:
        raise PostgresFailed("PostgreSQL with pgbench is not installed")
    with run_postgres(programs, plan.folder / "pg") as server:
        yield _Maker(store, plan, server)


class _Growing:
    """Fills databases of one kind, each with more people, and measures all of them in turn."""

    def __init__(
        self, plan: Plan, steps: Steps, sheet: Sheet, *, content: Content, bare: Running
    ) -> None:
        self._plan = plan
        self._steps = steps
        self._sheet = sheet
        self._content = content
        self._bare = bare

    async def measure(self, maker: _Maker) -> list[_Size]:
        """Measure the sizes; the last is the plan's."""
        largest = self._plan.people
        sizes = [size for size in SIZES if size < largest] + [largest]
        with ExitStack() as running:
            lanes: list[Lane] = []
            for size in sizes:
                self._steps.step(f"{size:,} people on {TITLES[maker.store]}")
                database = maker.make(size)
                await prepare_database(database, self._content, size)
                product = running.enter_context(run_product(database))
                lanes.append(self._lane(_key(maker.store, size), product, size))
            bare = self._lane(_beside(maker.store), self._bare, largest)
            for lane, size in zip(lanes, sizes, strict=True):
                self._steps.step(f"{lane.key.operation} on {TITLES[maker.store]}: every question")
                tried = await lane.run(MAIN, _WARM_UP_SECONDS)
                await lane.run(MAIN, _count_questions(size) / max(tried.per_second, 1.0))
            await measure_lanes(
                [*lanes, bare], (MAIN,), self._plan, sheet=self._sheet, steps=self._steps
            )
        return [self._read(maker.store, size, sizes[0]) for size in sizes]

    def _lane(self, key: Key, running: Running, people: int) -> Lane:
        content = msgspec.structs.replace(self._content, people=people)
        return gate_lane(key, running, content, questions=_count_questions(people))

    def _read(self, store: StoreKind, size: int, smallest: int) -> _Size:
        key = _key(store, size)
        return _Size(
            size, self._ratio(key, _key(store, smallest)), self._ratio(key, _beside(store))
        )

    def _ratio(self, above: Key, below: Key) -> float:
        """Compare two, round by round."""
        rates = zip(self._sheet.rates(above, MAIN), self._sheet.rates(below, MAIN), strict=True)
        return statistics.median([a / b for a, b in rates if b > 0] or [0.0])


def _key(store: StoreKind, people: int) -> Key:
    return Key(f"{Operation.GATE} of {people:,}", "product", TITLES[store], 1)


def _beside(store: StoreKind) -> Key:
    return Key(f"{Operation.GATE} of nobody", BARE.who, f"beside {TITLES[store]}", 1)


def _count_questions(people: int) -> int:
    """Say how many there are: nobody is asked about twice."""
    return min(people, QUESTIONS)


def _name(store: StoreKind, name: str) -> str:
    return name if store is StoreKind.SQLITE else f"pg_{name}"


def _missing(store: StoreKind, why: str) -> list[Figure]:
    title = f"the gate slows [{TITLES[store]}]"
    return [not_measured(_name(store, "gate_slower"), title, "ratio", why)]


def _read_figures(store: StoreKind, sizes: list[_Size]) -> list[Figure]:
    shown = [
        Figure(
            _name(store, f"gate_of_bare_{size.people}"),
            f"gate / without a store, {size.people:,} people [{TITLES[store]}]",
            size.of_bare,
            "ratio",
        )
        for size in sizes
    ]
    first, last = sizes[0], sizes[-1]
    title = f"the gate slows from {first.people:,} to {last.people:,} [{TITLES[store]}]"
    if last.of_smallest == 0:
        return [*shown, *_missing(store, "no round was long enough")]
    slower = Figure(
        _name(store, "gate_slower"),
        title,
        1 / last.of_smallest,
        "ratio",
        at_most=SLOWER_AT_MOST,
    )
    return [*shown, slower]
