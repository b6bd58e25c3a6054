"""Sending by Sinch's SMS REST API, finding a text in its list, and reading what people wrote.

A text is a batch of one. It carries our id as its `client_reference`, by which Sinch's list finds
it again, so there is no doubt whose it is.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

import msgspec

from consentry.carriers.shared.answers import call_unclear, read_answer
from consentry.carriers.shared.callbacks import address_of, status_address
from consentry.carriers.shared.handing_over import HTTPRequest, hand_over, sort_answer
from consentry.carriers.shared.way_out import Answer, WayOut
from consentry.carriers.sinch.authorization import Authorization
from consentry.carriers.sinch.errors import NO_TOKEN, TABLE, TOO_MANY_MEDIA, read_refusal
from consentry.carriers.sinch.inbound import parse_text
from consentry.carriers.sinch.questions import Questions
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    CarrierAccount,
    CarrierUnreachable,
    Fence,
    InboundText,
    Malformed,
    OutboundText,
    Submission,
)

PAGE_SIZE: Final = 100
PAGES_MAX: Final = 1000
CLOCK_SKEW_MAX: Final = timedelta(hours=26)
"""How far our clock may have been from the carrier's (see the search in Twilio's list)."""
_UNAUTHORIZED: Final = 401


class _Batch(msgspec.Struct, frozen=True):
    id: str
    client_reference: str | None = None
    canceled: bool | None = None


class _Batches(msgspec.Struct, frozen=True):
    batches: tuple[_Batch, ...] = ()


class _Inbounds(msgspec.Struct, frozen=True):
    inbounds: tuple[msgspec.Raw, ...] = ()


_batch_decoder = msgspec.json.Decoder(_Batch)
_batches_decoder = msgspec.json.Decoder(_Batches)
_inbounds_decoder = msgspec.json.Decoder(_Inbounds)


class SinchREST:
    """The batches and inbound texts of one service plan, or of a project."""

    def __init__(
        self,
        account: CarrierAccount,
        *,
        callback_base: str,
        authorization: Authorization,
        way_out: WayOut,
    ) -> None:
        """Send and ask under this authorization."""
        base = account.base_url.rstrip("/")
        self._plan = f"{base}/xms/v1/{quote(account.account, safe='')}"
        self._callback = status_address(callback_base, account.id)
        self._authorization = authorization
        self._questions = Questions(authorization, way_out)
        self._way_out = way_out

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Hand one text over, once; one with several pictures is refused here."""
        if len(text.media) > 1:
            return TABLE.refuse(TOO_MANY_MEDIA)
        try:
            headers = await self._authorization.write_headers()
        except CarrierUnreachable as error:
            # Nothing has been sent yet: without a token there is no request.
            return TABLE.refuse(NO_TOKEN, str(error))
        headers = {**headers, "Content-Type": "application/json"}
        body = msgspec.json.encode(self._write(text))
        request = HTTPRequest(f"{self._plan}/batches", headers, body)
        return await hand_over(self._way_out, request, fence, self._read_submission)

    def _read_submission(self, answer: Answer) -> Submission:
        if answer.status == _UNAUTHORIZED:
            self._authorization.forget()
        return sort_answer(answer, taken=_read_created, refused=read_refusal)

    def _write(self, text: OutboundText) -> dict[str, object]:
        body: object = text.body
        if text.media:
            body = {"url": text.media[0]} | ({"message": text.body} if text.body else {})
        return {
            "type": "mt_media" if text.media else "mt_text",
            "from": text.sender,
            "to": [text.recipient],
            "body": body,
            "delivery_report": "per_recipient",
            "callback_url": address_of(text, self._callback),
            "client_reference": text.message,
        }

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Look for the batch with our id; raises `CarrierUnreachable`.

        So it does where there is a page full of others: then the list was not asked by our id, and
        does not show that the text is missing.
        """
        wanted = {
            "client_reference": text.message,
            "start_date": _write_time(since - CLOCK_SKEW_MAX),
            "page_size": str(PAGE_SIZE),
        }
        page = await self._questions.ask(f"{self._plan}/batches", wanted, _batches_decoder)
        for batch in page.batches:
            if batch.client_reference == text.message and batch.id not in known:
                canceled = MessageStatus.CANCELED
                return Accepted(batch.id, canceled if batch.canceled else MessageStatus.SENDING)
        if len(page.batches) >= PAGE_SIZE:
            raise CarrierUnreachable(
                "The carrier's list has not only what was asked for, so it does not show whether "
                "the text went out. Look for it at Sinch."
            )
        return None

    async def probe(self) -> None:
        """Ask for one batch of those that there are; raises `CarrierUnreachable`."""
        await self._questions.ask(f"{self._plan}/batches", {"page_size": "1"}, _batches_decoder)

    async def close(self) -> None:
        """Close connections."""
        await self._way_out.close()

    async def replay(self, sender: str, *, since: datetime) -> AsyncIterator[InboundText]:
        """Read what came to a sender since then; raises `CarrierUnreachable`."""
        wanted = {"to": sender, "start_date": _write_time(since), "page_size": str(PAGE_SIZE)}
        address = f"{self._plan}/inbounds"
        for number in range(PAGES_MAX):
            numbered = {**wanted, "page": str(number)}
            page = await self._questions.ask(address, numbered, _inbounds_decoder)
            for item in page.inbounds:
                text = _parse_listed(item)
                if text is not None:
                    yield text
            if len(page.inbounds) < PAGE_SIZE:
                return
        raise CarrierUnreachable(f"The carrier's list did not end after {PAGES_MAX} pages.")


def _write_time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _parse_listed(item: msgspec.Raw) -> InboundText | None:
    try:
        return parse_text(item)
    except Malformed as error:
        raise CarrierUnreachable(f"The carrier's list cannot be read: {error}") from error


def _read_created(answer: Answer) -> Submission:
    created = read_answer(_batch_decoder, answer)
    if created is None or not created.id:
        return call_unclear(answer)
    return Accepted(created.id, MessageStatus.SENDING)
