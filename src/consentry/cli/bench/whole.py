"""The whole run: databases are filled, servers started, everything measured in turn."""

import importlib.util
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from consentry.cli.bench.disk import measure_syncs_per_second
from consentry.cli.bench.figures import Figure, not_measured
from consentry.cli.bench.gate import GateServers, measure_gate
from consentry.cli.bench.load import WrongAnswer
from consentry.cli.bench.mixed import measure_mixed
from consentry.cli.bench.plan import Plan
from consentry.cli.bench.population import (
    Content,
    count_entries,
    fill_handwritten,
    prepare_database,
    write_people,
)
from consentry.cli.bench.postgres import Postgres, PostgresFailed, find_postgres, run_postgres
from consentry.cli.bench.requests import build_check, known_number
from consentry.cli.bench.servers import (
    Running,
    ask,
    environment_of,
    measure_start_seconds,
    read_memory_mebibytes,
    run_handwritten,
    run_product,
    run_variant,
)
from consentry.cli.bench.stops import IN_FLIGHT, StopServers, StopSource, measure_stops
from consentry.cli.progress import Steps
from consentry.domain.entries import EntryKind
from consentry.settings import read_settings

_DATABASE: Final = "consentry.db"
_DRAIN_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.2
_SYNC_SECONDS: Final = 1.0
_IN_MEMORY_PER_SECOND: Final = 200_000
_HANDWRITTEN_NEEDS: Final = ("fastapi", "sqlalchemy", "aiosqlite")


def count_steps(plan: Plan) -> int:
    """Count the steps of a run, for the progress bar."""
    return plan.starts + plan.rounds * (4 + len(IN_FLIGHT) + 1) + 5


async def measure_all(plan: Plan, steps: Steps) -> list[Figure]:
    """Measure everything; raises `WrongAnswer` or `ServerFailed` where a figure would be false."""
    run = _Run(plan, steps)
    database = plan.folder / "product" / _DATABASE
    settings = read_settings(environment_of(database), database.with_name("none.toml"))
    content = await prepare_database(settings, plan.people)
    shutil.copytree(database.parent, plan.folder / "small")
    run.measure_rest(content)
    run.fill(database, content)
    shutil.copytree(database.parent, plan.folder / "each")
    with run_product(database) as product:
        await run.measure_gate(product, content)
        await run.measure_stops(product, content)
    return run.figures


