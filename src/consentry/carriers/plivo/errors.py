"""Plivo's error codes: for each, whether trying again can help, and what it says of consent.

Source: Plivo, "Error Codes" of messaging; the meanings are in our own words. They come in reports
alone: an answer that says no has an HTTP status and a sentence (Plivo, "Messaging API: Response").
One code means "opted out".
"""

from datetime import date
from typing import Final

import msgspec

from consentry.carriers.shared.answers import read_answer
from consentry.carriers.shared.refusals import tabulate
from consentry.carriers.shared.way_out import Answer
from consentry.ports import CarrierRefusal

CODES: Final = "https://www.plivo.com/docs/messaging/troubleshooting/error-codes"
DELIVERED: Final = "000"

TABLE: Final = tabulate(
    "Plivo",
    source=CODES,
    checked_on=date(2026, 11, 30),
    opted_out={"200": "a STOP of the recipient blocks this sender"},
    passing={
        "20": "the network is disturbed",
        "80": "the handset cannot be reached for now",
        "90": "there is no way to the recipient for now",
        "300": "it was not dispatched",
        "1000": "no reason is known",
        "http_429": "too many requests at once",
    },
    permanent={
        "10": "the message is not valid",
        "30": "taken for spam",
        "40": "the sender is not a number of this account that can text",
        "50": "the recipient is not a valid number",
        "60": "the text goes in a circle",
        "70": "the recipient cannot be reached any more",
        "100": "the recipient's network does not take it",
        "110": "the text is too long",
        "201": "a US toll-free number may not text Canada",
        "420": "its time to live was over",
        "450": "the account may not text this country",
        "900": "the account has no funds",
        "910": "the account is disabled",
        "invalid_number": "the recipient is not a valid number",
        "http_400": "a parameter is missing or not valid",
        "http_401": "auth id and auth token do not fit",
        "http_403": "the account may not do this",
        "http_404": "there is no such account or resource",
        "http_405": "the method is not allowed",
    },
)


class _No(msgspec.Struct, frozen=True):
    error: str | None = None


_decoder = msgspec.json.Decoder(_No)


def read_refusal(answer: Answer) -> CarrierRefusal:
    """Read an answer that says no: it is named by its HTTP status."""
    error = (read_answer(_decoder, answer) or _No()).error
    said = error or f"HTTP {answer.status} without a reason"
    retry_after_seconds = answer.retry_after_seconds
    return TABLE.refuse(f"http_{answer.status}", said, retry_after_seconds=retry_after_seconds)


def read_code(text: str | None) -> str | None:
    """Read the code of a report; None where it says that nothing went wrong."""
    code = (text or "").strip()
    return None if code in ("", "0", DELIVERED) else code
