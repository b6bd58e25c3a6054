"""A server that nobody uses: its start, its memory after one question; and the bare disk."""

import statistics
from pathlib import Path
from typing import Final

from consentry.cli.bench.databases import SQLiteDatabase
from consentry.cli.bench.disk import measure_syncs_per_second
from consentry.cli.bench.figures import Figure, not_measured
from consentry.cli.bench.plan import Plan
from consentry.cli.bench.population import prepare_database, take_content
from consentry.cli.bench.requests import build_check, known_number
from consentry.cli.bench.servers import (
    ask,
    measure_start_seconds,
    read_memory_mebibytes,
    run_product,
)
from consentry.cli.progress import Steps

_PEOPLE: Final = 10
_NOWHERE: Final = 9
"""Nothing listens on this port: whatever went wrong, no text leaves this machine."""

_SYNC_SECONDS: Final = 1.0
_IN_MEMORY_PER_SECOND: Final = 200_000


async def measure_rest(plan: Plan, steps: Steps) -> list[Figure]:
    """Measure starts, memory and disk while nothing else runs."""
    database = SQLiteDatabase(plan.folder / "rest")
    content = await take_content(plan.folder / "first-sample", _PEOPLE, _NOWHERE)
    await prepare_database(database, content, _PEOPLE)

    def check(port: int) -> bytes:
        return build_check(port, content.key, known_number(0))

    starts = []
    for number in range(plan.starts):
        steps.step(f"start {number + 1} of {plan.starts}")
        starts.append(measure_start_seconds(database, check))
    steps.step("memory at rest")
    with run_product(database) as running:
        ask(running.port, check(running.port))
        mebibytes = read_memory_mebibytes(running.pid)
    steps.step("the disk")
    return [
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
        _measure_disk(plan.folder),
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
