"""The numbers of the reports: what was counted and told, put together. Pure."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from consentry.console.opt_outs_words import CAUSES
from consentry.domain.entries import EntryKind
from consentry.domain.reasons import REASONS, Reason
from consentry.domain.standing import Cause
from consentry.ports import OptOutStory, Tally

LAST_TEXT_CHARACTERS: Final = 160
"""Texts before an opt-out are alike where so many of their first characters are."""

_LATE: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)
_ONE_PROGRAM: Final = "one_program"
_TOLD_CAUSES: Final = frozenset(str(cause) for cause in Cause)


class DayRow(msgspec.Struct, frozen=True):
    """One day: how many people opted in by text, and how many opt-outs there were."""

    day: date
    opt_ins: int
    opt_outs: int


class CountRow(msgspec.Struct, frozen=True):
    """How often something was the case: its code, how it reads, how many times."""

    code: str
    words: str
    count: int


class LastText(msgspec.Struct, frozen=True):
    """A text of ours that was the last one before opt-outs; `text` None: there was none.

    `after` is how long after it the middle one of them opted out. `example` is the newest.
    """

    text: str | None
    count: int
    after: timedelta | None
    example: OptOutStory


class EffectTimes(msgspec.Struct, frozen=True):
    """How long opt-outs took from the carrier's webhook to the ledger, in milliseconds."""

    count: int
    median: float
    p95: float
    longest: float
    late: int
    steps: tuple[CountRow, ...]


def opt_out_cause(tally: Tally) -> str | None:
    """Name the cause of what counts as an opt-out; None for everything else.

    What lifts something, and a refusal that blocked nobody, have no cause and do not count.
    """
    match tally.kind:
        case (
            EntryKind.OPTED_OUT
            | EntryKind.SUPPRESSED
            | EntryKind.CARRIER_REFUSED
            | EntryKind.REVIEW_ANSWERED
        ):
            return tally.reason if tally.reason in _TOLD_CAUSES else None
        case EntryKind.CONSENT_REVOKED:
            return _ONE_PROGRAM
        case _:
            return None


def count_days(tallies: Iterable[Tally], first: date, last: date) -> list[DayRow]:
    """Count by day, newest first; a day on which nothing happened has zeros."""
    opt_ins: Counter[date] = Counter()
    opt_outs: Counter[date] = Counter()
    for tally in tallies:
        if tally.kind is EntryKind.OPTED_IN:
            opt_ins[tally.day] += tally.count
        elif opt_out_cause(tally) is not None:
            opt_outs[tally.day] += tally.count
    days = [last - _DAY * back for back in range((last - first).days + 1)]
    return [DayRow(day, opt_ins[day], opt_outs[day]) for day in days]


def count_refusals(tallies: Iterable[Tally]) -> list[CountRow]:
    """Count refused texts by the gate's reason, the most frequent first."""
    return _rank(tallies, _refusal_reason, _spell_reason)


def count_causes(tallies: Iterable[Tally]) -> list[CountRow]:
    """Count opt-outs by cause, the most frequent first."""
    return _rank(tallies, opt_out_cause, _spell_cause)


def count_kind(tallies: Iterable[Tally], kind: EntryKind) -> int:
    """Count the entries of a kind."""
    return sum(tally.count for tally in tallies if tally.kind is kind)


def count_carrier_blocks(tallies: Iterable[Tally]) -> int:
    """Count the blocks that a carrier's refusal taught us."""
    return sum(
        tally.count
        for tally in tallies
        if tally.kind is EntryKind.CARRIER_REFUSED and opt_out_cause(tally) is not None
    )


def _rank(
    tallies: Iterable[Tally], key: Callable[[Tally], str | None], spell: Callable[[str], str]
) -> list[CountRow]:
    counts: Counter[str] = Counter()
    for tally in tallies:
        code = key(tally)
        if code is not None:
            counts[code] += tally.count
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [CountRow(code, spell(code), count) for code, count in ranked]


def _refusal_reason(tally: Tally) -> str | None:
    return tally.reason or "unknown" if tally.kind is EntryKind.SEND_REFUSED else None


