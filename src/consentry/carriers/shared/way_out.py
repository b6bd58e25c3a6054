"""The one way out to a carrier over HTTP, and how headers are read.

Whatever goes wrong on the way out is one of three things, because only these differ in what may
be done next:

    WayOutError
    ├── NothingSent   the carrier cannot have the request: it may be made again
    ├── FenceClosed   the request was not written, because it was too late for it
    └── NoAnswer      the carrier may have it: only its list or a receipt can tell

aiohttp is imported at the first request and not before, in a thread: it takes 0.3 s, which neither
the start nor a webhook should wait for.
"""

import asyncio
import gc
import logging
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import msgspec

from consentry import __version__
from consentry.ports import CarrierUnreachable, Fence

if TYPE_CHECKING:
    import aiohttp
    import stamina.instrumentation

TOTAL_SECONDS: Final = 10.0
ANSWER_BYTES_MAX: Final = 4_194_304
RETRY_AFTER_SECONDS_MAX: Final = 300.0
_CONNECTIONS_MAX: Final = 100
# Shorter than servers usually keep an idle connection, so that we seldom write into one that is
# being closed: such a text would be neither sent nor refused for sure.
_IDLE_SECONDS: Final = 4.0
_ASK_ATTEMPTS: Final = 3
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500

_log = logging.getLogger(__name__)


class WayOutError(Exception):
    """A request that got no answer; str() says why, in one sentence."""


class NothingSent(WayOutError):
    """The carrier cannot have the request: no connection was made."""


class FenceClosed(WayOutError):
    """Not a byte of the request was written: the fence was closed when there was a connection."""


class NoAnswer(WayOutError):
    """The request was on its way, and no whole answer came."""


class Answer(msgspec.Struct, frozen=True):
    """An HTTP answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after_seconds(self) -> float | None:
        """How long the carrier asks to wait; None where it names no number of seconds."""
        text = read_header(self.headers, "Retry-After") or ""
        if not (text.isascii() and text.isdecimal()):
            return None
        return min(float(text), RETRY_AFTER_SECONDS_MAX)


class _Unready(Exception):
    """A question was answered with 429 or 5xx, so it is asked again."""


class WayOut:
    """One HTTP session to one carrier; it opens at the first request, and may be used again."""

    def __init__(self, *, total_seconds: float = TOTAL_SECONDS, wait_seconds: float = 0.5) -> None:
        """Bound each request by `total_seconds`; a question is asked again after `wait_seconds`."""
        self._total_seconds = total_seconds
        self._wait_seconds = wait_seconds
        self._session: aiohttp.ClientSession | None = None

    async def post(
        self, url: str, *, headers: Mapping[str, str], body: bytes, fence: Fence
    ) -> Answer:
        """Make a request that must not be made twice, once, and only while the fence is open.

        Raises `NothingSent`, `FenceClosed`, `NoAnswer`.
        """
        await self._open()
        fenced = _fenced_body()(body, fence)
        try:
            return await self._request("POST", url, headers, fenced)
        except WayOutError as error:
            if fenced.was_held_back:
                raise FenceClosed("It was too late when there was a connection.") from error
            raise

    async def send_once(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Make a request of any kind, once; raises `NothingSent`, `NoAnswer`."""
        return await self._request(method, url, headers, body)

    async def ask(
        self, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """GET what may be asked twice: again after silence, 429 and 5xx, a few times.

        With a body it is a POST: some carriers have questions asked so. Raises
        `CarrierUnreachable` where no good answer came.
        """
        stamina = await asyncio.to_thread(_load_stamina)
        caller = stamina.AsyncRetryingCaller(
            attempts=_ASK_ATTEMPTS,
            wait_initial=self._wait_seconds,
            wait_max=self._wait_seconds * 4,
            wait_jitter=self._wait_seconds,
        )
        try:
            answer: Answer = await caller(
                (WayOutError, _Unready), self._ask_once, url, headers, body
            )
        except (WayOutError, _Unready) as error:
            raise CarrierUnreachable(f"The carrier could not be asked. {error}") from error
        return answer

    async def _ask_once(self, url: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        method = "GET" if body is None else "POST"
        answer = await self._request(method, url, headers, body)
        if answer.status == _TOO_MANY_REQUESTS or answer.status >= _SERVER_ERROR:
            raise _Unready(f"It answered with HTTP {answer.status}.")
        return answer

    async def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: "aiohttp.Payload | bytes | None",
    ) -> Answer:
        session = await self._open()
        try:
            async with session.request(
                method, url, headers=headers, data=body, allow_redirects=False
            ) as response:
                return Answer(response.status, response.headers.copy(), await _read(response))
        except Exception as error:
            told = explain(error)
            if told is None:
                raise
            raise told from error

    async def _open(self) -> "aiohttp.ClientSession":
        if self._session is None:
            await asyncio.to_thread(import_module, "aiohttp")
            import aiohttp  # noqa: PLC0415 - see the module's docstring; by now it is loaded

            if self._session is None:
                # It stays, as what was loaded at the start does: to walk through all of it would
                # hold up everybody for as long as a hundred texts take.
                gc.freeze()
                self._session = aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(
                        limit=_CONNECTIONS_MAX, keepalive_timeout=_IDLE_SECONDS
                    ),
                    # Half of the time is for connecting: when it runs out, nothing was sent.
                    timeout=aiohttp.ClientTimeout(
                        total=self._total_seconds, connect=self._total_seconds / 2
                    ),
                    headers={"User-Agent": f"consentry/{__version__}"},
                    cookie_jar=aiohttp.DummyCookieJar(),
                )
        return self._session


