"""Sending by Twilio's REST interface, against a server that also misbehaves."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from carrier_loopback import OPEN, Gate, Loopback, Misbehaviour, Reply, http, loopback

from consentry.carriers.shared.http_carrier import HTTPCarrier
from consentry.carriers.shared.way_out import WayOut
from consentry.carriers.twilio.settings import build_twilio
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    Carrier,
    CarrierAccount,
    CarrierRefusal,
    CarrierUnreachable,
    OutboundText,
    Unanswered,
    Withheld,
)
from consentry.wire.twilio_form import MessageStatus as TwilioStatus
from consentry.wire.twilio_message import (
    Direction,
    MessagePage,
    MessageResource,
    render_message,
    render_page,
)

pytestmark = pytest.mark.integration

SID = "AC0123456789abcdef0123456789abcdef"
PATH = f"/2010-04-01/Accounts/{SID}/Messages.json"
STATUS = "https://texts.example.com/carriers/main/status"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TEXT = OutboundText(
    message="msg_1",
    recipient="+12125550142",
    sender="+14155550100",
    body="We open at 9 \u2013 bring \u201cthe form\u201d & 5% off + more",
    media=("https://media.example.com/a?b=c", "https://media.example.com/d"),
)


def account(url: str) -> CarrierAccount:
    """An account whose carrier is at this address."""
    return CarrierAccount(id="main", kind="twilio", account=SID, secret="tok", base_url=url)


@asynccontextmanager
async def twilio(*replies: Reply, **changes: str) -> AsyncIterator[tuple[HTTPCarrier, Loopback]]:
    """Run a carrier whose server answers by a script."""
    async with loopback(replies) as server:
        changed = msgspec.structs.replace(account(server.url), **changes)
        # Patience for a busy machine, but not where the server is meant to keep us waiting.
        patience = 1.0 if Misbehaviour.HANG in replies else 10.0
        way_out = WayOut(total_seconds=patience, wait_seconds=0.01)
        carrier = build_twilio(changed, "https://texts.example.com", way_out)
        try:
            yield carrier, server
        finally:
            await carrier.close()


def resource(sid: str, body: str = TEXT.body, **changes: object) -> MessageResource:
    """A text as the carrier lists it."""
    listed = MessageResource(
        sid=sid,
        account_sid=SID,
        status=TwilioStatus.SENT,
        direction=Direction.OUTBOUND_API,
        to_number=TEXT.recipient,
        from_number=TEXT.sender,
        body=body,
        date_created=NOW,
        date_updated=NOW,
    )
    return msgspec.structs.replace(listed, **changes)


def page(*messages: MessageResource, following: str | None = None) -> bytes:
    """A page of the list as an answer."""
    written = MessagePage(messages, 0, 100, 0, 0, PATH, PATH, next_page_uri=following)
    return http(200, render_page(written))


def created(**changes: object) -> bytes:
    """The answer to a text that was taken."""
    return http(201, render_message(resource("SM1", **changes)))


def error(code: int, status: int, **headers: str) -> bytes:
    """The answer to a text that was refused."""
    return http(status, json.dumps({"code": code, "message": "No"}).encode(), **headers)


async def test_a_text_is_posted_as_twilio_wants_it() -> None:
    """One form with every field, the account's token, and an address for reports of ours."""
    async with twilio(created(status=TwilioStatus.QUEUED)) as (carrier, server):
        assert await carrier.submit(TEXT, OPEN) == Accepted("SM1", MessageStatus.SENDING)
    (seen,) = server.seen
    assert (seen.method, seen.target) == ("POST", PATH)
    assert seen.form == [
        ("To", "+12125550142"),
        ("From", "+14155550100"),
        ("Body", TEXT.body),
        (
            "StatusCallback",
            f"{STATUS}?message=msg_1&sender=%2B14155550100#rc=5&rp=ct,rt,5xx",
        ),
        ("MediaUrl", "https://media.example.com/a?b=c"),
        ("MediaUrl", "https://media.example.com/d"),
    ]
    assert seen.headers["authorization"] == f"Basic {b64encode(f'{SID}:tok'.encode()).decode()}"
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    assert seen.headers["user-agent"].startswith("consentry/")


async def test_a_service_is_named_beside_the_sender_it_shall_use() -> None:
    """The person consented with one sender: the service must not choose another of its pool."""
    async with twilio(created()) as (carrier, server):
        await carrier.submit(msgspec.structs.replace(TEXT, messaging_service_sid="MG1"), OPEN)
    form = dict(server.seen[0].form)
    assert (form["From"], form["MessagingServiceSid"]) == ("+14155550100", "MG1")


