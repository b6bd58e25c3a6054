"""Changes that other processes make to the same file."""

import logging
from typing import Final

import apsw

from consentry.store.watching import Watchers

LOOK_SECONDS: Final = 1.0
"""How often a change by another process is looked for, while somebody listens."""

_log = logging.getLogger(__name__)


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
