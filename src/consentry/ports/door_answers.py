"""How the operator wants the Twilio-compatible door to answer where Twilio has two ways."""

from enum import StrEnum


class DeferredAnswer(StrEnum):
    """What becomes of a text outside the hours for texts: it waits, or the program is told."""

    SCHEDULE = "schedule"
    REFUSE = "refuse"


class RefusedAnswer(StrEnum):
    """How a program learns that a text by a messaging service is refused: at once, or later."""

    AT_ONCE = "at_once"
    BY_CALLBACK = "by_callback"
