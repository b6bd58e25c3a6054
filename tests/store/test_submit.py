"""What `submit` promises, on every database."""

import asyncio
from datetime import datetime

import pytest
from store_world import (
    ANN,
    BOB,
    CARRIER,
    SENDER,
    Act,
    Database,
    ask,
    customer,
    entry,
    held,
    inbound,
    job,
    message,
    queued,
    submit_together,
    tagged,
    write,
)

from consentry.domain.directory import Brand
from consentry.domain.entries import fold
from consentry.domain.messages import Message
from consentry.domain.standing import Standing
from consentry.ports import (
    Change,
    Facts,
    MessageFilter,
    Needs,
    Page,
    Rejected,
    Store,
    StoreUnavailable,
)

pytestmark = pytest.mark.integration


def reject(_facts: Facts) -> tuple[None, Change]:
    """Decide that it cannot be done."""
    raise Rejected("not_found", "There is no such thing.", status=404)


async def test_an_outcome_is_told_after_the_change_can_be_read(
    store: Store, database: Database
) -> None:
    """When `submit` returns, another opening of the database sees the change."""
    await store.submit(write(Change(entries=(tagged(1),), messages=(message(1),))))
    other = database.open()
    assert await other.read_entries(ANN, Page()) == [tagged(1)]
    assert await other.read_message("msg_00001") == message(1)
    assert (await other.read_standing(ANN)).sms_tag
    await other.close()


async def test_what_gathers_during_a_batch_is_the_next_batch(store: Store) -> None:
    """Commands submitted while the writer works are carried out together, at one time."""
    times = await submit_together(store, *(write(Change(messages=(message(n),))) for n in (1, 2)))
    assert times[0] == times[1]
    assert await store.submit(write(Change())) != times[0]


async def test_commands_of_a_batch_are_carried_out_in_order(store: Store) -> None:
    """Each command of a batch sees what the one before it left, and the last word stands."""
    seen: list[bool] = []

    def turn(facts: Facts) -> tuple[None, Change]:
        tag = facts.standing(ANN).sms_tag
        seen.append(tag)
        return None, Change(entries=(tagged(len(seen), sms=not tag),))

    await submit_together(store, *(Act(turn, Needs(recipients=(ANN,))) for _ in range(5)))
    assert seen == [False, True, False, True, False]
    assert (await store.read_standing(ANN)).sms_tag
    kept = await store.read_entries(ANN, Page())
    assert [e.id for e in kept] == [f"ent_{n:05d}" for n in (5, 4, 3, 2, 1)]


async def test_a_rejected_command_fails_alone(store: Store) -> None:
    """`Rejected` reaches its own caller; the commands around it are carried out."""
    outcomes = await submit_together(
        store,
        write(Change(entries=(tagged(1),))),
        Act(reject, Needs()),
        write(Change(entries=(tagged(2, BOB),))),
    )
    assert isinstance(outcomes[0], datetime)
    assert isinstance(outcomes[1], Rejected)
    assert outcomes[1].status == 404
    assert isinstance(outcomes[2], datetime)
    assert len(await store.read_entries(ANN, Page())) == 1
    assert len(await store.read_entries(BOB, Page())) == 1


