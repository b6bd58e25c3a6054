"""Sinch: its lists, and its own library as the judge of signatures, shapes and requests."""

import asyncio
import json
import warnings
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from carrier_loopback import OPEN, Loopback, Reply, http, loopback
from carrier_table import BASE, NOW, CarrierTable, Posted, json_body
from tables.sinch import ACCOUNT, ID, OURS, PERSON, REQUEST, TABLE, TEXT, inbound, report, sign

from consentry.carriers.sinch.outbound import PAGES_MAX
from consentry.carriers.sinch.settings import build_sinch
from consentry.domain.messages import REPEATED_FOR, MessageStatus
from consentry.ports import (
    Accepted,
    Carrier,
    CarrierRefusal,
    CarrierUnreachable,
    Forged,
    InboundText,
)

with warnings.catch_warnings():
    # Its docstrings hold escapes that are none; the compiler says so the first time it reads them.
    warnings.simplefilter("ignore")
    from sinch import SinchClient
    from sinch.domains.sms.sinch_events.v1.sms_sinch_event import SmsSinchEvent

pytestmark = pytest.mark.integration

PLAN = "/xms/v1/0123456789abcdef0123456789abcdef"


@asynccontextmanager
async def sinch(*replies: Reply) -> AsyncIterator[tuple[Carrier, Loopback]]:
    """Build the carrier of a plan whose API answers by a script."""
    async with loopback(replies) as server:
        carrier = build_sinch(msgspec.structs.replace(ACCOUNT, base_url=server.url), BASE)
        try:
            yield carrier, server
        finally:
            await carrier.close()


def read(**signed: Any) -> tuple[object, ...]:
    """Read a text that is signed so."""
    request = sign(TABLE.request(Posted("", json_body(inbound()))), **signed)
    return build_sinch(ACCOUNT, BASE).read_inbound(request)


# --- The signature -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["secret", "nonce", "timestamp"])
def test_the_signature_covers_body_nonce_and_time(name: str) -> None:
    """One that was made over another of them is forged."""
    request = TABLE.request(Posted("", json_body(inbound())))
    good = sign(request)
    other = sign(request, **{name: str(int(NOW.timestamp()) + 1)})
    carrier = build_sinch(ACCOUNT, BASE)
    assert carrier.read_inbound(good)
    swapped = {
        **good.headers,
        "x-sinch-webhook-signature": other.headers["x-sinch-webhook-signature"],
    }
    for forged in (
        msgspec.structs.replace(good, headers=swapped),
        msgspec.structs.replace(good, body=good.body.replace(b"STOP", b"START")),
    ):
        with pytest.raises(Forged):
            carrier.read_inbound(forged)


@pytest.mark.parametrize("age", [REPEATED_FOR, -REPEATED_FOR])
def test_a_signature_is_good_as_long_as_sinch_repeats(age: timedelta) -> None:
    """A day and an hour, in both directions; not a second more."""
    seconds = int((NOW - age).timestamp())
    assert read(timestamp=str(seconds))
    with pytest.raises(Forged):
        read(timestamp=str(seconds - (1 if age > timedelta() else -1)))


@pytest.mark.parametrize(
    "signed",
    [{"timestamp": ""}, {"timestamp": "soon"}, {"algorithm": "HmacSHA1"}, {"algorithm": ""}],
    ids=str,
)
def test_a_signature_of_another_kind_is_forged(signed: dict[str, str]) -> None:
    """It must have a time, and be made in the one way that was checked."""
    with pytest.raises(Forged):
        read(**signed)


# --- Its lists ---------------------------------------------------------------------------------


def batches(*found: dict[str, Any]) -> bytes:
    """Write a page of batches."""
    page = {"count": len(found), "page": 0, "page_size": len(found), "batches": list(found)}
    return http(200, json_body(page), content_type="application/json")


