"""How long a program may answer in a conversation without naming a purpose."""

from datetime import datetime, timedelta
from functools import cache
from typing import Final

from consentry.domain.policy import Policy

_NO_TIME: Final = timedelta()


def is_in_conversation(last_inbound_at: datetime, policy: Policy, now: datetime) -> bool:
    """Tell whether the person wrote lately enough.

    A clock that was turned back must not keep the window open: the answer is then no (I7).
    """
    return _NO_TIME <= now - last_inbound_at <= _window(policy.conversation_window_hours)


@cache
def _window(hours: int) -> timedelta:
    """Make a window once: the gate asks twice for each text."""
    return timedelta(hours=hours)
