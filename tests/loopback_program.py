"""A program of a customer's on loopback: it keeps what it is told and answers by a script."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from standardwebhooks import Webhook
from twilio.request_validator import RequestValidator

TWIML = "text/xml"
NOTHING = "<Response/>"


@dataclass(frozen=True)
class Heard:
    """One request: where it went, what it said, how it was signed."""

    target: str
    headers: dict[str, str]
    form: dict[str, str]
    body: bytes = b""

    def is_signed(self, url: str, token: str) -> bool:
        """Ask Twilio's own validator; `url` is where the program believes it was called."""
        signature = self.headers.get("x-twilio-signature", "")
        return bool(RequestValidator(token).validate(url, self.form, signature))

    def open_event(self, secret: str) -> dict[str, Any]:
        """Read it as an event by the official library of Standard Webhooks, which checks it."""
        event: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return event

    @property
    def token(self) -> str:
        """What is the same each time it is told."""
        return self.headers["i-twilio-idempotency-token"]


@dataclass(frozen=True)
class Says:
    """An answer: status, body, media type; `waits` before it is given."""

    status: int = 200
    body: str = NOTHING
    media_type: str = TWIML
    waits: float = 0.0
    headers: tuple[str, ...] = ()

    def write(self) -> bytes:
        """Write the whole answer."""
        body = self.body.encode()
        head = [
            f"HTTP/1.1 {self.status} Said",
            f"Content-Type: {self.media_type}",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *self.headers,
        ]
        return "\r\n".join([*head, "", ""]).encode() + body


Script = Callable[[Heard], Says]


@dataclass
class Program:
    """What it heard so far, and what it says to it."""

    says: Script = lambda _heard: Says()
    heard: list[Heard] = field(default_factory=list)
    url: str = ""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    busy: int = 0
    busiest: int = 0
    serving: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = field(default_factory=dict)

    @property
    def statuses(self) -> list[str]:
        """List the statuses it was told, in order."""
        return [one.form["MessageStatus"] for one in self.heard if "MessageStatus" in one.form]

    async def until(self, count: int, seconds: float = 60.0) -> list[Heard]:
        """Wait until it heard so many things."""
        async with asyncio.timeout(seconds):
            while len(self.heard) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return self.heard

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection: one request, one answer."""
        self.busy += 1
        self.busiest = max(self.busy, self.busiest)
        self.serving[writer] = asyncio.current_task()
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
            heard = Heard(first.split(" ")[1], headers, form, body)
            self.heard.append(heard)
            self.arrived.set()
            said = self.says(heard)
            await asyncio.sleep(said.waits)
            writer.write(said.write())
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            # Whoever was there is gone, or the program ends.
            pass
        finally:
            self.busy -= 1
            writer.close()

    async def end(self) -> None:
        """Leave no connection open, whoever is still there: a server that closes leaves them so."""
        tasks = [task for task in self.serving.values() if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self.serving:
            writer.transport.abort()
        closed = (writer.wait_closed() for writer in self.serving)
        await asyncio.gather(*closed, return_exceptions=True)


@asynccontextmanager
async def running_program(port: int = 0) -> AsyncIterator[Program]:
    """Run a program as long as the block."""
    program = Program()
    server = await asyncio.start_server(program.serve, "127.0.0.1", port)
    host, taken = server.sockets[0].getsockname()
    program.url = f"http://{host}:{taken}"
    try:
        yield program
    finally:
        server.close()
        await server.wait_closed()
        await program.end()


@contextmanager
def program_in_a_thread() -> Iterator[Program]:
    """Run a program beside a test that waits for processes."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    running = running_program()
    try:
        yield asyncio.run_coroutine_threadsafe(running.__aenter__(), loop).result(60)
    finally:
        asyncio.run_coroutine_threadsafe(running.__aexit__(None, None, None), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
