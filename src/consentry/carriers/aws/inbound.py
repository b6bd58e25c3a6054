"""What AWS End User Messaging publishes to its SNS topic, and SNS posts to us.

Texts and events come in the same envelope, so both addresses read both. Whoever has an account
with AWS can have SNS sign what it likes and post it here: only our own topics count. Raw delivery
has no signature at all, so it is refused.

Source: AWS's user guide, "Example of a two-way SMS message payload", "SMS example log" and "Event
types"; the service model pinpoint-sms-voice-v2 in botocore 1.44. Checked 2026-11-30.
"""

import logging
from typing import Final

import msgspec

from consentry.carriers.aws.certificates import KNOWN, Certificates, SNSClient
from consentry.carriers.shared.fields import (
    decode,
    read_body,
    read_name,
    read_phone,
    read_reference,
    read_sender,
)
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    CarrierAccount,
    CarrierEvent,
    Forged,
    Handshake,
    InboundText,
    KeyMissing,
    Malformed,
    StatusReport,
    WebhookRequest,
)
from consentry.wire.sns import (
    NOTIFICATION,
    SUBSCRIPTION_CONFIRMATION,
    UNSUBSCRIBE_CONFIRMATION,
    Envelope,
    SNSError,
    envelope_matches,
    is_certificate_address,
    is_subscribe_address,
    parse_envelope,
    read_timestamp,
)

MESSAGE_KEY: Final = "message"
SENDER_KEY: Final = "sender"
"""Under these names our own go into the context of a sent text, which its events echo."""
OPT_IN: Final = "OPT_IN"
"""What a keyword is called that the account has set up to opt in."""

_FAILURES: Final = {
    "INVALID": MessageStatus.FAILED,
    "INVALID_MESSAGE": MessageStatus.FAILED,
    "UNREACHABLE": MessageStatus.UNDELIVERED,
    "CARRIER_UNREACHABLE": MessageStatus.UNDELIVERED,
    "BLOCKED": MessageStatus.UNDELIVERED,
    "CARRIER_BLOCKED": MessageStatus.UNDELIVERED,
    "SPAM": MessageStatus.UNDELIVERED,
    "TTL_EXPIRED": MessageStatus.UNDELIVERED,
    "PROTECT_BLOCKED": MessageStatus.FAILED,
    "FAILED": MessageStatus.FAILED,
    "FILE_INACCESSIBLE": MessageStatus.FAILED,
    "FILE_TYPE_UNSUPPORTED": MessageStatus.FAILED,
    "FILE_SIZE_EXCEEDED": MessageStatus.FAILED,
}
# A network has taken what was "successful"; of what is "unknown" nobody told within three days.
_COURSE: Final = {
    "PENDING": MessageStatus.SENDING,
    "QUEUED": MessageStatus.SENDING,
    "FALLEN_BACK_TO_SMS": MessageStatus.SENDING,
    "SENT": MessageStatus.SENT,
    "SUCCESSFUL": MessageStatus.SENT,
    "UNKNOWN": MessageStatus.SENT,
    "DELIVERED": MessageStatus.DELIVERED,
    "READ": MessageStatus.READ,
}
STATUSES: Final = _COURSE | _FAILURES
"""By the event's type without its channel: TEXT_DELIVERED is DELIVERED."""
_CHANNELS: Final = frozenset({"TEXT", "MEDIA", "RCS"})

_log = logging.getLogger(__name__)


class _Text(msgspec.Struct, frozen=True, rename="camel"):
    origination_number: str
    destination_number: str
    inbound_message_id: str
    message_body: str | None = None
    message_keyword: str | None = None


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    message_id: str
    destination_phone_number: str
    origination_phone_number: str | None = None
    context: dict[str, str | None] | None = None


class _Kind(msgspec.Struct, frozen=True, rename="camel"):
    """Tells a text from an event: each has what the other has not."""

    event_type: str | None = None
    inbound_message_id: str | None = None
    origination_number: str | None = None


_text_decoder = msgspec.json.Decoder(_Text)
_event_decoder = msgspec.json.Decoder(_Event)
_kind_decoder = msgspec.json.Decoder(_Kind)


