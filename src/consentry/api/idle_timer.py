"""One timer for each connection, pushed back by each answer and not made anew.

uvicorn ends a connection that has been idle for a while: it starts a timer with every answer and
cancels it with the next request, which takes some hundredths of all that a short request takes.
"""

import asyncio
from collections.abc import Callable
from typing import Any


class IdleTimer:
    """An event loop as one connection uses it: what is to be called later is only noted.

    A timer runs until what was noted last was due or was taken back, and then looks again.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run on this loop; it does everything else itself."""
        self._loop = loop
        self.create_task = loop.create_task
        self._timer: asyncio.TimerHandle | None = None
        self._callback: Callable[[], None] | None = None
        self._due_at = 0.0

    def call_later(self, delay_seconds: float, callback: Callable[[], None]) -> "IdleTimer":
        """Note what is to be called, in place of what was noted before."""
        self._due_at = self._loop.time() + delay_seconds
        self._callback = callback
        if self._timer is None:
            self._timer = self._loop.call_later(delay_seconds, self._look)
        return self

    def cancel(self) -> None:
        """Take back what was noted; the timer runs on, for what is noted next."""
        self._callback = None

    def end(self) -> None:
        """Take back what was noted, and the timer with it: the connection is gone."""
        self._callback = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        callback = self._callback
        if callback is None:
            return
        left_seconds = self._due_at - self._loop.time()
        if left_seconds > 0:
            self._timer = self._loop.call_later(left_seconds, self._look)
        else:
            self._callback = None
            callback()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)
