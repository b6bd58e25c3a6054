"""STOP webhooks made durable, next to a commit for each, PostgreSQL, and the bare disk."""

import asyncio
import statistics
from collections.abc import Iterator
from typing import Final

import msgspec

from consentry.cli.bench.figures import Figure, not_measured, ratio_of_rounds
from consentry.cli.bench.load import Round, Target, run_round
from consentry.cli.bench.plan import Plan
from consentry.cli.bench.postgres import Postgres
from consentry.cli.bench.requests import build_stop
from consentry.cli.bench.servers import OK, Running
from consentry.cli.progress import Steps

IN_FLIGHT: Final = (8, 32, 128)
MAIN: Final = 32
"""The goals are set with so many in flight."""

_PER_SECOND_MAX: Final = 20_000
_WARM_UP_SECONDS: Final = 0.3


class StopServers(msgspec.Struct, frozen=True):
    """Who gets the webhooks; `postgres` is None where there is none, and `missing` says why."""

    grouped: Running
    each: Running
    postgres: Postgres | None
    missing: str


class StopSource:
    """Builds STOPs before the clock runs, each of another person; what is left over is kept."""

    def __init__(self, running: Running) -> None:
        self._port = running.port
        self._ready: list[bytes] = []
        self._built = 0

    def target(self, connections: int, seconds: float) -> Target:
        """Give connections enough STOPs for some seconds."""
        while len(self._ready) < seconds * _PER_SECOND_MAX:
            self._ready.append(build_stop(self._port, self._built))
            self._built += 1
        return Target(self._port, self._take(), connections, OK)

    def _take(self) -> Iterator[bytes]:
        while self._ready:
            yield self._ready.pop()


class _Rates(msgspec.Struct):
    """What one number in flight gave, a value for each round."""

    grouped: list[float]
    each: list[float]
    inserts: list[float]


class StopCounts(msgspec.Struct):
    """How many STOPs each server acknowledged: so many entries must be in its ledger."""

    grouped: int = 0
    each: int = 0


async def measure_stops(
    servers: StopServers, grouped: StopSource, plan: Plan, steps: Steps
) -> tuple[list[Figure], StopCounts]:
    """Send STOPs to both servers and rows to PostgreSQL in turn, round after round."""
    each = StopSource(servers.each)
    counts = StopCounts()

    async def send(source: StopSource, connections: int, seconds: float) -> Round:
        (one,) = await run_round(source.target(connections, seconds), seconds=seconds)
        if source is grouped:
            counts.grouped += one.total
        else:
            counts.each += one.total
        return one

    for source in (grouped, each):
        await send(source, MAIN, _WARM_UP_SECONDS)
    measured: dict[int, _Rates] = {}
    for connections in IN_FLIGHT:
        rates = measured[connections] = _Rates([], [], [])
        for number in range(plan.rounds):
            steps.step(f"STOPs: {connections} in flight, round {number + 1} of {plan.rounds}")
            rates.grouped.append((await send(grouped, connections, plan.seconds)).per_second)
            rates.each.append((await send(each, connections, plan.seconds)).per_second)
            if servers.postgres is not None:
                inserts = servers.postgres.insert_for
                rates.inserts.append(
                    await asyncio.to_thread(inserts, plan.seconds, clients=connections)
                )
    figures = [
        figure for n, rates in measured.items() for figure in _read_figures(n, rates, servers)
    ]
    return figures, counts


def _read_figures(in_flight: int, rates: _Rates, servers: StopServers) -> list[Figure]:
    main = in_flight == MAIN
    with_, each = f"STOPs made durable, {in_flight} in flight", f"  a commit for each, {in_flight}"
    return [
        Figure(
            f"stop_per_second_{in_flight}", with_, statistics.median(rates.grouped), "per_second"
        ),
        Figure(
            f"stop_commit_each_per_second_{in_flight}",
            each,
            statistics.median(rates.each),
            "per_second",
        ),
        ratio_of_rounds(
            f"stop_over_commit_each_{in_flight}",
            f"STOPs / a commit for each, {in_flight}",
            rates.grouped,
            rates.each,
            at_least=2.5 if main else None,
        ),
        *_compare_inserts(in_flight, rates, servers.missing),
    ]


def _compare_inserts(in_flight: int, rates: _Rates, missing: str) -> list[Figure]:
    name, title = f"pgbench_per_second_{in_flight}", f"  pgbench single inserts, {in_flight}"
    of_name, of_title = f"stop_of_pgbench_{in_flight}", f"STOPs / pgbench inserts, {in_flight}"
    if not rates.inserts:
        return [
            not_measured(name, title, "per_second", missing),
            not_measured(of_name, of_title, "ratio", missing),
        ]
    return [
        Figure(name, title, statistics.median(rates.inserts), "per_second"),
        ratio_of_rounds(
            of_name,
            of_title,
            rates.grouped,
            rates.inserts,
            at_least=0.4 if in_flight == MAIN else None,
        ),
    ]
