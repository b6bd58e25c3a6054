"""Telnyx: what its list of opt-outs tells, and its own library as the judge of all we write."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from carrier_loopback import OPEN, Loopback, Reply, http, loopback
from carrier_table import BASE, JSON_TYPE, NOW, json_body
from tables.telnyx import ACCOUNT, ID, KEY, PERSON, PROFILE, REQUEST, TABLE, TEXT, inbound, sign_by

from consentry.carriers.telnyx.outbound import PAGE_SIZE
from consentry.carriers.telnyx.settings import TELNYX, build_telnyx
from consentry.ports import (
    Carrier,
    CarrierAccount,
    CarrierBlock,
    CarrierUnreachable,
    Forged,
    InboundText,
    NoList,
    WebhookRequest,
)

if TYPE_CHECKING:
    from telnyx import Telnyx

pytestmark = pytest.mark.integration

OTHER = "+14155550101"
SENDERS = (TEXT.sender, OTHER)


def library(**options: Any) -> "Telnyx":
    """Make a client of Telnyx's own library."""
    # It has a thousand models, and every process of a test run reads every file of tests.
    from telnyx import Telnyx  # noqa: PLC0415 - see above

    return Telnyx(api_key="KEY0123", **options)


@asynccontextmanager
async def telnyx(*replies: Reply) -> AsyncIterator[tuple[Carrier, Loopback]]:
    """Build the carrier of an account whose API answers by a script."""
    async with loopback(replies) as server:
        carrier = build_telnyx(msgspec.structs.replace(ACCOUNT, base_url=server.url), BASE)
        try:
            yield carrier, server
        finally:
            await carrier.close()


def page(*rows: dict[str, Any], pages: int = 1) -> bytes:
    """Write a page of the list of opt-outs."""
    meta = {"total_pages": pages, "total_results": 9, "page_number": 1, "page_size": PAGE_SIZE}
    return http(200, json_body({"data": rows, "meta": meta}))


def row(to: str = PERSON, **changed: Any) -> dict[str, Any]:
    """Write a line of it."""
    return {
        "from": TEXT.sender,
        "to": to,
        "messaging_profile_id": PROFILE,
        "keyword": "STOP",
        "created_at": "2026-04-28 12:00:38.631252+00:00",
        **changed,
    }


async def read_blocks(carrier: Carrier) -> list[CarrierBlock]:
    """Read the whole list."""
    assert carrier.block_list is not None
    return [block async for block in carrier.block_list.read(SENDERS)]


def posted(body: bytes = b"{}") -> WebhookRequest:
    """Write a request, not yet signed."""
    return WebhookRequest(f"{BASE}/carriers/tx/inbound", {"content-type": JSON_TYPE}, body, NOW)


async def test_all_who_opted_out_of_the_profile_are_listed() -> None:
    """The list is read page by page, for the profile, with numbers that are not hidden."""
    at = datetime(2026, 4, 28, 12, 0, 38, 631252, tzinfo=UTC)
    third = row("+12125550144", keyword=None, created_at=None)
    async with telnyx(page(row(), row("+12125550143"), pages=2), page(third, pages=2)) as (
        carrier,
        server,
    ):
        blocks = await read_blocks(carrier)
        first, second = server.seen
    evidence = f"Telnyx: messaging profile {PROFILE}"
    assert blocks == [
        CarrierBlock(PERSON, None, at, f"{evidence}, by STOP"),
        CarrierBlock("+12125550143", None, at, f"{evidence}, by STOP"),
        CarrierBlock("+12125550144", None, None, evidence),
    ]
    assert first.path == "/v2/messaging_optouts"
    assert first.query == {
        "filter[messaging_profile_id]": [PROFILE],
        "page[number]": ["1"],
        "page[size]": [str(PAGE_SIZE)],
        "redaction_enabled": ["false"],
    }
    assert second.query["page[number]"] == ["2"]
    assert first.headers["authorization"] == "Bearer KEY0123"


async def test_a_line_the_other_way_round_names_the_person() -> None:
    """Where the number that was texted is ours, the other one is the person's."""
    async with telnyx(page(row(TEXT.sender, **{"from": PERSON}))) as (carrier, _):
        [block] = await read_blocks(carrier)
    assert block.recipient == PERSON


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (page(row("+447766****")), "names nobody"),
        (page(row(TEXT.sender, **{"from": None})), "names nobody"),
        (http(200, b"[]"), "cannot be read"),
        (http(401, json_body({"errors": [{"code": "10009", "title": "No key"}]})), "10009"),
    ],
)
async def test_a_list_that_cannot_be_read_whole_is_none(reply: bytes, reason: str) -> None:
    """A hidden number, another format, a refusal: nobody may think that the list was empty."""
    async with telnyx(reply) as (carrier, _):
        with pytest.raises(CarrierUnreachable, match=reason):
            await read_blocks(carrier)


async def test_the_sdk_asks_for_the_list_in_the_same_way() -> None:
    """Telnyx's own library makes the same request, and reads from the answer what we read."""
    async with loopback((page(row()),)) as server:
        chosen: Any = {"messaging_profile_id": PROFILE}
        options: Any = {"filter": chosen, "page_number": 1, "page_size": PAGE_SIZE}
        with library(base_url=f"{server.url}/v2") as client:
            listed = await asyncio.to_thread(
                client.messaging_optouts.list, redaction_enabled="false", **options
            )
        [asked] = server.seen
        carrier = build_telnyx(msgspec.structs.replace(ACCOUNT, base_url=server.url), BASE)
        [block] = await read_blocks(carrier)
        await carrier.close()
        ours = server.seen[-1]
    assert (ours.path, ours.query) == (asked.path, asked.query)
    assert ours.headers["authorization"] == asked.headers["authorization"]
    assert listed.data is not None
    assert (listed.data[0].to, listed.data[0].created_at) == (block.recipient, block.blocked_at)


