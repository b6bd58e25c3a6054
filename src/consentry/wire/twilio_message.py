"""Twilio's message resource and its list, as values and as JSON.

Source: Twilio's OpenAPI description of the API 2010-04-01. Counts are strings there, dates are
RFC 2822, and addresses are relative to the host that answers.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from consentry.wire.rfc2822 import parse_rfc2822, render_rfc2822
from consentry.wire.twilio_form import API_VERSION, MessageStatus


class Direction(StrEnum):
    """Who started a message, as Twilio says it."""

    INBOUND = "inbound"
    OUTBOUND_API = "outbound-api"
    OUTBOUND_CALL = "outbound-call"
    OUTBOUND_REPLY = "outbound-reply"


class MessageResourceError(ValueError):
    """An answer that should be a message or a list of them, and is not; str() says why."""


class MessageResource(msgspec.Struct, frozen=True):
    """One message as the carrier knows it; times are aware UTC, to the second."""

    sid: str
    account_sid: str
    status: MessageStatus
    direction: Direction
    to_number: str
    from_number: str | None
    body: str
    date_created: datetime
    date_updated: datetime
    date_sent: datetime | None = None
    messaging_service_sid: str | None = None
    num_segments: int = 1
    num_media: int = 0
    error_code: int | None = None
    error_message: str | None = None
    price: str | None = None
    price_unit: str | None = "USD"

    @property
    def uri(self) -> str:
        """The path of this message on the carrier's host."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}.json"


class MessagePage(msgspec.Struct, frozen=True):
    """One page of a list; the uris are relative, None where there is no such page."""

    messages: tuple[MessageResource, ...]
    page: int
    page_size: int
    start: int
    end: int
    uri: str
    first_page_uri: str
    next_page_uri: str | None = None
    previous_page_uri: str | None = None


class _WireMessage(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """The resource exactly as it stands in JSON; read with less than everything present."""

    sid: str
    account_sid: str
    status: str
    direction: str
    to: str | None
    from_: str | None
    date_created: str
    api_version: str | None = API_VERSION
    body: str | None = None
    date_updated: str | None = None
    date_sent: str | None = None
    messaging_service_sid: str | None = None
    num_segments: str | None = None
    num_media: str | None = None
    error_code: int | None = None
    error_message: str | None = None
    price: str | None = None
    price_unit: str | None = None
    uri: str | None = None
    subresource_uris: dict[str, str] | None = None


class _WirePage(msgspec.Struct, frozen=True):
    messages: list[_WireMessage]
    page: int = 0
    page_size: int = 50
    start: int = 0
    end: int = 0
    uri: str = ""
    first_page_uri: str = ""
    next_page_uri: str | None = None
    previous_page_uri: str | None = None


_encoder = msgspec.json.Encoder()
_message_decoder = msgspec.json.Decoder(_WireMessage)
_page_decoder = msgspec.json.Decoder(_WirePage)


def render_message(message: MessageResource) -> bytes:
    """Write a message as JSON."""
    return _encoder.encode(_to_wire(message))


def render_page(page: MessagePage) -> bytes:
    """Write a page of a list as JSON."""
    messages = [_to_wire(message) for message in page.messages]
    return _encoder.encode(
        _WirePage(
            messages=messages,
            page=page.page,
            page_size=page.page_size,
            start=page.start,
            end=page.end,
            uri=page.uri,
            first_page_uri=page.first_page_uri,
            next_page_uri=page.next_page_uri,
            previous_page_uri=page.previous_page_uri,
        )
    )


def parse_message(body: bytes) -> MessageResource:
    """Read a message; raises MessageResourceError where it is none. Unknown fields are ignored."""
    try:
        return _from_wire(_message_decoder.decode(body))
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise MessageResourceError(f"not a message resource: {error}") from error


def parse_page(body: bytes) -> MessagePage:
    """Read a page of a list; raises MessageResourceError where it is none."""
    try:
        wire = _page_decoder.decode(body)
        messages = tuple(_from_wire(message) for message in wire.messages)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise MessageResourceError(f"not a list of messages: {error}") from error
    return MessagePage(
        messages=messages,
        page=wire.page,
        page_size=wire.page_size,
        start=wire.start,
        end=wire.end,
        uri=wire.uri,
        first_page_uri=wire.first_page_uri,
        next_page_uri=wire.next_page_uri,
        previous_page_uri=wire.previous_page_uri,
    )


def _to_wire(message: MessageResource) -> _WireMessage:
    path = message.uri.removesuffix(".json")
    created, updated, sent = message.date_created, message.date_updated, message.date_sent
    date_created = render_rfc2822(created)
    return _WireMessage(
        sid=message.sid,
        account_sid=message.account_sid,
        status=message.status,
        direction=message.direction,
        to=message.to_number,
        from_=message.from_number,
        body=message.body,
        date_created=date_created,
        date_updated=date_created if updated == created else render_rfc2822(updated),
        date_sent=None if sent is None else render_rfc2822(sent),
        messaging_service_sid=message.messaging_service_sid,
        num_segments=str(message.num_segments),
        num_media=str(message.num_media),
        error_code=message.error_code,
        error_message=message.error_message,
        price=message.price,
        price_unit=message.price_unit,
        uri=message.uri,
        subresource_uris={"media": f"{path}/Media.json", "feedback": f"{path}/Feedback.json"},
    )


def _from_wire(wire: _WireMessage) -> MessageResource:
    created = parse_rfc2822(wire.date_created)
    return MessageResource(
        sid=wire.sid,
        account_sid=wire.account_sid,
        status=MessageStatus(wire.status),
        direction=Direction(wire.direction),
        to_number=wire.to or "",
        from_number=wire.from_,
        body=wire.body or "",
        date_created=created,
        date_updated=parse_rfc2822(wire.date_updated) if wire.date_updated else created,
        date_sent=parse_rfc2822(wire.date_sent) if wire.date_sent else None,
        messaging_service_sid=wire.messaging_service_sid,
        num_segments=int(wire.num_segments or 0),
        num_media=int(wire.num_media or 0),
        error_code=wire.error_code,
        error_message=wire.error_message,
        price=wire.price,
        price_unit=wire.price_unit,
    )
