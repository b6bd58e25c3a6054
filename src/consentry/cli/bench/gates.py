"""The gate over HTTP: the product, the product without look-ups, by hand, and two ceilings."""

import asyncio
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Final

from consentry.cli.bench.cluster import Postgres
from consentry.cli.bench.lanes import Lane
from consentry.cli.bench.load import Round, Target, WrongAnswer, run_round
from consentry.cli.bench.plan import Operation
from consentry.cli.bench.population import Content
from consentry.cli.bench.requests import (
    build_check,
    build_door_send,
    known_number,
    repeat_checks,
    repeat_sends,
    scattered_number,
)
from consentry.cli.bench.servers import OK, Running, fetch
from consentry.cli.bench.sheet import Key

BARE: Final = Key(Operation.GATE, "without a store")
ASGI: Final = Key(Operation.GATE, "bare ASGI")
SELECT: Final = Key(Operation.GATE, "pgbench -S", "PostgreSQL")

QUESTIONS: Final = 20_000
_COMPARED: Final = 20
_FORBIDDEN: Final = 403
_REFUSED_BY_DOOR: Final = 400


def choose_recipients(people: int, questions: int = QUESTIONS) -> list[str]:
    """Choose whom to ask about, all over the people in the database."""
    return [scattered_number(number, people) for number in range(questions)]


def lane_of(key: Key, running: Running, requests: Iterator[bytes], *, status: int) -> Lane:
    """Send these requests over and over, each connection keeping one in flight."""

    async def run(in_flight: int, seconds: float) -> Round:
        (measured,) = await run_round(
            Target(running.port, requests, in_flight, status), seconds=seconds
        )
        return measured

    return Lane(key, run, running.pid, running.database)


def gate_lane(key: Key, running: Running, content: Content, *, questions: int = QUESTIONS) -> Lane:
    """Ask about people all over the database."""
    recipients = choose_recipients(content.people, questions)
    return lane_of(key, running, repeat_checks(running.port, content.key, recipients), status=OK)


def refused_lane(key: Key, running: Running, content: Content) -> Lane:
    """Try to send to people who opted out."""
    opted_out = islice(content.opted_out, QUESTIONS)
    requests = repeat_sends(running.port, content.key, opted_out)
    return lane_of(key, running, requests, status=_FORBIDDEN)


def door_refused_lane(key: Key, running: Running, content: Content) -> Lane:
    """Try to send to people who opted out, through the Twilio-compatible door."""
    opted_out = islice(content.opted_out, QUESTIONS)
    requests = cycle([build_door_send(running.port, number) for number in opted_out])
    return lane_of(key, running, requests, status=_REFUSED_BY_DOOR)


def select_lane(postgres: Postgres) -> Lane:
    """Look rows up by `pgbench -S`."""

    async def run(in_flight: int, seconds: float) -> Round:
        rate = await asyncio.to_thread(postgres.select_for, seconds, clients=in_flight)
        return round_of_rate(rate, seconds)

    return Lane(SELECT, run, None, postgres.pid)


def insert_lane(key: Key, postgres: Postgres) -> Lane:
    """Insert single rows by pgbench."""

    async def run(in_flight: int, seconds: float) -> Round:
        rate = await asyncio.to_thread(postgres.insert_for, seconds, clients=in_flight)
        return round_of_rate(rate, seconds)

    return Lane(key, run, None, postgres.pid)


def round_of_rate(rate: float, seconds: float) -> Round:
    """Make a round of a rate that a program told."""
    spent = max(1, round(seconds))
    answered = round(rate * spent)
    return Round(spent, answered, answered, (), 0.0)


def compare_answers(product: Running, handwritten: Running, key: str) -> None:
    """See that both decide alike; raises `WrongAnswer` where they do not."""
    for place in range(_COMPARED):
        compare_decision(product, handwritten, key, known_number(place))


def compare_decision(product: Running, handwritten: Running, key: str, number: str) -> None:
    """See that both decide alike about somebody."""
    ours, theirs = (
        {name: answer[name] for name in ("decision", "reason", "rules")}
        for answer in (
            fetch(running.port, build_check(running.port, key, number))
            for running in (product, handwritten)
        )
    )
    if ours != theirs:
        raise WrongAnswer(f"About {number} the product says {ours}, the other {theirs}.")
