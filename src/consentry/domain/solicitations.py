"""Marketing that nobody asked for just now: how often it may go, and at which hours of their day.

The rules are rows (`consentry.domain.rules`). Here they are asked about one text, and what was
handed over before is counted. Replies, confirmations and texts of other purposes never come here.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from zlib import crc32

import msgspec

from consentry.domain.policy import Policy
from consentry.domain.reasons import REASONS, Reason
from consentry.domain.rules.caps import Cap, caps_for
from consentry.domain.rules.hours import judge_hours
from consentry.domain.rules.places import Whereabouts, find_whereabouts
from consentry.domain.rules.rows import RulesProfile, read_rules
from consentry.domain.standing import Solicitation, Solicited, Standing

_SWITCHED_OFF: Final = (
    "The rules profile is off, so marketing is not sent at all, only conversations. Choose another "
    "profile (CONSENTRY_RULES_PROFILE) to send it."
)
_NEVER_OPEN: Final = "The rules for the place where this person is leave no hour for marketing."
_EXPIRES_BEFORE: Final = (
    "It may not leave before {until:%Y-%m-%d %H:%M} UTC, and its time to live ends before that. "
    "Give it a longer one, or send it then."
)


class Ruling(msgspec.Struct, frozen=True, gc=False):
    """What the rules say of a solicitation; `rules` are the rows that were asked.

    Without a `reason` it may go. With one it waits until then; `is_final`: it can never go.
    """

    rules: tuple[str, ...]
    reason: Reason | None = None
    until: datetime | None = None
    detail: str = ""
    is_final: bool = False


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A text to judge: to whom, of which brand, when it is to leave and by when it must have.

    `message` is its id where it was handed over before: it does not count against itself.
    `is_question`: it is no marketing but asks for consent, which nobody is woken for either.
    """

    recipient: str
    brand: str
    at: datetime
    expires_at: datetime | None = None
    message: str | None = None
    is_question: bool = False


def judge_solicitation(asked: Asked, standing: Standing, policy: Policy) -> Ruling:
    """Judge one marketing text by what was handed over before and by the recipient's clock."""
    profile = policy.rules_profile
    if asked.is_question and profile is RulesProfile.OFF:
        profile = RulesProfile.PER_STATE
    whereabouts = find_whereabouts(asked.recipient, standing.place)
    hours = judge_hours(profile, whereabouts, asked.at)
    if profile is RulesProfile.OFF:
        return Ruling(hours.rules, Reason.QUIET_HOURS, detail=_SWITCHED_OFF, is_final=True)
    caps = () if asked.is_question else caps_for(profile, whereabouts, asked.at)
    rules = (*hours.rules, *(cap.id for cap in caps))
    free_at = _find_free(caps, _list_counted(asked, standing), asked.at)
    if free_at is None and hours.is_open:
        return Ruling(rules)
    reason, until = Reason.QUIET_HOURS, hours.until
    if free_at is not None:
        reason, until = Reason.FREQUENCY_CAP, _find_open(profile, whereabouts, free_at)
    if until is None:
        return Ruling(rules, reason, detail=_NEVER_OPEN, is_final=True)
    if asked.expires_at is not None and asked.expires_at <= until:
        detail = _EXPIRES_BEFORE.format(until=until)
        return Ruling(rules, reason, until, detail, is_final=True)
    return Ruling(rules, reason, until, REASONS[reason].detail)


def _list_counted(asked: Asked, standing: Standing) -> list[datetime]:
    """List when the texts went that count against this one, oldest first."""
    texts = standing.solicitations(asked.brand)
    return sorted(text.at for text in texts if text.message != asked.message)


def list_capping(times: list[datetime], at: datetime) -> tuple[datetime, ...]:
    """List those of earlier texts that a cap may count, oldest first.

    None where they are fewer than any row caps: then no cap can be full.
    """
    fewest, longest = _find_widest()
    inside = sorted(time for time in times if time > at - longest)
    return tuple(inside) if len(inside) >= fewest else ()


def _find_free(caps: tuple[Cap, ...], counted: list[datetime], at: datetime) -> datetime | None:
    """Tell when every cap has room again; None where each has it at that time.

    A text of the future, by a clock that was turned back, counts as any other (I7).
    """
    free_at = None
    for cap in caps:
        window = timedelta(seconds=cap.window_seconds)
        inside = [time for time in counted if time > at - window]
        if len(inside) >= cap.count:
            leaves = inside[-cap.count] + window
            free_at = leaves if free_at is None else max(free_at, leaves)
    return free_at


def _find_open(profile: RulesProfile, whereabouts: Whereabouts, at: datetime) -> datetime | None:
    """Find the first time from then on at which the hours are open; None where they never are."""
    hours = judge_hours(profile, whereabouts, at)
    return at if hours.is_open else hours.until


class Wait(msgspec.Struct, frozen=True, gc=False):
    """A text that waits: its message's id, until when, and when it is given up."""

    message: str
    until: datetime
    expires_at: datetime


def spread_due(wait: Wait, recipient: str, standing: Standing, policy: Policy) -> datetime:
    """Choose when a text that waits is due: some seconds later than it may go, by its id.

    So not all that waited for one morning go in its first second. Where that would be too late
    for the hours or for the text's time to live, it is due as soon as it may go.
    """
    seconds = crc32(wait.message.encode()) % (policy.defer_jitter_seconds + 1)
    due_at = wait.until + timedelta(seconds=seconds)
    if wait.expires_at <= due_at:
        return wait.until
    whereabouts = find_whereabouts(recipient, standing.place)
    hours = judge_hours(policy.rules_profile, whereabouts, due_at)
    return due_at if hours.is_open else wait.until


def note_solicitation(standing: Standing, brand: str, text: Solicitation) -> Solicited:
    """Write down that a marketing text was handed over, and forget what no rule counts any more."""
    count, window = _find_longest()
    known = [t for t in standing.solicitations(brand) if t.message != text.message]
    kept = _newest((*known, text), count)
    return Solicited(brand, tuple(t for t in kept if t.at > text.at - window))


def _newest(texts: Iterable[Solicitation], count: int) -> list[Solicitation]:
    return sorted(texts, key=lambda text: text.at)[-count:]


@lru_cache(maxsize=1)
def _find_longest() -> tuple[int, timedelta]:
    """Tell how many texts any row counts, and in how long a window."""
    capped = [row for row in read_rules().rows if row.cap is not None]
    return (
        max(row.cap or 0 for row in capped),
        timedelta(seconds=max(row.cap_seconds for row in capped)),
    )


@lru_cache(maxsize=1)
def _find_widest() -> tuple[int, timedelta]:
    """Tell how few texts fill the smallest cap of all rows, and how long the longest window is."""
    _, window = _find_longest()
    return min(row.cap for row in read_rules().rows if row.cap is not None), window
