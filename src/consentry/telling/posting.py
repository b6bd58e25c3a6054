"""The way out to programs over HTTP: one form, one answer, every failure a cause of Twilio's.

Every connection is made to an address that was checked just then (`telling/resolving.py`).
Redirects are not followed, and proxies that the environment names are not asked.

aiohttp is imported at the first request, in a thread: it takes 0.3 s.
"""

import asyncio
import gc
import os
import socket
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

import msgspec

from consentry import __version__
from consentry.telling.resolving import Guard, Refused
from consentry.wire.webhook_address import RetryCause, WebhookAddress

if TYPE_CHECKING:
    import aiohttp

ANSWER_BYTES_MAX: Final = 65_536
_CONNECTIONS_MAX: Final = 100
_IDLE_SECONDS: Final = 4.0
_SERVER_ERROR: Final = 500
_OK: Final = range(200, 300)


class NotTaken(Exception):
    """A form that its program did not take, with 2xx; str() says why, in one sentence."""

    def __init__(
        self,
        why: str,
        cause: RetryCause,
        *,
        status: int | None = None,
        retry_after: str | None = None,
    ) -> None:
        super().__init__(why)
        self.cause = cause
        self.status = status
        self.retry_after = retry_after


class Taken(msgspec.Struct, frozen=True):
    """A program took a form. `body` is None where its answer was longer than any may be."""

    media_type: str
    body: bytes | None
    status: int = 200


class Poster:
    """One HTTP session to all programs; it opens at the first request."""

    def __init__(self, guard: Guard) -> None:
        """Post only where the guard lets through."""
        self._guard = guard
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, address: WebhookAddress, *, headers: Mapping[str, str], body: bytes
    ) -> Taken:
        """Post once, to the URL exactly as it is written; raises `NotTaken`."""
        session = await self._open()
        import aiohttp  # noqa: PLC0415 - see the module's docstring; by now it is loaded
        from yarl import URL  # noqa: PLC0415 - comes with aiohttp

        timeout = aiohttp.ClientTimeout(
            total=address.total_timeout_ms / 1000,
            sock_connect=address.connect_timeout_ms / 1000,
            sock_read=address.read_timeout_ms / 1000,
        )
        try:
            async with session.post(
                URL(address.url, encoded=True),
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                if response.status not in _OK:
                    server = response.status >= _SERVER_ERROR
                    cause = RetryCause.SERVER_ERROR if server else RetryCause.CLIENT_ERROR
                    raise NotTaken(
                        f"It answered with HTTP {response.status}.",
                        cause,
                        status=response.status,
                        retry_after=response.headers.get("Retry-After"),
                    )
                return Taken(response.content_type, await _read(response), response.status)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _explain(error) from error

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _open(self) -> "aiohttp.ClientSession":
        if self._session is None:
            await asyncio.to_thread(import_module, "aiohttp")
            import aiohttp  # noqa: PLC0415 - see the module's docstring; by now it is loaded

            from consentry.telling.guarded_resolver import (  # noqa: PLC0415 - it imports aiohttp
                GuardedResolver,
            )

            if self._session is None:
                gc.freeze()
                self._session = aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(
                        limit=_CONNECTIONS_MAX,
                        keepalive_timeout=_IDLE_SECONDS,
                        resolver=GuardedResolver(self._guard),
                        use_dns_cache=False,
                        socket_factory=self._open_socket,
                    ),
                    headers={"User-Agent": f"consentry/{__version__}"},
                    cookie_jar=aiohttp.DummyCookieJar(),
                )
        return self._session

    def _open_socket(self, place: "aiohttp.AddrInfoType") -> socket.socket:
        """Open the socket of a connection; whatever way its address came, it is checked here."""
        family, kind, protocol, _, address = place
        self._guard.check(str(address[0]), int(address[1]))
        return socket.socket(family, kind, protocol)


async def _read(response: "aiohttp.ClientResponse") -> bytes | None:
    """Read a whole answer; None where it has no end in sight."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            return None
    return bytes(body)


def _explain(error: Exception) -> NotTaken:
    """Say what a foreign error means, in the causes that a program can name."""
    import aiohttp  # noqa: PLC0415 - see the module's docstring; errors come after a request

    told = f"{type(error).__name__} {error}".strip()
    match error:
        case aiohttp.ClientConnectorError(os_error=Refused() as refused):
            return NotTaken(str(refused), RetryCause.CONNECT)
        case aiohttp.ConnectionTimeoutError():
            return NotTaken("No connection within the time allowed.", RetryCause.CONNECT)
        case aiohttp.ClientConnectorError(os_error=OSError(errno=int() as number)) if (
            # Not of those for names and certificates, whose numbers are not the system's.
            type(error) is aiohttp.ClientConnectorError
        ):
            return NotTaken(f"No connection: {os.strerror(number)}.", RetryCause.CONNECT)
        case aiohttp.ClientConnectorError() | aiohttp.InvalidURL():
            return NotTaken(f"No connection: {told}", RetryCause.CONNECT)
        case TimeoutError():
            return NotTaken("No answer within the time allowed.", RetryCause.READ_TIMEOUT)
        case _:
            return NotTaken(f"The answer did not come whole: {told}", RetryCause.READ_TIMEOUT)
