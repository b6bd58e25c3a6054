"""What the doors read: lists in their order, page by page, and single things."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
from store_world import (
    ANN,
    BOB,
    CARRIER,
    OTHER_SENDER,
    SENDER,
    START,
    claimed,
    customer,
    inbound,
    job,
    message,
    queued,
    submit_together,
    tagged,
    write,
)

from consentry.domain.directory import Brand, Program, Purpose, Sender
from consentry.domain.messages import JobState, MessageStatus
from consentry.domain.reading import SenderKind
from consentry.domain.standing import Standing
from consentry.domain.templates import Template
from consentry.domain.wording_lint import WordingKind
from consentry.ports import (
    APIKey,
    CarrierAccount,
    Change,
    MessageFilter,
    Page,
    Scope,
    Store,
    StoreUnavailable,
    Work,
)

pytestmark = pytest.mark.integration

FIRST_PAGE = Page()


async def test_entries_are_listed_newest_first_page_by_page(store: Store) -> None:
    """Each page goes on where the one before ended; other recipients' entries stay out."""
    for number in range(1, 6):
        await store.submit(write(Change(entries=(tagged(number), tagged(number + 10, BOB)))))
    first = await store.read_entries(ANN, Page(limit=2))
    second = await store.read_entries(ANN, Page(limit=2, before=first[-1].id))
    third = await store.read_entries(ANN, Page(limit=2, before=second[-1].id))
    assert [e.id[-1] for e in first + second + third] == ["5", "4", "3", "2", "1"]
    assert await store.read_entries(ANN, Page(before=third[-1].id)) == []
    assert await store.read_entries(ANN, Page(before="ent_unknown")) == []


async def test_entries_come_in_the_order_in_which_they_became_durable(store: Store) -> None:
    """Neither a clock that went back nor another process's ids can change the order."""
    await store.submit(write(Change(entries=(tagged(9), tagged(4, sms=False)))))
    await store.submit(write(Change(entries=(tagged(7),))))
    listed = await store.read_entries(ANN, Page())
    assert [e.id[-1] for e in listed] == ["7", "4", "9"]
    assert [e.id[-1] for e in await store.read_entries(ANN, Page(before="ent_00004"))] == ["9"]


async def test_entries_can_be_listed_as_of_a_time(store: Store) -> None:
    """`until` leaves out what was recorded later, to the microsecond."""
    await store.submit(write(Change(entries=tuple(map(tagged, (1, 2, 3))))))
    second = tagged(2).recorded_at
    until = await store.read_entries(ANN, Page(), until=second)
    assert [e.id for e in until] == ["ent_00002", "ent_00001"]
    before = await store.read_entries(ANN, Page(), until=second - timedelta(microseconds=1))
    assert [e.id for e in before] == ["ent_00001"]


async def test_messages_are_listed_by_any_filter_newest_first(store: Store) -> None:
    """Recipient, sender and status narrow the list in every combination."""
    failed = MessageStatus.FAILED
    stored = (
        message(1),
        message(2, BOB),
        message(3, sender=OTHER_SENDER),
        message(4, status=failed),
        message(5, BOB, sender=OTHER_SENDER, status=failed),
        inbound(6, "SM6"),
    )
    await store.submit(write(Change(messages=stored)))

    async def numbers(wanted: MessageFilter, page: Page = FIRST_PAGE) -> str:
        return "".join(m.id[-1] for m in await store.read_messages(wanted, page))

    assert await numbers(MessageFilter()) == "654321"
    assert await numbers(MessageFilter(recipient=ANN)) == "6431"
    assert await numbers(MessageFilter(sender=SENDER)) == "6421"
    assert await numbers(MessageFilter(status=failed)) == "54"
    assert await numbers(MessageFilter(recipient=ANN, sender=SENDER)) == "641"
    assert await numbers(MessageFilter(recipient=BOB, status=failed)) == "5"
    assert await numbers(MessageFilter(sender=OTHER_SENDER, status=failed)) == "5"
    assert await numbers(MessageFilter(ANN, OTHER_SENDER, failed)) == ""
    for wanted, rest in (
        (MessageFilter(), "321"),
        (MessageFilter(recipient=ANN), "31"),
        (MessageFilter(sender=SENDER), "21"),
        (MessageFilter(status=failed), ""),
    ):
        assert await numbers(wanted, Page(before="msg_00004")) == rest
    assert await numbers(MessageFilter(), Page(limit=2, before="msg_00004")) == "32"
    assert await store.read_first_message_after("msg_00003") == "msg_00004"
    assert await store.read_first_message_after("msg_000035") == "msg_00004"
    assert await store.read_first_message_after("") == "msg_00001"
    assert await store.read_first_message_after("msg_00006") is None


async def test_a_message_that_changes_keeps_its_place(store: Store) -> None:
    """Writing a message again changes it everywhere and moves it nowhere."""
    await store.submit(write(Change(messages=(message(1), message(2)))))
    delivered = message(1, status=MessageStatus.DELIVERED, carrier_message_id="SM1")
    await store.submit(write(Change(messages=(delivered,))))
    assert await store.read_message("msg_00001") == delivered
    assert await store.read_messages(MessageFilter(), Page()) == [message(2), delivered]
    queued_ones = MessageFilter(status=MessageStatus.QUEUED)
    assert await store.read_messages(queued_ones, Page()) == [message(2)]
    assert await store.read_message("msg_00009") is None


