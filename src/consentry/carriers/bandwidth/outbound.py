"""Sending by Bandwidth's Messaging API, and what its list can tell.

The list has neither the words of a text nor our tag, and no promise of how soon a text is in it.
So a text between the same two numbers that we do not know shows that ours went out, and nothing
shows that it did not: then it is not sent again, and only a report can tell more.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from consentry.carriers.bandwidth.errors import read_refusal
from consentry.carriers.shared.answers import call_unclear, read_answer, read_list, require_good
from consentry.carriers.shared.handing_over import HTTPRequest, hand_over, sort_answer
from consentry.carriers.shared.way_out import Answer, WayOut, basic_authorization
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    CarrierAccount,
    Fence,
    NoList,
    OutboundText,
    Submission,
)

PAGE_SIZE: Final = 100
CLOCK_SKEW_MAX: Final = timedelta(hours=26)
"""How far our clock may have been from the carrier's (see the search in Twilio's list)."""
_NOBODYS: Final = "+15005550009"

_LISTED: Final = {
    "RECEIVED": MessageStatus.SENDING,
    "QUEUED": MessageStatus.SENDING,
    "SENDING": MessageStatus.SENDING,
    "ACCEPTED": MessageStatus.SENDING,
    "SENT": MessageStatus.SENT,
    "DELIVERED": MessageStatus.DELIVERED,
    "UNDELIVERED": MessageStatus.UNDELIVERED,
    "FAILED": MessageStatus.FAILED,
}


class _Created(msgspec.Struct, frozen=True):
    id: str


class _Item(msgspec.Struct, frozen=True, rename="camel"):
    message_id: str
    message_status: str = ""


class _List(msgspec.Struct, frozen=True):
    messages: tuple[_Item, ...]


_created_decoder = msgspec.json.Decoder(_Created)
_list_decoder = msgspec.json.Decoder(_List)


class BandwidthREST:
    """The messages of one account."""

    def __init__(self, account: CarrierAccount, *, way_out: WayOut) -> None:
        """Authenticate by the account's API user and password."""
        base = account.base_url.rstrip("/")
        self._messages = f"{base}/api/v2/users/{quote(account.account, safe='')}/messages"
        self._application = account.more.get("application_id", "")
        user, password = account.key_id or "", account.key_secret or ""
        self._authorization = {"Authorization": basic_authorization(user, password)}
        self._way_out = way_out

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Hand one text over, once."""
        headers = {**self._authorization, "Content-Type": "application/json; charset=utf-8"}
        request = HTTPRequest(self._messages, headers, msgspec.json.encode(self._write(text)))
        return await hand_over(self._way_out, request, fence, read_submission)

    def _write(self, text: OutboundText) -> dict[str, object]:
        written: dict[str, object] = {
            "applicationId": self._application,
            "to": [text.recipient],
            "from": text.sender,
            "text": text.body,
            "tag": text.message,
        }
        return written | ({"media": text.media} if text.media else {})

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Look for an unknown text between the two numbers; raises `CarrierUnreachable`, `NoList`.

        `NoList` where there is none: its absence from the list proves nothing.
        """
        earliest = (since - CLOCK_SKEW_MAX).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        pair = {"sourceTn": text.sender, "destinationTn": text.recipient}
        wanted = {**pair, "messageDirection": "OUTBOUND", "fromDateTime": earliest}
        for item in (await self._ask(wanted)).messages:
            if item.message_id not in known:
                return Accepted(
                    item.message_id, _LISTED.get(item.message_status, MessageStatus.SENDING)
                )
        raise NoList("Bandwidth's list has neither words nor tags: it cannot show what is missing.")

    async def probe(self) -> None:
        """Ask for the list of a text that there is not; raises `CarrierUnreachable`."""
        await self._ask({"destinationTn": _NOBODYS})

    async def close(self) -> None:
        """Close connections."""
        await self._way_out.close()

    async def _ask(self, wanted: Mapping[str, str]) -> _List:
        query = urlencode({**wanted, "limit": str(PAGE_SIZE)})
        answer = await self._way_out.ask(f"{self._messages}?{query}", headers=self._authorization)
        return read_list(
            _list_decoder, require_good(answer, read_refusal), what="The carrier's list"
        )


def read_submission(answer: Answer) -> Submission:
    """Read the answer to a request to send."""
    return sort_answer(answer, taken=_read_created, refused=read_refusal)


def _read_created(answer: Answer) -> Submission:
    created = read_answer(_created_decoder, answer)
    if created is None or not created.id:
        return call_unclear(answer)
    return Accepted(created.id, MessageStatus.SENDING)
