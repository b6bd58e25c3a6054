"""Texts: accepted into the outbox, and delivered out of it to a carrier on loopback.

The sender is held at next to no texts a second while texts are accepted, and let go to have them
delivered: so each is measured without the other.
"""

import asyncio
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Final

import msgspec

from consentry.cli.bench.gates import lane_of
from consentry.cli.bench.lanes import Lane, Spent, read_largest_mebibytes
from consentry.cli.bench.load import Round, Target, WrongAnswer, run_round
from consentry.cli.bench.population import TEXTS_PER_SECOND, Content
from consentry.cli.bench.requests import (
    build_door_send,
    build_rate,
    build_reset,
    build_send,
    build_tell,
)
from consentry.cli.bench.servers import Running, fetch
from consentry.cli.bench.sheet import Key, Sample
from consentry.clock import SystemClock

ACCEPTED: Final = 202
CREATED: Final = 201
"""What native sends are answered, and what those through the Twilio-compatible door are."""

_CONNECTIONS: Final = 32
_HELD_PER_SECOND: Final = 0.001
_ACCEPT_SECONDS: Final = 300.0
_STILL_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.05


class Counts(msgspec.Struct, frozen=True):
    """What the carrier was handed: how many texts, and when the first and the last came."""

    taken: int
    first: float
    last: float


class Sending(msgspec.Struct, frozen=True):
    """One product that sends, with the people it sends to and the carrier it sends by."""

    running: Running
    content: Content
    carrier: Running

    def hold(self) -> None:
        """Have the sender send next to nothing from now on."""
        self._set_rate(_HELD_PER_SECOND)

    def let_go(self) -> None:
        """Have the sender send as fast as it can, and the carrier count from now on."""
        fetch(self.carrier.port, build_reset(self.carrier.port))
        self._set_rate(TEXTS_PER_SECOND)

    def _set_rate(self, per_second: float) -> None:
        fetch(self.running.port, build_rate(self.running.port, self.content.key, per_second))

    def counts(self) -> Counts:
        """Ask the carrier what it was handed."""
        told = fetch(self.carrier.port, build_tell(self.carrier.port, "counts"))
        return msgspec.convert(told, Counts)

    async def accept(self, texts: int) -> list[str]:
        """Have so many texts accepted, each to another person; return to whom they go."""
        numbers = list(islice(self.content.active, texts))
        requests = (build_send(self.running.port, self.content.key, number) for number in numbers)
        target = Target(self.running.port, requests, _CONNECTIONS, ACCEPTED)
        (measured,) = await run_round(target, seconds=_ACCEPT_SECONDS)
        if measured.total != len(numbers):
            raise WrongAnswer(f"Only {measured.total} of {len(numbers)} texts were accepted.")
        return numbers


def accepted_lane(key: Key, running: Running, content: Content) -> Lane:
    """Send texts; whoever measures holds the sender before."""
    return lane_of(key, running, _build_sends(running, content), status=ACCEPTED)


def _build_sends(running: Running, content: Content) -> Iterator[bytes]:
    """Build sends to people who may be texted, from the first to the last and over again."""
    while True:
        for number in content.active:
            yield build_send(running.port, content.key, number)


def door_accepted_lane(key: Key, running: Running, content: Content) -> Lane:
    """Send texts through the Twilio-compatible door; whoever measures holds the sender before."""
    requests = (build_door_send(running.port, number) for number in cycle(content.active))
    return lane_of(key, running, requests, status=CREATED)


async def measure_delivery(sending: Sending, texts: int) -> Sample:
    """Have texts accepted and held, let them go, and see how fast the carrier gets them."""
    sending.hold()
    expected = len(await sending.accept(texts))
    spent = Spent(sending.running.pid), Spent(sending.running.database)
    sending.let_go()
    counts = await _await_texts(sending, expected)
    busy, database = (one.seconds() for one in spent)
    measured = Round(counts.last - counts.first, counts.taken - 1, counts.taken, (), 0.0)
    return Sample(measured, busy, database, read_largest_mebibytes(sending.running.pid))


async def _await_texts(sending: Sending, expected: int) -> Counts:
    """Wait for texts as long as any come; one may have left before the count began."""
    clock = SystemClock()
    taken, changed_at = -1, clock.monotonic()
    while True:
        counts = sending.counts()
        if counts.taken >= expected - 1:
            return counts
        if counts.taken != taken:
            taken, changed_at = counts.taken, clock.monotonic()
        elif clock.monotonic() - changed_at > _STILL_SECONDS:
            raise WrongAnswer(f"Only {taken} of {expected} texts came to the carrier.")
        await asyncio.sleep(_POLL_SECONDS)
