"""Tells programs in Twilio's form: signed by their account's token, their answer read as TwiML."""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from itertools import zip_longest
from typing import Final
from urllib.parse import urljoin
from uuid import UUID

import msgspec

from consentry.actions.describe_message import describe_failure, describe_status
from consentry.actions.find_signer import Signer
from consentry.domain.messages import Message, MessageStatus
from consentry.domain.notices import ReceivedNotice, StatusNotice, told_status
from consentry.ports import StoreUnavailable, Told, Untold
from consentry.telling.posting import ANSWER_BYTES_MAX, NotTaken, Poster, Taken
from consentry.wire.signatures import twilio_signature
from consentry.wire.twilio_errors import describe_error
from consentry.wire.twilio_form import (
    InboundMessage,
    Media,
    OptOutType,
    StatusCallback,
    build_inbound_pairs,
    build_status_pairs,
    encode_form,
)
from consentry.wire.twilio_form import MessageStatus as TwilioStatus
from consentry.wire.twilio_sids import NoSid, build_message_sid
from consentry.wire.twiml import AskedText, TwimlError, parse_asked_texts
from consentry.wire.webhook_address import (
    RetryCause,
    WebhookAddress,
    WebhookAddressError,
    parse_webhook_address,
    write_request_url,
)

TEXTS_MAX: Final = 10
"""How many texts one answer may ask for."""

MEDIA_MAX: Final = 10
"""How many pictures one text may have, as at Twilio."""

_FORM: Final = "application/x-www-form-urlencoded; charset=UTF-8"
_TWIML_TYPES: Final = frozenset({"text/xml", "application/xml", "text/html"})
_DOWN: Final = frozenset({RetryCause.CONNECT, RetryCause.READ_TIMEOUT, RetryCause.SERVER_ERROR})

TextNotice = StatusNotice | ReceivedNotice

FindSigner = Callable[[str, str | None], Awaitable[Signer | None]]


class TwilioTeller:
    """Tells one notice of a text to one program."""

    def __init__(self, find_signer: FindSigner, poster: Poster) -> None:
        """Sign as whoever is found, and post by this way."""
        self._find_signer = find_signer
        self._poster = poster

    async def tell(self, notice: TextNotice) -> Told | Untold:
        """Tell it once."""
        try:
            address = parse_webhook_address(notice.callback.url)
            signer = await self._find_signer(notice.callback.account, notice.message.carrier)
            if signer is None:
                return Untold(_no_signer(notice.callback.account), RetryCause.CLIENT_ERROR)
            address = msgspec.structs.replace(address, url=write_request_url(address.url))
            pairs = build_pairs(notice, signer.account)
        except (WebhookAddressError, NoSid, UnicodeError) as error:
            return Untold(f"It cannot be told: {error}.", None)
        except StoreUnavailable as error:
            return Untold(str(error), RetryCause.CONNECT)
        return await self._post(notice, address, signer, pairs)

    async def _post(
        self,
        notice: TextNotice,
        address: WebhookAddress,
        signer: Signer,
        pairs: list[tuple[str, str]],
    ) -> Told | Untold:
        headers = {
            "Content-Type": _FORM,
            "X-Twilio-Signature": twilio_signature(signer.token, address.url, pairs),
            "I-Twilio-Idempotency-Token": idempotency_token(notice),
        }
        try:
            taken = await self._poster.post(address, headers=headers, body=encode_form(pairs))
        except NotTaken as error:
            return Untold(
                str(error), error.cause, is_server_down=error.cause in _DOWN, status=error.status
            )
        return Told() if isinstance(notice, StatusNotice) else read_answer(taken, address.url)

    async def close(self) -> None:
        """Close connections."""
        await self._poster.close()


def _no_signer(account: str) -> str:
    named = f"the account {account}" if account else "the carrier account of the text"
    return (
        f"Nobody can sign it: {named} is not set up here any more, or has no token that signs. "
        "Name one that does: `consentry sender pass-on NUMBER URL --account SID`."
    )


def idempotency_token(notice: TextNotice) -> str:
    """Name a notice by what is the same each time it is told, in Twilio's shape."""
    return str(UUID(bytes=sha256(notice.id.encode()).digest()[:16], version=4))


def build_pairs(notice: TextNotice, account: str) -> list[tuple[str, str]]:
    """Write a notice as Twilio posts it. Raises `NoSid` for an id that is no message's."""
    message = notice.message
    sid = build_message_sid(message.id, media=len(message.media))
    if isinstance(notice, ReceivedNotice):
        return build_inbound_pairs(_inbound(notice, account, sid))
    code = describe_failure(message)
    return build_status_pairs(
        StatusCallback(
            message_sid=sid,
            status=_status(message),
            to_number=message.recipient,
            from_number=message.sender,
            account_sid=account,
            messaging_service_sid=message.service,
            error_code=code,
            error_message=None if code is None else message.error_text or describe_error(code),
        )
    )


def _status(message: Message) -> TwilioStatus:
    """Write a status: what is between us and the carrier is still queued for a program."""
    if told_status(message) is MessageStatus.QUEUED:
        return TwilioStatus.QUEUED
    return describe_status(message)


def _inbound(notice: ReceivedNotice, account: str, sid: str) -> InboundMessage:
    message = notice.message
    told = notice.opt_out_type
    return InboundMessage(
        message_sid=sid,
        account_sid=account,
        from_number=message.recipient,
        to_number=message.sender,
        body=message.body,
        messaging_service_sid=message.service,
        num_segments=max(1, message.segments),
        media=tuple(
            Media(url, told_type or "")
            for url, told_type in zip_longest(message.media, notice.media_types)
            if url is not None
        ),
        opt_out_type=None if told is None else OptOutType.__members__.get(told.upper()),
    )


def read_answer(taken: Taken, url: str) -> Told:
    """Read what an answer of a URL asks to be sent: TwiML alone, and no more than a few texts.

    Twilio would send a plain text too, so that a program's "OK" reaches people; here it asks for
    nothing.
    """
    if taken.body is None:
        return Told(unread=f"The answer is longer than {ANSWER_BYTES_MAX} bytes.")
    if not taken.body.strip():
        return Told()
    if taken.media_type not in _TWIML_TYPES:
        return Told(unread=f"The answer is {taken.media_type} and not TwiML.")
    try:
        texts = parse_asked_texts(taken.body)
        asked = tuple(_complete(text, url) for text in texts[:TEXTS_MAX])
    except TwimlError as error:
        return Told(unread=f"The answer is not TwiML: {error}.")
    if len(texts) > TEXTS_MAX:
        more = f"The answer asks for {len(texts)} texts; the first {TEXTS_MAX} are taken."
        return Told(asked, unread=more)
    return Told(asked)


def _complete(text: AskedText, url: str) -> AskedText:
    """Read addresses that are relative to the answer's own; raises `TwimlError` for no address."""
    if len(text.media) > MEDIA_MAX:
        raise TwimlError(f"a message may have {MEDIA_MAX} Media, not {len(text.media)}")
    try:
        media = tuple(urljoin(url, one) for one in text.media)
        callback = None if text.callback_url is None else urljoin(url, text.callback_url)
        for address in (*media, *([] if callback is None else [callback])):
            parse_webhook_address(address)
    except ValueError as error:
        raise TwimlError(str(error)) from error
    return msgspec.structs.replace(text, media=media, callback_url=callback)
