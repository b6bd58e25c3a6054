"""Rows under ids that a batch draws, beside rows that were there before."""

import pytest
from store_world import (
    ANN,
    BOB,
    Act,
    PostgresDatabase,
    SQLiteDatabase,
    customer,
    job,
    message,
    queued,
    submit_together,
    tagged,
    write,
)

from consentry.domain.messages import MessageStatus
from consentry.ports import Change, Facts, Needs, Page, Store

pytestmark = pytest.mark.integration


async def find(store: Store, words: str) -> list[str]:
    """Name whom a search finds."""
    return [found.name for found in await store.read_customers(Page(), search=words)]


async def test_what_is_new_and_what_was_there_are_written_in_one_batch(store: Store) -> None:
    """Each of a new and a known message, job, customer and standing is as it was written last."""
    before = queued(1)
    await store.submit(
        write(
            Change(
                entries=(tagged(1),),
                messages=before.messages,
                jobs=before.jobs,
                records=(customer(1, "Ann", ANN),),
            )
        )
    )

    def draw(facts: Facts) -> tuple[tuple[str, str], Change]:
        text, profile = facts.ids.new("msg"), facts.ids.new("cus")
        change = Change(
            entries=(tagged(2, BOB),),
            messages=(message(2, BOB, id=text),),
            jobs=(job(2, BOB, message=text),),
            records=(customer(2, "Bob", BOB, id=profile),),
        )
        return (text, profile), change

    again = Change(
        entries=(tagged(3, sms=False),),
        messages=(message(1, status=MessageStatus.SENT),),
        jobs=(job(1, priority=9),),
        records=(customer(1, "Annette", BOB),),
    )
    drawn, _ = await submit_together(store, Act(draw, Needs(recipients=(BOB,))), write(again))
    assert isinstance(drawn, tuple)
    text, profile = drawn
    assert await store.read_message(text) == message(2, BOB, id=text)
    assert await store.read_message("msg_00001") == message(1, status=MessageStatus.SENT)
    assert await store.count_outbox() == 2
    assert {found.id for found in await store.read_profiles(BOB)} == {profile, "cus_00001"}
    assert await store.read_profiles(ANN) == []
    assert (await find(store, "bob"), await find(store, "ann")) == (["Bob"], ["Annette"])
    assert (await store.read_standing(BOB)).sms_tag
    assert not (await store.read_standing(ANN)).sms_tag


async def test_a_later_command_of_the_batch_changes_what_an_earlier_one_made(store: Store) -> None:
    """Of a new row the last form is written, and none where it was taken out again."""
    drawn: list[str] = []

    def draw(facts: Facts) -> tuple[None, Change]:
        drawn[:] = [facts.ids.new("msg"), facts.ids.new("cus")]
        return None, Change(
            messages=(message(1, id=drawn[0]),),
            jobs=(job(1, message=drawn[0]),),
            records=(customer(1, "Ann", ANN, id=drawn[1]),),
        )

    def change(_facts: Facts) -> tuple[None, Change]:
        return None, Change(
            messages=(message(1, id=drawn[0], status=MessageStatus.CANCELED),),
            finished_jobs=(drawn[0],),
            deleted_customers=(drawn[1],),
        )

    assert await submit_together(store, Act(draw, Needs()), Act(change, Needs())) == [None, None]
    text = await store.read_message(drawn[0])
    assert text is not None
    assert text.status is MessageStatus.CANCELED
    assert await store.count_outbox() == 0
    assert await store.read_customer(drawn[1]) is None
    assert await store.read_profiles(ANN) == []


async def test_a_standing_is_known_under_whatever_its_number_is_kept_as(
    postgres: PostgresDatabase,
) -> None:
    """A number with a sign that PostgreSQL cannot keep has one standing only."""
    store = postgres.open()
    try:
        await store.submit(write(Change(entries=(tagged(1, "+1\x00"),))))
        await store.submit(write(Change(entries=(tagged(2, "+1\x00", sms=False),))))
        assert len(await store.read_recipients(Page())) == 1
    finally:
        await store.close()


async def test_what_is_no_number_has_no_standing_on_sqlite(sqlite: SQLiteDatabase) -> None:
    """A standing lies where its number says, so no other recipient's can be taken for it."""
    store = sqlite.open()
    try:
        with pytest.raises(Exception, match="CHECK"):
            await store.submit(write(Change(entries=(tagged(1, "+1\x00"),))))
        assert await store.read_recipients(Page()) == []
    finally:
        await store.close()
