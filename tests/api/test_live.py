"""The API under its real server: streams without limit, and callers that do not read yet."""

import asyncio
import io
import json
import resource
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
import uvicorn
from api_world import LONG_CODE
from live_api import Live, running_api
from starlette.types import Receive, Scope, Send

from consentry.api.one_write import OneWriteProtocol
from consentry.hosting import bind

pytestmark = pytest.mark.integration

MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One server for all tests of this module."""
    with running_api(tmp_path_factory.mktemp("live")) as running:
        yield running


def questions(count: int) -> Iterator[bytes]:
    """Lines of the stream, a hundred at a time."""
    for start in range(0, count, 100):
        yield b"".join(
            b'{"sender":"+12025550101","recipient":"+1415555%04d"}\n' % (number % 10_000)
            for number in range(start, start + 100)
        )


async def test_a_long_stream_is_answered_while_it_is_sent(live: Live) -> None:
    """40,000 lines are answered one by one, and memory stays where it was."""
    before = resident_bytes()
    count = 40_000

    async def lines() -> object:
        for part in questions(count):
            yield part

    headers = {**live.headers(), "content-type": "application/x-ndjson"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{live.url}/v1/checks", data=lines()) as reply,
    ):
        assert reply.status == 200
        answered = 0
        async for line in reply.content:
            if answered % 1000 == 0:
                assert json.loads(line)["recipient"] == f"+1415555{answered % 10_000:04}"
            answered += 1
    assert answered == count
    assert resident_bytes() - before < 64 * MEGABYTE


def test_a_caller_may_send_everything_before_it_reads(live: Live) -> None:
    """A client that reads nothing until it has sent all its lines is answered all the same."""
    count = 100_000
    parts = urlsplit(live.url)
    head = (
        f"POST /v1/checks HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n"
        f"Authorization: {live.headers()['authorization']}\r\n"
        "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60) as caller:
        caller.sendall(head.encode())
        for part in questions(count):
            caller.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        caller.sendall(b"0\r\n\r\n")
        lines = 0
        last = b""
        while received := caller.recv(MEGABYTE):
            lines += received.count(b"}\n")
            # A piece may be cut between the two characters that are counted.
            lines += last.endswith(b"}") and received.startswith(b"\n")
            last = (last + received)[-64:]
    assert last.endswith(b"0\r\n\r\n")
    # A chunk of the transfer may end between them too; it begins with its length.
    assert count - 100 <= lines <= count


def resident_bytes() -> int:
    """Memory of this process, server included, as it is now."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


async def test_a_real_server_answers_problems_too(live: Live) -> None:
    """Through the server: 404, 405 with Allow, 413 for an announced body, HEAD without a body."""
    async with aiohttp.ClientSession(headers=live.headers()) as session:
        async with session.get(f"{live.url}/v1/nothing") as reply:
            assert (reply.status, reply.content_type) == (404, "application/problem+json")
        async with session.get(f"{live.url}/v1/check") as reply:
            assert (reply.status, reply.headers["allow"]) == (405, "POST")
        large = io.BytesIO(b" " * (2 * MEGABYTE))
        json_type = {"content-type": "application/json"}
        async with session.post(f"{live.url}/v1/check", data=large, headers=json_type) as reply:
            assert (reply.status, (await reply.json())["code"]) == (413, "body_too_large")
        async with session.head(f"{live.url}/v1/brands") as reply:
            assert (reply.status, await reply.read()) == (200, b"")
        asked = {"sender": LONG_CODE, "recipient": "+1 (415) 555-0142"}
        async with session.post(f"{live.url}/v1/check", json=asked) as reply:
            assert (await reply.json())["reason"] == "no_consent"
        async with session.get(f"{live.url}/v1/recipients/%2B14155550142") as reply:
            assert (await reply.json())["phone"] == "+14155550142"


class StandingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes when it is told to."""

    def __init__(self) -> None:
        """Begin at a time like any other."""
        self._now = 1000.0
        super().__init__()

    def time(self) -> float:
        """Tell the time."""
        return self._now

    async def let_pass(self, seconds: float) -> None:
        """Let time pass, and all do what is due."""
        self._now += seconds
        for _ in range(10):
            await asyncio.sleep(0)


def test_a_connection_ends_when_it_was_left_alone() -> None:
    """It is kept as long as it is used, and for as long as the server says after that."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    async def use_and_leave(loop: StandingLoop) -> None:
        listener = bind("127.0.0.1", 0)
        config = uvicorn.Config(
            answer, http=OneWriteProtocol, lifespan="off", timeout_keep_alive=60
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        for _ in range(3):
            writer.write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
            await loop.let_pass(59)
            assert not reader.at_eof()
        await loop.let_pass(2)
        assert await reader.read() == b""
        writer.close()
        server.should_exit = True
        while not serving.done():
            await loop.let_pass(1)

    loop = StandingLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(use_and_leave(loop))
