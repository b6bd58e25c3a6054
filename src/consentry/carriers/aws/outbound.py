"""Sending by the API of AWS End User Messaging, version 2, signed by Signature Version 4.

There is no list in which a text could be looked for: what got no answer is known by its events
alone, which echo our id. The probe is the question for the opt-out list, so that an access key
needs no right but to send and to read that list.
"""

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from consentry.carriers.aws.certificates import SNSClient
from consentry.carriers.aws.errors import TABLE, read_refusal
from consentry.carriers.aws.inbound import MESSAGE_KEY, SENDER_KEY
from consentry.carriers.shared.answers import call_unclear, read_answer
from consentry.carriers.shared.handing_over import HTTPRequest, hand_over, sort_answer
from consentry.carriers.shared.way_out import Answer, WayOut
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    CarrierAccount,
    CarrierUnreachable,
    Clock,
    Fence,
    NoList,
    OutboundText,
    Submission,
)
from consentry.wire.sigv4 import SigningKey, sign_request

SERVICE: Final = "sms-voice"
TARGET: Final = "PinpointSMSVoiceV2"
_CONTENT_TYPE: Final = "application/x-amz-json-1.0"
_HOST: Final = re.compile(r"sms-voice\.([a-z0-9-]+)\.(amazonaws\.com|amazonaws\.com\.cn|api\.aws)")
_S3: Final = re.compile(r"https://([a-z0-9.-]{3,63})\.s3[.-][a-z0-9.-]*amazonaws\.com/([^?#]+)")
_THROTTLED: Final = "ThrottlingException"
_TRIES: Final = 5


class _Sent(msgspec.Struct, frozen=True, rename="pascal"):
    message_id: str = ""


_sent_decoder = msgspec.json.Decoder(_Sent)


class AWSRequests:
    """What is asked of one account."""

    def __init__(
        self,
        account: CarrierAccount,
        *,
        way_out: WayOut,
        sns: SNSClient,
        clock: Clock,
        wait_seconds: float = 1.0,
    ) -> None:
        """Sign by the account's access key; `wait_seconds` passes before what was throttled.

        `sns` is only closed with it.
        """
        self._url = f"{account.base_url.rstrip('/')}/"
        self._key = SigningKey(
            account.key_id or "", account.key_secret or "", read_region(account), SERVICE
        )
        self._configuration_set = account.more.get("configuration_set")
        self.opt_out_list = account.more.get("opt_out_list") or "Default"
        self._way_out = way_out
        self._sns = sns
        self._clock = clock
        self._wait_seconds = wait_seconds

    async def submit(self, text: OutboundText, fence: Fence) -> Submission:
        """Hand one text over, once."""
        operation, written = "SendTextMessage", self._write(text)
        if text.media:
            pictures = read_s3_uris(text.media)
            if pictures is None:
                return TABLE.refuse("MEDIA_NOT_IN_S3")
            operation, written = "SendMediaMessage", written | {"MediaUrls": pictures}
        request = self._sign(operation, written)
        return await hand_over(self._way_out, request, fence, read_submission)

    async def find(
        self, text: OutboundText, *, since: datetime, known: frozenset[str] = frozenset()
    ) -> Accepted | None:
        """Raise `NoList`: AWS keeps no list of texts."""
        del text, since, known
        raise NoList("AWS has no list of sent texts: only an event can tell what became of one.")

    async def probe(self) -> None:
        """Ask for one line of the opt-out list; raises `CarrierUnreachable`."""
        await self.ask_for_list(None, 1)

    async def close(self) -> None:
        """Close connections."""
        await self._way_out.close()
        await self._sns.close()

    async def ask_for_list(self, token: str | None, limit: int) -> Answer:
        """Ask for a page of the opt-out list; raises `CarrierUnreachable` where it is refused."""
        asked: dict[str, object] = {"OptOutListName": self.opt_out_list, "MaxResults": limit}
        if token is not None:
            asked["NextToken"] = token
        return await self._ask("DescribeOptedOutNumbers", asked)

    async def _ask(self, operation: str, asked: Mapping[str, object]) -> Answer:
        refusal = TABLE.refuse(_THROTTLED)
        for attempt in range(_TRIES):
            request = self._sign(operation, asked)
            answer = await self._way_out.ask(
                request.url, headers=request.headers, body=request.body
            )
            if answer.status == 200:
                return answer
            refusal = read_refusal(answer)
            if refusal.code != _THROTTLED:
                break
            await asyncio.sleep(self._wait_seconds * (attempt + 1))
        raise CarrierUnreachable(refusal.text)

    def _sign(self, operation: str, asked: Mapping[str, object]) -> HTTPRequest:
        body = msgspec.json.encode(asked)
        headers = {"Content-Type": _CONTENT_TYPE, "X-Amz-Target": f"{TARGET}.{operation}"}
        signed = sign_request(
            self._key, "POST", self._url, headers=headers, body=body, at=self._clock.now()
        )
        return HTTPRequest(self._url, signed, body)

    def _write(self, text: OutboundText) -> dict[str, object]:
        written: dict[str, object] = {
            "DestinationPhoneNumber": text.recipient,
            "OriginationIdentity": text.sender,
            "Context": {MESSAGE_KEY: text.message, SENDER_KEY: text.sender},
        }
        if text.body:
            written["MessageBody"] = text.body
        if self._configuration_set:
            written["ConfigurationSetName"] = self._configuration_set
        return written


def read_region(account: CarrierAccount) -> str:
    """Read the region: from the API's address, else from the topic's ARN."""
    host = _HOST.fullmatch(urlsplit(account.base_url).netloc)
    if host is not None:
        return host.group(1)
    parts = account.account.split(":")
    return parts[3] if len(parts) > 3 else ""


def read_s3_uris(media: tuple[str, ...]) -> list[str] | None:
    """Name the one picture as AWS wants it; None where there are more, or it is not in S3."""
    if len(media) != 1:
        return None
    found = _S3.fullmatch(media[0])
    return None if found is None else [f"s3://{found.group(1)}/{found.group(2)}"]


def read_submission(answer: Answer) -> Submission:
    """Read the answer to a request to send."""
    return sort_answer(answer, taken=_read_sent, refused=read_refusal)


def _read_sent(answer: Answer) -> Submission:
    sent = read_answer(_sent_decoder, answer)
    if sent is None or not sent.message_id:
        return call_unclear(answer)
    return Accepted(sent.message_id, MessageStatus.SENDING)
