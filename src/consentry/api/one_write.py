"""uvicorn's HTTP protocol, but an answer leaves in one write, on one timer; a head has an end.

uvicorn writes them one after the other: two system calls, two packets, and a client that is woken
twice. Joined, the same server gives a quarter to a half more answers a second.
"""

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from consentry.api.idle_timer import IdleTimer

HELD_BYTES_MAX: Final = 65_536
"""A stream is passed on from here on, so that a slow reader holds its writer up."""


HEAD_BYTES_MAX: Final = 65_536
"""The most that the head of a request may have: its path with the query, and all headers."""

_TOLD: Final = b"The path and the headers have more than 65536 bytes. Send less."
_HEAD_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(_TOLD), _TOLD)
)


class OneWriteTransport:
    """A transport that holds what is written until the event loop comes round."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Write through this transport; it does everything else itself."""
        self._transport = transport
        # Asked with every answer: by way of `__getattr__` it takes eight times as long.
        self.is_closing = transport.is_closing
        self._loop = loop
        self._pieces: list[bytes] = []
        self._held_bytes = 0

    def write(self, data: bytes) -> None:
        """Hold a piece, to be sent together with those that come at once after it."""
        if not self._pieces:
            self._loop.call_soon(self._send)
        self._pieces.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > HELD_BYTES_MAX:
            self._send()

    def close(self) -> None:
        """Send what is held, then close."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._pieces:
            data = b"".join(self._pieces)
            self._pieces.clear()
            self._held_bytes = 0
            self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class _Noted:
    """What is noted of one connection: how often was read, and how much of which head."""

    __slots__ = ("head", "head_bytes", "idle_timer", "reads")

    def __init__(self, idle_timer: IdleTimer) -> None:
        self.idle_timer = idle_timer
        self.reads = 0
        self.head: object = None
        self.head_bytes = 0


class OneWriteProtocol(HttpToolsProtocol):
    """What uvicorn is given as its `http`.

    Each request comes by here, so what can be told from what uvicorn keeps is not noted again, and
    the rest is noted in one place: uvicorn's own are 28 attributes, and with more than 29 Python
    keeps those of an object in a dict, which makes each look at one of them slower.
    """

    # typing.override comes with Python 3.12, and a server's connections are never less than this.
    def connection_made(  # type: ignore[override, explicit-override]
        self, transport: asyncio.Transport
    ) -> None:
        """Begin a connection on a transport that gathers."""
        gathering = OneWriteTransport(transport, self.loop)
        idle_timer = IdleTimer(self.loop)
        self._noted = _Noted(idle_timer)
        self.loop = cast("asyncio.AbstractEventLoop", idle_timer)
        super().connection_made(cast("asyncio.Transport", gathering))

    def data_received(self, data: bytes) -> None:  # type: ignore[explicit-override]
        """Read on, but not for ever in the head of a request."""
        self._noted.reads += 1
        super().data_received(data)
        # As `awaits_head` asks, without its call: this is run for each request.
        scope: Any = self.scope
        if scope is None or "method" not in scope:
            self._count_head(data)

    def _count_head(self, data: bytes) -> None:
        noted = self._noted
        if self.scope is noted.head:
            noted.head_bytes += len(data)
        else:
            noted.head, noted.head_bytes = self.scope, self._find_begun(data)
        if noted.head_bytes > HEAD_BYTES_MAX:
            self.transport.write(_HEAD_TOO_LARGE)
            self.transport.close()

    def _find_begun(self, data: bytes) -> int:
        """Tell how many bytes of a read belong to the head that was begun in it.

        Other requests and the rest of a body may stand before it. The parser does not say where it
        begins, but its path does: the last place where that stands is never before the head. Where
        it stands in a header again, too few are counted, of this one read.
        """
        return len(data) - data.rfind(b" %b" % self.url) if self.url else 0

    @property
    def reads(self) -> int:
        """How often something came."""
        return self._noted.reads

    @property
    def request(self) -> object:
        """The request that is answered, or was last; None before the first."""
        return self.cycle

    @property
    def awaits_head(self) -> bool:
        """Tell whether the head of a request is not complete, or none was ever begun."""
        # The method is noted with the last line of a head; before the first there is no scope.
        scope: Any = self.scope
        return scope is None or "method" not in scope

    @property
    def awaits_body(self) -> bool:
        """Tell whether the rest of a body is waited for, and not held back by ourselves."""
        return (
            self.request is not None
            and self.cycle.more_body
            and not self.cycle.response_complete
            and not self.flow.read_paused
        )

    def hang_up(self) -> None:
        """Close a connection that keeps us waiting."""
        self.transport.close()

    def connection_lost(  # type: ignore[explicit-override]
        self, exc: Exception | None
    ) -> None:
        """End a connection with its timer."""
        super().connection_lost(exc)
        self._noted.idle_timer.end()
