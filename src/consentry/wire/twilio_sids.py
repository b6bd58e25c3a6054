"""Twilio's names for our messages: `SM` or `MM` and 32 hexadecimal digits, there and back.

An id of ours is a prefix and 128 bits in Crockford's base 32; a sid is the same bits in base 16. So
nothing needs to be looked up to find the one from the other.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_PREFIX: Final = "msg_"
_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_IN_BASE_32: Final = str.maketrans(_DIGITS, "0123456789abcdefghijklmnopqrstuv")
_ID_DIGITS: Final = 26
_ID: Final = re.compile(rf"{_PREFIX}([0-7][{_DIGITS}]{{25}})")
"""26 digits are 130 bits: of the first, only the lower three are used."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_BITS: Final = 48
_CHANCE_BITS: Final = 80
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
    return _write_id(int(found[1], 16))


def _write_id(number: int) -> str:
    shifts = range(5 * (_ID_DIGITS - 1), -1, -5)
    return _PREFIX + "".join(_DIGITS[number >> shift & 31] for shift in shifts)


def last_id_of(moment: datetime) -> str:
    """Give the last id that a message made at a moment (to the millisecond) can have.

    An id begins with 48 bits of milliseconds since 1970; what lies beyond them is their last.
    """
    milliseconds = (moment - _EPOCH) // timedelta(milliseconds=1)
    known = min(max(0, milliseconds), (1 << _TIME_BITS) - 1)
    return _write_id((known + 1 << _CHANCE_BITS) - 1)
