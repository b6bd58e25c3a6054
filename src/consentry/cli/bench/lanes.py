"""Lanes: servers that do the same operation, measured one after the other, round after round."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from consentry.cli.bench.load import Round
from consentry.cli.bench.plan import MAIN, Plan
from consentry.cli.bench.processes import (
    list_workers,
    read_own_mebibytes,
    read_processor_seconds,
)
from consentry.cli.bench.sheet import Key, Sample, Sheet
from consentry.cli.progress import Steps

WARM_UP_SECONDS = 0.3


class Lane(msgspec.Struct, frozen=True):
    """One server in one operation: `run` loads it with so many in flight for some seconds.

    `pid` is the server's process and `database` that of its database server, None where there is
    none or it is not asked.
    """

    key: Key
    run: Callable[[int, float], Awaitable[Round]]
    pid: int | None = None
    database: int | None = None


async def measure_lanes(
    lanes: Sequence[Lane], in_flight: Sequence[int], plan: Plan, *, sheet: Sheet, steps: Steps
) -> None:
    """Measure the lanes in turn with each number in flight.

    Goals are set with `MAIN` in flight, else with the last number: that one gets all rounds, and
    each other one gets one.
    """
    if not lanes:
        return
    for lane in lanes:
        await lane.run(in_flight[0], min(plan.seconds, WARM_UP_SECONDS))
    for number in in_flight:
        rounds = count_rounds(number, in_flight, plan)
        for turn in range(rounds):
            for lane in lanes:
                what = f"{lane.key.operation}: {lane.key.who} {lane.key.store}".strip()
                steps.step(f"{what}, {number} in flight, round {turn + 1} of {rounds}")
                sheet.add(lane.key, number, await take_sample(lane, number, plan.seconds))


def count_rounds(number: int, in_flight: Sequence[int], plan: Plan) -> int:
    """Say how many rounds are measured with so many in flight."""
    main = MAIN if MAIN in in_flight else in_flight[-1]
    return plan.rounds if number == main else 1


async def take_sample(lane: Lane, in_flight: int, seconds: float) -> Sample:
    """Load one server for some seconds and see what it spent on it."""
    spent = Spent(lane.pid), Spent(lane.database)
    measured = await lane.run(in_flight, seconds)
    busy, database = (one.seconds() for one in spent)
    return Sample(measured, busy, database, read_largest_mebibytes(lane.pid))


def read_largest_mebibytes(pid: int | None) -> float | None:
    """Read the memory of the largest worker of a server."""
    if pid is None:
        return None
    held = [read_own_mebibytes(worker) for worker in list_workers(pid)]
    return max((one for one in held if one is not None), default=None)


class Spent:
    """What a process and all that came from it compute from now on."""

    def __init__(self, pid: int | None) -> None:
        """Begin now; None spends nothing that is known."""
        self._pid = pid
        self._before = self._read()

    def _read(self) -> float | None:
        return None if self._pid is None else read_processor_seconds(self._pid)

    def seconds(self) -> float | None:
        """Say how long it computed since; None where the system does not tell."""
        now = self._read()
        return None if now is None or self._before is None else now - self._before
