"""Connections that keep a server waiting: closed after a while, so that they cannot fill it.

uvicorn waits without end for the rest of a request that was begun. To time each request would cost
every one of them; so all connections are looked at now and then, and those are closed that are
where they were too long.
"""

from collections.abc import Callable, Collection
from typing import Final, NamedTuple, Protocol

LOOK_SECONDS: Final = 5
HEAD_SECONDS_MAX: Final = 20.0
"""How long a client may take until the head of a request is complete."""

SILENT_SECONDS_MAX: Final = 60.0
"""How long a client may send nothing in the middle of a body."""


class Connection(Protocol):
    """What is looked at of a connection."""

    @property
    def reads(self) -> int:
        """How often something came."""

    @property
    def request(self) -> object:
        """The request that it is at: another one for each."""

    @property
    def awaits_head(self) -> bool:
        """Tell whether the head of a request is not complete, or none was ever begun."""

    @property
    def awaits_body(self) -> bool:
        """Tell whether the rest of a body is waited for."""

    def hang_up(self) -> None:
        """Close it."""


class _Seen(NamedTuple):
    reads: int
    request: object
    head_since: float
    read_since: float


class SlowClients:
    """Looks at connections and closes those that keep it waiting."""

    def __init__(self, connections: Collection[Connection], monotonic: Callable[[], float]) -> None:
        """Look at these, which come and go."""
        self._connections = connections
        self._monotonic = monotonic
        self._seen: dict[Connection, _Seen] = {}

    def look(self) -> None:
        """Close what has not moved on for too long."""
        now = self._monotonic()
        before, self._seen = self._seen, {}
        for connection in tuple(self._connections):
            self._look_at(connection, before.get(connection), now)

    def _look_at(self, connection: Connection, before: _Seen | None, now: float) -> None:
        reads, request = connection.reads, connection.request
        head_since = read_since = now
        if before is not None and before.request is request:
            head_since = before.head_since
            read_since = before.read_since if before.reads == reads else now
        is_slow = connection.awaits_head and now - head_since > HEAD_SECONDS_MAX
        is_silent = connection.awaits_body and now - read_since > SILENT_SECONDS_MAX
        if is_slow or is_silent:
            connection.hang_up()
        elif connection.awaits_head or connection.awaits_body:
            self._seen[connection] = _Seen(reads, request, head_since, read_since)
