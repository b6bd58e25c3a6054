"""What a carrier tells is held against our ledger; a difference is kept, and nothing is mended.

Each command decides on what is durable at that moment: what has come in meanwhile is no drift.
"""

from datetime import datetime

import msgspec

from consentry.actions.outgoing import cancel_forbidden, join
from consentry.actions.receive_message import read_text
from consentry.domain.directory import Sender
from consentry.domain.drift import (
    Drift,
    DriftKind,
    Heard,
    Judged,
    Severity,
    judge_line,
    judge_text,
    list_unlisted,
    order_by_carrier,
    pause,
)
from consentry.domain.entries import Actor, ActorKind, Entry, EntryKind
from consentry.domain.messages import Direction
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import BlockState, Cause, Standing, apply_pieces
from consentry.ports import CarrierBlock, Change, Facts, InboundText, Needs

_WE_HAVE_NOT = "Our records have no such text."


class Account(msgspec.Struct, frozen=True):
    """The carrier account that was asked: its id, and the carrier's name."""

    id: str
    kind: str


class Recording(msgspec.Struct, frozen=True):
    """For which report something is kept, and up to when evidence counts.

    What is newer than `settled_by`, on either side, may be under way still.
    """

    account: Account
    report: str
    settled_by: datetime


class RecordMissedText(msgspec.Struct, frozen=True):
    """A text in the carrier's history; a drift where we do not have it."""

    recording: Recording
    text: InboundText
    heard: tuple[Heard, ...] = ()

    def needs(self) -> Needs:
        """Ask for the standing, the person's drifts, what waits, and whether we know the text."""
        return Needs(
            recipients=(self.text.recipient,),
            inbound=(self.recording.account.id, self.text.carrier_message_id),
            queued_jobs=True,
            drifts=True,
        )

    def decide(self, facts: Facts) -> tuple[tuple[Drift, ...], Change]:
        """Keep a drift, once for each text; outcome: the new drifts."""
        text, account = self.text, self.recording.account
        known = facts.inbound(account.id, text.carrier_message_id, text.recipient)
        sender = facts.directory.senders.get(text.sender)
        if known is not None or sender is None or self._was_erased(facts):
            return (), Change()
        standing = facts.standing(text.recipient)
        judged = judge_text(
            read_text(text, account.kind, sender, received_at=facts.now),
            order_by_carrier(standing, self.heard),
            sender,
            directory=facts.directory,
            policy=facts.policy,
        )
        drift = Drift(
            id=facts.ids.new("drf"),
            key=f"text:{account.id}:{text.carrier_message_id}",
            recipient=text.recipient,
            sender=text.sender,
            carrier=account.id,
            carrier_kind=account.kind,
            kind=judged.kind,
            severity=judged.severity,
            found_at=facts.now,
            report=self.recording.report,
            carrier_says="The carrier has this text of theirs.",
            we_say=_WE_HAVE_NOT,
            since=text.sent_at,
            carrier_message_id=text.carrier_message_id,
            text=text.body,
            media=text.media,
            heard=self.heard,
            places=judged.places,
        )
        return _keep((drift,), facts)

    def _was_erased(self, facts: Facts) -> bool:
        account, known_as = self.recording.account.id, self.text.carrier_message_id
        return facts.was_erased(Direction.INBOUND, account, known_as, self.text.recipient)


