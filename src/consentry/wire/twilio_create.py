"""A request to send: Twilio's create-message form, read and written.

Source: Twilio's OpenAPI description of the API 2010-04-01. Parameters that decide nothing here are
kept as they came, so that a door in front of the carrier can pass them through.
"""

from datetime import UTC, datetime

import msgspec

from consentry.wire.forms import Form
from consentry.wire.twilio_errors import refuse

BODY_CHARACTERS_MAX = 1600
MEDIA_MAX = 10
_OWN_FIELDS = frozenset(
    {
        "To", "From", "MessagingServiceSid", "Body", "MediaUrl", "ContentSid", "StatusCallback",
        "ScheduleType", "SendAt",
    }
)  # fmt: skip


class CreateMessage(msgspec.Struct, frozen=True):
    """What to send, to whom, from what; `send_at` is aware UTC where it is scheduled."""

    to_number: str
    from_number: str | None = None
    messaging_service_sid: str | None = None
    body: str = ""
    media_urls: tuple[str, ...] = ()
    content_sid: str | None = None
    status_callback: str | None = None
    send_at: datetime | None = None
    other: tuple[tuple[str, str], ...] = ()


def parse_create_message(form: Form) -> CreateMessage:
    """Read a create form; raises TwilioRefusedError with the code Twilio would answer.

    Whether numbers exist, may be used or have opted out is not asked here.
    """
    to_number = form.get("To")
    if to_number is None:
        raise refuse(21604)
    from_number, service = form.get("From"), form.get("MessagingServiceSid")
    if from_number is None and service is None:
        raise refuse(21603)
    return CreateMessage(
        to_number=to_number,
        from_number=from_number,
        messaging_service_sid=service,
        body=_read_body(form),
        media_urls=_read_media_urls(form),
        content_sid=form.get("ContentSid"),
        status_callback=_read_status_callback(form),
        send_at=_read_send_at(form),
        other=tuple(pair for pair in form.pairs if pair[0] not in _OWN_FIELDS),
    )


def build_create_pairs(message: CreateMessage) -> list[tuple[str, str]]:
    """Write the form of a request to send."""
    given = (
        ("To", message.to_number),
        ("From", message.from_number),
        ("MessagingServiceSid", message.messaging_service_sid),
        ("Body", message.body or None),
        ("ContentSid", message.content_sid),
        ("StatusCallback", message.status_callback),
    )
    pairs = [(name, value) for name, value in given if value is not None]
    pairs += [("MediaUrl", url) for url in message.media_urls]
    if message.send_at is not None:
        # Not strftime: it writes the years before 1000 with fewer than four digits.
        send_at = f"{message.send_at.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"
        pairs += [("ScheduleType", "fixed"), ("SendAt", send_at)]
    return [*pairs, *message.other]


def _read_body(form: Form) -> str:
    body = form.get("Body") or ""
    if not (body or form.get("MediaUrl") or form.get("ContentSid")):
        raise refuse(21602)
    if len(body) > BODY_CHARACTERS_MAX:
        raise refuse(21617)
    return body


def _read_media_urls(form: Form) -> tuple[str, ...]:
    urls = tuple(url for url in form.get_all("MediaUrl") if url)
    if len(urls) > MEDIA_MAX:
        raise refuse(21623)
    for url in urls:
        if not _is_http_url(url):
            raise refuse(21620, url)
    return urls


def _read_status_callback(form: Form) -> str | None:
    url = form.get("StatusCallback")
    if url is not None and not _is_http_url(url):
        raise refuse(21609, url)
    return url


def _read_send_at(form: Form) -> datetime | None:
    kind, text = form.get("ScheduleType"), form.get("SendAt")
    if kind is None and text is None:
        return None
    if kind is None:
        raise refuse(35112)
    if kind != "fixed":
        raise refuse(35126, kind)
    if text is None:
        raise refuse(35111)
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise refuse(35115, text) from None


def _is_http_url(url: str) -> bool:
    scheme, separator, rest = url.partition("://")
    return bool(separator) and scheme.lower() in {"http", "https"} and rest[:1] not in {"", "/"}
