"""What a carrier's refusals and receipts tell of a block: evidence, and never a person's word."""

from datetime import datetime

import msgspec

from consentry.domain.directory import Sender
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import Block, BlockState, Cause, Standing


def refuse_by_carrier(
    standing: Standing, sender: Sender, *, submitted_at: datetime, now: datetime, entry: str
) -> tuple[Block, ...]:
    """Learn from a carrier's "opted out" that the pair is blocked; it is not a person's word.

    A refusal of a text that we submitted before the person came back says nothing of now. Where
    they came back later than `now`, our clock was turned back since, and the carrier is believed.
    """
    scope = sender.scope_of(BlockLayer.PROVIDER)
    known = standing.block(scope, BlockLayer.PROVIDER)
    blocked = Block(
        scope=scope,
        layer=BlockLayer.PROVIDER,
        state=BlockState.BLOCKED,
        cause=Cause.CARRIER_REFUSAL,
        since=submitted_at,
        changed_at=submitted_at,
        entry=entry,
        by_person=False,
    )
    if known is None:
        return (blocked,)
    if known.state is BlockState.BLOCKED or submitted_at < known.changed_at <= now:
        return ()
    return (msgspec.structs.replace(blocked, opted_in_at=known.opted_in_at),)


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
