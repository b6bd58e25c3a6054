"""The list at the door: filters, pages, dates, and nothing of another account."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import quote, urlencode

import msgspec
import pytest
from door_world import (
    ACCOUNT,
    LONG_CODE,
    MESSAGES,
    OTHER_ACCOUNT,
    PERSON,
    STRANGER,
    TOKEN,
    TOLL_FREE,
    World,
)

from consentry.actions.deliver_job import ClaimJobs, RecordSubmission
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.messages import Direction, Message, MessageStatus
from consentry.ports import Accepted, Change, Facts, Needs
from consentry.twilio_door.listing import SCANNED_MAX
from consentry.wire.twilio_sids import parse_message_sid

pytestmark = pytest.mark.integration

ENVELOPE = {
    "messages", "page", "page_size", "start", "end", "uri", "first_page_uri", "next_page_uri",
    "previous_page_uri",
}  # fmt: skip


async def listed(world: World, **query: str) -> list[tuple[str, str]]:
    """List messages: who got what."""
    reply = await world.call("GET", f"{MESSAGES}?{urlencode(query)}")
    assert reply.status == 200
    assert set(reply.json) == ENVELOPE
    return [(message["to"], message["body"]) for message in reply.json["messages"]]


async def test_both_directions_are_filtered(world: World) -> None:
    """To and From are what they were for each text, whichever of the two was ours."""
    await world.text("Hello")
    await world.text("Hello too", person=STRANGER, sender=TOLL_FREE)
    await world.create(Body="Answer")
    reply_to = [to for to, _ in await listed(world)]
    assert sorted(reply_to) == sorted([LONG_CODE, TOLL_FREE, PERSON, STRANGER, PERSON])
    assert await listed(world, To=LONG_CODE) == [(LONG_CODE, "Hello")]
    assert await listed(world, From=PERSON) == [(LONG_CODE, "Hello")]
    assert (await listed(world, From=LONG_CODE))[0] == (PERSON, "Answer")
    assert (await listed(world, To=PERSON))[0] == (PERSON, "Answer")
    assert await listed(world, To=PERSON, From=TOLL_FREE) == []
    assert await listed(world, To=TOLL_FREE, From=STRANGER) == [(TOLL_FREE, "Hello too")]
    assert await listed(world, To=LONG_CODE, From=TOLL_FREE) == []
    assert await listed(world, To="(415) 555-0142", From=LONG_CODE) == await listed(
        world, To=PERSON, From=LONG_CODE
    )
    assert await listed(world, To="nobody") == []


async def test_another_account_sees_nothing_of_it(world: World) -> None:
    """The senders of one carrier account are no business of another's."""
    await world.text("Hello")
    path = MESSAGES.replace(ACCOUNT, OTHER_ACCOUNT)
    reply = await world.call("GET", path, auth=(OTHER_ACCOUNT, TOKEN))
    assert reply.json["messages"] == []
    assert reply.json["next_page_uri"] is None


async def test_pages_by_token_and_by_number(world: World) -> None:
    """Every page has its neighbours' addresses; new messages move no page that has a token."""
    for number in range(5):
        await world.text(f"Text {number}")
    query = f"PageSize=2&From={quote(PERSON)}"
    first = (await world.call("GET", f"{MESSAGES}?{query}")).json
    assert (first["page"], first["page_size"], first["start"], first["end"]) == (0, 2, 0, 1)
    assert first["previous_page_uri"] is None
    await world.text("Newer")
    second = (await world.call("GET", first["next_page_uri"])).json
    assert [m["body"] for m in second["messages"]] == ["Text 2", "Text 1"]
    assert (second["page"], second["start"], second["end"]) == (1, 2, 3)
    third = (await world.call("GET", second["next_page_uri"])).json
    assert [m["body"] for m in third["messages"]] == ["Text 0"]
    assert third["next_page_uri"] is None
    again = (await world.call("GET", third["first_page_uri"])).json
    assert [m["body"] for m in again["messages"]] == ["Newer", "Text 4"]
    by_number = (await world.call("GET", f"{MESSAGES}?{query}&Page=1")).json
    assert [m["body"] for m in by_number["messages"]] == ["Text 3", "Text 2"]
    back = (await world.call("GET", by_number["previous_page_uri"])).json
    assert [m["body"] for m in back["messages"]] == ["Newer", "Text 4"]
    beyond = (await world.call("GET", f"{MESSAGES}?{query}&Page=99")).json
    assert (beyond["messages"], beyond["next_page_uri"]) == ([], None)


