"""The way out: every error is one of two, and only questions are asked again."""

import asyncio
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import aiohttp
import pytest
from carrier_loopback import OPEN, Misbehaviour, Reply, http, loopback

from consentry.carriers.shared.way_out import (
    ANSWER_BYTES_MAX,
    Answer,
    NoAnswer,
    NothingSent,
    WayOut,
    basic_authorization,
    explain,
    read_header,
)
from consentry.ports import CarrierUnreachable

pytestmark = pytest.mark.integration

ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * (ANSWER_BYTES_MAX + 1)


@contextmanager
def closed_port() -> Iterator[int]:
    """Hold a port on which nobody listens, and nobody else can begin to."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


@asynccontextmanager
async def way_to(**settings: float) -> AsyncIterator[WayOut]:
    """Open a way out, and close it."""
    way_out = WayOut(**settings)
    try:
        yield way_out
    finally:
        await way_out.close()


async def post(way_out: WayOut, url: str) -> Answer:
    """Make a request that must not be repeated."""
    return await way_out.post(url, headers={}, body=b"Body=hello", fence=OPEN)


@pytest.mark.parametrize(
    "reply",
    [
        Misbehaviour.CLOSE,
        Misbehaviour.RESET,
        Misbehaviour.HANG,
        b"not HTTP at all\r\n\r\n",
        b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{half",
        b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 201 Created\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        ENDLESS,
    ],
)
async def test_a_server_that_misbehaves_after_the_request_gives_no_answer(reply: Reply) -> None:
    """Whatever happens once the request was read, the carrier may have it; it is made once."""
    # Half of it is for connecting, on a machine that may be busy.
    patience = 2.0 if reply is Misbehaviour.HANG else 10.0
    async with loopback([reply]) as server, way_to(total_seconds=patience) as way_out:
        with pytest.raises(NoAnswer):
            await post(way_out, server.url)
        assert len(server.seen) == 1


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}", "https://127.0.0.1:{port}", "http://", "nonsense", "ftp://a"]
)
async def test_without_a_connection_nothing_was_sent(url: str) -> None:
    """A refused connection and an address that is none mean that the carrier has nothing."""
    with closed_port() as port:
        async with way_to() as way_out:
            with pytest.raises(NothingSent):
                await post(way_out, url.format(port=port))


async def test_a_server_that_speaks_no_tls_got_nothing() -> None:
    """A failed TLS handshake ends before the request leaves."""
    async with loopback([b"plain"]) as server, way_to(total_seconds=1.0) as way_out:
        with pytest.raises(NothingSent):
            await post(way_out, server.url.replace("http:", "https:"))


async def test_a_connection_that_takes_too_long_sent_nothing() -> None:
    """A listener whose queue is full never accepts: the time to connect runs out."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        async with way_to(total_seconds=0.3) as way_out:
            with pytest.raises(NothingSent):
                await post(way_out, f"http://127.0.0.1:{full.getsockname()[1]}")
        for client in waiting:
            client.close()


def all_kinds_of(kind: type[Exception]) -> list[type[Exception]]:
    """List an exception class and all below it."""
    return [kind, *(below for child in kind.__subclasses__() for below in all_kinds_of(child))]


FOREIGN = [
    *all_kinds_of(aiohttp.ClientError),
    OSError,
    ConnectionResetError,
    BrokenPipeError,
    TimeoutError,
    asyncio.TimeoutError,
    socket.gaierror,
    ssl.SSLError,
]


@pytest.mark.parametrize("kind", FOREIGN, ids=lambda kind: kind.__name__)
def test_every_foreign_error_is_mapped(kind: type[Exception]) -> None:
    """Each error that aiohttp or the system knows is one of ours, and says its name."""
    members = {"__init__": lambda _self: None, "__str__": lambda _self: "said so"}
    error = type(kind.__name__, (kind,), members)()
    assert isinstance(explain(error), NothingSent | NoAnswer)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (aiohttp.ConnectionTimeoutError, NothingSent),
        (aiohttp.SocketTimeoutError, NoAnswer),
        (aiohttp.ServerDisconnectedError, NoAnswer),
        (aiohttp.ClientConnectionResetError, NoAnswer),
        (aiohttp.InvalidURL, NothingSent),
        (TimeoutError, NoAnswer),
    ],
)
def test_only_a_connection_that_never_was_is_nothing_sent(
    kind: type[Exception], expected: type[Exception]
) -> None:
    """In doubt the carrier may have it."""
    assert type(explain(kind("x"))) is expected


