"""SignalWire beside what is true of all carriers: its signatures, its list, its address."""

import json
from datetime import UTC, datetime
from urllib.parse import quote_plus

import msgspec
import pytest
from carrier_loopback import http, loopback
from tables.signalwire import ACCOUNT, PERSON, PROJECT, SENDER, SID, TABLE

from consentry.carriers.shared.way_out import WayOut
from consentry.carriers.signalwire.errors import TABLE as CODES
from consentry.carriers.signalwire.settings import SIGNALWIRE, build_signalwire
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    CarrierUnreachable,
    Forged,
    InboundText,
    Malformed,
    OutboundText,
    WebhookRequest,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LIST = f"/api/laml/2010-04-01/Accounts/{PROJECT}/Messages"

# Requests of SignalWire that its own Python library (2.1.1) is tested with.
PUBLISHED = [
    (
        "http://0aac-189-71-169-171.ngrok-free.app/voice",
        "lf3nWPmUr2y6jSeeoMW4mg58vgI=",
        {
            "AccountSid": "6bfbbe86-a901-4197-8759-2a0de1fa319d",
            "ApiVersion": "2010-04-01",
            "CallbackSource": "call-progress-events",
            "CallSid": "0703574f-b151-465d-aedb-28972eb513c7",
            "CallStatus": "busy",
            "Direction": "outbound-api",
            "From": "sip:+17063958228@sip.swire.io",
            "HangupBy": "sip:jpsantos@joaosantos-2a0de1fa319d.sip.swire.io",
            "HangupDirection": "inbound",
            "Timestamp": "Thu, 09 Nov 2023 17:05:04 +0000",
            "To": "sip:jpsantos@joaosantos-2a0de1fa319d.sip.swire.io",
            "SipResultCode": "486",
        },
    ),
    (
        "https://675d-189-71-169-171.ngrok-free.app/voice",
        "muUMpldcBHlzuXGZ5gbw1ETZCYA=",
        {
            "CallSid": "a97d4e8a-6047-4e2b-be48-fb96b33b5642",
            "AccountSid": "6bfbbe86-a901-4197-8759-2a0de1fa319d",
            "ApiVersion": "2010-04-01",
            "Direction": "outbound-api",
            "From": "sip:+17063958228@sip.swire.io",
            "To": "sip:jpsantos@joaosantos-2a0de1fa319d.sip.swire.io",
            "Timestamp": "Thu, 09 Nov 2023 14:40:55 +0000",
            "CallStatus": "no-answer",
            "CallbackSource": "call-progress-events",
            "HangupDirection": "outbound",
            "HangupBy": "sip:+17063958228@sip.swire.io",
            "SipResultCode": "487",
        },
    ),
]


@pytest.mark.unit
@pytest.mark.parametrize("header", ["x-signalwire-signature", "x-twilio-signature"])
@pytest.mark.parametrize(("url", "signature", "fields"), PUBLISHED)
def test_signatures_that_signalwire_made_are_believed(
    header: str, url: str, signature: str, fields: dict[str, str]
) -> None:
    """What it really signed is no forgery: only then is it read, and found to be no text."""
    account = msgspec.structs.replace(ACCOUNT, secret="PSK_V3bF8oyeRNpJWGoRWHNYQMUU")
    carrier = build_signalwire(account, "https://texts.example.com")
    body = "&".join(f"{quote_plus(k)}={quote_plus(v)}" for k, v in fields.items()).encode()
    request = WebhookRequest(url, {header: signature}, body, received_at=NOW)
    with pytest.raises(Malformed, match="MessageSid"):
        carrier.read_inbound(request)
    with pytest.raises(Forged):
        carrier.read_inbound(msgspec.structs.replace(request, body=body + b"1"))


@pytest.mark.unit
def test_one_code_alone_opts_out() -> None:
    """ "Blocked or opted out" (30004) is not enough to say that somebody opted out."""
    assert {code for code, row in CODES.rows.items() if row.opted_out} == {"21610"}


@pytest.mark.unit
def test_the_space_must_be_named() -> None:
    """An account cannot be set up with the address that stands for everybody's."""
    account = msgspec.structs.replace(ACCOUNT, base_url=SIGNALWIRE.base_url)
    assert [field.name for field in SIGNALWIRE.list_missing(account)] == ["base_url"]
    assert SIGNALWIRE.is_address("https://example.signalwire.com")


def listed(sid: str, **changes: object) -> dict[str, object]:
    """One message as SignalWire lists it: numbers, where Twilio has texts."""
    message = {
        "account_sid": PROJECT,
        "api_version": "2010-04-01",
        "body": "Hello",
        "num_segments": 1,
        "num_media": 0,
        "date_created": "Mon, 23 Nov 2026 12:00:00 +0000",
        "date_sent": None,
        "direction": "outbound-api",
        "error_code": None,
        "from": SENDER,
        "to": PERSON,
        "price": 0.005,
        "sid": sid,
        "status": "delivered",
    }
    return message | changes


@pytest.mark.integration
async def test_its_list_is_read_by_its_paths() -> None:
    """A text without an answer is found, what people wrote is replayed, pages are followed."""
    first = {"messages": [listed("1", body="Other")], "next_page_uri": f"{LIST}?Page=1&PageSize=1"}
    found = {"messages": [listed(SID)], "next_page_uri": None}
    wrote = listed(SID, direction="inbound", to=SENDER, body="STOP", **{"from": PERSON})
    replies = [http(200, json.dumps(p).encode()) for p in (first, found, {"messages": [wrote]})]
    async with loopback(replies) as server:
        account = msgspec.structs.replace(ACCOUNT, base_url=server.url)
        carrier = build_signalwire(account, "https://texts.example.com", WayOut(wait_seconds=0.01))
        assert carrier.history is not None
        text = OutboundText("msg_1", PERSON, SENDER, "Hello")
        assert await carrier.find(text, since=NOW) == Accepted(SID, MessageStatus.DELIVERED)
        texts = [text async for text in carrier.history.replay(SENDER, since=NOW)]
        await carrier.close()
    assert texts == [InboundText(SID, PERSON, SENDER, "STOP", sent_at=NOW)]
    assert [seen.path for seen in server.seen] == [f"{LIST}.json", LIST, f"{LIST}.json"]


@pytest.mark.integration
async def test_the_probe_tells_a_wrong_token() -> None:
    """Asking for a list that is empty is harmless, and refused to who is not the project."""
    replies = [http(200, b'{"messages": []}'), http(401, b'{"code": "20003", "message": "No"}')]
    async with loopback(replies) as server:
        account = msgspec.structs.replace(ACCOUNT, base_url=server.url)
        carrier = TABLE.kind.build(account, "https://texts.example.com")
        await carrier.probe()
        with pytest.raises(CarrierUnreachable, match="20003"):
            await carrier.probe()
        await carrier.close()
