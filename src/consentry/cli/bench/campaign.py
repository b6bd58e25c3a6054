"""STOPs while a large send runs, by people whose text still waits and by people it just reaches."""

from collections.abc import Iterator
from typing import Final

from consentry.cli.bench.lanes import Spent, read_largest_mebibytes
from consentry.cli.bench.load import Round, WrongAnswer
from consentry.cli.bench.plan import Plan
from consentry.cli.bench.requests import build_tell
from consentry.cli.bench.sends import Sending
from consentry.cli.bench.servers import fetch
from consentry.cli.bench.sheet import Sample
from consentry.cli.bench.stops import StopSource

IN_FLIGHT: Final = 8
_SLICES: Final = 10


async def measure_campaign(sending: Sending, plan: Plan) -> tuple[Sample, int]:
    """Send a campaign and have people of its end and of its begin opt out meanwhile, in turn.

    Returns the STOPs, of slices in which texts left from the begin to the end, and how many were
    acknowledged. Raises `WrongAnswer` where a text left after the STOP of its recipient.
    """
    sending.hold()
    numbers = await sending.accept(plan.texts)
    stops = StopSource(sending.running, take_from_both_ends(numbers))
    stops.prepare(plan.seconds * _SLICES)
    spent = Spent(sending.running.pid), Spent(sending.running.database)
    sending.let_go()
    slices: list[Round] = []
    for _ in range(_SLICES):
        slices.append(await stops.run(IN_FLIGHT, plan.seconds))
        if sending.counts().taken + stops.acknowledged >= len(numbers):
            break
    busy, database = (one.seconds() for one in spent)
    sending.hold()
    _see_nothing_late(sending, stops)
    # The last slice may have gone on after the last text.
    whole = slices[:-1] if len(slices) > 1 and len(slices) < _SLICES else slices
    sample = Sample(join(whole), busy, database, read_largest_mebibytes(sending.running.pid))
    return sample, stops.acknowledged


def take_from_both_ends(numbers: list[str]) -> Iterator[str]:
    """Name each person once: the last, whose text waits longest, the first, the last but one …"""
    for place in range(len(numbers)):
        turn = place // 2
        yield numbers[turn] if place % 2 else numbers[-1 - turn]


def join(rounds: list[Round]) -> Round:
    """Join rounds that followed one another."""
    return Round(
        seconds=sum(one.seconds for one in rounds),
        answered=sum(one.answered for one in rounds),
        total=sum(one.total for one in rounds),
        latencies=tuple(sorted(latency for one in rounds for latency in one.latencies)),
        busy=max(one.busy for one in rounds),
    )


def _see_nothing_late(sending: Sending, stops: StopSource) -> None:
    """See that nobody was sent anything after the 2xx of their STOP."""
    arrived = fetch(sending.carrier.port, build_tell(sending.carrier.port, "texts"))
    for number, acknowledged_at in stops.acknowledged_at.items():
        last = arrived.get(number)
        if isinstance(last, float) and last > acknowledged_at:
            late = (last - acknowledged_at) * 1000
            raise WrongAnswer(f"A text went to {number} {late:.1f} ms after the 2xx of its STOP.")
