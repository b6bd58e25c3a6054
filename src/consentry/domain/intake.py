"""Consent told to us by somebody else than the handset: agents, programs, forms, paper.

Whatever is told this way can take consent away at once. It gives consent only as far as the
person's own last word leaves room: an opt-out of the person is lifted by the person alone.
"""

from datetime import datetime
from typing import assert_never

import msgspec

from consentry.domain.directory import Brand, Directory, Program, Sender
from consentry.domain.entries import Evidence, Medium
from consentry.domain.levels import STRENGTH
from consentry.domain.obstacles import standing_blocks, standing_suppression
from consentry.domain.opting import newest, reached_consents
from consentry.domain.policy import RevocationReach
from consentry.domain.reading import BlockLayer, SenderKind
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
    apply_pieces,
)
from consentry.domain.written_consent import Granting, Item, judge_written


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
    level: ConsentLevel,
    evidence: Evidence,
    program: Program,
    brand: Brand,
    *,
    senders: tuple[Sender, ...] = (),
) -> tuple[str, ...]:
    """List what must still be shown before a person may be asked (CTIA 5.1.2; 64.1200(f)(9)).

    `senders` are those over which the program texts: marketing needs a wording that names the
    seller, the number and the program (I3). The signature is the person's own answer by text.
    """
    items = _items_missing(level, Granting(evidence, brand, program, senders))
    return (*_missing_text(evidence), *(item.missing for item in items if item.is_wording))


def missing_in_grant(level: ConsentLevel, granting: Granting) -> tuple[str, ...]:
    """List what a grant must still show before it counts: what was shown, and what was done."""
    items = _items_missing(level, granting)
    unsigned = _missing_text(granting.evidence)
    return (*unsigned, *(i.missing for i in items if not unsigned or i.id != "signature"))


def _missing_text(evidence: Evidence) -> tuple[str, ...]:
    if evidence.medium is Medium.TEXT and not (evidence.verbatim or "").strip():
        return ("evidence.verbatim: the text that the person sent",)
    return ()


def _items_missing(level: ConsentLevel, granting: Granting) -> list[Item]:
    if level is not ConsentLevel.EXPRESS_WRITTEN:
        return []
    return [item for item in judge_written(granting) if not item.is_met]


def way_back(sender: Sender, blocks: tuple[Block, ...]) -> str:
    """Say what the person must text to be reached again; YES never works on toll-free."""
    words = "START or UNSTOP" if sender.kind is SenderKind.TOLL_FREE else "START"
    by_carrier = any(block.layer is not BlockLayer.OURS for block in blocks)
    who = "The carrier blocks" if by_carrier else "The person opted out of"
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
    reach: RevocationReach = RevocationReach.BRAND,
) -> Granted:
    """Decide what a grant does; an older grant never beats a newer revocation."""
    known = standing.consent(program.id)
    state_now = ConsentState.REVOKED if known is None else known.state
    withdrawn_at = withdrawal_of(standing, program, directory, reach)
    if withdrawn_at is not None and told.at <= withdrawn_at:
        older = "A newer revocation stands; this older grant is kept and changes nothing."
        return Granted((), state_now, older, superseded=True)
    withdrawn = known is not None and known.is_withdrawn
    if withdrawn and _is_imported(told, medium):
        return Granted((), state_now, "A revocation stands; an import never overwrites one.")
    lifted = _company_blocks(standing, program, told)
    after = apply_pieces(standing, lifted)
    state, note = _granted_state(after, program, directory, medium=medium)
    if state is ConsentState.PENDING and known is not None and known.is_asked:
        return Granted((), known.state, "The person was asked: only their own answer counts now.")
    consent = Consent(
        program=program.id,
        state=state,
        level=level,
        since=told.at,
        changed_at=told.at,
        entry=told.entry,
        by_person=state is not ConsentState.PENDING_CARRIER,
        expires_at=expires_at,
        withdrawn_at=None if known is None else known.withdrawn_at,
        asked_at=None if known is None else known.asked_at,
    )
    if known is not None and known.is_active(told.at):
        return _renewed(known, consent)
    if known is not None and known.is_withdrawn and known.by_person and program.is_conversation:
        return _waiting(known, consent, note)
    return Granted((*lifted, consent), state, note)


