"""Twilio's names for our messages: `SM` or `MM` and 32 hexadecimal digits, there and back.

An id of ours is a prefix and 128 bits in Crockford's base 32; a sid is the same bits in base 16. So
nothing needs to be looked up to find the one from the other.
"""

import re
from typing import Final

_PREFIX: Final = "msg_"
_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES: Final = {digit: value for value, digit in enumerate(_DIGITS)}
_ID_DIGITS: Final = 26
_BITS: Final = 128
_SID: Final = re.compile(r"(?:SM|MM)([0-9a-fA-F]{32})\Z")


class NoSid(ValueError):
    """An id that is no message's of ours; str() says which."""


def build_message_sid(message_id: str, *, media: int = 0) -> str:
    """Name a message as Twilio does: MM where it has pictures. Raises NoSid."""
    digits = message_id.removeprefix(_PREFIX)
    known = message_id.startswith(_PREFIX) and len(digits) == _ID_DIGITS
    number = 0
    for digit in digits if known else ():
        value = _VALUES.get(digit)
        if value is None:
            known = False
            break
        number = number << 5 | value
    if not known or number >> _BITS:
        raise NoSid(f"{message_id!r} is not the id of a message: msg_ and 26 digits of base 32")
    return f"{'MM' if media else 'SM'}{number:032x}"


def parse_message_sid(sid: str) -> str | None:
    """Give the id of the message that has this name; None where it cannot be one of ours."""
    found = _SID.match(sid)
    if found is None:
        return None
    number = int(found[1], 16)
    shifts = range(5 * (_ID_DIGITS - 1), -1, -5)
    return _PREFIX + "".join(_DIGITS[number >> shift & 31] for shift in shifts)