def batch(batch_id: str = ID, reference: str = "msg_1", **changed: Any) -> dict[str, Any]:
    """Write a batch of the list."""
    return {**REQUEST, "id": batch_id, "client_reference": reference, "canceled": False, **changed}


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([], None),
        ([batch()], Accepted(ID, MessageStatus.SENDING)),
        ([batch(canceled=True)], Accepted(ID, MessageStatus.CANCELED)),
        ([batch(reference="msg_2")], None),
        ([batch("known"), batch()], Accepted(ID, MessageStatus.SENDING)),
        ([{"id": ID}], None),
    ],
)
async def test_a_text_is_found_by_our_id(
    listed: list[dict[str, Any]], found: Accepted | None
) -> None:
    """Nobody else's batch has it, so what is not there was not taken."""
    async with sinch(batches(*listed)) as (carrier, server):
        assert await carrier.find(TEXT, since=NOW, known=frozenset({"known"})) == found
    assert server.seen[0].path == f"{PLAN}/batches"
    assert server.seen[0].query == {
        "client_reference": ["msg_1"],
        "start_date": ["2026-04-30T10:00:00.000Z"],
        "page_size": ["100"],
    }
    assert server.seen[0].headers["authorization"] == "Bearer api-token"


async def test_a_list_of_everything_does_not_show_that_a_text_is_missing() -> None:
    """A page full of others means that our id was not looked at."""
    others = [batch(f"other-{number}", f"msg_9{number}") for number in range(100)]
    async with sinch(batches(*others)) as (carrier, _):
        with pytest.raises(CarrierUnreachable, match="not only what was asked for"):
            await carrier.find(TEXT, since=NOW)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [(http(401), "token"), (http(500), "HTTP 500"), (http(200, b"<html>"), "cannot be read")],
)
async def test_a_list_that_cannot_be_had_is_no_answer(reply: bytes, reason: str) -> None:
    """A search that failed is made again later."""
    async with sinch(reply) as (carrier, _):
        with pytest.raises(CarrierUnreachable, match=reason):
            await carrier.find(TEXT, since=NOW)


async def test_a_plan_is_tried_by_a_question() -> None:
    """The probe asks for one batch."""
    async with sinch(batches()) as (carrier, server):
        await carrier.probe()
    assert server.seen[0].target == f"{PLAN}/batches?page_size=1"
    async with sinch(http(401)) as (carrier, _):
        with pytest.raises(CarrierUnreachable, match="region"):
            await carrier.probe()


async def test_several_pictures_are_refused_without_a_request() -> None:
    """Sinch takes one, and a text without its pictures is another text."""
    async with sinch(http(201)) as (carrier, server):
        pictured = msgspec.structs.replace(TEXT, media=("https://m/a.png", "https://m/b.png"))
        refusal = await carrier.submit(pictured, OPEN)
    assert isinstance(refusal, CarrierRefusal)
    assert (refusal.code, refusal.permanent, refusal.opted_out) == ("too_many_media", True, False)
    assert server.seen == []


def inbounds(*found: dict[str, Any]) -> bytes:
    """Write a page of what people wrote."""
    page = {"count": 1000, "page": 0, "page_size": len(found), "inbounds": list(found)}
    return http(200, json_body(page), content_type="application/json")


async def replay(*replies: Reply) -> tuple[list[InboundText], Loopback]:
    """Read all that came to our number."""
    async with sinch(*replies) as (carrier, server):
        assert carrier.history is not None
        found = [text async for text in carrier.history.replay(OURS, since=NOW)]
    return found, server


async def test_what_people_wrote_is_read_page_by_page() -> None:
    """Until a page is not full; bytes that hold no words are passed over."""
    full = [inbound(id=f"{number}") for number in range(100)]
    silent = inbound(b64encode(b"\0").decode(), type="mo_binary")
    found, server = await replay(inbounds(*full), inbounds(inbound("Hello", id="last"), silent))
    assert [text.carrier_message_id for text in found] == [*(f"{n}" for n in range(100)), "last"]
    assert (found[-1].recipient, found[-1].sender, found[-1].body) == (PERSON, OURS, "Hello")
    assert found[-1].sent_at == datetime(2026, 5, 1, 11, 59, 59, 123000, tzinfo=UTC)
    assert [seen.path for seen in server.seen] == [f"{PLAN}/inbounds"] * 2
    assert server.seen[1].query == {
        "to": [OURS],
        "start_date": ["2026-05-01T12:00:00.000Z"],
        "page_size": ["100"],
        "page": ["1"],
    }


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (http(401), "token"),
        (http(200, b"[]"), "cannot be read"),
        (inbounds({"type": "mo_text"}), "id: is missing"),
    ],
)
async def test_what_cannot_be_read_of_it_is_said(reply: bytes, reason: str) -> None:
    """A list with a hole in it would pass for the whole."""
    with pytest.raises(CarrierUnreachable, match=reason):
        await replay(reply)


