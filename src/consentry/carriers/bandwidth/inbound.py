"""Bandwidth's webhooks: an array of events, each a text that came in or what became of one.

Bandwidth signs nothing: it names itself by the user and password that were set for the callback
address, so the address must be HTTPS. Texts and reports come to one address or to two; both are
read in the same way. A sent text carries our id as its `tag`, which the reports echo.

Source: dev.bandwidth.com, "Webhooks" and the models of its Python library 23.3; checked
2026-11-30.
"""

import hmac
import logging
from typing import Final

import msgspec

from consentry.carriers.bandwidth.errors import TABLE
from consentry.carriers.shared.fields import (
    decode,
    read_body,
    read_media,
    read_name,
    read_phone,
    read_reference,
    read_sender,
    read_time,
)
from consentry.carriers.shared.way_out import basic_authorization
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    CarrierAccount,
    CarrierEvent,
    Forged,
    InboundText,
    Malformed,
    StatusReport,
    WebhookRequest,
)

RECEIVED: Final = "message-received"
_FAILED: Final = "message-failed"
_NO_RECEIPT: Final = "9902"
# The carrier took these and the network did not: 47xx, 56xx and the two of unclear cause.
_BY_THE_NETWORK: Final = ("47", "56", "99")

STATUSES: Final = {
    "message-sending": MessageStatus.SENDING,
    "message-sent": MessageStatus.SENT,
    "message-delivered": MessageStatus.DELIVERED,
    "message-read": MessageStatus.READ,
    _FAILED: MessageStatus.FAILED,
}


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    """What all events have; `message` is read when it is known to be one."""

    type: str
    to: str | None = None
    error_code: int | str | None = None
    message: msgspec.Raw = msgspec.Raw(b"{}")


class _Message(msgspec.Struct, frozen=True):
    id: str
    from_number: str = msgspec.field(name="from")
    owner: str | None = None
    text: str | None = None
    media: tuple[str | None, ...] | None = None
    tag: str | None = None
    time: str | None = None


_log = logging.getLogger(__name__)
_events_decoder = msgspec.json.Decoder(tuple[msgspec.Raw, ...])
_event_decoder = msgspec.json.Decoder(_Event)
_message_decoder = msgspec.json.Decoder(_Message)


class BandwidthWebhooks:
    """Reads the webhooks of one account."""

    def __init__(self, account: CarrierAccount) -> None:
        """Expect the callback user and password of the account."""
        self._account = account
        expected = basic_authorization(account.more.get("callback_user", ""), account.secret)
        self._expected = expected.encode()

    def read_inbound(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Read events; raises `Forged`, `Malformed`."""
        given = request.headers.get("authorization", "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(given, self._expected):
            raise Forged(
                f"The user and password are not those of carrier account {self._account.id}. Set "
                "them for the callback at Bandwidth's application as they are set here"
            )
        return self._read_events(decode(_events_decoder, request.body))

    read_status = read_inbound

    def _read_events(self, posted: tuple[msgspec.Raw, ...]) -> tuple[CarrierEvent, ...]:
        """Read all that can be read: a text must not be lost for what stands beside it."""
        events: list[CarrierEvent] = []
        errors: list[Malformed] = []
        for number, written in enumerate(posted):
            try:
                read = _read_event(decode(_event_decoder, written))
            except Malformed as error:
                errors.append(Malformed(f"[{number}].{error}"))
                continue
            if read is not None:
                events.append(read)
        if errors and not events:
            raise errors[0]
        for left in errors:
            told = {"carrier": self._account.id, "why": str(left)}
            _log.error("webhook_event_unreadable", extra=told)
        return tuple(events)


def _read_event(event: _Event) -> CarrierEvent | None:
    """Read one event; None where it is of a kind that says nothing about texts."""
    status = STATUSES.get(event.type)
    if event.type != RECEIVED and status is None:
        return None
    message = decode(_message_decoder, event.message, under="message")
    return _read_text(event, message) if status is None else _read_report(event, message, status)


def _read_text(event: _Event, message: _Message) -> InboundText:
    return InboundText(
        carrier_message_id=read_name("message.id", message.id),
        recipient=read_phone("message.from", message.from_number),
        sender=read_sender("to", event.to or message.owner or ""),
        body=read_body(message.text),
        media=read_media(message.media),
        sent_at=read_time(message.time),
    )


def _read_report(event: _Event, message: _Message, status: MessageStatus) -> StatusReport:
    code = None if event.error_code is None else read_name("errorCode", str(event.error_code))
    return StatusReport(
        carrier_message_id=read_name("message.id", message.id),
        recipient=read_phone("to", event.to or ""),
        sender=read_sender("message.from", message.from_number),
        status=_refine(status, code),
        error_code=code,
        opted_out=TABLE.is_opted_out(code),
        message=read_reference(message.tag),
    )


def _refine(status: MessageStatus, code: str | None) -> MessageStatus:
    """Say how far a failed text came; without a receipt it may well have arrived."""
    if status is not MessageStatus.FAILED or code is None:
        return status
    if code == _NO_RECEIPT:
        return MessageStatus.SENT
    return MessageStatus.UNDELIVERED if code.startswith(_BY_THE_NETWORK) else status
