"""Twilio's own client cannot tell the simulator from Twilio."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import requests
from carrier_world import (
    ACCOUNT,
    LONG_CODE,
    OTHER_ACCOUNT,
    OTHER_PHONE,
    PHONE,
    SERVICE,
    World,
    build_client,
    eventually,
    running_world,
    service,
    service_senders,
)
from twilio.base.exceptions import TwilioRestException

from consentry.wire.forms import encode_form

pytestmark = pytest.mark.integration

MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT.sid}/Messages.json"
UNKNOWN_SERVICE = "MG" + "9" * 32
EMPTY_SERVICE = "MG" + "4" * 32
FIELDS = {
    "account_sid", "api_version", "body", "date_created", "date_sent", "date_updated",
    "direction", "error_code", "error_message", "from", "messaging_service_sid", "num_media",
    "num_segments", "price", "price_unit", "sid", "status", "subresource_uris", "to", "uri",
}  # fmt: skip


def test_create_and_fetch(world: World) -> None:
    """A message is created queued, reaches the handset, and is fetched delivered."""
    message = world.send("Hello 👍")
    assert message.status == "queued"
    assert message.sid.startswith("SM")
    assert len(message.sid) == 34
    assert (message.direction, message.num_segments, message.num_media) == (
        "outbound-api",
        "1",
        "0",
    )
    assert abs(message.date_created - datetime.now(UTC)) < timedelta(seconds=5)
    eventually(lambda: world.client.messages(message.sid).fetch().status == "delivered")
    fetched = world.client.messages(message.sid).fetch()
    assert fetched.date_sent is not None
    assert world.shown() == [("sender", "Hello 👍")]


def test_the_resource_has_twilios_fields(world: World) -> None:
    """Exactly the documented fields come back, with 201."""
    answer = requests.post(
        world.url + MESSAGES,
        data={"To": "+1 (415) 555-0142", "From": LONG_CODE, "Body": "a" * 161, "Unknown": "1"},
        auth=(ACCOUNT.sid, ACCOUNT.token),
        timeout=5,
    )
    assert answer.status_code == 201
    wire = answer.json()
    assert set(wire) == FIELDS
    assert (wire["to"], wire["num_segments"], wire["api_version"]) == (PHONE, "2", "2010-04-01")
    assert wire["date_created"].endswith("+0000")


def test_media(world: World) -> None:
    """A picture alone is a message, with an MM sid."""
    message = world.client.messages.create(
        to=PHONE, from_=LONG_CODE, media_url=["https://example.com/a.png"]
    )
    assert message.sid.startswith("MM")
    assert message.num_media == "1"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": None}, 21604),
        ({"To": "555"}, 21211),
        ({"To": "not a number"}, 21211),
        ({"From": None}, 21603),
        ({"From": "+14155559999"}, 21606),
        ({"From": "?!"}, 21212),
        ({"Body": None}, 21602),
        ({"Body": "a" * 1601}, 21617),
        ({"StatusCallback": "nowhere"}, 21609),
        ({"StatusCallback": "http://127.0.0.1/#rc=99"}, 21609),
        ({"MessagingServiceSid": UNKNOWN_SERVICE}, 21701),
        ({"MessagingServiceSid": EMPTY_SERVICE}, 21703),
        ({"SendAt": "2030-01-01T00:00:00Z", "ScheduleType": "fixed"}, 35118),
    ],
)
def test_refusals_carry_twilios_code(
    shared_world: World, changes: dict[str, str | None], code: int
) -> None:
    """Each mistake has Twilio's code, and Twilio's body around it."""
    shared_world.post("/api/services", {"sid": EMPTY_SERVICE})
    wanted = {"To": PHONE, "From": LONG_CODE, "Body": "Hello", **changes}
    answer = requests.post(
        shared_world.url + MESSAGES,
        data={name: value for name, value in wanted.items() if value is not None},
        auth=(ACCOUNT.sid, ACCOUNT.token),
        timeout=5,
    )
    body = answer.json()
    assert (answer.status_code, body["code"], body["status"]) == (400, code, 400)
    assert set(body) == {"code", "message", "more_info", "status"}


def test_errors_reach_the_official_client(world: World) -> None:
    """21610 and 404 arrive as TwilioRestException with code and status."""
    world.type("STOP")
    with pytest.raises(TwilioRestException) as refused:
        world.send()
    assert (refused.value.code, refused.value.status) == (21610, 400)
    assert "Attempt to send to unsubscribed recipient" in refused.value.msg
    with pytest.raises(TwilioRestException) as missing:
        world.client.messages("SM" + "0" * 32).fetch()
    assert (missing.value.code, missing.value.status) == (20404, 404)


@pytest.mark.parametrize("token", ["wrong", "", "é"])
def test_a_wrong_token_is_refused(shared_world: World, token: str) -> None:
    """Without the right token nothing is served: 20003, 401."""
    answer = requests.get(
        shared_world.url + MESSAGES, auth=(ACCOUNT.sid, token.encode()), timeout=5
    )
    assert (answer.status_code, answer.json()["code"]) == (401, 20003)
    assert "Basic" in answer.headers["WWW-Authenticate"]


def test_an_account_sees_only_its_own(world: World) -> None:
    """Another account can neither send from a number nor read a message that is not its own."""
    sid = world.send().sid
    other = build_client(world.url, OTHER_ACCOUNT)
    assert other.messages.list() == []
    with pytest.raises(TwilioRestException) as unread:
        other.messages(sid).fetch()
    assert unread.value.code == 20404
    with pytest.raises(TwilioRestException) as unsent:
        other.messages.create(to=PHONE, from_=LONG_CODE, body="Hello")
    assert unsent.value.code == 21606
    answer = requests.get(
        world.url + MESSAGES, auth=(OTHER_ACCOUNT.sid, OTHER_ACCOUNT.token), timeout=5
    )
    assert answer.json()["code"] == 20003


def test_lists_page_by_page(world: World) -> None:
    """The client walks all pages, newest first, and new messages do not shift them."""
    sent = [world.send(f"Number {number}").sid for number in range(7)]
    page = world.client.messages.page(page_size=3)
    first = [message.sid for message in page]
    world.send("in between")
    second_page = page.next_page()
    second = [message.sid for message in second_page]
    third = [message.sid for message in second_page.next_page()]
    assert first + second + third == sent[::-1]
    assert [message.sid for message in second_page.previous_page()] == first
    assert len(world.client.messages.list(page_size=2)) == 8
    assert len(world.client.messages.list(limit=5)) == 5


def test_lists_filter(world: World) -> None:
    """To, From and the three date filters narrow the list, inbound texts included."""
    world.send("out")
    world.send("to another", phone=OTHER_PHONE)
    world.type("in")
    eventually(lambda: all(m.date_sent is not None for m in world.client.messages.list()))
    messages = world.client.messages
    assert [m.body for m in messages.list(to=LONG_CODE)] == ["in"]
    assert [m.direction for m in messages.list(to=LONG_CODE)] == ["inbound"]
    assert [m.body for m in messages.list(from_=LONG_CODE, to=PHONE)] == ["out"]
    assert len(messages.list(from_=LONG_CODE)) == 2
    now = datetime.now(UTC)
    hour = timedelta(hours=1)
    assert len(messages.list(date_sent_after=now - hour, date_sent_before=now + hour)) == 3
    assert messages.list(date_sent_after=now + hour) == []
    assert messages.list(date_sent_before=now - hour) == []
    assert messages.list(date_sent=now - 48 * hour) == []
    day = requests.get(
        f"{world.url}{MESSAGES}?DateSent={now.date()}",
        auth=(ACCOUNT.sid, ACCOUNT.token),
        timeout=5,
    )
    assert len(day.json()["messages"]) == 3


@pytest.mark.parametrize(
    "query",
    ["PageSize=0", "PageSize=x", "Page=-1", "PageToken=PASM0", "DateSent=soon", "%ff=1", "To=%00"],
)
def test_a_wrong_list_is_named(shared_world: World, query: str) -> None:
    """A list that cannot be read is 400 with the parameter's name."""
    answer = requests.get(
        f"{shared_world.url}{MESSAGES}?{query}", auth=(ACCOUNT.sid, ACCOUNT.token), timeout=5
    )
    assert (answer.status_code, answer.json()["code"]) == (400, 20001)