async def test_a_text_of_nobody_who_can_be_texted_is_passed_over() -> None:
    """A name as its sender does not keep the others from being compared, now and every night."""
    found, _ = await replay(inbounds(inbound(**{"from": "BANK"}), inbound("STOP", id="2")))
    assert [(text.carrier_message_id, text.body) for text in found] == [("2", "STOP")]


async def test_a_list_without_an_end_is_given_up() -> None:
    """The pages are bounded."""
    page = inbounds(*[inbound(id=f"{number}") for number in range(100)])
    async with sinch(page) as (carrier, server):
        assert carrier.history is not None
        with pytest.raises(CarrierUnreachable, match="did not end"):
            async for _ in carrier.history.replay(OURS, since=NOW):
                pass
    assert len(server.seen) == PAGES_MAX


# --- Judged by Sinch's own library -------------------------------------------------------------


def test_its_library_takes_our_signatures() -> None:
    """The signatures of these tests are good ones, and it refuses the forged."""
    its = SmsSinchEvent(ACCOUNT.secret)
    for posted in TABLE.posted:
        request = TABLE.request(posted)
        good, forged = TABLE.sign(request), TABLE.forge(request)
        assert its.validate_authentication_header(dict(good.headers), good.body)
        assert not its.validate_authentication_header(dict(forged.headers), forged.body)


def whole(table: CarrierTable) -> list[dict[str, Any]]:
    """List the recorded events that can be read and have all that Sinch writes."""
    found = [json.loads(posted.body) for posted in table.posted if posted.events]
    return [
        e for e in found if e["type"] != "mo_rich" and ("body" in e) == e["type"].startswith("mo")
    ]


def test_recorded_events_are_of_sinchs_shape() -> None:
    """Its library reads every recorded text and report that is whole."""
    read = [SmsSinchEvent().parse_event(event) for event in whole(TABLE) if "received_at" in event]
    assert {text.id for text in read} == {ID}
    reports = [event for event in whole(TABLE) if "recipient" in event]
    told = [SmsSinchEvent().parse_event(event) for event in reports]
    assert {one.code for one in told} >= {0, 257, 400, 401}
    assert report("Delivered")["recipient"] == told[0].recipient


def library(server: Loopback) -> SinchClient:
    """Have Sinch's library ask a server on loopback."""
    client = SinchClient(service_plan_id=ACCOUNT.account, sms_api_token=ACCOUNT.key_secret)
    client.configuration.sms_origin_with_service_plan_id = server.url
    return client


async def test_our_request_is_the_one_its_library_makes() -> None:
    """Path, authorization and body are the same."""
    answer = http(201, json_body({**REQUEST, "id": ID}), content_type="application/json")
    async with sinch(answer) as (carrier, server):
        await carrier.submit(TEXT, OPEN)
        its_batches = library(server).sms.batches
        await asyncio.to_thread(
            its_batches.send_sms,
            to=[PERSON],
            from_=OURS,
            body="Hello",
            delivery_report="per_recipient",
            event_destination_target=REQUEST["callback_url"],
            client_reference="msg_1",
        )
    ours, its = server.seen
    assert (ours.method, ours.target) == (its.method, its.target)
    assert ours.headers["authorization"] == its.headers["authorization"]
    assert json.loads(ours.body) == json.loads(its.body)


async def test_our_questions_are_those_that_its_library_asks() -> None:
    """Both lists are asked by its own names."""
    async with sinch(batches(), batches(), inbounds()) as (carrier, server):
        client = library(server)
        await carrier.find(TEXT, since=NOW)
        await asyncio.to_thread(
            client.sms.batches.list,
            client_reference="msg_1",
            page_size=100,
            start_date=NOW - timedelta(hours=26),
        )
        assert carrier.history is not None
        assert [text async for text in carrier.history.replay(OURS, since=NOW)] == []
        await asyncio.to_thread(
            client.sms.inbounds.list, to=[OURS], page=0, page_size=100, start_date=NOW
        )
    found, its_found, heard, its_heard = server.seen
    for ours, its in ((found, its_found), (heard, its_heard)):
        assert ours.path == its.path
        assert ours.query.keys() == its.query.keys()
        for name in ours.query.keys() - {"start_date"}:
            assert ours.query[name] == its.query[name]
        [written], [its_written] = ours.query["start_date"], its.query["start_date"]
        assert datetime.fromisoformat(written) == datetime.fromisoformat(its_written)
