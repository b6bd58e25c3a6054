"""Bandwidth's error codes: for each, whether trying again can help, and what it says of consent.

Numbers come in reports (`errorCode` of `message-failed`), words in the answer to a request
(`type`). Three numbers say that the recipient is blocked: 4775 that they opted out; 4482 and 4772
that a list blocks them, where 4772 may also mean our own number. In doubt the recipient is left
in peace; where it was our number, the refusals come as a burst, which blocks nobody.
"""

from datetime import date
from typing import Final

import msgspec

from consentry.carriers.shared.answers import read_answer
from consentry.carriers.shared.refusals import tabulate
from consentry.carriers.shared.way_out import Answer
from consentry.ports import CarrierRefusal

_OPTED_OUT: Final = {
    "4482": "the recipient is on the list of numbers that get nothing",
    "4772": "sender or recipient is blocked behind the carrier",
    "4775": "the recipient has opted out of this sender",
}
_PASSING: Final = {
    "4701": "the recipient's service is not available",
    "4702": "the recipient cannot be reached now",
    "4780": "the brand's daily limit with this network was exceeded",
    "4781": "the campaign's rate with this network was exceeded",
    "4785": "the network's limit was exceeded",
    "5100": "an error inside the carrier",
    "5101": "the carrier is being restarted",
    "5106": "no attempt to deliver it succeeded",
    "5111": "the connection inside the carrier was closed",
    "5201": "no attempt to deliver it succeeded in time",
    "5211": "the carrier is busy",
    "5220": "the carrier could not store it",
    "5231": "not all parts of it reached the carrier",
    "5500": "the network failed to take it",
    "5501": "there is no network to take it now",
    "5600": "the network's queue is full",
    "5610": "an error inside the network",
    "5620": "an error inside the network",
    "5630": "the network gave no answer",
    "5650": "the network failed to deliver it",
    "5999": "an error inside the carrier, for no known reason",
    "9902": "no receipt came in time",
    "9999": "the network gave a reason that the carrier does not know",
    "max-message-queue-size-exceeded": "the account's queue is full",
}
_PERMANENT: Final = {
    "4001": "the service is not allowed",
    "4301": "the text has characters that cannot be sent",
    "4302": "the sender is not a valid number",
    "4303": "the recipient is not a valid number",
    "4350": "the recipient is probably not a valid number",
    "4360": "its time to live was over",
    "4401": "it cannot be routed: sender and recipient may be the same",
    "4403": "the sender is not a number of this account that can text",
    "4404": "the recipient cannot be texted",
    "4405": "the sender's number is not assigned",
    "4406": "the recipient's number is not assigned",
    "4407": "the sender does not belong to this account",
    "4408": "the recipient does not belong to an account that can receive",
    "4409": "the recipient cannot receive pictures",
    "4410": "a picture could not be fetched",
    "4411": "the pictures are too large",
    "4412": "a picture is of a kind that cannot be sent",
    "4420": "the recipient's network is not known",
    "4421": "the account may not text this destination",
    "4431": "the account may not text from short codes",
    "4432": "the account may not text this country",
    "4433": "the account may not text from toll-free numbers",
    "4434": "this toll-free number cannot be texted",
    "4435": "too many recipients",
    "4451": "the account id is not valid",
    "4452": "the application id is not valid or not this account's",
    "4470": "the carrier took it for spam",
    "4481": "the sender was barred by the carrier",
    "4492": "emergency numbers cannot be texted",
    "4493": "the account may not send",
    "4700": "the network or the handset takes no texts of this kind",
    "4711": "the pictures are too large for the network",
    "4712": "a picture is of a kind that the network does not take",
    "4720": "the recipient's number is not valid, or a landline",
    "4721": "the recipient's number is no longer in service",
    "4730": "the network has no route to the recipient",
    "4740": "the network does not take this sender",
    "4750": "the network refused it and gave no reason",
    "4751": "it is too long for the network",
    "4752": "the network cannot read it",
    "4753": "the handset refused it",
    "4770": "the network took it for spam",
    "4771": "it holds a shortened link that the network does not take",
    "4773": "the sender's campaign is not active with this network",
    "4774": "the sender is registered wrongly",
    "4790": "the network does not take this short code for the recipient",
    "4791": "the network does not take this short code's campaign",
    "4792": "the network does not know the short code",
    "4793": "the short code has expired at the network",
    "4795": "the toll-free number is not verified",
    "request-validation": "the request is not valid",
    "unauthorized": "the API user and password do not fit",
    "forbidden": "this API user may not send texts",
    "unsupported-content-type": "the request is of a kind that is not taken",
    "http_401": "the API user and password do not fit",
    "http_403": "this API user may not send texts",
    "http_404": "there is no such account",
}

TABLE: Final = tabulate(
    "Bandwidth",
    source="https://dev.bandwidth.com/docs/messaging/errors",
    checked_on=date(2026, 11, 30),
    opted_out=_OPTED_OUT,
    passing=_PASSING,
    permanent=_PERMANENT,
)


class _Field(msgspec.Struct, frozen=True, rename="camel"):
    field_name: str = ""
    description: str = ""


class _Error(msgspec.Struct, frozen=True, rename="camel"):
    type: str = ""
    description: str = ""
    field_errors: tuple[_Field, ...] | None = None


_decoder = msgspec.json.Decoder(_Error)


def read_refusal(answer: Answer) -> CarrierRefusal:
    """Read an answer that says no; one without a type of Bandwidth's is named by its status."""
    error = read_answer(_decoder, answer) or _Error()
    said = [error.description]
    said += [f"{field.field_name}: {field.description}" for field in error.field_errors or ()]
    return TABLE.refuse(
        error.type or f"http_{answer.status}",
        " ".join(part for part in said if part),
        retry_after_seconds=answer.retry_after_seconds,
    )
