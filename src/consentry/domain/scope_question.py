"""What an opt-out was meant to end: the one question that its confirmation may ask.

47 CFR 64.1200(a)(12): where a person had agreed to several kinds of texts, the confirmation may
ask whether the opt-out meant all of them. Silence means all. The answer gives back the one
program it names and nothing else, and a later opt-out ends that too.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from consentry.domain.directory import Brand, Directory, Program, Sender
from consentry.domain.obstacles import standing_blocks, standing_suppression
from consentry.domain.opting import Word, open_block
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    Block,
    BlockState,
    Cause,
    Consent,
    ConsentState,
    Piece,
    ScopeQuestion,
    Standing,
)

SCOPE_ANSWER_WINDOW: Final = timedelta(hours=24)
"""How long after the question went out a number is taken for its answer."""

_CHOICES_MIN: Final = 2
_CHOICES_MAX: Final = 9
_OPT_OUTS: Final = (Cause.KEYWORD, Cause.FREE_TEXT)
_WHITE_SPACE: Final = " \t\r\n"


def list_choices(
    before: Standing, sender: Sender, directory: Directory, *, cause: Cause, at: datetime
) -> tuple[Program, ...]:
    """List the programs that may be asked about, by name; none where there is nothing to ask.

    They are the brand's own, informational or marketing, were active before the opt-out, and may
    text over this sender. `cause` is the opt-out's: who says that the number is not theirs is
    asked nothing.
    """
    if cause not in _OPT_OUTS:
        return ()
    active = [c.program for c in before.consents if c.is_active(at)]
    found = (directory.program(program_id) for program_id in active)
    choices = [p for p in found if p is not None and _may_be_kept(p, sender)]
    choices.sort(key=lambda program: (program.name, program.id))
    return tuple(choices) if _CHOICES_MIN <= len(choices) <= _CHOICES_MAX else ()


def _may_be_kept(program: Program, sender: Sender) -> bool:
    of_sender = program.sender in (None, sender.number)
    return not program.is_conversation and program.brand == sender.brand and of_sender


def word_question(brand: Brand, choices: tuple[Program, ...]) -> str:
    """Word the confirmation that asks; it says first that everything has ended."""
    offers = ", ".join(f"{at} to keep {one.name}" for at, one in enumerate(choices, start=1))
    return f"You're opted out of all texts from {brand.name}. Reply {offers}."


def read_answer(body: str, standing: Standing, sender: Sender, arrived_at: datetime) -> str | None:
    """Name the program that a text keeps; None: it is no answer to a question of ours.

    The whole text is the number, the question did go out on this sender less than a day ago, and
    nothing but our own block of this sender stands: while it does, nothing else was sent that a
    number could answer.
    """
    thread = standing.thread(sender.number)
    question, sent_at = thread.scope_question, thread.confirmation_at
    if question is None or sent_at is None or sent_at < question.since:
        return None
    if not timedelta() <= arrived_at - sent_at <= SCOPE_ANSWER_WINDOW:
        return None
    blocks = standing_blocks(standing, sender)
    if not blocks or any(block.layer is not BlockLayer.OURS for block in blocks):
        return None
    if standing_suppression(standing, sender) is not None:
        return None
    said = body.strip(_WHITE_SPACE)
    numbers = {str(at): one for at, one in enumerate(question.programs, start=1)}
    return numbers.get(said)


def keep_program(
    standing: Standing, sender: Sender, program_id: str, *, word: Word
) -> tuple[Piece, ...]:
    """Give one program back at its earlier level, and open our own block of the sender.

    The conversation is not active by it: it is only no longer withdrawn, as that would hold back
    every text of this sender. No pieces: a newer word of the person has ended the program.
    """
    question = standing.thread(sender.number).scope_question
    ended = [c for c in standing.consents if question is not None and _is_ended_by(c, question)]
    kept = [_put(c, ConsentState.ACTIVE, word) for c in ended if c.program == program_id]
    opened = _open_ours(standing, sender, word)
    if not kept or opened is None:
        return ()
    talk = [_put(c, ConsentState.NONE, word) for c in ended if c.program == sender.conversation]
    return (opened, *kept, *talk)


def _is_ended_by(consent: Consent, question: ScopeQuestion) -> bool:
    """Tell whether the opt-out that was asked about ended a consent, and no newer word did."""
    return consent.state is ConsentState.REVOKED and consent.withdrawn_at == question.since


def _open_ours(standing: Standing, sender: Sender, word: Word) -> Block | None:
    known = standing.block(sender.number, BlockLayer.OURS)
    opened = open_block(known, word, scope=sender.number, layer=BlockLayer.OURS)
    return opened if opened.state is BlockState.OPEN else None


def _put(consent: Consent, state: ConsentState, word: Word) -> Consent:
    return msgspec.structs.replace(
        consent,
        state=state,
        since=word.since,
        changed_at=word.newer_than(consent.changed_at),
        entry=word.entry,
        by_person=True,
    )
