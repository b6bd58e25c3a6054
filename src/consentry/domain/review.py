"""Texts that may be an opt-out: held to be reviewed, listed, answered by somebody who reads them.

The legal reader calls such a text ambiguous. It counts where we began: behind a text of ours that
was informational or marketing, or where there was none. In a running conversation "no" is an
ordinary answer.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from consentry.domain.directory import Purpose, Sender
from consentry.domain.entries import Actor
from consentry.domain.obstacles import standing_blocks, standing_suppression
from consentry.domain.reading import BlockLayer, LegalReading
from consentry.domain.standing import (
    CARRIER_CAUSES,
    BlockState,
    Cause,
    Review,
    Standing,
    Unclear,
)

OPEN_MAX: Final = 10
"""So many texts of one conversation are listed each for itself; the newest stands for the rest."""

_UNKNOWN_LANGUAGE: Final = "und"


class ReviewState(StrEnum):
    """Where a review is: `ended` means that the person said themselves what they want."""

    OPEN = "open"
    ANSWERED = "answered"
    ENDED = "ended"


class ReviewAnswer(StrEnum):
    """What somebody who read the text took it for."""

    OPT_OUT = "opt_out"
    OPT_OUT_BRAND = "opt_out_brand"
    WRONG_NUMBER = "wrong_number"
    KEEP = "keep"


class ReviewCase(msgspec.Struct, frozen=True, omit_defaults=True):
    """One text to be reviewed, and what became of it.

    `settled_by` is who answered, or the person whose own word ended it; `note` is the answerer's.
    """

    id: str
    recipient: str
    sender: str
    unclear: Unclear
    state: ReviewState = ReviewState.OPEN
    answer: ReviewAnswer | None = None
    settled_at: datetime | None = None
    settled_by: Actor | None = None
    note: str | None = None

    @property
    def language(self) -> str:
        """Name the language of the rule that matched, "und" where it is of none."""
        return language_of(self.unclear.reading)

    @property
    def may_be_answered(self) -> bool:
        """Tell whether it waits for an answer, or for a stricter one than "keep"."""
        return self.state is ReviewState.OPEN or self.answer is ReviewAnswer.KEEP


class Settled(msgspec.Struct, frozen=True):
    """How texts to be reviewed were settled: by whom, when, and as what."""

    state: ReviewState
    at: datetime
    by: Actor
    answer: ReviewAnswer | None = None
    note: str | None = None


def language_of(reading: LegalReading) -> str:
    """Name the language of a reading, by its rule: `unclear:en:no` and `en.go_away` have one."""
    rule = reading.rule or ""
    parts = rule.split(":")
    language = parts[1] if parts[0] == "unclear" else rule.partition(".")[0]
    is_named = language.isalpha() and language.islower() and language != "any"
    return language if is_named and len(language) <= len("und") else _UNKNOWN_LANGUAGE


def counts(standing: Standing, sender: Sender) -> bool:
    """Tell whether an ambiguous text to a sender counts.

    In a running conversation it does not, nor from who has opted out themselves: nothing more can
    come of it. Where the company alone keeps from texting it does, for that may be lifted.
    """
    last = standing.thread(sender.number).last_outbound_purpose
    return last is not Purpose.CONVERSATIONAL and not _has_opted_out(standing, sender)


def _has_opted_out(standing: Standing, sender: Sender) -> bool:
    blocks = standing_blocks(standing, sender)
    if any(b.by_person and not b.is_paused and b.cause not in CARRIER_CAUSES for b in blocks):
        return True
    conversation = standing.consent(sender.conversation)
    if conversation is not None and conversation.is_withdrawn and conversation.by_person:
        return True
    suppression = standing_suppression(standing, sender)
    return suppression is not None and suppression.by_person


def open_review(standing: Standing, sender: str, unclear: Unclear) -> Review:
    """Add a text to what is to be reviewed; where there are too many, for the newest of them.

    It gets an id, which is that of its entry, and the purpose of our last text before it.
    """
    known = standing.review(sender)
    texts = () if known is None else known.texts
    added = msgspec.structs.replace(
        unclear,
        id=f"rev_{unclear.entry.removeprefix('ent_')}",
        after=standing.thread(sender).last_outbound_purpose,
    )
    return Review(sender, (*texts[: OPEN_MAX - 1], added))


def end_review(standing: Standing, sender: str, *, until: datetime | None = None) -> list[Review]:
    """End the review of a conversation, as far as its texts are not newer than `until`."""
    known = standing.review(sender)
    if known is None:
        return []
    left = () if until is None else tuple(text for text in known.texts if text.at > until)
    return [Review(sender, left)] if left != known.texts else []


def keep_text(standing: Standing, case: ReviewCase) -> list[Review]:
    """Take one text from what is to be reviewed."""
    known = standing.review(case.sender)
    if known is None:
        return []
    return [Review(case.sender, tuple(text for text in known.texts if text.id != case.id))]


def list_changed(
    before: Standing, after: Standing, *, recipient: str, sender: str, settled: Settled
) -> tuple[ReviewCase, ...]:
    """List what became of the texts of a conversation: those that are over, and new ones."""
    was, now = before.review(sender), after.review(sender)
    if was is now:
        return ()
    known = () if was is None else was.texts
    left = () if now is None else now.texts
    over = [
        ReviewCase(
            id=text.id,
            recipient=recipient,
            sender=sender,
            unclear=text,
            state=settled.state,
            answer=settled.answer,
            settled_at=settled.at,
            settled_by=settled.by,
            note=settled.note,
        )
        for text in known
        if text not in left
    ]
    opened = [ReviewCase(text.id, recipient, sender, text) for text in left if text not in known]
    return (*over, *opened)


def is_back_since(standing: Standing, case: ReviewCase) -> bool:
    """Tell whether the person opted in to this sender after they had sent the text."""
    block = standing.block(case.sender, BlockLayer.OURS)
    return (
        block is not None
        and block.state is BlockState.OPEN
        and block.by_person
        and block.cause is Cause.KEYWORD
        and block.changed_at > case.unclear.at
    )
