"""Sending by Plivo's REST interface, and finding in its list what got no answer.

`submit` makes one POST and reads from what comes back one of four answers:

    Accepted        2xx with an id
    CarrierRefusal  4xx, 429 and 503, or a 2xx that calls the number invalid; or no connection
    Withheld        the fence was closed when there was a connection: nothing was written
    Unanswered      silence, half an answer, a 2xx that cannot be read, 408, any other 5xx

Somebody who opted out is not refused here: Plivo takes the text, and a report says so.

Its list does not keep the words of a text. Whatever went to this recipient from this sender at
that time may be the text that is looked for, unless it is known to be another one of ours.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from consentry.carriers.plivo.errors import TABLE, read_refusal
from consentry.carriers.plivo.inbound import STATUSES
from consentry.carriers.shared.answers import call_unclear, read_answer, read_list, require_good
from consentry.carriers.shared.callbacks import address_of, status_address
from consentry.carriers.shared.fields import read_time
from consentry.carriers.shared.handing_over import HTTPRequest, hand_over, sort_answer
from consentry.carriers.shared.way_out import Answer, WayOut, basic_authorization
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    CarrierAccount,
    CarrierUnreachable,
    Fence,
    OutboundText,
    Submission,
)

PAGE_SIZE: Final = 20
"""As many as Plivo gives at once."""
PAGES_MAX: Final = 50
CLOCK_SKEW_MAX: Final = timedelta(hours=26)
"""How far our clock may have been from the carrier's: a wrong day or time zone is not rare."""
_TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"


class _Created(msgspec.Struct, frozen=True):
    message_uuid: list[str] | str = ""
    invalid_number: list[str] = []


class _Listed(msgspec.Struct, frozen=True):
    message_uuid: str
    message_direction: str | None = None
    message_state: str | None = None
    message_time: str | None = None
    from_number: str | None = None
    to_number: str | None = None


class _Page(msgspec.Struct, frozen=True):
    objects: list[_Listed]


_created_decoder = msgspec.json.Decoder(_Created)
_page_decoder = msgspec.json.Decoder(_Page)


class PlivoREST:
    """The messages of one account."""

    def __init__(self, account: CarrierAccount, *, callback_base: str, way_out: WayOut) -> None:
        """Authenticate by the account's id and token."""
        self._status_address = status_address(callback_base, account.id)
        owner = quote(account.account, safe="")
        self._account_address = f"{account.base_url.rstrip('/')}/v1/Account/{owner}/"
        authorization = basic_authorization(account.account, account.secret)
        self._authorization = {"Authorization": authorization}
        self._way_out = way_out

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Hand one text over, once."""
        body = msgspec.json.encode(self._write(text))
        headers = {**self._authorization, "Content-Type": "application/json"}
        request = HTTPRequest(f"{self._account_address}Message/", headers, body)
        return await hand_over(self._way_out, request, fence, read_submission)

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Look for a text in the list, by recipient, sender and time; raises `CarrierUnreachable`.

        The recipient is asked for in both spellings, with the plus and without: a filter that does
        not fit gives an empty list, which must not be taken for proof that nothing was sent.
        """
        earliest = since - CLOCK_SKEW_MAX
        for recipient in (text.recipient.lstrip("+"), text.recipient):
            async for page in self._pages(recipient, earliest):
                for listed in page:
                    if listed.message_uuid not in known and _is_same(listed, text, earliest):
                        status = STATUSES.get(listed.message_state or "", MessageStatus.SENDING)
                        return Accepted(listed.message_uuid, status)
        return None

    async def probe(self) -> None:
        """Ask for the account itself; raises `CarrierUnreachable`."""
        await self._ask(self._account_address)

    async def close(self) -> None:
        """Close connections."""
        await self._way_out.close()

    async def _pages(self, recipient: str, earliest: datetime) -> AsyncIterator[list[_Listed]]:
        wanted = {
            "message_direction": "outbound",
            "to_number": recipient,
            "message_time__gte": earliest.strftime(_TIME_FORMAT),
            "limit": str(PAGE_SIZE),
        }
        for number in range(PAGES_MAX):
            query = urlencode({**wanted, "offset": str(number * PAGE_SIZE)})
            body = await self._ask(f"{self._account_address}Message/?{query}")
            page = read_list(_page_decoder, body, what="Plivo's list")
            yield page.objects
            if len(page.objects) < PAGE_SIZE:
                return
        raise CarrierUnreachable(f"Plivo's list did not end after {PAGES_MAX} pages.")

    async def _ask(self, url: str) -> bytes:
        answer = await self._way_out.ask(url, headers=self._authorization)
        return require_good(answer, read_refusal)

    def _write(self, text: OutboundText) -> dict[str, object]:
        written: dict[str, object] = {
            "src": text.sender,
            "dst": text.recipient,
            "type": "mms" if text.media else "sms",
            "url": address_of(text, self._status_address),
            "method": "POST",
        }
        if text.body:
            written["text"] = text.body
        if text.media:
            written["media_urls"] = text.media
        return written


def read_submission(answer: Answer) -> Submission:
    """Read the answer to a request to send."""
    return sort_answer(answer, taken=_read_created, refused=read_refusal)


def _read_created(answer: Answer) -> Submission:
    created = read_answer(_created_decoder, answer) or _Created()
    given = created.message_uuid
    uuids = [given] if isinstance(given, str) else given
    if any(uuids):
        return Accepted(next(filter(None, uuids)), MessageStatus.SENDING)
    if created.invalid_number:
        return TABLE.refuse("invalid_number")
    return call_unclear(answer)


def _is_same(listed: _Listed, text: OutboundText, earliest: datetime) -> bool:
    """Tell whether a text of the list may be ours: in doubt it is, for none may go out twice."""
    at = read_time(listed.message_time)
    return (
        listed.message_direction in (None, "outbound")
        and _is_number(listed.to_number, text.recipient)
        and _is_number(listed.from_number, text.sender)
        and (at is None or at >= earliest)
    )


def _is_number(listed: str | None, number: str) -> bool:
    return listed is None or listed.lstrip("+") == number.lstrip("+")
