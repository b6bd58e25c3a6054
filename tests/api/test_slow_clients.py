"""Clients that keep a server waiting, or send without end: hung up on, and nobody else."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from consentry.api.http_server import HTTPServer
from consentry.api.one_write import HEAD_BYTES_MAX
from consentry.api.slow_clients import HEAD_SECONDS_MAX, SILENT_SECONDS_MAX, SlowClients
from consentry.hosting import bind


@dataclass(eq=False)
class Waiting:
    """A connection that stands where it is told to."""

    awaits_head: bool = False
    awaits_body: bool = False
    reads: int = 0
    request: object = None
    is_closed: bool = False

    def hang_up(self) -> None:
        """Note that it was closed."""
        self.is_closed = True


class Looking:
    """Looks at connections as time goes by."""

    def __init__(self, *connections: Waiting) -> None:
        self.now = 100.0
        self.connections = list(connections)
        self.slow = SlowClients(self.connections, lambda: self.now)

    def pass_by(self, seconds: float) -> None:
        """Look, wait, and look again."""
        self.slow.look()
        self.now += seconds
        self.slow.look()


@pytest.mark.unit
def test_a_head_that_does_not_end_is_hung_up_on() -> None:
    """However many bytes drip in meanwhile; one that ends in time is not."""
    dripping, other = Waiting(awaits_head=True), Waiting(awaits_head=True)
    looking = Looking(dripping, other)
    looking.pass_by(HEAD_SECONDS_MAX - 1)
    dripping.reads += 1
    other.request = object()
    looking.pass_by(2)
    assert (dripping.is_closed, other.is_closed) == (True, False)


@pytest.mark.unit
def test_a_body_that_falls_silent_is_hung_up_on() -> None:
    """One that goes on, however slowly, is a slow line and no fault."""
    silent, slow = Waiting(awaits_body=True), Waiting(awaits_body=True)
    looking = Looking(silent, slow)
    for _ in range(3):
        slow.reads += 1
        looking.pass_by(SILENT_SECONDS_MAX / 2)
    assert (silent.is_closed, slow.is_closed) == (True, False)


@pytest.mark.unit
def test_who_waits_for_us_is_left_alone() -> None:
    """An answer that takes long is ours; so is a live update that never ends."""
    answered = Waiting()
    looking = Looking(answered)
    looking.pass_by(10_000)
    looking.pass_by(10_000)
    assert not answered.is_closed


@pytest.fixture
async def served() -> AsyncIterator[tuple[HTTPServer, int]]:
    """Serve an application that answers everybody, and give its port."""

    async def answer(scope: dict[str, object], receive: object, send: object) -> None:
        del receive
        if scope["type"] != "http":
            raise RuntimeError("There is nothing to open or close.")
        assert callable(send)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    server = HTTPServer(
        answer,  # type: ignore[arg-type]  # typed as loosely as it is asked
        grace_seconds=1,
        end_streams=lambda: None,
        monotonic=asyncio.get_running_loop().time,
        is_encrypted=True,
    )
    server.config.lifespan = "off"
    listener = bind("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield server, listener.getsockname()[1]
    server.should_exit = True
    await serving


@pytest.fixture
def port(served: tuple[HTTPServer, int]) -> int:
    """Give the port alone."""
    return served[1]


@pytest.mark.integration
@pytest.mark.parametrize(
    "before", [b"", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody"]
)
async def test_a_head_has_an_end(port: int, before: bytes) -> None:
    """Beyond 64 kB of path and headers the answer is 431, in whatever pieces they come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(before + b"GET / HTTP/1.1\r\nhost: x\r\n")
    writer.write(b"x-long: %b\r\n" % (b"y" * HEAD_BYTES_MAX))
    answer = await reader.read()
    assert b"HTTP/1.1 431 " in answer
    assert str(HEAD_BYTES_MAX).encode() in answer
    writer.close()


@pytest.mark.integration
@pytest.mark.parametrize("begun", [b"", b"G", b"GET /next", b"GET /next HTTP/1.1\r\nx-half: y"])
async def test_a_body_before_a_head_counts_for_nothing(port: int, begun: bytes) -> None:
    """A request that is pipelined behind a large body is answered, wherever its head is cut."""
    body = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b"
    whole = b"GET /next HTTP/1.1\r\nx-half: yz\r\nhost: x\r\nconnection: close\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(body % (HEAD_BYTES_MAX + 9, b"b" * (HEAD_BYTES_MAX + 9)) + begun)
    await reader.readuntil(b"\r\n\r\n")
    writer.write(whole.removeprefix(begun))
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 204 ")
    writer.close()


@pytest.mark.integration
async def test_an_ordinary_request_is_answered(port: int) -> None:
    """Also one whose path and headers are long, and one after the other on a connection.

    Where the public address is https, a browser is told to use no other way for a year.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        writer.write(b"GET /?q=%b HTTP/1.1\r\nhost: x\r\n\r\n" % (b"a" * 8000))
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 204 ")
        assert b"strict-transport-security: max-age=31536000\r\n" in answer
    writer.close()


@pytest.mark.integration
@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HTTP/1.1\r\nhost:",
        b"POST /wait HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nab",
    ],
)
async def test_a_real_connection_that_stands_still_is_closed(begun: bytes) -> None:
    """With nothing sent, in the middle of a head, and in the middle of a body."""
    now = 0.0
    closed = asyncio.Event()

    async def wait(scope: dict[str, object], receive: object, send: object) -> None:
        del scope, send
        assert callable(receive)
        while (await receive())["type"] != "http.disconnect":
            pass
        closed.set()

    server = HTTPServer(
        wait,  # type: ignore[arg-type]  # typed as loosely as it is asked
        grace_seconds=1,
        end_streams=lambda: None,
        monotonic=lambda: now,
    )
    server.config.lifespan = "off"
    listener = bind("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(begun)
    async with asyncio.timeout(60):
        while not await look_later(server, reader):
            now += SILENT_SECONDS_MAX + 1
    if begun.startswith(b"POST"):
        await asyncio.wait_for(closed.wait(), 60)
    assert closed.is_set() is begun.startswith(b"POST")
    writer.close()
    server.should_exit = True
    await serving


async def look_later(server: HTTPServer, reader: asyncio.StreamReader) -> bool:
    """Have it look at its connections; tell whether ours was closed then."""
    server._slow_clients.look()  # noqa: SLF001 - it comes round by itself every five seconds
    try:
        return await asyncio.wait_for(reader.read(), 0.05) == b""
    except TimeoutError:
        return False


@pytest.mark.integration
async def test_a_connections_values_stay_in_place(served: tuple[HTTPServer, int]) -> None:
    """They are no more than Python keeps in an object itself: beyond, each look takes longer."""
    server, port = served
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    (connection,) = server.server_state.connections
    assert len(vars(connection)) <= 29
    writer.close()
