"""The list of messages as those who speak Twilio's interface write it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from consentry.wire.twilio_listing import (
    ListedMessage,
    ListingError,
    ListingPage,
    parse_listing,
)

pytestmark = pytest.mark.unit

MESSAGE = {
    "sid": "SM1",
    "status": "received",
    "direction": "inbound",
    "to": "+14155550100",
    "from": "+12125550142",
    "body": "STOP",
    "date_created": "Mon, 23 Nov 2026 12:00:00 +0000",
    "date_sent": "Mon, 23 Nov 2026 12:00:01 +0000",
}
CREATED = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def listing(*messages: dict[str, Any], **more: Any) -> bytes:
    """Write a page."""
    return json.dumps({"messages": messages, **more}).encode()


def test_a_page_is_read() -> None:
    """Who wrote what to whom, when, and where the next page is."""
    page = parse_listing(listing(MESSAGE, next_page_uri="/next"))
    sent = datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC)
    message = ListedMessage(
        "SM1", "received", True, "+14155550100", "+12125550142", "STOP", CREATED, sent
    )
    assert page == ListingPage((message,), "/next")


def test_little_is_enough() -> None:
    """Numbers for texts, new statuses and missing fields are no reason not to read a list."""
    sparse = {"sid": "1", "direction": "outbound-api", "date_created": MESSAGE["date_created"]}
    odd = {**MESSAGE, "num_segments": 1, "price": 0.005, "status": "initiated", "error_code": "1"}
    page = parse_listing(listing(sparse, odd, next_page_uri="", page_size="50"))
    assert page.messages[0] == ListedMessage("1", "", False, "", None, "", CREATED)
    assert page.messages[1].status == "initiated"
    assert page.next_page_uri is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"\xff",
        b'{"messages": [{"sid": "SM1"}]}',
        listing({**MESSAGE, "date_created": "yesterday"}),
        b'{"messages":' * 2000,
    ],
)
def test_anything_else_is_no_list(body: bytes) -> None:
    """A list that cannot be read is told from an empty one."""
    with pytest.raises(ListingError, match="not a list of messages"):
        parse_listing(body)
