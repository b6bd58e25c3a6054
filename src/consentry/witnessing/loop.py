"""Keeps the newest checkpoint elsewhere, again and again, in the process that leads.

Nothing waits for it: a checkpoint is signed whether or not anybody can keep it. What cannot be
reached is asked again after a minute, then about the newest checkpoint, which covers all before it:
a timestamp that comes late says no more about an old one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec

from consentry.ports import Checkpoint, Clock, Store
from consentry.witnessing.folder import NotKept, keep_in_folder, keep_in_git
from consentry.witnessing.places import Places
from consentry.witnessing.stamping import NotStamped, stamp

GIT: Final = "git:"
"""What stands before a folder that is a git repository."""

RETRY_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 5.0

_logger = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]


class _Turn:
    """When one place is due, and which checkpoint it has."""

    def __init__(self, name: str, seconds: float) -> None:
        self.name = name
        self.seconds = seconds
        self.due_at = 0.0
        self.size = 0


class Witnessing:
    """Pushes checkpoints and has them stamped."""

    def __init__(self, store: Store, clock: Clock, places: Places) -> None:
        """Keep nothing yet."""
        self._store = store
        self._clock = clock
        self._places = places
        self._stamped: Checkpoint | None = None
        self._pushing = _Turn("checkpoint_not_kept", places.folder_seconds)
        self._stamping = _Turn("checkpoint_not_stamped", places.authority_seconds)

    async def run(self, leads: Callable[[], bool], *, sleep: Sleep = asyncio.sleep) -> None:
        """Keep checkpoints while this process leads, until cancelled; ends where nothing is set."""
        if self._places.folder is None and self._places.authority is None:
            return
        while True:
            await sleep(LOOK_SECONDS)
            if leads():
                await self.step()

    async def step(self) -> None:
        """Do what is due."""
        if self._places.folder is not None:
            await self._take_turn(self._pushing, self._push)
        if self._places.authority is not None:
            await self._take_turn(self._stamping, self._stamp)

    async def _take_turn(self, turn: _Turn, keep: Callable[[Checkpoint], Awaitable[None]]) -> None:
        now = self._clock.monotonic()
        if now < turn.due_at:
            return
        try:
            checkpoint = await self._store.read_checkpoint()
            if checkpoint is not None and checkpoint.size > turn.size:
                await keep(checkpoint)
                turn.size = checkpoint.size
                turn.due_at = now + turn.seconds
        except (NotKept, NotStamped) as error:
            turn.due_at = now + RETRY_SECONDS
            _logger.warning(turn.name, extra={"why": str(error)})
        except Exception:
            turn.due_at = now + RETRY_SECONDS
            _logger.exception(turn.name)

    async def _push(self, checkpoint: Checkpoint) -> None:
        folder = str(self._places.folder)
        is_git = folder.startswith(GIT)
        keep = keep_in_git if is_git else keep_in_folder
        # An answer is there only after its checkpoint was pushed, so it goes with the next one.
        for due in filter(None, (self._stamped, checkpoint)):
            await asyncio.to_thread(keep, due, Path(folder.removeprefix(GIT)))
        self._stamped = None

    async def _stamp(self, checkpoint: Checkpoint) -> None:
        if checkpoint.timestamp is None:
            answer = await stamp(checkpoint, str(self._places.authority))
            await self._store.keep_timestamp(checkpoint.size, answer)
            self._stamped = msgspec.structs.replace(checkpoint, timestamp=answer)