async def test_customers_are_listed_newest_first_without_merged_ones(store: Store) -> None:
    """A merged profile is still found by its id."""
    merged = customer(2, "Bo", BOB, merged_into="cus_00003")
    await store.submit(
        write(Change(records=(customer(1, "Al"), merged, customer(3, "Ann", ANN, BOB))))
    )
    assert [c.id[-1] for c in await store.read_customers(Page())] == ["3", "1"]
    assert [c.id[-1] for c in await store.read_customers(Page(before="cus_00003"))] == ["1"]
    assert len(await store.read_customers(Page(limit=1))) == 1
    assert await store.read_customer("cus_00002") == merged
    assert await store.read_customer("cus_00009") is None
    assert await store.read_profiles(BOB) == [customer(3, "Ann", ANN, BOB)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ann", "21"),
        ("ÉTÉ", "2"),
        ("  lee ", "1"),
        ("+1 (415) 555-0101", "1"),
        ("5550102", "2"),
        ("415", "21"),
        ("example.com", "1"),
        ("50%", "2"),
        ("_", ""),
        ("nobody", ""),
        ("  ", "21"),
    ],
)
async def test_customers_are_found_by_any_part(store: Store, words: str, found: str) -> None:
    """Part of a name in any case, an address, a number as people write it; no wildcards."""
    ann = customer(1, "Ann Lee", ANN, emails=("lee@example.com",))
    annette = customer(2, "Annette Été 50%", BOB)
    await store.submit(write(Change(records=(ann, annette))))
    listed = await store.read_customers(Page(), search=words)
    assert "".join(c.id[-1] for c in listed) == found


async def test_several_profiles_may_hold_one_number(store: Store) -> None:
    """All of them are listed, oldest first, until they let go of it."""
    both = (customer(2, "Bo", ANN), customer(1, "Al", ANN))
    await store.submit(write(Change(records=both)))
    assert [c.id[-1] for c in await store.read_profiles(ANN)] == ["1", "2"]
    await store.submit(write(Change(records=(customer(1, "Al"),))))
    assert [c.id[-1] for c in await store.read_profiles(ANN)] == ["2"]


async def test_standings_come_in_the_order_asked(store: Store) -> None:
    """Thousands at once, with repeats and numbers never seen."""
    await store.submit(write(Change(entries=(tagged(1), tagged(2, BOB, sms=False)))))
    asked = [BOB, "+14155550199", ANN, ANN] * 300
    standings = await store.read_standings(asked)
    assert [s.sms_tag for s in standings] == [False, False, True, True] * 300
    assert await store.read_standings([]) == []
    assert await store.read_standing("+14155550199") == Standing()


@pytest.mark.parametrize("times", [1, 20])
async def test_all_that_the_gate_asks_about_many_comes_in_the_order_asked(
    store: Store, times: int
) -> None:
    """The directory and standings, with repeats, numbers never seen, and texts that are none."""
    number = Sender(SENDER, SenderKind.LONG_CODE, "brd_1", CARRIER, enabled=False)
    await store.submit(write(Change(records=(Brand("brd_1", "Acme"), number))))
    await store.submit(write(Change(entries=(tagged(1), tagged(2, BOB, sms=False)))))
    odd = 'a "quoted", \\ one\nof two lines'
    asked = [odd, BOB, "+14155550199", ANN, ANN.removeprefix("+"), ANN, "", "a\x00b", "NULL"]
    directory, standings = await store.read_facts_of(asked * times)
    tags = [False, False, False, True, False, True, False, False, False]
    assert [standing.sms_tag for standing in standings] == tags * times
    assert not directory.senders[SENDER].enabled
    assert (await store.read_facts_of([]))[1] == []


async def test_who_asks_about_many_at_once_with_others_is_told_of_their_own(store: Store) -> None:
    """Twenty questions at the same time, each about others: none is given another's answer."""
    people = [f"+1415555{n:04}" for n in range(400)]
    on = tuple(tagged(n, person) for n, person in enumerate(people, 1) if n % 3 == 0)
    await store.submit(write(Change(entries=on)))
    questions = [people[start::20] * (1 + start % 3) for start in range(20)]
    answers = await asyncio.gather(*(store.read_facts_of(asked) for asked in questions))
    for asked, (_, standings) in zip(questions, answers, strict=True):
        tagged_of = [(people.index(person) + 1) % 3 == 0 for person in asked]
        assert [standing.sms_tag for standing in standings] == tagged_of


async def test_many_standings_are_as_of_the_last_commit(store: Store) -> None:
    """What was acknowledged is seen by the next look at thousands, and a closed store says so."""
    asked = [ANN, BOB] * 600
    for number, sms in enumerate((True, False, True), start=1):
        await store.submit(write(Change(entries=(tagged(number, sms=sms),))))
        standings = await store.read_standings(asked)
        assert [s.sms_tag for s in standings] == [sms, False] * 600
    await store.close()
    for many in (asked, asked[:2]):
        with pytest.raises(StoreUnavailable):
            await store.read_standings(many)


