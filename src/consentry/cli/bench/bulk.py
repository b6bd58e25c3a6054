"""The bulk check: streams of recipients, answered by streams of decisions."""

import asyncio
import time
from typing import Final, cast

import httptools
import msgspec

from consentry.cli.bench.gates import choose_recipients
from consentry.cli.bench.lanes import Lane
from consentry.cli.bench.load import Round, WrongAnswer
from consentry.cli.bench.population import Content
from consentry.cli.bench.requests import build_check, build_stream, known_number
from consentry.cli.bench.servers import OK, Running, fetch, fetch_body
from consentry.cli.bench.sheet import Key

IN_FLIGHT: Final = (1, 8)
"""How many streams at once: each keeps a server busy alone."""

LINES: Final = 5_000
_COMPARED: Final = 40
_SETTLE_SECONDS: Final = 60.0
_MARK: Final = b'"decision":'
_TOLD_BYTES: Final = 400


class _Streams:
    """What the connections of one round share."""

    def __init__(self, requests: list[bytes], ends_at: float) -> None:
        self.requests = requests
        self.ends_at = ends_at
        self.asked = 0
        self.total = 0
        self.in_time = 0
        self.latencies: list[float] = []

    def next(self) -> bytes:
        """Give the next request: others' recipients each time."""
        self.asked += 1
        return self.requests[self.asked % len(self.requests)]

    def count(self, lines: int) -> None:
        """Count answers; those after the time is over make no rate."""
        self.total += lines
        if time.perf_counter() < self.ends_at:
            self.in_time += lines


class Decisions:
    """Counts the decisions in an answer that comes in pieces, and keeps none of them.

    Megabytes that are kept until they are counted push what the server works with out of the
    processor's caches.
    """

    def __init__(self) -> None:
        """Nothing has come yet."""
        self.count = 0
        self.beginning = b""
        self._seam = b""

    def add(self, piece: bytes) -> None:
        """Count those that end in this piece."""
        overlap = len(_MARK) - 1
        self.count += piece.count(_MARK) + (self._seam + piece[:overlap]).count(_MARK)
        self._seam = (self._seam + piece)[-overlap:] if len(piece) < overlap else piece[-overlap:]
        self.beginning = self.beginning or piece[:_TOLD_BYTES]


class _Stream(asyncio.Protocol):
    """One connection that asks stream after stream until the time is over."""

    def __init__(self, streams: _Streams) -> None:
        self._streams = streams
        self._parser = httptools.HttpResponseParser(self)
        self._seen = Decisions()
        self._sent_at = 0.0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # typing.override comes with Python 3.12.
    def connection_made(  # type: ignore[explicit-override]
        self, transport: asyncio.BaseTransport
    ) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self) -> None:
        """Send the next stream, or leave."""
        if time.perf_counter() >= self._streams.ends_at:
            self._end(None)
            return
        self._seen = Decisions()
        self._sent_at = time.perf_counter()
        self._transport.write(self._streams.next())

    def data_received(self, data: bytes) -> None:  # type: ignore[explicit-override]
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Count the lines of a piece; called by the parser."""
        self._seen.add(body)
        self._streams.count(body.count(b"\n"))

    def on_message_complete(self) -> None:
        """See that every line is a decision; called by the parser."""
        status, seen = self._parser.get_status_code(), self._seen
        if status != OK or seen.count != LINES:
            told = f"A stream of {LINES} lines got {status} and {seen.count} decisions: "
            self._end(WrongAnswer(told + repr(seen.beginning)))
            return
        self._streams.latencies.append(time.perf_counter() - self._sent_at)
        self._parser = httptools.HttpResponseParser(self)
        self.send()

    def connection_lost(  # type: ignore[explicit-override]
        self, exc: Exception | None
    ) -> None:
        self._end(WrongAnswer(f"The server closed a stream ({exc})."))

    def _end(self, error: Exception | None) -> None:
        if self.ended.done():
            return
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)
        self._transport.close()


def bulk_lane(key: Key, running: Running, content: Content) -> Lane:
    """Ask about people all over the database, so many lines a stream."""
    recipients = choose_recipients(content.people)
    starts = range(0, len(recipients) - LINES + 1, LINES)
    requests = [
        build_stream(running.port, content.key, recipients[start : start + LINES])
        for start in starts
    ]

    async def run(in_flight: int, seconds: float) -> Round:
        return await _run_round(running.port, requests, in_flight, seconds)

    return Lane(key, run, running.pid, running.database)


async def _run_round(port: int, requests: list[bytes], in_flight: int, seconds: float) -> Round:
    loop = asyncio.get_running_loop()
    began, busy_before = time.perf_counter(), time.process_time()
    streams = _Streams(requests, began + seconds)
    connections = [
        (await loop.create_connection(lambda: _Stream(streams), "127.0.0.1", port))[1]
        for _ in range(in_flight)
    ]
    for connection in connections:
        connection.send()
    ended = asyncio.gather(*(connection.ended for connection in connections))
    await asyncio.wait_for(ended, seconds + _SETTLE_SECONDS)
    busy = (time.process_time() - busy_before) / (time.perf_counter() - began)
    return Round(seconds, streams.in_time, streams.total, tuple(sorted(streams.latencies)), busy)


def compare_stream(running: Running, key: str) -> None:
    """See that each line of a stream is answered as the gate answers it alone."""
    numbers = [known_number(place) for place in range(_COMPARED)]
    lines = fetch_lines(running.port, build_stream(running.port, key, numbers))
    if len(lines) != len(numbers):
        raise WrongAnswer(f"A stream of {len(numbers)} lines got {len(lines)} lines.")
    for number, line in zip(numbers, lines, strict=True):
        alone = fetch(running.port, build_check(running.port, key, number))
        told = {name: value for name, value in line.items() if name not in {"as_of", "recipient"}}
        alone.pop("as_of")
        if told != alone or line["recipient"] != number:
            raise WrongAnswer(f"About {number} a stream says {line}, and the gate says {alone}.")


def fetch_lines(port: int, request: bytes) -> list[dict[str, object]]:
    """Send one stream and decode the lines of its answer."""
    body = fetch_body(port, request)
    return [msgspec.json.decode(line, type=dict[str, object]) for line in body.splitlines()]