REASON_WORDS: Final[dict[Reason, str]] = {
    Reason.INVALID_NUMBER: "Not a phone number",
    Reason.UNKNOWN_SENDER: "No such sender",
    Reason.SENDER_DISABLED: "Sender switched off",
    Reason.CARRIER_BLOCKED: "Blocked by the carrier",
    Reason.OPTED_OUT: "Opted out",
    Reason.SUPPRESSED: "On the do-not-text list",
    Reason.NUMBER_REASSIGNED: "Number has a new owner",
    Reason.PAUSED_FOR_REVIEW: "Waiting for review",
    Reason.NO_CONSENT: "No consent",
    Reason.CONSENT_PENDING: "Consent not confirmed",
    Reason.CONSENT_EXPIRED: "Consent expired",
    Reason.CONSENT_LEVEL: "Consent too weak",
    Reason.BODY_INVALID: "Text empty or too long",
    Reason.FREQUENCY_CAP: "Too many texts",
    Reason.QUIET_HOURS: "Quiet hours",
    Reason.STORE_UNAVAILABLE: "Consent could not be looked up",
}
"""The reasons in a few words, for a chart; `REASONS` has the sentences."""


def _spell_reason(code: str) -> str:
    return REASON_WORDS[Reason(code)] if code in Reason.__members__.values() else code


def twilio_code(code: str) -> str:
    """Give the error code that programs get for a reason; none for one that is not known."""
    return str(REASONS[Reason(code)].twilio_code) if code in REASONS else ""


def _spell_cause(code: str) -> str:
    return "Withdrawn from one program" if code == _ONE_PROGRAM else CAUSES[Cause(code)]


def group_last_texts(stories: Iterable[OptOutStory]) -> list[LastText]:
    """Group opt-outs by our last text before them, the most frequent first."""
    groups: dict[str | None, list[OptOutStory]] = {}
    for story in stories:
        last = story.last_outbound
        text = None if last is None else last.body[:LAST_TEXT_CHARACTERS]
        groups.setdefault(text, []).append(story)
    texts = [
        LastText(text, len(alike), _median_time(alike), alike[0]) for text, alike in groups.items()
    ]
    return sorted(texts, key=lambda text: (-text.count, text.text is None, text.text or ""))


def _median_time(stories: Sequence[OptOutStory]) -> timedelta | None:
    times = [
        max(story.received_at - sent_at(story), timedelta())
        for story in stories
        if story.last_outbound is not None
    ]
    return statistics.median_low(times) if times else None


def sent_at(story: OptOutStory) -> datetime:
    """Tell when our last text before an opt-out left, as far as is known."""
    last = story.last_outbound
    if last is None:
        return story.received_at
    return last.submitted_at or last.created_at


def effect_milliseconds(story: OptOutStory) -> float:
    """Tell how long an opt-out took to be on record; clocks that were set back count as none."""
    took = story.entry.recorded_at - story.received_at
    return max(took / timedelta(milliseconds=1), 0.0)


_STEPS: Final = (
    (10.0, "at_most_10_ms", "10 ms or less"),
    (100.0, "at_most_100_ms", "10 to 100 ms"),
    (1000.0, "at_most_1_s", "100 ms to 1 s"),
    (float("inf"), "more_than_1_s", "more than 1 s"),
)


def measure_effect(stories: Iterable[OptOutStory]) -> EffectTimes | None:
    """Measure how fast opt-outs took effect; None where there are none."""
    times = sorted(effect_milliseconds(story) for story in stories)
    if not times:
        return None
    steps = []
    below = 0
    for limit, code, words in _STEPS:
        reached = sum(1 for time in times if time <= limit)
        steps.append(CountRow(code, words, reached - below))
        below = reached
    late = _LATE / timedelta(milliseconds=1)
    return EffectTimes(
        count=len(times),
        median=_percentile(times, 50),
        p95=_percentile(times, 95),
        longest=times[-1],
        late=sum(1 for time in times if time > late),
        steps=tuple(steps),
    )


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """Take the smallest value that so many per cent of all do not exceed."""
    return ordered[max(-(-len(ordered) * percent // 100) - 1, 0)]
