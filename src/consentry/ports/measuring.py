"""What the inside tells whoever measures it. Nothing here may name a person.

Every method is called on the way of a request or a commit: it counts, and does nothing else.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Protocol

from consentry.domain.gate import Decision
from consentry.domain.messages import MessageStatus
from consentry.ports.carriers import Submission
from consentry.ports.commands import Change

EntryCounts = Counter[tuple[str, str]]
"""How many entries by kind and reason (empty where there is none)."""


def count_entries(changes: Iterable[Change]) -> EntryCounts:
    """Count the entries of the changes that a batch made durable."""
    counts: EntryCounts = Counter()
    for change in changes:
        counts.update((str(entry.kind), entry.reason or "") for entry in change.entries)
        for alike in change.alike:
            # Their reasons are other systems' words, of which nobody keeps count.
            counts[str(alike.exemplar.kind), ""] += len(alike.words)
    return counts


class Measuring(Protocol):
    """Counts what happens. Called from the event loop, `note_batch` from the store's writer."""

    def note_request(self, route: str, status: int) -> None:
        """Count an answer; `route` is a path of the table of routes, never one that was asked."""

    def note_decisions(self, decisions: Sequence[Decision]) -> None:
        """Count answers of the gate to a program's questions."""

    def note_webhook(self, kind: str, durable_seconds: float) -> None:
        """Count a carrier's webhook (`inbound`, `status`): how long until it was durable."""

    def note_receipt(self, status: MessageStatus) -> None:
        """Count a delivery report."""

    def note_submission(self, submission: Submission, seconds: float) -> None:
        """Count a carrier's answer to one text, and how long it took."""

    def note_settled(self, status: MessageStatus | None) -> None:
        """Count where that answer led: `queued` is a retry, `indeterminate` is no answer."""

    def note_told(self, kind: str, outcome: str) -> None:
        """Count what was told to a program (`status`, `received`), and what came of it."""

    def note_batch(
        self, commands: int, seconds: float, entries: EntryCounts, *, is_durable: bool
    ) -> None:
        """Count a batch of commands and what it wrote into the ledger; may come from a thread."""


class Unmeasured:
    """Implements `Measuring` by counting nothing."""

    def note_request(self, route: str, status: int) -> None:
        """Count nothing."""

    def note_decisions(self, decisions: Sequence[Decision]) -> None:
        """Count nothing."""

    def note_webhook(self, kind: str, durable_seconds: float) -> None:
        """Count nothing."""

    def note_receipt(self, status: MessageStatus) -> None:
        """Count nothing."""

    def note_submission(self, submission: Submission, seconds: float) -> None:
        """Count nothing."""

    def note_settled(self, status: MessageStatus | None) -> None:
        """Count nothing."""

    def note_told(self, kind: str, outcome: str) -> None:
        """Count nothing."""

    def note_batch(
        self, commands: int, seconds: float, entries: EntryCounts, *, is_durable: bool
    ) -> None:
        """Count nothing."""


UNMEASURED = Unmeasured()


class MetricsAccess(StrEnum):
    """Who may read what was counted: a key with the scope, this machine too, or everybody."""

    KEY = "key"
    LOOPBACK = "loopback"
    OPEN = "open"


class Exposition(Protocol):
    """Writes down what was counted, for whoever reads it from outside."""

    async def render(self, accept: str) -> tuple[bytes, bytes]:
        """Write it in a format that the Accept header takes; return text and media type."""
