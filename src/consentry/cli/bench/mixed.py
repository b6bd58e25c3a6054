"""The gate and webhooks in one process at the same time: what each makes the other wait."""

from typing import Final

from consentry.cli.bench.gates import choose_recipients
from consentry.cli.bench.lanes import read_largest_mebibytes
from consentry.cli.bench.load import Target, run_round
from consentry.cli.bench.plan import Operation, Plan
from consentry.cli.bench.population import Content
from consentry.cli.bench.requests import repeat_checks
from consentry.cli.bench.servers import OK, Running
from consentry.cli.bench.sheet import Key, Sample, Sheet
from consentry.cli.bench.stops import StopSource
from consentry.cli.progress import Steps

IN_FLIGHT: Final = 16
GATE: Final = "gate beside STOPs"
STOP: Final = "STOPs beside gate"


def mixed_key(what: str, key: Key) -> Key:
    """Name one half of the mixture on a product."""
    return Key(f"{Operation.MIXED}: {what}", key.who, key.store, key.workers)


async def measure_mixed(
    key: Key,
    running: Running,
    stops: StopSource,
    *,
    content: Content,
    plan: Plan,
    sheet: Sheet,
    steps: Steps,
) -> None:
    """Ask the gate and send STOPs at once.."""
    checks = repeat_checks(running.port, content.key, choose_recipients(content.people))
    for number in range(plan.rounds):
        steps.step(f"gate and STOPs at once, {key.store}, round {number + 1} of {plan.rounds}")
        asked = Target(running.port, checks, IN_FLIGHT, OK)
        sent = stops.target(IN_FLIGHT, plan.seconds)
        gate, webhooks = await run_round(asked, sent, seconds=plan.seconds)
        stops.acknowledged += webhooks.total
        mebibytes = read_largest_mebibytes(running.pid)
        sheet.add(mixed_key(GATE, key), IN_FLIGHT, Sample(gate, mebibytes=mebibytes))
        sheet.add(mixed_key(STOP, key), IN_FLIGHT, Sample(webhooks, mebibytes=mebibytes))
