"""Drift is settled: applied by an admin with a reason, or dismissed; both are kept."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, assert_never

import msgspec

from consentry.actions.outgoing import cancel_forbidden, join
from consentry.actions.receive_message import ReceiveMessage
from consentry.domain.drift import (
    Drift,
    DriftKind,
    DriftState,
    Heard,
    close_listed,
    list_words_since,
    open_unlisted,
    resume,
)
from consentry.domain.entries import Actor, Entry, EntryKind
from consentry.domain.reasons import OPTED_OUT_SENTENCE
from consentry.domain.standing import Block, Standing, apply_pieces
from consentry.ports import (
    Change,
    Delivery,
    DriftFilter,
    Facts,
    InboundText,
    Needs,
    Page,
    Rejected,
    Store,
)

SETTLED_MAX: Final = 1000
"""So many drifts of a report are settled at once; the rest by asking again."""

_PAGE: Final = 200


class DriftSettled(msgspec.Struct, frozen=True):
    """The drift as it is now; `in_flight`, `answered`: as of a text that was received."""

    drift: Drift
    in_flight: tuple[str, ...] = ()
    answered: bool = False


class _Settling(msgspec.Struct, frozen=True):
    """One drift being settled: by whom and why, and the entry that tells of it."""

    drift: Drift
    others: tuple[Drift, ...]
    standing: Standing
    actor: Actor
    at: datetime
    entry: str

    def resume(self) -> tuple[Block, ...]:
        """Let go what only this drift held back."""
        return resume(self.standing, self.drift, self.others, at=self.at, entry=self.entry)

    def tell(self, kind: EntryKind, pieces: tuple[Block, ...]) -> Entry:
        """Tell what became of it; in the audit the evidence stands beside the reason."""
        drift = self.drift
        return Entry(
            id=self.entry,
            recipient=drift.recipient,
            kind=kind,
            at=self.at,
            recorded_at=self.at,
            actor=self.actor,
            sender=drift.sender,
            text=f"{drift.kind}: {drift.text or drift.line or drift.we_say}",
            reason=drift.reason,
            drift=drift.id,
            pieces=pieces,
        )


class DismissDrift(msgspec.Struct, frozen=True):
    """Say that a drift is none, or is to stay as it is; what it held back goes on."""

    drift: Drift
    actor: Actor
    reason: str

    def needs(self) -> Needs:
        """Ask for the standing and the person's drifts."""
        return Needs(recipients=(self.drift.recipient,), drifts=True)

    def decide(self, facts: Facts) -> tuple[DriftSettled, Change]:
        """Keep who dismissed it and why; raises `Rejected` where it is settled already."""
        settling = _begin(self, DriftState.DISMISSED, facts)
        entry = settling.tell(EntryKind.DRIFT_DISMISSED, settling.resume())
        change = Change(entries=(entry,), records=(settling.drift,))
        return DriftSettled(settling.drift), change


class ApplyDrift(msgspec.Struct, frozen=True):
    """Make our ledger say what the carrier's evidence says, as if it had come in time.

    A text is received as any other, at the carrier's time: a STOP that is older than a START does
    not undo it. A carrier's block becomes one of ours, with the carrier's list as its cause. A
    block that the carrier no longer has is lifted only where nobody's word holds it.
    """

    drift: Drift
    actor: Actor
    reason: str

    def needs(self) -> Needs:
        """Ask for the standing, the person's drifts and profile, what waits, and the text."""
        known_as = self.drift.carrier_message_id
        return Needs(
            recipients=(self.drift.recipient,),
            inbound=None if known_as is None else (self.drift.carrier, known_as),
            queued_jobs=True,
            profiles=True,
            drifts=True,
        )

    def decide(self, facts: Facts) -> tuple[DriftSettled, Change]:
        """Apply it; raises `Rejected` where it is settled, or only the person may lift it."""
        settling = _begin(self, DriftState.APPLIED, facts)
        drift, resumed = settling.drift, settling.resume()
        after = apply_pieces(settling.standing, resumed)
        match drift.kind:
            case DriftKind.MISSED_OPT_OUT | DriftKind.MISSED_OPT_IN | DriftKind.MISSED_TEXT:
                heard = list_words_since(settling.standing, drift)
                received, change = _receive(drift, heard, facts).decide_on(facts, after)
                entry = settling.tell(EntryKind.DRIFT_APPLIED, resumed)
                kept = Change(entries=(entry,), records=(drift,))
                outcome = DriftSettled(drift, received.in_flight, received.answered)
                return outcome, join(kept, change)
            case DriftKind.BLOCK_AT_CARRIER:
                pieces = (*resumed, *close_listed(after, drift, entry=settling.entry))
            case DriftKind.BLOCK_NOT_AT_CARRIER:
                pieces = _lift(settling)
            case never:
                assert_never(never)
        entry = settling.tell(EntryKind.DRIFT_APPLIED, pieces)
        left = apply_pieces(settling.standing, pieces)
        stopped = cancel_forbidden(drift.recipient, left, facts)
        outcome = DriftSettled(drift, facts.in_flight(drift.recipient))
        return outcome, join(Change(entries=(entry,), records=(drift,)), stopped)


