"""Bandwidth: what its list can tell, and its own library as the judge of shapes and requests."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from bandwidth.api.messages_api import MessagesApi
from bandwidth.api_client import ApiClient
from bandwidth.configuration import Configuration
from bandwidth.models.inbound_callback import InboundCallback
from bandwidth.models.message_request import MessageRequest
from bandwidth.models.status_callback import StatusCallback
from carrier_loopback import OPEN, Loopback, Reply, http, loopback
from carrier_table import json_body
from tables.bandwidth import ACCOUNT, ID, REQUEST, TABLE, TEXT

from consentry.carriers.bandwidth.settings import build_bandwidth
from consentry.domain.messages import MessageStatus
from consentry.ports import Accepted, Carrier, CarrierUnreachable, NoList

pytestmark = pytest.mark.integration

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@asynccontextmanager
async def bandwidth(*replies: Reply) -> AsyncIterator[tuple[Carrier, Loopback]]:
    """Build the carrier of an account whose API answers by a script."""
    async with loopback(replies) as server:
        carrier = build_bandwidth(msgspec.structs.replace(ACCOUNT, base_url=server.url), "")
        try:
            yield carrier, server
        finally:
            await carrier.close()


def listed(*items: tuple[str, str]) -> bytes:
    """Write a page of the list: ids and statuses."""
    messages = [
        {
            "messageId": message_id,
            "accountId": ACCOUNT.account,
            "sourceTn": TEXT.sender,
            "destinationTn": TEXT.recipient,
            "messageStatus": status,
            "messageDirection": "OUTBOUND",
            "messageType": "sms",
            "segmentCount": 1,
            "receiveTime": "2026-05-01T12:00:00.000Z",
        }
        for message_id, status in items
    ]
    return http(200, json_body({"totalCount": len(messages), "messages": messages}))


@pytest.mark.parametrize(
    ("status", "means"),
    [
        ("RECEIVED", MessageStatus.SENDING),
        ("QUEUED", MessageStatus.SENDING),
        ("SENDING", MessageStatus.SENDING),
        ("ACCEPTED", MessageStatus.SENDING),
        ("SENT", MessageStatus.SENT),
        ("DELIVERED", MessageStatus.DELIVERED),
        ("UNDELIVERED", MessageStatus.UNDELIVERED),
        ("FAILED", MessageStatus.FAILED),
        ("NEW", MessageStatus.SENDING),
    ],
)
async def test_a_text_that_nobody_else_can_have_sent_is_ours(
    status: str, means: MessageStatus
) -> None:
    """One between the two numbers, since a day before, under an id that we do not know."""
    async with bandwidth(listed(("known", "SENT"), (ID, status))) as (carrier, server):
        found = await carrier.find(TEXT, since=NOW, known=frozenset({"known"}))
    assert found == Accepted(ID, means)
    assert server.seen[0].path == "/api/v2/users/9900000/messages"
    assert server.seen[0].query == {
        "sourceTn": [TEXT.sender],
        "destinationTn": [TEXT.recipient],
        "messageDirection": ["OUTBOUND"],
        "fromDateTime": ["2026-04-30T10:00:00.000Z"],
        "limit": ["100"],
    }


@pytest.mark.parametrize("items", [(), (("known", "SENT"),)])
async def test_a_text_that_is_not_listed_may_have_gone_out_all_the_same(
    items: tuple[tuple[str, str], ...],
) -> None:
    """The list promises nothing, so what is not in it is not sent again."""
    async with bandwidth(listed(*items)) as (carrier, _):
        with pytest.raises(NoList):
            await carrier.find(TEXT, since=NOW, known=frozenset({"known"}))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (http(401, b'{"type": "unauthorized", "description": "No"}'), "unauthorized"),
        (http(503), "HTTP 503"),
        (http(200, b"<html>"), "cannot be read"),
    ],
)
async def test_a_list_that_cannot_be_had_is_no_answer(reply: bytes, reason: str) -> None:
    """A search that failed is made again later."""
    async with bandwidth(reply) as (carrier, _):
        with pytest.raises(CarrierUnreachable, match=reason):
            await carrier.find(TEXT, since=NOW)


async def test_an_account_is_tried_by_a_question() -> None:
    """The probe asks for texts to a number that nobody has."""
    async with bandwidth(listed()) as (carrier, server):
        await carrier.probe()
    assert server.seen[0].query == {"destinationTn": ["+15005550009"], "limit": ["100"]}
    async with bandwidth(http(401)) as (carrier, _):
        with pytest.raises(CarrierUnreachable, match="do not fit"):
            await carrier.probe()


def test_what_is_lost_beside_a_text_is_told_to_operators(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It may have been somebody's text: the log names the account and what is wrong in it."""
    [posted] = [one for one in TABLE.posted if one.name == "a text beside what cannot be read"]
    with caplog.at_level(logging.ERROR):
        build_bandwidth(ACCOUNT, "").read_inbound(TABLE.sign(TABLE.request(posted)))
    [line] = caplog.records
    assert line.getMessage() == "webhook_event_unreadable"
    assert vars(line)["carrier"] == ACCOUNT.id
    assert vars(line)["why"] == "[0].message.id: is missing"


