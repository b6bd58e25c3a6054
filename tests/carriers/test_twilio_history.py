"""What people wrote, replayed from the list of a carrier like Twilio."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from carrier_loopback import Loopback, Misbehaviour, Reply, http, loopback

from consentry.carriers.shared.way_out import WayOut
from consentry.carriers.twilio.settings import build_twilio
from consentry.ports import CarrierAccount, CarrierUnreachable, InboundHistory, InboundText

pytestmark = pytest.mark.integration

SENDER, PERSON = "+14155550100", "+12125550142"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PATH = "/2010-04-01/Accounts/AC1/Messages.json"


def listed(sid: str, *, at: datetime = NOW, **changes: Any) -> dict[str, Any]:
    """One message of the list."""
    message = {
        "sid": sid,
        "status": "received",
        "direction": "inbound",
        "to": SENDER,
        "from": PERSON,
        "body": "STOP",
        "date_created": format_datetime(at),
        "date_sent": format_datetime(at),
    }
    return message | changes


def page(*messages: dict[str, Any], following: str | None = None) -> bytes:
    """A page as an answer."""
    return http(200, json.dumps({"messages": messages, "next_page_uri": following}).encode())


@asynccontextmanager
async def history(*replies: Reply) -> AsyncIterator[tuple[InboundHistory, Loopback]]:
    """Run a carrier's history against a server that answers by a script."""
    async with loopback(replies) as server:
        account = CarrierAccount(
            id="main", kind="twilio", account="AC1", secret="tok", base_url=server.url
        )
        way_out = WayOut(total_seconds=5.0, wait_seconds=0.01)
        carrier = build_twilio(account, "https://texts.example.com", way_out)
        assert carrier.history is not None
        try:
            yield carrier.history, server
        finally:
            await carrier.close()


async def test_what_came_in_is_given_again() -> None:
    """Who wrote what to the sender and when, under the id that its webhook had."""
    async with history(page(listed("SM1"))) as (kept, server):
        texts = [text async for text in kept.replay(SENDER, since=NOW)]
    assert texts == [InboundText("SM1", PERSON, SENDER, "STOP", sent_at=NOW)]
    assert server.seen[0].path == PATH
    assert server.seen[0].query == {"To": [SENDER], "PageSize": ["300"]}


async def test_only_what_people_wrote_to_this_sender_since_then_is_given() -> None:
    """Neither what we sent, nor what is older, nor what no number has written."""
    messages = (
        listed("SM1", direction="outbound-api"),
        listed("SM2", to="+14155550199"),
        listed("SM3", at=NOW - timedelta(seconds=1)),
        listed("SM4", **{"from": "a name"}),
        listed("SM5", **{"from": None}),
        listed("SM6", date_sent=None),
    )
    async with history(page(*messages)) as (kept, _):
        assert [text.carrier_message_id async for text in kept.replay(SENDER, since=NOW)] == ["SM6"]


async def test_pages_are_followed_on_the_same_host_as_far_as_needed() -> None:
    """By path alone, until a page holds nothing but older texts."""
    old = listed("SM3", at=NOW - timedelta(days=3))
    async with history(
        page(listed("SM1"), following="//evil.example.com/x?Page=1"),
        page(listed("SM2"), old, following=f"{PATH}?Page=2"),
        page(old, following=f"{PATH}?Page=3"),
    ) as (kept, server):
        texts = [text.carrier_message_id async for text in kept.replay(SENDER, since=NOW)]
    assert texts == ["SM1", "SM2"]
    assert [seen.path for seen in server.seen] == [PATH, "/evil.example.com/x", PATH]


@pytest.mark.parametrize("reply", [http(401, b'{"code": 20003}'), http(503), Misbehaviour.CLOSE])
async def test_a_list_that_cannot_be_had_is_told(reply: Reply) -> None:
    """Whoever compares must know that there is nothing to compare with."""
    async with history(reply) as (kept, _):
        with pytest.raises(CarrierUnreachable):
            _ = [text async for text in kept.replay(SENDER, since=NOW)]
