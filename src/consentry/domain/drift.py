"""Drift: what a carrier says and our ledger does not, or our ledger and not the carrier.

The carrier's evidence is judged here, one text or one line of its list of opt-outs at a time, and
never changes consent by itself. Where a text might be forbidden that would go otherwise, the
places it would go by are *paused* until somebody has settled the drift (the gate fails closed).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never

import msgspec

from consentry.domain.consent import PairState, SignalKind, Text, decide_move, pair_state
from consentry.domain.consent import read_signal as read_signal_of
from consentry.domain.directory import Directory, Sender, is_conversation
from consentry.domain.entries import Actor
from consentry.domain.opting import newest
from consentry.domain.policy import Policy, RevocationReach
from consentry.domain.reading import BlockLayer, CarrierWord, LegalMeaning
from consentry.domain.standing import (
    CARRIER_CAUSES,
    Block,
    BlockState,
    Cause,
    Consent,
    Standing,
    apply_pieces,
)

_TICK: Final = timedelta(microseconds=1)
CUT_OFF_AFTER: Final = timedelta(minutes=10)


class DriftKind(StrEnum):
    """What one side says and the other does not, the worst first."""

    MISSED_OPT_OUT = "missed_opt_out"
    BLOCK_AT_CARRIER = "block_at_carrier"
    MISSED_OPT_IN = "missed_opt_in"
    MISSED_TEXT = "missed_text"
    BLOCK_NOT_AT_CARRIER = "block_not_at_carrier"

    __hash__ = str.__hash__
    """An enum's own is slow, and every drift is counted by it."""


class Severity(StrEnum):
    """How soon somebody should look."""

    CRITICAL = "critical"
    WARNING = "warning"
    NOTICE = "notice"


class DriftState(StrEnum):
    """Whether somebody has settled it: nothing settles by itself."""

    OPEN = "open"
    APPLIED = "applied"
    DISMISSED = "dismissed"


class Place(msgspec.Struct, frozen=True):
    """Where a block lies: a scope (a sender or a messaging service) and a layer."""

    scope: str
    layer: BlockLayer


class Heard(msgspec.Struct, frozen=True, omit_defaults=True):
    """When, by the carrier's clock, a person last opted in and out at a place."""

    place: Place
    opted_in_at: datetime | None = None
    opted_out_at: datetime | None = None

    def join(self, other: "Heard") -> "Heard":
        """Take the newer of each time."""
        return Heard(
            self.place,
            newest(self.opted_in_at, other.opted_in_at),
            newest(self.opted_out_at, other.opted_out_at),
        )


