"""What a program does with Twilio's REST, by Twilio's own client for Python.

It is given any server that claims to speak it: the simulated carrier and the door alike. Each step
asserts what a program that was written for Twilio rests on.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client
from twilio.rest.api.v2010.account.message import MessageInstance

SETTLED: Final = frozenset({"delivered", "undelivered", "failed"})
UNKNOWN_SID: Final = "SM" + "0" * 32
_SECONDS_MAX: Final = 60.0


@dataclass(frozen=True)
class Exchanged:
    """One request of the client's, and the head of its answer."""

    method: str
    url: str
    status: int
    headers: dict[str, str]


class RecordingClient(TwilioHttpClient):
    """The client's own way to make requests; what was exchanged is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanged: list[Exchanged] = []

    def request(self, method: str, url: str, *args: Any, **more: Any) -> Response:
        """Make a request as the client would without us."""
        answer = super().request(method, url, *args, **more)
        headers = {name.lower(): value for name, value in (answer.headers or {}).items()}
        self.exchanged.append(Exchanged(method, url, answer.status_code, headers))
        return answer


@dataclass(frozen=True)
class Served:
    """A server, an account of it, and who may be texted from which number.

    `phones` gives phones that have texted `sender` and may be answered, each once; `stopped` is one
    that has opted out. `service` is a messaging service of which `sender` is a number.
    """

    url: str
    account: str
    token: str
    sender: str
    phones: Iterator[str]
    stopped: str
    service: str
    http: RecordingClient = field(default_factory=RecordingClient)

    def client(self, *, account: str | None = None, token: str | None = None) -> Client:
        """Point Twilio's client at the server, by these credentials or its own."""
        client = Client(account or self.account, token or self.token, http_client=self.http)
        client.api.base_url = self.url
        return client

    def refusal(self, client: Client | None = None, **create: object) -> tuple[int, int, str]:
        """Ask for what must be refused; gives the HTTP status, Twilio's code and its sentence."""
        with pytest.raises(TwilioRestException) as told:
            (client or self.client()).messages.create(**create)
        return told.value.status, told.value.code, told.value.msg


def wait_settled(client: Client, sid: str) -> MessageInstance:
    """Fetch a message until the carrier has done with it."""
    deadline = time.monotonic() + _SECONDS_MAX
    while (message := client.messages(sid).fetch()).status not in SETTLED:
        assert time.monotonic() < deadline, f"{sid} is still {message.status}"
        time.sleep(0.05)
    return message


def sids_by_program(messages: list[MessageInstance]) -> list[str]:
    """List what was created through the interface: a first reply by the server itself is older."""
    return [message.sid for message in messages if message.direction == "outbound-api"]


def create_and_fetch(served: Served) -> None:
    """A message is taken with every field that Twilio gives, and told again when fetched."""
    client, phone = served.client(), next(served.phones)
    made = client.messages.create(to=phone, from_=served.sender, body="Grüße, 你好 👋")
    assert made.sid[:2] == "SM"
    assert len(made.sid) == 34
    assert (made.account_sid, made.api_version) == (served.account, "2010-04-01")
    assert (made.status, made.direction) == ("queued", "outbound-api")
    assert (made.to, made.from_, made.body) == (phone, served.sender, "Grüße, 你好 👋")
    assert (made.num_segments, made.num_media) == ("1", "0")
    assert (made.error_code, made.error_message, made.messaging_service_sid) == (None, None, None)
    assert made.uri == f"/2010-04-01/Accounts/{served.account}/Messages/{made.sid}.json"
    assert made.subresource_uris["media"].endswith(f"{made.sid}/Media.json")
    assert abs(made.date_created - datetime.now(UTC)) < timedelta(minutes=1)
    assert served.http.exchanged[-1].status == 201
    fetched = wait_settled(client, made.sid)
    assert (fetched.status, fetched.body, fetched.to) == ("delivered", made.body, phone)
    assert fetched.date_sent.utcoffset() == timedelta(0)
    assert fetched.date_created == made.date_created


def send_by_service(served: Served) -> None:
    """A messaging service chooses the sender later; with pictures it is another kind of sid."""
    client, phone = served.client(), next(served.phones)
    made = client.messages.create(
        to=phone, messaging_service_sid=served.service, body="Hello", validity_period=600
    )
    assert (made.status, made.messaging_service_sid) == ("accepted", served.service)
    assert (made.from_, made.num_segments) == (None, "0")
    fetched = wait_settled(client, made.sid)
    assert (fetched.status, fetched.from_, fetched.num_segments) == (
        "delivered",
        served.sender,
        "1",
    )
    pictures = ["https://example.com/cat.png", "https://example.com/dog.png"]
    shown = client.messages.create(to=phone, from_=served.sender, media_url=pictures)
    assert (shown.sid[:2], shown.num_media, shown.body) == ("MM", "2", "")
    assert wait_settled(client, shown.sid).status == "delivered"
    listed = client.messages.list(to=phone, from_=served.sender)
    assert sids_by_program(listed) == [shown.sid, made.sid]


