"""Twilio's names for our messages: `SM` or `MM` and 32 hexadecimal digits, there and back.

An id of ours is a prefix and 128 bits in Crockford's base 32; a sid is the same bits in base 16. So
nothing needs to be looked up to find the one from the other.
"""

import re
from typing import Final

_PREFIX: Final = "msg_"
_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_IN_BASE_32: Final = str.maketrans(_DIGITS, "0123456789abcdefghijklmnopqrstuv")
_ID_DIGITS: Final = 26
_ID: Final = re.compile(rf"{_PREFIX}([0-7][{_DIGITS}]{{25}})")
"""26 digits are 130 bits: of the first, only the lower three are used."""
_SID: Final = re.compile(r"(?:SM|MM)([0-9a-fA-F]{32})\Z")


class NoSid(ValueError):
    """An id that is no message's of ours; str() says which."""


def build_message_sid(message_id: str, *, media: int = 0) -> str:
    """Name a message as Twilio does: MM where it has pictures. Raises NoSid."""
    found = _ID.fullmatch(message_id)
    if found is None:
        raise NoSid(f"{message_id!r} is not the id of a message: msg_ and 26 digits of base 32")
    number = int(found[1].translate(_IN_BASE_32), 32)
    return f"{'MM' if media else 'SM'}{number:032x}"


def parse_message_sid(sid: str) -> str | None:
    """Give the id of the message that has this name; None where it cannot be one of ours."""
    found = _SID.match(sid)
    if found is None:
        return None
    number = int(found[1], 16)
    shifts = range(5 * (_ID_DIGITS - 1), -1, -5)
    return _PREFIX + "".join(_DIGITS[number >> shift & 31] for shift in shifts)
