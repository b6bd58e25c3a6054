"""Plivo: what its list tells, its signatures, and its own library as the judge."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import plivo
import pytest
import requests
from carrier_loopback import OPEN, Loopback, Reply, http, loopback
from carrier_table import BASE, FORM_TYPE, NOW, json_body
from plivo.utils import validate_v3_signature
from requests.adapters import HTTPAdapter
from tables.plivo import ACCOUNT, ID, NONCE, REQUEST, TABLE, TEXT, inbound, sign_by, signature

from consentry.carriers.plivo.outbound import CLOCK_SKEW_MAX, PAGE_SIZE, PAGES_MAX
from consentry.carriers.plivo.settings import build_plivo
from consentry.domain.messages import MessageStatus
from consentry.ports import Accepted, Carrier, CarrierUnreachable, Forged, WebhookRequest
from consentry.wire.plivo import plivo_signature

pytestmark = pytest.mark.integration


@asynccontextmanager
async def plivo_at(*replies: Reply) -> AsyncIterator[tuple[Carrier, Loopback]]:
    """Build the carrier of an account whose API answers by a script."""
    async with loopback(replies) as server:
        carrier = build_plivo(msgspec.structs.replace(ACCOUNT, base_url=server.url), BASE)
        try:
            yield carrier, server
        finally:
            await carrier.close()


def item(**changed: Any) -> dict[str, Any]:
    """Write a line of the list, as Plivo writes it: numbers without their plus."""
    return {
        "message_uuid": ID,
        "message_direction": "outbound",
        "message_state": "sent",
        "message_time": "2026-05-01 12:00:00+00:00",
        "message_type": "sms",
        "from_number": "14155550100",
        "to_number": "12125550142",
        "units": 1,
        "error_code": "000",
        **changed,
    }


def page(*items: dict[str, Any]) -> bytes:
    """Write a page of the list."""
    meta = {"limit": PAGE_SIZE, "offset": 0, "next": None, "previous": None}
    return http(200, json_body({"api_id": "1", "meta": meta, "objects": items}))


def posted(url: str = f"{BASE}/carriers/pv/inbound") -> WebhookRequest:
    """Write a request, not yet signed."""
    return WebhookRequest(url, {"content-type": FORM_TYPE}, inbound(), NOW)


async def test_a_text_is_found_by_its_numbers_and_its_time() -> None:
    """One that goes to this person from this number, at that time, and is not known."""
    strangers = (
        item(message_uuid="known"),
        item(message_uuid="in", message_direction="inbound"),
        item(message_uuid="other", from_number="14155550101"),
        item(message_uuid="whose", to_number="12125550143"),
        item(message_uuid="old", message_time="2026-04-30 09:59:59+00:00"),
    )
    async with plivo_at(page(*strangers, item(message_state="delivered"))) as (carrier, server):
        found = await carrier.find(TEXT, since=NOW, known=frozenset({"known"}))
    assert found == Accepted(ID, MessageStatus.DELIVERED)
    [asked] = server.seen
    assert asked.path == "/v1/Account/MA00000000000000FAKE/Message/"
    assert asked.query == {
        "message_direction": ["outbound"],
        "to_number": ["12125550142"],
        "message_time__gte": [(NOW - CLOCK_SKEW_MAX).strftime("%Y-%m-%d %H:%M:%S")],
        "limit": ["20"],
        "offset": ["0"],
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"message_time": None},
        {"message_time": "yesterday"},
        {"message_time": "2026-05-01 04:00:00-08:00"},
        {"from_number": None, "to_number": None, "message_direction": None},
        {"from_number": "+14155550100", "to_number": "+12125550142"},
        {"message_state": "new"},
    ],
)
async def test_in_doubt_a_text_is_ours(changed: dict[str, Any]) -> None:
    """What the list does not say is no reason to send a text again."""
    async with plivo_at(page(item(**changed))) as (carrier, _):
        found = await carrier.find(TEXT, since=NOW)
    assert found is not None
    assert found.carrier_message_id == ID


async def test_only_a_list_that_is_empty_in_both_spellings_shows_that_nothing_went() -> None:
    """The recipient is asked for without the plus and with it."""
    async with plivo_at(page()) as (carrier, server):
        assert await carrier.find(TEXT, since=NOW) is None
    assert [asked.query["to_number"] for asked in server.seen] == [
        ["12125550142"],
        [TEXT.recipient],
    ]


async def test_the_list_is_read_to_its_end() -> None:
    """A full page is followed by the next."""
    full = page(*(item(message_uuid=f"{n}", from_number="1") for n in range(PAGE_SIZE)))
    async with plivo_at(full, page(item())) as (carrier, server):
        assert await carrier.find(TEXT, since=NOW) == Accepted(ID, MessageStatus.SENT)
    assert [asked.query["offset"] for asked in server.seen] == [["0"], ["20"]]


async def test_a_list_without_an_end_shows_nothing() -> None:
    """After so many pages it is given up, which is not the same as not there."""
    full = page(*(item(message_uuid=f"{n}", from_number="1") for n in range(PAGE_SIZE)))
    async with plivo_at(full) as (carrier, server):
        with pytest.raises(CarrierUnreachable, match="did not end"):
            await carrier.find(TEXT, since=NOW)
    assert len(server.seen) == PAGES_MAX


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (http(200, b"[]"), "cannot be read"),
        (http(401, json_body({"error": "authentication failed"})), "authentication failed"),
    ],
)
async def test_a_list_that_cannot_be_read_shows_nothing(reply: bytes, reason: str) -> None:
    """Another format or a refusal is not the same as not there."""
    async with plivo_at(reply) as (carrier, _):
        with pytest.raises(CarrierUnreachable, match=reason):
            await carrier.find(TEXT, since=NOW - timedelta(minutes=1))


async def test_the_account_itself_is_asked_for() -> None:
    """A probe asks for the account, which needs its id and its token."""
    async with plivo_at(http(200, b"{}")) as (carrier, server):
        await carrier.probe()
    [asked] = server.seen
    assert (asked.method, asked.target) == ("GET", "/v1/Account/MA00000000000000FAKE/")


class Redirected(HTTPAdapter):
    """Carries the requests of Plivo's library, whose address is fixed, to a server of ours."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request to the other address."""
        request.url = (request.url or "").replace("https://api.plivo.com", self._url)
        return super().send(request, **options)


