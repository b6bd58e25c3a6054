"""A walk through all standings, by whichever database they are in."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar

import msgspec

from consentry.ports import Checkpoint

Key = TypeVar("Key")

AT_ONCE: Final = 2_000
"""So many standings are some hundred kilobytes, which the processor's caches hold."""


async def walk(
    read: Callable[[Key], Awaitable[tuple[Key, bytes] | None]], start: Key
) -> AsyncIterator[bytes]:
    """Read part after part; `read` is given the last key, and gives None behind the last."""
    ahead = asyncio.ensure_future(read(start))
    try:
        while (found := await ahead) is not None:
            after, part = found
            ahead = asyncio.ensure_future(read(after))
            # The question is on its way before this part is looked at.
            await asyncio.sleep(0)
            yield part
    finally:
        ahead.cancel()
        await asyncio.wait([ahead])


def read_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint as it lies there."""
    return msgspec.json.decode(text, type=Checkpoint)
