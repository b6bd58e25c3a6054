"""Who listens to changes at the console: many streams, one watch of the store.

A commit is told to each stream in microseconds and at most every few milliseconds, so that many
open pages cost a busy server little; each stream then tells its page no faster than it should.
"""

import asyncio
import logging
from typing import Final

from consentry.domain.entries import NOBODY
from consentry.ports import Store, StoreUnavailable, Watch

_BREATH_SECONDS: Final = 0.02
"""Commits that follow each other faster than this are told together."""

_log = logging.getLogger(__name__)


class Topic:
    """One thing a stream tells of, at once and then at most every so many seconds.

    `numbers` are the recipients it is about; None is everybody.
    """

    def __init__(
        self, event: bytes, every_seconds: float, numbers: frozenset[str] | None = None
    ) -> None:
        """Begin with a change: nobody knows what happened before it was listened to."""
        self.event = event
        self.numbers = numbers
        self._every_seconds = every_seconds
        self._is_changed = True
        self._rests_until = 0.0

    def add(self, changed: frozenset[str] | None) -> None:
        """Take note of a change, if it is one of these."""
        if changed is None or self.numbers is None:
            self._is_changed = True
        else:
            self._is_changed |= NOBODY in changed or not self.numbers.isdisjoint(changed)

    def due_in(self, now: float) -> float | None:
        """Say in how many seconds there is something to tell; None where there is nothing."""
        return max(0.0, self._rests_until - now) if self._is_changed else None

    def told(self, now: float) -> None:
        """Rest after it was told."""
        self._is_changed = False
        self._rests_until = now + self._every_seconds


class Stream:
    """One listener. `may_have_ended` says that its session must be looked at."""

    def __init__(self, topics: tuple[Topic, ...]) -> None:
        """Listen to these topics."""
        self.topics = topics
        self.is_ended = False
        self.may_have_ended = False
        self._woken = asyncio.Event()

    def add(self, changed: frozenset[str] | None) -> None:
        """Take note of a change and wake up if there is something to do."""
        if changed is None or NOBODY in changed:
            self.may_have_ended = True
        for topic in self.topics:
            topic.add(changed)
        if self.may_have_ended or any(t.due_in(0.0) is not None for t in self.topics):
            self._woken.set()

    def end(self) -> None:
        """Let the page know nothing more; it listens anew where it can."""
        self.is_ended = True
        self._woken.set()

    async def wait(self, now: float, seconds_max: float) -> bool:
        """Wait until there is something to do; False where there was nothing for so long."""
        dues = [due for topic in self.topics if (due := topic.due_in(now)) is not None]
        if self.is_ended or self.may_have_ended or 0.0 in dues:
            return True
        self._woken.clear()
        try:
            await asyncio.wait_for(self._woken.wait(), min([seconds_max, *dues]))
        except TimeoutError:
            return bool(dues)
        return True


class Streams:
    """All open streams of this process."""

    def __init__(self) -> None:
        """Start with none; the store is watched only while somebody listens."""
        self.is_closed = False
        self._open: set[Stream] = set()
        self._listening: asyncio.Task[None] | None = None

    @property
    def is_watching(self) -> bool:
        """Tell whether the store is watched: only while somebody listens."""
        return self._listening is not None

    def open(self, store: Store, *topics: Topic) -> Stream:
        """Begin to listen. Close the stream when done."""
        stream = Stream(topics)
        self._open.add(stream)
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen(store.watch()))
        return stream

    def close(self, stream: Stream) -> None:
        """Stop listening."""
        self._open.discard(stream)
        if not self._open and self._listening is not None:
            self._listening.cancel()
            self._listening = None

    def close_all(self) -> None:
        """End every stream for good: the server is stopping, and an open stream would hold it."""
        self.is_closed = True
        for stream in tuple(self._open):
            stream.end()

    async def _listen(self, watch: Watch) -> None:
        try:
            while True:
                changed = await watch.next()
                for stream in self._open:
                    stream.add(changed)
                await asyncio.sleep(_BREATH_SECONDS)
        except StoreUnavailable:
            _log.exception("the store cannot be watched; open pages listen anew")
            for stream in tuple(self._open):
                stream.end()
            self._listening = None
        finally:
            watch.close()
