"""What a command is shown: each fact from the database, and as earlier commands left it."""

from datetime import timedelta

import pytest
from store_world import (
    ANN,
    BOB,
    CARRIER,
    OTHER_SENDER,
    SENDER,
    START,
    ask,
    claimed,
    customer,
    entry,
    inbound,
    job,
    message,
    queued,
    receipt,
    submit_together,
    tagged,
    write,
)

from consentry.domain.entries import EntryKind
from consentry.domain.messages import JobState, MessageStatus
from consentry.ports import (
    AnsweredKey,
    Change,
    Facts,
    IdempotencyRecord,
    Needs,
    ServerProcess,
    Store,
    Work,
)

pytestmark = pytest.mark.integration


async def test_inbound_finds_a_text_by_the_carriers_id(store: Store) -> None:
    """Only an inbound text of that account is found, stored or from the same batch."""
    needs = Needs(inbound=(CARRIER, "SM1"))
    look = ask(lambda facts: facts.inbound(CARRIER, "SM1", ANN), needs)
    sent = message(1, carrier_message_id="SM1")
    foreign = message(2, carrier="car_2", carrier_message_id="SM1")
    await store.submit(write(Change(messages=(sent, foreign))))
    assert await store.submit(look) is None
    _, seen = await submit_together(store, write(Change(messages=(inbound(3, "SM1"),))), look)
    assert seen == inbound(3, "SM1")
    assert await store.submit(look) == inbound(3, "SM1")


async def test_outbound_finds_a_text_and_its_job_by_the_carriers_id(store: Store) -> None:
    """The pair finds our message, and its job without naming the message."""
    needs = Needs(outbound=(CARRIER, "SM1"))

    def find(facts: Facts) -> tuple[object, object]:
        found = facts.outbound(CARRIER, "SM1")
        return found, None if found is None else facts.job(found.id)

    look = ask(find, needs)
    await store.submit(write(queued(1)))
    assert await store.submit(look) == (None, None)
    sent = message(1, carrier_message_id="SM1", status=MessageStatus.SENT)
    _, seen = await submit_together(store, write(Change(messages=(sent,), jobs=(job(1),))), look)
    assert seen == (sent, job(1))
    assert await store.submit(look) == (sent, job(1))
    _, seen = await submit_together(store, write(Change(finished_jobs=("msg_00001",))), look)
    assert seen == (sent, None)


async def test_message_and_job_are_found_by_our_id(store: Store) -> None:
    """Both are shown as they are stored, as the batch left them, and as None when unknown."""
    needs = Needs(messages=("msg_00001",))
    look = ask(lambda facts: (facts.message("msg_00001"), facts.job("msg_00001")), needs)
    assert await store.submit(look) == (None, None)
    await store.submit(write(queued(1)))
    assert await store.submit(look) == (message(1), job(1))
    change = Change(messages=(message(1, body="Changed."),), jobs=(claimed(1),))
    _, seen = await submit_together(store, write(change), look)
    assert seen == (message(1, body="Changed."), claimed(1))
    await store.submit(write(Change(finished_jobs=("msg_00001",))))
    assert await store.submit(look) == (message(1, body="Changed."), None)


async def test_the_outbox_of_a_recipient_tells_queued_from_in_flight(store: Store) -> None:
    """Queued work comes with its messages; what a carrier has is only named."""
    needs = Needs(recipients=(ANN,), queued_jobs=True)
    look = ask(
        lambda facts: ([w.job.message for w in facts.queued_work(ANN)], facts.in_flight(ANN)),
        needs,
    )
    await store.submit(write(queued(1, 2, 3)))
    await store.submit(write(queued(4, recipient=BOB)))
    waiting = job(3, state=JobState.INDETERMINATE)
    moved = Change(jobs=(claimed(2), waiting))
    _, seen = await submit_together(store, write(moved), look)
    assert seen == (["msg_00001"], ("msg_00002",))
    assert await store.submit(look) == seen
    works = await store.submit(ask(lambda facts: facts.queued_work(ANN), needs))
    assert works == (Work(job(1), message(1)),)


async def test_a_job_that_is_finished_and_queued_again_is_there(store: Store) -> None:
    """Within one batch the last word on a job counts."""
    needs = Needs(messages=("msg_00001",))
    look = ask(lambda facts: facts.job("msg_00001"), needs)
    await store.submit(write(queued(1)))
    again = job(1, attempts=1)
    _, seen = await submit_together(store, write(Change(finished_jobs=("msg_00001",))), look)
    assert seen is None
    await store.submit(write(queued(1)))
    await submit_together(
        store,
        write(Change(finished_jobs=("msg_00001",))),
        write(Change(jobs=(again,), messages=(message(1),))),
    )
    assert await store.submit(look) == again
    await submit_together(
        store,
        write(Change(jobs=(job(1, attempts=2),))),
        write(Change(finished_jobs=("msg_00001",))),
    )
    assert await store.submit(look) is None
    assert await store.count_outbox() == 0


