"""Numbers as SMPP writes them: digits, their kind (TON) and plan (NPI), mostly without a plus."""

import re
from typing import Final

from consentry.domain.phone import InvalidNumber, read_delivered
from consentry.wire.smpp.requests import Address

INTERNATIONAL: Final = 1
NATIONAL: Final = 2
NETWORK: Final = 3
ALPHANUMERIC: Final = 5
ISDN: Final = 1
_DIGITS: Final = re.compile(r"\+?([0-9]+)")
_SHORT_MAX: Final = 8
_WHOLE_MIN: Final = 11


class UnreadableNumber(Exception):
    """A number from which nobody can be told; str() says what to do."""


def read_person(address: Address, country_code: str) -> str | None:
    """Read whom a text is from, in E.164; None where that is no person's number.

    `country_code` stands before numbers that come without one; empty where all come with theirs.
    Raises `UnreadableNumber` where a person may have written and cannot be told.
    """
    found = _DIGITS.fullmatch(address.digits.strip())
    if address.ton == ALPHANUMERIC or found is None or len(found[1]) < 7:
        return None
    whole = _complete(found[0], address.ton, country_code)
    if whole is None:
        raise UnreadableNumber(
            "A text came from a number without its country code. Set country_code of this carrier "
            "account; the SMSC is asked to send the text again until then."
        )
    try:
        return read_delivered(whole)
    except InvalidNumber:
        return None


def read_own(address: Address, country_code: str) -> str:
    """Read which number of ours a text came to: E.164, else a short code or name as it is."""
    text = address.digits.strip()
    found = _DIGITS.fullmatch(text)
    if found is None or (len(found[1]) <= _SHORT_MAX and not text.startswith("+")):
        return text
    whole = _complete(found[0], address.ton, country_code) or f"+{found[1]}"
    try:
        return read_delivered(whole)
    except InvalidNumber:
        return whole


def _complete(number: str, ton: int, country_code: str) -> str | None:
    """Give the number with its country code, or None where it has none and none is known."""
    if number.startswith("+"):
        return number
    has_own = ton != NATIONAL and number.startswith(country_code)
    if country_code and len(number) < _WHOLE_MIN and not has_own:
        return f"+{country_code}{number}"
    is_whole = ton == INTERNATIONAL or len(number) >= _WHOLE_MIN or bool(country_code)
    return f"+{number}" if is_whole else None


def write_sender(sender: str, short_code: tuple[int, int]) -> Address:
    """Write a number of ours; `short_code` is the kind and plan that a vendor has for those."""
    if sender.startswith("+"):
        return Address(sender[1:], INTERNATIONAL, ISDN)
    if sender.isdecimal():
        return Address(sender, *short_code)
    return Address(sender, ALPHANUMERIC, 0)


def write_recipient(recipient: str) -> Address:
    """Write a person's number."""
    return Address(recipient.removeprefix("+"), INTERNATIONAL, ISDN)
