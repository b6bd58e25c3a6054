"""Webhooks, what they are told, and what was given up, on both databases."""

from datetime import timedelta

import msgspec
import pytest
from store_world import ANN, BOB, START, Database, inbound, message, write

from consentry.actions.keep_webhooks import RemoveWebhook, RotateSecret, SaveWebhook
from consentry.actions.replay_notices import ForgetNotices, ReplayNotices
from consentry.domain.messages import Callback
from consentry.domain.notices import EventNotice, PostponedNotice, Try, note_try, notice_of_text
from consentry.domain.webhooks import EventType, Webhook, WebhookHealth
from consentry.ports import Change, NoticeFilter, Page, Store

pytestmark = pytest.mark.integration

LATER = START + timedelta(hours=1)
NEW = Webhook("", "https://shop.example/events", START, START)
GIVEN_UP, WAITING = NoticeFilter(), NoticeFilter(given_up=False)
TEXTS = (EventType.MESSAGE_RECEIVED,)


async def add(store: Store, **fields: object) -> Webhook:
    """Set a webhook up."""
    new = msgspec.structs.replace(NEW, **fields)
    return (await store.submit(SaveWebhook(new, randomness=bytes(32)))).webhook


async def receive(store: Store, number: int, recipient: str = ANN) -> str:
    """Let a text come in; give the id of its event."""
    text = inbound(number, f"SM{number}", recipient)
    await store.submit(write(Change(messages=(text,))))
    return f"evt_{text.id}_9_received"


async def test_a_webhook_is_in_the_directory_until_it_is_removed(database: Database) -> None:
    """After the database was opened anew as well; its secret stands apart."""
    store = database.open()
    first = await add(store)
    second = await add(store, url="https://other.example", brands=(), description='é "x"')
    known = await store.read_webhook_secrets(first.id)
    assert known is not None
    new = await store.submit(RotateSecret(first.id, known, bytes(24)))
    assert (await store.read_directory()).webhooks == {first.id: first, second.id: second}
    again = await store.read_webhook_secrets(first.id)
    assert again is not None
    assert (again.current, again.previous) == (new, known.current)
    await store.submit(RemoveWebhook(first.id))
    assert (await store.read_directory()).webhooks == {second.id: second}
    assert await store.read_webhook_secrets("whk_none") is None
    await store.close()
    opened = database.open()
    assert (await opened.read_directory()).webhooks == {second.id: second}
    await opened.close()


async def test_what_happens_is_told_in_the_transaction_in_which_it_does(store: Store) -> None:
    """Of what was rolled back nothing is told; a webhook made in the batch hears what follows."""
    webhook = await add(store, events=TEXTS)
    event_id = await receive(store, 1)
    assert await store.next_notices() == ((webhook.id, START),)
    (notice,) = await store.read_notices(webhook.id, LATER, 10)
    assert isinstance(notice, EventNotice)
    assert (notice.event_id, notice.webhook, notice.recipient) == (event_id, webhook.id, ANN)
    unwritable = msgspec.structs.replace(inbound(2, "SM2"), body="\ud800")
    with pytest.raises(UnicodeEncodeError):
        await store.submit(write(Change(messages=(unwritable,))))
    assert await store.count_notices() == 1
    assert await store.read_notice(notice.id) == notice
    assert await store.read_notice("evt_none") is None


async def test_events_of_one_person_do_not_wait_for_each_other(store: Store) -> None:
    """One that is tried again later holds no other up, as it may fail for ever."""
    webhook = await add(store, events=TEXTS)
    for number in (1, 2):
        await receive(store, number)
    first, second = await store.read_notices(webhook.id, LATER, 10)
    tried = note_try(first, Try(START, "no", 500))
    await store.submit(write(Change(postponed=(PostponedNotice(tried, LATER),))))
    assert await store.read_notices(webhook.id, START, 10) == [second]
    assert await store.read_notices(webhook.id, LATER, 10) == [second, tried]


async def give_up(store: Store, webhook: Webhook) -> None:
    """Give everything up that waits for a webhook."""
    for notice in await store.read_notices(webhook.id, LATER, 100):
        given_up = msgspec.structs.replace(note_try(notice, Try(START, "no")), given_up="no")
        await store.submit(write(Change(postponed=(PostponedNotice(given_up, None),))))


async def ids(store: Store, wanted: NoticeFilter) -> list[str]:
    """List the ids of notices, a page of two after the other."""
    found: list[str] = []
    page = await store.list_notices(wanted, Page(2))
    while True:
        found += [item.notice.id.partition(".")[0] for item in page.items]
        if page.next is None:
            return found
        page = await store.list_notices(wanted, Page(2, page.next))


async def test_what_was_given_up_is_listed_replayed_and_forgotten(store: Store) -> None:
    """The latest first, page by page, of one webhook or of all, with programs' notices."""
    webhook = await add(store, events=TEXTS)
    other = await add(store, events=TEXTS)
    events = [await receive(store, number, BOB) for number in range(3)]
    assert sorted(await ids(store, NoticeFilter(given_up=False, lane=webhook.id))) == events
    await give_up(store, webhook)
    told = notice_of_text(message(9, ANN, updated_at=LATER), Callback("http://a.example/x", "AC1"))
    given_up = msgspec.structs.replace(told, given_up="no")
    await store.submit(write(Change(notices=(given_up,))))
    assert await ids(store, GIVEN_UP) == [told.id.partition(".")[0], *reversed(events)]
    assert await ids(store, NoticeFilter(lane=webhook.id)) == [*reversed(events)]
    assert await ids(store, NoticeFilter(lane=other.id)) == []
    assert len(await ids(store, WAITING)) == 3
    assert await ids(store, NoticeFilter(until=START)) == [*reversed(events)]
    assert len(await ids(store, NoticeFilter(since=LATER))) == 1
    assert (await store.list_notices(GIVEN_UP, Page(10, "no cursor"))).items == []
    (listed, *_) = (await store.list_notices(NoticeFilter(lane=webhook.id), Page(1))).items
    assert (listed.at, listed.notice.attempts, listed.notice.given_up) == (START, 1, "no")
    assert await store.submit(ReplayNotices((listed.notice,))) == 1
    assert await ids(store, NoticeFilter(lane=webhook.id)) == [*reversed(events[:2])]
    (again,) = await store.read_notices(webhook.id, LATER, 10)
    assert (again.id, again.attempts, again.tries) == (listed.notice.id, 0, listed.notice.tries)
    await store.submit(ForgetNotices((told.id, again.id)))
    assert await store.read_notice(again.id) == again, "it was told anew meanwhile"
    assert await ids(store, NoticeFilter(since=LATER)) == []


async def test_how_a_webhook_goes_is_kept(store: Store) -> None:
    """One row each, the last one said."""
    for why in ("no", "not yet"):
        await store.submit(write(Change(records=(WebhookHealth("whk_1", START, 500, why),))))
    await store.submit(write(Change(records=(WebhookHealth("whk_2", START, 204),))))
    first, second = await store.read_webhook_health()
    assert (first.why, second.status) == ("not yet", 204)