def _is_imported(told: Told, medium: Medium) -> bool:
    return told.cause is Cause.IMPORT or medium is Medium.IMPORT


def ran_out(expires_at: datetime) -> Granted:
    """Keep a grant whose time is over already: it changes nothing."""
    day = f"{expires_at.day} {expires_at:%B %Y}"
    note = f"This consent ran out on {day}. The grant is kept and changes nothing."
    return Granted((), ConsentState.EXPIRED, note, superseded=True)


def withdrawal_of(
    standing: Standing, program: Program, directory: Directory, reach: RevocationReach
) -> datetime | None:
    """Say when the person last withdrew what this program needs, though it may be lifted since.

    An opt-out takes the consents of its brand, also those we only hear of later.
    """
    known = standing.consent(program.id)
    latest = None if known is None else known.withdrawn_at
    if known is not None and known.is_withdrawn:
        latest = newest(latest, known.changed_at)
    for sender in _senders_reaching(program, directory, reach):
        latest = newest(latest, standing.thread(sender.number).opted_out_at)
    for suppression in standing.suppressions:
        if suppression.by_person and suppression.scope in (EVERYTHING, program.brand):
            latest = newest(latest, suppression.told_at)
    return latest


def _senders_reaching(
    program: Program, directory: Directory, reach: RevocationReach
) -> tuple[Sender, ...]:
    if program.is_conversation:
        return directory.senders_of(program)
    match reach:
        case RevocationReach.SENDER:
            return ()
        case RevocationReach.BRAND:
            return directory.senders_of(program)
        case RevocationReach.ALL:
            return tuple(directory.senders.values())
        case never:
            assert_never(never)


def _renewed(known: Consent, granted: Consent) -> Granted:
    """Renew a consent that is active: it grows stronger and lasts longer, and never shrinks."""
    stronger = STRENGTH[granted.level] - STRENGTH[known.level]
    if granted.state is not ConsentState.ACTIVE or stronger < 0:
        return Granted((), ConsentState.ACTIVE, "Consent is active already.")
    if stronger > 0:
        return Granted((granted,), ConsentState.ACTIVE)
    renewed = msgspec.structs.replace(
        known,
        changed_at=max(known.changed_at, granted.changed_at),
        expires_at=_later(known.expires_at, granted.expires_at),
    )
    return Granted((renewed,), ConsentState.ACTIVE)


def _later(first: datetime | None, second: datetime | None) -> datetime | None:
    """Give the later end; None is no end."""
    return None if first is None or second is None else max(first, second)


def _waiting(known: Consent, granted: Consent, note: str | None) -> Granted:
    """Keep the person's withdrawal behind a grant: only their own text ends it."""
    waiting = msgspec.structs.replace(
        granted,
        state=ConsentState.PENDING_CARRIER,
        changed_at=known.changed_at,
        by_person=True,
    )
    return Granted((waiting,), ConsentState.PENDING_CARRIER, note)


def _company_blocks(standing: Standing, program: Program, told: Told) -> tuple[Block, ...]:
    """Lift the block that an agent, a key or an import had set on their own account."""
    if program.sender is None or not program.is_conversation:
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
    standing: Standing, program: Program, directory: Directory, *, medium: Medium
) -> tuple[ConsentState, str | None]:
    hindrance = find_hindrance(standing, program, directory)
    if hindrance is not None:
        return hindrance
    if medium is Medium.TEXT:
        return ConsentState.ACTIVE, None
    return ConsentState.PENDING, "A number that was typed in counts once the handset confirms it."


def find_hindrance(
    standing: Standing, program: Program, directory: Directory
) -> tuple[ConsentState, str] | None:
    """Say what keeps the senders of a program from texting, whatever consent there is."""
    for sender in directory.senders_of(program):
        blocks = standing_blocks(standing, sender)
        if blocks or _is_withdrawn_from(standing, sender):
            return ConsentState.PENDING_CARRIER, way_back(sender, blocks)
        suppression = standing_suppression(standing, sender)
        if suppression is not None:
            return ConsentState.PENDING, "The number is on the do-not-text list: lift that first."
    return None


def _is_withdrawn_from(standing: Standing, sender: Sender) -> bool:
    """Tell whether the person's own word, without any block, keeps a sender from texting."""
    suppression = standing_suppression(standing, sender)
    if suppression is not None and suppression.by_person:
        return True
    conversation = standing.consent(sender.conversation)
    return conversation is not None and conversation.is_withdrawn and conversation.by_person


