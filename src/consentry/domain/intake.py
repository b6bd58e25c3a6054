"""Consent told to us by somebody else than the handset: agents, programs, forms, paper.

Whatever is told this way can take consent away at once. It gives consent only as far as the
person's own last word leaves room: an opt-out of the person is lifted by the person alone.
"""

from datetime import datetime

import msgspec

from consentry.domain.directory import Brand, Directory, Program, Sender
from consentry.domain.entries import Evidence, Medium
from consentry.domain.gate import standing_blocks, standing_suppression
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    EVERYTHING,
    Block,
    BlockState,
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    Piece,
    SMSPreference,
    Standing,
    Suppression,
    Tag,
)


class Told(msgspec.Struct, frozen=True):
    """A grant or a withdrawal as it was told: when, by what cause, whether the person said it."""

    at: datetime
    entry: str
    cause: Cause = Cause.AGENT
    by_person: bool = True


class Granted(msgspec.Struct, frozen=True):
    """What a grant led to; `note` says what is missing where it is not active."""

    pieces: tuple[Piece, ...]
    state: ConsentState
    note: str | None = None
    superseded: bool = False


def missing_evidence(
    level: ConsentLevel, evidence: Evidence, program: Program, brand: Brand
) -> tuple[str, ...]:
    """List what a grant must still show before it counts (CTIA 5.1.2; 47 CFR 64.1200(f)(9))."""
    missing = []
    if evidence.medium is Medium.TEXT and not evidence.verbatim:
        missing.append("evidence.verbatim: the text that the person sent")
    if level is not ConsentLevel.EXPRESS_WRITTEN:
        return tuple(missing)
    shown = (evidence.call_to_action or "").casefold()
    if not shown:
        missing.append("evidence.call_to_action: the wording as it was shown")
    elif brand.name.casefold() not in shown:
        missing.append(f"evidence.call_to_action must name the seller, {brand.name}")
    elif program.name.casefold() not in shown:
        missing.append(f"evidence.call_to_action must name the program, {program.name}")
    return tuple(missing)


def _senders_of(program: Program, directory: Directory) -> tuple[Sender, ...]:
    """List the senders over which this program texts."""
    senders = directory.senders.values()
    if program.sender is not None:
        return tuple(s for s in senders if s.number == program.sender)
    return tuple(s for s in senders if s.brand == program.brand)


def way_back(sender: Sender, blocks: tuple[Block, ...]) -> str:
    """Say what the person must text to be reached again; YES never works on toll-free."""
    words = "START or UNSTOP" if sender.kind == "toll_free" else "START"
    who = (
        "The carrier blocks"
        if any(b.layer is not BlockLayer.OURS for b in blocks)
        else ("The person opted out of")
    )
    return f"{who} {sender.number}: the person must text {words} to {sender.number} to enable it."


def decide_grant(
    standing: Standing,
    program: Program,
    directory: Directory,
    *,
    level: ConsentLevel,
    medium: Medium,
    told: Told,
    expires_at: datetime | None = None,
) -> Granted:
    """Decide what a grant does; an older grant never beats a newer revocation."""
    known = standing.consent(program.id)
    revoked = known is not None and known.state is ConsentState.REVOKED
    if known is not None and revoked and told.at <= known.changed_at:
        older = "A newer revocation stands; this older grant is kept and changes nothing."
        return Granted((), ConsentState.REVOKED, older, superseded=True)
    ours = _company_blocks(standing, program, told)
    state, note = _granted_state(standing, program, directory, medium=medium, lifted=ours)
    if known is not None and known.state is ConsentState.ACTIVE and state != ConsentState.ACTIVE:
        return Granted((), ConsentState.ACTIVE, "Consent is active already.")
    if revoked and known is not None and known.by_person and program.sender is not None:
        state = ConsentState.PENDING_CARRIER
        note = note or f"The person must text START to {program.sender} to enable it."
    consent = Consent(
        program=program.id,
        state=state,
        level=level,
        since=told.at,
        changed_at=told.at,
        entry=told.entry,
        expires_at=expires_at,
    )
    return Granted((*ours, consent), state, note)


