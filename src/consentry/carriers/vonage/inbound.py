"""Vonage's webhooks: a text that came in, and a receipt, as a form or as JSON.

Texts and receipts come to one address or to two; which of them it is shows in the fields. The
parts of a long text come one by one and not all networks number them, so each is a text of its own
and is marked as a piece (docs/decisions/0029-a-piece-of-a-text-opts-out-and-never-in.md).

`keyword` is the first word of a text and no verdict of Vonage's: "stop by the shop" has STOP there.
So it is not read.

Source: developer.vonage.com, "Inbound SMS" and "Delivery receipts"; checked 2026-11-30.
"""

from binascii import unhexlify
from functools import partial
from typing import Final

import msgspec

from consentry.carriers.shared.fields import (
    PART_MARK,
    decode,
    read_binary,
    read_body,
    read_msisdn,
    read_name,
    read_reference,
    read_sender,
    read_time,
)
from consentry.carriers.shared.forms import Pairs, open_form
from consentry.carriers.vonage.errors import RECEIPTS
from consentry.carriers.vonage.signing import (
    MD5_HASH,
    read_method,
    signature_matches,
    token_matches,
)
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
from consentry.wire.forms import Form, FormError, build_form

_BINARY: Final = "binary"
_NO_ERROR: Final = "0"

STATUSES: Final = {
    "accepted": MessageStatus.SENT,
    "buffered": MessageStatus.SENT,
    "unknown": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "expired": MessageStatus.UNDELIVERED,
    "failed": MessageStatus.UNDELIVERED,
    "rejected": MessageStatus.FAILED,
}

# Numbers stay as they were written: the signature is over their digits.
_json_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text_decoder = msgspec.json.Decoder(str)


class VonageWebhooks:
    """Reads the webhooks of one account."""

    def __init__(self, account: CarrierAccount) -> None:
        """Verify with the account's signature secret and method."""
        self._account = account
        self._method = read_method(account.more.get("signature_method") or MD5_HASH)

    def read_inbound(self, request: WebhookRequest) -> tuple[CarrierEvent, ...]:
        """Read a text or a receipt; raises `Forged`, `Malformed`."""
        form = self._open(request)
        if form.get("api-key") not in (None, self._account.account):
            raise Malformed(
                f"api-key: is not the one of carrier account {self._account.id}. Point this "
                "number's webhook at the carrier account that it belongs to"
            )
        try:
            if form.get("status") is not None and "text" not in form.first:
                return (_read_receipt(form),)
            return _read_text(form)
        except FormError as error:
            raise Malformed(str(error)) from None

    read_status = read_inbound

    def _open(self, request: WebhookRequest) -> Form:
        """Check what vouches for it, and only then read what it says."""
        content_type = request.headers.get("content-type", "")
        is_json = content_type.partition(";")[0].strip().lower() == "application/json"
        check = partial(self._check, request)
        if not is_json:
            return open_form(request.body, check)
        try:
            form = _read_json(request.body)
        except Malformed:
            # No signature can be over what cannot be read; a token may still vouch for it.
            check(())
            raise
        check(form.pairs)
        return form

    def _check(self, request: WebhookRequest, pairs: Pairs) -> None:
        account, now = self._account, request.received_at
        authorization = request.headers.get("authorization", "")
        if token_matches(account.secret, account.account, authorization, request.body, now=now):
            return
        if signature_matches(account.secret, self._method, pairs, now=now):
            return
        raise Forged(
            f"Neither the signature nor the token is that of carrier account {account.id}. If it "
            f"is real, the signature secret or the method ({self._method}) is another at Vonage"
        )


def _read_json(body: bytes) -> Form:
    fields = decode(_json_decoder, body)
    return build_form([(name, _read_value(name, raw)) for name, raw in fields.items()])


def _read_value(name: str, raw: msgspec.Raw) -> str:
    """Read a text as it is, and anything else as it is written."""
    written = bytes(raw)
    try:
        return _text_decoder.decode(written) if written.startswith(b'"') else written.decode()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"{ascii(name)[1:-1]}: {error}") from None


def _require(form: Form, name: str) -> str:
    return read_name(name, form.require(name))


def _read_text(form: Form) -> tuple[CarrierEvent, ...]:
    """Read a person's text; a binary message that holds no words is taken and says nothing."""
    if form.get("type") == _BINARY:
        words = _read_data(form.require("data"))
    elif "text" in form.first:
        words = _mark_part(read_body(form.first["text"]), form)
    else:
        raise FormError("text", "is missing")
    if words is None:
        return ()
    text = InboundText(
        carrier_message_id=_require(form, "messageId"),
        recipient=read_msisdn("msisdn", form.require("msisdn")),
        sender=read_sender("to", form.require("to")),
        body=words,
        sent_at=read_time(form.get("message-timestamp")),
    )
    return (text,)


def _mark_part(words: str, form: Form) -> str:
    """Show where a text goes on; a text of one part is whole."""
    total, part = form.get_integer("concat-total"), form.get_integer("concat-part")
    if form.get("concat") in (None, "false") or total == 1:
        return words
    before = "" if part == 1 else PART_MARK
    after = "" if part is not None and part == total else PART_MARK
    return f"{before}{words}{after}"


def _read_data(digits: str) -> str | None:
    try:
        return read_binary(unhexlify(digits))
    except ValueError:
        raise FormError("data", "must be hex digits") from None


def _read_receipt(form: Form) -> StatusReport:
    told = form.require("status")
    status = STATUSES.get(told.lower())
    if status is None:
        raise FormError("status", f"{told[:40]!a} is not a status that is known here")
    code = form.get("err-code")
    if code is not None:
        code = None if code == _NO_ERROR else read_name("err-code", code)
    return StatusReport(
        carrier_message_id=_require(form, "messageId"),
        recipient=read_msisdn("msisdn", form.require("msisdn")),
        sender=read_sender("to", form.require("to")),
        status=status,
        error_code=code,
        opted_out=RECEIPTS.is_opted_out(code),
        message=read_reference(form.get("client-ref")),
    )