def due(*limits: tuple[str, int]) -> Needs:
    """Ask for due jobs."""
    return Needs(due_jobs=limits)


def due_ids(facts: Facts) -> list[str]:
    """Name the due jobs."""
    return [work.job.message for work in facts.due_work()]


async def test_due_work_is_the_most_urgent_of_each_sender_up_to_its_limit(store: Store) -> None:
    """Priority first, then due time, then age; scheduled, claimed and other senders' jobs stay."""
    hour = timedelta(hours=1)
    await store.submit(write(queued(1, 2)))
    await store.submit(write(queued(3, due_at=START - hour)))
    await store.submit(write(queued(4, priority=0)))
    await store.submit(write(queued(5, due_at=START + hour, priority=0)))
    await store.submit(write(queued(6, recipient=BOB, sender=OTHER_SENDER, priority=9)))
    await store.submit(write(Change(messages=(message(7),), jobs=(claimed(7),))))
    three = await store.submit(ask(due_ids, due((SENDER, 3))))
    assert three == ["msg_00004", "msg_00003", "msg_00001"]
    both = await store.submit(ask(due_ids, due((SENDER, 2), (OTHER_SENDER, 5))))
    assert both == ["msg_00004", "msg_00003", "msg_00006"]
    assert await store.submit(ask(due_ids, due(("+18005550000", 5)))) == []


async def test_two_claims_in_one_batch_never_take_the_same_job(store: Store) -> None:
    """The second claim is shown what the first left, and its own limit."""
    await store.submit(write(queued(*range(1, 8))))

    def claim(facts: Facts) -> tuple[list[str], Change]:
        works = facts.due_work()
        taken = tuple(claimed(int(w.job.message[-5:])) for w in works)
        return due_ids(facts), Change(jobs=taken)

    class Claim:
        def needs(self) -> Needs:
            return due((SENDER, 3))

        def decide(self, facts: Facts) -> tuple[list[str], Change]:
            return claim(facts)

    ids = [f"msg_{n:05d}" for n in range(1, 8)]
    outcomes = await submit_together(store, Claim(), Claim())  # type: ignore[arg-type]
    assert outcomes == [ids[:3], ids[3:6]]
    assert await store.submit(Claim()) == ids[6:]
    assert await store.submit(Claim()) == []


async def test_a_job_canceled_in_the_batch_is_not_claimed(store: Store) -> None:
    """An opt-out before a claim in the same batch wins."""
    await store.submit(write(queued(1, 2)))
    _, seen = await submit_together(
        store, write(Change(finished_jobs=("msg_00001",))), ask(due_ids, due((SENDER, 5)))
    )
    assert seen == ["msg_00002"]


async def test_a_job_put_off_in_the_batch_is_not_claimed(store: Store) -> None:
    """A retry that an earlier command scheduled for later waits until then."""
    await store.submit(write(queued(1, 2)))
    later = Change(jobs=(job(1, due_at=START + timedelta(hours=1)),))
    _, seen = await submit_together(store, write(later), ask(due_ids, due((SENDER, 5))))
    assert seen == ["msg_00002"]


async def test_due_work_comes_with_the_standings_of_its_recipients(store: Store) -> None:
    """The gate can be asked of each due job without naming its recipient in the needs."""
    await store.submit(write(Change(entries=(tagged(1),), messages=(message(1),), jobs=(job(1),))))

    def tags(facts: Facts) -> list[bool]:
        return [facts.standing(work.job.recipient).sms_tag for work in facts.due_work()]

    assert await store.submit(ask(tags, due((SENDER, 5)))) == [True]
    # Queued in this very batch by a command that did not ask for the standing: it waits.
    _, seen = await submit_together(
        store, write(queued(2, recipient=BOB)), ask(tags, due((SENDER, 5)))
    )
    assert seen == [True]
    assert await store.submit(ask(tags, due((SENDER, 5)))) == [True, False]


async def test_processes_are_shown_in_the_order_of_their_coming(store: Store) -> None:
    """Each is kept under its id until it ends, whichever commands of the batch say so."""
    look = ask(lambda facts: facts.processes(), Needs(processes=True))
    second, first = ServerProcess("prc_a", 2), ServerProcess("prc_b", 1)
    await store.submit(write(Change(records=(second, first))))
    assert await store.submit(look) == (first, second)
    renewed = ServerProcess("prc_b", 1, beats=7, seen=2, leads=True)
    change = Change(records=(renewed,), ended_processes=("prc_a", "prc_unknown"))
    _, seen = await submit_together(store, write(change), look)
    assert seen == (renewed,)
    assert await store.submit(look) == (renewed,)


