"""Reading a request and writing an answer, as lean as ASGI allows."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.types import Receive, Send
from starlette.types import Scope as HTTPScope

from consentry.wire.forms import Form, FormError, parse_form
from consentry.wire.twilio_errors import TwilioError, render_twilio_error

Header = tuple[bytes, bytes]
Headers = Mapping[bytes, bytes]

BODY_BYTES_MAX: Final = 256 * 1024
_FORM: Final = b"application/x-www-form-urlencoded"
_JSON: Final = b"application/json"
_BASIC: Final = b"basic "
_SAFE: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_CHALLENGE: Final[Header] = (b"www-authenticate", b'Basic realm="Twilio API"')
_UNAUTHORIZED: Final = 401
_SOON: Final = (429, 503)
_RETRY: Final[Header] = (b"retry-after", b"2")


class ClientGone(Exception):
    """The caller hung up: nobody is left to answer."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What to answer: the body as it is."""

    body: bytes = b""
    status: int = 200
    headers: tuple[Header, ...] = ()
    media_type: bytes = _JSON


def answer_error(error: TwilioError) -> Answer:
    """Answer with Twilio's error body, and with what its status asks for."""
    headers: tuple[Header, ...] = ()
    if error.status == _UNAUTHORIZED:
        headers = (_CHALLENGE,)
    elif error.status in _SOON:
        headers = (_RETRY,)
    return Answer(render_twilio_error(error), error.status, headers)


def read_headers(http: HTTPScope) -> Headers:
    """Read the headers by their names in lower case; the first where there are several."""
    return dict(reversed(http["headers"]))


def read_credentials(headers: Headers) -> tuple[str, str] | None:
    """Read the user and password of HTTP Basic (RFC 7617); None where there are none."""
    given = headers.get(b"authorization", b"")
    if given[:6].lower() != _BASIC:
        return None
    try:
        decoded = base64.b64decode(given[6:].strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    user, colon, password = decoded.partition(":")
    return (user, password) if colon else None


async def read_form(headers: Headers, receive: Receive) -> Form:
    """Read a form of at most `BODY_BYTES_MAX`; raises `FormError`, `ClientGone`."""
    given = headers.get(b"content-type", _FORM)
    if given != _FORM and given.partition(b";")[0].strip().lower() != _FORM:
        raise FormError("Content-Type", f"must be {_FORM.decode()}")
    return parse_form(await read_body(receive))


async def read_body(receive: Receive) -> bytes:
    """Read the whole body; raises `FormError` beyond `BODY_BYTES_MAX`, `ClientGone`."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise FormError("body", f"is larger than {BODY_BYTES_MAX} bytes; send less")
        if not message.get("more_body", False):
            return b"".join((*parts, part)) if parts else part
        parts.append(part)


async def send_answer(answer: Answer, send: Send, *, head: bool = False) -> None:
    """Send an answer."""
    if answer.status == 204:
        headers = [*_SAFE, *answer.headers]
    else:
        headers = [
            (b"content-type", answer.media_type),
            *_SAFE,
            *answer.headers,
            (b"content-length", b"%d" % len(answer.body)),
        ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})
