"""What Twilio's webhooks say, as values: a text that came in, and a delivery report.

Sources: Twilio's "Request to your messaging webhook" and "Track the message status" pages.
Parameters appear there without notice, so unknown ones are passed over; only what a decision rests
on must be present and well formed. `parse_form`, `encode_form` and `FormError` live in
`consentry.wire.forms` and are offered here too, because a webhook's reader needs them together.
"""

from datetime import UTC, datetime
from enum import StrEnum

import msgspec

from consentry.wire.forms import Form, FormError, build_form, encode_form, parse_form

__all__ = [
    "Form",
    "FormError",
    "InboundMessage",
    "Media",
    "MessageStatus",
    "OptOutType",
    "StatusCallback",
    "build_form",
    "build_inbound_pairs",
    "build_status_pairs",
    "encode_form",
    "parse_form",
    "parse_inbound_message",
    "parse_status_callback",
]

API_VERSION = "2010-04-01"
DLR_DATE_DIGITS = 10
MEDIA_MAX = 100
_PLACES = ("City", "State", "Zip")


class OptOutType(StrEnum):
    """What Advanced Opt-Out took a text for; where it is given it is authoritative."""

    STOP = "STOP"
    START = "START"
    HELP = "HELP"


class MessageStatus(StrEnum):
    """Every status of Twilio's message resource."""

    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    PARTIALLY_DELIVERED = "partially_delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    READ = "read"
    CANCELED = "canceled"
    RECEIVING = "receiving"
    RECEIVED = "received"


class Media(msgspec.Struct, frozen=True):
    """One picture or file of a message."""

    url: str
    content_type: str


class InboundMessage(msgspec.Struct, frozen=True, gc=False):
    """A text that reached one of our numbers; numbers are as the carrier wrote them."""

    message_sid: str
    account_sid: str
    from_number: str
    to_number: str
    body: str
    messaging_service_sid: str | None = None
    num_segments: int = 1
    media: tuple[Media, ...] = ()
    opt_out_type: OptOutType | None = None
    from_country: str | None = None
    to_country: str | None = None


class StatusCallback(msgspec.Struct, frozen=True, gc=False):
    """One delivery report; the order in which reports arrive says nothing."""

    message_sid: str
    status: MessageStatus
    to_number: str
    from_number: str | None = None
    account_sid: str | None = None
    messaging_service_sid: str | None = None
    error_code: int | None = None
    error_message: str | None = None
    raw_dlr_done_at: datetime | None = None


def parse_inbound_message(form: Form) -> InboundMessage:
    """Read an inbound webhook; raises FormError where sid, account, From or To are missing.

    A missing Body is an empty one (a picture alone). An OptOutType that Twilio has not documented
    is passed over, so that the words themselves decide.
    """
    return InboundMessage(
        message_sid=_require_sid(form),
        account_sid=form.require("AccountSid"),
        from_number=form.require("From"),
        to_number=form.require("To"),
        body=form.get("Body") or "",
        messaging_service_sid=form.get("MessagingServiceSid"),
        num_segments=form.get_integer("NumSegments") or 1,
        media=_read_media(form),
        opt_out_type=_read_opt_out_type(form),
        from_country=form.get("FromCountry"),
        to_country=form.get("ToCountry"),
    )


def parse_status_callback(form: Form) -> StatusCallback:
    """Read a status callback; raises FormError where sid, status or To are missing or unknown."""
    name = "MessageStatus" if form.get("MessageStatus") else "SmsStatus"
    status = form.require(name if form.get(name) else "MessageStatus")
    try:
        known = MessageStatus(status)
    except ValueError:
        raise FormError(name, f"must be one of {', '.join(MessageStatus)}") from None
    return StatusCallback(
        message_sid=_require_sid(form),
        status=known,
        to_number=form.require("To"),
        from_number=form.get("From"),
        account_sid=form.get("AccountSid"),
        messaging_service_sid=form.get("MessagingServiceSid"),
        error_code=form.get_integer("ErrorCode"),
        error_message=form.get("ErrorMessage"),
        raw_dlr_done_at=_read_dlr_date(form.get("RawDlrDoneDate")),
    )


def build_inbound_pairs(message: InboundMessage) -> list[tuple[str, str]]:
    """Write a text as Twilio posts it, empty places included."""
    pairs = [
        ("ToCountry", message.to_country or ""),
        *((f"To{place}", "") for place in _PLACES),
        ("SmsMessageSid", message.message_sid),
        ("NumMedia", str(len(message.media))),
        *((f"From{place}", "") for place in _PLACES),
        ("SmsSid", message.message_sid),
        ("SmsStatus", MessageStatus.RECEIVED.value),
        ("FromCountry", message.from_country or ""),
        ("Body", message.body),
        ("To", message.to_number),
        ("NumSegments", str(message.num_segments)),
        ("MessageSid", message.message_sid),
        ("AccountSid", message.account_sid),
        ("From", message.from_number),
        ("ApiVersion", API_VERSION),
    ]
    for index, media in enumerate(message.media):
        pairs.append((f"MediaUrl{index}", media.url))
        pairs.append((f"MediaContentType{index}", media.content_type))
    _append_given(pairs, "MessagingServiceSid", message.messaging_service_sid)
    _append_given(pairs, "OptOutType", message.opt_out_type)
    return pairs


def build_status_pairs(callback: StatusCallback) -> list[tuple[str, str]]:
    """Write a delivery report as Twilio posts it."""
    pairs = [
        ("SmsSid", callback.message_sid),
        ("SmsStatus", callback.status.value),
        ("MessageStatus", callback.status.value),
        ("To", callback.to_number),
        ("MessageSid", callback.message_sid),
        ("ApiVersion", API_VERSION),
    ]
    _append_given(pairs, "AccountSid", callback.account_sid)
    _append_given(pairs, "From", callback.from_number)
    _append_given(pairs, "MessagingServiceSid", callback.messaging_service_sid)
    _append_given(pairs, "ErrorMessage", callback.error_message)
    if callback.error_code is not None:
        pairs.append(("ErrorCode", str(callback.error_code)))
    if callback.raw_dlr_done_at is not None:
        pairs.append(("RawDlrDoneDate", callback.raw_dlr_done_at.strftime("%y%m%d%H%M")))
    return pairs


def _append_given(pairs: list[tuple[str, str]], name: str, value: str | None) -> None:
    if value is not None:
        pairs.append((name, str(value)))


def _require_sid(form: Form) -> str:
    # The three names carry the same value; the older two are what is left on old accounts.
    return form.get("MessageSid") or form.get("SmsSid") or form.require("MessageSid")


def _read_media(form: Form) -> tuple[Media, ...]:
    count = min(form.get_integer("NumMedia") or 0, MEDIA_MAX)
    media = []
    for index in range(count):
        url = form.get(f"MediaUrl{index}")
        if url is not None:
            media.append(Media(url, form.get(f"MediaContentType{index}") or ""))
    return tuple(media)


def _read_opt_out_type(form: Form) -> OptOutType | None:
    value = form.get("OptOutType")
    if value is None:
        return None
    return OptOutType.__members__.get(value.upper())


def _read_dlr_date(value: str | None) -> datetime | None:
    """Read YYMMDDhhmm; None where the far carrier wrote something else, as some do."""
    if value is None or len(value) != DLR_DATE_DIGITS or not value.isdigit():
        return None
    try:
        return datetime.strptime(value, "%y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return None
