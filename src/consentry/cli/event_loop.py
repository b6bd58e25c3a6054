"""The event loop that the commands run on: the fastest that is installed."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TypeVar

T = TypeVar("T")


def run_fast(running: Coroutine[None, None, T]) -> T:
    """Run to the end, on uvloop where there is one (it answers about twice as many requests)."""
    with asyncio.Runner(loop_factory=_find_loop()) as runner:
        return runner.run(running)


def _find_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not on every system
    except ImportError:
        return None
    return uvloop.new_event_loop
