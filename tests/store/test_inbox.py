"""The inbox: conversations by the person's newest text, page by page."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_world import (
    ANN,
    BOB,
    OTHER_SENDER,
    SENDER,
    Database,
    customer,
    inbound,
    message,
    tagged,
    write,
)

from consentry.domain.messages import Message
from consentry.domain.standing import Standing
from consentry.ports import Change, ConversationMark, InboxFilter, InboxPage, Page, Store
from consentry.store.sqlite.inbox import ROWS_LOOKED_AT_MAX

pytestmark = pytest.mark.integration

ALL = InboxFilter()
THIRD_SENDER = "+18005550177"


def text(number: int, recipient: str = ANN, sender: str = SENDER) -> Message:
    """Make a text that came in."""
    return inbound(number, f"SM{number}", recipient, sender=sender)


def numbers(page: InboxPage) -> str:
    """Name the texts of a page by their numbers."""
    return " ".join(str(int(item.message.id[4:])) for item in page.items)


async def test_each_conversation_stands_where_its_newest_text_stands(store: Store) -> None:
    """A recipient with a sender is one; what we wrote moves nothing and makes none."""
    texts = (text(1), text(2, BOB), text(3, sender=OTHER_SENDER), text(4), message(5, BOB))
    await store.submit(write(Change(messages=(*texts, message(6, "+14155550103")))))
    page = await store.read_inbox(ALL, Page())
    assert numbers(page) == "4 3 2"
    assert page.next is None


async def test_a_conversation_comes_with_who_it_is(store: Store) -> None:
    """Standing, the oldest customer with the number, and the mark, where there are any."""
    named = (customer(2, "Bo", ANN), customer(1, "Al", ANN))
    mark = ConversationMark(ANN, SENDER, read="msg_00001")
    await store.submit(write(Change(messages=(text(1), text(2, BOB)), entries=(tagged(1),))))
    await store.submit(write(Change(records=(*named, mark))))
    bob, ann = (await store.read_inbox(ALL, Page())).items
    assert (ann.standing, ann.customer, ann.mark) == (Standing(sms_tag=True), named[1], mark)
    assert (bob.standing, bob.customer, bob.mark) == (Standing(), None, None)
    assert (ann.is_unread, bob.is_unread) == (False, True)


async def test_pages_go_on_where_the_page_before_ended(store: Store) -> None:
    """Also while new texts arrive; a page that holds the last one has no next."""
    people = [f"+1415555{n:04}" for n in range(5)]
    await store.submit(write(Change(messages=tuple(map(text, range(1, 6), people)))))
    first = await store.read_inbox(ALL, Page(limit=2))
    assert (numbers(first), first.next) == ("5 4", "msg_00004")
    await store.submit(write(Change(messages=(text(6, people[1]), text(7)))))
    second = await store.read_inbox(ALL, Page(limit=2, before=first.next))
    assert numbers(second) == "3 1"
    assert second.next is None
    assert numbers(await store.read_inbox(ALL, Page())) == "7 6 5 4 3 1"
    assert await store.read_inbox(ALL, Page(before="msg_unknown")) == InboxPage([])


async def test_the_inbox_of_some_senders(store: Store) -> None:
    """Texts over other senders are not seen, nor do they hide anything."""
    texts = (text(1), text(2, BOB), text(3, BOB, OTHER_SENDER), text(4, ANN, THIRD_SENDER))
    await store.submit(write(Change(messages=texts)))

    async def over(*senders: str) -> str:
        return numbers(await store.read_inbox(InboxFilter(senders), Page()))

    assert await over(SENDER) == "2 1"
    assert await over(SENDER, OTHER_SENDER) == "3 2 1"
    assert await over(THIRD_SENDER, OTHER_SENDER, OTHER_SENDER) == "4 3"
    assert await over("+18005550000") == ""
    assert await over() == ""


async def test_what_was_put_away_is_open_again_after_a_new_text(store: Store) -> None:
    """Only conversations that are done with their newest text are left out."""
    done = ConversationMark(ANN, SENDER, read="msg_00001", done="msg_00001")
    await store.submit(write(Change(messages=(text(1), text(2, BOB)), records=(done,))))
    open_ones = InboxFilter(open_only=True)
    assert numbers(await store.read_inbox(open_ones, Page())) == "2"
    await store.submit(write(Change(messages=(text(3),))))
    assert numbers(await store.read_inbox(open_ones, Page())) == "3 2"


async def test_a_page_looks_only_so_far(store: Store) -> None:
    """Somebody who writes without end makes a short page with a next one, and hides nobody."""
    count = ROWS_LOOKED_AT_MAX
    await store.submit(write(Change(messages=(text(1, BOB),))))
    await store.submit(write(Change(messages=tuple(map(text, range(2, count + 5))))))
    first = await store.read_inbox(ALL, Page())
    assert numbers(first) == str(count + 4)
    assert first.next is not None
    second = await store.read_inbox(ALL, Page(before=first.next))
    assert (numbers(second), second.next) == ("1", None)


STEPS = st.lists(
    st.tuples(
        st.sampled_from([ANN, BOB, "+14155550103"]),
        st.sampled_from([SENDER, OTHER_SENDER, THIRD_SENDER]),
        st.sampled_from(["in", "out", "done"]),
    ),
    max_size=25,
)


@pytest.mark.property
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    steps=STEPS,
    limit=st.integers(1, 4),
    wanted=st.builds(
        InboxFilter,
        senders=st.none() | st.lists(st.sampled_from([SENDER, OTHER_SENDER, THIRD_SENDER])),
        open_only=st.booleans(),
    ),
)
def test_the_pages_together_are_what_a_look_at_everything_finds(
    make_database: Callable[[], Database],
    steps: list[tuple[str, str, str]],
    limit: int,
    wanted: InboxFilter,
) -> None:
    """Whatever was written, all pages in order are the newest text of each conversation."""

    async def run() -> None:
        store = make_database().open()
        newest, done = await play(store, steps)
        expected = [
            f"msg_{number:05d}"
            for pair, number in sorted(newest.items(), key=lambda item: -item[1])
            if (wanted.senders is None or pair[1] in wanted.senders)
            and not (wanted.open_only and pair in done)
        ]
        assert await all_pages(store, wanted, limit) == expected
        await store.close()

    asyncio.run(run())


async def play(
    store: Store, steps: list[tuple[str, str, str]]
) -> tuple[dict[tuple[str, str], int], set[tuple[str, str]]]:
    """Write texts and marks; return the newest text of each conversation, and which are done."""
    newest: dict[tuple[str, str], int] = {}
    done: set[tuple[str, str]] = set()
    for number, (recipient, sender, what) in enumerate(steps):
        pair = (recipient, sender)
        change = Change()
        if what == "in":
            newest[pair] = number
            done.discard(pair)
            change = Change(messages=(text(number, recipient, sender),))
        elif what == "out":
            change = Change(messages=(message(number, recipient, sender=sender),))
        elif pair in newest:
            done.add(pair)
            mark = ConversationMark(recipient, sender, done=f"msg_{newest[pair]:05d}")
            change = Change(records=(mark,))
        await store.submit(write(change))
    return newest, done


async def all_pages(store: Store, wanted: InboxFilter, limit: int) -> list[str]:
    """Name the texts of all pages."""
    found: list[str] = []
    page = await store.read_inbox(wanted, Page(limit=limit))
    while page.next is not None:
        found += [item.message.id for item in page.items]
        page = await store.read_inbox(wanted, Page(limit=limit, before=page.next))
    return found + [item.message.id for item in page.items]
