"""A clock of the tests' own, for what is promised of seconds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

STEP_SECONDS = 0.01


class GivenTime:
    """The seconds in which the machine let this process run: while it did not, none pass.

    A product that waits lets them pass as any clock does.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    async def wait(self, seconds: float) -> None:
        """Wait until so many more have passed."""
        end = self.seconds + seconds
        while self.seconds < end:  # noqa: ASYNC110 - they pass as they come
            await asyncio.sleep(STEP_SECONDS)

    async def run(self) -> None:
        """Count on; a step that comes late is one step all the same."""
        while True:
            await asyncio.sleep(STEP_SECONDS)
            self.seconds += STEP_SECONDS


@asynccontextmanager
async def given_time() -> AsyncIterator[GivenTime]:
    """Count while the block runs."""
    time = GivenTime()
    running = asyncio.create_task(time.run())
    try:
        yield time
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
