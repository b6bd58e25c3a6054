"""Waiting until texts that another process claimed are under way no more.

The wait may be broken off after `Limits.quiet_seconds`: what was claimed before it began may not be
handed over any more by then, and its carrier has had its time.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from consentry.ports import Store, StoreUnavailable

_FIRST_SECONDS: Final = 0.01
_SECONDS_MAX: Final = 0.1


async def wait_unclaimed(store: Store, messages: Iterable[str], *, seconds: float) -> bool:
    """Wait until none of these messages is claimed, at most so long; tell whether that is so.

    Where the store cannot be asked nothing is known, and the wait goes on.
    """
    left = list(messages)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _wait(store, left)
    return not left


async def _wait(store: Store, left: list[str]) -> None:
    wait_seconds = _FIRST_SECONDS
    while left:
        with suppress(StoreUnavailable):
            left[:] = [job.message for job in await store.read_claimed(left)]
        if left:
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 1.5, _SECONDS_MAX)
