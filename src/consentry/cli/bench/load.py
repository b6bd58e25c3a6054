"""The load generator: connections that each keep one request in flight, as fast as answers come.

Requests are prebuilt bytes and answers are looked at just enough to find their status and end, so
that this process has time left where the server has none. It measures its own share of a core in
every round, which shows whether that held.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Final, cast

import msgspec

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length: "
_SETTLE_SECONDS: Final = 20.0


class WrongAnswer(Exception):
    """A server answered with another status than the one that is measured."""


class Target(msgspec.Struct, frozen=True):
    """What is asked: where, the requests in order, how many at once, and the status expected.

    Each request is sent once; where they run out, the round ends early. `answered` is told of
    each request as soon as it was answered.
    """

    port: int
    requests: Iterator[bytes]
    connections: int
    status: int
    answered: Callable[[bytes], None] | None = None


class Round(msgspec.Struct, frozen=True):
    """What one round gave.

    `answered` counts up to the end of the measured time and makes the rate; `total` has the
    answers that were still in flight then, too. `latencies` are seconds, sorted. `busy` is the
    share of one core that the load generator itself used.
    """

    seconds: float
    answered: int
    total: int
    latencies: tuple[float, ...]
    busy: float

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.answered / self.seconds

    def percentile_milliseconds(self, share: float) -> float | None:
        """Give the latency that a share of the answers did not exceed; None where none is known."""
        if not self.latencies:
            return None
        place = min(len(self.latencies) - 1, int(len(self.latencies) * share))
        return self.latencies[place] * 1000


class _Load:
    """What the connections of one target share."""

    def __init__(self, target: Target) -> None:
        self.requests = target.requests
        self.status = str(target.status).encode()
        self.tell = target.answered
        self.latencies: list[float] = []
        self.answered = 0
        self.open = target.connections
        self.going_on = True
        self.is_over = False
        self.ended_at: float | None = None
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(self) -> None:
        """End the round; one in which nothing was answered yet goes on to the first answer."""
        self.is_over = True
        if self.latencies:
            self.stop()

    def note(self, latency_seconds: float) -> None:
        """Count an answer."""
        self.latencies.append(latency_seconds)
        if self.is_over:
            self.stop()

    def stop(self) -> None:
        if self.going_on:
            self.going_on = False
            self.answered = len(self.latencies)
            self.ended_at = time.perf_counter()

    def fail(self, error: Exception) -> None:
        self.stop()
        if not self.finished.done():
            self.finished.set_exception(error)

    def leave(self) -> None:
        self.open -= 1
        if self.open == 0 and not self.finished.done():
            self.finished.set_result(None)


class _Connection(asyncio.Protocol):
    """One keep-alive connection with one request in flight."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._received = b""
        self._request = b""
        self._sent_at = 0.0
        self._left = False

    # typing.override comes with Python 3.12.
    def connection_made(  # type: ignore[explicit-override]
        self, transport: asyncio.BaseTransport
    ) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self) -> None:
        """Send the next request; where there is none, or time is over, leave."""
        load = self._load
        request = next(load.requests, None) if load.going_on else None
        if request is None:
            load.stop()
            self._left = True
            load.leave()
            self._transport.close()
            return
        self._request = request
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:  # type: ignore[explicit-override]
        received = self._received + data if self._received else data
        body_at = received.find(_HEAD_END) + len(_HEAD_END)
        length_at = received.find(_LENGTH, 0, body_at) + len(_LENGTH)
        whole = body_at >= len(_HEAD_END)
        if whole and length_at < len(_LENGTH):
            self._fail(f"An answer names no length: {received[:200]!r}.")
            return
        if not whole or len(received) < body_at + int(
            received[length_at : received.find(b"\r", length_at)]
        ):
            self._received = received
            return
        self._received = b""
        if received[9:12] != self._load.status:
            expected = self._load.status.decode()
            self._fail(f"Expected the status {expected} and got {received[:1000]!r}.")
            return
        self._load.note(time.perf_counter() - self._sent_at)
        if self._load.tell is not None:
            self._load.tell(self._request)
        self.send()

    def connection_lost(  # type: ignore[explicit-override]
        self, exc: Exception | None
    ) -> None:
        if not self._left:
            self._fail(f"The server closed a connection ({exc}).")

    def _fail(self, what: str) -> None:
        self._left = True
        self._load.fail(WrongAnswer(what))
        self._transport.close()


async def run_round(*targets: Target, seconds: float) -> tuple[Round, ...]:
    """Load all targets at once for some seconds; raises `WrongAnswer` at the first one."""
    loop = asyncio.get_running_loop()
    loads = [_Load(target) for target in targets]
    connections = []
    for target, load in zip(targets, loads, strict=True):
        for _ in range(target.connections):
            _, made = await loop.create_connection(
                lambda load=load: _Connection(load),  # type: ignore[misc]
                "127.0.0.1",
                target.port,
            )
            connections.append(made)
    began, busy_before = time.perf_counter(), time.process_time()
    for connection in connections:
        connection.send()
    for load in loads:
        loop.call_later(seconds, load.end)
    finished = asyncio.gather(*(load.finished for load in loads))
    await asyncio.wait_for(finished, seconds + _SETTLE_SECONDS)
    busy = (time.process_time() - busy_before) / (time.perf_counter() - began)
    return tuple(_read_round(load, began, busy) for load in loads)


def _read_round(load: _Load, began: float, busy: float) -> Round:
    ended = time.perf_counter() if load.ended_at is None else load.ended_at
    return Round(
        seconds=ended - began,
        answered=load.answered,
        total=len(load.latencies),
        latencies=tuple(sorted(load.latencies)),
        busy=busy,
    )
