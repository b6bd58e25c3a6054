"""How consent moves: what a person's text does to the standing with one sender.

`MOVES` is the whole table, state of the pair by signal. A move is idempotent on each piece of
the standing (see `domain.opting`), so a repeat changes nothing but the time up to which it was
confirmed, and texts that arrive out of order lead to the same end as texts that arrive in order.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final, assert_never

import msgspec

from consentry.domain.carrier_profiles import whole_word
from consentry.domain.directory import Directory, Sender
from consentry.domain.gate import MessageKind
from consentry.domain.keywords import is_our_help, is_our_opt_in
from consentry.domain.obstacles import standing_blocks, standing_suppression
from consentry.domain.opting import (
    CLOCKS_DIFFER_MAX,
    Word,
    close_block,
    is_given_after,
    is_lifted_since,
    is_revoked_since,
    lift_suppressions,
    open_block,
    reached_consents,
    release_waiting,
    resume_conversation,
    revoke_consent,
    revoke_conversation,
)
from consentry.domain.policy import Policy
from consentry.domain.reading import (
    BlockLayer,
    CarrierReading,
    CarrierWord,
    LegalMeaning,
    LegalReading,
    Tier,
)
from consentry.domain.review import counts, end_review, open_review
from consentry.domain.scope_question import keep_program, read_answer
from consentry.domain.standing import (
    CARRIER_CAUSES,
    Block,
    Cause,
    Consent,
    ConsentState,
    Piece,
    Standing,
    Tag,
    Thread,
    Unclear,
    apply_pieces,
)
from consentry.domain.wrong_number import disown

_OUR_YES: Final = "YES"


class PairState(StrEnum):
    """Where a recipient and a sender stand with each other."""

    NOT_ASKED = "not_asked"
    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"
    CARRIER_BLOCKED = "carrier_blocked"
    PAUSED = "paused"


class SignalKind(StrEnum):
    """What a text asks of us."""

    PLAIN_TEXT = "plain_text"
    UNCLEAR = "unclear"
    HELP = "help"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    SCOPE_ANSWER = "scope_answer"


class Move(StrEnum):
    """What happens to the standing."""

    NOTHING = "nothing"
    CONVERSE = "converse"
    HOLD = "hold"
    CONVERSE_AND_HOLD = "converse_and_hold"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"
    KEEP_PROGRAM = "keep_program"


MOVES: Final[dict[tuple[PairState, SignalKind], Move]] = {
    (PairState.NOT_ASKED, SignalKind.PLAIN_TEXT): Move.CONVERSE,
    (PairState.NOT_ASKED, SignalKind.UNCLEAR): Move.CONVERSE_AND_HOLD,
    (PairState.NOT_ASKED, SignalKind.HELP): Move.NOTHING,
    (PairState.NOT_ASKED, SignalKind.OPT_OUT): Move.OPT_OUT,
    (PairState.NOT_ASKED, SignalKind.OPT_IN): Move.OPT_IN,
    (PairState.NOT_ASKED, SignalKind.SCOPE_ANSWER): Move.CONVERSE,
    (PairState.OPTED_IN, SignalKind.PLAIN_TEXT): Move.CONVERSE,
    (PairState.OPTED_IN, SignalKind.UNCLEAR): Move.CONVERSE_AND_HOLD,
    (PairState.OPTED_IN, SignalKind.HELP): Move.NOTHING,
    (PairState.OPTED_IN, SignalKind.OPT_OUT): Move.OPT_OUT,
    (PairState.OPTED_IN, SignalKind.OPT_IN): Move.OPT_IN,
    (PairState.OPTED_IN, SignalKind.SCOPE_ANSWER): Move.CONVERSE,
    (PairState.OPTED_OUT, SignalKind.PLAIN_TEXT): Move.NOTHING,
    (PairState.OPTED_OUT, SignalKind.UNCLEAR): Move.HOLD,
    (PairState.OPTED_OUT, SignalKind.HELP): Move.NOTHING,
    (PairState.OPTED_OUT, SignalKind.OPT_OUT): Move.OPT_OUT,
    (PairState.OPTED_OUT, SignalKind.OPT_IN): Move.OPT_IN,
    (PairState.OPTED_OUT, SignalKind.SCOPE_ANSWER): Move.KEEP_PROGRAM,
    (PairState.CARRIER_BLOCKED, SignalKind.PLAIN_TEXT): Move.NOTHING,
    (PairState.CARRIER_BLOCKED, SignalKind.UNCLEAR): Move.HOLD,
    (PairState.CARRIER_BLOCKED, SignalKind.HELP): Move.NOTHING,
    (PairState.CARRIER_BLOCKED, SignalKind.OPT_OUT): Move.OPT_OUT,
    (PairState.CARRIER_BLOCKED, SignalKind.OPT_IN): Move.OPT_IN,
    (PairState.CARRIER_BLOCKED, SignalKind.SCOPE_ANSWER): Move.NOTHING,
    (PairState.PAUSED, SignalKind.PLAIN_TEXT): Move.NOTHING,
    (PairState.PAUSED, SignalKind.UNCLEAR): Move.HOLD,
    (PairState.PAUSED, SignalKind.HELP): Move.NOTHING,
    (PairState.PAUSED, SignalKind.OPT_OUT): Move.OPT_OUT,
    (PairState.PAUSED, SignalKind.OPT_IN): Move.OPT_IN,
    (PairState.PAUSED, SignalKind.SCOPE_ANSWER): Move.NOTHING,
}


class Signal(msgspec.Struct, frozen=True, gc=False):
    """A text as far as consent goes.

    `at` is the carrier's time if `carrier_timed`, else when the text arrived. `layers` are the
    block layers it sets or lifts; on a plain text, those that its word shows to be open.
    `answered` says that the carrier answers it, so we do not. `arrived_at` is our own time of
    its arrival, where that is not `at`. `program`: what the answer to a question of ours keeps.
    `reading` is what an unclear text was read as, `message` where it is kept.
    """

    kind: SignalKind
    at: datetime
    carrier_timed: bool = False
    layers: tuple[BlockLayer, ...] = ()
    cause: Cause = Cause.KEYWORD
    answered: bool = False
    arrived_at: datetime | None = None
    program: str | None = None
    reading: LegalReading | None = None
    message: str = ""

    @property
    def since(self) -> datetime:
        """The time to show: the carrier's, but never one that is still to come."""
        return self.at if self.arrived_at is None else min(self.at, self.arrived_at)

    def word(self, entry: str) -> Word:
        """Say what the pieces of the standing need to know of it."""
        return Word(self.at, self.since, self.carrier_timed, self.cause, entry)


