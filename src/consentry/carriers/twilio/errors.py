"""Twilio's error codes: for each, whether trying again can help, and what it says of consent.

Source: Twilio's error dictionary, a page for each code; the meanings are in our own words. One
code means "opted out".
"""

from datetime import date
from typing import Final

from consentry.carriers.shared.refusals import tabulate
from consentry.wire.twilio_errors import UNSUBSCRIBED_RECIPIENT_CODE

DICTIONARY: Final = "https://www.twilio.com/docs/api/errors/"


_OPTED_OUT: Final = {
    UNSUBSCRIBED_RECIPIENT_CODE: "the recipient has opted out of this sender",
}
_PASSING: Final = {
    20429: "too many requests at once",
    20500: "an error inside the carrier",
    20503: "the carrier is not available",
    21611: "the sender's queue is full",
    21730: "the carrier is being maintained",
    30001: "the queue is full",
    30008: "no reason is known",
    30017: "the network is congested",
    30022: "the sender's rate was exceeded",
    30023: "the brand's daily limit was exceeded",
    30027: "the brand's daily limit with this network was exceeded",
    30410: "the network behind the carrier did not answer in time",
    63038: "the account's daily limit was exceeded",
}
_PERMANENT: Final = {
    20001: "a parameter is not valid",
    20003: "the account and token do not fit",
    20004: "the method is not allowed",
    20005: "the account is not active",
    20008: "test credentials cannot do this",
    20009: "the message cannot be changed yet",
    20404: "there is no such account or resource",
    21211: "the recipient is not a valid number",
    21212: "the sender is not a valid number",
    21266: "sender and recipient are the same",
    21408: "the account may not text this region",
    21602: "the text is missing",
    21603: "the sender is missing",
    21604: "the recipient is missing",
    21606: "the sender is not a number of this account that can text",
    21607: "the sender is not a number of this account",
    21608: "a trial account may text verified numbers only",
    21609: "the address for reports is not valid",
    21612: "this sender cannot reach this recipient",
    21614: "the recipient is not a mobile number",
    21617: "the text is longer than 1600 characters",
    21619: "neither text nor media",
    21620: "the address of a picture is not valid",
    21623: "more than 10 pictures",
    21635: "the recipient is a landline",
    21655: "the content template is not valid",
    21656: "the variables of the content template are not valid",
    21701: "there is no such messaging service",
    21703: "the messaging service has no sender for this text",
    21704: "the messaging service has no numbers",
    21705: "the messaging service is not valid",
    30002: "the account is suspended",
    30003: "the handset cannot be reached",
    30004: "the message is blocked",
    30005: "the number is unknown or no longer in service",
    30006: "a landline, or a network that cannot be reached",
    30007: "the message was filtered",
    30010: "the price is above the limit that was set",
    30018: "the network wants the sender registered",
    30019: "the media are too large for the network",
    30032: "the toll-free number is not verified",
    30033: "the campaign is suspended",
    30034: "the number is not registered for a campaign",
    30035: "the number's campaign is still being set up",
    30036: "its time to live was over",
    30037: "the account may not send",
    30400: "parameters are not valid",
    30409: "the message can no longer be canceled",
    30450: "the message was blocked",
    30453: "blocked as likely fraud",
    30610: "outside what the recipient's region allows",
    35111: "a scheduled text needs its time",
    35112: "a scheduled text needs its kind of schedule",
    35115: "the time of the schedule is out of range",
    35118: "scheduling needs a messaging service",
    35126: "the kind of schedule is not known",
}


TABLE: Final = tabulate(
    "Twilio",
    source=DICTIONARY,
    checked_on=date(2026, 11, 23),
    opted_out={str(code): meaning for code, meaning in _OPTED_OUT.items()},
    passing={str(code): meaning for code, meaning in _PASSING.items()},
    permanent={str(code): meaning for code, meaning in _PERMANENT.items()},
)
