"""Who listens to changes, and how they are told: from the writer's thread into event loops."""

import asyncio
import logging
import threading
from collections import defaultdict
from typing import Final

import apsw

RECIPIENTS_MAX: Final = 10_000
"""What one listener may still have to hear of; beyond it, it is told to look at everything."""

LOOK_SECONDS: Final = 1.0
"""How often a change by another process is looked for, while somebody listens."""

_log = logging.getLogger(__name__)


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


class ForeignChanges:
    """Notices what other connections commit to the file: our own commits do not count."""

    def __init__(self, writing: apsw.Connection, watchers: Watchers) -> None:
        """Look through the connection that writes; everything here runs in the writer's thread."""
        self._writing = writing
        self._watchers = watchers
        self._version = self._read()

    def rest(self) -> float | None:
        """Tell the listeners if there was a change; say in how many seconds to look again."""
        if not self._watchers:
            return None
        try:
            version = self._read()
        except apsw.Error:
            _log.warning("cannot tell whether another process has written", exc_info=True)
        else:
            if version != self._version:
                self._version = version
                self._watchers.tell(None)
        return LOOK_SECONDS

    def _read(self) -> object:
        return self._writing.pragma("data_version")