async def test_a_faulty_command_fails_alone(store: Store) -> None:
    """Whatever a command raises in `decide` or `needs` reaches its caller and nobody else."""

    class Needless(Act[None]):
        def needs(self) -> Needs:
            raise ZeroDivisionError

    outcomes = await submit_together(
        store,
        Act(lambda _: 1 // 0, Needs()),  # type: ignore[arg-type,return-value]
        Needless(reject, Needs()),
        write(Change(entries=(tagged(1),))),
    )
    assert isinstance(outcomes[0], ZeroDivisionError)
    assert isinstance(outcomes[1], ZeroDivisionError)
    assert isinstance(outcomes[2], datetime)


async def test_a_change_that_cannot_be_encoded_changes_nothing(store: Store) -> None:
    """A text with a lone surrogate fails its command whole: not a part of it is kept."""
    broken = Change(
        entries=(tagged(1),),
        messages=(message(1), message(2, body="\ud83d")),
        records=(customer(1, "Ann", ANN),),
    )
    outcomes = await submit_together(
        store,
        write(broken),
        ask(lambda facts: facts.standing(ANN).sms_tag, Needs(recipients=(ANN,))),
    )
    assert isinstance(outcomes[0], UnicodeEncodeError)
    assert outcomes[1] is False
    assert await store.read_messages(MessageFilter(), Page()) == []
    assert await store.read_entries(ANN, Page()) == []
    assert await store.read_customers(Page()) == []


async def test_a_row_that_breaks_a_rule_of_the_schema_fails_its_command_alone(
    store: Store,
) -> None:
    """The database refuses one command's row; the rest of the batch becomes durable."""
    outcomes = await submit_together(
        store,
        write(Change(entries=(tagged(1),))),
        write(Change(messages=(message(1),), jobs=(job(1, priority=77),))),
        write(Change(entries=(tagged(2, sms=False),))),
    )
    assert isinstance(outcomes[0], datetime)
    assert isinstance(outcomes[1], Exception)
    assert isinstance(outcomes[2], datetime)
    assert await store.read_message("msg_00001") is None
    assert len(await store.read_entries(ANN, Page())) == 2


async def test_an_entry_is_never_written_in_the_place_of_another(store: Store) -> None:
    """An entry with an id that is taken, in this batch or before, fails its command alone."""
    await store.submit(write(Change(entries=(tagged(1),))))
    outcomes = await submit_together(
        store,
        write(Change(entries=(tagged(2),))),
        write(Change(entries=(tagged(1, sms=False),))),
        write(Change(entries=(tagged(2, sms=False),))),
    )
    assert isinstance(outcomes[0], datetime)
    assert isinstance(outcomes[1], Exception)
    assert isinstance(outcomes[2], Exception)
    assert await store.read_entries(ANN, Page()) == [tagged(2), tagged(1)]
    assert (await store.read_standing(ANN)).sms_tag


async def test_a_text_that_comes_twice_in_one_batch_is_received_once(store: Store) -> None:
    """The second of two copies in one batch is shown the first."""

    def receive(number: int) -> Act[str]:
        def decide(facts: Facts) -> tuple[str, Change]:
            known = facts.inbound(CARRIER, "SM1", ANN)
            if known is not None:
                return known.id, Change()
            return f"msg_{number:05d}", Change(messages=(inbound(number, "SM1"),))

        return Act(decide, Needs(recipients=(ANN,), inbound=(CARRIER, "SM1")))

    assert await submit_together(store, *map(receive, range(1, 5))) == ["msg_00001"] * 4
    assert await store.submit(receive(9)) == "msg_00001"
    assert len(await store.read_messages(MessageFilter(), Page())) == 1


async def test_the_same_carrier_id_cannot_be_stored_for_two_inbound_texts(store: Store) -> None:
    """A command that does not look for the copy is stopped by the database."""
    await store.submit(write(Change(messages=(inbound(1, "SM1"),))))
    with pytest.raises(Exception, match=r"(?i)unique"):
        await store.submit(write(Change(messages=(inbound(2, "SM1"),))))


async def test_two_people_may_have_the_same_carrier_id(store: Store) -> None:
    """Each is shown their own text under it, stored or of the same batch."""
    needs = Needs(inbound=(CARRIER, "SM1"))

    def look(facts: Facts) -> list[Message | None]:
        return [facts.inbound(CARRIER, "SM1", person) for person in (ANN, BOB)]

    anns, bobs = inbound(1, "SM1", ANN), inbound(2, "SM1", BOB)
    await store.submit(write(Change(messages=(anns,))))
    assert await store.submit(ask(look, needs)) == [anns, None]
    _, seen = await submit_together(store, write(Change(messages=(bobs,))), ask(look, needs))
    assert seen == [anns, bobs]
    assert await store.submit(ask(look, needs)) == [anns, bobs]


async def test_a_fact_that_is_not_among_the_needs_is_a_fault_of_the_command(
    store: Store,
) -> None:
    """Asking for what was not loaded raises and says what is missing in `needs`."""
    looks = [
        lambda facts: facts.standing(BOB),
        lambda facts: facts.inbound(CARRIER, "SM1", ANN),
        lambda facts: facts.outbound(CARRIER, "SM1"),
        lambda facts: facts.message("msg_1"),
        lambda facts: facts.job("msg_1"),
        lambda facts: facts.queued_work(ANN),
        lambda facts: facts.in_flight(ANN),
        lambda facts: facts.processes(),
        lambda facts: facts.unmatched_receipts(CARRIER, "SM1"),
        lambda facts: facts.refusals_since(SENDER, facts.now),
        lambda facts: facts.profile_of(ANN),
        lambda facts: facts.customer("cus_1"),
        lambda facts: facts.idempotent("key_1", "once"),
    ]
    for look in looks:
        with pytest.raises(LookupError, match="without naming it in its needs"):
            await store.submit(ask(look, Needs(recipients=(ANN,))))


async def test_pieces_need_the_standing_they_change(store: Store) -> None:
    """An entry that changes a standing is refused where the command did not ask for it."""
    careless = Act(lambda _: (None, Change(entries=(tagged(1, BOB),))), Needs())
    with pytest.raises(LookupError, match="the standing of"):
        await store.submit(careless)
    note = Change(entries=(entry(2, BOB),))
    await store.submit(Act(lambda _: (None, note), Needs()))
    assert await store.read_entries(BOB, Page()) == [entry(2, BOB)]
    assert await store.read_standing(BOB) == Standing()


async def test_hundreds_at_once_all_become_durable(store: Store, database: Database) -> None:
    """Five hundred commands from one loop, more than a batch holds: each gets its own outcome."""
    recipients = [f"+1415555{n:04d}" for n in range(100)]

    def count(number: int) -> Act[int]:
        recipient = recipients[number % 100]
        change = Change(
            entries=(tagged(number, recipient, sms=number % 3 == 0),),
            messages=(message(number, recipient),),
        )
        return Act(lambda _: (number, change), Needs(recipients=(recipient,)))

    outcomes = await asyncio.gather(*(store.submit(count(n)) for n in range(500)))
    assert outcomes == list(range(500))
    await store.close()
    again = database.open()
    for recipient in recipients:
        kept = await again.read_entries(recipient, Page())
        assert len(kept) == 5
        assert fold(reversed(kept)) == await again.read_standing(recipient)
    await again.close()


async def test_a_caller_that_went_away_does_not_stop_its_command(store: Store) -> None:
    """Cancelling the wait changes nothing for the command or for others."""
    async with held(store):
        gone = asyncio.create_task(store.submit(write(Change(entries=(tagged(1),)))))
        stays = asyncio.create_task(store.submit(write(Change(entries=(tagged(2),)))))
        await asyncio.sleep(0)
        gone.cancel()
    await stays
    assert gone.cancelled()
    assert len(await store.read_entries(ANN, Page())) == 2


async def test_close_finishes_what_was_submitted_and_posted(
    store: Store, database: Database
) -> None:
    """Closing waits for the queue; afterwards nothing is taken, and closing twice is fine."""
    async with held(store):
        tasks = [asyncio.create_task(store.submit(write(queued(n)))) for n in range(300)]
        await asyncio.sleep(0)
        store.post(write(Change(entries=(tagged(1),))))
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)
    await closing
    await asyncio.gather(*tasks)
    with pytest.raises(StoreUnavailable):
        await store.submit(write(Change()))
    with pytest.raises(StoreUnavailable):
        await store.read_directory()
    for read in (
        store.read_standing(ANN),
        store.read_facts(ANN),
        store.read_message("msg_00001"),
        store.read_entries(ANN, Page()),
    ):
        with pytest.raises(StoreUnavailable, match="Check it and try again"):
            await read
    store.post(write(Change(entries=(tagged(2),))))
    await store.close()
    again = database.open()
    assert await again.count_outbox() == 300
    assert await again.read_entries(ANN, Page()) == [tagged(1)]
    await again.close()


