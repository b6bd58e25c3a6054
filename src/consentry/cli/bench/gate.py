"""The gate over HTTP: the product, the product without look-ups, and a hand-written service."""

import statistics
from itertools import islice
from typing import Final

import msgspec

from consentry.cli.bench.figures import Figure, not_measured, ratio_of_rounds
from consentry.cli.bench.load import Round, Target, WrongAnswer, run_round
from consentry.cli.bench.plan import Plan
from consentry.cli.bench.population import Content
from consentry.cli.bench.requests import (
    build_check,
    known_number,
    repeat_checks,
    repeat_sends,
    scattered_number,
)
from consentry.cli.bench.servers import OK, Running, fetch
from consentry.cli.progress import Steps

CONNECTIONS: Final = 32
_QUESTIONS: Final = 20_000
_COMPARED: Final = 20
_WARM_UP_SECONDS: Final = 0.3
_FORBIDDEN: Final = 403

Rounds = dict[str, list[Round]]


class GateServers(msgspec.Struct, frozen=True):
    """Who is asked; `handwritten` is None where it cannot be run, and `missing` says why."""

    product: Running
    bare: Running
    handwritten: Running | None
    missing: str


def choose_recipients(content: Content) -> list[str]:
    """Choose whom to ask about, all over the people in the database."""
    return [scattered_number(number, content.people) for number in range(_QUESTIONS)]


async def measure_gate(
    servers: GateServers, content: Content, plan: Plan, steps: Steps
) -> tuple[list[Figure], int]:
    """Ask all of them in turn, round after round, and let the product refuse sends too.

    Returns the figures, and how many sends were refused.
    """
    recipients = choose_recipients(content)
    asked = {"product": servers.product, "bare": servers.bare}
    if servers.handwritten is not None:
        compare_answers(servers.product, servers.handwritten, content.key)
        asked["handwritten"] = servers.handwritten
    targets = {
        name: Target(
            running.port, repeat_checks(running.port, content.key, recipients), CONNECTIONS, OK
        )
        for name, running in asked.items()
    }
    port = servers.product.port
    refused = repeat_sends(port, content.key, islice(content.opted_out, _QUESTIONS))
    targets["refused"] = Target(port, refused, CONNECTIONS, _FORBIDDEN)
    warmed = [await run_round(target, seconds=_WARM_UP_SECONDS) for target in targets.values()]
    rounds: Rounds = {name: [] for name in targets}
    for number in range(plan.rounds):
        for name, target in targets.items():
            steps.step(f"gate: {name}, round {number + 1} of {plan.rounds}")
            rounds[name] += await run_round(target, seconds=plan.seconds)
    refusals = warmed[-1][0].total + sum(one.total for one in rounds["refused"])
    return _read_figures(rounds, servers.missing), refusals


def compare_answers(product: Running, handwritten: Running, key: str) -> None:
    """See that both decide alike; raises `WrongAnswer` where they do not."""
    for place in range(_COMPARED):
        number = known_number(place)
        ours, theirs = (
            {name: answer[name] for name in ("decision", "reason", "rules")}
            for answer in (
                fetch(running.port, build_check(running.port, key, number))
                for running in (product, handwritten)
            )
        )
        if ours != theirs:
            raise WrongAnswer(f"About {number} the product says {ours}, the other {theirs}.")


def rates(rounds: list[Round]) -> list[float]:
    """Give the rate of each round."""
    return [one.per_second for one in rounds]


def _read_figures(rounds: Rounds, missing: str) -> list[Figure]:
    gate, bare, refused = rates(rounds["product"]), rates(rounds["bare"]), rates(rounds["refused"])
    alone = rounds["product"]
    client = statistics.median(one.busy for one in rounds["bare"])
    return [
        Figure("gate_per_second", "gate over HTTP", statistics.median(gate), "per_second"),
        _percentile("gate_p50", "gate alone, p50", alone, 0.5),
        _percentile("gate_p99", "gate alone, p99", alone, 0.99),
        Figure(
            "bare_per_second",
            "the same handler without a store",
            statistics.median(bare),
            "per_second",
            note=f"the load generator used {client:.0%} of a core",
        ),
        ratio_of_rounds(
            "gate_of_bare",
            "gate / without a store",
            gate,
            bare,
            at_least=0.8,
        ),
        *_compare_handwritten(gate, rounds.get("handwritten"), missing),
        Figure("refused_per_second", "refused sends", statistics.median(refused), "per_second"),
        ratio_of_rounds(
            "refused_of_gate",
            "refused sends / gate",
            refused,
            gate,
            at_least=0.6,
        ),
    ]


def _percentile(name: str, title: str, rounds: list[Round], share: float) -> Figure:
    values = [one.percentile_milliseconds(share) for one in rounds]
    return Figure(name, title, statistics.median(values), "milliseconds")


def _compare_handwritten(
    gate: list[float], rounds: list[Round] | None, missing: str
) -> list[Figure]:
    title = "FastAPI + SQLAlchemy async, by hand"
    ratio = "gate / by hand"
    if rounds is None:
        return [
            not_measured("handwritten_per_second", title, "per_second", missing),
            not_measured("gate_over_handwritten", ratio, "ratio", missing),
        ]
    handwritten = rates(rounds)
    return [
        Figure("handwritten_per_second", title, statistics.median(handwritten), "per_second"),
        ratio_of_rounds(
            "gate_over_handwritten",
            ratio,
            gate,
            handwritten,
            at_least=3.0,
        ),
    ]
