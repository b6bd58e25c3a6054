"""Who may not text whom. The carrier keeps this list; nobody can read it but here, in the test."""

from collections.abc import Iterable
from datetime import datetime

from consentry.simulator.journal import Books
from consentry.simulator.state import BlockLifted, BlockSet, State
from consentry.simulator.values import Block, BlockCause, BlockLayer, Sender, SenderKind

# What a carrier that blocks a pair on its own account would use for each kind of number.
_USUAL_LAYERS = {
    SenderKind.LONG_CODE: BlockLayer.KEYWORD,
    SenderKind.TOLL_FREE: BlockLayer.PROVIDER,
    SenderKind.SHORT_CODE: BlockLayer.KEYWORD,
    SenderKind.ALPHANUMERIC: BlockLayer.KEYWORD,
}


def find_blocks(state: State, sender: Sender, recipient: str) -> list[Block]:
    """List every block that stands between a sender and a recipient."""
    keys = [(_scope(sender, layer), recipient, layer) for layer in BlockLayer]
    return [state.blocks[key] for key in keys if key in state.blocks]


def set_blocks(
    books: Books,
    sender: Sender,
    recipient: str,
    *,
    layers: Iterable[BlockLayer],
    cause: BlockCause,
    now: datetime,
    word: str | None = None,
) -> list[Block]:
    """Set the blocks that do not stand yet, and list them; those that stand keep their time."""
    added = []
    for layer in sorted(layers):
        scope = _scope(sender, layer)
        if (scope, recipient, layer) not in books.state.blocks:
            block = Block(scope, recipient, layer, cause, now, sender.number, word)
            books.record(BlockSet(block))
            added.append(block)
    return added


def lift_blocks(
    books: Books, sender: Sender, recipient: str, layers: Iterable[BlockLayer]
) -> list[Block]:
    """Lift the blocks of these layers that stand, and list them."""
    wanted = set(layers)
    lifted = [b for b in find_blocks(books.state, sender, recipient) if b.layer in wanted]
    for block in lifted:
        books.record(BlockLifted(block.scope, block.recipient, block.layer))
    return lifted


def usual_layer(kind: SenderKind) -> BlockLayer:
    """Name the layer that a block without a text goes to."""
    return _USUAL_LAYERS[kind]


def _scope(sender: Sender, layer: BlockLayer) -> str:
    # The toll-free network has never heard of messaging services.
    if layer is BlockLayer.NETWORK or sender.messaging_service_sid is None:
        return sender.number
    return sender.messaging_service_sid
