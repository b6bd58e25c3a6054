"""SignalWire's error codes: for each, whether trying again can help, and what it says of consent.

Source: the error codes of its Compatibility API; the meanings are in our own words. One code means
"opted out". 30004 means "blocked or opted out": nobody can tell which, so it says nothing of
consent, and the same text is not sent again.
"""

from datetime import date
from typing import Final

from consentry.carriers.shared.refusals import tabulate

_OPTED_OUT: Final = {
    "21610": "the recipient has opted out of this sender",
}
_PASSING: Final = {
    "21611": "the sender's queue is full",
    "30008": "no reason is known",
    "30022": "the campaign's rate was exceeded",
    "30027": "the brand's daily limit with this network was exceeded",
    "53603": "the media could not be prepared",
}
_PERMANENT: Final = {
    "10000": "a parameter is not valid",
    "10001": "the space may not do this",
    "10002": "a trial account may not do this",
    "10004": "there is no such subproject",
    "11751": "the media are too large for the network",
    "21210": "the sender is not verified",
    "21212": "a number is not in E.164",
    "21217": "the recipient is not a valid number",
    "21219": "the recipient is not verified, as a trial account needs",
    "21601": "the sender cannot text",
    "21602": "the text is missing",
    "21603": "the sender is missing",
    "21604": "the recipient is missing",
    "21617": "the text is longer than 1600 characters",
    "21620": "the address of a picture is not valid",
    "21623": "too many pictures",
    "21717": "the number is not registered for a campaign",
    "30002": "the account is suspended",
    "30003": "the handset cannot be reached",
    "30004": "the message is blocked, or the recipient has opted out elsewhere",
    "30005": "the number is unknown or no longer in service",
    "30006": "a landline, or a network that cannot be reached",
    "30007": "the message was filtered",
    "30010": "the price is above the limit that was set",
    "63019": "the media could not be fetched",
}

TABLE: Final = tabulate(
    "SignalWire",
    source="https://developer.signalwire.com/rest/compatibility-api/overview/error-codes",
    checked_on=date(2026, 11, 30),
    opted_out=_OPTED_OUT,
    passing=_PASSING,
    permanent=_PERMANENT,
)
