"""Answers leave in one write, and nothing that was written is lost."""

import asyncio

import pytest

from consentry.api.one_write import HELD_BYTES_MAX, OneWriteTransport

pytestmark = pytest.mark.unit


class Wire:
    """A transport that keeps what was written, and whether it was closed."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        """Keep a write."""
        self.written.append(data)

    def close(self) -> None:
        """Note the end."""
        self.closed = True

    def is_closing(self) -> bool:
        """Tell whether it has ended."""
        return self.closed


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def transport(wire: Wire) -> OneWriteTransport:
    return OneWriteTransport(wire, asyncio.get_running_loop())


async def test_head_and_body_leave_together(wire: Wire, transport: OneWriteTransport) -> None:
    """Pieces written one after the other are one write, once the loop comes round."""
    transport.write(b"head ")
    transport.write(b"body")
    assert wire.written == []
    await asyncio.sleep(0)
    assert wire.written == [b"head body"]


async def test_each_answer_leaves_at_once(wire: Wire, transport: OneWriteTransport) -> None:
    """What comes after a turn of the loop is not held for more."""
    for answer in (b"one", b"two"):
        transport.write(answer)
        await asyncio.sleep(0)
    assert wire.written == [b"one", b"two"]


async def test_a_stream_is_not_gathered_whole(wire: Wire, transport: OneWriteTransport) -> None:
    """A writer that never waits is passed on in parts, so that the wire can hold it up."""
    chunk = b"x" * 10_000
    for _ in range(20):
        transport.write(chunk)
    assert wire.written != []
    assert max(map(len, wire.written)) <= HELD_BYTES_MAX + len(chunk)
    await asyncio.sleep(0)
    assert sum(map(len, wire.written)) == 20 * len(chunk)


async def test_closing_loses_nothing(wire: Wire, transport: OneWriteTransport) -> None:
    """What was written before the end goes out before the end."""
    transport.write(b"last words")
    transport.close()
    assert (wire.written, wire.closed) == ([b"last words"], True)
    assert transport.is_closing()
    await asyncio.sleep(0)
    assert wire.written == [b"last words"]
