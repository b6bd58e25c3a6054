"""The whole run: databases are filled, servers started, everything measured in turn."""

import time

import msgspec

from consentry.cli.bench.figures import Figure
from consentry.cli.bench.goals import read_goals
from consentry.cli.bench.growth import measure_growth
from consentry.cli.bench.imports import measure_imports
from consentry.cli.bench.operations import Operations
from consentry.cli.bench.plan import Operation, Plan
from consentry.cli.bench.rest import measure_rest
from consentry.cli.bench.scrubs import measure_scrubs
from consentry.cli.bench.setup import set_up
from consentry.cli.bench.sheet import Cell
from consentry.cli.progress import Steps


class Report(msgspec.Struct, frozen=True):
    """What a run gave: figures with their goals, and the table they were read off."""

    figures: list[Figure]
    table: list[Cell]


async def measure_all(plan: Plan, steps: Steps) -> Report:
    """Measure everything; raises `WrongAnswer` or `ServerFailed` where a figure would be false."""
    if plan.grows:
        return Report(*await measure_growth(plan, steps))
    figures = await measure_rest(plan, steps) if plan.wants(Operation.REST) else []
    if plan.wants(Operation.SCRUB):
        figures += await measure_scrubs(plan, steps)
    if plan.wants(Operation.IMPORT):
        figures += await measure_imports(plan, steps)
    if set(plan.only) <= {Operation.REST, Operation.SCRUB, Operation.IMPORT}:
        return Report(figures, [])
    began = time.perf_counter()
    async with set_up(plan, steps) as setup:
        filled = Figure(
            "fill_seconds",
            f"{plan.people:,} people in each database, everything started",
            time.perf_counter() - began,
            "seconds",
        )
        operations = Operations(setup, plan, steps)
        await operations.measure()
    return Report([*figures, filled, *read_goals(operations, plan)], operations.sheet.cells())