async def test_a_key_pair_authenticates_where_there_is_one() -> None:
    """The token then signs webhooks alone."""
    async with twilio(created(), key_id="SK1", key_secret="s") as (carrier, server):
        await carrier.submit(TEXT, OPEN)
    assert server.seen[0].headers["authorization"] == f"Basic {b64encode(b'SK1:s').decode()}"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (created(status=TwilioStatus.ACCEPTED), Accepted("SM1", MessageStatus.SENDING)),
        (created(status=TwilioStatus.SENT), Accepted("SM1", MessageStatus.SENT)),
        (created(status=TwilioStatus.FAILED), Accepted("SM1", MessageStatus.FAILED)),
        (http(200, b'{"sid": "SM9"}'), Accepted("SM9", MessageStatus.SENDING)),
        (http(201, b'{"sid": "SM9", "status": "new"}'), Accepted("SM9", MessageStatus.SENDING)),
    ],
)
async def test_a_text_that_was_taken_has_its_id(reply: bytes, expected: Accepted) -> None:
    """An id is enough: a status that is new to us does not make a taken text unknown."""
    async with twilio(reply) as (carrier, _):
        assert await carrier.submit(TEXT, OPEN) == expected


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (error(21610, 400), ("21610", True, True, None)),
        (error(21211, 400), ("21211", True, False, None)),
        (error(20003, 401), ("20003", True, False, None)),
        (error(20429, 429, retry_after="4"), ("20429", False, False, 4.0)),
        (http(429), ("http_429", False, False, None)),
        (error(20503, 503, retry_after="2"), ("20503", False, False, 2.0)),
        (http(503, b"<html>", retry_after="1"), ("http_503", False, False, 1.0)),
        (error(39999, 400), ("39999", False, False, None)),
        (http(404, b"not found"), ("http_404", False, False, None)),
        (http(302, location="/elsewhere"), ("http_302", False, False, None)),
    ],
)
async def test_a_refusal_says_whether_to_try_again(
    reply: bytes, told: tuple[str, bool, bool, float | None]
) -> None:
    """4xx, 429 and 503 say that the text was not taken; only 21610 speaks of consent."""
    async with twilio(reply) as (carrier, server):
        refusal = await carrier.submit(TEXT, OPEN)
    assert isinstance(refusal, CarrierRefusal)
    code, permanent, opted_out, seconds = told
    assert (refusal.code, refusal.permanent, refusal.opted_out) == (code, permanent, opted_out)
    assert refusal.retry_after_seconds == seconds
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Misbehaviour.CLOSE,
        Misbehaviour.RESET,
        Misbehaviour.HANG,
        b"garbage\r\n\r\n",
        b'HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{"sid": "SM',
        http(201, b""),
        http(201, b"<html>ok</html>"),
        http(201, b'{"a":' * 5000),
        http(201, b'{"sid": ""}'),
        http(200, b"\xff\xfe"),
        error(20500, 500),
        http(500),
        http(502, b"<html>bad gateway</html>"),
        http(504),
    ],
)
async def test_in_doubt_it_is_unanswered_and_never_sent_again(reply: Reply) -> None:
    """Where the text may have been taken, there is one request and no verdict."""
    async with twilio(reply, created()) as (carrier, server):
        assert isinstance(await carrier.submit(TEXT, OPEN), Unanswered)
        assert len(server.seen) == 1


async def test_without_a_connection_it_may_be_tried_again() -> None:
    """Nobody listens: nothing was sent, and that is no word about consent."""
    carrier = build_twilio(account("http://127.0.0.1:9"), "http://127.0.0.1:1")
    refusal = await carrier.submit(TEXT, OPEN)
    await carrier.close()
    assert isinstance(refusal, CarrierRefusal)
    assert (refusal.code, refusal.permanent, refusal.opted_out) == ("unreachable", False, False)


async def test_what_is_too_late_is_not_written() -> None:
    """The fence is asked when there is a connection; closed, the carrier gets not a byte."""
    gate = Gate(open=False)
    async with twilio(created()) as (carrier, server):
        assert isinstance(await carrier.submit(TEXT, gate), Withheld)
        assert (gate.asked, server.seen, server.bytes_read) == (1, [], 0)
        gate.open = True
        assert await carrier.submit(TEXT, gate) == Accepted("SM1", MessageStatus.SENT)
    assert len(server.seen) == 1


async def test_without_a_connection_the_fence_is_not_asked() -> None:
    """It is the last question before the text is written, so it comes after the connection."""
    gate = Gate()
    carrier = build_twilio(account("http://127.0.0.1:9"), "http://127.0.0.1:1")
    assert isinstance(await carrier.submit(TEXT, gate), CarrierRefusal)
    await carrier.close()
    assert gate.asked == 0


async def test_closing_in_the_middle_leaves_no_verdict() -> None:
    """An account that is changed while a text is under way loses the answer, not the text."""
    async with twilio(Misbehaviour.HANG) as (carrier, server):
        sending = asyncio.create_task(carrier.submit(TEXT, OPEN))
        await server.arrived.wait()
        await carrier.close()
        assert isinstance(await sending, Unanswered)


# --- The carrier's list ----------------------------------------------------------------------

