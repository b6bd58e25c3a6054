"""The console measured as a whole: reads in this process, then pages of a real server."""

import asyncio
import os
import statistics
from pathlib import Path
from typing import Final

import msgspec

from consentry.cli.bench.console_pages import Asked, Subject, choose_subject, list_asked
from consentry.cli.bench.console_reads import Timed, measure_reads
from consentry.cli.bench.console_visit import Visitor
from consentry.cli.bench.databases import SQLiteDatabase
from consentry.cli.bench.figures import Figure
from consentry.cli.bench.servers import environment_of, run_product
from consentry.cli.progress import Steps
from consentry.opening import open_store
from consentry.settings import read_settings

PAGE_KILOBYTES: Final = 120.0
_P95: Final = 0.95


class PageTimes(msgspec.Struct, frozen=True):
    """How a page did: times in milliseconds, and its weight with what it links to."""

    asked: Asked
    milliseconds: tuple[float, ...]
    processor_milliseconds: float
    kilobytes: float


def count_steps() -> int:
    """Count the steps of a run."""
    return 3


def measure_console(database: Path, rounds: int, steps: Steps) -> list[Figure]:
    """Measure reads and pages; raises `LookupError` where nobody is in the database."""
    steps.step("reads of the store")
    subject, reads = asyncio.run(_measure_store(database, rounds))
    steps.step("pages over HTTP")
    with run_product(SQLiteDatabase(database.parent)) as running, Visitor(running) as visitor:
        visitor.sign_in(database)
        pages = [
            _measure_page(visitor, asked, rounds, running.pid) for asked in list_asked(subject)
        ]
    steps.step("done")
    figures = [figure for page in pages for figure in _figures_of_page(page)]
    return figures + [_figure_of_read(read) for read in reads]


async def _measure_store(database: Path, rounds: int) -> tuple[Subject, list[Timed]]:
    store = open_store(
        read_settings(
            environment_of(SQLiteDatabase(database.parent)), database.with_name("none.toml")
        )
    )
    try:
        subject = await choose_subject(store)
        return subject, await measure_reads(store, subject, rounds)
    finally:
        await store.close()


def _measure_page(visitor: Visitor, asked: Asked, rounds: int, server: int) -> PageTimes:
    """Open a page over and over; the first time warms up and is weighed."""
    first = visitor.open(asked.path)
    before = _read_processor_seconds(server)
    times = tuple(visitor.open(asked.path).milliseconds for _ in range(rounds))
    spent = _read_processor_seconds(server) - before
    return PageTimes(asked, times, spent / rounds * 1000, visitor.weigh(first) / 1000)


def _read_processor_seconds(pid: int) -> float:
    """Read how long a process has computed so far; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    ticks = int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _figures_of_page(page: PageTimes) -> list[Figure]:
    asked = page.asked
    note = f"p95 {_p95(page.milliseconds):.1f} ms, processor {page.processor_milliseconds:.1f} ms"
    return [
        Figure(
            f"page_{asked.name}",
            asked.title,
            statistics.median(page.milliseconds),
            "milliseconds",
            at_most=asked.at_most,
            note=note,
        ),
        Figure(
            f"weight_{asked.name}",
            "  weight with all it links to",
            page.kilobytes,
            "kilobytes",
            at_most=PAGE_KILOBYTES,
        ),
    ]


def _figure_of_read(read: Timed) -> Figure:
    name = read.name.replace("_", " ")
    median = statistics.median(read.milliseconds)
    note = f"p95 {_p95(read.milliseconds):.2f} ms, most {max(read.milliseconds):.2f} ms"
    return Figure(f"read_{read.name}", f"store: {name}", median, "milliseconds", note=note)


def _p95(values: tuple[float, ...]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * _P95))]
