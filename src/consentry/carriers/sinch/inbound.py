"""Sinch's webhooks: one event in JSON, a text that came in or what became of one.

Each is signed by HMAC-SHA256 over `body.nonce.timestamp`. A report names our id
(`client_reference`) and not our number, which stands in the address that we gave for it. A report
of a text that was not sent from here may name no number of ours at all: it says nothing.

Source: developers.sinch.com, "Webhooks" of the SMS REST API and the models of its Python library
2.3, which is the oracle of the signature in the tests; checked 2026-11-30.
"""

import hmac
import logging
from base64 import b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator
from typing import Final

import msgspec

from consentry.carriers.shared.callbacks import (
    MESSAGE_PARAMETER,
    SENDER_PARAMETER,
    read_parameter,
)
from consentry.carriers.shared.fields import (
    decode,
    is_fresh,
    read_binary,
    read_body,
    read_media,
    read_msisdn,
    read_name,
    read_reference,
    read_sender,
    read_time,
)
from consentry.carriers.sinch.errors import TABLE
from consentry.domain.messages import REPEATED_FOR, MessageStatus
from consentry.ports import (
    CarrierAccount,
    CarrierEvent,
    Forged,
    InboundText,
    Malformed,
    StatusReport,
    WebhookRequest,
)

SIGNATURE_HEADER: Final = "x-sinch-webhook-signature"
NONCE_HEADER: Final = "x-sinch-webhook-signature-nonce"
TIMESTAMP_HEADER: Final = "x-sinch-webhook-signature-timestamp"
ALGORITHM_HEADER: Final = "x-sinch-webhook-signature-algorithm"
_ALGORITHM: Final = "hmacsha256"

STATUSES: Final = {
    "queued": MessageStatus.SENDING,
    "dispatched": MessageStatus.SENT,
    "unknown": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "cancelled": MessageStatus.CANCELED,
    "aborted": MessageStatus.FAILED,
    "rejected": MessageStatus.FAILED,
    "deleted": MessageStatus.UNDELIVERED,
    "failed": MessageStatus.UNDELIVERED,
    "expired": MessageStatus.UNDELIVERED,
}
_WITHOUT_ERROR: Final = (MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.DELIVERED)
_INBOUND: Final = "mo_"
_BINARY: Final = "mo_binary"
_OF_ONE: Final = "recipient_delivery_report_"
_OF_ALL: Final = "delivery_report_"


class _Event(msgspec.Struct, frozen=True):
    type: str


class _Text(msgspec.Struct, frozen=True):
    id: str
    from_number: str = msgspec.field(name="from")
    to: str
    type: str
    body: msgspec.Raw = msgspec.Raw(b"null")
    received_at: str | None = None


class _Picture(msgspec.Struct, frozen=True):
    url: str | None = None


class _Pictures(msgspec.Struct, frozen=True):
    """The body of a text with pictures; a subject stands before its words."""

    subject: str | None = None
    message: str | None = None
    media: tuple[_Picture, ...] | None = None


class _Report(msgspec.Struct, frozen=True):
    batch_id: str
    recipient: str
    status: str
    code: int | str = 0
    client_reference: str | None = None
    applied_originator: str | None = None


class _Line(msgspec.Struct, frozen=True):
    status: str
    code: int | str = 0
    recipients: tuple[str, ...] | None = None


class _BatchReport(msgspec.Struct, frozen=True):
    batch_id: str
    statuses: tuple[_Line, ...]
    client_reference: str | None = None


_log = logging.getLogger(__name__)
_event_decoder = msgspec.json.Decoder(_Event)
_text_decoder = msgspec.json.Decoder(_Text)
_body_decoder = msgspec.json.Decoder(str | _Pictures | None)
_report_decoder = msgspec.json.Decoder(_Report)
_batch_decoder = msgspec.json.Decoder(_BatchReport)


