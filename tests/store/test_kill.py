"""kill -9 under load: what was acknowledged is there, and everything is whole.

This shows that an acknowledgement comes after the commit and that a crash of the process in any
place leaves a sound database. It cannot show that the disk kept its word through a power failure:
that rests on `synchronous=FULL`, or PostgreSQL's `fsync`, and the disk.
"""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from store_world import Database

from consentry.domain.entries import fold
from consentry.ports import MessageFilter, Page, Store

pytestmark = pytest.mark.integration

CHILD = Path(__file__).with_name("submitting_child.py")
ROUNDS = 16
ALL = Page(limit=1_000_000)


def kill_under_load(address: str, name: str, seconds: float) -> set[str]:
    """Run a child until it has acknowledged something and then a while; kill it dead."""
    child = subprocess.Popen([sys.executable, CHILD, address, name], stdout=subprocess.PIPE)
    assert child.stdout is not None
    first = child.stdout.readline()
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    rest = child.stdout.read()
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    # The last line may be cut off in the middle: then it was not fully said.
    return set((first + rest).decode().rpartition("\n")[0].split())


async def find_entries(store: Store) -> set[str]:
    """List all entry ids, checking each standing against the fold of its entries."""
    found: set[str] = set()
    for recipient, standing in await store.read_recipients(ALL):
        entries = await store.read_entries(recipient, ALL)
        assert fold(reversed(entries)) == standing
        found |= {entry.id for entry in entries}
    return found


@pytest.mark.parametrize("seed", [20261123])
async def test_nothing_acknowledged_is_lost_and_nothing_is_half_done(
    database: Database, seed: int
) -> None:
    """Killed at random points of 16 rounds: every acknowledged entry, message and job is there."""
    seeded = random.Random(seed)
    acknowledged: set[str] = set()
    for number in range(ROUNDS):
        told = kill_under_load(database.address, f"r{number:02d}", seeded.uniform(0.0, 0.12))
        assert told
        acknowledged |= told
        await database.check()
    store = database.open()
    kept = await find_entries(store)
    messages = {m.id for m in await store.read_messages(MessageFilter(), ALL)}
    jobs = await store.count_outbox()
    await store.close()
    assert acknowledged <= kept
    # Whole or not at all, also where no acknowledgement got out.
    assert messages == {f"{kind}_{e.removeprefix('ent_')}" for e in kept for kind in ("msg", "out")}
    assert jobs == len(kept)
