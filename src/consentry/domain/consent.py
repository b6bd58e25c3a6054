"""How consent moves: what a person's text does to the standing with one sender.

`MOVES` is the whole table, state of the pair by signal. A move is idempotent on each piece of
the standing, so a repeat changes nothing but the time up to which it was confirmed, and texts
that arrive out of order lead to the same end as texts that arrive in order.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from consentry.domain.directory import Directory, Purpose, Sender
from consentry.domain.gate import MessageKind, standing_blocks, standing_suppression
from consentry.domain.keywords import is_our_opt_in
from consentry.domain.policy import Policy, RevocationReach
from consentry.domain.reading import (
    BlockLayer,
    CarrierReading,
    CarrierWord,
    LegalMeaning,
    LegalReading,
    Tier,
)
from consentry.domain.standing import (
    EVERYTHING,
    Block,
    BlockState,
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    Piece,
    Standing,
    Tag,
    Thread,
)

_TICK: Final = timedelta(microseconds=1)
_OUR_HELP: Final = frozenset({"HELP", "INFO"})
_OUR_YES: Final = "YES"


class PairState(StrEnum):
    """Where a recipient and a sender stand with each other."""

    NOT_ASKED = "not_asked"
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"
    CARRIER_BLOCKED = "carrier_blocked"


class SignalKind(StrEnum):
    """What a text asks of us."""

    PLAIN_TEXT = "plain_text"
    HELP = "help"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"


class Move(StrEnum):
    """What happens to the standing."""

    NOTHING = "nothing"
    CONVERSE = "converse"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"


MOVES: Final[dict[tuple[PairState, SignalKind], Move]] = {
    (PairState.NOT_ASKED, SignalKind.PLAIN_TEXT): Move.CONVERSE,
    (PairState.NOT_ASKED, SignalKind.HELP): Move.NOTHING,
    (PairState.NOT_ASKED, SignalKind.OPT_OUT): Move.OPT_OUT,
    (PairState.NOT_ASKED, SignalKind.OPT_IN): Move.OPT_IN,
    (PairState.OPTED_IN, SignalKind.PLAIN_TEXT): Move.CONVERSE,
    (PairState.OPTED_IN, SignalKind.HELP): Move.NOTHING,
    (PairState.OPTED_IN, SignalKind.OPT_OUT): Move.OPT_OUT,
    (PairState.OPTED_IN, SignalKind.OPT_IN): Move.OPT_IN,
    (PairState.OPTED_OUT, SignalKind.PLAIN_TEXT): Move.NOTHING,
    (PairState.OPTED_OUT, SignalKind.HELP): Move.NOTHING,
    (PairState.OPTED_OUT, SignalKind.OPT_OUT): Move.OPT_OUT,
    (PairState.OPTED_OUT, SignalKind.OPT_IN): Move.OPT_IN,
    (PairState.CARRIER_BLOCKED, SignalKind.PLAIN_TEXT): Move.NOTHING,
    (PairState.CARRIER_BLOCKED, SignalKind.HELP): Move.NOTHING,
    (PairState.CARRIER_BLOCKED, SignalKind.OPT_OUT): Move.OPT_OUT,
    (PairState.CARRIER_BLOCKED, SignalKind.OPT_IN): Move.OPT_IN,
}


class Signal(msgspec.Struct, frozen=True):
    """A text as far as consent goes.

    `at` is the carrier's time if `carrier_timed`, else when the text arrived. `layers` are the
    block layers it sets or lifts. `answered` says that the carrier answers it, so we do not.
    """

    kind: SignalKind
    at: datetime
    carrier_timed: bool = False
    layers: tuple[BlockLayer, ...] = ()
    cause: Cause = Cause.KEYWORD
    answered: bool = False


class Transition(msgspec.Struct, frozen=True):
    """What a signal leads to: changed pieces, at most one answer of ours.

    `superseded` says that a newer word of the person already stands. `narrowed` says that less
    may be sent than before, so what waits in the outbox must be asked about again.
    """

    move: Move
    pieces: tuple[Piece, ...] = ()
    reply: MessageKind | None = None
    superseded: bool = False
    narrowed: bool = False


def pair_state(standing: Standing, sender: Sender) -> PairState:
    """Derive the state of the pair; an opt-out outweighs everything else."""
    blocks = standing_blocks(standing, sender)
    if any(block.cause is not Cause.CARRIER_REFUSAL for block in blocks):
        return PairState.OPTED_OUT
    if standing_suppression(standing, sender) is not None:
        return PairState.OPTED_OUT
    consent = standing.consent(sender.conversation)
    if consent is not None and consent.state is ConsentState.REVOKED:
        return PairState.OPTED_OUT
    if blocks:
        return PairState.CARRIER_BLOCKED
    if consent is not None and consent.state is ConsentState.ACTIVE:
        return PairState.OPTED_IN
    return PairState.NOT_ASKED


class Text(msgspec.Struct, frozen=True):
    """A text that came in, read by both readers."""

    body: str
    at: datetime
    carrier: CarrierReading
    legal: LegalReading
    carrier_timed: bool = False


def read_signal(text: Text, standing: Standing, sender: Sender) -> Signal:
    """Combine both readings with what stands: opt-out widely, opt-in exactly."""

    def signal(kind: SignalKind, *layers: BlockLayer, cause: Cause = Cause.KEYWORD) -> Signal:
        return Signal(
            kind=kind,
            at=text.at,
            carrier_timed=text.carrier_timed,
            layers=layers,
            cause=cause,
            answered=text.carrier.answers,
        )

    if text.carrier.word is CarrierWord.OPT_OUT:
        return signal(SignalKind.OPT_OUT, *text.carrier.layers)
    if text.legal.meaning is LegalMeaning.OPT_OUT:
        cause = Cause.KEYWORD if text.legal.tier is Tier.KEYWORD else Cause.FREE_TEXT
        return signal(SignalKind.OPT_OUT, BlockLayer.OURS, cause=cause)
    if text.legal.meaning is LegalMeaning.WRONG_NUMBER:
        return signal(SignalKind.OPT_OUT, BlockLayer.OURS, cause=Cause.WRONG_NUMBER)
    layers = _lifted_layers(text, standing, sender)
    if layers is not None:
        return signal(SignalKind.OPT_IN, *layers)
    if text.carrier.word is CarrierWord.HELP or text.body.strip().upper() in _OUR_HELP:
        return signal(SignalKind.HELP)
    return signal(SignalKind.PLAIN_TEXT)


def _lifted_layers(text: Text, standing: Standing, sender: Sender) -> tuple[BlockLayer, ...] | None:
    """Say which layers an opt-in word lifts, or None where it is no opt-in here.

    The carrier's own reading decides; our list counts only where no carrier has a say. YES is
    an ordinary answer unless something stands that it could lift.
    """
    blocks = standing_blocks(standing, sender)
    state = pair_state(standing, sender)
    opted_out = state in (PairState.OPTED_OUT, PairState.CARRIER_BLOCKED)
    if text.body.strip().upper() == _OUR_YES and not opted_out:
        return None
    if text.carrier.word is CarrierWord.OPT_IN:
        return (*text.carrier.layers, BlockLayer.OURS)
    ours_alone = all(block.layer is BlockLayer.OURS for block in blocks)
    if is_our_opt_in(text.body) and ours_alone and (opted_out or not text.carrier.answers):
        return (BlockLayer.OURS,)
    return None


def decide_move(
    signal: Signal,
    standing: Standing,
    sender: Sender,
    *,
    directory: Directory,
    policy: Policy,
    entry: str,
) -> Transition:
    """Look the move up and make it; `entry` is the ledger entry that will be its evidence."""
    state = pair_state(standing, sender)
    move = MOVES[state, signal.kind]
    match move:
        case Move.NOTHING:
            return _note(signal, standing, sender, state=state)
        case Move.CONVERSE:
            return _converse(signal, standing, sender, entry=entry)
        case Move.OPT_OUT:
            reach = _reached(standing, sender, directory=directory, reach=policy.revocation_reach)
            return _opt_out(signal, standing, sender, entry=entry, state=state, reach=reach)
        case Move.OPT_IN:
            return _opt_in(signal, standing, sender, entry=entry, state=state)


def _heard(standing: Standing, sender: Sender, at: datetime) -> Thread:
    """Note on the thread that the person texted; a late text does not turn the time back."""
    thread = standing.thread(sender.number)
    last = thread.last_inbound_at
    return msgspec.structs.replace(thread, last_inbound_at=at if last is None else max(last, at))


def _note(signal: Signal, standing: Standing, sender: Sender, *, state: PairState) -> Transition:
    asked = signal.kind is SignalKind.HELP and not signal.answered
    may_answer = state in (PairState.NOT_ASKED, PairState.OPTED_IN)
    reply = MessageKind.HELP_REPLY if asked and may_answer else None
    return Transition(Move.NOTHING, (_heard(standing, sender, signal.at),), reply)


def _converse(signal: Signal, standing: Standing, sender: Sender, *, entry: str) -> Transition:
    """Take a plain text as the opt-in it implies, and answer the first one."""
    thread = _heard(standing, sender, signal.at)
    reply = None
    if thread.initial_reply_at is None:
        reply = MessageKind.INITIAL_REPLY
        thread = msgspec.structs.replace(thread, initial_reply_at=signal.at)
    pieces: tuple[Piece, ...] = (thread,)
    known = standing.consent(sender.conversation)
    if known is None or known.state is not ConsentState.ACTIVE:
        consent = Consent(
            program=sender.conversation,
            state=ConsentState.ACTIVE,
            level=ConsentLevel.IMPLIED,
            since=signal.at,
            changed_at=signal.at,
            entry=entry,
        )
        pieces = (consent, Tag(sms=True), thread)
    return Transition(Move.CONVERSE, pieces, reply)


def _last_opt_in(standing: Standing, sender: Sender) -> datetime | None:
    """Say when the person last opted in by keyword: each such word leaves our layer open."""
    block = standing.block(sender.number, BlockLayer.OURS)
    return block.changed_at if block is not None and block.state is BlockState.OPEN else None


def _opt_out(
    signal: Signal,
    standing: Standing,
    sender: Sender,
    *,
    entry: str,
    state: PairState,
    reach: tuple[Consent, ...],
) -> Transition:
    opted_in_at = _last_opt_in(standing, sender)
    superseded = signal.carrier_timed and opted_in_at is not None and opted_in_at > signal.at
    at = signal.at
    if not signal.carrier_timed and opted_in_at is not None:
        at = max(at, opted_in_at)
    pieces: list[Piece] = [_heard(standing, sender, signal.at)]
    if not superseded:
        pieces += _closed_blocks(signal, standing, sender, at=at, entry=entry)
        pieces += [_revoked_conversation(standing, sender, at=at, entry=entry), Tag(sms=False)]
    pieces += [
        _revoked(consent, at=at, entry=entry)
        for consent in reach
        if not signal.carrier_timed or consent.changed_at <= at
    ]
    first = state is not PairState.OPTED_OUT
    reply = (
        MessageKind.OPT_OUT_CONFIRMATION
        if first and not superseded and not signal.answered
        else None
    )
    return Transition(Move.OPT_OUT, tuple(pieces), reply, superseded=superseded, narrowed=True)


def _closed_blocks(
    signal: Signal, standing: Standing, sender: Sender, *, at: datetime, entry: str
) -> list[Block]:
    return [
        _closed(
            standing.block(sender.scope_of(layer), layer),
            Block(
                scope=sender.scope_of(layer),
                layer=layer,
                state=BlockState.BLOCKED,
                cause=signal.cause,
                since=at,
                changed_at=at,
                entry=entry,
            ),
        )
        for layer in signal.layers
    ]


def _closed(known: Block | None, new: Block) -> Block:
    """Keep the first time and cause of an opt-out that stands; a guess gives way to a word."""
    if known is None or known.state is not BlockState.BLOCKED:
        return new
    if known.cause is Cause.CARRIER_REFUSAL:
        return msgspec.structs.replace(new, changed_at=max(known.changed_at, new.changed_at))
    return msgspec.structs.replace(
        known, changed_at=max(known.changed_at, new.changed_at), by_person=True
    )


def _revoked_conversation(
    standing: Standing, sender: Sender, *, at: datetime, entry: str
) -> Consent:
    known = standing.consent(sender.conversation)
    if known is None:
        known = Consent(
            program=sender.conversation,
            state=ConsentState.NONE,
            level=ConsentLevel.IMPLIED,
            since=at,
            changed_at=at,
            entry=entry,
        )
    return _revoked(known, at=at, entry=entry)


def _revoked(consent: Consent, *, at: datetime, entry: str) -> Consent:
    if consent.state is ConsentState.REVOKED:
        later = max(consent.changed_at, at)
        return msgspec.structs.replace(consent, changed_at=later, by_person=True)
    return msgspec.structs.replace(
        consent,
        state=ConsentState.REVOKED,
        since=at,
        changed_at=at,
        entry=entry,
        by_person=True,
    )


def _reached(
    standing: Standing, sender: Sender, *, directory: Directory, reach: RevocationReach
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
    program = directory.program(program_id)
    if program is None:
        return True
    return program.brand == brand and program.purpose is not Purpose.CONVERSATIONAL


def _opt_in(
    signal: Signal, standing: Standing, sender: Sender, *, entry: str, state: PairState
) -> Transition:
    """Lift what this sender's carrier lifts, and bring the conversation and the tag back."""
    heard = _heard(standing, sender, signal.at)
    known = [standing.block(sender.scope_of(layer), layer) for layer in signal.layers]
    consent = standing.consent(sender.conversation)
    changes = [b.changed_at for b in known if b is not None]
    if consent is not None and consent.state is ConsentState.REVOKED:
        changes.append(consent.changed_at)
    last = max(changes, default=None)
    at = signal.at
    if last is not None and last >= at:
        if signal.carrier_timed:
            return Transition(Move.OPT_IN, (heard,), superseded=True)
        at = last + _TICK
    opened = [_opened(sender.scope_of(layer), layer, at=at, entry=entry) for layer in signal.layers]
    lifted = [
        msgspec.structs.replace(s, lifted_for=(*s.lifted_for, sender.number))
        for s in standing.suppressions
        if s.active
        and s.by_person
        and s.scope in (EVERYTHING, sender.brand)
        and sender.number not in s.lifted_for
    ]
    active = _resumed(consent, sender, at=at, entry=entry)
    answer = (
        None if signal.answered or state is PairState.OPTED_IN else MessageKind.OPT_IN_CONFIRMATION
    )
    return Transition(Move.OPT_IN, (*opened, *lifted, active, Tag(sms=True), heard), answer)


