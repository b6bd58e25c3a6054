"""Through pgbouncer in transaction mode: nothing may rest on a session."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from store_world import (
    ANN,
    BOB,
    SENDER,
    Act,
    ask,
    customer,
    inbound,
    integrate_all,
    open_address,
    queued,
    submit_together,
    tagged,
    write,
)
from test_postgres_unavailable import (
    BACK_WITHIN_SECONDS,
    PATIENCE_SECONDS,
    Load,
    back_within,
    find_entries,
    name_in,
)
from test_two_processes import sender

from consentry.ports import Change, Facts, InboxFilter, LogHead, Needs, Page, Store
from ledger_keys import SIGNER
from pooler import Pooler, is_installed, running_pooler
from postgres_server import PostgresServer

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not is_installed(), reason="no pgbouncer here: apt-get install pgbouncer"),
]


@pytest.fixture(scope="module")
def pooler(postgres_server: PostgresServer) -> Iterator[Pooler]:
    """Run a pooler with three connections to each database."""
    with running_pooler(postgres_server) as started:
        yield started


@pytest.fixture
def address(pooler: Pooler, postgres_url: str) -> str:
    """Give the URL of a database of its own through the pooler."""
    return pooler.url(name_in(postgres_url)) + "&prepared_statements=off"


@pytest.fixture
async def store(address: str) -> AsyncIterator[Store]:
    """Open the store through the pooler."""
    opened = open_address(address)
    yield opened
    await opened.close()


async def test_everything_is_written_and_read(store: Store) -> None:
    """Batches, the gate, lists and search, with more connections than the pooler has."""
    await store.submit(write(sender(enabled=True)))
    await store.submit(write(Change(entries=(tagged(1),), messages=(inbound(1, "SM1"),))))
    await store.submit(write(Change(records=(customer(1, "Ann Lee", ANN),))))
    await store.submit(write(queued(2, recipient=BOB)))
    facts = await asyncio.gather(*(store.read_facts(ANN) for _ in range(50)))
    assert all(standing.sms_tag and SENDER in known.senders for known, standing in facts)
    lists = await asyncio.gather(
        *(store.read_inbox(InboxFilter(), Page()) for _ in range(10)),
        *(store.read_entries(ANN, Page()) for _ in range(10)),
        *(store.read_customers(Page(), search="lee") for _ in range(10)),
    )
    assert all(lists)
    due = ask(lambda facts: len(facts.due_work()), Needs(due_jobs=((SENDER, 5),)))
    assert await store.submit(due) == 1


async def test_two_processes_take_turns_person_by_person(store: Store, address: str) -> None:
    """The locks are the transactions', whichever connections those get."""
    other = open_address(address)

    def turn(number: int) -> Act[None]:
        def decide(facts: Facts) -> tuple[None, Change]:
            tag = not facts.standing(ANN).sms_tag
            return None, Change(entries=(tagged(number, sms=tag),))

        return Act(decide, Needs(recipients=(ANN,)))

    await asyncio.gather(
        *(at.submit(turn(first + n)) for n in range(40) for at, first in ((store, 1), (other, 101)))
    )
    kept = await store.read_entries(ANN, Page(limit=100))
    tags = [piece.sms for entry in reversed(kept) for piece in entry.pieces]  # type: ignore[union-attr]
    assert tags == [True, False] * 40
    await other.close()


async def test_a_failed_batch_leaves_the_connection_clean(store: Store) -> None:
    """What a transaction set for itself is gone with it, also where it failed."""
    await store.submit(write(Change(entries=(tagged(1),))))
    outcomes = await submit_together(
        store, write(Change(entries=(tagged(1),))), write(Change(entries=(tagged(2),)))
    )
    assert isinstance(outcomes[0], Exception)
    assert not isinstance(outcomes[1], Exception)
    assert len(await store.read_entries(ANN, Page())) == 2


async def test_changes_elsewhere_are_found_by_looking(store: Store, address: str) -> None:
    """Notifications do not come through; within some seconds the listener looks at everything."""
    watch = store.watch()
    await store.submit(write(Change(entries=(tagged(1),))))
    assert await watch.next() == {ANN}
    await asyncio.sleep(3)
    other = open_address(address)
    await other.submit(write(Change(entries=(tagged(2),))))
    assert await asyncio.wait_for(watch.next(), PATIENCE_SECONDS) is None
    await other.close()


async def test_a_pooler_that_is_killed_loses_nothing(store: Store, pooler: Pooler) -> None:
    """Killed under load and started again: what was acknowledged is there."""
    load = Load(store)
    for _ in range(3):
        await load.wait_for_more()
        pooler.kill()
        await load.wait_for_refusal()
        pooler.start()
        assert await back_within(store) < BACK_WITHIN_SECONDS
    await load.wait_for_more()
    await load.end()
    assert load.acknowledged <= await find_entries(store)


async def test_entries_get_into_the_log(address: str) -> None:
    """The log takes them in through the pooler, and its tiles and proofs are read through it."""
    store = open_address(address, signer=SIGNER)
    await store.submit(write(Change(entries=(tagged(1), tagged(2, BOB)))))
    assert await integrate_all(store) == LogHead(2, 0)
    logged = await store.read_logged([tagged(2, BOB).id])
    assert [found.leaf for found in logged.values()] == [1]
    await store.close()