async def test_dates_are_days_and_times(world: World) -> None:
    """A day means all of it, a time bounds to the second, and what was not sent has no date."""
    await world.text("Hello")
    sid = (await world.create(Body="Waits")).json["sid"]
    # Whatever day it is by now: at midnight it may be another one.
    now = next(m.created_at for m in await world.messages() if m.body == "Hello")
    today, tomorrow = f"{now:%Y-%m-%d}", f"{now + timedelta(days=1):%Y-%m-%d}"
    inbound = [(LONG_CODE, "Hello")]
    sent_to_us = {"To": LONG_CODE}
    assert await listed(world, **sent_to_us, DateSent=today) == inbound
    assert await listed(world, **sent_to_us, DateSent=f"{today}T00:00:00Z") == inbound
    assert await listed(world, **sent_to_us, DateSent=tomorrow) == []
    assert await listed(world, **sent_to_us, DateSent=f"{tomorrow}T00:00:00Z") == []
    assert await listed(world, **sent_to_us, **{"DateSent>": today, "DateSent<": tomorrow}) == (
        inbound
    )
    assert await listed(world, **sent_to_us, **{"DateSent>": tomorrow}) == []
    hour_ago = (now - timedelta(hours=1)).isoformat(timespec="seconds")
    assert await listed(world, **sent_to_us, **{"DateSent>": hour_ago}) == inbound
    assert await listed(world, **sent_to_us, **{"DateSent<": hour_ago}) == []
    assert await listed(world, To=PERSON, DateSent=today) == []
    for work in await world.store.submit(ClaimJobs(((LONG_CODE, 10),), "prc_1")):
        await world.store.submit(
            RecordSubmission(
                work.message.id, PERSON, LONG_CODE, "main", Accepted(work.message.id),
                work.job.attempts,
            )
        )  # fmt: skip
    shown = (await world.call("GET", MESSAGES.replace(".json", f"/{sid}.json"))).json
    assert shown["status"] == "sent"
    assert shown["date_sent"].endswith("+0000")
    sent_on = f"{parsedate_to_datetime(shown['date_sent']):%Y-%m-%d}"
    assert (PERSON, "Waits") in await listed(world, To=PERSON, DateSent=sent_on)


async def test_a_list_ends_where_everything_is_too_old(world: World) -> None:
    """Asked for what is sent in a year, the list is over at once and has no next page."""
    await world.text("Hello")
    later = f"{datetime.now(UTC) + timedelta(days=365):%Y-%m-%d}"
    reply = await world.call("GET", f"{MESSAGES}?{urlencode({'DateSent>': later})}")
    assert (reply.json["messages"], reply.json["next_page_uri"]) == ([], None)


class Write(msgspec.Struct, frozen=True):
    """A command that writes messages, and nothing else."""

    messages: tuple[Message, ...]

    def needs(self) -> Needs:
        return Needs()

    def decide(self, facts: Facts) -> tuple[None, Change]:
        del facts
        return None, Change(messages=self.messages)


def received(at: datetime, number: int) -> Message:
    """A text that came in at a time."""
    milliseconds = int(at.timestamp() * 1000)
    message_id = parse_message_sid(f"SM{milliseconds:012x}{number:020x}")
    assert message_id is not None
    return Message(
        id=message_id,
        recipient=PERSON,
        sender=LONG_CODE,
        direction=Direction.INBOUND,
        status=MessageStatus.RECEIVED,
        body=str(number),
        created_at=at,
        updated_at=at,
        actor=Actor(ActorKind.PERSON, PERSON),
    )


async def test_an_old_day_is_found_at_once(world: World) -> None:
    """However many texts are newer, a page of an old day looks at none of them."""
    old, new = datetime(2026, 2, 3, 4, 5, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
    newer = (received(new, number) for number in range(SCANNED_MAX + 1))
    await world.store.submit(Write((received(old, 99_999), *newer)))
    for name, bound in (
        ("DateSent", "2026-02-03"),
        ("DateSent<", "2026-02-03"),
        ("DateSent<", "2026-02-03T04:05:00Z"),
        ("DateSent<", "2026-03-01"),
    ):
        assert await listed(world, **{name: bound, "PageSize": "1"}) == [(LONG_CODE, "99999")]
    assert await listed(world, **{"DateSent<": "2026-02-02"}) == []
    assert await listed(world, **{"DateSent<": "9999-12-31", "PageSize": "1"}) != []


@pytest.mark.parametrize(
    "query",
    ["PageSize=0", "PageSize=x", "Page=-1", "PageToken=1", "PageToken=PAx", "DateSent=today",
     "DateSent%3C=2026-02-30", "DateSent%3E=0001-01-01T00:00:00%2B23:59", "To=%ff", "To=%00"],
)  # fmt: skip
async def test_a_query_that_cannot_be_read(world: World, query: str) -> None:
    """It is a 400 with 20001 that names the parameter."""
    assert (await world.call("GET", f"{MESSAGES}?{query}")).refusal == (400, 20001)


async def test_a_page_is_never_larger_than_a_thousand(world: World) -> None:
    """More is read as a thousand, as Twilio does."""
    assert (await world.call("GET", f"{MESSAGES}?PageSize=5000")).json["page_size"] == 1000
    assert (await world.call("GET", MESSAGES)).json["page_size"] == 50
