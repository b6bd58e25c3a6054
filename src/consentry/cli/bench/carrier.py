"""A carrier on loopback that takes every text at once, run as a process of its own.

It answers as Twilio does when it takes a text, with as little work as can be, so that it is the
product that is measured. Asked for `/counts` it says how many texts it was handed, and when the
first and the last came; asked for `/texts`, when the last one to each number came. Times are of the
clock that all processes of a machine share.
"""

import asyncio
import json
import re
import sys
import time
from itertools import count
from typing import Final, cast

from consentry.cli.event_loop import run_fast
from consentry.hosting import bind

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"
_TO: Final = re.compile(rb"(?:^|&)To=%2B([0-9]+)")
_TAKEN: Final = (
    b'{"sid":"SM%032x","status":"queued","error_code":null,"error_message":null,"num_segments":"1"}'
)


class _Counts:
    """What was taken since it was told to begin anew."""

    def __init__(self) -> None:
        self._sids = count(1)
        self.reset()

    def reset(self) -> bytes:
        """Begin anew."""
        self._taken = 0
        self._first = self._last = 0.0
        self._texts: dict[str, float] = {}
        return b"{}"

    def take(self, body: bytes) -> bytes:
        """Take one text."""
        self._last = time.perf_counter()
        if self._taken == 0:
            self._first = self._last
        self._taken += 1
        found = _TO.search(body)
        if found is not None:
            self._texts[f"+{found[1].decode()}"] = self._last
        return _TAKEN % next(self._sids)

    def tell(self, head: bytes) -> bytes:
        """Say what was taken."""
        if head.startswith(b"GET /texts "):
            return json.dumps(self._texts).encode()
        told = {"taken": self._taken, "first": self._first, "last": self._last}
        return json.dumps(told).encode()


class _Caller(asyncio.Protocol):
    """One connection that is kept."""

    def __init__(self, counts: _Counts) -> None:
        self._counts = counts
        self._received = b""

    # typing.override comes with Python 3.12.
    def connection_made(  # type: ignore[explicit-override]
        self, transport: asyncio.BaseTransport
    ) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:  # type: ignore[explicit-override]
        self._received += data
        while (request := self._cut_request()) is not None:
            head, body = request
            if head.startswith(b"POST"):
                self._answer(b"201 Created", self._counts.take(body))
            elif head.startswith(b"DELETE"):
                self._answer(b"200 OK", self._counts.reset())
            else:
                self._answer(b"200 OK", self._counts.tell(head))

    def _cut_request(self) -> tuple[bytes, bytes] | None:
        """Take one whole request off what was received."""
        body_at = self._received.find(_HEAD_END) + len(_HEAD_END)
        if body_at < len(_HEAD_END):
            return None
        head = self._received[:body_at].lower()
        length_at = head.find(_LENGTH)
        length = 0
        if length_at >= 0:
            length = int(head[length_at + len(_LENGTH) : head.find(b"\r", length_at)])
        if len(self._received) < body_at + length:
            return None
        request = self._received[:body_at], self._received[body_at : body_at + length]
        self._received = self._received[body_at + length :]
        return request

    def _answer(self, status: bytes, body: bytes) -> None:
        self._transport.write(
            b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
            % (status, len(body), body)
        )


async def _serve() -> None:
    counts = _Counts()
    listener = bind("127.0.0.1", 0)
    server = await asyncio.get_running_loop().create_server(lambda: _Caller(counts), sock=listener)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    sys.stdout.write(json.dumps({"url": url}) + "\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    run_fast(_serve())
