"""What programs are told: made from the changes themselves, told in order, kept until it is."""

from datetime import datetime, timedelta

import msgspec
import pytest
from store_world import (
    ANN,
    BOB,
    START,
    ask,
    inbound,
    message,
    submit_together,
    write,
)

from consentry.domain.messages import Callback, Message, MessageStatus
from consentry.domain.notices import (
    NoticeKind,
    PostponedNotice,
    StatusNotice,
    notice_of_text,
)
from consentry.ports import Change, Needs, Store

pytestmark = pytest.mark.integration

SHOP = "http://shop.example:8080"
CALLBACK = Callback(f"{SHOP}/status?order=1#rc=2", "AC1")
LATER = START + timedelta(hours=1)


def moved(known: Message, status: MessageStatus, **fields: object) -> Message:
    """Move a message to another status."""
    return msgspec.structs.replace(known, status=status, updated_at=START, **fields)


async def step(store: Store, message_id: str, *statuses: MessageStatus, **fields: object) -> None:
    """Move a stored message through statuses, all in one change."""

    def decide_change(known: Message | None) -> Change:
        assert known is not None
        return Change(messages=tuple(moved(known, status, **fields) for status in statuses))

    needs = Needs(messages=(message_id,))
    known = await store.submit(ask(lambda facts: facts.message(message_id), needs))
    await store.submit(_Move(message_id, decide_change(known)))


class _Move:
    """A command that was shown the message it changes."""

    def __init__(self, message_id: str, change: Change) -> None:
        self._message_id = message_id
        self._change = change

    def needs(self) -> Needs:
        """Ask for the message."""
        return Needs(messages=(self._message_id,))

    def decide(self, _facts: object) -> tuple[None, Change]:
        """Write the change."""
        return None, self._change


async def due(store: Store, host: str = SHOP, at: datetime = LATER, limit: int = 100) -> list[str]:
    """List the ids of what is due."""
    return [notice.id for notice in await store.read_notices(host, at, limit)]


async def test_a_message_with_a_callback_tells_each_status_but_its_first(store: Store) -> None:
    """Being handed over tells nothing; a notice holds the message as it was when it was made."""
    await store.submit(write(Change(messages=(message(1, callback=CALLBACK),))))
    assert await store.next_notices() == ()
    await step(store, "msg_00001", MessageStatus.SENDING)
    assert await store.count_notices() == 0
    await step(store, "msg_00001", MessageStatus.SENT)
    await step(store, "msg_00001", MessageStatus.DELIVERED)
    assert await store.next_notices() == ((SHOP, START),)
    assert await store.count_notices() == 2
    (first,) = await store.read_notices(SHOP, LATER, 10)
    assert (first.kind, first.callback, first.message.status, first.made_at) == (
        NoticeKind.STATUS,
        CALLBACK,
        MessageStatus.SENT,
        START,
    )


async def test_a_message_without_one_tells_nobody(store: Store) -> None:
    """As nearly all messages are."""
    await store.submit(write(Change(messages=(message(1),))))
    await step(store, "msg_00001", MessageStatus.SENT)
    assert (await store.next_notices(), await store.count_notices()) == ((), 0)


async def test_two_statuses_in_one_change_are_two_notices(store: Store) -> None:
    """A receipt that was faster than the carrier's answer is told behind it, in the same batch."""
    await store.submit(write(Change(messages=(message(1, callback=CALLBACK),))))
    await step(store, "msg_00001", MessageStatus.SENT, MessageStatus.DELIVERED)
    assert await store.count_notices() == 2
    assert await due(store) == ["msg_00001.4.sent"]
    await store.submit(write(Change(told=("msg_00001.4.sent",))))
    assert await due(store) == ["msg_00001.6.delivered"]
    await store.submit(write(Change(told=("msg_00001.6.delivered",))))
    assert (await store.next_notices(), await store.count_notices()) == ((), 0)


async def test_within_one_batch_the_status_before_is_known(store: Store) -> None:
    """A message that is made and moved on before the batch is written is told once."""
    new = message(1, callback=CALLBACK)
    commands = [
        write(Change(messages=(new,))),
        write(Change(messages=(moved(new, MessageStatus.SENT),))),
        write(Change(messages=(moved(new, MessageStatus.SENT, carrier_message_id="SM1"),))),
    ]
    await submit_together(store, *commands)
    assert await due(store) == ["msg_00001.4.sent"]


