"""Telnyx's webhooks: texts that came in and reports of texts that went out, on one address.

The signature comes first: nothing of an unsigned request is looked at, kept or told. It holds for
five minutes and covers the body, not the address; what the address says of our text is believed
only where the text is one to the same recipient (`actions/record_receipt.py`).
"""

from datetime import timedelta
from typing import Final

from consentry.carriers.shared.callbacks import MESSAGE_PARAMETER, read_parameter
from consentry.carriers.shared.fields import (
    decode,
    is_fresh,
    read_body,
    read_media,
    read_name,
    read_phone,
    read_sender,
    read_time,
)
from consentry.carriers.telnyx.errors import TABLE, pick_code
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
from consentry.wire.telnyx import (
    FINALIZED,
    RECEIVED,
    SENT,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    TOLERANCE_SECONDS,
    TelnyxEvent,
    TelnyxMessage,
    message_decoder,
    read_public_key,
    telnyx_signature_matches,
    webhook_decoder,
)

STATUSES: Final[dict[str, MessageStatus]] = {
    "queued": MessageStatus.SENDING,
    "scheduled": MessageStatus.SENDING,
    "sending": MessageStatus.SENDING,
    "sent": MessageStatus.SENT,
    "delivery_unconfirmed": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.READ,
    "delivery_failed": MessageStatus.UNDELIVERED,
    "expired": MessageStatus.FAILED,
    "sending_failed": MessageStatus.FAILED,
    "cancelled": MessageStatus.CANCELED,
}
_FAILURES: Final = frozenset({MessageStatus.UNDELIVERED, MessageStatus.FAILED})
_TEXTS: Final = frozenset({"", "SMS", "MMS"})
"""The types of messages that go from number to number. Others are none of ours."""


class TelnyxWebhooks:
    """Reads the webhooks of one messaging profile."""

    def __init__(self, account: CarrierAccount) -> None:
        """Verify with the public key that the account has."""
        self._account = account
        self._public_key = read_public_key(account.secret)

    def read_inbound(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Read a text that came in or a report; raises `Forged`, `Malformed`."""
        self._verify(request)
        event = decode(webhook_decoder, request.body).data
        if event.event_type not in (RECEIVED, SENT, FINALIZED):
            return ()
        message = decode(message_decoder, bytes(event.payload))
        if (message.type or "").upper() not in _TEXTS:
            return ()
        self._check_profile(message)
        if not message.to:
            raise Malformed("to: is empty")
        if event.event_type == RECEIVED:
            return (_read_text(message, event),)
        return (_read_report(message, request.url),)

    read_status = read_inbound

    def _verify(self, request: WebhookRequest) -> None:
        timestamp = request.headers.get(TIMESTAMP_HEADER, "")
        tolerance = timedelta(seconds=TOLERANCE_SECONDS)
        if self._public_key is None:
            raise Forged(
                f"The public key of carrier account {self._account.id} is not one: it must be "
                "44 characters of base64, as Telnyx shows it. Set the account up again with it"
            )
        if not is_fresh(timestamp, now=request.received_at, tolerance=tolerance):
            raise Forged(
                f"The time of the signature is missing or further than {TOLERANCE_SECONDS} seconds "
                "from this server's. If the request is real, set this server's clock"
            )
        signature = request.headers.get(SIGNATURE_HEADER, "")
        if not telnyx_signature_matches(
            self._public_key, timestamp=timestamp, body=request.body, signature=signature
        ):
            raise Forged(
                f"The signature is not that of carrier account {self._account.id}. If it is real, "
                "the account's secret must be the public key that Telnyx shows at Keys"
            )

    def _check_profile(self, message: TelnyxMessage) -> None:
        if message.messaging_profile_id not in (None, "", self._account.account):
            raise Malformed(
                "messaging_profile_id: is not the one of carrier account "
                f"{self._account.id}. Point this profile's webhook at the carrier account that it "
                "belongs to"
            )


def _read_text(message: TelnyxMessage, event: TelnyxEvent) -> InboundText:
    return InboundText(
        carrier_message_id=read_name("id", message.id),
        recipient=read_phone("from.phone_number", message.from_.phone_number),
        sender=read_sender("to.phone_number", message.to[0].phone_number),
        body=read_body(message.text),
        media=read_media(media.url for media in message.media or ()),
        sent_at=read_time(message.received_at) or read_time(event.occurred_at),
        opt_out_type=(message.autoresponse_type or "").upper() or None,
    )


def _read_report(message: TelnyxMessage, url: str) -> StatusReport:
    reached = message.to[0]
    status = STATUSES.get(reached.status or "")
    if status is None:
        raise Malformed(f"to.status: {reached.status!r} is not a status that is known")
    code = pick_code(message.errors or []) if status in _FAILURES else None
    return StatusReport(
        carrier_message_id=read_name("id", message.id),
        recipient=read_phone("to.phone_number", reached.phone_number),
        sender=read_sender("from.phone_number", message.from_.phone_number),
        status=status,
        error_code=code,
        opted_out=TABLE.is_opted_out(code),
        message=read_parameter(url, MESSAGE_PARAMETER),
    )
