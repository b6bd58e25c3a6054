"""The person's own words, and what was told in their name: each with how fast it took effect."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from consentry.domain.entries import Entry, EntryKind
from consentry.domain.gate import MessageKind
from consentry.domain.legal_clock import LegalClock, read_clock
from consentry.domain.messages import Message
from consentry.domain.policy import CONFIRMATION_DEADLINE_SECONDS_MAX

WORD_KINDS: Final = frozenset(
    {
        EntryKind.OPTED_IN,
        EntryKind.OPTED_OUT,
        EntryKind.HELP_ASKED,
        EntryKind.CONSENT_GRANTED,
        EntryKind.CONSENT_REVOKED,
        EntryKind.CONSENT_REQUESTED,
        EntryKind.SUPPRESSED,
    }
)
"""Opt-ins, opt-outs, requests for help, and what was recorded of them by other ways."""


class Confirmation(msgspec.Struct, frozen=True):
    """Our one answer to an opt-out: the text, when it was handed over, how long that took.

    `message` None with `by_carrier`: the carrier answers in our place, and we may not.
    """

    by_carrier: bool = False
    message: str | None = None
    seconds: float | None = None

    @property
    def is_in_time(self) -> bool:
        """Tell whether it kept to the five minutes of 47 CFR 64.1200(a)(12)."""
        return self.seconds is None or self.seconds <= CONFIRMATION_DEADLINE_SECONDS_MAX


class Word(msgspec.Struct, frozen=True):
    """One entry that says what the person wants. `received_at` is when it reached us.

    `seconds`: from there to being in force. `verbatim` is None where no words are kept.
    """

    entry: Entry
    verbatim: str | None
    field: str
    received_at: datetime | None
    seconds: float | None
    clock: LegalClock | None
    confirmation: Confirmation | None


def read_word(entry: Entry, messages: Mapping[str, Message]) -> Word | None:
    """Read an entry as a word of the person; None where it is none."""
    if entry.kind not in WORD_KINDS:
        return None
    text = messages.get(entry.message or "")
    received_at = text.created_at if text is not None and entry.legal_reading is not None else None
    clock = read_clock(entry)
    seconds = None if clock is None else clock.latency_seconds
    if received_at is not None:
        seconds = (entry.recorded_at - received_at).total_seconds()
    verbatim, field = entry.text, "text"
    if verbatim is None and entry.evidence is not None:
        verbatim, field = entry.evidence.verbatim, "evidence.verbatim"
    return Word(
        entry, verbatim, field, received_at, seconds, clock, _find_confirmation(entry, messages)
    )


def _find_confirmation(entry: Entry, messages: Mapping[str, Message]) -> Confirmation | None:
    """Find the answer to an opt-out: the first confirmation handed over behind it."""
    if entry.kind is not EntryKind.OPTED_OUT:
        return None
    if entry.carrier_reading is not None and entry.carrier_reading.answers:
        return Confirmation(by_carrier=True)
    sent = [
        (message.submitted_at, message.id)
        for message in messages.values()
        if message.kind is MessageKind.OPT_OUT_CONFIRMATION
        and message.sender == entry.sender
        and message.submitted_at is not None
        and message.created_at >= entry.recorded_at
    ]
    if not sent:
        return None
    at, message_id = min(sent)
    return Confirmation(message=message_id, seconds=(at - entry.at).total_seconds())
