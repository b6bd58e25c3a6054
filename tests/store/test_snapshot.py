"""The gate's questions to SQLite share a snapshot while the event loop does not come round."""

import asyncio
from contextlib import closing

import pytest
from store_world import ANN, SQLiteDatabase, tagged, write

from consentry.domain.standing import Standing
from consentry.ports import Change, StoreUnavailable
from consentry.store.sqlite.connection import open_connection

pytestmark = pytest.mark.integration


async def test_a_snapshot_is_shared_until_the_event_loop_comes_round(
    sqlite: SQLiteDatabase,
) -> None:
    """Who asks in the turn in which somebody else commits may see what was before; nobody later."""
    store = sqlite.open()
    await store.submit(write(Change(entries=(tagged(1),))))
    assert (await store.read_facts(ANN))[1].sms_tag
    with closing(open_connection(sqlite.path)) as other:
        other.execute("DELETE FROM standings")
        assert (await store.read_facts(ANN))[1].sms_tag
        await asyncio.sleep(0)
        assert (await store.read_facts(ANN))[1] == Standing()
    await store.close()


async def test_who_is_told_of_a_commit_sees_it(sqlite: SQLiteDatabase) -> None:
    """A snapshot that is open while a command is carried out ends before its outcome is told."""
    store = sqlite.open()
    for number in range(1, 101):
        on = number % 2 == 1
        submitted = asyncio.create_task(
            store.submit(write(Change(entries=(tagged(number, sms=on),))))
        )
        while not submitted.done():
            await store.read_facts(ANN)
            await asyncio.sleep(0)
        assert (await store.read_facts(ANN))[1].sms_tag is on
    await store.close()


async def test_a_store_that_was_just_asked_can_be_closed(sqlite: SQLiteDatabase) -> None:
    """The snapshot of the last question does not keep the database from being closed."""
    store = sqlite.open()
    await store.read_facts(ANN)
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.read_facts(ANN)