async def test_the_sdk_sends_the_same_request() -> None:
    """What we send is what Telnyx's own library sends for the same text."""
    answer = http(200, json_body({"data": {"id": ID}}), content_type="application/json")
    async with telnyx(answer) as (carrier, server):
        with library(base_url=f"{server.url}/v2") as client:
            sent = await asyncio.to_thread(
                client.messages.send,
                from_=TEXT.sender,
                to=TEXT.recipient,
                text=TEXT.body,
                webhook_url=REQUEST["webhook_url"],
            )
        await carrier.submit(TEXT, OPEN)
        theirs, ours = server.seen
    assert sent.data is not None
    assert sent.data.id == ID
    assert (ours.method, ours.target) == (theirs.method, theirs.target)
    assert msgspec.json.decode(ours.body) == msgspec.json.decode(theirs.body)
    for name in ("authorization", "content-type"):
        assert ours.headers[name] == theirs.headers[name]


async def test_the_account_is_asked_for_by_its_profile() -> None:
    """A probe asks for the messaging profile, which needs both the key and the id."""
    refused = http(404, json_body({"errors": [{"code": "10005", "title": "Not found"}]}))
    async with telnyx(http(200, b"{}"), refused) as (carrier, server):
        await carrier.probe()
        with pytest.raises(CarrierUnreachable, match="10005"):
            await carrier.probe()
    assert server.seen[0].target == f"/v2/messaging_profiles/{PROFILE}"


async def test_a_text_without_an_answer_is_looked_for_nowhere() -> None:
    """Telnyx has no list of texts: `NoList`, and nothing is asked."""
    async with telnyx() as (carrier, server):
        with pytest.raises(NoList, match="msg_1"):
            await carrier.find(TEXT, since=NOW)
    assert server.seen == []


def test_one_address_takes_all() -> None:
    """What is posted to the other address is read in the same way."""
    carrier = build_telnyx(ACCOUNT, BASE)
    request = TABLE.sign(posted(json_body(inbound())))
    assert carrier.read_status(request) == carrier.read_inbound(request) != ()
    assert carrier.history is None


@pytest.mark.parametrize("seconds", [-300, -299, 0, 300])
def test_a_signature_holds_for_five_minutes(seconds: int) -> None:
    """Its time may be as far from ours as that, before and after."""
    at = str(int((NOW + timedelta(seconds=seconds)).timestamp()))
    request = sign_by(KEY, posted(json_body(inbound())), at)
    assert build_telnyx(ACCOUNT, BASE).read_inbound(request) != ()


@pytest.mark.parametrize("at", ["", "0", "soon", "-1", "1e9", "9" * 40, "\u0663", "\ud800"])
def test_an_old_signature_is_none(at: str) -> None:
    """A time that is too far, or none at all, is `Forged`, whatever signs it."""
    request = sign_by(KEY, posted(json_body(inbound())), at.encode("utf-8", "replace").decode())
    headers = {**request.headers, "telnyx-timestamp": at}
    with pytest.raises(Forged):
        build_telnyx(ACCOUNT, BASE).read_inbound(msgspec.structs.replace(request, headers=headers))


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signature_is_over_after_five_minutes(seconds: int) -> None:
    """A second more is `Forged`, before and after, and the reason speaks of the clock."""
    at = str(int((NOW + timedelta(seconds=seconds)).timestamp()))
    request = sign_by(KEY, posted(json_body(inbound())), at)
    with pytest.raises(Forged, match="clock"):
        build_telnyx(ACCOUNT, BASE).read_inbound(request)


@pytest.mark.parametrize("secret", ["", "no key", "AAAA", "\u00fc"])
def test_a_public_key_that_is_none_lets_nothing_in(secret: str) -> None:
    """All is `Forged`, and the reason says what to set up again."""
    carrier = build_telnyx(msgspec.structs.replace(ACCOUNT, secret=secret), BASE)
    with pytest.raises(Forged, match="public key"):
        carrier.read_inbound(TABLE.sign(posted(json_body(inbound()))))


def test_what_we_take_the_sdk_takes() -> None:
    """Telnyx's own library verifies the same request by the same key, and refuses the same."""
    now = datetime.fromtimestamp(int(time.time()), UTC)
    request = msgspec.structs.replace(posted(json_body(inbound())), received_at=now)
    signed, forged = TABLE.sign(request), TABLE.forge(request)
    with library(public_key=ACCOUNT.secret) as client:
        unwrapped: Any = client.webhooks.unwrap(signed.body.decode(), headers=signed.headers)
        with pytest.raises(ValueError, match="does not match"):
            client.webhooks.unwrap(forged.body.decode(), headers=forged.headers)
    [read] = build_telnyx(ACCOUNT, BASE).read_inbound(signed)
    payload = unwrapped.data.payload
    assert isinstance(read, InboundText)
    assert (payload.id, payload.text) == (read.carrier_message_id, read.body)


def test_the_kind_asks_for_what_an_account_needs() -> None:
    """Profile, public key and API key, and nothing that may be left out."""
    empty = CarrierAccount("tx", "telnyx", "", "", TELNYX.base_url)
    assert [field.name for field in TELNYX.list_missing(empty)] == [
        "account",
        "secret",
        "key_secret",
    ]
