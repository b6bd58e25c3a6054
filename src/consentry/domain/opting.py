"""What one word of the person does to each piece of a standing.

Every piece keeps the time of the word that holds it, and is changed by newer words alone. So
texts that arrive late or in another order leave the same blocks as texts that arrive in order.

Two words are ordered by the carrier's time where it gives one for both, else by arrival: the
word that is dealt with now is then the newer one. An opt-out that is as old as an opt-in wins.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from consentry.domain.directory import Directory, Program, Sender, is_conversation
from consentry.domain.obstacles import standing_blocks, standing_suppression
from consentry.domain.policy import RevocationReach
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    CARRIER_CAUSES,
    EVERYTHING,
    Block,
    BlockState,
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    Standing,
    Suppression,
)

CLOCKS_DIFFER_MAX: Final = timedelta(minutes=1)
_TICK: Final = timedelta(microseconds=1)


class Word(msgspec.Struct, frozen=True, gc=False):
    """An opt-out or opt-in as the pieces see it.

    `at` orders it (the carrier's time if `carrier_timed`, else its arrival), `since` is the time
    to show, which is never later than its arrival. `entry` is its evidence.
    """

    at: datetime
    since: datetime
    carrier_timed: bool
    cause: Cause
    entry: str

    def newer_than(self, known: datetime) -> datetime:
        """Give a time behind `known`: a word that only arrival orders is the newest there is."""
        return self.at if self.at > known else known + _TICK


def is_lifted_since(known: Block | None, word: Word) -> bool:
    """Tell whether an opt-in, newer by the carrier's own time, had already opened a block."""
    opted_in_at = None if known is None else known.opted_in_at
    return word.carrier_timed and opted_in_at is not None and opted_in_at > word.at


def close_block(known: Block | None, word: Word, *, scope: str, layer: BlockLayer) -> Block:
    """Close a block by an opt-out; what closed it first stays its cause and its time.

    What a carrier says is only a guess of why, and gives way to the person's word.
    """
    closed = Block(
        scope=scope,
        layer=layer,
        state=BlockState.BLOCKED,
        cause=word.cause,
        since=word.since,
        changed_at=word.at,
        entry=word.entry,
    )
    if known is None:
        return closed
    closed = msgspec.structs.replace(closed, opted_in_at=known.opted_in_at)
    stands = known.state is BlockState.BLOCKED
    if stands or not word.carrier_timed:
        closed = msgspec.structs.replace(closed, changed_at=max(known.changed_at, word.at))
    if not stands or known.cause in CARRIER_CAUSES:
        return closed
    return msgspec.structs.replace(
        known,
        since=min(known.since, word.since),
        changed_at=closed.changed_at,
        by_person=True,
    )


def open_block(known: Block | None, word: Word, *, scope: str, layer: BlockLayer) -> Block:
    """Open a block by an opt-in, unless what closed it is newer; either way the word is kept."""
    opened = Block(
        scope=scope,
        layer=layer,
        state=BlockState.OPEN,
        cause=word.cause,
        since=word.since,
        changed_at=word.at,
        entry=word.entry,
        opted_in_at=word.at if word.carrier_timed else None,
    )
    if known is None:
        return opened
    opted_in_at = newest(known.opted_in_at, opened.opted_in_at)
    if known.state is BlockState.OPEN:
        later = max(known.changed_at, word.at)
        return msgspec.structs.replace(known, changed_at=later, opted_in_at=opted_in_at)
    if word.carrier_timed and known.changed_at >= word.at:
        return msgspec.structs.replace(known, opted_in_at=opted_in_at)
    return msgspec.structs.replace(
        opened, changed_at=word.newer_than(known.changed_at), opted_in_at=opted_in_at
    )


def newest(first: datetime | None, second: datetime | None) -> datetime | None:
    """Give the later of two times; None is no time."""
    times = [time for time in (first, second) if time is not None]
    return max(times, default=None)


def revoke_conversation(known: Consent | None, word: Word, sender: Sender) -> Consent:
    """Revoke the conversation with a sender, one that never was too: the opt-out is on record."""
    if known is None:
        known = Consent(
            program=sender.conversation,
            state=ConsentState.NONE,
            level=ConsentLevel.IMPLIED,
            since=word.since,
            changed_at=word.at,
            entry=word.entry,
        )
    return revoke_consent(known, word)


def revoke_consent(known: Consent, word: Word) -> Consent:
    """Revoke a consent; one that is revoked keeps its first time."""
    withdrawn_at = newest(known.withdrawn_at, word.since)
    if known.state is ConsentState.REVOKED:
        return msgspec.structs.replace(
            known,
            since=min(known.since, word.since),
            changed_at=max(known.changed_at, word.at),
            by_person=True,
            withdrawn_at=withdrawn_at,
        )
    return msgspec.structs.replace(
        known,
        state=ConsentState.REVOKED,
        since=word.since,
        changed_at=word.at if word.carrier_timed else max(known.changed_at, word.at),
        entry=word.entry,
        by_person=True,
        withdrawn_at=withdrawn_at,
    )


def is_given_after(
    consent: Consent, word: Word, *, arrived_at: datetime | None, is_back: bool
) -> bool:
    """Tell whether a consent is newer than an opt-out, by the carrier's time of that.

    What was given by our clock is held against the carrier's: in doubt the opt-out is the newer.
    So it is where our clock was ahead when the consent was given, and has been turned back since.
    `is_back`: the person came back since by the carrier's own time, so that its order is known.
    """
    if not word.carrier_timed:
        return False
    if is_back:
        return consent.changed_at > word.at
    return word.at + CLOCKS_DIFFER_MAX < consent.changed_at <= (arrived_at or word.at)


def is_revoked_since(known: Consent | None, word: Word) -> bool:
    """Tell whether an opt-out, newer or as old by the carrier's time, holds a consent revoked."""
    if known is None or not known.is_withdrawn:
        return False
    return word.carrier_timed and known.changed_at >= word.at


def resume_conversation(known: Consent | None, word: Word, sender: Sender) -> Consent:
    """Make the conversation with a sender active; one that is active stays as it is."""
    if known is not None and known.is_active(word.since):
        return known
    return Consent(
        program=sender.conversation,
        state=ConsentState.ACTIVE,
        level=ConsentLevel.IMPLIED,
        since=word.since,
        changed_at=word.at if known is None else word.newer_than(known.changed_at),
        entry=word.entry,
        withdrawn_at=None if known is None else known.withdrawn_at,
    )


def lift_suppressions(standing: Standing, word: Word, sender: Sender) -> list[Suppression]:
    """Lift for one sender what the person's own, older word had put on the do-not-text list."""
    return [
        msgspec.structs.replace(s, lifted_for=(*s.lifted_for, sender.number))
        for s in standing.suppressions
        if s.active
        and s.by_person
        and s.scope in (EVERYTHING, sender.brand)
        and sender.number not in s.lifted_for
        and not (word.carrier_timed and s.told_at >= word.at)
    ]


def release_waiting(after: Standing, sender: Sender, directory: Directory) -> list[Consent]:
    """Let grants of programs that waited for the carrier go on waiting for the handset alone.

    `after` is the standing with the opt-in done. They are not active by it: a START says that
    texts may come again, not which.
    """
    released = []
    for consent in after.consents:
        program = directory.program(consent.program)
        if program is None or program.is_conversation or program.brand != sender.brand:
            continue
        if consent.state is not ConsentState.PENDING_CARRIER:
            continue
        if not _is_held(after, program, directory):
            released.append(msgspec.structs.replace(consent, state=ConsentState.PENDING))
    return released


def _is_held(standing: Standing, program: Program, directory: Directory) -> bool:
    return any(
        standing_blocks(standing, sender) or standing_suppression(standing, sender) is not None
        for sender in directory.senders_of(program)
    )


def reached_consents(
    standing: Standing, sender: Sender, directory: Directory, reach: RevocationReach
) -> tuple[Consent, ...]:
    """List the consents beyond the conversation that an opt-out revokes too."""
    if reach is RevocationReach.SENDER:
        return ()
    others = [c for c in standing.consents if c.program != sender.conversation]
    if reach is RevocationReach.ALL:
        return tuple(others)
    return tuple(c for c in others if _is_brand_program(c.program, sender.brand, directory))


def _is_brand_program(program_id: str, brand: str, directory: Directory) -> bool:
    """Tell whether a consent is the brand's and more than a conversation.

    A program that is no longer in the directory counts: revoking too much harms nobody.
    """
    if is_conversation(program_id):
        return False
    program = directory.program(program_id)
    return program is None or program.brand == brand
