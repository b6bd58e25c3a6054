"""The transparency log, on both databases: every entry gets in, once, in order, and is signed."""

import pytest
from store_world import ANN, BOB, Database, tagged, write

from consentry.actions.prove_entry import read_consistency, read_inclusion, read_root
from consentry.domain.entries import Entry
from consentry.ports import Change, LogHead, Store, StoreUnavailable
from consentry.store import rows
from consentry.store.log_leaves import hash_entry
from consentry.wire.merkle import EMPTY_ROOT, is_consistent, is_included
from consentry.wire.signed_note import is_signed_by, read_note, read_tree, read_verifier_key
from ledger_keys import SIGNER

pytestmark = pytest.mark.integration


async def append(store: Store, *numbers: int, recipient: str = ANN) -> list[Entry]:
    """Append an entry for each number, in one command."""
    entries = tuple(tagged(number, recipient) for number in numbers)
    await store.submit(write(Change(entries=entries)))
    return list(entries)


async def check_all_in(store: Store, entries: list[Entry]) -> None:
    """Fail unless each entry is in the log, where its proof says, under the newest signature."""
    checkpoint = await store.read_checkpoint()
    assert checkpoint is not None
    assert checkpoint.size == len(entries)
    logged = await store.read_logged([entry.id for entry in entries])
    assert sorted(found.leaf for found in logged.values()) == list(range(len(entries)))
    for entry in entries:
        found = logged[entry.id]
        assert found.salt is not None
        assert found.leaf_hash == hash_entry(found.salt, rows.encode(entry))
        path = await read_inclusion(store, found.leaf, checkpoint.size)
        assert is_included(
            found.leaf_hash, found.leaf, size=checkpoint.size, path=path, root=checkpoint.root
        )


async def test_entries_get_in_and_are_signed(database: Database) -> None:
    """Each entry is a leaf with a salt of its own; the checkpoint is signed by the log's key."""
    store = database.open(signer=SIGNER)
    entries = await append(store, 1, 2, 3)
    entries += await append(store, 4, recipient=BOB)
    assert await store.integrate_log() == LogHead(4, 0)
    await check_all_in(store, entries)
    checkpoint = await store.read_checkpoint()
    assert checkpoint is not None
    note = read_note(checkpoint.note)
    (key,) = await store.read_log_keys()
    assert is_signed_by(note, read_verifier_key(key.verifier_key))
    tree = read_tree(note.text)
    assert (tree.origin, tree.size, tree.root) == ("example.com/ledger", 4, checkpoint.root)
    assert await store.read_logged(["ent_none"]) == {}
    await store.close()


async def test_a_log_grows_and_proves_it(database: Database) -> None:
    """Checkpoints of a growing log are consistent; the oldest that covers a size is found."""
    store = database.open(signer=SIGNER)
    assert await store.read_checkpoint() is None
    entries: list[Entry] = []
    sizes = [1, 3, 255, 256, 257, 300]
    for size in sizes:
        entries += await append(store, *range(len(entries), size))
        await store.integrate_log()
    await check_all_in(store, entries)
    assert await store.read_checkpoint(301) is None
    assert await read_root(store, 0) == EMPTY_ROOT
    for old in sizes:
        covering = await store.read_checkpoint(old)
        assert covering is not None
        assert covering.size == old
        path = await read_consistency(store, old, 300)
        assert is_consistent(
            old, 300, old_root=covering.root, new_root=await read_root(store, 300), path=path
        )
    with pytest.raises(StoreUnavailable, match="not all the hashes"):
        await read_root(store, 301)
    await store.close()


async def test_what_is_integrated_later_lacks_nothing(database: Database) -> None:
    """Entries that were written by a process without a log, or before a stop, get in later."""
    store = database.open()
    entries = await append(store, *range(1, 40))
    with pytest.raises(StoreUnavailable, match="not opened for writing"):
        await store.integrate_log()
    assert await store.read_log_head() == LogHead(0, 39)
    await store.close()
    store = database.open(signer=SIGNER)
    entries += await append(store, *range(40, 80))
    await store.close()
    store = database.open(signer=SIGNER)
    assert await store.read_log_head() == LogHead(80 - 1, 0)
    await check_all_in(store, entries)
    await store.close()