def _company_blocks(standing: Standing, program: Program, told: Told) -> tuple[Block, ...]:
    """Lift the block that an agent, a key or an import had set on their own account."""
    if program.sender is None:
        return ()
    block = standing.block(program.sender, BlockLayer.OURS)
    if block is None or block.state is not BlockState.BLOCKED or block.by_person:
        return ()
    return (
        msgspec.structs.replace(
            block, state=BlockState.OPEN, since=told.at, changed_at=told.at, entry=told.entry
        ),
    )


def _granted_state(
    standing: Standing,
    program: Program,
    directory: Directory,
    *,
    medium: Medium,
    lifted: tuple[Block, ...],
) -> tuple[ConsentState, str | None]:
    for sender in _senders_of(program, directory):
        keys = {(b.scope, b.layer) for b in lifted}
        blocks = standing_blocks(standing, sender)
        left = tuple(b for b in blocks if (b.scope, b.layer) not in keys)
        if left:
            return ConsentState.PENDING_CARRIER, way_back(sender, left)
        if standing_suppression(standing, sender) is not None:
            return ConsentState.PENDING_CARRIER, way_back(sender, ())
    if medium is Medium.TEXT:
        return ConsentState.ACTIVE, None
    return ConsentState.PENDING, "A number that was typed in counts once the handset confirms it."


def decide_revocation(
    standing: Standing, program: Program, directory: Directory, *, told: Told
) -> tuple[Piece, ...]:
    """Take consent with one program away; for a conversation, block its sender as well."""
    known = standing.consent(program.id)
    if known is None:
        known = Consent(
            program=program.id,
            state=ConsentState.NONE,
            level=ConsentLevel.IMPLIED,
            since=told.at,
            changed_at=told.at,
            entry=told.entry,
        )
    if program.sender is None:
        return (_withdrawn(known, told),)
    block = standing.block(program.sender, BlockLayer.OURS)
    pieces: list[Piece] = [_withdrawn(known, told), _blocked(block, program.sender, told)]
    for consent in standing.consents:
        other = directory.program(consent.program)
        if other is not None and other.brand == program.brand and other.sender is None:
            pieces.append(_withdrawn(consent, told))
    return (*pieces, Tag(sms=False))


def _withdrawn(known: Consent, told: Told) -> Consent:
    if known.state is ConsentState.REVOKED:
        return msgspec.structs.replace(
            known,
            changed_at=max(known.changed_at, told.at),
            by_person=known.by_person or told.by_person,
        )
    return msgspec.structs.replace(
        known,
        state=ConsentState.REVOKED,
        since=told.at,
        changed_at=max(known.changed_at, told.at),
        entry=told.entry,
        by_person=told.by_person,
    )


def _blocked(known: Block | None, number: str, told: Told) -> Block:
    if known is not None and known.state is BlockState.BLOCKED:
        return msgspec.structs.replace(known, by_person=known.by_person or told.by_person)
    return Block(
        scope=number,
        layer=BlockLayer.OURS,
        state=BlockState.BLOCKED,
        cause=told.cause,
        since=told.at,
        changed_at=told.at,
        entry=told.entry,
        by_person=told.by_person,
    )


def decide_suppression(
    standing: Standing, directory: Directory, *, scope: str, told: Told
) -> tuple[Piece, ...]:
    """Put a recipient on the do-not-text list of a brand or of everything, and revoke with it.

    A new word ends the exceptions that a person's START had made in an earlier suppression.
    """
    known = standing.suppression(scope)
    stood = known is not None and known.active
    listed = Suppression(
        scope=scope,
        cause=told.cause,
        since=known.since if known is not None and stood else told.at,
        entry=told.entry,
        by_person=told.by_person or (known is not None and stood and known.by_person),
    )
    pieces: list[Piece] = [listed]
    for consent in standing.consents:
        program = directory.program(consent.program)
        if scope == EVERYTHING or program is None or program.brand == scope:
            pieces.append(_withdrawn(consent, told))
    return (*pieces, Tag(sms=False))


def decide_lift(standing: Standing, *, scope: str, told: Told) -> Suppression | None:
    """Take a recipient off the list where the company had put it there; else None."""
    known = standing.suppression(scope)
    if known is None or not known.active or known.by_person:
        return None
    return msgspec.structs.replace(known, active=False, entry=told.entry)


def decide_tag(standing: Standing, *, sms: bool) -> Tag | None:
    """Set the SMS tag by hand; None where the number is forbidden, which no hand can change."""
    if sms and standing.sms_preference is SMSPreference.FORBIDDEN:
        return None
    return Tag(sms=sms)
