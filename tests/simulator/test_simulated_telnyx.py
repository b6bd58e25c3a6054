"""The simulator as Telnyx: its own library is the client, and verifies what is posted."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from carrier_world import (
    LONG_CODE,
    OTHER_LONG_CODE,
    PHONE,
    SHORT_CODE,
    TOLL_FREE,
    Answer,
    Site,
    eventually,
    running_site,
)
from telnyx import APIStatusError, Telnyx

from consentry.carriers.telnyx.settings import build_telnyx
from consentry.ports import CarrierAccount
from consentry.simulator.telnyx.rest import TELNYX
from consentry.simulator.values import Account

pytestmark = pytest.mark.integration

ACCOUNT = Account("40000000-0000-4000-8000-00000000000a", "KEY-of-the-test")
TOLD = {thing.name: thing.value for thing in TELNYX.tell(ACCOUNT)}


@dataclass
class TelnyxSite(Site):
    """A simulator that speaks like Telnyx, with Telnyx's own client."""

    client: Telnyx


@pytest.fixture
def site() -> Iterator[TelnyxSite]:
    """A fresh one."""
    with (
        running_site("telnyx", ACCOUNT) as site,
        Telnyx(
            api_key=ACCOUNT.token,
            public_key=TOLD["public_key"],
            base_url=f"{site.url}/v2",
            max_retries=0,
        ) as client,
    ):
        yield TelnyxSite(site.url, site.receiver, client)


def send(site: TelnyxSite, sender: str = LONG_CODE, **more: Any) -> str:
    """Send a text to the phone; gives its id."""
    address = site.receiver.url
    sent = site.client.messages.send(
        from_=sender, to=PHONE, text="Hello", webhook_url=address, **more
    )
    assert sent.data is not None
    assert sent.data.id is not None
    return sent.data.id


def refusal(site: TelnyxSite, sender: str = LONG_CODE) -> tuple[int, str]:
    """Send, be refused, and give the HTTP status and the code."""
    with pytest.raises(APIStatusError) as told:
        send(site, sender)
    body: Any = told.value.body
    errors = body["errors"] if isinstance(body, dict) else body
    return told.value.status_code, errors[0]["code"]


def events(site: TelnyxSite) -> list[dict[str, Any]]:
    """Read what was posted; the library has verified each."""
    found = []
    for one in list(site.receiver.received):
        site.client.webhooks.unwrap(one.body.decode(), headers=one.headers)
        found.append(json.loads(one.body)["data"])
    return found


def test_a_text_from_the_phone_is_an_event(site: TelnyxSite) -> None:
    """Who, to whom, what and when, with the carrier's own verdict on a keyword."""
    site.type("Hello")
    site.type("stop all")
    eventually(lambda: len(site.receiver.received) == 2)
    first, second = sorted(events(site), key=lambda event: event["occurred_at"])
    assert first["event_type"] == "message.received"
    payload = first["payload"]
    assert payload["from"]["phone_number"] == PHONE
    assert payload["to"][0]["phone_number"] == LONG_CODE
    assert (payload["text"], payload["autoresponse_type"]) == ("Hello", None)
    assert payload["messaging_profile_id"] == ACCOUNT.sid
    assert second["payload"]["autoresponse_type"] == "STOP"


def test_a_sent_text_is_reported_twice(site: TelnyxSite) -> None:
    """It reaches the phone, and its own address is told that it was sent and delivered."""
    message = send(site)
    eventually(lambda: len(site.receiver.received) == 2)
    told = events(site)
    assert {event["event_type"] for event in told} == {"message.sent", "message.finalized"}
    assert {event["payload"]["id"] for event in told} == {message}
    assert site.shown() == [("sender", "Hello")]
    answer = site.client.messages.retrieve(message)
    assert answer.data is not None
    assert answer.data.to is not None
    assert answer.data.to[0].status == "delivered"  # type: ignore[union-attr]


def test_a_stop_blocks_the_whole_profile(site: TelnyxSite) -> None:
    """Every number of the profile is refused in the answer, with 409 and 40300."""
    site.type("Stop")
    assert refusal(site) == (409, "40300")
    assert refusal(site, OTHER_LONG_CODE) == (409, "40300")
    assert refusal(site, SHORT_CODE) == (409, "40300")
    site.type("YES")
    assert refusal(site) == (409, "40300")
    site.type("unstop", to=OTHER_LONG_CODE)
    send(site)


def test_the_toll_free_network_blocks_for_itself(site: TelnyxSite) -> None:
    """STOP blocks there and in the profile; CANCEL in the profile alone; START lifts both."""
    site.type("CANCEL", to=TOLL_FREE)
    assert {layer for _, _, layer in site.blocks()} == {"provider"}
    site.type("STOP", to=TOLL_FREE)
    assert {layer for _, _, layer in site.blocks()} == {"provider", "network"}
    assert refusal(site, TOLL_FREE) == (409, "40300")
    site.type("START", to=TOLL_FREE)
    assert site.blocks() == set()