class Transition(msgspec.Struct, frozen=True, gc=False):
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
    found = standing_blocks(standing, sender)
    blocks = [block for block in found if not block.is_paused]
    consent = standing.consent(sender.conversation)
    if (
        any(block.cause not in CARRIER_CAUSES for block in blocks)
        or standing_suppression(standing, sender) is not None
        or (consent is not None and consent.is_withdrawn)
    ):
        return PairState.OPTED_OUT
    if blocks:
        return PairState.CARRIER_BLOCKED
    if found:
        return PairState.PAUSED
    is_active = consent is not None and consent.state is ConsentState.ACTIVE
    return PairState.OPTED_IN if is_active else PairState.NOT_ASKED


class Text(msgspec.Struct, frozen=True, gc=False):
    """A text that came in, read by both readers.

    `at` is the carrier's time if `carrier_timed`, else when it arrived; `arrived_at` is our own
    time of its arrival, where that is not `at`.
    """

    body: str
    at: datetime
    carrier: CarrierReading
    legal: LegalReading
    carrier_timed: bool = False
    arrived_at: datetime | None = None


def read_signal(text: Text, standing: Standing, sender: Sender) -> Signal:
    """Combine both readings with what stands: opt-out widely, opt-in exactly."""
    opt_out = _read_opt_out(text)
    if opt_out is not None:
        return opt_out
    kept = None
    if text.carrier.word is CarrierWord.NONE:
        kept = read_answer(text.body, standing, sender, text.arrived_at or text.at)
    if kept is not None:
        answer = _signal(text, SignalKind.SCOPE_ANSWER, ())
        return msgspec.structs.replace(answer, program=kept)
    layers = _lifted_layers(text, standing, sender)
    if layers and _lifts(text, standing, sender):
        return _signal(text, SignalKind.OPT_IN, layers)
    if text.carrier.word is CarrierWord.OPT_IN:
        return _signal(text, SignalKind.PLAIN_TEXT, layers)
    return _read_no_word(text, standing, sender)


