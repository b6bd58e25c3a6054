"""Handsets for programs: put one on the table, type on it, read what it shows."""

from datetime import datetime
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consentry.simulator.carrier import Carrier
from consentry.simulator.profiles import Reading
from consentry.simulator.requests import (
    BadRequestError,
    answer_json,
    bad_request,
    build_route,
    read_json,
    read_parameters,
    read_phone,
    restore_plus,
)
from consentry.simulator.state import PhoneAdded
from consentry.simulator.texting import UnknownSenderError, receive_text
from consentry.simulator.values import Text
from consentry.wire.twilio_form import Media

BODY_CHARACTERS_MAX = 10_000


class TypeText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text to type on a handset."""

    to: str
    body: str = ""
    media: tuple[Media, ...] = ()


class AddPhone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A handset to put on the table."""

    phone: str


class TextView(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """A text as a handset shows it; out was typed on the phone, in arrived at it."""

    direction: str
    from_: str
    to: str
    body: str
    at: datetime
    origin: str
    sid: str | None
    note: str | None
    order: int
    media: tuple[Media, ...]


class TypedView(msgspec.Struct, frozen=True):
    """A text on its way: what the carrier read in it, and what it answered at once."""

    message: TextView
    keyword: Reading | None
    answer: TextView | None


def build_handset_routes(carrier: Carrier) -> list[Route]:
    """List the routes below /api/handsets."""
    messages = "/api/handsets/{phone}/messages"
    return [
        build_route(carrier, "/api/handsets", "GET", _list_phones),
        build_route(carrier, "/api/handsets", "POST", _add_phone),
        build_route(carrier, messages, "GET", _list_texts),
        build_route(carrier, messages, "POST", _type_text),
    ]


def show_text(text: Text) -> TextView:
    """Write a text as the interface shows it."""
    return TextView(
        direction=text.direction,
        from_=text.from_number,
        to=text.to_number,
        body=text.body,
        at=text.at,
        origin=text.origin,
        sid=text.sid,
        note=text.note,
        order=text.order,
        media=text.media,
    )


async def _list_phones(carrier: Carrier, _request: Request) -> Response:
    return answer_json({"handsets": [{"phone": phone} for phone in carrier.state.phones]})


async def _add_phone(carrier: Carrier, request: Request) -> Response:
    phone = read_phone((await read_json(request, AddPhone)).phone)
    if phone not in carrier.state.phones:
        carrier.books.record(PhoneAdded(phone))
    return answer_json({"phone": phone}, 201)


async def _list_texts(carrier: Carrier, request: Request) -> Response:
    phone = read_phone(request.path_params["phone"])
    number = read_parameters(request).get("with")
    texts = carrier.state.texts.get(phone, [])
    if number is not None:
        texts = [text for text in texts if text.number == restore_plus(number)]
    return answer_json({"messages": [show_text(text) for text in texts]})


async def _type_text(carrier: Carrier, request: Request) -> Response:
    phone = read_phone(request.path_params["phone"])
    typed = await read_json(request, TypeText)
    _check_text(typed)
    try:
        result = receive_text(carrier, phone, typed.to, body=typed.body, media=typed.media)
    except UnknownSenderError as error:
        raise BadRequestError(HTTPStatus.NOT_FOUND, "unknown_sender", str(error)) from None
    answer = None if result.answer is None else show_text(result.answer)
    return answer_json(TypedView(show_text(result.text), result.reading, answer), 201)


def _check_text(typed: TypeText) -> None:
    if not typed.body and not typed.media:
        raise bad_request("body_invalid", "a text needs a body or media")
    if len(typed.body) > BODY_CHARACTERS_MAX:
        raise bad_request("body_invalid", f"a text has {BODY_CHARACTERS_MAX} characters at most")
    if "\0" in typed.body:
        raise bad_request("body_invalid", "a text cannot hold a NUL character")