def _opened(scope: str, layer: BlockLayer, *, at: datetime, entry: str) -> Block:
    return Block(
        scope=scope,
        layer=layer,
        state=BlockState.OPEN,
        cause=Cause.KEYWORD,
        since=at,
        changed_at=at,
        entry=entry,
    )


def _resumed(known: Consent | None, sender: Sender, *, at: datetime, entry: str) -> Consent:
    if known is not None and known.state is ConsentState.ACTIVE:
        return msgspec.structs.replace(known, changed_at=at)
    return Consent(
        program=sender.conversation,
        state=ConsentState.ACTIVE,
        level=ConsentLevel.IMPLIED,
        since=at,
        changed_at=at,
        entry=entry,
    )


def refuse_by_carrier(
    standing: Standing, sender: Sender, *, submitted_at: datetime, entry: str
) -> tuple[Block, ...]:
    """Learn from a carrier's "opted out" that the pair is blocked; it is not a person's word.

    A refusal of a text that we submitted before the person came back says nothing of now.
    """
    scope = sender.scope_of(BlockLayer.PROVIDER)
    known = standing.block(scope, BlockLayer.PROVIDER)
    stands = known is not None and known.state is BlockState.BLOCKED
    if stands or (known is not None and known.changed_at > submitted_at):
        return ()
    return (
        Block(
            scope=scope,
            layer=BlockLayer.PROVIDER,
            state=BlockState.BLOCKED,
            cause=Cause.CARRIER_REFUSAL,
            since=submitted_at,
            changed_at=submitted_at,
            entry=entry,
            by_person=False,
        ),
    )


def confirm_delivery(
    standing: Standing, sender: Sender, *, submitted_at: datetime, entry: str
) -> tuple[Block, ...]:
    """Open a block that only a refusal had set, once a later text was delivered."""
    scope = sender.scope_of(BlockLayer.PROVIDER)
    known = standing.block(scope, BlockLayer.PROVIDER)
    if known is None or known.state is not BlockState.BLOCKED:
        return ()
    if known.cause is not Cause.CARRIER_REFUSAL or known.changed_at >= submitted_at:
        return ()
    return (
        msgspec.structs.replace(
            known, state=BlockState.OPEN, since=submitted_at, changed_at=submitted_at, entry=entry
        ),
    )
