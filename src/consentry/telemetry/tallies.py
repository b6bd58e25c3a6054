"""Counting on the way of a request or a commit: a dictionary and an addition, no lock.

Each dictionary has one writer: the event loop, or the store's writer. Reading copies it, which the
interpreter does in one step.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, assert_never

import msgspec

from consentry.domain.entries import EntryKind
from consentry.domain.gate import Decision, Verdict
from consentry.domain.messages import MessageStatus
from consentry.domain.reasons import Reason
from consentry.ports import Accepted, CarrierRefusal, EntryCounts, Submission, Unanswered, Withheld
from consentry.telemetry import metrics
from consentry.telemetry.metrics import Metric

Labels = tuple[str, ...]

_DECIDED: Final = {
    str(EntryKind.SEND_ACCEPTED): ("send", str(Verdict.ALLOW)),
    str(EntryKind.SEND_REFUSED): ("send", str(Verdict.DENY)),
    str(EntryKind.JOB_CLAIMED): ("deliver", str(Verdict.ALLOW)),
    str(EntryKind.JOB_CANCELED): ("deliver", str(Verdict.DENY)),
    str(EntryKind.SEND_DEFERRED): ("send", str(Verdict.DEFER)),
    str(EntryKind.JOB_DEFERRED): ("deliver", str(Verdict.DEFER)),
}
_REASONS: Final = frozenset(
    {
        "",
        "expired",
        "restored",
        "canceled_by_program",
        "keyword_answered",
        "answered_too_late",
        "other_sender",
        *map(str, Reason),
    }
)
_OTHER: Final = "other"
_CLASSES: Final = ("other", "1xx", "2xx", "3xx", "4xx", "5xx")


class Distribution(msgspec.Struct):
    """How often values fell into each bucket (the last one has no upper bound), and their sum."""

    counts: list[int]
    total: float = 0.0


class Snapshot(msgspec.Struct, frozen=True):
    """What was counted so far, by metric and labels."""

    counters: dict[str, list[tuple[Labels, float]]]
    distributions: dict[str, list[tuple[Labels, Distribution]]]


class Tallies:
    """Implements `Measuring`."""

    def __init__(self) -> None:
        """Start from zero; the counts of batches are the writer's, all others the event loop's."""
        # By route and hundreds of the status; by verdict and reason. Nested, because a pair that
        # is made for each request costs more than looking twice.
        self._requests: dict[str, dict[int, int]] = defaultdict(dict)
        self._decisions: dict[Verdict, dict[Reason | None, int]] = {v: {} for v in Verdict}
        self._counters: dict[tuple[str, Labels], int] = {}
        self._distributions: dict[tuple[str, Labels], Distribution] = {}
        self._batch_counters: dict[tuple[str, Labels], int] = {}
        self._batch_distributions: dict[tuple[str, Labels], Distribution] = {}

    def note_request(self, route: str, status: int) -> None:
        """Count an answer by its route and status class."""
        counted = self._requests[route]
        hundreds = status // 100
        counted[hundreds] = counted.get(hundreds, 0) + 1

    def note_decisions(self, decisions: Sequence[Decision]) -> None:
        """Count answers of the gate to a program's questions."""
        for decision in decisions:
            counted, reason = self._decisions[decision.decision], decision.reason
            counted[reason] = counted.get(reason, 0) + 1

    def note_webhook(self, kind: str, durable_seconds: float) -> None:
        """Count a webhook that is durable."""
        _add(self._distributions, metrics.WEBHOOK_SECONDS, durable_seconds, (kind,))

    def note_receipt(self, status: MessageStatus) -> None:
        """Count a delivery report."""
        _count(self._counters, metrics.RECEIPTS, (str(status),))

    def note_submission(self, submission: Submission, seconds: float) -> None:
        """Count a carrier's answer."""
        _count(self._counters, metrics.SUBMISSIONS, (_name_answer(submission),))
        _add(self._distributions, metrics.SUBMISSION_SECONDS, seconds)

    def note_settled(self, status: MessageStatus | None) -> None:
        """Count a retry or an indeterminate text; other ends are told by the entries."""
        if status is MessageStatus.QUEUED:
            _count(self._counters, metrics.RETRIES)
        elif status is MessageStatus.INDETERMINATE:
            _count(self._counters, metrics.INDETERMINATE)

    def note_told(self, kind: str, outcome: str) -> None:
        """Count what was told to a program."""
        _count(self._counters, metrics.NOTICES, (kind, outcome))

    def note_batch(
        self, commands: int, seconds: float, entries: EntryCounts, *, is_durable: bool
    ) -> None:
        """Count a batch, its entries, and the decisions that these keep."""
        if not is_durable:
            _count(self._batch_counters, metrics.BATCHES_FAILED)
            return
        _add(self._batch_distributions, metrics.BATCH_COMMANDS, commands)
        _add(self._batch_distributions, metrics.BATCH_SECONDS, seconds)
        for (kind, reason), count in entries.items():
            _count(self._batch_counters, metrics.ENTRIES, (kind,), count)
            if kind in _DECIDED:
                # Only reasons that are known become a label, so that there is an end of them.
                told = reason if reason in _REASONS else _OTHER
                _count(self._batch_counters, metrics.DECISIONS, (*_DECIDED[kind], told), count)

    def snapshot(self) -> Snapshot:
        """Tell what was counted so far."""
        counters: dict[str, list[tuple[Labels, float]]] = {}
        for source in (self._counters.copy(), self._batch_counters.copy()):
            for (name, labels), count in source.items():
                counters.setdefault(name, []).append((labels, count))
        self._add_requests(counters.setdefault(metrics.REQUESTS.name, []))
        self._add_decisions(counters.setdefault(metrics.DECISIONS.name, []))
        return Snapshot(counters, self._distributions_by_name())

    def _add_requests(self, counters: list[tuple[Labels, float]]) -> None:
        for route, counted in self._requests.items():
            for hundreds, count in counted.items():
                known = 0 < hundreds < len(_CLASSES)
                counters.append(((route, _CLASSES[hundreds] if known else _OTHER), count))

    def _add_decisions(self, counters: list[tuple[Labels, float]]) -> None:
        for verdict, counted in self._decisions.items():
            for reason, count in counted.items():
                told = "" if reason is None else str(reason)
                counters.append((("check", str(verdict), told), count))

    def _distributions_by_name(self) -> dict[str, list[tuple[Labels, Distribution]]]:
        found: dict[str, list[tuple[Labels, Distribution]]] = {}
        for source in (self._distributions.copy(), self._batch_distributions.copy()):
            for (name, labels), kept in source.items():
                copied = Distribution(kept.counts.copy(), kept.total)
                found.setdefault(name, []).append((labels, copied))
        return found


def _count(
    counters: dict[tuple[str, Labels], int], metric: Metric, labels: Labels = (), count: int = 1
) -> None:
    key = (metric.name, labels)
    counters[key] = counters.get(key, 0) + count


def _add(
    distributions: dict[tuple[str, Labels], Distribution],
    metric: Metric,
    value: float,
    labels: Labels = (),
) -> None:
    key = (metric.name, labels)
    kept = distributions.get(key)
    if kept is None:
        kept = distributions[key] = Distribution([0] * (len(metric.buckets) + 1))
    kept.counts[bisect_left(metric.buckets, value)] += 1
    kept.total += value


def _name_answer(submission: Submission) -> str:
    match submission:
        case Accepted():
            return "accepted"
        case CarrierRefusal(opted_out=True):
            return "opted_out"
        case CarrierRefusal(permanent=True):
            return "refused"
        case CarrierRefusal():
            return "refused_for_now"
        case Unanswered():
            return "unanswered"
        case Withheld():
            return "withheld"
        case never:
            assert_never(never)
