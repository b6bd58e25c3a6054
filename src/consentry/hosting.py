"""What a server needs of the machine: a port, and signals that it can bear."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_ENDING_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def bind(host: str, port: int, *, is_shared: bool = False) -> socket.socket:
    """Take the port before anything else starts, so that the address is known and ours.

    Several sockets may share a port: the system then spreads connections over them evenly.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named so that asyncio knows TCP and sends an answer's last piece at once:
    # left to itself, TCP holds it back until the piece before is acknowledged, 40 ms later.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, port))
    listener.listen(2048)
    return listener


@contextmanager
def signals_heard_once() -> Iterator[None]:
    """Let a signal that has ended the server do no more than that.

    uvicorn raises it again when it has stopped, which would end us before the store is closed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _take_no_notice) for number in _ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _take_no_notice(number: int, frame: FrameType | None) -> None:
    del number, frame
