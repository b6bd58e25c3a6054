"""The simulator as Plivo: its own library is the client, and verifies what is posted."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import plivo
import pytest
import requests
from carrier_world import (
    LONG_CODE,
    OTHER_LONG_CODE,
    PHONE,
    SHORT_CODE,
    TOLL_FREE,
    WAIT_SECONDS,
    Site,
    eventually,
    running_site,
)
from plivo.utils import validate_v3_signature
from requests.adapters import HTTPAdapter

from consentry.carriers.plivo.settings import build_plivo
from consentry.ports import CarrierAccount, CarrierRefusal, OutboundText, Unanswered
from consentry.simulator.values import Account

pytestmark = pytest.mark.integration

ACCOUNT = Account("MA0000000000000TEST1", "a-token-of-the-test")


class Redirected(HTTPAdapter):
    """Carries the requests of Plivo's library, whose address is fixed, to the simulator."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send a request to the other address."""
        request.url = (request.url or "").replace("https://api.plivo.com", self._url)
        return super().send(request, **options)


class Open:
    """A fence that is always open."""

    is_open = True


@pytest.fixture
def site() -> Iterator[Site]:
    """A simulator that speaks like Plivo."""
    with running_site("plivo", ACCOUNT) as site:
        yield site


@pytest.fixture
def client(site: Site) -> Iterator[Any]:
    """Plivo's own client, pointed at it."""
    with plivo.RestClient(ACCOUNT.sid, ACCOUNT.token) as client:
        client.session.mount("https://api.plivo.com", Redirected(site.url))
        yield client


def send(site: Site, client: Any, sender: str = LONG_CODE) -> str:
    """Send a text to the phone; gives its id."""
    sent = client.messages.create(src=sender, dst=PHONE, text="Hello", url=site.receiver.url)
    [message] = sent.message_uuid
    return message


def forms(site: Site) -> list[dict[str, str]]:
    """Read what was posted; the library has verified each by both headers."""
    found = []
    for one in list(site.receiver.received):
        nonce = one.headers["X-Plivo-Signature-V3-Nonce"]
        for header in ("X-Plivo-Signature-V3", "X-Plivo-Signature-Ma-V3"):
            given = (site.receiver.url, nonce, ACCOUNT.token, one.headers[header])
            assert validate_v3_signature("POST", *given, dict(one.params))
        found.append(one.params)
    return found


def statuses(site: Site, message: str) -> list[tuple[str, str]]:
    """Read what was reported of a message: status and code."""
    ours = [form for form in forms(site) if form["MessageUUID"] == message]
    return [(form["Status"], form["ErrorCode"]) for form in ours if "Status" in form]


def test_a_text_from_the_phone_is_a_form(site: Site) -> None:
    """Numbers without their plus, and the carrier's own verdict on a keyword."""
    site.type("Hello + more")
    site.type("Unsub")
    eventually(lambda: len(site.receiver.received) == 2)
    first, second = forms(site)
    assert (first["From"], first["To"]) == (PHONE[1:], LONG_CODE[1:])
    assert (first["Text"], first["MessageIntent"]) == ("Hello + more", "")
    assert second["MessageIntent"] == "optout"
    assert site.shown()[-1] == (
        "carrier",
        "You have been unsubscribed and will not receive any more messages from this number.",
    )


def test_a_picture_is_a_form_too(site: Site) -> None:
    """Its words are in Body, and each picture has a field."""
    picture = {"url": "https://media.example.com/a.png", "content_type": "image/png"}
    typed = {"to": LONG_CODE, "body": "Look", "media": [picture]}
    assert site.post(f"/api/handsets/{PHONE}/messages", typed).status_code == 201
    eventually(lambda: len(site.receiver.received) == 1)
    [form] = forms(site)
    assert (form["Type"], form["Body"], form["Media0"]) == ("mms", "Look", picture["url"])


def test_a_sent_text_is_reported(site: Site, client: Any) -> None:
    """It reaches the phone; its address is told of each step, and the list shows the last."""
    message = send(site, client)
    eventually(lambda: len(site.receiver.received) == 2)
    assert statuses(site, message) == [("sent", ""), ("delivered", "000")]
    assert site.shown() == [("sender", "Hello")]
    assert client.messages.get(message).message_state == "delivered"