class RecordListedBlock(msgspec.Struct, frozen=True):
    """A line of the carrier's list; a drift where we would text all the same."""

    recording: Recording
    line: CarrierBlock
    senders: tuple[Sender, ...]

    def needs(self) -> Needs:
        """Ask for the standing, the person's drifts and what waits for them."""
        return Needs(recipients=(self.line.recipient,), queued_jobs=True, drifts=True)

    def decide(self, facts: Facts) -> tuple[tuple[Drift, ...], Change]:
        """Keep a drift, once for each line; outcome: the new drifts."""
        line, recording = self.line, self.recording
        standing = facts.standing(line.recipient)
        judged = self.judge(standing)
        if judged is None:
            return (), Change()
        scopes = tuple(place.scope for place in judged.places)
        since = "" if line.blocked_at is None else f" since {line.blocked_at:%Y-%m-%d %H:%M} UTC"
        drift = Drift(
            id=facts.ids.new("drf"),
            key=f"listed:{recording.account.id}:{','.join(scopes)}:{line.blocked_at or ''}",
            recipient=line.recipient,
            sender=self.senders[0].number,
            carrier=recording.account.id,
            carrier_kind=recording.account.kind,
            kind=judged.kind,
            severity=judged.severity,
            found_at=facts.now,
            report=recording.report,
            carrier_says=f"The carrier's list of opt-outs has this number{since}.",
            we_say="Our records have no opt-out of it.",
            since=line.blocked_at,
            line=line.evidence,
            scopes=scopes,
            places=judged.places,
        )
        return _keep((drift,), facts)

    def judge(self, standing: Standing) -> Judged | None:
        """Judge the line by a standing."""
        return judge_line(
            standing,
            self.senders,
            blocked_at=self.line.blocked_at,
            settled_by=self.recording.settled_by,
        )


class RecordUnlistedBlocks(msgspec.Struct, frozen=True):
    """A recipient whom the complete list of the carrier does not have for these scopes."""

    recording: Recording
    recipient: str
    senders: tuple[Sender, ...]

    def needs(self) -> Needs:
        """Ask for the standing and the person's drifts."""
        return Needs(recipients=(self.recipient,), queued_jobs=True, drifts=True)

    def decide(self, facts: Facts) -> tuple[tuple[Drift, ...], Change]:
        """Keep a drift for each block of ours that the carrier lacks; outcome: the new ones."""
        recording = self.recording
        by_scope = {sender.scope_of(BlockLayer.PROVIDER): sender for sender in self.senders}
        standing = facts.standing(self.recipient)
        drifts = tuple(
            Drift(
                id=facts.ids.new("drf"),
                key=f"unlisted:{recording.account.id}:{block.scope}:{block.entry}",
                recipient=self.recipient,
                sender=by_scope[block.scope].number,
                carrier=recording.account.id,
                carrier_kind=recording.account.kind,
                kind=DriftKind.BLOCK_NOT_AT_CARRIER,
                severity=Severity.NOTICE,
                found_at=facts.now,
                report=recording.report,
                carrier_says="The carrier's list of opt-outs does not have this number.",
                we_say=_word_block(block.cause, block.since),
                since=block.since,
                scopes=(block.scope,),
            )
            for block in list_unlisted(standing, by_scope, settled_by=recording.settled_by)
        )
        return _keep(drifts, facts)


def _word_block(cause: Cause, since: datetime) -> str:
    return f"Our records have it blocked since {since:%Y-%m-%d %H:%M} UTC ({cause})."


def _keep(drifts: tuple[Drift, ...], facts: Facts) -> tuple[tuple[Drift, ...], Change]:
    """Keep those that are new, each as an entry of its own, and hold back what they may forbid."""
    new: list[Drift] = []
    change = Change()
    for drift in drifts:
        known = {other.key for other in facts.drifts(drift.recipient)}
        if drift.key not in known:
            new.append(drift)
            change = join(change, _found(drift, facts))
    return tuple(new), change


def _found(drift: Drift, facts: Facts) -> Change:
    standing, entry_id = facts.standing(drift.recipient), facts.ids.new("ent")
    at = drift.since or drift.found_at
    paused = pause(standing, drift.places, at=at, since=facts.now, entry=entry_id)
    entry = Entry(
        id=entry_id,
        recipient=drift.recipient,
        kind=EntryKind.DRIFT_FOUND,
        at=at,
        recorded_at=facts.now,
        actor=Actor(ActorKind.CARRIER, drift.carrier),
        sender=drift.sender,
        text=drift.text or drift.line,
        reason=str(drift.kind),
        drift=drift.id,
        pieces=paused,
    )
    change = Change(entries=(entry,), records=(drift,))
    if not any(block.state is BlockState.UNKNOWN for block in paused):
        return change
    after = apply_pieces(standing, paused)
    return join(change, cancel_forbidden(drift.recipient, after, facts))
