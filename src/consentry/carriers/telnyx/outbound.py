"""Sending by Telnyx's REST interface, and reading its list of opt-outs.

`submit` makes one POST and reads from what comes back one of four answers:

    Accepted        2xx with an id
    CarrierRefusal  4xx, 429 and 503: Telnyx says that it did not take the text; or no connection
    Withheld        the fence was closed when there was a connection: nothing was written
    Unanswered      silence, half an answer, a 2xx that cannot be read, 408, any other 5xx, and the
                    two codes that say that something went wrong on the way

Telnyx has no list of what was sent with its words in it, so `find` says `NoList`: a text without
an answer is known by its report alone, whose address names it.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from consentry.carriers.shared.answers import call_unclear, read_answer, read_list, require_good
from consentry.carriers.shared.callbacks import address_of, status_address
from consentry.carriers.shared.fields import read_time
from consentry.carriers.shared.handing_over import HTTPRequest, hand_over, sort_answer
from consentry.carriers.shared.way_out import Answer, WayOut
from consentry.carriers.telnyx.errors import IN_DOUBT, read_refusal
from consentry.carriers.telnyx.inbound import STATUSES
from consentry.domain.messages import MessageStatus
from consentry.domain.phone import InvalidNumber, read_delivered
from consentry.ports import (
    Accepted,
    CarrierAccount,
    CarrierBlock,
    CarrierRefusal,
    CarrierUnreachable,
    Fence,
    NoList,
    OutboundText,
    Submission,
    Unanswered,
)

PAGE_SIZE: Final = 250
PAGES_MAX: Final = 4000
"""A million opt-outs; a list that is longer is not read at all."""


class _Reached(msgspec.Struct, frozen=True):
    status: str | None = None


class _Data(msgspec.Struct, frozen=True):
    """What must be known of a text that was taken: an id. All else can be learnt later."""

    id: str
    to: list[_Reached] = []


class _Created(msgspec.Struct, frozen=True):
    data: _Data


class _OptOut(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    to: str
    from_: str | None = None
    messaging_profile_id: str | None = None
    keyword: str | None = None
    created_at: str | None = None


class _Meta(msgspec.Struct, frozen=True):
    total_pages: int


class _OptOuts(msgspec.Struct, frozen=True):
    data: list[_OptOut]
    meta: _Meta


_created_decoder = msgspec.json.Decoder(_Created)
_opt_outs_decoder = msgspec.json.Decoder(_OptOuts)


class TelnyxREST:
    """The messages, and the opt-outs, of one messaging profile."""

    def __init__(self, account: CarrierAccount, *, callback_base: str, way_out: WayOut) -> None:
        """Authenticate by the account's API key."""
        self._account = account
        self._status_address = status_address(callback_base, account.id)
        self._base = f"{account.base_url.rstrip('/')}/v2"
        self._authorization = {"Authorization": f"Bearer {account.key_secret or ''}"}
        self._way_out = way_out

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Hand one text over, once."""
        body = msgspec.json.encode(self._write(text))
        headers = {**self._authorization, "Content-Type": "application/json"}
        request = HTTPRequest(f"{self._base}/messages", headers, body)
        return await hand_over(self._way_out, request, fence, read_submission)

    async def find(
        self,
        text: OutboundText,
        *,
        since: datetime,  # noqa: ARG002 - a port's argument
        known: frozenset[str] = frozenset(),  # noqa: ARG002 - the same
    ) -> Accepted | None:
        """There is nothing to look in: raises `NoList`."""
        raise NoList(
            f"Telnyx has no list in which text {text.message} could be found. Its report will tell."
        )

    async def probe(self) -> None:
        """Ask for the messaging profile; raises `CarrierUnreachable`."""
        profile = quote(self._account.account, safe="")
        await self._ask(f"{self._base}/messaging_profiles/{profile}")

    async def close(self) -> None:
        """Close connections."""
        await self._way_out.close()

    async def read(self, senders: tuple[str, ...]) -> AsyncIterator[CarrierBlock]:
        """Read who is blocked for the messaging profile, and so for each of its numbers.

        Raises `CarrierUnreachable`, also where a line cannot be read: then nothing may be
        concluded from those that could.
        """
        for number in range(1, PAGES_MAX + 1):
            query = urlencode(
                {
                    "filter[messaging_profile_id]": self._account.account,
                    "page[number]": number,
                    "page[size]": PAGE_SIZE,
                    "redaction_enabled": "false",
                }
            )
            body = await self._ask(f"{self._base}/messaging_optouts?{query}")
            page = read_list(_opt_outs_decoder, body, what="Telnyx's list of opt-outs")
            for opt_out in page.data:
                yield _read_block(opt_out, senders)
            if number >= page.meta.total_pages:
                return
        raise CarrierUnreachable(f"Telnyx's list of opt-outs did not end after {PAGES_MAX} pages.")

    async def _ask(self, url: str) -> bytes:
        answer = await self._way_out.ask(url, headers=self._authorization)
        return require_good(answer, read_refusal)

    def _write(self, text: OutboundText) -> dict[str, object]:
        written: dict[str, object] = {
            "from": text.sender,
            "to": text.recipient,
            "webhook_url": address_of(text, self._status_address),
        }
        if text.body:
            written["text"] = text.body
        if text.media:
            written["type"] = "MMS"
            written["media_urls"] = text.media
        if not text.sender.lstrip("+").isdecimal():
            # A name belongs to no profile, so it must be said whose blocks count.
            written["messaging_profile_id"] = self._account.account
        return written


def read_submission(answer: Answer) -> Submission:
    """Read the answer to a request to send."""
    submission = sort_answer(answer, taken=_read_created, refused=read_refusal)
    if isinstance(submission, CarrierRefusal) and submission.code in IN_DOUBT:
        return Unanswered(submission.text)
    return submission


def _read_created(answer: Answer) -> Submission:
    created = read_answer(_created_decoder, answer)
    if created is None or not created.data.id:
        return call_unclear(answer)
    status = created.data.to[0].status if created.data.to else None
    return Accepted(created.data.id, STATUSES.get(status or "", MessageStatus.SENDING))


def _read_block(opt_out: _OptOut, senders: tuple[str, ...]) -> CarrierBlock:
    # `from` is the number that is blocked from texting and `to` the person. Should a line be the
    # other way round, our number says so.
    person = (opt_out.from_ or "") if opt_out.to in senders else opt_out.to
    try:
        recipient = read_delivered(person)
    except InvalidNumber as error:
        raise CarrierUnreachable(f"A line of Telnyx's opt-outs names nobody: {error}") from None
    word = f", by {opt_out.keyword}" if opt_out.keyword else ""
    return CarrierBlock(
        recipient=recipient,
        sender=None,
        blocked_at=read_time(opt_out.created_at),
        evidence=f"Telnyx: messaging profile {opt_out.messaging_profile_id}{word}",
    )
