"""Reading requests and writing answers, alike for both doors of the simulator."""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from consentry.simulator.carrier import Carrier
from consentry.wire.forms import Form, FormError, parse_form

BODY_BYTES_MAX = 256 * 1024
Struct = TypeVar("Struct", bound=msgspec.Struct)
Endpoint = Callable[[Request], Awaitable[ASGIApp]]
CarrierEndpoint = Callable[[Carrier, Request], Awaitable[ASGIApp]]
LIST_LIMIT_DEFAULT = 10_000
PHONE_SHAPE = re.compile(r"\+[1-9][0-9]{6,14}")
# Sets come out in one order, so that equal answers are equal bytes.
_encoder = msgspec.json.Encoder(order="deterministic")


class BadRequestError(Exception):
    """A request that cannot be served: an HTTP status, a short code and a sentence."""

    def __init__(self, status: HTTPStatus, code: str, detail: str) -> None:
        """Keep the three parts of the answer."""
        self.status = status
        self.code = code
        self.detail = detail
        super().__init__(detail)


class Problem(msgspec.Struct, frozen=True):
    """An RFC 9457 problem."""

    type: str
    title: str
    status: int
    code: str
    detail: str


class DroppedAnswer:
    """No answer at all: the connection ends as if a cable had been cut."""

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Cut the connection; where the server offers no way to, break off the answer."""
        # ASGI has no word for this, so we reach for the transport beneath uvicorn's `receive`.
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if transport is None:
            await send({"type": "http.response.start", "status": 201, "headers": []})
            return
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


def answer_json(value: object, status: int = 200) -> Response:
    """Answer with a value as JSON."""
    return Response(_encoder.encode(value), status, media_type="application/json")


def answer_problem(error: BadRequestError) -> Response:
    """Answer with a problem."""
    problem = Problem(
        "about:blank", error.status.phrase, error.status.value, error.code, error.detail
    )
    return Response(_encoder.encode(problem), error.status, media_type="application/problem+json")


async def read_body(request: Request) -> bytes:
    """Read a body of at most BODY_BYTES_MAX; raises BadRequestError."""
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > BODY_BYTES_MAX:
                raise BadRequestError(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    "body_too_large",
                    f"the body is larger than {BODY_BYTES_MAX} bytes; send less",
                )
            chunks.append(chunk)
    except ClientDisconnect:
        raise BadRequestError(
            HTTPStatus.BAD_REQUEST, "body_incomplete", "the connection ended inside the body"
        ) from None
    return b"".join(chunks)


async def read_json(request: Request, kind: type[Struct]) -> Struct:
    """Read a JSON body as a value; raises BadRequestError that names the field."""
    return decode_json(await read_body(request), kind)


def decode_json(body: bytes, kind: type[Struct]) -> Struct:
    """Decode JSON as a value; raises BadRequestError that names the field."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request("body_invalid", str(error)) from None


def read_phone(text: str) -> str:
    """Read a phone number, E.164; raises BadRequestError."""
    number = restore_plus(text)
    if PHONE_SHAPE.fullmatch(number) is None:
        raise bad_request("phone_invalid", f"{text!r} is not a phone number like +14155550142")
    return number


def read_login(request: Request) -> tuple[str, bytes]:
    """Read name and password of Basic authorization; both are empty where there is none."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        decoded = base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        decoded = b""
    name, _, password = decoded.partition(b":")
    return name.decode("ascii", "replace"), password


def restore_plus(number: str) -> str:
    """Undo what a query does to a bare plus: it means a space there, and nobody writes one."""
    return "+" + number[1:] if number.startswith(" ") else number


def read_parameters(request: Request) -> Form:
    """Read the query; raises BadRequestError."""
    try:
        return parse_form(request.scope["query_string"])
    except FormError as error:
        raise bad_request("query_invalid", str(error)) from None


def read_limit(request: Request) -> int:
    """Read how many items a list may have; raises BadRequestError."""
    try:
        return read_parameters(request).get_integer("limit") or LIST_LIMIT_DEFAULT
    except FormError as error:
        raise bad_request("query_invalid", str(error)) from None


def bad_request(code: str, detail: str) -> BadRequestError:
    """Build the usual mistake: 400."""
    return BadRequestError(HTTPStatus.BAD_REQUEST, code, detail)


def build_route(carrier: Carrier, path: str, method: str, endpoint: CarrierEndpoint) -> Route:
    """Build a route whose foreseen mistakes are answered as problems."""

    async def guarded(request: Request) -> ASGIApp:
        try:
            return await endpoint(carrier, request)
        except BadRequestError as error:
            return answer_problem(error)

    return Route(path, guarded, methods=[method])
