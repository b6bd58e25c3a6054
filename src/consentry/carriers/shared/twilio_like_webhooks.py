"""Webhooks as Twilio posts them: a text that came in, and a delivery report.

The signature comes first: nothing of an unsigned request is looked at, kept or told. After it,
whatever cannot be read is `Malformed` with the reason, because the carrier itself has sent it and
somebody must mend it. So is a request of another account that signs with the same token: it is
not forged, its number is configured to come to the wrong account here.
"""

from functools import partial
from typing import Final

import msgspec

from consentry.carriers.shared.callbacks import (
    MESSAGE_PARAMETER,
    SENDER_PARAMETER,
    read_parameter,
)
from consentry.carriers.shared.fields import read_phone, read_sender
from consentry.carriers.shared.forms import Pairs, open_form
from consentry.carriers.shared.twilio_like import STATUSES, Dialect
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    CarrierAccount,
    Forged,
    InboundText,
    Malformed,
    StatusReport,
    WebhookRequest,
)
from consentry.wire.signatures import (
    twilio_json_signature_matches,
    twilio_signature_matches,
)
from consentry.wire.twilio_form import (
    Form,
    FormError,
    build_form,
    parse_inbound_message,
    parse_status_callback,
)

TOKEN_HEADER: Final = "i-twilio-idempotency-token"  # noqa: S105 - the name of a header

_json_decoder = msgspec.json.Decoder(dict[str, str | int | None])


class TwilioLikeWebhooks:
    """Reads the webhooks of one account."""

    def __init__(self, account: CarrierAccount, dialect: Dialect) -> None:
        """Verify with the account's secret."""
        self._account = account
        self._dialect = dialect

    def read_inbound(self, request: WebhookRequest) -> tuple[InboundText]:
        """Read a text that came in; raises `Forged`, `Malformed`."""
        form = self._open_form(request)
        try:
            message = parse_inbound_message(form)
        except FormError as error:
            raise Malformed(str(error)) from None
        _check_account(message.account_sid, self._account)
        opt_out_type = message.opt_out_type
        text = InboundText(
            carrier_message_id=message.message_sid,
            recipient=read_phone("From", message.from_number),
            sender=read_sender("To", message.to_number),
            body=message.body,
            media=tuple(media.url for media in message.media),
            opt_out_type=None if opt_out_type is None else opt_out_type.value,
            token=request.headers.get(TOKEN_HEADER),
            media_types=tuple(media.content_type for media in message.media),
        )
        return (text,)

    def read_status(self, request: WebhookRequest) -> tuple[StatusReport]:
        """Read a delivery report; raises `Forged`, `Malformed`."""
        # A report of a service may come without From: the address we gave names our sender.
        form = self._open_form(request)
        try:
            callback = parse_status_callback(form)
        except FormError as error:
            raise Malformed(str(error)) from None
        _check_account(callback.account_sid or self._account.account, self._account)
        status = STATUSES[callback.status]
        if status is MessageStatus.RECEIVED:
            raise Malformed("MessageStatus: a text that came in belongs to the inbound webhook")
        error_code = None if callback.error_code is None else str(callback.error_code)
        sender = callback.from_number or read_parameter(request.url, SENDER_PARAMETER)
        report = StatusReport(
            carrier_message_id=callback.message_sid,
            recipient=read_phone("To", callback.to_number),
            sender=read_sender("From", sender) if sender else "",
            status=status,
            error_code=error_code,
            opted_out=self._dialect.codes.is_opted_out(error_code),
            message=read_parameter(request.url, MESSAGE_PARAMETER),
        )
        return (report,)

    def _open_form(self, request: WebhookRequest) -> Form:
        """Check the signature, and only then read what it signs."""
        content_type = request.headers.get("content-type", "")
        if content_type.partition(";")[0].strip().lower() == "application/json":
            return self._open_json(request)
        return open_form(request.body, partial(self._check_form, request))

    def _check_form(self, request: WebhookRequest, pairs: Pairs) -> None:
        signed = twilio_signature_matches(
            self._account.secret,
            request.url,
            pairs,
            self._find_signature(request),
            settings_header=self._find_settings(request),
        )
        if not signed:
            raise _forged(self._account)

    def _open_json(self, request: WebhookRequest) -> Form:
        signed = twilio_json_signature_matches(
            self._account.secret,
            request.url,
            request.body,
            self._find_signature(request),
            settings_header=self._find_settings(request),
        )
        if not signed:
            raise _forged(self._account)
        return _parse_json(request.body)

    def _find_signature(self, request: WebhookRequest) -> str:
        headers = request.headers
        return next((headers[n] for n in self._dialect.signature_headers if n in headers), "")

    def _find_settings(self, request: WebhookRequest) -> str | None:
        name = self._dialect.settings_header
        return None if name is None else request.headers.get(name)


def _parse_json(body: bytes) -> Form:
    try:
        fields = _json_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"body: is not one JSON object of texts: {error}") from None
    pairs = [(name, str(value)) for name, value in fields.items() if value is not None]
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise Malformed(f"{ascii(name)[1:-1]}: holds a NUL character")
    return build_form(pairs)


def _forged(account: CarrierAccount) -> Forged:
    return Forged(
        f"The signature is not that of carrier account {account.id}. If it is real, the address "
        "set at the carrier must be the public URL of this server, and the secret the account's"
    )


def _check_account(account_sid: str, account: CarrierAccount) -> None:
    if account_sid != account.account:
        raise Malformed(
            f"AccountSid: is not the one of carrier account {account.id}. Point this number's "
            "webhook at the carrier account that it belongs to"
        )
