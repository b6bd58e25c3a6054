"""What a server needs of the machine: a port, a sign that it lives, signals that it can bear."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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


class Presence:
    """Shows the other processes of this host that this one lives, exactly as long as it does.

    It holds a name that the system gives to one process at a time and takes from it when it has
    ended, however it ended: an abstract socket of Linux. The system closes it after the last of the
    process's threads can run no more; one that is stopped, or hangs, still has it. Nothing is ever
    sent there. Implements `delivery.membership.Neighbours`.
    """

    def __init__(self, name: str) -> None:
        """Hold a name that nobody had before; where that is not possible there is no home."""
        self._held = _hold(name)
        self.home = "" if self._held is None else _find_home()

    def close(self) -> None:
        """Say that this process has ended: nothing of what others would wait for is left in it."""
        if self._held is not None:
            self._held.close()

    def is_gone(self, name: str) -> bool:
        """Tell whether the process that held this name at our home has ended."""
        free = _hold(name)
        if free is not None:
            free.close()
        return free is not None


def _hold(name: str) -> socket.socket | None:
    """Take a name; None where somebody has it, or where there are no such names."""
    held = None
    try:
        held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        held.bind(f"\0consentry/{name}")
    except (AttributeError, OSError):
        if held is not None:
            held.close()
        return None
    return held


def _find_home() -> str:
    """Name where these names are looked up: this start of this system, this network namespace.

    A namespace lasts as long as a process is in it. So who was in one of this number, since this
    start of the system, was in ours, or has ended.
    """
    try:
        started = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = Path("/proc/self/ns/net").stat().st_ino
    except OSError:
        return ""
    return f"{started} {namespace}"


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