# --- Judged by Bandwidth's own library ---------------------------------------------------------


@contextmanager
def library(server: Loopback) -> Iterator[ApiClient]:
    """Have Bandwidth's library ask a server on loopback."""
    configuration = Configuration(
        host=f"{server.url}/api/v2",
        username=ACCOUNT.key_id,
        password=ACCOUNT.key_secret,
        ignore_operation_servers=True,
    )
    with ApiClient(configuration) as client:
        yield client
        client.rest_client.pool_manager.clear()


def events(kind: str) -> list[dict[str, Any]]:
    """List the recorded events that can be read, of the kinds that begin so."""
    bodies = [json.loads(posted.body) for posted in TABLE.posted if posted.events]
    return [event for body in bodies for event in body if event["type"].startswith(kind)]


def test_recorded_events_are_of_bandwidths_shape() -> None:
    """Its library reads every recorded text and report that is whole."""
    texts = [
        event for event in events("message-received") if event.get("to") and "message" in event
    ]
    whole = [event for event in texts if (event["message"].get("time") or "").startswith("2026")]
    assert {InboundCallback.from_dict(event).message.id for event in whole} == {ID, "2"}
    reports = [event for event in events("message-") if event["type"] != "message-received"]
    read = [StatusCallback.from_dict(event) for event in reports]
    assert {told.error_code for told in read} >= {None, 4775, 4772, 4482}


async def test_our_request_is_the_one_its_library_makes() -> None:
    """Path, authorization and body are the same."""
    answer = http(202, json_body({"id": ID}), content_type="application/json")
    async with bandwidth(answer) as (carrier, server):
        await carrier.submit(TEXT, OPEN)
        with library(server) as client:
            asked = MessageRequest.from_dict(REQUEST)
            await asyncio.to_thread(MessagesApi(client).create_message, ACCOUNT.account, asked)
    ours, its = server.seen
    assert (ours.method, ours.target) == (its.method, its.target)
    assert ours.headers["authorization"] == its.headers["authorization"]
    assert json.loads(ours.body) == json.loads(its.body)


async def test_our_question_is_one_that_its_library_can_ask() -> None:
    """The list is asked by its own names."""
    async with bandwidth(listed((ID, "SENT"))) as (carrier, server):
        await carrier.find(TEXT, since=NOW)
        with library(server) as client:
            await asyncio.to_thread(
                MessagesApi(client).list_messages,
                ACCOUNT.account,
                source_tn=TEXT.sender,
                destination_tn=TEXT.recipient,
                message_direction="OUTBOUND",
                from_date_time="2026-04-30T10:00:00.000Z",
                limit=100,
            )
    ours, its = (parse_qs(urlsplit(seen.target).query) for seen in server.seen)
    assert ours == its
    assert server.seen[0].path == server.seen[1].path
