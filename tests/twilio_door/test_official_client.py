"""The judge: Twilio's own Python client, with nothing changed but its base URL."""

from collections.abc import Iterator

import pytest
from door_world import ACCOUNT, LONG_CODE, MEMBERS, PERSON, SERVICE, TOKEN, Live, running_door
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One server for all of this file; each test has people of its own."""
    with running_door(tmp_path_factory.mktemp("door")) as running:
        yield running


@pytest.fixture
def client(live: Live) -> Client:
    """The official client, pointed at the door."""
    return connect(live, ACCOUNT, TOKEN)


def connect(live: Live, user: str, password: str, account: str | None = None) -> Client:
    """Point the official client at the door."""
    client = Client(user, password, account_sid=account)
    client.api.base_url = live.url
    return client


def refusal(client: Client, **create: object) -> tuple[int, int, str]:
    """Let the client send what must be refused: HTTP status, Twilio's code, message."""
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(**create)
    return caught.value.status, caught.value.code, caught.value.msg


def test_create_and_fetch(live: Live, client: Client) -> None:
    """A text is created, and fetched with the same fields."""
    person = "+14155550151"
    live.text("Hello", person=person)
    made = client.messages.create(to=person, from_=LONG_CODE, body="Good day")
    assert made.status == "queued"
    assert made.direction == "outbound-api"
    assert (made.to, made.from_, made.body) == (person, LONG_CODE, "Good day")
    assert (made.num_segments, made.num_media, made.price) == ("1", "0", None)
    assert made.sid.startswith("SM")
    fetched = client.messages(made.sid).fetch()
    assert fetched.date_created == made.date_created
    assert (fetched.sid, fetched.body, fetched.uri) == (made.sid, made.body, made.uri)


def test_list_over_three_pages(live: Live, client: Client) -> None:
    """Seven texts and our first reply are three pages, newest first, and nothing twice."""
    person = "+14155550152"
    live.text("Hello", person=person)
    sids = [
        client.messages.create(to=person, from_=LONG_CODE, body=f"Text {number}").sid
        for number in range(7)
    ]
    first = client.messages.page(to=person, page_size=3)
    pages = [first]
    while (page := pages[-1].next_page()) is not None:
        pages.append(page)
    found = [[message.sid for message in page] for page in pages]
    assert [len(page) for page in found] == [3, 3, 2]
    assert [sid for page in found for sid in page][:-1] == sids[::-1]
    listed = client.messages.list(to=person, page_size=3)
    assert [message.sid for message in listed][:-1] == sids[::-1]
    assert [message.direction for message in listed[-2:]] == ["outbound-api", "outbound-reply"]
    back = pages[2].previous_page()
    assert [message.sid for message in back] == sids[::-1][3:6]
    inbound = client.messages.list(from_=person)
    assert [(message.direction, message.body) for message in inbound] == [("inbound", "Hello")]


def test_cancel_redact_and_delete(live: Live, client: Client) -> None:
    """A waiting text is canceled; once that is done its words and then the text can go."""
    person = "+14155550153"
    live.text("Hello", person=person)
    made = client.messages.create(to=person, from_=LONG_CODE, body="Secret")
    with pytest.raises(TwilioRestException) as early:
        client.messages(made.sid).update(body="")
    assert (early.value.status, early.value.code) == (409, 20009)
    assert client.messages(made.sid).update(status="canceled").status == "canceled"
    with pytest.raises(TwilioRestException) as again:
        client.messages(made.sid).update(status="canceled")
    assert (again.value.status, again.value.code) == (409, 30409)
    assert client.messages(made.sid).update(body="").body == ""
    assert client.messages(made.sid).fetch().body == ""
    assert client.messages(made.sid).delete()
    with pytest.raises(TwilioRestException) as gone:
        client.messages(made.sid).fetch()
    assert (gone.value.status, gone.value.code) == (404, 20404)
    left = client.messages.list(to=person)
    assert [message.direction for message in left] == ["outbound-reply"]


def test_an_opt_out_is_21610(live: Live, client: Client) -> None:
    """After STOP nothing is created, and after START it is again."""
    person = "+14155550154"
    live.text("Hello", person=person)
    live.text("STOP", person=person)
    create = {"to": person, "from_": LONG_CODE, "body": "Hello"}
    status, code, message = refusal(client, **create)
    assert (status, code) == (400, 21610)
    assert "Attempt to send to unsubscribed recipient" in message
    live.text("START", person=person)
    assert client.messages.create(**create).status == "queued"


def test_a_wrong_token_is_20003(live: Live) -> None:
    """A wrong token, an unknown account and another's account are all refused alike."""
    create = {"to": PERSON, "from_": LONG_CODE, "body": "Hello"}
    for client in (
        connect(live, ACCOUNT, "wrong"),
        connect(live, "AC" + "9" * 32, TOKEN),
        connect(live, ACCOUNT, TOKEN, account="AC" + "2" * 32),
    ):
        status, code, _ = refusal(client, **create)
        assert (status, code) == (401, 20003)


def test_a_messaging_service(live: Live, client: Client) -> None:
    """By a service the text is accepted, and goes from the number that the person wrote to."""
    person = "+14155550155"
    live.text("Hello", sender=MEMBERS[1], person=person)
    made = client.messages.create(to=person, messaging_service_sid=SERVICE, body="Hi")
    assert (made.status, made.from_, made.messaging_service_sid) == ("accepted", None, SERVICE)
    assert client.messages(made.sid).fetch().from_ == MEMBERS[1]


def test_a_key_of_ours(live: Live) -> None:
    """An account sid and token that we made open the door as Twilio's own do."""
    person = "+14155550156"
    live.text("Hello", person=person)
    client = connect(live, live.world.key_sid, live.world.key_token)
    made = client.messages.create(to=person, from_=LONG_CODE, body="Hi")
    assert made.account_sid == live.world.key_sid
    assert client.messages(made.sid).fetch().status == "queued"