class SinchWebhooks:
    """Reads the webhooks of one service plan."""

    def __init__(self, account: CarrierAccount) -> None:
        """Verify with the secret that signs its webhooks."""
        self._account = account
        self._key = hmac.new(account.secret.encode(), digestmod="sha256")

    def read_inbound(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Read an event; raises `Forged`, `Malformed`."""
        if not self._is_signed(request):
            raise Forged(
                f"The signature is not that of carrier account {self._account.id}. If it is real, "
                "its webhooks are signed with another secret at Sinch, or not signed at all"
            )
        kind = decode(_event_decoder, request.body).type
        if kind.startswith(_INBOUND):
            text = read_text(decode(_text_decoder, request.body))
            return () if text is None else (text,)
        if kind.startswith(_OF_ONE):
            report = decode(_report_decoder, request.body)
            return tuple(_read_reports([report], request.url))
        if kind.startswith(_OF_ALL):
            batch = decode(_batch_decoder, request.body)
            return tuple(_read_reports(_take_apart(batch), request.url))
        return ()

    read_status = read_inbound

    def _is_signed(self, request: WebhookRequest) -> bool:
        headers = request.headers
        nonce, timestamp = headers.get(NONCE_HEADER, ""), headers.get(TIMESTAMP_HEADER, "")
        keyed = self._key.copy()
        keyed.update(b".".join((request.body, _bytes(nonce), _bytes(timestamp))))
        given = _bytes(headers.get(SIGNATURE_HEADER, ""))
        return (
            hmac.compare_digest(b64encode(keyed.digest()), given)
            and headers.get(ALGORITHM_HEADER, _ALGORITHM).lower() == _ALGORITHM
            and is_fresh(timestamp, now=request.received_at, tolerance=REPEATED_FOR)
        )


def _bytes(text: str) -> bytes:
    # What UTF-8 cannot hold must not match, but it must not raise either.
    return text.encode("utf-8", "surrogatepass")


def parse_text(item: msgspec.Raw) -> InboundText | None:
    """Read a text out of Sinch's own list; raises `Malformed`.

    None also where it is from nobody who can be texted: a webhook of it could not be read either.
    """
    text = decode(_text_decoder, item)
    try:
        read_msisdn("from", text.from_number)
    except Malformed:
        _log.warning("history_skipped", extra={"sender": text.to, "carrier_message_id": text.id})
        return None
    return read_text(text)


def read_text(text: _Text) -> InboundText | None:
    """Read a person's text; bytes that hold no words are taken and say nothing."""
    words, media = _read_words(text)
    if words is None:
        return None
    return InboundText(
        carrier_message_id=read_name("id", text.id),
        recipient=read_msisdn("from", text.from_number),
        sender=read_sender("to", text.to),
        body=words,
        media=media,
        sent_at=read_time(text.received_at),
    )


def _read_words(text: _Text) -> tuple[str | None, tuple[str, ...]]:
    body = decode(_body_decoder, text.body, under="body")
    if isinstance(body, _Pictures):
        parts = [part for part in (body.subject, body.message) if part]
        return read_body("\n".join(parts)), read_media(p.url for p in body.media or ())
    if text.type == _BINARY:
        return _read_data(body or ""), ()
    return read_body(body), ()


def _read_data(body: str) -> str | None:
    try:
        return read_binary(a2b_base64(body, strict_mode=True))
    except (Base64Error, ValueError):
        raise Malformed("body: must be base64") from None


def _take_apart(batch: _BatchReport) -> Iterator[_Report]:
    """Give the report of each recipient that a batch's report names."""
    for line in batch.statuses:
        for recipient in line.recipients or ():
            yield _Report(batch.batch_id, recipient, line.status, line.code, batch.client_reference)


def _read_reports(reports: Iterator[_Report] | list[_Report], url: str) -> Iterator[StatusReport]:
    for report in reports:
        sender = read_parameter(url, SENDER_PARAMETER) or report.applied_originator
        if sender is None:
            continue
        status = STATUSES.get(report.status.lower())
        if status is None:
            raise Malformed(f"status: {report.status[:40]!a} is not a status that is known here")
        code = None if status in _WITHOUT_ERROR else read_name("code", str(report.code))
        yield StatusReport(
            carrier_message_id=read_name("batch_id", report.batch_id),
            recipient=read_msisdn("recipient", report.recipient),
            sender=read_sender("sender", sender),
            status=status,
            error_code=code,
            opted_out=TABLE.is_opted_out(code),
            message=read_reference(
                report.client_reference or read_parameter(url, MESSAGE_PARAMETER)
            ),
        )
