"""Answers kept for Idempotency-Keys are forgotten when nobody repeats a request any more."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from consentry.ports import Change, Facts, Needs

KEPT: Final = timedelta(hours=48)
"""A repeat is promised the first answer for 24 hours; a clock may be wrong by as much again."""


class ForgetAnswers(msgspec.Struct, frozen=True):
    """Forget the answers to these keys, pairs of owner and key, that are too old."""

    keys: tuple[tuple[str, str], ...]

    def needs(self) -> Needs:
        """Ask for the answers, so that nobody is given one meanwhile."""
        return Needs(idempotency=self.keys)

    def decide(self, facts: Facts) -> tuple[int, Change]:
        """Forget those that are still as old, and say how many there were."""
        known = {pair: facts.idempotent(*pair) for pair in self.keys}
        old = tuple(
            pair
            for pair, record in known.items()
            if record is not None and is_over(record.created_at, facts.now)
        )
        return len(old), Change(forgotten_answers=old)


def is_over(answered_at: datetime, now: datetime) -> bool:
    """Tell whether an answer need not be kept any longer."""
    return now - answered_at > KEPT
