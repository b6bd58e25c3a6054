"""Twilio's webhooks: a text that came in, and a delivery report.

The signature comes first: nothing of an unsigned request is looked at, kept or told. After it,
whatever cannot be read is `Malformed` with the reason, because the carrier itself has sent it and
somebody must mend it. So is a request of another account that signs with the same token: it is
not forged, its number is configured to come to the wrong account here.
"""

from typing import Final
from urllib.parse import parse_qs, parse_qsl, urlsplit

import msgspec

from consentry.carriers.twilio.errors import TABLE
from consentry.domain.messages import MessageStatus
from consentry.domain.phone import InvalidNumber, read_delivered
from consentry.ports import (
    CarrierAccount,
    Forged,
    InboundText,
    Malformed,
    StatusReport,
    WebhookRequest,
)
from consentry.wire.signatures import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    twilio_json_signature_matches,
    twilio_signature_matches,
)
from consentry.wire.twilio_form import (
    Form,
    FormError,
    build_form,
    parse_form,
    parse_inbound_message,
    parse_status_callback,
)
from consentry.wire.twilio_form import MessageStatus as TwilioStatus

TOKEN_HEADER: Final = "i-twilio-idempotency-token"  # noqa: S105 - the name of a header
MESSAGE_PARAMETER: Final = "message"
SENDER_PARAMETER: Final = "sender"
_FIELDS_MAX: Final = 1000
_SIGNATURE: Final = SIGNATURE_HEADER.lower()
_SIGNATURE_SETTINGS: Final = SIGNATURE_SETTINGS_HEADER.lower()

STATUSES: Final[dict[TwilioStatus, MessageStatus]] = {
    TwilioStatus.ACCEPTED: MessageStatus.SENDING,
    TwilioStatus.SCHEDULED: MessageStatus.SENDING,
    TwilioStatus.QUEUED: MessageStatus.SENDING,
    TwilioStatus.SENDING: MessageStatus.SENDING,
    TwilioStatus.SENT: MessageStatus.SENT,
    TwilioStatus.PARTIALLY_DELIVERED: MessageStatus.SENT,
    TwilioStatus.DELIVERED: MessageStatus.DELIVERED,
    TwilioStatus.READ: MessageStatus.READ,
    TwilioStatus.UNDELIVERED: MessageStatus.UNDELIVERED,
    TwilioStatus.FAILED: MessageStatus.FAILED,
    TwilioStatus.CANCELED: MessageStatus.CANCELED,
    TwilioStatus.RECEIVING: MessageStatus.RECEIVED,
    TwilioStatus.RECEIVED: MessageStatus.RECEIVED,
}

_json_decoder = msgspec.json.Decoder(dict[str, str | int | None])


class TwilioWebhooks:
    """Reads the webhooks of one account."""

    def __init__(self, account: CarrierAccount) -> None:
        """Verify with the account's auth token."""
        self._account = account

    def read_inbound(self, request: WebhookRequest) -> tuple[InboundText]:
        """Read a text that came in; raises `Forged`, `Malformed`."""
        return (_read_inbound(request, self._account),)

    def read_status(self, request: WebhookRequest) -> tuple[StatusReport]:
        """Read a delivery report; raises `Forged`, `Malformed`."""
        return (_read_status(request, self._account),)


def _read_inbound(request: WebhookRequest, account: CarrierAccount) -> InboundText:
    form = _open_form(request, account)
    try:
        message = parse_inbound_message(form)
    except FormError as error:
        raise Malformed(str(error)) from None
    _check_account(message.account_sid, account)
    opt_out_type = message.opt_out_type
    return InboundText(
        carrier_message_id=message.message_sid,
        recipient=_read_phone("From", message.from_number),
        sender=_read_sender("To", message.to_number),
        body=message.body,
        media=tuple(media.url for media in message.media),
        opt_out_type=None if opt_out_type is None else opt_out_type.value,
        token=request.headers.get(TOKEN_HEADER),
    )


def _read_status(request: WebhookRequest, account: CarrierAccount) -> StatusReport:
    # A report of a messaging service may come without From: the address we gave names our sender.
    form = _open_form(request, account)
    try:
        callback = parse_status_callback(form)
    except FormError as error:
        raise Malformed(str(error)) from None
    _check_account(callback.account_sid or account.account, account)
    status = STATUSES[callback.status]
    if status is MessageStatus.RECEIVED:
        raise Malformed("MessageStatus: a text that came in belongs to the inbound webhook")
    error_code = None if callback.error_code is None else str(callback.error_code)
    ours = parse_qs(urlsplit(request.url).query)
    sender = callback.from_number or ours.get(SENDER_PARAMETER, [""])[0]
    return StatusReport(
        carrier_message_id=callback.message_sid,
        recipient=_read_phone("To", callback.to_number),
        sender=_read_sender("From", sender),
        status=status,
        error_code=error_code,
        opted_out=TABLE.is_opted_out(error_code),
        message=ours.get(MESSAGE_PARAMETER, [None])[0],
    )


def _open_form(request: WebhookRequest, account: CarrierAccount) -> Form:
    """Check the signature, and only then read what it signs."""
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() == "application/json":
        return _open_json(request, account)
    try:
        form = parse_form(request.body)
    except FormError as error:
        # Read as a lenient reader would: a signature over that makes it the carrier's own fault.
        _check_form(request, account, _parse_leniently(request.body))
        raise Malformed(str(error)) from None
    _check_form(request, account, form.pairs)
    return form


def _check_form(
    request: WebhookRequest, account: CarrierAccount, pairs: tuple[tuple[str, str], ...]
) -> None:
    signed = twilio_signature_matches(
        account.secret,
        request.url,
        pairs,
        request.headers.get(_SIGNATURE, ""),
        settings_header=request.headers.get(_SIGNATURE_SETTINGS),
    )
    if not signed:
        raise _forged(account)


def _open_json(request: WebhookRequest, account: CarrierAccount) -> Form:
    signed = twilio_json_signature_matches(
        account.secret,
        request.url,
        request.body,
        request.headers.get(_SIGNATURE, ""),
        settings_header=request.headers.get(_SIGNATURE_SETTINGS),
    )
    if not signed:
        raise _forged(account)
    try:
        fields = _json_decoder.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"body: is not one JSON object of texts: {error}") from None
    pairs = [(name, str(value)) for name, value in fields.items() if value is not None]
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise Malformed(f"{ascii(name)[1:-1]}: holds a NUL character")
    return build_form(pairs)


def _parse_leniently(body: bytes) -> tuple[tuple[str, str], ...]:
    text = body.decode("utf-8", "replace")
    try:
        return tuple(parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS_MAX))
    except ValueError:
        return ()


def _forged(account: CarrierAccount) -> Forged:
    return Forged(
        f"The signature is not that of carrier account {account.id}. If it is real, the address "
        "set at the carrier must be the public URL of this server, and the auth token the account's"
    )


def _check_account(account_sid: str, account: CarrierAccount) -> None:
    if account_sid != account.account:
        raise Malformed(
            f"AccountSid: is not the one of carrier account {account.id}. Point this number's "
            "webhook at the carrier account that it belongs to"
        )


def _read_phone(field: str, text: str) -> str:
    try:
        return read_delivered(text)
    except InvalidNumber as error:
        raise Malformed(f"{field}: {error}") from None


def _read_sender(field: str, text: str) -> str:
    """Read a number of ours: E.164, else a short code or a name as it is."""
    return _read_phone(field, text) if text.startswith("+") else text.strip()