def _read_no_word(text: Text, standing: Standing, sender: Sender) -> Signal:
    """Read what opts neither out nor in: a call for help, an unclear text, or a plain one."""
    if text.carrier.word is CarrierWord.HELP or is_our_help(text.body):
        return _signal(text, SignalKind.HELP, ())
    is_unclear = text.legal.meaning is LegalMeaning.AMBIGUOUS and counts(standing, sender)
    plain = _signal(text, SignalKind.UNCLEAR if is_unclear else SignalKind.PLAIN_TEXT, ())
    return msgspec.structs.replace(plain, reading=text.legal) if is_unclear else plain


def _read_opt_out(text: Text) -> Signal | None:
    """Take what the carrier saw, else what the person meant, as an opt-out."""
    ours = (BlockLayer.OURS,)
    if text.carrier.word is CarrierWord.OPT_OUT:
        return _signal(text, SignalKind.OPT_OUT, text.carrier.layers or ours)
    match text.legal.meaning:
        case LegalMeaning.OPT_OUT:
            by_word = text.legal.tier is Tier.KEYWORD
            cause = Cause.KEYWORD if by_word else Cause.FREE_TEXT
            return _signal(text, SignalKind.OPT_OUT, ours, cause)
        case LegalMeaning.WRONG_NUMBER:
            return _signal(text, SignalKind.OPT_OUT, ours, Cause.WRONG_NUMBER)
        case LegalMeaning.AMBIGUOUS | LegalMeaning.NONE:
            return None
        case never:
            assert_never(never)


def _signal(
    text: Text,
    kind: SignalKind,
    layers: tuple[BlockLayer, ...],
    cause: Cause = Cause.KEYWORD,
) -> Signal:
    at = text.at
    if kind is not SignalKind.OPT_OUT and text.arrived_at is not None:
        # An opt-in from the future would outweigh every opt-out until then.
        at = min(at, text.arrived_at + CLOCKS_DIFFER_MAX)
    return Signal(
        kind=kind,
        at=at,
        carrier_timed=text.carrier_timed,
        layers=layers,
        cause=cause,
        answered=text.carrier.answers,
        arrived_at=text.arrived_at,
    )


def _lifted_layers(text: Text, standing: Standing, sender: Sender) -> tuple[BlockLayer, ...]:
    """Say which layers an opt-in word lifts; none where it is no opt-in for this sender.

    The carrier's own reading decides; our list counts only where no carrier has a say.
    """
    if text.carrier.word is CarrierWord.OPT_IN:
        return (*text.carrier.layers, BlockLayer.OURS)
    blocks = standing_blocks(standing, sender)
    ours_alone = all(block.layer is BlockLayer.OURS for block in blocks)
    return (BlockLayer.OURS,) if ours_alone and is_our_opt_in(text.body) else ()


