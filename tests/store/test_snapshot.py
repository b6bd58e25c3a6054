"""The gate's questions to SQLite are gathered until the event loop comes round."""

import asyncio
from contextlib import closing

import pytest
from store_world import ANN, BOB, SQLiteDatabase, tagged, write

from consentry.domain.standing import Standing
from consentry.ports import Change, StoreUnavailable
from consentry.store.sqlite.connection import open_connection

pytestmark = pytest.mark.integration


async def test_who_asks_is_shown_what_was_committed_before(sqlite: SQLiteDatabase) -> None:
    """What another process committed is seen by whoever asks after it, in the same turn too."""
    store = sqlite.open()
    await store.submit(write(Change(entries=(tagged(1),))))
    before = asyncio.create_task(store.read_facts(ANN))
    with closing(open_connection(sqlite.path)) as other:
        other.execute("DELETE FROM standings")
        assert (await store.read_facts(ANN))[1] == Standing()
    await before
    await store.close()


async def test_who_is_told_of_a_commit_sees_it(sqlite: SQLiteDatabase) -> None:
    """Whatever is asked while a command is carried out, its outcome is told to who asks later."""
    store = sqlite.open()
    for number in range(1, 101):
        on = number % 2 == 1
        submitted = asyncio.create_task(
            store.submit(write(Change(entries=(tagged(number, sms=on),))))
        )
        while not submitted.done():
            await store.read_facts(ANN)
        assert (await store.read_facts(ANN))[1].sms_tag is on
    await store.close()


async def test_each_is_answered_about_whom_they_asked(sqlite: SQLiteDatabase) -> None:
    """Many in one turn, some about the same person and some about nobody: none is mixed up."""
    store = sqlite.open()
    await store.submit(write(Change(entries=(tagged(1), tagged(2, BOB, sms=False)))))
    asked = [ANN, BOB, "+12025550123", ANN, "", 'a",":\\\'', BOB]
    answers = await asyncio.gather(*map(store.read_facts, asked))
    assert [standing for _, standing in answers] == await store.read_standings(asked)
    assert [standing.sms_tag for _, standing in answers] == [
        recipient == ANN for recipient in asked
    ]
    assert {id(directory) for directory, _ in answers} == {id(answers[0][0])}
    await store.close()


async def test_a_question_that_cannot_be_put_fails_alone(sqlite: SQLiteDatabase) -> None:
    """Half a character is no text: whoever asks about it is told, and others are answered."""
    store = sqlite.open()
    await store.submit(write(Change(entries=(tagged(1),))))
    asked = map(store.read_facts, (ANN, "\ud800", ANN))
    first, second, third = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(second, UnicodeEncodeError)
    assert first == third
    assert not isinstance(first, BaseException)
    assert first[1].sms_tag
    await store.close()


async def test_who_has_gone_is_not_told(sqlite: SQLiteDatabase) -> None:
    """A caller that was cancelled while it waited keeps nobody else from an answer."""
    store = sqlite.open()
    gone = asyncio.create_task(store.read_facts(ANN))
    stays = asyncio.create_task(store.read_facts(ANN))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await stays)[1] == Standing()
    assert gone.cancelled()
    await store.close()


async def test_a_question_holds_no_snapshot(sqlite: SQLiteDatabase) -> None:
    """Once it is answered the log of writes can be put away whole: nothing of it is being read."""
    store = sqlite.open()
    await store.submit(write(Change(entries=(tagged(1),))))
    await store.read_facts(ANN)
    with closing(open_connection(sqlite.path)) as other:
        other.execute("DELETE FROM standings")
        busy, _, _ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").get
        assert busy == 0
    await store.close()


async def test_who_asks_a_store_that_is_closed_is_told(sqlite: SQLiteDatabase) -> None:
    """Also somebody who asked before and is not answered yet; nobody waits in vain."""
    store = sqlite.open()
    await store.read_facts(ANN)
    asked = [asyncio.create_task(store.read_facts(ANN)) for _ in range(2)]
    await asyncio.sleep(0)
    await store.close()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {StoreUnavailable, tuple}
    with pytest.raises(StoreUnavailable):
        await store.read_facts(ANN)


def test_an_event_loop_that_is_gone_holds_nobody_up(sqlite: SQLiteDatabase) -> None:
    """It stopped in the turn in which somebody asked; in the next one everybody is answered."""
    store = sqlite.open()
    unanswered = store.read_facts(BOB)
    gone = asyncio.new_event_loop()
    gone.call_soon(unanswered.send, None)
    gone.call_soon(gone.stop)
    gone.run_forever()
    gone.close()

    async def ask() -> Standing:
        _, standing = await asyncio.wait_for(store.read_facts(ANN), 60)
        await store.close()
        return standing

    assert asyncio.run(ask()) == Standing()
    unanswered.close()
