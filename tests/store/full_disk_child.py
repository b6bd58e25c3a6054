"""A process whose files may not grow beyond a limit: `path`. Says `recovered` if all went well."""

import asyncio
import resource
import sys

from store_world import ANN, CountingIds, TickingClock, message, tagged, write

from consentry.domain.entries import fold
from consentry.domain.policy import Policy
from consentry.ports import Change, MessageFilter, Page, StoreUnavailable
from consentry.store.sqlite.store import SQLiteStore

LIMIT_BYTES = 2_400_000
ALL = Page(limit=100_000)


def limit_files(limit_bytes: int) -> None:
    """Let no file of this process grow beyond the limit, as a full disk would."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, hard))


async def fill(store: SQLiteStore) -> int:
    """Submit larger and larger changes until the disk is full; return how many were kept."""
    number = 0
    try:
        while True:
            change = Change(
                entries=(tagged(number, sms=number % 2 == 0),),
                messages=(message(number, body="x" * 20_000),),
            )
            await store.submit(write(change))
            number += 1
    except StoreUnavailable:
        return number


async def check_kept(store: SQLiteStore, count: int) -> None:
    """Check that what was acknowledged is there, and nothing else."""
    entries = await store.read_entries(ANN, ALL)
    assert len(entries) == count, (len(entries), count)
    assert len(await store.read_messages(MessageFilter(), ALL)) == count
    assert fold(reversed(entries)) == await store.read_standing(ANN)


async def close_while_full(path: str, kept: int) -> None:
    """Open again, and close while the disk is full: the next opening has everything."""
    store = SQLiteStore.open(path, clock=TickingClock(), ids=CountingIds(), policy=Policy())
    await check_kept(store, kept)
    await store.submit(write(Change(messages=(message(0, body="y" * 20_000),))))
    limit_files(1)
    await store.close()
    limit_files(resource.RLIM_INFINITY)
    again = SQLiteStore.open(path, clock=TickingClock(), ids=CountingIds(), policy=Policy())
    await check_kept(again, kept)
    found = await again.read_message("msg_00000")
    assert found is not None
    assert found.body.startswith("y")
    await again.close()


async def run(path: str) -> None:
    """Fill the disk twice, make room, go on."""
    store = SQLiteStore.open(path, clock=TickingClock(), ids=CountingIds(), policy=Policy())
    limit_files(LIMIT_BYTES)
    kept = await fill(store)
    assert kept > 3, kept
    await check_kept(store, kept)
    big = write(Change(entries=(tagged(99_998),), messages=(message(1, body="x" * 50_000),)))
    small = write(Change(entries=(tagged(99_999),), messages=(message(2, body="x" * 50_000),)))
    both = await asyncio.gather(store.submit(big), store.submit(small), return_exceptions=True)
    assert [type(outcome) for outcome in both] == [StoreUnavailable] * 2, both
    await check_kept(store, kept)
    limit_files(resource.RLIM_INFINITY)
    await store.submit(write(Change(entries=(tagged(kept),), messages=(message(kept),))))
    await check_kept(store, kept + 1)
    await store.close()
    await close_while_full(path, kept + 1)
    print("recovered")  # noqa: T201 - the parent reads it


asyncio.run(run(sys.argv[1]))