def _lifts(text: Text, standing: Standing, sender: Sender) -> bool:
    """Tell an opt-in from a YES that is an ordinary answer: nothing stands that it could lift."""
    if whole_word(text.body) != _OUR_YES:
        return True
    state = pair_state(standing, sender)
    return state in (PairState.OPTED_OUT, PairState.CARRIER_BLOCKED)


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
        case Move.HOLD | Move.CONVERSE_AND_HOLD:
            return _hold(signal, standing, sender, move=move, entry=entry)
        case Move.OPT_OUT:
            reach = reached_consents(standing, sender, directory, policy.revocation_reach)
            moved = _opt_out(signal, standing, sender, entry=entry, state=state, reach=reach)
            return _disown(moved, signal.word(entry), standing, sender, directory=directory)
        case Move.OPT_IN:
            return _opt_in(signal, standing, sender, entry=entry, state=state, directory=directory)
        case Move.KEEP_PROGRAM:
            return _keep_program(signal, standing, sender, entry=entry)
        case never:
            assert_never(never)


def _heard(standing: Standing, sender: Sender, at: datetime) -> Thread:
    """Note on the thread that the person texted; a late text does not turn the time back."""
    thread = standing.thread(sender.number)
    last = thread.last_inbound_at
    return msgspec.structs.replace(thread, last_inbound_at=at if last is None else max(last, at))


def _note(signal: Signal, standing: Standing, sender: Sender, *, state: PairState) -> Transition:
    asked = signal.kind is SignalKind.HELP and not signal.answered
    may_answer = state in (PairState.NOT_ASKED, PairState.OPTED_IN)
    reply = MessageKind.HELP_REPLY if asked and may_answer else None
    return Transition(Move.NOTHING, (_heard(standing, sender, signal.since),), reply)


def _converse(signal: Signal, standing: Standing, sender: Sender, *, entry: str) -> Transition:
    """Take a plain text as the opt-in it implies, and answer the first one.

    A YES with nothing to lift is a plain text too. The carrier saw an opt-in in it all the same
    (and answered it, so we do not), which an older opt-out that is still to arrive must meet.
    """
    word = signal.word(entry)
    thread = _heard(standing, sender, signal.since)
    reply = None
    is_held = standing.review(sender.number) is not None
    if thread.initial_reply_at is None and not signal.answered and not is_held:
        reply = MessageKind.INITIAL_REPLY
        thread = msgspec.structs.replace(thread, initial_reply_at=signal.since)
    pieces: list[Piece] = []
    if signal.carrier_timed:
        pieces += _opened_blocks(signal, standing, sender, word)
    known = standing.consent(sender.conversation)
    active = resume_conversation(known, word, sender)
    if active != known:
        pieces += [active, Tag(sms=True)]
    return Transition(Move.CONVERSE, (*pieces, thread), reply)


def _hold(
    signal: Signal, standing: Standing, sender: Sender, *, move: Move, entry: str
) -> Transition:
    """Hold back all but direct replies until somebody has said what the text means.

    A first text opens the conversation in which an agent may answer the person, and is no opt-in
    to anything else; no answer of ours goes out by itself.
    """
    pieces: list[Piece] = [_heard(standing, sender, signal.since)]
    if signal.reading is not None:
        unclear = Unclear("", signal.message, entry, signal.at, signal.reading)
        pieces.append(open_review(standing, sender.number, unclear))
    if move is Move.CONVERSE_AND_HOLD:
        known = standing.consent(sender.conversation)
        active = resume_conversation(known, signal.word(entry), sender)
        pieces += [] if active == known else [active, Tag(sms=True)]
    return Transition(move, tuple(pieces), narrowed=True)


def _opened_blocks(signal: Signal, standing: Standing, sender: Sender, word: Word) -> list[Block]:
    opened = []
    for layer in signal.layers:
        scope = sender.scope_of(layer)
        opened.append(open_block(standing.block(scope, layer), word, scope=scope, layer=layer))
    return opened