async def test_forgotten_answers_are_gone(store: Store) -> None:
    """Those that are named; one that is answered again in the same batch is there."""
    pairs = [("key_1", "a"), ("key_1", "b"), ("key_2", "a")]
    records = tuple(IdempotencyRecord(*pair, "f", 202, b"{}", START) for pair in pairs)
    await store.submit(write(Change(records=records)))
    known = [AnsweredKey(*pair, START) for pair in pairs]
    assert await store.read_answered(10) == known
    assert await store.read_answered(1, after=pairs[0]) == known[1:2]
    look = ask(lambda facts: facts.idempotent(*pairs[0]), Needs(idempotency=(pairs[0],)))
    gone = Change(forgotten_answers=(pairs[0], pairs[1], ("key_3", "nobody's")))
    _, seen, _ = await submit_together(
        store, write(gone), look, write(Change(records=(records[1],)))
    )
    assert seen is None
    assert await store.read_answered(10) == known[1:]


async def test_receipts_wait_until_they_are_matched(store: Store) -> None:
    """A receipt without a message of ours is shown; once it is matched it is not."""
    look = ask(
        lambda facts: facts.unmatched_receipts(CARRIER, "SM1"),
        Needs(unmatched_receipts=(CARRIER, "SM1")),
    )
    early = receipt(1, "SM1")
    _, seen = await submit_together(store, write(Change(records=(early, receipt(2, "SM2")))), look)
    assert seen == (early,)
    assert await store.submit(look) == (early,)
    _, seen = await submit_together(
        store, write(Change(records=(receipt(1, "SM1", of="msg_00001"),))), look
    )
    assert seen == ()
    assert await store.submit(look) == ()


async def test_refusals_are_counted_by_sender_and_time(store: Store) -> None:
    """Stored refusals and those of the same batch count; other kinds and senders do not."""

    def refused(number: int, sender: str = SENDER) -> Change:
        kind = EntryKind.CARRIER_REFUSED
        return Change(entries=(entry(number, kind=kind, sender=sender),))

    await store.submit(write(refused(1)))
    await store.submit(write(refused(2)))
    await store.submit(write(refused(3, OTHER_SENDER)))
    await store.submit(write(Change(entries=(tagged(4),))))
    since = START + timedelta(seconds=2)
    look = ask(lambda facts: facts.refusals_since(SENDER, since), Needs(refusals_of=SENDER))
    assert await store.submit(look) == 1
    _, seen = await submit_together(store, write(refused(5)), look)
    assert seen == 2
    nobody = ask(lambda facts: facts.refusals_since("+1", since), Needs(refusals_of="+1"))
    assert await store.submit(nobody) == 0


async def test_a_number_belongs_to_its_oldest_profile(store: Store) -> None:
    """Saving, changing, merging and deleting profiles moves the number at once."""
    look = ask(lambda facts: facts.profile_of(ANN), Needs(recipients=(ANN,), profiles=True))

    async def after(change: Change) -> object:
        _, seen = await submit_together(store, write(change), look)
        assert await store.submit(look) == seen
        return seen

    assert await store.submit(look) is None
    assert await after(Change(records=(customer(2, "Ann", ANN),))) == "cus_00002"
    assert await after(Change(records=(customer(3, "Anna", ANN, BOB),))) == "cus_00002"
    assert await after(Change(records=(customer(2, "Ann", BOB),))) == "cus_00003"
    assert await after(Change(records=(customer(1, "Al", ANN, ANN),))) == "cus_00001"
    merged = customer(1, "Al", ANN, merged_into="cus_00003")
    assert await after(Change(records=(merged,))) == "cus_00003"
    assert await after(Change(deleted_customers=("cus_00003",))) is None


async def test_a_customer_is_found_by_id(store: Store) -> None:
    """Stored, changed in the batch, deleted in the batch, deleted and written again."""
    look = ask(lambda facts: facts.customer("cus_00001"), Needs(customers=("cus_00001",)))
    assert await store.submit(look) is None
    _, seen = await submit_together(store, write(Change(records=(customer(1, "Ann"),))), look)
    assert seen == customer(1, "Ann")
    assert await store.submit(look) == customer(1, "Ann")
    gone = Change(deleted_customers=("cus_00001",))
    _, seen = await submit_together(store, write(gone), look)
    assert seen is None
    assert await store.submit(look) is None
    again = Change(records=(customer(1, "Anna", ANN),))
    await submit_together(store, write(gone), write(again))
    assert await store.submit(look) == customer(1, "Anna", ANN)
    assert await store.read_profiles(ANN) == [customer(1, "Anna", ANN)]


async def test_the_first_answer_to_an_idempotency_key_is_found(store: Store) -> None:
    """By owner and key, with its body byte for byte; also within a batch."""
    record = IdempotencyRecord("key_1", "once", "hash", 202, b'{"\xc3\xa9":\x00}', START)
    look = ask(
        lambda facts: facts.idempotent("key_1", "once"), Needs(idempotency=(("key_1", "once"),))
    )
    other = ask(
        lambda facts: facts.idempotent("key_2", "once"), Needs(idempotency=(("key_2", "once"),))
    )
    _, seen = await submit_together(store, write(Change(records=(record,))), look)
    assert seen == record
    assert await store.submit(look) == record
    assert await store.submit(other) is None
