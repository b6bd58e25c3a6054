"""Telnyx's error codes: for each, whether trying again can help, and what it says of consent.

Source: Telnyx, "Messaging Error Code Reference" and "API error codes"; the meanings are in our own
words. One code means "opted out". It comes with the answer, and may come with a report.
"""

from datetime import date
from typing import Final

from consentry.carriers.shared.refusals import tabulate
from consentry.carriers.shared.way_out import Answer
from consentry.ports import CarrierRefusal
from consentry.wire.telnyx import TelnyxError, parse_telnyx_errors

REFERENCE: Final = "https://developers.telnyx.com/docs/messaging/messages/error-codes"
IN_DOUBT: Final = frozenset({"10007", "10008"})
"""An unexpected error and a request that took too long: the text may have been taken."""

TABLE: Final = tabulate(
    "Telnyx",
    source=REFERENCE,
    checked_on=date(2026, 11, 30),
    opted_out={"40300": "a STOP of the recipient blocks this messaging profile"},
    passing={
        "10007": "an unexpected error inside the carrier",
        "10008": "the request took too long",
        "10011": "too many requests at once",
        "40002": "taken for spam for now",
        "40004": "the recipient's network refuses it and does not say why",
        "40006": "the recipient's network cannot be reached",
        "40008": "the recipient's network did not take it",
        "40011": "the network's rate was exceeded",
        "40014": "it waited in the queue for too long",
        "40016": "the brand's daily limit with a network was exceeded",
        "40018": "the campaign's rate with a network was exceeded",
        "40151": "texting is still being set up for the sender",
        "40318": "the queue is full",
        "40320": "the sender cannot be used yet",
    },
    permanent={
        "10001": "the number is not active",
        "10002": "the number is not valid",
        "10003": "an address is not valid",
        "10004": "a parameter is missing",
        "10005": "there is no such resource",
        "10006": "an id is not valid",
        "10009": "the API key is missing or wrong",
        "10010": "the API key may not do this",
        "10014": "the media type of the request is not taken",
        "10015": "the request is not well formed",
        "10016": "a number is not written as +E.164",
        "10017": "something that the request names does not exist",
        "20012": "the account is not active",
        "20013": "the account is blocked",
        "20014": "the account is not verified",
        "20015": "the account does not have this feature",
        "20016": "the account needs the first verification",
        "20017": "the account needs the second verification",
        "20100": "the account has no funds",
        "40001": "a landline, or a number that cannot be reached",
        "40003": "the sender is blocked as a sender of spam",
        "40005": "its time to live was over",
        "40007": "the text goes in a circle",
        "40009": "the text is refused as it is written",
        "40010": "the sender is not registered for a campaign",
        "40012": "the network says that the recipient is not a valid number",
        "40013": "the network says that the sender is not a valid number",
        "40015": "taken for spam by the carrier",
        "40017": "taken for spam by the network",
        "40100": "the sender cannot text",
        "40150": "the toll-free number is in no registry",
        "40301": "this recipient cannot get this type of message",
        "40302": "the message is too large",
        "40304": "these parts of a message do not go together",
        "40305": "the sender is not a number of this messaging profile",
        "40306": "names as senders are not set up",
        "40308": "the sender cannot send pictures",
        "40309": "the messaging profile may not text this region",
        "40310": "the recipient is not a valid number",
        "40311": "the messaging profile's secret is wrong",
        "40312": "the messaging profile is switched off",
        "40313": "the messaging profile's secret is missing",
        "40314": "the account may not send",
        "40315": "the sender is held back for what it sent before",
        "40316": "neither text nor media",
        "40317": "the media are too many or too large",
        "40319": "this recipient cannot get this type of message from this sender",
        "40321": "the messaging profile has no number that can be used",
        "40322": "blocked for what it says",
        "40328": "the text is longer than is recommended",
        "40329": "the toll-free number is not verified",
    },
)


def pick_code(errors: list[TelnyxError]) -> str | None:
    """Pick what counts of several errors: that somebody opted out, else the first."""
    codes = [str(error.code) for error in errors]
    return next((code for code in codes if TABLE.is_opted_out(code)), codes[0] if codes else None)


def read_refusal(answer: Answer) -> CarrierRefusal:
    """Read an answer that says no; one without a code of Telnyx's is named by its HTTP status.

    What it says in detail is left out: it names numbers.
    """
    errors = parse_telnyx_errors(answer.body)
    code = pick_code(errors)
    if code is None:
        code, said = f"http_{answer.status}", f"HTTP {answer.status} without a reason"
    else:
        said = next(error.title or "" for error in errors if str(error.code) == code)
    return TABLE.refuse(code, said, retry_after_seconds=answer.retry_after_seconds)