def test_a_fault_of_our_own_is_not_taken_for_the_networks() -> None:
    """A programming error is raised as it is."""
    assert explain(KeyError("x")) is None


async def test_a_question_is_asked_again_until_it_is_answered() -> None:
    """429, 5xx and silence are no answers to a question; the next attempt may be."""
    async with loopback() as server, way_to(wait_seconds=0.01) as way_out:
        server.answer(http(503), Misbehaviour.CLOSE, http(200, b"here"))
        answer = await way_out.ask(server.url, headers={"A": "b"})
        assert (answer.status, answer.body, len(server.seen)) == (200, b"here", 3)


async def test_asking_again_is_logged_without_what_was_asked(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """The line says how often and why; neither the account's token nor the number is anywhere."""
    headers = {"Authorization": basic_authorization("AC1", "the token")}
    async with loopback() as server, way_to(wait_seconds=0.01) as way_out:
        server.answer(http(503), http(200))
        await way_out.ask(f"{server.url}/list?To=%2B14155550142", headers=headers)
    way_out_log = "consentry.carriers.shared.way_out"
    [line] = [record for record in caplog.records if record.name == way_out_log]
    told = {name: line.__dict__[name] for name in ("attempt", "why")}
    assert (line.getMessage(), told) == ("carrier_asked_again", {"attempt": 2, "why": "_Unready"})
    written = "".join([*capfd.readouterr(), *(str(vars(record)) for record in caplog.records)])
    assert "4155550142" not in written
    assert headers["Authorization"] not in written


async def test_a_question_without_an_answer_ends() -> None:
    """After a few attempts the carrier counts as unreachable, with the last reason."""
    async with loopback([http(429)]) as server, way_to(wait_seconds=0.01) as way_out:
        with pytest.raises(CarrierUnreachable, match="HTTP 429"):
            await way_out.ask(server.url, headers={})
        assert len(server.seen) == 3


async def test_a_redirect_is_not_followed() -> None:
    """A redirect would carry the text and the token elsewhere."""
    async with loopback() as server, way_to() as way_out:
        server.answer(http(307, location=f"{server.url}/elsewhere"), http(200))
        assert (await post(way_out, server.url)).status == 307
        assert [request.path for request in server.seen] == ["/"]


async def test_it_may_be_closed_twice_and_used_again() -> None:
    """Closing closes connections, not the way."""
    async with loopback([http(204)]) as server, way_to() as way_out:
        await way_out.close()
        for _ in range(2):
            assert (await post(way_out, server.url)).status == 204
            await way_out.close()


async def test_many_first_requests_share_one_session() -> None:
    """Requests that come before the session is open do not open one each."""
    async with loopback([http(201)]) as server, way_to() as way_out:
        answers = await asyncio.gather(*(post(way_out, server.url) for _ in range(20)))
        assert [answer.status for answer in answers] == [201] * 20


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3", 3.0), ("0", 0.0), ("99999", 300.0), ("soon", None), ("-1", None), ("²", None)],
)
def test_retry_after_is_a_bounded_number_of_seconds(value: str, seconds: float | None) -> None:
    """A date or nonsense is no number of seconds, and nobody may put us off for hours."""
    assert Answer(429, {"Retry-After": value}, b"").retry_after_seconds == seconds


def test_headers_are_found_in_any_case() -> None:
    """HTTP does not tell upper from lower case in the names of headers."""
    assert read_header({"X-Twilio-SIGNATURE": "a"}, "x-twilio-signature") == "a"
    assert read_header({"x-twilio-signature": "a"}, "X-Twilio-Signature") == "a"
    assert read_header({}, "X-Twilio-Signature") is None


def test_basic_authorization_is_rfc_7617() -> None:
    """The example of the RFC."""
    assert basic_authorization("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_the_import_of_the_http_client_waits_for_the_first_request() -> None:
    """Importing a carrier must not cost what importing aiohttp does."""
    code = "import consentry.carriers.twilio.settings, sys; print('aiohttp' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert shown.stdout.strip() == "False"
