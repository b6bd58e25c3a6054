"""The confirmation of an opt-out asks what it was meant to end, where it may and where it fits."""

import msgspec

from consentry.domain.consent import Signal, Transition
from consentry.domain.directory import Sender
from consentry.domain.gate import MessageKind
from consentry.domain.scope_question import list_choices, word_question
from consentry.domain.standing import Consent, ScopeQuestion, Standing, Thread
from consentry.ports import Facts
from consentry.wire.gsm7 import count_segments


def ask_scope(
    moved: Transition, signal: Signal, *, before: Standing, sender: Sender, facts: Facts
) -> tuple[Transition, str | None]:
    """Give the wording that asks, and the move that remembers it; None: it is not to be asked.

    A question that needs more than one segment is not asked: everything has ended (I2).
    """
    if not facts.policy.scope_question or moved.reply is not MessageKind.OPT_OUT_CONFIRMATION:
        return moved, None
    brand = facts.directory.brands.get(sender.brand)
    choices = list_choices(before, sender, facts.directory, cause=signal.cause, at=signal.since)
    ended = {piece.program for piece in moved.pieces if isinstance(piece, Consent)}
    if brand is None or not choices or not ended.issuperset(one.id for one in choices):
        return moved, None
    wording = word_question(brand, choices)
    if count_segments(wording).segments != 1:
        return moved, None
    question = ScopeQuestion(signal.since, tuple(one.id for one in choices))
    pieces = tuple(
        msgspec.structs.replace(piece, scope_question=question)
        if isinstance(piece, Thread)
        else piece
        for piece in moved.pieces
    )
    return msgspec.structs.replace(moved, pieces=pieces), wording
