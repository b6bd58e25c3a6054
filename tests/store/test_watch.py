"""Listening to changes, whichever process makes them."""

import asyncio

import pytest
from given_time import given_time
from store_world import (
    ANN,
    BOB,
    SENDER,
    START,
    Database,
    customer,
    entry,
    message,
    tagged,
    write,
)

from consentry.domain.agents import Agent, Role
from consentry.domain.directory import Brand
from consentry.domain.entries import NOBODY
from consentry.ports import (
    APIKey,
    CarrierAccount,
    Change,
    ConversationMark,
    IdempotencyRecord,
    Session,
    SignInLink,
    Store,
)
from consentry.store.watching import RECIPIENTS_MAX

pytestmark = pytest.mark.integration

PATIENCE_SECONDS = 120.0
"""Only where something is broken it is waited so long for what comes."""


@pytest.mark.parametrize(
    ("change", "touched"),
    [
        (Change(entries=(tagged(1),)), {ANN}),
        (Change(entries=(entry(1, NOBODY),)), {NOBODY}),
        (Change(messages=(message(1), message(2, BOB))), {ANN, BOB}),
        (Change(records=(ConversationMark(BOB, SENDER),)), {BOB}),
        (Change(records=(customer(1, "Ann", ANN),)), {ANN}),
        (Change(records=(customer(1, "Ann"),)), {NOBODY}),
        (Change(deleted_customers=("cus_1",)), {NOBODY}),
        (Change(records=(Agent("agt_1", "a@example.com", "A", Role.ADMIN, START),)), {NOBODY}),
        (Change(records=(Session("ses_1", "agt_1", START, START),)), {NOBODY}),
        (Change(records=(SignInLink("lnk_1", "agt_1", START, START),)), {NOBODY}),
        (Change(records=(Brand("brd_1", "Acme"),)), {NOBODY}),
        (Change(records=(CarrierAccount("car_1", "twilio", "AC1", "s", "http://x"),)), {NOBODY}),
        (Change(records=(APIKey("key_1", "crm", "ck", "hash", (), START),)), {NOBODY}),
    ],
)
async def test_a_change_names_the_recipients_it_is_about(
    store: Store, change: Change, touched: set[str]
) -> None:
    """Once it is durable; what is about no recipient is about `NOBODY`."""
    watch = store.watch()
    await store.submit(write(change))
    assert await asyncio.wait_for(watch.next(), PATIENCE_SECONDS) == touched


async def test_what_changes_before_the_next_look_is_one_answer(store: Store) -> None:
    """Nothing is lost, nothing is told twice, and nothing is told of what came before."""
    await store.submit(write(Change(entries=(tagged(1, BOB),))))
    watch, other = store.watch(), store.watch()
    for number in (2, 3):
        await store.submit(write(Change(entries=(tagged(number),))))
    await store.submit(write(Change(messages=(message(1, BOB),))))
    assert await watch.next() == {ANN, BOB}
    assert await other.next() == {ANN, BOB}
    again = asyncio.create_task(watch.next())
    await asyncio.sleep(0.01)
    assert not again.done()
    await store.submit(write(Change(entries=(tagged(4),))))
    assert await again == {ANN}


async def test_who_stops_listening_is_told_no_more(store: Store) -> None:
    """Closing twice is fine."""
    watch = store.watch()
    watch.close()
    watch.close()
    await store.submit(write(Change(entries=(tagged(1),))))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watch.next(), 0.05)


async def test_a_slow_listener_is_told_to_look_at_everything(store: Store) -> None:
    """What it may still have to hear of is bounded; afterwards it hears of single ones again."""
    watch = store.watch()
    many = tuple(message(n, f"+1416{n:07}") for n in range(RECIPIENTS_MAX + 1))
    await store.submit(write(Change(messages=many)))
    await store.submit(write(Change(entries=(tagged(1),))))
    assert await watch.next() is None
    await store.submit(write(Change(entries=(tagged(2),))))
    assert await watch.next() == {ANN}


async def test_what_touches_nobody_wakes_nobody(store: Store) -> None:
    """An answer kept for a program's repeat, or a command that changed nothing."""
    watch = store.watch()
    kept = IdempotencyRecord("key_1", "once", "hash", 202, b"", START)
    await store.submit(write(Change(records=(kept,))))
    await store.submit(write(Change()))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watch.next(), 0.05)


async def test_a_change_by_another_process_is_noticed(store: Store, database: Database) -> None:
    """Within about a second: by its recipients, or by None where they are not told.

    Our own changes never say to look at everything.
    """
    watch = store.watch()
    await store.submit(write(Change(entries=(tagged(1),))))
    assert await watch.next() == {ANN}
    told = asyncio.create_task(watch.next())
    async with given_time() as time:
        # Meanwhile it has looked what others wrote, and from here on it hears of it.
        await time.wait(1.5)
    assert not told.done()
    other = database.open()
    await other.submit(write(Change(entries=(tagged(2),))))
    async with given_time() as time:
        assert await asyncio.wait_for(told, PATIENCE_SECONDS) in (None, {ANN})
        assert time.seconds < 2
    await store.submit(write(Change(entries=(tagged(3),))))
    assert await watch.next() == {ANN}
    await other.close()


def test_a_listener_whose_loop_is_gone_is_forgotten(database: Database) -> None:
    """Changes go on, and who listens in another loop is told."""

    async def listen() -> Store:
        store = database.open()
        store.watch()
        return store

    store = asyncio.run(listen())

    async def go_on() -> None:
        watch = store.watch()
        await store.submit(write(Change(entries=(tagged(1),))))
        assert await watch.next() == {ANN}
        await store.close()

    asyncio.run(go_on())
