"""How numbers, times and states are written for people; the same everywhere."""

from datetime import datetime
from typing import Final

import msgspec

from consentry.domain.consent import PairState
from consentry.domain.phone import group_number

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400
_WEEK: Final = 7 * _DAY


class StateWords(msgspec.Struct, frozen=True):
    """How a state is shown: an icon of the sprite, words, and the name of its colour."""

    icon: str
    words: str
    look: str


STATES: Final[dict[str, StateWords]] = {
    PairState.OPTED_IN: StateWords("circle-check", "Subscribed", "subscribed"),
    PairState.OPTED_OUT: StateWords("ban", "Opted out", "opted-out"),
    PairState.CARRIER_BLOCKED: StateWords("lock", "Blocked by carrier", "opted-out"),
    PairState.PAUSED: StateWords("clock", "Held for review", "waiting"),
    "waiting": StateWords("clock", "Waiting for reply", "waiting"),
    PairState.NOT_ASKED: StateWords("circle", "Not asked", "not-asked"),
}
"""The states: an icon, words and a colour, so that no colour stands alone."""

show_number: Final = group_number
"""Numbers are grouped on every page as they are in what people are shown."""


def since(at: datetime, now: datetime) -> str:
    """Write how long ago something was, in the shortest way that is still true."""
    seconds = int((now - at).total_seconds())
    if seconds < _MINUTE:
        return "now"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}m"
    if seconds < _DAY:
        return f"{seconds // _HOUR}h"
    if seconds < _WEEK:
        return f"{seconds // _DAY}d"
    if at.year == now.year:
        return f"{at.day} {at:%b}"
    return f"{at.day} {at:%b %Y}"


def spell_time(at: datetime) -> str:
    """Write a time in full, in UTC; the page's script writes it in the agent's zone."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