def test_opt_outs_are_listed_page_by_page(site: TelnyxSite) -> None:
    """Who blocked the profile, by which word, since when; START takes them off again."""
    for last in range(3):
        site.type("QUIT", phone=f"+1415555014{last}")
    options: Any = {"filter": {"messaging_profile_id": ACCOUNT.sid}, "page_size": 2}
    listed = list(site.client.messaging_optouts.list(**options))
    assert [one.to for one in listed] == [f"+1415555014{last}" for last in range(3)]
    assert {(one.from_, one.keyword) for one in listed} == {(LONG_CODE, "QUIT")}
    site.type("START", phone="+14155550141")
    assert len(list(site.client.messaging_optouts.list(**options))) == 2
    other: Any = {"filter": {"messaging_profile_id": "another"}}
    assert list(site.client.messaging_optouts.list(**other)) == []


async def test_the_products_carrier_reads_the_list(site: TelnyxSite) -> None:
    """Whom the simulator blocks, the product's carrier lists, and nobody else."""
    for last, word in (("0", "QUIT"), ("1", "Hello"), ("2", "stop")):
        site.type(word, phone=f"+1415555014{last}")
    account = CarrierAccount(
        "tx", "telnyx", ACCOUNT.sid, TOLD["public_key"], site.url, key_secret=ACCOUNT.token
    )
    carrier = build_telnyx(account, "https://texts.example.com")
    assert carrier.block_list is not None
    listed = [block async for block in carrier.block_list.read((LONG_CODE,))]
    await carrier.probe()
    await carrier.close()
    assert [block.recipient for block in listed] == ["+14155550140", "+14155550142"]
    assert all(block.blocked_at is not None for block in listed)
    assert {block.evidence.rpartition(", ")[2] for block in listed} == {"by QUIT", "by STOP"}


def test_the_profile_is_shown_to_its_key(site: TelnyxSite) -> None:
    """It is there, another is not, and a wrong key is told so."""
    assert site.client.messaging_profiles.retrieve(ACCOUNT.sid).data is not None
    for asked, status in ((site.client, 404), (site.client.copy(api_key="KEY-wrong"), 401)):
        with pytest.raises(APIStatusError) as told:
            asked.messaging_profiles.retrieve("another")
        assert told.value.status_code == status


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "10004"),
        ({"from": LONG_CODE, "to": PHONE}, "40316"),
        ({"from": LONG_CODE, "to": "12", "text": "Hi"}, "40310"),
        ({"from": "+14155559999", "to": PHONE, "text": "Hi"}, "40305"),
        ({"from": LONG_CODE, "to": PHONE, "text": "Hi", "webhook_url": "ftp://x"}, "10003"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    site: TelnyxSite, body: dict[str, str], code: str
) -> None:
    """In Telnyx's words."""
    headers = {"Authorization": f"Bearer {ACCOUNT.token}"}
    answer = requests.post(f"{site.url}/v2/messages", json=body, headers=headers, timeout=5)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)


def test_what_is_not_served_is_told_in_its_words(site: TelnyxSite) -> None:
    """Another path and another method."""
    for method, path in (("GET", "/v2/calls"), ("DELETE", "/v2/messages")):
        answer = requests.request(method, site.url + path, timeout=5)
        assert answer.json()["errors"][0]["code"] in {"10005", "10015"}


def test_faults_are_told_in_its_words(site: TelnyxSite) -> None:
    """Too fast, not there, refused later, not delivered, refused behind our back."""
    site.fault("rate_limited", count=1)
    assert refusal(site) == (429, "10011")
    site.fault("server_error", count=1)
    with pytest.raises(APIStatusError) as told:
        send(site)
    assert told.value.status_code == 503
    site.fault("undelivered", count=1)
    message = send(site)
    eventually(lambda: len(site.receiver.received) == 2)
    [failed] = [e["payload"] for e in events(site) if e["event_type"] == "message.finalized"]
    assert (failed["id"], failed["to"][0]["status"]) == (message, "delivery_failed")
    assert failed["errors"][0]["code"] == "40001"
    site.fault("block_behind_our_back", sender=LONG_CODE, recipient=PHONE)
    assert refusal(site, OTHER_LONG_CODE) == (409, "40300")


def test_an_event_is_posted_three_times(site: TelnyxSite) -> None:
    """What is answered with an error comes again, and after the third time no more."""
    site.receiver.answers = [Answer(status=500)] * 2
    site.type("Hello")
    eventually(lambda: len(site.receiver.received) == 3)
    assert len({event["id"] for event in events(site)}) == 1