async def test_the_sdk_sends_the_same_request() -> None:
    """What we send is what Plivo's own library sends for the same text, but for what it adds."""
    answer = http(202, json_body({"message_uuid": [ID], "api_id": "1", "message": "queued"}))
    async with plivo_at(answer) as (carrier, server):
        with plivo.RestClient(ACCOUNT.account, ACCOUNT.secret) as client:
            client.session.mount("https://api.plivo.com", Redirected(server.url))
            sent = await asyncio.to_thread(
                client.messages.create,
                src=TEXT.sender,
                dst=TEXT.recipient,
                text=TEXT.body,
                url=REQUEST["url"],
            )
        await carrier.submit(TEXT, OPEN)
        theirs, ours = server.seen
    assert sent.message_uuid == [ID]
    assert (ours.method, ours.target) == (theirs.method, theirs.target)
    written = msgspec.json.decode(theirs.body)
    assert written.pop("log") == "true"
    assert written.pop("trackable") is False
    assert msgspec.json.decode(ours.body) == written
    for name in ("authorization", "content-type"):
        assert ours.headers[name] == theirs.headers[name]


@pytest.mark.parametrize("header", ["x-plivo-signature-v3", "x-plivo-signature-ma-v3"])
def test_either_header_is_good(header: str) -> None:
    """The token of the number's account signs one, that of the main account the other."""
    carrier = build_plivo(ACCOUNT, BASE)
    assert carrier.read_inbound(sign_by(posted(), ACCOUNT.secret, header)) != ()
    with pytest.raises(Forged):
        carrier.read_inbound(sign_by(posted(), "another", header))


def test_one_of_several_signatures_is_enough() -> None:
    """While two tokens are in force a header lists a signature of each."""
    request = posted()
    both = f"{signature(request, 'old')},{signature(request)}"
    signed = {"x-plivo-signature-v3": both, "x-plivo-signature-v3-nonce": NONCE}
    headers = {**request.headers, **signed}
    request = msgspec.structs.replace(request, headers=headers)
    assert build_plivo(ACCOUNT, BASE).read_inbound(request) != ()


def test_the_older_signature_is_none() -> None:
    """It covers the address alone, so words could be put below it: `Forged`."""
    request = posted()
    old = {"x-plivo-signature-v2": signature(request), "x-plivo-signature-v2-nonce": NONCE}
    with pytest.raises(Forged):
        build_plivo(ACCOUNT, BASE).read_inbound(
            msgspec.structs.replace(request, headers={**request.headers, **old})
        )


@pytest.mark.parametrize("missing", ["x-plivo-signature-ma-v3", "x-plivo-signature-v3-nonce"])
def test_a_signature_needs_its_nonce(missing: str) -> None:
    """Without either header nothing is read."""
    signed = TABLE.sign(posted())
    headers = {name: value for name, value in signed.headers.items() if name != missing}
    with pytest.raises(Forged):
        build_plivo(ACCOUNT, BASE).read_inbound(msgspec.structs.replace(signed, headers=headers))


@pytest.mark.parametrize(
    "url",
    [
        "https://texts.example.com/hook",
        "https://texts.example.com/hook?",
        "https://texts.example.com/hook?b=2&a=1&a=0",
        "https://texts.example.com:8443/hook?message=msg_1&sender=%2B14155550100",
        "https://texts.example.com/hook?empty=&x=a%20b+c#rc=5",
    ],
)
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"To": "14155550100", "From": "12125550142", "Text": "Grüße & 🙂 + %41"},
        {"b": "2", "a": "", "A": "x y"},
    ],
)
def test_what_we_sign_the_sdk_takes(url: str, params: dict[str, str]) -> None:
    """Plivo's own validator agrees with our signatures, and with what we refuse."""
    ours = plivo_signature("token", url, params.items(), NONCE)
    assert validate_v3_signature("POST", url, NONCE, "token", ours, dict(params))
    other = plivo_signature("another", url, params.items(), NONCE)
    assert not validate_v3_signature("POST", url, NONCE, "token", other, dict(params))


def test_there_is_no_list_of_opt_outs() -> None:
    """Plivo shows neither whom it blocks nor what people wrote."""
    carrier = build_plivo(ACCOUNT, BASE)
    assert (carrier.block_list, carrier.history) == (None, None)
