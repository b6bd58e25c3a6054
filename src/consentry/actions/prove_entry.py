"""Proofs out of the ledger's log: that an entry is in it, and that it only ever grew."""

import msgspec

from consentry.ports import Checkpoint, LogDamaged, Logged, Rejected, Store
from consentry.wire.merkle import ProofError, Span, list_consistency, list_inclusion
from consentry.wire.tiles import hash_spans, list_tiles


class EntryProof(msgspec.Struct, frozen=True):
    """That an entry is in the log; bytes are base64 in JSON.

    `leaf_hash` is SHA-256 over a zero byte, the `salt` and the entry's JSON. With the hashes of
    `path`, from the leaf upwards, it makes the `root` of the first `size` leaves (RFC 9162, 2.1.3).
    `salt` is null where the entry was erased. `checkpoint` is the signed note of just this tree, if
    there is one.
    """

    entry: str
    leaf: int
    size: int
    leaf_hash: bytes
    salt: bytes | None
    path: tuple[bytes, ...]
    root: bytes
    checkpoint: str | None


class GrowthProof(msgspec.Struct, frozen=True):
    """That the tree of `new` leaves grew out of that of `old` (RFC 9162, 2.1.4)."""

    old: int
    new: int
    old_root: bytes
    new_root: bytes
    path: tuple[bytes, ...]


async def prove_entry(store: Store, entry_id: str, size: int | None = None) -> EntryProof:
    """Prove that an entry is in the tree of this size, or of the newest checkpoint.

    An entry that was just written is put into the log for it, where this process keeps the log.
    Raises `Rejected` (`not_logged`) where it is not in the log, or not in a tree of this size.
    """
    logged = await find_logged(store, entry_id)
    checkpoint = await store.read_checkpoint(size)
    if size is None:
        if checkpoint is None or checkpoint.size <= logged.leaf:
            raise Rejected(
                "not_logged",
                f"The entry {entry_id} is under no signed checkpoint yet. Ask again in a second.",
                status=404,
            )
        size = checkpoint.size
    try:
        path = await read_inclusion(store, logged.leaf, size)
    except ProofError as error:
        raise Rejected("not_logged", f"{error} Ask of a larger tree.", status=404) from error
    return EntryProof(
        entry=entry_id,
        leaf=logged.leaf,
        size=size,
        leaf_hash=logged.leaf_hash,
        salt=logged.salt,
        path=path,
        root=await read_root(store, size),
        checkpoint=_note_of(checkpoint, size),
    )


async def find_logged(store: Store, entry_id: str) -> Logged:
    """Find an entry in the log; one that waits gets in now. Raises `Rejected` (`not_logged`)."""
    found = await store.read_logged([entry_id])
    if entry_id not in found and (await store.read_log_head()).waiting:
        await bring_log_up(store)
        found = await store.read_logged([entry_id])
    if entry_id not in found:
        raise Rejected(
            "not_logged",
            f"The log has no entry {entry_id!a}. Entries get in within a second of being written; "
            "list those of a recipient to find the id.",
            status=404,
        )
    return found[entry_id]


async def bring_log_up(store: Store) -> None:
    """Put what waits into the log, as far as this process may and others let it."""
    before = -1
    head = await store.read_log_head()
    while head.waiting and head.size > before:
        before = head.size
        head = await store.integrate_log()


def _note_of(checkpoint: Checkpoint | None, size: int) -> str | None:
    if checkpoint is None or checkpoint.size != size:
        return None
    return checkpoint.note


async def prove_growth(store: Store, old: int, new: int | None = None) -> GrowthProof:
    """Prove that a tree grew out of a smaller one; the newest checkpoint's, if none is named.

    Raises `Rejected` (`not_logged`) where there never was a tree of that size.
    """
    if new is None:
        checkpoint = await store.read_checkpoint()
        new = 0 if checkpoint is None else checkpoint.size
    head = await store.read_log_head()
    if not old <= new <= head.size:
        raise Rejected(
            "not_logged",
            f"The log has {head.size} entries: there is no growth from {old} to {new}. Ask of "
            "sizes that checkpoints name.",
            status=404,
        )
    path = await read_consistency(store, old, new)
    old_root, new_root = await read_root(store, old), await read_root(store, new)
    return GrowthProof(old, new, old_root, new_root, path)


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
        raise LogDamaged(
            f"The ledger's log has not all the hashes that this proof is made of ({error}). Ask of "
            "a smaller tree; if it was this large before, run `consentry ledger verify`."
        ) from error
