"""Carriers that speak Twilio's interface: in what they differ, and what is the same in all.

Webhooks are in `twilio_like_webhooks`, sending and the list in `twilio_like_requests`, what people
wrote in `twilio_like_history`. A carrier's folder gives its `Dialect` and its table of codes.
"""

from typing import Final

import msgspec

from consentry.carriers.shared.answers import read_answer
from consentry.carriers.shared.refusals import CodeTable
from consentry.carriers.shared.way_out import Answer
from consentry.domain.messages import MessageStatus
from consentry.ports import Acknowledgement, CarrierRefusal
from consentry.wire.twilio_form import MessageStatus as TwilioStatus
from consentry.wire.twiml import EMPTY_RESPONSE

NO_REPLY: Final = Acknowledgement(EMPTY_RESPONSE, b"text/xml")
"""An empty answer sends nothing: what is ours to say goes through the outbox and its gate."""

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


class Dialect(msgspec.Struct, frozen=True):
    """How one carrier speaks it.

    `path` stands before `/Accounts`. `signature_headers` are where the signature may be, names in
    lower case. `settings_header` is where the carrier names its hash, None where it has but one.
    `report_fragment` is put behind the address for reports.
    """

    title: str
    codes: CodeTable
    path: str
    signature_headers: tuple[str, ...]
    settings_header: str | None = None
    report_fragment: str = ""


class _Error(msgspec.Struct, frozen=True):
    """An error body as far as it is needed; some write the code as a text."""

    code: int | str
    message: str | None = None


_error_decoder = msgspec.json.Decoder(_Error)


def read_refusal(codes: CodeTable, answer: Answer) -> CarrierRefusal:
    """Read an answer that says no; one without the carrier's code is named by its HTTP status."""
    error = read_answer(_error_decoder, answer) or _Error(code="")
    if error.code == "":
        code, said = f"http_{answer.status}", f"HTTP {answer.status} without a reason"
    else:
        code, said = str(error.code), error.message or ""
    return codes.refuse(code, said, retry_after_seconds=answer.retry_after_seconds)


def map_listed_status(status: str) -> MessageStatus:
    """Say what a status of an answer means; one that is new to us is on its way."""
    known = TwilioStatus.__members__.get(status.upper())
    return MessageStatus.SENDING if known is None else STATUSES[known]
