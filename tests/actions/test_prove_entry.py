"""Proofs for whoever asks, of an entry and of the log's growth; and where there is none."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consentry.actions.prove_entry import (
    find_logged,
    prove_entry,
    prove_growth,
    read_consistency,
    read_inclusion,
    read_root,
)
from consentry.domain.policy import Policy
from consentry.ports import LogHead, Rejected, Store, StoreUnavailable
from consentry.store.sqlite.store import SQLiteStore
from consentry.wire.merkle import is_consistent, is_included
from entries_appended import Append
from ledger_keys import SIGNER
from memory_store import CountingIds, FakeClock

pytestmark = pytest.mark.integration


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """Open a store that keeps a log; its clock stands still, so entries wait to be asked for."""
    opened = SQLiteStore.open(
        tmp_path / "c.db", clock=FakeClock(), ids=CountingIds(), policy=Policy(), signer=SIGNER
    )
    yield opened
    await opened.close()


async def test_an_entry_is_proved_as_soon_as_it_is_written(store: Store) -> None:
    """Whoever asks at once has it put into the log; the proof makes the signed root."""
    await store.submit(Append("ent_1", "ent_2", "ent_3"))
    proof = await prove_entry(store, "ent_2")
    assert (proof.leaf, proof.size) == (1, 3)
    assert proof.checkpoint is not None
    assert is_included(
        proof.leaf_hash, proof.leaf, size=proof.size, path=proof.path, root=proof.root
    )
    await store.submit(Append("ent_4"))
    await find_logged(store, "ent_4")
    smaller = await prove_entry(store, "ent_2", 2)
    assert smaller.checkpoint is None
    assert is_included(smaller.leaf_hash, 1, size=2, path=smaller.path, root=smaller.root)
    assert (await prove_entry(store, "ent_2", 3)).checkpoint == proof.checkpoint


async def test_growth_is_proved(store: Store) -> None:
    """From any size to the newest checkpoint's, or to one that is named."""
    assert await prove_growth(store, 0) == await prove_growth(store, 0, 0)
    await store.submit(Append(*(f"ent_{number}" for number in range(9))))
    await find_logged(store, "ent_0")
    for proof in (await prove_growth(store, 3), await prove_growth(store, 3, 5)):
        assert is_consistent(
            proof.old,
            proof.new,
            old_root=proof.old_root,
            new_root=proof.new_root,
            path=proof.path,
        )
    assert (await read_inclusion(store, 8, 9))[0] == await read_root(store, 8)
    assert await read_consistency(store, 9, 9) == ()


async def test_where_there_is_no_proof_it_is_told(store: Store) -> None:
    """An entry that is not there, one outside of a tree, and sizes that never were."""
    await store.submit(Append("ent_1", "ent_2"))
    with pytest.raises(Rejected, match="has no entry 'ent_9'"):
        await prove_entry(store, "ent_9")
    with pytest.raises(Rejected, match="Ask of a larger tree"):
        await prove_entry(store, "ent_2", 1)
    with pytest.raises(Rejected, match="no growth from 1 to 7"):
        await prove_growth(store, 1, 7)
    with pytest.raises(Rejected, match="no growth from 2 to 1"):
        await prove_growth(store, 2, 1)
    with pytest.raises(StoreUnavailable, match="not all the hashes"):
        await read_root(store, 3)


class Unsigned:
    """A log in which an entry is not under a checkpoint yet, nor can this process help it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def read_checkpoint(self, size: int | None = None) -> None:
        """Say that there is none."""
        del size

    async def read_log_head(self) -> LogHead:
        """Say that something waits."""
        return LogHead(2, 1)

    async def integrate_log(self) -> LogHead:
        """Say that it still does."""
        return LogHead(2, 1)


async def test_an_entry_without_a_checkpoint_is_told(store: Store) -> None:
    """An entry that is in the log and not signed yet is asked for again in a second."""
    await store.submit(Append("ent_1", "ent_2"))
    await store.integrate_log()
    unsigned: Store = Unsigned(store)  # type: ignore[assignment]
    with pytest.raises(Rejected, match="under no signed checkpoint"):
        await prove_entry(unsigned, "ent_1")
    with pytest.raises(Rejected, match="has no entry"):
        await find_logged(unsigned, "ent_3")
