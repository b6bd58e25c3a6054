"""Sending by Vonage's SMS API. It has no list of texts to look in.

The answer comes with HTTP 200 whatever became of the text, and has a line for each part of it. If
one part was taken, the text is out and must not be sent again, whatever the other lines say; what
became of each part, the receipts tell. All of them name our id (`client-ref`).
"""

from datetime import datetime
from typing import Final

import msgspec

from consentry.carriers.shared.answers import call_unclear, read_answer, require_good
from consentry.carriers.shared.callbacks import status_address
from consentry.carriers.shared.handing_over import HTTPRequest, hand_over, sort_answer
from consentry.carriers.shared.way_out import Answer, WayOut, basic_authorization
from consentry.carriers.vonage.errors import ANSWERS, NO_MEDIA, read_refusal
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    CarrierAccount,
    Fence,
    NoList,
    OutboundText,
    Submission,
)
from consentry.wire.forms import encode_form
from consentry.wire.gsm7 import Encoding, count_segments

CALLBACK_LENGTH_MAX: Final = 100
"""A longer address for receipts is refused; then the one that is set at Vonage must do."""
_TAKEN: Final = "0"
_INTERNAL_ERROR: Final = "5"


class _Part(msgspec.Struct, frozen=True, rename="kebab"):
    status: str = ""
    message_id: str = ""
    error_text: str = ""


class _Parts(msgspec.Struct, frozen=True):
    messages: tuple[_Part, ...]


_decoder = msgspec.json.Decoder(_Parts)


class VonageREST:
    """The SMS API of one account."""

    def __init__(self, account: CarrierAccount, *, callback_base: str, way_out: WayOut) -> None:
        """Authenticate by the account's API key and secret."""
        self._base = account.base_url.rstrip("/")
        address = status_address(callback_base, account.id)
        self._callback = address if len(address) <= CALLBACK_LENGTH_MAX else None
        authorization = basic_authorization(account.account, account.key_secret or "")
        self._authorization = {"Authorization": authorization}
        self._way_out = way_out

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Hand one text over, once; one with pictures is refused here."""
        if text.media:
            return ANSWERS.refuse(NO_MEDIA)
        headers = {**self._authorization, "Content-Type": "application/x-www-form-urlencoded"}
        body = encode_form(self._write(text).items())
        request = HTTPRequest(f"{self._base}/sms/json", headers, body)
        return await hand_over(self._way_out, request, fence, read_submission)

    def _write(self, text: OutboundText) -> dict[str, str]:
        plain = count_segments(text.body).encoding is Encoding.GSM7
        written = {
            "from": text.sender.removeprefix("+"),
            "to": text.recipient.removeprefix("+"),
            "text": text.body,
            "type": "text" if plain else "unicode",
            "client-ref": text.message,
        }
        return written | ({} if self._callback is None else {"callback": self._callback})

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """There is nothing to look in; raises `NoList`."""
        del text, since, known
        raise NoList("Vonage's SMS API has no list of texts.")

    async def probe(self) -> None:
        """Ask for the account's balance; raises `CarrierUnreachable`."""
        url = f"{self._base}/account/get-balance"
        answer = await self._way_out.ask(url, headers=self._authorization)
        require_good(answer, read_refusal)

    async def close(self) -> None:
        """Close connections."""
        await self._way_out.close()


def read_submission(answer: Answer) -> Submission:
    """Read the answer to a request to send."""
    return sort_answer(answer, taken=_read_parts, refused=read_refusal)


def _read_parts(answer: Answer) -> Submission:
    parts = (read_answer(_decoder, answer) or _Parts(())).messages
    taken = [part.message_id for part in parts if part.status == _TAKEN and part.message_id]
    if taken:
        return Accepted(taken[0], MessageStatus.SENDING)
    said = [part for part in parts if part.status not in ("", _TAKEN, _INTERNAL_ERROR)]
    if not said or len(said) < len(parts):
        return call_unclear(answer)
    return ANSWERS.refuse(
        f"status_{said[0].status}",
        said[0].error_text,
        retry_after_seconds=answer.retry_after_seconds,
    )
