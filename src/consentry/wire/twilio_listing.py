"""Pages of Twilio's list of messages, read as far as a reader needs them.

Those who speak Twilio's interface write the same list with numbers for texts and statuses of their
own. So nothing is asked for here but what a decision rests on; `wire.twilio_message` has the whole.
"""

from datetime import datetime

import msgspec

from consentry.wire.rfc2822 import parse_rfc2822

INBOUND = "inbound"


class ListingError(ValueError):
    """An answer that should be a page of messages, and is not; str() says why."""


class ListedMessage(msgspec.Struct, frozen=True):
    """One message of a list; times are aware UTC, to the second, the status as it was written."""

    sid: str
    status: str
    is_inbound: bool
    to_number: str
    from_number: str | None
    body: str
    created_at: datetime
    sent_at: datetime | None = None


class ListingPage(msgspec.Struct, frozen=True):
    """One page; `next_page_uri` is as the carrier wrote it, None where this is the last."""

    messages: tuple[ListedMessage, ...]
    next_page_uri: str | None = None


class _WireMessage(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    sid: str
    direction: str
    date_created: str
    status: str = ""
    to: str | None = None
    from_: str | None = None
    body: str | None = None
    date_sent: str | None = None


class _WirePage(msgspec.Struct, frozen=True):
    messages: list[_WireMessage]
    next_page_uri: str | None = None


_decoder = msgspec.json.Decoder(_WirePage)


def parse_listing(body: bytes) -> ListingPage:
    """Read a page; raises ListingError where it is none."""
    try:
        page = _decoder.decode(body)
        messages = tuple(_from_wire(message) for message in page.messages)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ListingError(f"not a list of messages: {error}") from error
    return ListingPage(messages, page.next_page_uri or None)


def _from_wire(wire: _WireMessage) -> ListedMessage:
    return ListedMessage(
        sid=wire.sid,
        status=wire.status,
        is_inbound=wire.direction == INBOUND,
        to_number=wire.to or "",
        from_number=wire.from_ or None,
        body=wire.body or "",
        created_at=parse_rfc2822(wire.date_created),
        sent_at=parse_rfc2822(wire.date_sent) if wire.date_sent else None,
    )
