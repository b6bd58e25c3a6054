"""A carrier's HTTP server on loopback that answers by a script, also as none should."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import parse_qs, parse_qsl, urlsplit


@dataclass
class Gate:
    """Implements `ports.Fence`: open or closed as it is set; counts how often it was asked."""

    open: bool = True
    asked: int = 0

    @property
    def is_open(self) -> bool:
        """Tell how it is set."""
        self.asked += 1
        return self.open


OPEN = Gate()


class Misbehaviour(Enum):
    """What a server does instead of answering."""

    CLOSE = "closes the connection when the request is read"
    RESET = "resets the connection when the request is read"
    HANG = "says nothing"


Reply = bytes | Misbehaviour


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Write a whole answer; `retry_after="3"` becomes `Retry-After: 3`."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Seen:
    """A request as it reached the server."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        """The query's parameters."""
        return parse_qs(urlsplit(self.target).query)

    @property
    def form(self) -> list[tuple[str, str]]:
        """The form's parameters in order."""
        return parse_qsl(self.body.decode(), keep_blank_values=True)


@dataclass
class Loopback:
    """Answers each request with the next reply of the script; the last one stays."""

    script: list[Reply] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    bytes_read: int = 0
    url: str = ""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def answer(self, *replies: Reply) -> None:
        """Set the script."""
        self.script = list(replies)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while await self._serve_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.bytes_read += len(begun := await reader.read(1))
        head = (begun + await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = first.split(" ")
        self.seen.append(Seen(method, target, headers, body))
        self.arrived.set()
        reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if reply is Misbehaviour.HANG:
            await self.over.wait()
        if reply is Misbehaviour.RESET:
            writer.transport.abort()
        if isinstance(reply, Misbehaviour):
            return False
        writer.write(reply)
        await writer.drain()
        head, _, sent = reply.partition(b"\r\n\r\n")
        return f"content-length: {len(sent)}".encode() in head.lower()


@asynccontextmanager
async def loopback(replies: Sequence[Reply] = (b"",)) -> AsyncIterator[Loopback]:
    """Run a server as long as the block."""
    served = Loopback(list(replies))
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    served.url = f"http://{host}:{port}"
    try:
        yield served
    finally:
        served.over.set()
        server.close()
        await server.wait_closed()
        # Connections that the client left open end with their tasks.
        await asyncio.sleep(0)