def test_redact_and_delete(world: World) -> None:
    """A delivered message can be emptied and deleted; one under way cannot."""
    message = world.send("secret")
    eventually(lambda: message.fetch().status == "delivered")
    assert message.update(body="").body == ""
    assert message.delete()
    with pytest.raises(TwilioRestException) as gone:
        message.fetch()
    assert gone.value.code == 20404
    assert world.shown() == [("sender", "secret")]
    world.fault("latency", seconds=30)
    under_way = world.send("slow")
    for change in (under_way.delete, lambda: under_way.update(body="")):
        with pytest.raises(TwilioRestException) as refused:
            change()
        assert refused.value.code == 20009


@pytest.mark.parametrize(
    "form",
    [{}, {"Body": "new words"}, {"Status": "sent"}, {"Status": "canceled", "Body": ""}],
)
def test_a_wrong_update_is_refused(world: World, form: dict[str, str]) -> None:
    """Only canceling and emptying are updates: 30400 otherwise."""
    sid = world.send().sid
    answer = requests.post(
        f"{world.url}/2010-04-01/Accounts/{ACCOUNT.sid}/Messages/{sid}.json",
        data=encode_form(form.items()),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        auth=(ACCOUNT.sid, ACCOUNT.token),
        timeout=5,
    )
    assert (answer.status_code, answer.json()["code"]) == (400, 30400)


