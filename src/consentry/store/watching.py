"""Who listens to changes, and how they are told: from the writer's thread into event loops."""

import asyncio
import threading
from collections import defaultdict
from typing import Final

RECIPIENTS_MAX: Final = 10_000
"""What one listener may still have to hear of; beyond it, it is told to look at everything."""


class ChangeWatch:
    """Implements `ports.Watch`. What changes before `next` is asked again becomes one answer."""

    def __init__(self, watchers: "Watchers", loop: asyncio.AbstractEventLoop) -> None:
        """Belong to the event loop that listens."""
        self.loop = loop
        self._watchers = watchers
        self._touched: set[str] | None = set()
        self._told = asyncio.Event()

    async def next(self) -> frozenset[str] | None:
        """Wait for changes and name the recipients they are about; None: look at everything."""
        await self._told.wait()
        self._told.clear()
        touched, self._touched = self._touched, set()
        return None if touched is None else frozenset(touched)

    def close(self) -> None:
        """Stop listening."""
        self._watchers.forget(self)

    def add(self, touched: frozenset[str] | None) -> None:
        """Take note of a change; runs in the event loop."""
        if touched is None:
            self._touched = None
        elif self._touched is not None:
            self._touched.update(touched)
            if len(self._touched) > RECIPIENTS_MAX:
                self._touched = None
        self._told.set()


class Watchers:
    """All listeners of one store. The writer's thread tells them; they come and go in theirs."""

    def __init__(self) -> None:
        """Start with nobody."""
        self._lock = threading.Lock()
        self._watches: tuple[ChangeWatch, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anybody listens."""
        return bool(self._watches)

    def listen(self) -> ChangeWatch:
        """Listen from now on, in the running event loop."""
        watch = ChangeWatch(self, asyncio.get_running_loop())
        with self._lock:
            self._watches = (*self._watches, watch)
        return watch

    def forget(self, watch: ChangeWatch) -> None:
        """Tell a listener no more; one that is gone already stays so."""
        with self._lock:
            self._watches = tuple(other for other in self._watches if other is not watch)

    def tell(self, touched: frozenset[str] | None) -> None:
        """Tell everybody, with one call into each event loop."""
        listening: dict[asyncio.AbstractEventLoop, list[ChangeWatch]] = defaultdict(list)
        for watch in self._watches:
            listening[watch.loop].append(watch)
        for loop, watches in listening.items():
            try:
                loop.call_soon_threadsafe(_add, watches, touched)
            except RuntimeError:
                # The loop was closed while its listeners still listened: nobody is left.
                for watch in watches:
                    self.forget(watch)


def _add(watches: list[ChangeWatch], touched: frozenset[str] | None) -> None:
    for watch in watches:
        watch.add(touched)
