"""Plivo's webhooks: a text that came in, and a delivery report, each a form.

The signature comes first: nothing of an unsigned request is looked at, kept or told. Plivo signs
with the token of the account or subaccount that a number belongs to, and in another header with
that of the main account; either is good. Its older signatures cover the address alone, so that
whoever has seen one could put any words below it: they are not taken.
"""

import re
from functools import partial
from typing import Final

from consentry.carriers.plivo.errors import TABLE, read_code
from consentry.carriers.shared.callbacks import MESSAGE_PARAMETER, read_parameter
from consentry.carriers.shared.fields import (
    read_body,
    read_media,
    read_msisdn,
    read_name,
    read_sender,
)
from consentry.carriers.shared.forms import Pairs, open_form
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
from consentry.wire.forms import Form, FormError
from consentry.wire.plivo import (
    MAIN_ACCOUNT_SIGNATURE_HEADER,
    NONCE_HEADER,
    SIGNATURE_HEADER,
    plivo_signature_matches,
)

STATUSES: Final[dict[str, MessageStatus]] = {
    "queued": MessageStatus.SENDING,
    "sent": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.READ,
    "undelivered": MessageStatus.UNDELIVERED,
    "failed": MessageStatus.FAILED,
    "rejected": MessageStatus.FAILED,
}
_SIGNATURES: Final = (SIGNATURE_HEADER.lower(), MAIN_ACCOUNT_SIGNATURE_HEADER.lower())
_NONCE: Final = NONCE_HEADER.lower()
_MEDIA: Final = re.compile(r"Media[0-9]{1,3}")
_TEXTS: Final = frozenset({"", "sms", "mms"})
"""The types of messages that go from number to number. Others are none of ours."""


class PlivoWebhooks:
    """Reads the webhooks of one account."""

    def __init__(self, account: CarrierAccount) -> None:
        """Verify with the account's auth token."""
        self._account = account

    def read_inbound(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Read a text that came in; raises `Forged`, `Malformed`."""
        form = self._open(request)
        if not _is_text(form):
            return ()
        # The words of a picture message are in Body.
        words = form.get("Text") or form.get("Body")
        text = InboundText(
            carrier_message_id=read_name("MessageUUID", _require(form, "MessageUUID")),
            recipient=read_msisdn("From", _require(form, "From")),
            sender=read_sender("To", _require(form, "To")),
            body=read_body(words),
            media=read_media(value for name, value in form.pairs if _MEDIA.fullmatch(name)),
            opt_out_type=(form.get("MessageIntent") or "").lower() or None,
        )
        return (text,)

    def read_status(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Read a delivery report; raises `Forged`, `Malformed`.

        Of a long text in parts each part has an id of its own, and names that of the whole.
        """
        form = self._open(request)
        if not _is_text(form):
            return ()
        said = _require(form, "Status")
        status = STATUSES.get(said)
        if status is None:
            raise Malformed(f"Status: {said[:60]!r} is not a status that is known")
        message_id = form.get("ParentMessageUUID") or _require(form, "MessageUUID")
        code = read_code(form.get("ErrorCode"))
        report = StatusReport(
            carrier_message_id=read_name("MessageUUID", message_id),
            recipient=read_msisdn("To", _require(form, "To")),
            sender=read_sender("From", _require(form, "From")),
            status=status,
            error_code=code,
            opted_out=TABLE.is_opted_out(code),
            message=read_parameter(request.url, MESSAGE_PARAMETER),
        )
        return (report,)

    def _open(self, request: WebhookRequest) -> Form:
        """Check the signature, and only then read what it signs."""
        return open_form(request.body, partial(self._verify, request))

    def _verify(self, request: WebhookRequest, pairs: Pairs) -> None:
        headers = request.headers
        nonce = headers.get(_NONCE, "")
        signatures = [headers[name] for name in _SIGNATURES if name in headers]
        matches = plivo_signature_matches(
            self._account.secret, request.url, pairs, nonce=nonce, signatures=signatures
        )
        if not nonce or not matches:
            raise Forged(
                f"The signature is not that of carrier account {self._account.id}. If it is real, "
                "the address set at the carrier must be the public URL of this server, with the "
                "method POST, and the auth token the account's"
            )


def _is_text(form: Form) -> bool:
    return (form.get("Type") or "").lower() in _TEXTS


def _require(form: Form, name: str) -> str:
    try:
        return form.require(name)
    except FormError as error:
        raise Malformed(str(error)) from None