def _opt_out(
    signal: Signal,
    standing: Standing,
    sender: Sender,
    *,
    entry: str,
    state: PairState,
    reach: tuple[Consent, ...],
) -> Transition:
    word = signal.word(entry)
    closed = _closed_blocks(signal, standing, sender, word)
    ours = standing.block(sender.number, BlockLayer.OURS)
    superseded = not closed and is_lifted_since(ours, word)
    pieces: list[Piece] = [_opted_out(standing, sender, signal.since), *closed]
    if not superseded:
        known = standing.consent(sender.conversation)
        pieces += [revoke_conversation(known, word, sender), Tag(sms=False)]
        pieces += end_review(standing, sender.number)
    pieces += [
        revoke_consent(consent, word)
        for consent in reach
        if not is_given_after(consent, word, arrived_at=signal.arrived_at, is_back=superseded)
    ]
    first = state is not PairState.OPTED_OUT and not superseded
    reply = MessageKind.OPT_OUT_CONFIRMATION if first and not signal.answered else None
    return Transition(Move.OPT_OUT, tuple(pieces), reply, superseded=superseded, narrowed=True)


def _disown(
    moved: Transition, word: Word, standing: Standing, sender: Sender, *, directory: Directory
) -> Transition:
    """Let the number alone where it is not the person's whom we meant."""
    if word.cause is not Cause.WRONG_NUMBER:
        return moved
    after = apply_pieces(standing, moved.pieces)
    disowned = disown(after, sender, directory, word, is_back=moved.superseded)
    return msgspec.structs.replace(moved, pieces=(*moved.pieces, *disowned))


def _opted_out(standing: Standing, sender: Sender, at: datetime) -> Thread:
    """Note the opt-out; what an earlier one was asked about, nobody can answer any more."""
    heard = _heard(standing, sender, at)
    last = heard.opted_out_at
    newest = at if last is None else max(last, at)
    return msgspec.structs.replace(heard, opted_out_at=newest, scope_question=None)


def _keep_program(signal: Signal, standing: Standing, sender: Sender, *, entry: str) -> Transition:
    """Take a number for the answer to our question; it is answered once."""
    heard = _heard(standing, sender, signal.since)
    thread = msgspec.structs.replace(heard, scope_question=None)
    kept = keep_program(standing, sender, signal.program or "", word=signal.word(entry))
    return Transition(Move.KEEP_PROGRAM, (*kept, thread), superseded=not kept)


def _closed_blocks(signal: Signal, standing: Standing, sender: Sender, word: Word) -> list[Block]:
    closed = []
    for layer in signal.layers:
        scope = sender.scope_of(layer)
        known = standing.block(scope, layer)
        if not is_lifted_since(known, word):
            closed.append(close_block(known, word, scope=scope, layer=layer))
    return closed


def _opt_in(
    signal: Signal,
    standing: Standing,
    sender: Sender,
    *,
    entry: str,
    state: PairState,
    directory: Directory,
) -> Transition:
    """Lift what this sender's carrier lifts, and bring the conversation and the tag back.

    The conversation stays revoked while a newer word of the person holds it, or a block that
    this word does not reach: a service's own START leaves the network's block of STOP.
    """
    word = signal.word(entry)
    pieces: list[Piece] = [*_opened_blocks(signal, standing, sender, word)]
    pieces += lift_suppressions(standing, word, sender)
    heard = _heard(standing, sender, signal.since)
    pieces.append(msgspec.structs.replace(heard, scope_question=None))
    after = apply_pieces(standing, tuple(pieces))
    blocks = standing_blocks(after, sender)
    left = [b for b in blocks if not (b.is_paused or b.cause in CARRIER_CAUSES)]
    known = standing.consent(sender.conversation)
    newer = is_revoked_since(known, word) or any(b.layer in signal.layers for b in left)
    if not newer:
        until = signal.at if signal.carrier_timed else None
        pieces += end_review(standing, sender.number, until=until)
    if newer or left:
        return Transition(Move.OPT_IN, tuple(pieces), superseded=newer)
    pieces += [resume_conversation(known, word, sender), Tag(sms=True)]
    pieces += release_waiting(after, sender, directory)
    answers = not signal.answered and state is not PairState.OPTED_IN
    reply = MessageKind.OPT_IN_CONFIRMATION if answers else None
    return Transition(Move.OPT_IN, tuple(pieces), reply)