def _lift(settling: _Settling) -> tuple[Block, ...]:
    opened = open_unlisted(settling.standing, settling.drift, entry=settling.entry)
    if opened is None:
        raise Rejected(
            "opted_out",
            "The person's own word holds this block, and only they can lift it. Dismiss the "
            f"drift to keep it. {OPTED_OUT_SENTENCE}",
            status=403,
        )
    return opened


def _receive(drift: Drift, heard: tuple[Heard, ...], facts: Facts) -> ReceiveMessage:
    """Make the text that was missed, as the carrier has it; `heard` is what came since."""
    text = InboundText(
        carrier_message_id=drift.carrier_message_id or "",
        recipient=drift.recipient,
        sender=drift.sender,
        body=drift.text or "",
        media=drift.media,
        sent_at=drift.since,
    )
    heard = (*drift.heard, *heard)
    return ReceiveMessage(drift.carrier, drift.carrier_kind, text, facts.now, heard=heard)


def _begin(command: DismissDrift | ApplyDrift, state: DriftState, facts: Facts) -> _Settling:
    """Find the drift as it is now, and say what it will be."""
    recipient, asked = command.drift.recipient, command.drift.id
    drifts = facts.drifts(recipient)
    found = next((drift for drift in drifts if drift.id == asked), None)
    if found is None:
        raise Rejected("not_found", f"There is no drift {asked!a}. List them.", status=404)
    if found.state is not DriftState.OPEN:
        raise Rejected(
            "already_settled", f"The drift {found.id} is {found.state} already. List the open ones."
        )
    settled = msgspec.structs.replace(
        found,
        state=state,
        settled_at=facts.now,
        settled_by=command.actor,
        reason=command.reason,
    )
    return _Settling(
        drift=settled,
        others=tuple(drift for drift in drifts if drift.id != asked),
        standing=facts.standing(recipient),
        actor=command.actor,
        at=facts.now,
        entry=facts.ids.new("ent"),
    )


class RefusedDrift(msgspec.Struct, frozen=True):
    """A drift that could not be settled, and why."""

    drift: str
    code: str
    detail: str


class ReportSettled(msgspec.Struct, frozen=True):
    """What became of the open drifts of a report; `is_all`: no more were open."""

    settled: int
    refused: tuple[RefusedDrift, ...]
    is_all: bool


async def settle(store: Store, delivery: Delivery, command: ApplyDrift | DismissDrift) -> Drift:
    """Settle one drift; an opt-out is applied when nothing for the person is under way any more.

    Raises `Rejected`, `StoreUnavailable`.
    """
    outcome = await store.submit(command)
    await delivery.wait_quiet(outcome.in_flight)
    if outcome.answered:
        delivery.wake()
    return outcome.drift


async def settle_report(
    store: Store,
    delivery: Delivery,
    report: str,
    make: Callable[[Drift], ApplyDrift | DismissDrift],
) -> ReportSettled:
    """Settle the open drifts of a report in the order of their times, at most so many at once."""
    wanted = DriftFilter(state=DriftState.OPEN, report=report)
    found: list[Drift] = []
    before: str | None = None
    while page := await store.read_drifts(wanted, Page(limit=_PAGE, before=before)):
        found += page
        before = page[-1].id
        if len(found) > SETTLED_MAX:
            break
    refused: list[RefusedDrift] = []
    for drift in sorted(found[:SETTLED_MAX], key=lambda one: (one.since or one.found_at, one.id)):
        try:
            await settle(store, delivery, make(drift))
        except Rejected as error:
            refused.append(RefusedDrift(drift.id, error.code, str(error)))
    count = min(len(found), SETTLED_MAX) - len(refused)
    return ReportSettled(count, tuple(refused), len(found) <= SETTLED_MAX)
