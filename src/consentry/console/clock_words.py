"""The legal clock of an opt-out in words: how fast it was in force, and by when it had to be."""

from datetime import date
from typing import Final

from consentry.domain.legal_clock import LegalClock

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400


def spell_day(day: date) -> str:
    """Write a day as people say it."""
    return f"{day.day} {day:%B %Y}"


def spell_latency(clock: LegalClock) -> str:
    """Say how long it took from being received to being in force."""
    for length, word in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        count = int(clock.latency_seconds // length)
        if count > 0:
            return f"after {count} {word}{'' if count == 1 else 's'}"
    return "at once"


def spell_clock(clock: LegalClock) -> str:
    """Say it in one line, as the timeline has it."""
    late = ", so it was too late" if clock.is_late else ""
    return f"in force {spell_latency(clock)}, due by {spell_day(clock.due_on)}{late}"
