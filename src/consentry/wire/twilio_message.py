"""Twilio's message resource and its list: values, written as JSON.

Source: Twilio's OpenAPI description of the API 2010-04-01. Counts are strings there, dates are
RFC 2822, and addresses are relative to the host that answers.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from consentry.wire.rfc2822 import render_rfc2822
from consentry.wire.twilio_form import API_VERSION, MessageStatus


class Direction(StrEnum):
    """Who started a message, as Twilio says it."""

    INBOUND = "inbound"
    OUTBOUND_API = "outbound-api"
    OUTBOUND_CALL = "outbound-call"
    OUTBOUND_REPLY = "outbound-reply"


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


class _WireMessage(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """The resource exactly as it stands in JSON."""

    sid: str
    account_sid: str
    status: str
    direction: str
    to: str
    from_: str | None
    date_created: str
    api_version: str = API_VERSION
    body: str
    date_updated: str
    date_sent: str | None
    messaging_service_sid: str | None
    num_segments: str
    num_media: str
    error_code: int | None
    error_message: str | None
    price: str | None
    price_unit: str | None
    uri: str
    subresource_uris: dict[str, str]


class _WirePage(msgspec.Struct, frozen=True):
    messages: list[_WireMessage]
    page: int
    page_size: int
    start: int
    end: int
    uri: str
    first_page_uri: str
    next_page_uri: str | None
    previous_page_uri: str | None


_encoder = msgspec.json.Encoder()


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
