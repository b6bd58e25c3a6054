"""What is looked for again and again on PostgreSQL is found by an index, and at a steady pace."""

import asyncio
from math import ceil
from uuid import uuid4

import asyncpg
import pytest
from store_world import BOB, SENDER, START, PostgresDatabase, open_address, queued, tagged, write

from consentry.clock import SystemClock
from consentry.ports import Change, LogHead
from consentry.store.log_leaves import CHECKPOINT_SECONDS, ENTRIES_AT_ONCE
from consentry.store.postgres.integrating import LogIntegrator
from ledger_keys import SIGNER

pytestmark = pytest.mark.integration

SUMMARIZE = "SELECT brin_summarize_new_values('entries_in_order')"
VACUUMING = "BEGIN; LOCK TABLE entries IN SHARE UPDATE EXCLUSIVE MODE"
RANGES = 800
"""So many long entries take more than one range of the index."""

WHOLE_READS = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'jobs'"
LOOKS = "SELECT sum(idx_scan) FROM pg_stat_user_indexes WHERE indexrelname = 'jobs_due'"


def append(*numbers: int) -> Change:
    """Make a change that appends entries."""
    return Change(entries=tuple(tagged(number, BOB) for number in numbers))


def append_ranges() -> Change:
    """Make a change that appends so many long entries that they take several ranges."""
    return Change(entries=tuple(tagged(number, BOB, text="a" * 1500) for number in range(RANGES)))


async def test_a_long_queue_is_not_read_whole(postgres: PostgresDatabase) -> None:
    """Also where it was empty when the database planned how to look what is due."""
    await postgres.run("VACUUM (ANALYZE) jobs")
    before = await postgres.run(WHOLE_READS)
    store = postgres.open()
    assert await store.next_due() == ()
    await store.submit(write(queued(1, 2)))
    assert await store.next_due() == ((SENDER, START),)
    assert await store.read_claimed() == []
    await store.close()
    async with asyncio.timeout(30):
        # Sessions tell what they did when they end, a moment after they were closed.
        while not await postgres.run(LOOKS):  # noqa: ASYNC110 - nobody is told of it
            await asyncio.sleep(0.02)
    assert await postgres.run(WHOLE_READS) == before


async def test_what_is_integrated_is_known_to_the_index_of_ranges(
    postgres: PostgresDatabase,
) -> None:
    """Nothing is left for an autovacuum, which may come much later: looks read only what is new."""
    store = postgres.open(signer=SIGNER)
    await store.submit(write(append_ranges()))
    assert await store.integrate_log() == LogHead(RANGES, 0)
    assert await postgres.run(SUMMARIZE) == 0
    await store.close()


async def test_a_vacuum_holds_no_entry_back(postgres: PostgresDatabase) -> None:
    """While somebody vacuums, ranges stay as they are, and entries are integrated all the same."""
    store = postgres.open(signer=SIGNER)
    await store.submit(write(append(1)))
    vacuuming = await asyncpg.connect(postgres.address)
    await vacuuming.execute(VACUUMING)
    assert await store.integrate_log() == LogHead(1, 0)
    await vacuuming.close()
    await store.close()


async def test_only_an_owner_has_ranges_summarized(postgres: PostgresDatabase) -> None:
    """A user to whom the tables were granted writes as ever: nothing is tried that is refused."""
    store = postgres.open()
    await store.submit(write(append_ranges()))
    name = f"granted_{uuid4().hex}"
    await postgres.run(f"CREATE ROLE {name}")
    await postgres.run(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}")
    granted = await asyncpg.connect(postgres.address)
    await granted.execute(f"SET ROLE {name}")
    head = await LogIntegrator(SIGNER, SystemClock()).integrate_many(granted, 1)
    assert head == LogHead(RANGES, 0)
    assert await postgres.run(SUMMARIZE) != 0
    await granted.close()
    await store.close()
    await postgres.run(f"DROP OWNED BY {name}")
    await postgres.run(f"DROP ROLE {name}")


async def test_a_window_stays_open_until_all_of_it_is_in(postgres: PostgresDatabase) -> None:
    """A long one takes several steps, and tells so; what came later is not part of it."""
    store = postgres.open()
    await store.submit(write(append(*range(ENTRIES_AT_ONCE + 1))))
    connection = await asyncpg.connect(postgres.address)
    integrator = LogIntegrator(SIGNER, SystemClock())
    first = await integrator.integrate_some(connection)
    await store.submit(write(append(ENTRIES_AT_ONCE + 1)))
    second = await integrator.integrate_some(connection)
    third = await integrator.integrate_some(connection)
    told = [(head.size, head.is_open) for head in (first, second, third) if head is not None]
    sizes = [ENTRIES_AT_ONCE + more for more in range(3)]
    assert told == list(zip(sizes, (True, False, False), strict=True))
    assert await integrator.integrate_some(connection) is None
    await connection.close()
    await store.close()


async def test_entries_that_come_one_by_one_share_a_window(postgres: PostgresDatabase) -> None:
    """However many come, the log is signed once a second, and not for each of them."""
    clock = SystemClock()
    began = clock.monotonic()
    store = open_address(postgres.address, signer=SIGNER, clock=clock)
    left = 12
    for number in range(10_000):
        await store.submit(write(append(number)))
        left -= (await store.read_log_head()).size > 0
        if not left:
            break
        await asyncio.sleep(0.05)
    signed = await postgres.run("SELECT count(*) FROM log_checkpoints")
    seconds = clock.monotonic() - began
    assert 1 <= int(str(signed)) <= ceil(seconds / CHECKPOINT_SECONDS)
    await store.close()