OLD = NOW - timedelta(hours=27)


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ([], None),
        ([resource("SM1")], Accepted("SM1", MessageStatus.SENT)),
        ([resource("SM1", status=TwilioStatus.QUEUED)], Accepted("SM1", MessageStatus.SENDING)),
        ([resource("SM1", from_number=None)], Accepted("SM1", MessageStatus.SENT)),
        ([resource("SM1", body="Another text")], None),
        ([resource("SM1", to_number="+12125550143")], None),
        ([resource("SM1", from_number="+14155550199")], None),
        ([resource("SM1", direction=Direction.INBOUND)], None),
        ([resource("SM1", date_created=OLD)], None),
        ([resource("SM1", date_created=NOW - timedelta(hours=25))], Accepted("SM1")),
        ([resource("SMknown"), resource("SM2")], Accepted("SM2")),
        (
            [resource("SM1", body='We open at 9 - bring "the form" & 5% off + more ')],
            Accepted("SM1"),
        ),
        (
            [resource("SM1", body=f"Sent from your Twilio trial account - {TEXT.body}")],
            Accepted("SM1"),
        ),
    ],
)
async def test_a_text_is_found_by_pair_words_and_time(
    listed: list[MessageResource], found: Accepted | None
) -> None:
    """The carrier rewrites quotes, keeps its own clock, and lists texts we know already."""
    async with twilio(page(*listed)) as (carrier, server):
        answer = await carrier.find(TEXT, since=NOW, known=frozenset({"SMknown"}))
    assert answer == found
    assert server.seen[0].query == {
        "To": ["+12125550142"],
        "From": ["+14155550100"],
        "PageSize": ["100"],
    }


@pytest.mark.parametrize(("said", "listed", "same"), [("👍", "👍", True), ("👍", "❤️", False)])
async def test_a_text_without_letters_is_compared_as_it_is(
    said: str, listed: str, same: bool
) -> None:
    """Emoji hold no letter, so folding must not make them all alike."""
    async with twilio(page(resource("SM1", listed))) as (carrier, _):
        found = await carrier.find(msgspec.structs.replace(TEXT, body=said), since=NOW)
    assert (found is not None) is same


async def test_a_service_is_searched_for_the_recipient_alone() -> None:
    """A text that a service has not given a sender yet would not be listed under one."""
    text = msgspec.structs.replace(TEXT, messaging_service_sid="MG1")
    async with twilio(page(resource("SM1", from_number=None))) as (carrier, server):
        assert await carrier.find(text, since=NOW) is not None
    assert "From" not in server.seen[0].query


async def test_the_list_is_read_as_far_as_the_text_can_be() -> None:
    """Pages are followed by path alone, until one holds nothing but older texts."""
    newer = page(resource("SM1", "Another"), following=f"{PATH}?Page=1&PageToken=PASM1")
    mixed = page(
        resource("SM2", "Another"),
        resource("SM3", "Old", date_created=OLD),
        following="/elsewhere?Page=2",
    )
    older = page(resource("SM4", date_created=OLD), following=f"{PATH}?Page=3")
    async with twilio(newer, mixed, older) as (carrier, server):
        assert await carrier.find(TEXT, since=NOW) is None
    assert [seen.path for seen in server.seen] == [PATH, PATH, "/elsewhere"]


async def test_the_next_page_is_asked_of_the_same_host() -> None:
    """An address to another host gets neither our token nor a request."""
    away = page(resource("SM1", "Another"), following="//evil.example.com/x")
    async with twilio(away, page()) as (carrier, server):
        assert await carrier.find(TEXT, since=NOW) is None
    assert server.seen[1].path == "/evil.example.com/x"


async def test_the_list_is_asked_again_after_a_hiccup() -> None:
    """A question may be asked twice: 429, 5xx and silence are no reason to give up."""
    replies = (error(20429, 429), Misbehaviour.CLOSE, page(resource("SM1")))
    async with twilio(*replies) as (carrier, _):
        assert await carrier.find(TEXT, since=NOW) == Accepted("SM1")


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (error(20003, 401), "20003"),
        (http(503), "HTTP 503"),
        (Misbehaviour.HANG, "No answer"),
        (http(200, b"<html>"), "cannot be read"),
        (page(resource("SM1", "Another"), following=PATH), "did not end"),
    ],
)
async def test_a_list_that_cannot_be_had_is_no_answer(reply: Reply, reason: str) -> None:
    """Only a list that was read to the end may say that a text is not there."""
    async with twilio(reply) as (carrier, _):
        with pytest.raises(CarrierUnreachable, match=reason):
            await carrier.find(TEXT, since=NOW)


def test_it_is_a_carrier() -> None:
    """The port is implemented whole (checked by the type of the variable, too)."""
    carrier: Carrier = build_twilio(account("http://127.0.0.1:9"), "http://127.0.0.1:1")
    assert (carrier.id, carrier.kind) == ("main", "twilio")
