"""What people wrote, read again from the list of messages of a carrier like Twilio."""

import logging
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Final

from consentry.carriers.shared.twilio_like_requests import CLOCK_SKEW_MAX, TwilioLikeRequests
from consentry.domain.phone import InvalidNumber, read_delivered
from consentry.ports import InboundText
from consentry.wire.twilio_listing import ListedMessage

PAGE_SIZE: Final = 300
"""A page of the longest texts must not be longer than an answer may be."""
PAGES_MAX: Final = 2000

_log = logging.getLogger(__name__)


class TwilioLikeHistory:
    """Implements `ports.InboundHistory` over the list."""

    def __init__(self, requests: TwilioLikeRequests) -> None:
        """Read by the requests of one account."""
        self._requests = requests

    async def replay(self, sender: str, *, since: datetime) -> AsyncIterator[InboundText]:
        """Read what came to a sender, newest first, as far back as `since` by the carrier's clock.

        The list holds what came in and what we sent to that number, if any: only the former is
        given. Pictures are not in it. Raises `CarrierUnreachable`, also where the list is longer
        than it may be: then nothing may be concluded from what was read.
        """
        query = {"To": sender, "PageSize": str(PAGE_SIZE)}
        async for page in self._requests.read_pages(query, pages_max=PAGES_MAX):
            wanted = [listed for listed in page if _is_wanted(listed, sender, since)]
            for text in _read_texts(wanted, sender):
                yield text
            if all(listed.created_at < since - CLOCK_SKEW_MAX for listed in page):
                return


def _is_wanted(listed: ListedMessage, sender: str, since: datetime) -> bool:
    return (
        listed.is_inbound
        and listed.to_number == sender
        and max(listed.created_at, listed.sent_at or listed.created_at) >= since
    )


def _read_texts(messages: list[ListedMessage], sender: str) -> Iterator[InboundText]:
    for listed in messages:
        try:
            recipient = read_delivered(listed.from_number or "")
        except InvalidNumber:
            # Not a number that can be texted: a webhook of it could not have been read either.
            _log.warning("history_skipped", extra={"sender": sender, "sid": listed.sid})
            continue
        yield InboundText(
            carrier_message_id=listed.sid,
            recipient=recipient,
            sender=sender,
            body=listed.body,
            sent_at=listed.sent_at or listed.created_at,
        )