class AWSWebhooks:
    """Reads what SNS posts for one account."""

    def __init__(
        self, account: CarrierAccount, client: SNSClient, certificates: Certificates = KNOWN
    ) -> None:
        """Believe the account's topics, by these certificates; `client` fetches what is missing."""
        self._account_id = account.id
        self._topics = {account.account, account.more.get("event_topic") or account.account}
        self._own_base = account.more.get("sns_base_url")
        keywords = account.more.get("opt_in_keywords", "").upper().split(",")
        self._opt_in = frozenset(keyword.strip() for keyword in keywords)
        self._client = client
        self._certificates = certificates

    def read_inbound(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Read what SNS posts; raises `Forged`, `Malformed`, `KeyMissing`."""
        envelope = self._open(request)
        if envelope.type == NOTIFICATION:
            return self._read_message(envelope)
        if envelope.type == SUBSCRIPTION_CONFIRMATION:
            return (self._read_handshake(envelope),)
        if envelope.type == UNSUBSCRIBE_CONFIRMATION:
            _log.error("sns_unsubscribed", extra={"carrier": self._account_id})
            return ()
        raise Malformed(f"Type: {envelope.type[:100]!a} is none that SNS is known to post")

    read_status = read_inbound

    def _open(self, request: WebhookRequest) -> Envelope:
        """Believe only what is signed for one of our topics by a certificate of SNS."""
        try:
            envelope = parse_envelope(request.body)
        except SNSError as error:
            raise self._refuse(
                f"It is {error}. If it is real, turn raw message delivery off at the subscription: "
                "what is delivered raw is not signed"
            ) from None
        url = envelope.signing_cert_url
        if envelope.topic_arn not in self._topics:
            raise self._refuse("It is for another topic")
        if not is_certificate_address(url, self._own_base):
            raise self._refuse("The certificate is not at an address of SNS")
        certificate = self._certificates.find(url)
        if certificate is None:
            raise KeyMissing(lambda: self._client.fetch(url, request.received_at))
        if not certificate.is_valid_at(request.received_at):
            raise self._refuse("The certificate that signed it is not valid now")
        if not envelope_matches(envelope, certificate):
            raise self._refuse("The signature is not that of SNS")
        return envelope

    def _refuse(self, why: str) -> Forged:
        return Forged(f"{why} (carrier account {self._account_id})")

    def _read_handshake(self, envelope: Envelope) -> Handshake:
        url = envelope.subscribe_url or ""
        if not is_subscribe_address(url, envelope.topic_arn, self._own_base):
            raise Malformed(
                "SubscribeURL: is not where SNS has a subscription to this topic confirmed"
            )
        return Handshake(url)

    def _read_message(self, envelope: Envelope) -> tuple[CarrierEvent, ...]:
        """Read what was published; nothing where it is of a kind that says nothing about texts."""
        message = envelope.message.encode("utf-8", "surrogatepass")
        try:
            kind = decode(_kind_decoder, message)
            if kind.inbound_message_id or kind.origination_number:
                return (self._read_text(decode(_text_decoder, message), envelope),)
            status = _read_status(kind.event_type)
            if status is None:
                return ()
            return (_read_report(decode(_event_decoder, message), status, kind.event_type),)
        except Malformed as error:
            raise Malformed(f"Message.{error}") from None

    def _read_text(self, text: _Text, envelope: Envelope) -> InboundText:
        return InboundText(
            carrier_message_id=read_name("inboundMessageId", text.inbound_message_id),
            recipient=read_phone("originationNumber", text.origination_number),
            sender=read_sender("destinationNumber", text.destination_number),
            body=read_body(text.message_body),
            sent_at=read_timestamp(envelope.timestamp),
            opt_out_type=self._name_keyword(text.message_keyword),
        )

    def _name_keyword(self, keyword: str | None) -> str | None:
        """Say by which of the number's keywords AWS took it, where it says so."""
        name = read_reference(keyword)
        if name is None:
            return None
        return OPT_IN if name.upper() in self._opt_in else name.upper()


def _read_status(event_type: str | None) -> MessageStatus | None:
    channel, _, what = (event_type or "").partition("_")
    return STATUSES.get(what) if channel in _CHANNELS else None


def _read_report(event: _Event, status: MessageStatus, event_type: str | None) -> StatusReport:
    ours = event.context or {}
    has_failed = status in (MessageStatus.FAILED, MessageStatus.UNDELIVERED)
    sender = read_reference(ours.get(SENDER_KEY)) or event.origination_phone_number or ""
    return StatusReport(
        carrier_message_id=read_name("messageId", event.message_id),
        recipient=read_phone("destinationPhoneNumber", event.destination_phone_number),
        sender=read_sender("originationPhoneNumber", sender),
        status=status,
        error_code=event_type if has_failed else None,
        message=read_reference(ours.get(MESSAGE_KEY)),
    )