@cache
def _fenced_body() -> type[Any]:
    """Make the kind of body that asks the fence: it is written when there is a connection.

    The head is kept back until the body is written, so what is held back leaves no trace.
    """
    import aiohttp  # noqa: PLC0415 - see the module's docstring; by now it is loaded

    class FencedBody(aiohttp.BytesPayload):
        def __init__(self, body: bytes, fence: Fence) -> None:
            super().__init__(body)
            self.was_held_back = False
            self._fence = fence

        # typing.override comes with Python 3.12.
        async def write_with_length(  # type: ignore[explicit-override]
            self, writer: "aiohttp.abc.AbstractStreamWriter", content_length: int | None
        ) -> None:
            if not self._fence.is_open:
                self.was_held_back = True
                raise FenceClosed("It is too late.")
            await super().write_with_length(writer, content_length)

    return FencedBody


def _load_stamina() -> ModuleType:
    """Load what asks again, and have it log nothing: its own lines tell the arguments too.

    Among those are the account's token and the address with the recipient's number.
    """
    stamina = import_module("stamina")
    stamina.instrumentation.set_on_retry_hooks((_log_repeat,))
    return stamina


def _log_repeat(details: "stamina.instrumentation.RetryDetails") -> None:
    _log.warning(
        "carrier_asked_again",
        extra={"attempt": details.retry_num + 1, "why": type(details.caused_by).__name__},
    )


async def _read(response: "aiohttp.ClientResponse") -> bytes:
    """Read a whole body, but not one without end."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise NoAnswer(f"The answer is longer than {ANSWER_BYTES_MAX} bytes.")
    return bytes(body)


def explain(error: Exception) -> WayOutError | None:
    """Say what a foreign error means for the request; None where it is none of the network's."""
    import aiohttp  # noqa: PLC0415 - see the module's docstring; errors come after a request

    match error:
        case WayOutError():
            return error
        case aiohttp.ConnectionTimeoutError():
            return NothingSent("No connection within the time allowed.")
        case (
            aiohttp.ClientConnectorError()
            | aiohttp.ServerFingerprintMismatch()
            | aiohttp.InvalidURL()
            | aiohttp.NonHttpUrlClientError()
        ):
            return NothingSent(f"No connection: {_reason(error)}")
        case TimeoutError():
            return NoAnswer("No answer within the time allowed.")
        case aiohttp.ClientError() | OSError():
            return NoAnswer(f"The answer did not come whole: {_reason(error)}")
        case _:
            return None


def _reason(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()


def read_header(headers: Mapping[str, str], name: str) -> str | None:
    """Read a header by its name in any case; None where it is missing."""
    wanted = name.lower()
    found = headers.get(wanted)
    if found is not None:
        return found
    for key, value in headers.items():
        if key.lower() == wanted:
            return value
    return None


def basic_authorization(user: str, password: str) -> str:
    """Write the value of an Authorization header (RFC 7617, UTF-8)."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode('ascii')}"
