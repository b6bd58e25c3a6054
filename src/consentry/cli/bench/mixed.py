"""The gate and webhooks in one process at the same time: what each makes the other wait."""

import statistics
from typing import Final

from consentry.cli.bench.figures import Figure
from consentry.cli.bench.gate import choose_recipients
from consentry.cli.bench.load import Round, Target, run_round
from consentry.cli.bench.plan import Plan
from consentry.cli.bench.population import Content
from consentry.cli.bench.requests import repeat_checks
from consentry.cli.bench.servers import OK, Running
from consentry.cli.bench.stops import StopSource
from consentry.cli.progress import Steps

_CONNECTIONS: Final = 16


async def measure_mixed(
    product: Running, content: Content, stops: StopSource, *, plan: Plan, steps: Steps
) -> tuple[list[Figure], int]:
    """Ask the gate and send STOPs at once; return the figures and how many STOPs got a 2xx."""
    checks = repeat_checks(product.port, content.key, choose_recipients(content))
    gate: list[Round] = []
    webhooks: list[Round] = []
    for number in range(plan.rounds):
        steps.step(f"gate and STOPs at once, round {number + 1} of {plan.rounds}")
        asked = Target(product.port, checks, _CONNECTIONS, OK)
        sent = stops.target(_CONNECTIONS, plan.seconds)
        first, second = await run_round(asked, sent, seconds=plan.seconds)
        gate.append(first)
        webhooks.append(second)
    figures = [*_read_figures("gate", gate), *_read_figures("stop", webhooks)]
    return figures, sum(one.total for one in webhooks)


def _read_figures(what: str, rounds: list[Round]) -> list[Figure]:
    title = {"gate": "mixed: gate", "stop": "mixed: STOPs"}[what]
    name = f"mixed_{what}"
    return [
        Figure(
            f"{name}_per_second",
            title,
            statistics.median(one.per_second for one in rounds),
            "per_second",
            note=f"{_CONNECTIONS} connections, beside as many for the other",
        ),
        *(
            Figure(
                f"{name}_p{percent}",
                f"  p{percent}",
                statistics.median(one.percentile_milliseconds(percent / 100) for one in rounds),
                "milliseconds",
            )
            for percent in (50, 99)
        ),
    ]