async def test_a_text_that_came_in_is_told_as_its_command_says(store: Store) -> None:
    """With what the carrier took it for; its recipient, its words and its address survive."""
    text = inbound(1, "SM1", body='é "🙂" \x00', media=("https://example.com/a.png",))
    notice = notice_of_text(
        text, Callback("https://[::1]:9/in", "AC2"), opt_out_type="STOP", no_answer="why"
    )
    await store.submit(write(Change(messages=(text,), notices=(notice,))))
    assert await store.read_notices("https://[::1]:9", LATER, 10) == [notice]


async def test_what_is_postponed_waits_with_all_behind_it(store: Store) -> None:
    """Later statuses do not overtake; another message of the same person does not wait."""
    for number in (1, 2):
        await store.submit(write(Change(messages=(message(number, callback=CALLBACK),))))
        await step(store, f"msg_0000{number}", MessageStatus.SENT, MessageStatus.DELIVERED)
    head = (await store.read_notices(SHOP, LATER, 1))[0]
    tried = msgspec.structs.replace(head, attempts=1)
    then = START + timedelta(minutes=5)
    await store.submit(write(Change(postponed=(PostponedNotice(tried, then),))))
    assert await due(store, at=START) == ["msg_00002.4.sent"]
    assert await store.read_notices(SHOP, then, 1) != [tried]
    assert tried in await store.read_notices(SHOP, then, 10)
    await store.submit(write(Change(told=(tried.id, "msg_00002.4.sent"))))
    assert await due(store, at=START) == ["msg_00002.6.delivered"]
    assert await due(store, at=then) == ["msg_00002.6.delivered", "msg_00001.6.delivered"]


async def test_what_is_given_up_is_kept_and_holds_up_nobody(store: Store) -> None:
    """The next of its message is due at once; what was given up is not counted any more."""
    await store.submit(write(Change(messages=(message(1, callback=CALLBACK),))))
    await step(store, "msg_00001", MessageStatus.SENT, MessageStatus.DELIVERED)
    (head,) = await store.read_notices(SHOP, LATER, 10)
    given_up = msgspec.structs.replace(head, attempts=9, given_up="HTTP 500")
    await store.submit(write(Change(postponed=(PostponedNotice(given_up, None),))))
    assert await due(store, at=START) == ["msg_00001.6.delivered"]
    assert await store.count_notices() == 1


async def test_what_was_told_does_not_come_again(store: Store) -> None:
    """Who postpones a notice that somebody else has told meanwhile brings nothing back."""
    await store.submit(write(Change(messages=(message(1, callback=CALLBACK),))))
    await step(store, "msg_00001", MessageStatus.SENT)
    (head,) = await store.read_notices(SHOP, LATER, 10)
    postpone = write(Change(postponed=(PostponedNotice(head, LATER),)))
    await store.submit(write(Change(told=(head.id,))))
    await store.submit(postpone)
    assert await store.count_notices() == 0


async def test_each_server_has_a_queue_of_its_own(store: Store) -> None:
    """Listed by scheme, name and port; the oldest due time of each is told, and limits hold."""
    urls = ["http://a.example/x", "http://A.example/y", "https://a.example/x", "http://b.example"]
    for number, url in enumerate(urls):
        text = inbound(number, f"SM{number}", BOB, updated_at=START + timedelta(minutes=number))
        made = notice_of_text(text, Callback(url, "AC1"))
        await store.submit(write(Change(messages=(text,), notices=(made,))))
    assert dict(await store.next_notices()) == {
        "http://a.example": START,
        "https://a.example": START + timedelta(minutes=2),
        "http://b.example": START + timedelta(minutes=3),
    }
    assert await due(store, "http://a.example") == ["msg_00000.9.received", "msg_00001.9.received"]
    assert await due(store, "http://a.example", limit=1) == ["msg_00000.9.received"]
    assert await due(store, "http://a.example", at=START) == ["msg_00000.9.received"]
    assert await due(store, "http://c.example") == []


async def test_a_notice_is_written_once(store: Store) -> None:
    """A status that comes again while it is not told yet is the same notice."""
    await store.submit(write(Change(messages=(message(1, callback=CALLBACK),))))
    await step(store, "msg_00001", MessageStatus.SENT)
    made = (await store.read_notices(SHOP, LATER, 10))[0]
    assert isinstance(made, StatusNotice)
    again = msgspec.structs.replace(made, message=message(1, ANN), made_at=LATER)
    await store.submit(write(Change(notices=(again,))))
    assert await store.read_notices(SHOP, LATER, 10) == [made]
