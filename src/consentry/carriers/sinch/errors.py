"""Sinch's codes: words in the answer to a request, numbers in reports.

One number says "opted out": 257, of the toll-free network. A text that is refused because of one of
Sinch's own consent lists has the status `Deleted`, which a number that is not valid has as well, so
it says nothing about anybody: `consentry reconcile` reads those lists.

Sources: developers.sinch.com, "Delivery reports", "HTTP status codes" and "10DLC and toll-free
error codes"; community.sinch.com, "How does STOP work on a toll-free number".
"""

from datetime import date
from typing import Final

import msgspec

from consentry.carriers.shared.answers import read_answer
from consentry.carriers.shared.refusals import CodeTable, tabulate
from consentry.carriers.shared.way_out import Answer
from consentry.ports import CarrierRefusal

TOO_MANY_MEDIA: Final = "too_many_media"
NO_TOKEN: Final = "no_token"  # noqa: S105 - the name of a code

TABLE: Final[CodeTable] = tabulate(
    "Sinch",
    source="https://developers.sinch.com/docs/sms/api-reference/sms/tag/Delivery-reports/",
    checked_on=date(2026, 11, 30),
    opted_out={"257": "the recipient has opted out of this toll-free number"},
    passing={
        "64": "the limit of the campaign or the number was exceeded",
        "403": "an error inside the carrier",
        "404": "it could not be delivered now",
        "413": "the account is blocked, or has no credit left",
        "417": "the recipient's network cannot be reached",
        "349": "the network failed to take it",
        "399": "an error on the way, for no known reason",
        NO_TOKEN: "there was no token to send with",
        "http_401": "the token does not fit the plan and the region, or has expired",
    },
    permanent={
        "15": "the carrier took it for spam",
        "60": "the sender's campaign is not active",
        "62": "the carrier took it for spam",
        "152": "the recipient gets no texts",
        "300": "the recipient's number is not valid",
        "310": "the sender is not valid",
        "321": "the network refused it for this recipient",
        "332": "the network does not allow it",
        "334": "a parameter is not valid",
        "402": "it cannot be routed",
        "405": "a parameter of the text has no value",
        "406": "its time to live was over",
        "407": "it was canceled",
        "408": "the carrier refused it",
        "410": "there is no sender for this recipient",
        "411": "it has too many parts",
        "412": "the account may not text this region",
        "414": "the picture could not be fetched",
        "415": "the network refused the picture",
        "416": "the network takes no pictures",
        "418": "the handset cannot show the picture",
        "syntax_invalid_json": "the request is not JSON",
        "syntax_invalid_parameter_format": "a parameter is not valid",
        "syntax_constraint_violation": "a parameter is out of its bounds",
        "missing_callback_url": "there is no address for reports",
        "unknown_group": "there is no such group",
        "http_404": "there is no such service plan in this region",
        TOO_MANY_MEDIA: "Sinch sends one picture with a text",
    },
)


class _Error(msgspec.Struct, frozen=True):
    code: str | int = ""
    text: str | None = None


_decoder = msgspec.json.Decoder(_Error)


def read_refusal(answer: Answer) -> CarrierRefusal:
    """Read an answer that says no; one without a code of Sinch's is named by its HTTP status."""
    error = read_answer(_decoder, answer) or _Error()
    return TABLE.refuse(
        str(error.code) or f"http_{answer.status}",
        error.text or "",
        retry_after_seconds=answer.retry_after_seconds,
    )
