"""How the gate slows as consents grow: the same questions on ever larger databases.

At each size the gate is measured in turn with the same handler without a store, and what is
compared is the ratio of the two: a machine that is slower by then slows both.
"""

import shutil
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from consentry.cli.bench.cluster import PostgresFailed, find_postgres, run_postgres
from consentry.cli.bench.databases import Database, PostgresDatabase, SQLiteDatabase
from consentry.cli.bench.figures import Figure, not_measured
from consentry.cli.bench.gates import BARE, gate_lane
from consentry.cli.bench.lanes import measure_lanes
from consentry.cli.bench.plan import MAIN, TITLES, Operation, Plan, StoreKind
from consentry.cli.bench.population import Content, prepare_database, take_content
from consentry.cli.bench.servers import Running, run_product, run_variant
from consentry.cli.bench.sheet import Cell, Key, Sheet
from consentry.cli.progress import Steps

SIZES: Final = (10_000, 1_000_000, 20_000_000)
QUESTIONS: Final = 100_000
"""To how many people the questions are; no cache of the processor holds so many pages."""

SLOWER_AT_MOST: Final = 1.3
_NOWHERE: Final = 9
_SMALL_PEOPLE: Final = 10


class _Size(msgspec.Struct, frozen=True):
    """What one size gave: the gate's rate, and its ratio to the handler without a store."""

    people: int
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
                with _make(plan, store) as database:
                    sizes = await grown.measure(database)
            except PostgresFailed as error:
                figures += _missing(store, str(error))
                continue
            figures += _read_figures(store, sizes)
    return figures, sheet.cells()


@contextmanager
def _make(plan: Plan, store: StoreKind) -> Iterator[Database]:
    """Make an empty database, and take it away when it was measured: it is large."""
    folder = plan.folder / f"grown-{store}"
    if store is StoreKind.SQLITE:
        yield SQLiteDatabase(folder)
        shutil.rmtree(folder)
        return
    programs = find_postgres(plan.pg_bindir)
    if programs is None:
        raise PostgresFailed("PostgreSQL with pgbench is not installed")
    with run_postgres(programs, plan.folder / "pg") as server:
        server.create("grown")
        yield PostgresDatabase(server, "grown", folder)


class _Growing:
    """Fills one database further and further."""

    def __init__(
        self, plan: Plan, steps: Steps, sheet: Sheet, *, content: Content, bare: Running
    ) -> None:
        self._plan = plan
        self._steps = steps
        self._sheet = sheet
        self._content = content
        self._bare = bare

    async def measure(self, database: Database) -> list[_Size]:
        """Measure at each size; the last is the plan's."""
        largest = self._plan.people
        sizes = [size for size in SIZES if size < largest] + [largest]
        measured = []
        before = 0
        for size in sizes:
            self._steps.step(f"growing to {size:,} people on {TITLES[database.store]}")
            if before == 0:
                await prepare_database(database, self._content, size)
            else:
                database.fill(self._content.shapes, before, size)
            before = size
            with run_product(database) as product:
                measured.append(await self._measure_size(database.store, product, size))
        return measured

    async def _measure_size(self, store: StoreKind, product: Running, people: int) -> _Size:
        content = msgspec.structs.replace(self._content, people=people)
        gate = Key(f"{Operation.GATE} of {people:,}", "product", TITLES[store], 1)
        bare = Key(f"{Operation.GATE} of {people:,}", BARE.who, f"beside {TITLES[store]}", 1)
        lanes = [
            gate_lane(gate, product, content, questions=QUESTIONS),
            gate_lane(bare, self._bare, content, questions=QUESTIONS),
        ]
        await measure_lanes(lanes, (MAIN,), self._plan, sheet=self._sheet, steps=self._steps)
        sides = zip(self._sheet.rates(gate, MAIN), self._sheet.rates(bare, MAIN), strict=True)
        ratios = [above / below for above, below in sides if below > 0]
        return _Size(people, statistics.median(ratios or [0.0]))


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
    if last.of_bare == 0:
        return [*shown, *_missing(store, "no round was long enough")]
    slower = Figure(
        _name(store, "gate_slower"),
        title,
        first.of_bare / last.of_bare,
        "ratio",
        at_most=SLOWER_AT_MOST,
    )
    return [*shown, slower]