class _Run:
    """One run: the figures so far, and what must be found in the ledgers at its end."""

    def __init__(self, plan: Plan, steps: Steps) -> None:
        self.figures: list[Figure] = []
        self._plan = plan
        self._steps = steps

    def measure_rest(self, content: Content) -> None:
        """Measure a server that nobody uses: its start, its memory after one question; the disk."""
        database = self._plan.folder / "small" / _DATABASE

        def check(port: int) -> bytes:
            return build_check(port, content.key, known_number(0))

        starts = []
        for number in range(self._plan.starts):
            self._steps.step(f"start {number + 1} of {self._plan.starts}")
            starts.append(measure_start_seconds(database, check))
        self._steps.step("memory at rest")
        with run_product(database) as running:
            ask(running.port, check(running.port))
            mebibytes = read_memory_mebibytes(running.pid)
        self.figures += [
            Figure(
                "start_seconds",
                "start to first answer",
                statistics.median(starts),
                "seconds",
                at_most=0.5,
                note="from starting the process to the first 200 of /v1/check",
            ),
            Figure(
                "memory_mebibytes",
                "memory at rest",
                mebibytes,
                "mebibytes",
                at_most=70.0,
                note="" if mebibytes is not None else "not measured: neither ps nor /proc tells",
            ),
        ]
        self._steps.step("the disk")
        self.figures.append(_measure_disk(self._plan.folder))

    def fill(self, database: Path, content: Content) -> None:
        """Put everybody into the product's database."""
        people = self._plan.people
        self._steps.step(f"putting {people:,} people into the databases")
        began = time.perf_counter()
        write_people(database, content, people)
        seconds = time.perf_counter() - began
        self.figures.append(
            Figure("fill_seconds", f"{people:,} standings written", seconds, "seconds")
        )

    async def measure_gate(self, product: Running, content: Content) -> None:
        """Measure the gate and refused sends, and see that every refusal is in the ledger."""
        folder, plan = self._plan.folder, self._plan
        with (
            run_variant("bare", folder / "small" / _DATABASE) as bare,
            _run_handwritten(plan, content) as (handwritten, missing),
        ):
            servers = GateServers(product, bare, handwritten, missing)
            figures, refusals = await measure_gate(servers, content, plan, self._steps)
        self._steps.step("looking for the refusals in the ledger")
        kept = _await_entries(folder / "product" / _DATABASE, EntryKind.SEND_REFUSED, refusals)
        self.figures += [
            *figures,
            Figure(
                "refusals_kept",
                "refused sends found in the ledger",
                kept / refusals,
                "ratio",
                at_least=1.0,
                note=f"{kept:,} of {refusals:,}",
            ),
        ]

    async def measure_stops(self, product: Running, content: Content) -> None:
        """Measure STOPs, alone and beside the gate, and see that every one is in its ledger."""
        folder, plan = self._plan.folder, self._plan
        stops = StopSource(product)
        with (
            run_variant("commit_each", folder / "each" / _DATABASE) as each,
            _run_postgres(plan) as (postgres, missing),
        ):
            servers = StopServers(product, each, postgres, missing)
            figures, counts = await measure_stops(servers, stops, plan, self._steps)
        mixed, mixed_count = await measure_mixed(
            product, content, stops, plan=plan, steps=self._steps
        )
        self._steps.step("looking for the STOPs in the ledgers")
        durable = 0
        for name, count in (("product", counts.grouped + mixed_count), ("each", counts.each)):
            found = _await_entries(folder / name / _DATABASE, EntryKind.OPTED_OUT, count)
            if found != count:
                raise WrongAnswer(
                    f"{count} STOPs got a 2xx and {found} are in the ledger of {name}."
                )
            durable += found
        self.figures += [
            *figures,
            *mixed,
            Figure(
                "stops_durable",
                "STOPs acknowledged and found in the ledger",
                float(durable),
                "count",
                note="all of them",
            ),
        ]


def _measure_disk(folder: Path) -> Figure:
    name, title = "fdatasync_per_second", "fdatasync of one page, the disk's ceiling"
    per_second = measure_syncs_per_second(folder, _SYNC_SECONDS)
    if per_second is None:
        return not_measured(name, title, "per_second", "this system has no fdatasync")
    note = ""
    if per_second > _IN_MEMORY_PER_SECOND:
        note = "no disk is that fast: choose a folder on one with --data"
    return Figure(name, title, per_second, "per_second", note=note)


def _await_entries(database: Path, kind: EntryKind, count: int) -> int:
    """Count entries of a kind, giving those that nobody waited for a while to be written."""
    last_chance = time.perf_counter() + _DRAIN_SECONDS
    found = count_entries(database, kind)
    while found < count and time.perf_counter() < last_chance:
        time.sleep(_POLL_SECONDS)
        found = count_entries(database, kind)
    return found


@contextmanager
def _run_handwritten(plan: Plan, content: Content) -> Iterator[tuple[Running | None, str]]:
    """Run the hand-written service on the same people, or say why it cannot be."""
    service = plan.handwritten
    lacking = [name for name in _HANDWRITTEN_NEEDS if importlib.util.find_spec(name) is None]
    if not service.is_file():
        yield None, f"{service.name} is not here; name it with --handwritten"
    elif lacking:
        yield None, f"{', '.join(lacking)} not installed (development dependencies)"
    else:
        folder = plan.folder / "handwritten"
        folder.mkdir()
        fill_handwritten(service, folder / "handwritten.db", content)
        with run_handwritten(service, folder / "handwritten.db") as running:
            yield running, ""


@contextmanager
def _run_postgres(plan: Plan) -> Iterator[tuple[Postgres | None, str]]:
    """Run PostgreSQL where it is installed, or say why not."""
    programs = find_postgres(plan.pg_bindir)
    if programs is None:
        yield None, "PostgreSQL with pgbench is not installed"
        return
    started = False
    try:
        with run_postgres(programs, plan.folder / "pg") as server:
            started = True
            yield server, ""
    except PostgresFailed as error:
        if started:
            raise
        yield None, str(error)