async def test_recipients_are_listed_in_the_order_of_their_numbers(store: Store) -> None:
    """Everybody we hold a standing of, page by page."""
    await store.submit(write(Change(entries=(tagged(1, BOB), tagged(2, ANN)))))
    first = await store.read_recipients(Page(limit=1))
    assert first == [(ANN, Standing(sms_tag=True))]
    assert await store.read_recipients(Page(before=ANN)) == [(BOB, Standing(sms_tag=True))]


async def test_the_outbox_tells_what_is_due_when(store: Store) -> None:
    """Per sender the earliest queued job of any priority; claimed ones are only counted."""
    hour = timedelta(hours=1)
    assert await store.next_due() == ()
    assert await store.count_outbox() == 0
    await store.submit(write(queued(1, due_at=START + hour)))
    await store.submit(write(queued(2, due_at=START + 2 * hour, priority=0)))
    await store.submit(write(queued(3, sender=OTHER_SENDER, due_at=START, priority=9)))
    await store.submit(write(Change(messages=(message(4),), jobs=(claimed(4),))))
    assert dict(await store.next_due()) == {SENDER: START + hour, OTHER_SENDER: START}
    assert await store.count_outbox() == 4


async def test_claimed_jobs_are_listed_whoever_claimed_them(store: Store) -> None:
    """All, or those of some messages; a job that waits or is done is none of them."""
    await store.submit(write(queued(1, 2, 3, 4)))
    claims = tuple(msgspec.structs.replace(claimed(n), process=f"prc_{n}") for n in (2, 3))
    await store.submit(write(Change(jobs=claims)))
    assert await store.read_claimed() == list(claims)
    asked = ["msg_00003", "msg_00004", "msg_unknown"]
    assert await store.read_claimed(asked) == [claims[1]]
    assert await store.read_claimed([]) == []
    await store.submit(write(Change(finished_jobs=("msg_00003",))))
    assert await store.read_claimed(asked) == []


async def test_indeterminate_work_is_listed_page_by_page(store: Store) -> None:
    """In the order of message ids, only what is indeterminate."""
    await store.submit(write(queued(1, 2, 3, 4)))
    unknown = tuple(job(n, state=JobState.INDETERMINATE) for n in (4, 1, 3))
    await store.submit(write(Change(jobs=unknown)))
    first = await store.read_indeterminate(2)
    assert first == [Work(unknown[1], message(1)), Work(unknown[2], message(3))]
    assert await store.read_indeterminate(2, after="msg_00003") == [Work(unknown[0], message(4))]


async def test_what_people_set_up_is_read_back_as_it_was_written(store: Store) -> None:
    """Brands, senders, programs, carriers and keys, in the order they were first saved."""
    brand = Brand("brd_1", "Acme", contact="acme@example.com")
    sender = Sender(SENDER, SenderKind.TOLL_FREE, "brd_1", CARRIER, messages_per_second=3.5)
    program = Program("prg_1", "brd_1", Purpose.MARKETING, "Offers")
    carrier = CarrierAccount("car_1", "twilio", "AC1", "secret", "http://127.0.0.1:1")
    key = APIKey("key_1", "crm", "ck_1", "hash", (Scope.SEND, Scope.READ), START)
    await store.submit(write(Change(records=(brand, sender, program, carrier, key))))
    later = Change(records=(Brand("brd_0", "Zeta"), Brand("brd_1", "Acme & Co")))
    await store.submit(write(later))
    directory = await store.read_directory()
    assert list(directory.brands) == ["brd_1", "brd_0"]
    assert directory.brands["brd_1"].name == "Acme & Co"
    assert directory.senders == {SENDER: sender}
    assert directory.programs == {"prg_1": program}
    assert await store.read_carriers() == [carrier]
    assert await store.read_keys() == [key]


async def test_named_wordings_are_read_back_in_order(store: Store) -> None:
    """Deleted ones too, each as it was saved last, in the order they were first saved."""
    one = Template("tpl_2", "brd_1", "Sale", WordingKind.MARKETING, "{brand}: é", START, START)
    other = msgspec.structs.replace(one, id="tpl_1", name="Reminder")
    await store.submit(write(Change(records=(one, other))))
    gone = msgspec.structs.replace(one, deleted_at=START)
    await store.submit(write(Change(records=(gone,))))
    assert await store.read_templates() == [gone, other]


async def test_a_revoked_key_stays_revoked(store: Store) -> None:
    """Noting the use of a key from an older copy does not bring it back, in one batch or two."""
    used = APIKey("key_1", "crm", "ck_1", "hash", (Scope.SEND,), START, last_used_at=START)
    revoked = msgspec.structs.replace(used, revoked_at=START)
    await store.submit(write(Change(records=(used,))))
    await submit_together(store, *(write(Change(records=(key,))) for key in (used, revoked, used)))
    assert await store.read_keys() == [revoked]
    await store.submit(write(Change(records=(used,))))
    assert await store.read_keys() == [revoked]
