"""Vonage's two lists of codes: `status` in the answer to a request, `err-code` in a receipt.

The same number means another thing in each, so that of an answer is called `status_N` here. Vonage
tells of an opt-out in the receipt alone: the request is accepted, and then comes err-code 9.
"""

from datetime import date
from typing import Final

from consentry.carriers.shared.refusals import CodeTable, tabulate
from consentry.carriers.shared.way_out import Answer
from consentry.ports import CarrierRefusal

NO_MEDIA: Final = "no_media"
_CHECKED: Final = date(2026, 11, 30)

ANSWERS: Final[CodeTable] = tabulate(
    "Vonage",
    source="https://developer.vonage.com/en/api-errors/sms",
    checked_on=_CHECKED,
    opted_out={},
    passing={
        "status_1": "the account's rate was exceeded",
        "status_9": "the account has no credit left",
        "status_10": "too many connections of this account at once",
    },
    permanent={
        "status_2": "a parameter is missing",
        "status_3": "a parameter is not valid",
        "status_4": "the API key and secret do not fit",
        "status_6": "the text cannot be processed; the recipient's prefix may be unknown",
        "status_7": "the recipient is barred",
        "status_8": "the account is suspended",
        "status_11": "the account may not send over HTTP",
        "status_12": "the text is too long",
        "status_14": "the signature of the request is not valid",
        "status_15": "the sender may not be used for this recipient",
        "status_22": "the network code is not valid",
        "status_23": "the address for receipts is not valid",
        "status_29": "the account is in demo mode and may text listed numbers only",
        "status_32": "the request was signed and held the secret as well",
        "status_33": "the recipient's number is no longer in service",
        "http_401": "the API key and secret do not fit",
        NO_MEDIA: "Vonage's SMS API sends no pictures",
    },
)

RECEIPTS: Final[CodeTable] = tabulate(
    "Vonage",
    source="https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts",
    checked_on=_CHECKED,
    opted_out={"9": "the recipient has asked to get nothing from this sender"},
    passing={
        "1": "no reason is known",
        "2": "the recipient cannot be reached now",
        "7": "the handset is busy",
        "8": "an error in the network",
        "15": "the recipient has no credit left",
        "99": "an error on the way",
    },
    permanent={
        "3": "the recipient's number is no longer in service",
        "4": "the recipient has barred texts at their network",
        "5": "the recipient's number was ported wrongly",
        "6": "a network took it for spam",
        "10": "a parameter of the text is wrong",
        "11": "there is no route to the recipient",
        "12": "the recipient cannot be reached on any route",
        "13": "the recipient is too young for it",
        "14": "the network lets the recipient get no texts",
    },
)


def read_refusal(answer: Answer) -> CarrierRefusal:
    """Read an HTTP status that says no; Vonage says why only in answers with 200."""
    return ANSWERS.refuse(f"http_{answer.status}", retry_after_seconds=answer.retry_after_seconds)
