"""Our address for the reports of one text: it names what a report may not, the sender."""

from typing import Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from consentry.ports import OutboundText

MESSAGE_PARAMETER: Final = "message"
SENDER_PARAMETER: Final = "sender"


def status_address(callback_base: str, account_id: str) -> str:
    """Give the address for the reports of an account."""
    return f"{callback_base.rstrip('/')}/carriers/{quote(account_id, safe='')}/status"


def address_of(text: OutboundText, address: str) -> str:
    """Give the address for the reports of one text."""
    named = {MESSAGE_PARAMETER: text.message, SENDER_PARAMETER: text.sender}
    return f"{address}?{urlencode(named)}"


def read_parameter(url: str, name: str) -> str | None:
    """Read what an address says; None where it does not."""
    try:
        return parse_qs(urlsplit(url).query).get(name, [None])[0]
    except ValueError:
        return None
