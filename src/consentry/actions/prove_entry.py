"""Proofs out of the ledger's log: that an entry is in it, and that it only ever grew."""

from consentry.ports import Store, StoreUnavailable
from consentry.wire.merkle import Span, list_consistency, list_inclusion
from consentry.wire.tiles import hash_spans, list_tiles


async def read_inclusion(store: Store, leaf: int, size: int) -> tuple[bytes, ...]:
    """Prove that a leaf is in the tree of this size: the hashes beside its way up, from the leaf.

    Raises `ProofError` where the tree has no such leaf, and `StoreUnavailable`.
    """
    return await _read_hashes(store, list_inclusion(leaf, size))


async def read_consistency(store: Store, old: int, new: int) -> tuple[bytes, ...]:
    """Prove that the tree of the new size grew out of that of the old one.

    Raises `ProofError` where the old one is larger, and `StoreUnavailable`.
    """
    return await _read_hashes(store, list_consistency(old, new))


async def read_root(store: Store, size: int) -> bytes:
    """Compute the root of the tree of this size; raises `StoreUnavailable`."""
    (root,) = await _read_hashes(store, [Span(0, size)])
    return root


async def _read_hashes(store: Store, spans: list[Span]) -> tuple[bytes, ...]:
    tiles = await store.read_tiles(sorted(list_tiles(spans)))
    try:
        return hash_spans(spans, tiles)
    except (LookupError, ValueError) as error:
        raise StoreUnavailable(
            f"The ledger's log has not all the hashes that this proof is made of ({error}). Ask of "
            "a smaller tree; if it was this large before, run `consentry ledger verify`."
        ) from error
