"""How long a program may answer in a conversation without naming a purpose."""

from datetime import datetime, timedelta

from consentry.domain.policy import Policy


def is_in_conversation(last_inbound_at: datetime, policy: Policy, now: datetime) -> bool:
    """Tell whether the person wrote lately enough.

    A clock that was turned back must not keep the window open: the answer is then no (I7).
    """
    return timedelta() <= now - last_inbound_at <= timedelta(hours=policy.conversation_window_hours)