async def test_a_posted_command_is_carried_out_in_its_place(store: Store) -> None:
    """What was posted before a submit is there when the submit returns; its failure is silent."""
    store.post(Act(reject, Needs()))
    store.post(write(Change(entries=(tagged(1),))))
    await store.submit(write(Change()))
    assert await store.read_entries(ANN, Page()) == [tagged(1)]


async def test_the_directory_shows_a_change_at_once(store: Store) -> None:
    """A brand saved by one command is in the facts of the next of its batch, and in `directory`."""
    saved, seen = await submit_together(
        store,
        write(Change(records=(Brand("brd_1", "Acme"),))),
        ask(lambda facts: facts.directory.brands["brd_1"].name, Needs()),
    )
    assert isinstance(saved, datetime)
    assert seen == "Acme"
    assert (await store.read_directory()).brands == {"brd_1": Brand("brd_1", "Acme")}


async def test_the_store_knows_when_somebody_pressed(store: Store) -> None:
    """Only what somebody waits for, impatiently: a large send then goes on in small portions."""
    assert store.pressed_ago() > 1e9
    await store.submit(write(Change()), is_patient=True)
    store.post(write(Change()))
    assert store.pressed_ago() > 1e9
    await store.submit(write(Change()))
    pressed_ago = store.pressed_ago()
    assert 0 <= pressed_ago < 60
    await store.submit(write(Change()), is_patient=True)
    assert store.pressed_ago() >= pressed_ago
