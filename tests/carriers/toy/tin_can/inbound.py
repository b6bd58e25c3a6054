"""What comes out of a tin can: texts and reports as JSON, with the account's secret in a header."""

import hmac
from typing import TypeVar

import msgspec

from consentry.carriers.tin_can.errors import TABLE
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

SECRET_HEADER = "x-tin-can-secret"
STATES = {"heard": MessageStatus.DELIVERED, "lost": MessageStatus.UNDELIVERED}


Told = TypeVar("Told")


class _Text(msgspec.Struct, frozen=True):
    id: str
    to: str
    words: str
    from_: str = msgspec.field(name="from")


class _Report(msgspec.Struct, frozen=True):
    id: str
    to: str
    state: str
    from_: str = msgspec.field(name="from")
    code: str | None = None


_texts = msgspec.json.Decoder(_Text)
_reports = msgspec.json.Decoder(_Report)


class TinCanWebhooks:
    """Reads the webhooks of one account."""

    def __init__(self, account: CarrierAccount) -> None:
        """Verify with the account's secret."""
        self._account = account

    def read_inbound(self, request: WebhookRequest) -> tuple[InboundText]:
        """Read a text; raises `Forged`, `Malformed`."""
        told = self._open(request, _texts)
        return (InboundText(told.id, _read_phone(told.from_), _read_phone(told.to), told.words),)

    def read_status(self, request: WebhookRequest) -> tuple[StatusReport]:
        """Read a report; raises `Forged`, `Malformed`."""
        told = self._open(request, _reports)
        return (
            StatusReport(
                told.id,
                _read_phone(told.to),
                _read_phone(told.from_),
                STATES.get(told.state, MessageStatus.SENT),
                told.code,
                TABLE.is_opted_out(told.code),
            ),
        )

    def _open(self, request: WebhookRequest, decoder: msgspec.json.Decoder[Told]) -> Told:
        given = request.headers.get(SECRET_HEADER, "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(given, self._account.secret.encode()):
            raise Forged("The secret is not the account's.")
        try:
            return decoder.decode(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(f"body: {error}") from None


def _read_phone(text: str) -> str:
    try:
        return read_delivered(text)
    except InvalidNumber as error:
        raise Malformed(f"number: {error}") from None
