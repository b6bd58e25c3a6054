"""The server as uvicorn runs it: what it says of itself, how it ends, who is hung up on."""

import socket
from collections.abc import Callable, Collection
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from consentry.api.one_write import OneWriteProtocol
from consentry.api.slow_clients import LOOK_SECONDS, SlowClients

_ENCRYPTED_ONLY = ("strict-transport-security", "max-age=31536000")
"""RFC 6797: for a year, this host alone; what else the company has there is its own business."""

_TICKS_A_SECOND = 10
"""How often uvicorn comes round."""


class HTTPServer(uvicorn.Server):
    """Ends live updates when it stops, for which uvicorn would wait; and knows slow clients."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        grace_seconds: int,
        end_streams: Callable[[], None],
        monotonic: Callable[[], float],
        is_encrypted: bool = False,
    ) -> None:
        """Serve an application; `end_streams` is called when it begins to stop.

        `is_encrypted`: the public address is https, so browsers may be told to use no other way.
        """
        super().__init__(
            uvicorn.Config(
                app,
                http=OneWriteProtocol,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                headers=[_ENCRYPTED_ONLY] if is_encrypted else [],
                timeout_graceful_shutdown=grace_seconds,
            )
        )
        self._end_streams = end_streams
        # They are of our own class: there are no WebSockets here.
        connections = cast("Collection[OneWriteProtocol]", self.server_state.connections)
        self._slow_clients = SlowClients(connections, monotonic)

    # typing.override comes with Python 3.12.
    async def on_tick(self, counter: int) -> bool:  # type: ignore[explicit-override]
        """Look after the connections now and then."""
        if counter % (LOOK_SECONDS * _TICKS_A_SECOND) == 0:
            self._slow_clients.look()
        return await super().on_tick(counter)

    async def shutdown(  # type: ignore[explicit-override]
        self, sockets: list[socket.socket] | None = None
    ) -> None:
        """End what has no end of its own, then all the rest."""
        self._end_streams()
        await super().shutdown(sockets)