def list_in_pages(served: Served) -> None:
    """Five messages come in three pages of two, newest first, each once; filters hold."""
    client, phone = served.client(), next(served.phones)
    made = [
        client.messages.create(to=phone, from_=served.sender, body=f"No. {number}").sid
        for number in range(5)
    ]
    for sid in made:
        wait_settled(client, sid)
    asked = {"to": phone, "from_": served.sender}
    before = len(served.http.exchanged)
    assert sids_by_program(client.messages.list(page_size=2, **asked)) == made[::-1]
    assert len(served.http.exchanged) - before == 3
    assert [m.sid for m in client.messages.list(limit=3, **asked)] == made[:1:-1]
    first = client.messages.page(page_size=2, **asked)
    second = first.next_page()
    assert second is not None
    assert [m.sid for m in second] == [made[2], made[1]]
    back = second.previous_page()
    assert back is not None
    assert [m.sid for m in back] == [made[4], made[3]]
    today = datetime.now(UTC)
    yesterday = client.messages.list(date_sent_after=today - timedelta(days=1), **asked)
    assert sids_by_program(yesterday) == made[::-1]
    assert client.messages.list(date_sent_before=today - timedelta(days=2), **asked) == []
    sent = client.messages(made[0]).fetch().date_sent
    assert made[0] in sids_by_program(client.messages.list(date_sent=sent.date(), **asked))
    day_before = client.messages.list(date_sent=sent.date() - timedelta(days=1), **asked)
    assert sids_by_program(day_before) == []


def redact_and_delete(served: Served) -> None:
    """A body is emptied, and nothing else; a message that was deleted is not there any more."""
    client, phone = served.client(), next(served.phones)
    made = client.messages.create(to=phone, from_=served.sender, body="A secret")
    wait_settled(client, made.sid)
    assert client.messages(made.sid).update(body="").body == ""
    fetched = client.messages(made.sid).fetch()
    assert (fetched.body, fetched.to, fetched.status) == ("", phone, "delivered")
    assert client.messages(made.sid).delete()
    assert served.http.exchanged[-1].status == 204
    assert not_found(lambda: client.messages(made.sid).fetch())
    assert sids_by_program(client.messages.list(to=phone, from_=served.sender)) == []


def cancel_scheduled(served: Served) -> None:
    """What waits for its hour can be called off, once, and stays so."""
    client, phone = served.client(), next(served.phones)
    made = client.messages.create(
        to=phone,
        messaging_service_sid=served.service,
        body="Later",
        schedule_type="fixed",
        send_at=datetime.now(UTC) + timedelta(hours=1),
    )
    assert (made.status, made.messaging_service_sid) == ("scheduled", served.service)
    assert client.messages(made.sid).update(status="canceled").status == "canceled"
    assert client.messages(made.sid).fetch().status == "canceled"
    with pytest.raises(TwilioRestException) as told:
        client.messages(made.sid).update(status="canceled")
    assert (told.value.status, told.value.code) == (409, 30409)


def be_refused(served: Served) -> None:
    """Each refusal is a TwilioRestException with Twilio's own HTTP status, code and sentence."""
    good = {"to": next(served.phones), "from_": served.sender, "body": "Hello"}
    assert served.refusal(**{**good, "to": "not a number"})[:2] == (400, 21211)
    assert served.refusal(**{**good, "from_": "+14155550199"})[:2] == (400, 21606)
    assert served.refusal(to=good["to"], from_=served.sender)[:2] == (400, 21602)
    assert served.refusal(to=good["to"], body="Hello")[:2] == (400, 21603)
    assert served.refusal(**{**good, "to": ""})[:2] == (400, 21604)
    assert served.refusal(**{**good, "body": "x" * 1601})[:2] == (400, 21617)
    status, code, message = served.refusal(**{**good, "to": served.stopped})
    assert (status, code) == (400, 21610)
    assert message.endswith("Attempt to send to unsubscribed recipient")


def be_unknown(served: Served) -> None:
    """Credentials that are none get 20003; a message, or a path, that is not there gets 20404."""
    good = {"to": next(served.phones), "from_": served.sender, "body": "Hello"}
    assert served.refusal(served.client(token="f" * 32), **good)[:2] == (401, 20003)
    assert served.refusal(served.client(account="AC" + "0" * 32), **good)[:2] == (401, 20003)
    client = served.client()
    assert not_found(lambda: client.messages(UNKNOWN_SID).fetch())
    assert not_found(lambda: client.messages(UNKNOWN_SID).update(body=""))
    assert not_found(lambda: client.messages(UNKNOWN_SID).delete())
    assert not_found(lambda: client.queues("QU" + "0" * 32).fetch())


def not_found(ask: Callable[[], object]) -> bool:
    """Tell whether a request is answered with Twilio's 404."""
    with pytest.raises(TwilioRestException) as told:
        ask()
    return (told.value.status, told.value.code) == (404, 20404)


SCENARIO: Final = (
    create_and_fetch,
    send_by_service,
    list_in_pages,
    redact_and_delete,
    cancel_scheduled,
    be_refused,
    be_unknown,
)
"""All steps; none rests on another."""
