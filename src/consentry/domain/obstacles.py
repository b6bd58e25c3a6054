"""What stands between a sender and a recipient: blocks and suppressions, the weightiest first."""

from typing import Final

from consentry.domain.directory import Sender
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    CARRIER_CAUSES,
    EVERYTHING,
    Block,
    BlockState,
    Cause,
    Standing,
    Suppression,
)

_LAYERS: Final = (BlockLayer.NETWORK, BlockLayer.PROVIDER, BlockLayer.OURS)


def standing_blocks(standing: Standing, sender: Sender) -> tuple[Block, ...]:
    """List the blocks that stand between this sender and the recipient, the network's first."""
    found = [
        block
        for block in standing.blocks
        if block.state is not BlockState.OPEN and block.scope == sender.scope_of(block.layer)
    ]
    if len(found) > 1:
        found.sort(key=lambda block: _LAYERS.index(block.layer))
    return tuple(found)


def standing_suppression(standing: Standing, sender: Sender) -> Suppression | None:
    """Find a suppression that covers this sender and was not lifted for it.

    Where several do, a new owner of the number is the last to be named (see `Reason`).
    """
    covering = [
        suppression
        for suppression in standing.suppressions
        if suppression.active
        and suppression.scope in (EVERYTHING, sender.brand)
        and sender.number not in suppression.lifted_for
    ]
    named_first = (s for s in covering if s.cause is not Cause.REASSIGNED)
    return next(named_first, covering[0] if covering else None)


def worst_of(blocks: tuple[Block, ...]) -> Block:
    """Find the block that weighs most: the carrier's own comes before the person's word."""
    for block in blocks:
        if block.cause in CARRIER_CAUSES:
            return block
    return blocks[0]