def test_a_stop_blocks_the_pair_and_a_report_says_so(site: Site, client: Any) -> None:
    """The text is taken, and fails with 200; another number of the account is not concerned."""
    site.type("STOP")
    message = send(site, client)
    eventually(lambda: statuses(site, message) == [("failed", "200")])
    other = send(site, client, OTHER_LONG_CODE)
    eventually(lambda: ("delivered", "000") in statuses(site, other))
    site.type("start")
    again = send(site, client)
    eventually(lambda: ("delivered", "000") in statuses(site, again))


def test_a_short_code_is_left_to_the_company(site: Site) -> None:
    """STOP to it blocks nothing, and nobody answers."""
    site.type("STOP", to=SHORT_CODE)
    site.type("STOP", to=TOLL_FREE)
    assert {(sender, layer) for sender, _, layer in site.blocks()} == {
        (TOLL_FREE, "provider"),
        (TOLL_FREE, "network"),
    }
    assert site.shown(SHORT_CODE) == [("handset", "STOP")]


def test_the_list_is_filtered_and_has_no_words(site: Site, client: Any) -> None:
    """By direction, numbers and time, newest first, twenty at most."""
    site.type("Hello")
    sent = [send(site, client) for _ in range(3)]
    send(site, client, OTHER_LONG_CODE)
    chosen = {"message_direction": "outbound", "from_number": LONG_CODE[1:]}
    listed = client.messages.list(**chosen, to_number=PHONE[1:], limit=2)
    assert [one.message_uuid for one in listed.objects] == sent[:0:-1]
    assert not hasattr(listed.objects[0], "text")
    rest = client.messages.list(**chosen, limit=2, offset=2)
    assert [one.message_uuid for one in rest.objects] == sent[:1]
    assert client.messages.list(message_time__gte="2999-01-01 00:00:00").objects == []


async def test_the_products_carrier_finds_what_got_no_answer(site: Site) -> None:
    """A text whose answer was lost is in the list, and one that was not taken is not."""
    account = CarrierAccount("pv", "plivo", ACCOUNT.sid, ACCOUNT.token, site.url)
    carrier = build_plivo(account, "https://texts.example.com")
    text = OutboundText("msg_1", PHONE, LONG_CODE, "Hello")
    since = datetime.now(UTC)
    site.fault("server_error", count=1)
    assert isinstance(await carrier.submit(text, Open()), CarrierRefusal)
    assert await carrier.find(text, since=since) is None
    site.fault("lost_answer", count=1)
    assert isinstance(await carrier.submit(text, Open()), Unanswered)
    found = await carrier.find(text, since=since)
    assert found is not None
    known = frozenset({found.carrier_message_id})
    assert await carrier.find(text, since=since, known=known) is None
    other = OutboundText("msg_2", PHONE, OTHER_LONG_CODE, "Hello")
    assert await carrier.find(other, since=since) is None
    await carrier.probe()
    await carrier.close()


def test_the_account_is_shown_to_its_token(site: Site, client: Any) -> None:
    """It is there, and a wrong token is told so."""
    assert client.account.get().auth_id == ACCOUNT.sid
    wrong = (ACCOUNT.sid, "wrong")
    answer = requests.get(f"{site.url}/v1/Account/{ACCOUNT.sid}/", auth=wrong, timeout=5)
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("body", "path", "status"),
    [
        ({}, "Message/", 400),
        ({"src": LONG_CODE, "dst": PHONE}, "Message/", 400),
        ({"src": LONG_CODE, "dst": "12", "text": "Hi"}, "Message/", 400),
        ({"src": "14155559999", "dst": PHONE, "text": "Hi"}, "Message/", 400),
        ({}, "Call/", 404),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    site: Site, body: dict[str, str], path: str, status: int
) -> None:
    """With a sentence."""
    url = f"{site.url}/v1/Account/{ACCOUNT.sid}/{path}"
    answer = requests.post(url, json=body, auth=(ACCOUNT.sid, ACCOUNT.token), timeout=WAIT_SECONDS)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_faults_are_told_in_its_words(site: Site, client: Any) -> None:
    """Too fast, not there, refused later, not delivered."""
    for kind, status in (("rate_limited", "429"), ("server_error", "503")):
        site.fault(kind, count=1)
        with pytest.raises(plivo.exceptions.PlivoRestError, match=status):
            send(site, client)
    site.fault("undelivered", count=1)
    lost = send(site, client)
    eventually(lambda: ("undelivered", "70") in statuses(site, lost))
    site.fault("async_refusal", count=1)
    refused = send(site, client)
    eventually(lambda: ("failed", "200") in statuses(site, refused))