class Drift(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing in which a carrier and our ledger differ, and what became of it.

    `key` names the evidence, so that it is one drift however often it is seen. `carrier` is the
    account, `carrier_kind` the carrier's name. `since` is when it came about, by the carrier's
    clock where it gives a time.
    `carrier_says` and `we_say` are sentences for people. A text has `carrier_message_id` and
    `text` verbatim; a line of a list has `line`, and both kinds of block the `scopes` concerned.
    `heard` is what else the carrier's history tells of the order of the person's words. `places`
    are held back while it is open. `settled_by`, `settled_at`, `reason`: who settled it.
    """

    id: str
    key: str
    recipient: str
    sender: str
    carrier: str
    carrier_kind: str
    kind: DriftKind
    severity: Severity
    found_at: datetime
    report: str
    carrier_says: str
    we_say: str
    since: datetime | None = None
    carrier_message_id: str | None = None
    text: str | None = None
    media: tuple[str, ...] = ()
    line: str | None = None
    scopes: tuple[str, ...] = ()
    heard: tuple[Heard, ...] = ()
    places: tuple[Place, ...] = ()
    state: DriftState = DriftState.OPEN
    settled_at: datetime | None = None
    settled_by: Actor | None = None
    reason: str | None = None


class Judged(msgspec.Struct, frozen=True):
    """What a piece of evidence is, and what must be held back for it."""

    kind: DriftKind
    severity: Severity
    places: tuple[Place, ...] = ()


class ReconciliationState(StrEnum):
    """Where a comparison with a carrier is."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


class Reconciliation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One comparison of a carrier account with our ledger: the drift report.

    `since` is from when on the person's texts were compared, by the carrier's time. `replayed` are
    the senders whose texts were all looked at: a comparison that was cut off goes on behind them.
    `updated_at` is when it was last at work. `texts` and `lines` count what the carrier showed,
    `found` the new drifts by kind.
    """

    id: str
    carrier: str
    since: datetime
    started_at: datetime
    updated_at: datetime
    actor: Actor
    state: ReconciliationState = ReconciliationState.RUNNING
    finished_at: datetime | None = None
    replayed: tuple[str, ...] = ()
    texts: int = 0
    lines: int = 0
    found: dict[DriftKind, int] = {}
    error: str | None = None

    def is_cut_off(self, now: datetime) -> bool:
        """Tell whether it was not at work for so long that nobody can be carrying it out."""
        is_running = self.state is ReconciliationState.RUNNING
        return is_running and now - self.updated_at > CUT_OFF_AFTER

    @property
    def drifts(self) -> int:
        """How many new drifts were found."""
        return sum(self.found.values())


# --- What the carrier's history tells ------------------------------------------------------------


def list_words(read: Text, sender: Sender) -> tuple[Heard, ...]:
    """List what a text of the carrier's history says at which places, if anything."""
    ours = (BlockLayer.OURS,)
    if read.carrier.word is CarrierWord.OPT_OUT:
        return _heard(sender, read.carrier.layers or ours, opted_out_at=read.at)
    if read.legal.meaning in (LegalMeaning.OPT_OUT, LegalMeaning.WRONG_NUMBER):
        return _heard(sender, ours, opted_out_at=read.at)
    if read.carrier.word is CarrierWord.OPT_IN:
        return _heard(sender, (*read.carrier.layers, *ours), opted_in_at=read.at)
    return ()


def _heard(
    sender: Sender,
    layers: tuple[BlockLayer, ...],
    *,
    opted_in_at: datetime | None = None,
    opted_out_at: datetime | None = None,
) -> tuple[Heard, ...]:
    return tuple(
        Heard(Place(sender.scope_of(layer), layer), opted_in_at, opted_out_at)
        for layer in dict.fromkeys(layers)
    )


def order_by_carrier(standing: Standing, heard: Iterable[Heard]) -> Standing:
    """Give blocks the carrier's own times of the words that hold them.

    Most webhooks tell no time, so our ledger has the order of arrival by our clock. A text that is
    found later has the carrier's time, and must be put in order with the others by that clock.
    """
    pieces = []
    for word in heard:
        block = standing.block(word.place.scope, word.place.layer)
        if block is None:
            continue
        if block.state is BlockState.OPEN:
            opted_in_at = newest(block.opted_in_at, word.opted_in_at)
            pieces.append(msgspec.structs.replace(block, opted_in_at=opted_in_at))
        elif word.opted_out_at is not None:
            changed_at = max(block.changed_at, word.opted_out_at)
            pieces.append(msgspec.structs.replace(block, changed_at=changed_at))
    return apply_pieces(standing, tuple(pieces))


def list_words_since(standing: Standing, drift: Drift) -> tuple[Heard, ...]:
    """List what was said after a drift was found: newer than its text, by whatever clock.

    An opt-in counts only where it is the person's own word.
    """
    heard = []
    for block in standing.blocks:
        if block.is_paused or block.changed_at <= drift.found_at:
            continue
        at = max(block.changed_at, (drift.since or drift.found_at) + _TICK)
        place = Place(block.scope, block.layer)
        if block.state is not BlockState.OPEN:
            heard.append(Heard(place, opted_out_at=at))
        elif block.by_person and block.cause is Cause.KEYWORD:
            heard.append(Heard(place, opted_in_at=at))
    return tuple(heard)


# --- Judging -------------------------------------------------------------------------------------


def judge_text(
    read: Text, standing: Standing, sender: Sender, *, directory: Directory, policy: Policy
) -> Judged:
    """Judge a text that the carrier has and we do not, by what it would have done.

    `standing` is in the carrier's order of words (`order_by_carrier`).
    """
    signal = read_signal_of(read, standing, sender)
    match signal.kind:
        case SignalKind.OPT_OUT:
            moved = decide_move(
                signal, standing, sender, directory=directory, policy=policy, entry=""
            )
            after = apply_pieces(standing, moved.pieces)
            reached = _reached_senders(sender, directory, policy.revocation_reach)
            is_taken = any(_is_taken(c, after, read.at, sender) for c in standing.consents)
            return _judge_opt_out(standing, after, reached if is_taken else ())
        case SignalKind.OPT_IN:
            return Judged(DriftKind.MISSED_OPT_IN, Severity.WARNING)
        case SignalKind.UNCLEAR:
            reached = _reached_senders(sender, directory, policy.revocation_reach)
            is_solicited = any(_is_solicited(c, read.at) for c in standing.consents)
            numbers = dict.fromkeys((sender.number, *(reached if is_solicited else ())))
            places = tuple(Place(number, BlockLayer.OURS) for number in numbers)
            return Judged(DriftKind.MISSED_TEXT, Severity.WARNING, places)
        case SignalKind.PLAIN_TEXT | SignalKind.HELP | SignalKind.SCOPE_ANSWER:
            return Judged(DriftKind.MISSED_TEXT, Severity.WARNING)
        case never:
            assert_never(never)


def _is_solicited(consent: Consent, at: datetime) -> bool:
    """Tell whether a consent carries more than a conversation."""
    return consent.is_active(at) and not is_conversation(consent.program)


def _judge_opt_out(before: Standing, after: Standing, reached: tuple[str, ...]) -> Judged:
    """Hold back what it would close, and the senders over which what it takes could be used."""
    places = [
        Place(block.scope, block.layer)
        for block in after.blocks
        if block.state is BlockState.BLOCKED and not _is_blocked(before, block)
    ]
    places += [Place(number, BlockLayer.OURS) for number in reached]
    kept = tuple(dict.fromkeys(places))
    severity = Severity.CRITICAL if kept else Severity.NOTICE
    return Judged(DriftKind.MISSED_OPT_OUT, severity, kept)


def _is_blocked(standing: Standing, block: Block) -> bool:
    known = standing.block(block.scope, block.layer)
    return known is not None and known.state is BlockState.BLOCKED


def _is_taken(consent: Consent, after: Standing, at: datetime, sender: Sender) -> bool:
    """Tell whether an opt-out takes a consent beyond the conversation with its sender."""
    if consent.program == sender.conversation or not consent.is_active(at):
        return False
    left = after.consent(consent.program)
    return left is None or left.is_withdrawn


def _reached_senders(
    sender: Sender, directory: Directory, reach: RevocationReach
) -> tuple[str, ...]:
    """List the senders over which a revoked consent could still be used."""
    return tuple(
        other.number
        for other in directory.senders.values()
        if reach is RevocationReach.ALL or other.brand == sender.brand
    )


def judge_line(
    standing: Standing,
    senders: Iterable[Sender],
    *,
    blocked_at: datetime | None,
    settled_by: datetime,
) -> Judged | None:
    """Judge a line of the carrier's list of opt-outs, for one recipient; None where we agree.

    `senders` are those for which the line holds: where one of them refuses already, we agree.
    What is newer than `settled_by`, on either side, may be under way still and is left for later.
    """
    if blocked_at is not None and blocked_at > settled_by:
        return None
    places = []
    for sender in senders:
        if pair_state(standing, sender) in (PairState.OPTED_OUT, PairState.CARRIER_BLOCKED):
            return None
        place = Place(sender.scope_of(BlockLayer.PROVIDER), BlockLayer.PROVIDER)
        known = standing.block(place.scope, place.layer)
        if known is not None and known.changed_at > settled_by:
            return None
        places.append(place)
    return Judged(DriftKind.BLOCK_AT_CARRIER, Severity.WARNING, tuple(dict.fromkeys(places)))


def list_unlisted(
    standing: Standing, scopes: Iterable[str], *, settled_by: datetime
) -> tuple[Block, ...]:
    """List the provider's blocks of ours within `scopes`, of which the carrier lists none.

    Those that are newer than `settled_by` are left for later.
    """
    found = (standing.block(scope, BlockLayer.PROVIDER) for scope in scopes)
    return tuple(
        block
        for block in found
        if block is not None
        and block.state is BlockState.BLOCKED
        and block.changed_at <= settled_by
    )


# --- Holding back, and settling ------------------------------------------------------------------


def pause(
    standing: Standing, places: Iterable[Place], *, at: datetime, since: datetime, entry: str
) -> tuple[Block, ...]:
    """Hold places back; `at` orders it against the person's words, `since` is when it is done."""
    paused = []
    for place in places:
        known = standing.block(place.scope, place.layer)
        if known is not None and known.state is BlockState.BLOCKED:
            continue
        changed_at = at if known is None else max(at, known.changed_at)
        if known is not None and known.is_paused:
            paused.append(msgspec.structs.replace(known, changed_at=changed_at))
            continue
        paused.append(
            Block(
                scope=place.scope,
                layer=place.layer,
                state=BlockState.UNKNOWN,
                cause=Cause.DRIFT,
                since=since,
                changed_at=changed_at,
                entry=entry,
                by_person=False,
                opted_in_at=None if known is None else known.opted_in_at,
            )
        )
    return tuple(paused)


def resume(
    standing: Standing, drift: Drift, others: Iterable[Drift], *, at: datetime, entry: str
) -> tuple[Block, ...]:
    """Let places go that only this drift held back; `others` are the recipient's other drifts."""
    held = {place for other in others if other.state is DriftState.OPEN for place in other.places}
    resumed = []
    for place in drift.places:
        known = standing.block(place.scope, place.layer)
        if known is not None and known.is_paused and place not in held:
            opened = msgspec.structs.replace(
                known, state=BlockState.OPEN, since=at, entry=entry, by_person=False
            )
            resumed.append(opened)
    return tuple(resumed)


def close_listed(standing: Standing, drift: Drift, *, entry: str) -> tuple[Block, ...]:
    """Block what the carrier lists; a person who came back after it was read is left alone."""
    closed = []
    for scope in drift.scopes:
        known = standing.block(scope, BlockLayer.PROVIDER)
        stands = known is not None and known.state is BlockState.BLOCKED
        if stands or (known is not None and known.changed_at > drift.found_at):
            continue
        closed.append(
            Block(
                scope=scope,
                layer=BlockLayer.PROVIDER,
                state=BlockState.BLOCKED,
                cause=Cause.CARRIER_LIST,
                since=drift.since or drift.found_at,
                changed_at=drift.found_at,
                entry=entry,
                by_person=False,
                opted_in_at=None if known is None else known.opted_in_at,
            )
        )
    return tuple(closed)


def open_unlisted(standing: Standing, drift: Drift, *, entry: str) -> tuple[Block, ...] | None:
    """Open what only the carrier had blocked; None where a person's word holds it.

    Nothing is opened that was changed after the carrier's list was read.
    """
    opened = []
    for scope in drift.scopes:
        known = standing.block(scope, BlockLayer.PROVIDER)
        if known is None or known.state is not BlockState.BLOCKED:
            continue
        if known.by_person or known.cause not in CARRIER_CAUSES:
            return None
        if known.changed_at <= drift.found_at:
            opened.append(
                msgspec.structs.replace(
                    known,
                    state=BlockState.OPEN,
                    since=drift.found_at,
                    changed_at=drift.found_at,
                    entry=entry,
                )
            )
    return tuple(opened)


def settled_before(started_at: datetime, grace_seconds: float) -> datetime:
    """Say up to when evidence counts: what is newer may be under way, or seen by another clock."""
    return started_at - timedelta(seconds=grace_seconds)
