"""Why a send is not allowed: each reason with its HTTP status, Twilio code and sentence."""

from enum import StrEnum
from typing import Final

import msgspec

OPTED_OUT_SENTENCE: Final = (
    "The destination number has disabled receiving messages from this number and must text "
    "'START' to this number to enable"
)
"""The exact refusal of section 1 of the specification, the same at every door."""


class Reason(StrEnum):
    """Reasons in order of precedence: the first that holds is the one given."""

    INVALID_NUMBER = "invalid_number"
    UNKNOWN_SENDER = "unknown_sender"
    SENDER_DISABLED = "sender_disabled"
    CARRIER_BLOCKED = "carrier_blocked"
    OPTED_OUT = "opted_out"
    SUPPRESSED = "suppressed"
    NUMBER_REASSIGNED = "number_reassigned"
    PAUSED_FOR_REVIEW = "paused_for_review"
    NO_CONSENT = "no_consent"
    CONSENT_PENDING = "consent_pending"
    CONSENT_EXPIRED = "consent_expired"
    CONSENT_LEVEL = "consent_level"
    BODY_INVALID = "body_invalid"
    FREQUENCY_CAP = "frequency_cap"
    QUIET_HOURS = "quiet_hours"
    STORE_UNAVAILABLE = "store_unavailable"

    __hash__ = str.__hash__
    """An enum's own is slow, and every decision is counted by it."""


class ReasonRow(msgspec.Struct, frozen=True):
    """What a reason means to a program: HTTP status, Twilio error code, what to do next."""

    status: int
    twilio_code: int
    detail: str


_REFUSED = 403

REASONS: Final[dict[Reason, ReasonRow]] = {
    Reason.INVALID_NUMBER: ReasonRow(
        400,
        21211,
        "The recipient is not a phone number. Write it as + and country code, "
        "for example +14155550142.",
    ),
    Reason.UNKNOWN_SENDER: ReasonRow(
        404, 21606, "No such sender is set up here. List the senders, or add this one first."
    ),
    Reason.SENDER_DISABLED: ReasonRow(
        _REFUSED,
        21606,
        "The sender, or the program of this text, is switched off. Switch it on, or use another "
        "one; consents stay as they are.",
    ),
    Reason.CARRIER_BLOCKED: ReasonRow(_REFUSED, 21610, OPTED_OUT_SENTENCE),
    Reason.OPTED_OUT: ReasonRow(_REFUSED, 21610, OPTED_OUT_SENTENCE),
    Reason.SUPPRESSED: ReasonRow(
        _REFUSED,
        21610,
        "This number is on the do-not-text list. Do not text it; "
        "the recipient's entries say who put it there and why.",
    ),
    Reason.NUMBER_REASSIGNED: ReasonRow(
        _REFUSED,
        21610,
        "This number has a new owner who did not consent. Ask the customer for their new number.",
    ),
    Reason.PAUSED_FOR_REVIEW: ReasonRow(
        _REFUSED,
        30007,
        "What the person wrote, or what the carrier says of them, is being reviewed. Settle it "
        "first: in the review queue, or under carrier drift in the reports.",
    ),
    Reason.NO_CONSENT: ReasonRow(
        _REFUSED,
        30007,
        "There is no consent for this text. The person must text this sender first, "
        "or name the purpose and program they consented to.",
    ),
    Reason.CONSENT_PENDING: ReasonRow(
        _REFUSED, 30007, "Consent was asked for and not yet confirmed from the handset. Wait."
    ),
    Reason.CONSENT_EXPIRED: ReasonRow(
        _REFUSED, 30007, "The consent has expired. Ask the person for it again."
    ),
    Reason.CONSENT_LEVEL: ReasonRow(
        _REFUSED,
        30007,
        "The consent is too weak for this purpose: informational texts need express consent, "
        "marketing needs express written consent.",
    ),
    Reason.BODY_INVALID: ReasonRow(
        400, 21617, "The text is empty or longer than 1600 characters. Change it."
    ),
    Reason.FREQUENCY_CAP: ReasonRow(
        _REFUSED,
        30610,
        "This person has had as many marketing texts as the rules allow in this time. "
        "It may leave when `until` says.",
    ),
    Reason.QUIET_HOURS: ReasonRow(
        _REFUSED,
        30610,
        "It is outside the hours for marketing texts where the person is. "
        "It may leave when `until` says.",
    ),
    Reason.STORE_UNAVAILABLE: ReasonRow(
        503,
        30008,
        "Consent cannot be looked up now, so the answer is no. Try again in a few seconds.",
    ),
}
