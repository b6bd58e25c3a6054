"""Reading what a request carries: bytes within limits, then values of the operation's type."""

import re
from collections.abc import AsyncIterator
from typing import Final, TypeVar

import msgspec
from starlette.types import Receive
from starlette.types import Scope as HTTPScope

from consentry.api.operations import find_header
from consentry.api.problems import Problem

T = TypeVar("T")

BODY_BYTES_MAX: Final = 1024 * 1024
LINE_BYTES_MAX: Final = 64 * 1024
JSON: Final = b"application/json"
JSON_LINES: Final = b"application/x-ndjson"

# An escaped NUL, but not the backslash, "u0000" that a text may well contain.
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class ClientGone(Exception):
    """The caller hung up: nobody is left to answer."""


def read_media_type(http: HTTPScope) -> bytes:
    """Give the content type without its parameters; JSON where none is named."""
    given = find_header(http, b"content-type")
    if given is None or given == JSON:
        return JSON
    return given.partition(b";")[0].strip().lower()


async def read_body(http: HTTPScope, receive: Receive) -> bytes:
    """Read the whole body; raises `Problem` beyond `BODY_BYTES_MAX`, `ClientGone` on a hang-up."""
    announced = find_header(http, b"content-length")
    if announced is not None and announced.isdigit() and int(announced[:20]) > BODY_BYTES_MAX:
        raise _too_large()
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if len(body) > BODY_BYTES_MAX:
        raise _too_large()
    if not message.get("more_body", False):
        return body
    return await _read_rest(body, receive)


async def _read_rest(first: bytes, receive: Receive) -> bytes:
    parts, size = [first], len(first)
    async for part in read_chunks(receive):
        parts.append(part)
        size += len(part)
        if size > BODY_BYTES_MAX:
            raise _too_large()
    return b"".join(parts)


async def read_chunks(receive: Receive) -> AsyncIterator[bytes]:
    """Give the body piece by piece as it comes; raises `ClientGone` on a hang-up."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


def _too_large() -> Problem:
    return Problem(
        "body_too_large",
        f"The body has more than {BODY_BYTES_MAX} bytes, which is the most. Send less at once; "
        "/v1/checks takes any number of recipients as application/x-ndjson.",
    )


def decode_json(content: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode JSON to the decoder's type; raises `Problem` saying what does not fit and where."""
    if b"\\u0000" in content and _NUL.search(content) is not None:
        raise Problem(
            "nul_character", "The body holds a NUL character (\\u0000). Take it out of the text."
        )
    try:
        return decoder.decode(content)
    except msgspec.ValidationError as error:
        raise Problem("invalid_body", f"{error}. Change the body: /docs shows its shape.") from None
    except UnicodeDecodeError:
        raise Problem("malformed_json", "The body is not UTF-8. Encode it as UTF-8.") from None
    except RecursionError:
        raise Problem("malformed_json", "The body is nested too deeply.") from None
    except msgspec.DecodeError as error:
        raise Problem("malformed_json", f"The body is not JSON: {error}. Mend it.") from None
