"""What AWS End User Messaging says no with: the reason where it gives one, else the exception.

Source: the service model pinpoint-sms-voice-v2 in botocore 1.44 and the pages of the API; the
meanings are in our own words. One reason means "opted out". None of the events does: a phone, a
network or a protect configuration that blocks is nobody's word.
"""

from datetime import date
from typing import Final

import msgspec

from consentry.carriers.shared.answers import read_answer
from consentry.carriers.shared.refusals import tabulate
from consentry.carriers.shared.way_out import Answer, read_header
from consentry.ports import CarrierRefusal

OPTED_OUT: Final = "DESTINATION_PHONE_NUMBER_OPTED_OUT"

_PASSING: Final = {
    "ThrottlingException": "too many requests at once",
    "InternalServerException": "an error inside the carrier",
    "ServiceUnavailableException": "the carrier is not available",
    "ServiceQuotaExceededException": "a quota of the account is used up",
    "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT": "the month's spending limit is reached",
    "MONTHLY_SPEND_LIMIT_REACHED_FOR_MEDIA": "the month's spending limit is reached",
    "InvalidSignatureException": "the request is signed wrongly, or this server's clock is wrong",
    "RequestExpired": "this server's clock is wrong",
    "RESOURCE_NOT_ACTIVE": "the number is still being set up",
}
_PERMANENT: Final = {
    "AccessDeniedException": "the access key may not do this",
    "INSUFFICIENT_ACCOUNT_REPUTATION": "the account's reputation is too low",
    "ACCOUNT_DISABLED": "the account is disabled",
    "UnrecognizedClientException": "there is no such access key",
    "IncompleteSignature": "the request is not signed as it must be",
    "MissingAuthenticationToken": "the request is not signed",
    "ConflictException": "the request does not fit what is set up",
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED": "in the sandbox, the recipient must be verified",
    "NO_ORIGINATION_IDENTITIES_FOUND": "no sender fits this recipient",
    "NUMBER_CAPABILITIES_MISMATCH": "the sender cannot send this",
    "MESSAGE_TYPE_MISMATCH": "the sender is set up for another type of message",
    "KEYWORD_MISMATCH": "the keyword is not one of the short code's",
    "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION": "the country is blocked by the account",
    "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE": "the account blocks the number",
    "PROTECT_CONFIGURATION_NOT_ASSOCIATED_WITH_CONFIGURATION_SET": "the settings do not fit",
    "ResourceNotFoundException": "there is no such sender, list or configuration set",
    "ValidationException": "a parameter is not valid",
    "CANNOT_PARSE": "the request cannot be read",
    "CHANNEL_NOT_ENABLED": "this channel is not enabled",
    "COUNTRY_CODE_MISMATCH": "the sender is for another country",
    "COUNTRY_NOT_ENABLED": "the country is not enabled",
    "DESTINATION_COUNTRY_BLOCKED": "the country is blocked",
    "FIELD_VALIDATION_FAILED": "a parameter is not valid",
    "INTERNATIONAL_SENDING_NOT_SUPPORTED": "the sender cannot text abroad",
    "INVALID_ARN": "an ARN is not valid",
    "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY": "the sender cannot reach this country",
    "INVALID_PARAMETER": "a parameter is not valid",
    "INVALID_REQUEST": "the request is not valid",
    "MAXIMUM_SIZE_EXCEEDED": "the text is too long",
    "MEDIA_TYPE_NOT_SUPPORTED": "the media are of another type than can be sent",
    "MISSING_PARAMETER": "a parameter is missing",
    "PARAMETERS_CANNOT_BE_USED_TOGETHER": "two parameters do not fit together",
    "PRICE_OVER_THRESHOLD": "the price is above the limit that was set",
    "RESOURCE_NOT_ACCESSIBLE": "the media cannot be read",
    "SENDER_ID_NOT_REGISTERED": "the sender ID is not registered",
    "SENDER_ID_NOT_SUPPORTED": "the country takes no sender IDs",
    "SENDER_ID_REQUIRES_REGISTRATION": "the sender ID must be registered",
    "UNSPECIFIED_PARAMETER_NOT_SUPPORTED": "a parameter is not known",
    "UNKNOWN_OPERATION": "the operation is not known",
    "MEDIA_NOT_IN_S3": "media must lie in S3, one for each text",
}

TABLE: Final = tabulate(
    "AWS",
    source="https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/",
    checked_on=date(2026, 11, 30),
    opted_out={OPTED_OUT: "the recipient is on the opt-out list of this sender"},
    passing=_PASSING,
    permanent=_PERMANENT,
)


class _Error(msgspec.Struct, frozen=True):
    type: str = msgspec.field(name="__type", default="")
    reason: str = msgspec.field(name="Reason", default="")
    message: str | None = msgspec.field(name="Message", default=None)
    lower_message: str | None = msgspec.field(name="message", default=None)


_decoder = msgspec.json.Decoder(_Error)


def read_refusal(answer: Answer) -> CarrierRefusal:
    """Read an answer that says no; one without AWS's exception is named by its HTTP status."""
    error = read_answer(_decoder, answer) or _Error()
    kind = error.type or read_header(answer.headers, "x-amzn-ErrorType") or ""
    kind = kind.rpartition("#")[2].partition(":")[0]
    code = error.reason or kind or f"http_{answer.status}"
    said = error.message or error.lower_message or ""
    return TABLE.refuse(code, said, retry_after_seconds=answer.retry_after_seconds)