def decide_revocation(
    standing: Standing,
    program: Program,
    directory: Directory,
    *,
    told: Told,
    reach: RevocationReach = RevocationReach.BRAND,
) -> tuple[Piece, ...]:
    """Take consent with one program away; for a conversation, all that an opt-out takes."""
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
    withdrawn = _withdrawn(known, told)
    if program.sender is None or not program.is_conversation:
        return (withdrawn,)
    sender = directory.senders[program.sender]
    block = _blocked(standing.block(sender.number, BlockLayer.OURS), sender.number, told)
    others = reached_consents(standing, sender, directory, reach)
    pieces: list[Piece] = [withdrawn, block, *(_withdrawn(other, told) for other in others)]
    if told.by_person:
        thread = standing.thread(sender.number)
        last = thread.opted_out_at or told.at
        pieces.append(msgspec.structs.replace(thread, opted_out_at=max(last, told.at)))
    return (*pieces, Tag(sms=False))


def _withdrawn(known: Consent, told: Told) -> Consent:
    """Revoke; what the person had withdrawn before stays the person's."""
    withdrawn_at = newest(known.withdrawn_at, told.at)
    if known.state is ConsentState.REVOKED:
        return msgspec.structs.replace(
            known,
            changed_at=max(known.changed_at, told.at),
            by_person=known.by_person or told.by_person,
            withdrawn_at=withdrawn_at,
        )
    return msgspec.structs.replace(
        known,
        state=ConsentState.REVOKED,
        since=told.at,
        changed_at=max(known.changed_at, told.at),
        entry=told.entry,
        by_person=told.by_person or known.is_withdrawn,
        withdrawn_at=withdrawn_at,
    )


def _blocked(known: Block | None, number: str, told: Told) -> Block:
    """Block; what the person had blocked before stays the person's."""
    blocked = Block(
        scope=number,
        layer=BlockLayer.OURS,
        state=BlockState.BLOCKED,
        cause=told.cause,
        since=told.at,
        changed_at=told.at,
        entry=told.entry,
        by_person=told.by_person,
    )
    if known is None:
        return blocked
    later = max(known.changed_at, told.at)
    if known.state is BlockState.BLOCKED:
        by_person = known.by_person or told.by_person
        return msgspec.structs.replace(known, changed_at=later, by_person=by_person)
    return msgspec.structs.replace(blocked, changed_at=later, opted_in_at=known.opted_in_at)


def decide_suppression(
    standing: Standing, directory: Directory, *, scope: str, told: Told
) -> tuple[Piece, ...]:
    """Put a recipient on the do-not-text list of a brand or of everything.

    The person's own word revokes the consents as well; the company's own act does not, so that
    lifting it restores what was. A new word ends the exceptions that a person's START had made.
    """
    known = standing.suppression(scope)
    pieces: list[Piece] = [_listed(known, scope, told)]
    for consent in standing.consents if told.by_person else ():
        program = directory.program(consent.program)
        if scope == EVERYTHING or program is None or program.brand == scope:
            pieces.append(_withdrawn(consent, told))
    return (*pieces, Tag(sms=False))


def _listed(known: Suppression | None, scope: str, told: Told) -> Suppression:
    """List; one that stands keeps its first time and cause, and stays the person's."""
    if known is None or not known.active:
        return Suppression(
            scope=scope,
            cause=told.cause,
            since=told.at,
            entry=told.entry,
            by_person=told.by_person,
        )
    return msgspec.structs.replace(
        known,
        changed_at=max(known.told_at, told.at),
        by_person=known.by_person or told.by_person,
        lifted_for=(),
    )


def decide_lift(standing: Standing, *, scope: str, told: Told) -> Suppression | None:
    """Take a recipient off the list where the company had put it there; else None."""
    known = standing.suppression(scope)
    if known is None or not known.active or known.by_person:
        return None
    return msgspec.structs.replace(known, active=False, changed_at=told.at, entry=told.entry)


def decide_tag(standing: Standing, *, sms: bool) -> Tag | None:
    """Set the SMS tag by hand; None where the number is forbidden, which no hand can change."""
    if sms and standing.sms_preference is SMSPreference.FORBIDDEN:
        return None
    return Tag(sms=sms)