def test_schedule_and_cancel() -> None:
    """A scheduled message waits, can be canceled once, and is never delivered then."""
    senders = service_senders("http://127.0.0.1:9/")
    with running_world(senders=senders, services=(service(),)) as world:

        def schedule(wait: timedelta) -> object:
            return world.client.messages.create(
                to=PHONE,
                messaging_service_sid=SERVICE,
                body="later",
                schedule_type="fixed",
                send_at=datetime.now(UTC) + wait,
            )

        message = schedule(timedelta(minutes=30))
        assert message.status == "scheduled"
        assert message.update(status="canceled").status == "canceled"
        with pytest.raises(TwilioRestException) as twice:
            message.update(status="canceled")
        assert (twice.value.code, twice.value.status) == (30409, 409)
        for wait in (timedelta(minutes=1), timedelta(days=36)):
            with pytest.raises(TwilioRestException) as refused:
                schedule(wait)
            assert refused.value.code == 35115
        assert world.shown() == []


def test_the_account_itself(world: World) -> None:
    """The account can be fetched, as a connection test does."""
    account = world.client.api.accounts(ACCOUNT.sid).fetch()
    assert (account.sid, account.status) == (ACCOUNT.sid, "active")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/2010-04-01/Nothing.json", (404, 20404)),
        ("PUT", MESSAGES, (405, 20004)),
        ("DELETE", MESSAGES, (405, 20004)),
    ],
)
def test_wrong_addresses(
    shared_world: World, method: str, path: str, expected: tuple[int, int]
) -> None:
    """What is not there is said in Twilio's words."""
    answer = requests.request(
        method, shared_world.url + path, auth=(ACCOUNT.sid, ACCOUNT.token), timeout=5
    )
    assert (answer.status_code, answer.json()["code"]) == expected


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"To=%ff", "application/x-www-form-urlencoded"),
        (b"To=a%00b", "application/x-www-form-urlencoded"),
        (b"a=1&" * 2000, "application/x-www-form-urlencoded"),
        (b"x" * 300_000, "application/x-www-form-urlencoded"),
        (json.dumps({"To": PHONE}).encode(), "application/json"),
    ],
)
def test_a_broken_body_is_400(shared_world: World, body: bytes, content_type: str) -> None:
    """Whatever is posted, the answer is a clear 400 in Twilio's form."""
    answer = requests.post(
        shared_world.url + MESSAGES,
        data=body,
        headers={"Content-Type": content_type},
        auth=(ACCOUNT.sid, ACCOUNT.token),
        timeout=5,
    )
    assert (answer.status_code, answer.json()["code"]) == (400, 20001)
