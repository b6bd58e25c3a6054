"""Foreign judges: Twilio's own client and Twilio's own validator, against all that we say."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest
import requests
from real_world import WAIT_SECONDS, Demo, count_rows, eventually, running_demo
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e-judges")]

SIGNATURE = "X-Twilio-Signature"
# A start of the demo is told to the audit, in entries that are about no recipient.
ABOUT_PEOPLE = "entries WHERE recipient <> ''"
TABLES = (ABOUT_PEOPLE, "messages", "jobs", "receipts", "customers", "standings")


@dataclass(frozen=True)
class Received:
    """One webhook as it came over the wire."""

    path: str
    signature: str
    form: dict[str, str]


@dataclass
class Receiver:
    """A little server that keeps the webhooks it is sent and answers them well."""

    url: str = ""
    received: list[Received] = field(default_factory=list)


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    """Serve a receiver on a free port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = dict(parse_qsl(body, keep_blank_values=True, strict_parsing=True))
            receiver.received.append(Received(self.path, self.headers[SIGNATURE], form))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def client(demo: Demo) -> Client:
    """Give Twilio's own client, pointed at the simulated carrier."""
    return demo.twilio()


def refusal(client: Client, **create: object) -> tuple[int, int, str]:
    """Let the client send what must be refused: HTTP status, Twilio's code, message."""
    with pytest.raises(TwilioRestException) as caught:
        client.messages.create(**create)
    return caught.value.status, caught.value.code, caught.value.msg


def test_the_client_creates_fetches_and_lists(demo: Demo, client: Client, phone: str) -> None:
    """Twilio's client reads every field of what it creates, fetches and lists in pages."""
    number = demo.number("long_code")
    made = [client.messages.create(to=phone, from_=number, body=f"No. {i}") for i in range(5)]
    assert {(m.status, m.direction, m.num_segments) for m in made} == {
        ("queued", "outbound-api", "1")
    }
    eventually(lambda: client.messages(made[-1].sid).fetch().status == "delivered", "it arrives")
    fetched = client.messages(made[0].sid).fetch()
    assert (fetched.body, fetched.to, fetched.from_) == ("No. 0", phone, number)
    assert fetched.date_created.utcoffset().total_seconds() == 0
    listed = client.messages.list(to=phone, page_size=2)
    assert [m.sid for m in listed] == [m.sid for m in reversed(made)]
    assert [m.sid for m in client.messages.list(to=phone, limit=3)] == [
        m.sid for m in reversed(made[2:])
    ]


def test_the_client_understands_every_error(demo: Demo, client: Client, phone: str) -> None:
    """Each refusal is a TwilioRestException with Twilio's own status and code."""
    number = demo.number("long_code")
    good = {"to": phone, "from_": number, "body": "Hello"}
    assert refusal(client, **{**good, "to": "not a number"})[:2] == (400, 21211)
    assert refusal(client, **{**good, "from_": "+14155550199"})[:2] == (400, 21606)
    assert refusal(client, to=phone, from_=number)[:2] == (400, 21602)
    assert refusal(client, to=phone, body="Hello")[:2] == (400, 21603)
    assert refusal(client, **{**good, "body": "x" * 1601})[:2] == (400, 21617)
    demo.carrier.type_heard(phone, number, "STOP")
    status, code, message = refusal(client, **good)
    assert (status, code) == (400, 21610)
    assert message.endswith("Attempt to send to unsubscribed recipient")
    assert refusal(demo.twilio(token="wrong"), **good)[:2] == (401, 20003)
    with pytest.raises(TwilioRestException) as caught:
        client.messages("SM" + "0" * 32).fetch()
    assert (caught.value.status, caught.value.code) == (404, 20404)


@pytest.mark.usefixtures("faults")
def test_the_client_is_told_of_overload(demo: Demo, client: Client, phone: str) -> None:
    """429 comes with Twilio's code for it."""
    demo.carrier.fault("rate_limited", recipient=phone, count=1)
    number = demo.number("long_code")
    assert refusal(client, to=phone, from_=number, body="Hello")[:2] == (429, 20429)


def test_every_signature_is_one_that_twilio_would_make(demo: Demo, phone: str) -> None:
    """The validator accepts every webhook over the wire: texts of all sorts, and reports."""
    number, validator = "+14155550111", RequestValidator(demo.told["twilio_auth_token"])
    bodies = [
        "STOP",
        "Grüße, 你好 👋",
        "a+b & c=d%20",
        "line\nline\r\n",
        " ",
        "\u017ftop",
        '"quoted"',
    ]
    with running_receiver() as receiver:
        demo.carrier.set_sender(number, "long_code", f"{receiver.url}/in?shop=1&x=%20y#rc=2")
        for body in bodies:
            demo.carrier.type(phone, number, body)
        demo.carrier.type(phone, number, "START")
        sent = demo.twilio().messages.create(
            to=phone, from_=number, body="Hello", status_callback=f"{receiver.url}/status?id=7"
        )
        eventually(lambda: len(receiver.received) == len(bodies) + 3, "all webhooks came")
    for one in receiver.received:
        assert validator.validate(receiver.url + one.path, one.form, one.signature), one
        assert not validator.validate(receiver.url + one.path + "&y=1", one.form, one.signature)
        changed = {**one.form, "From": "+14155550199"}
        assert not validator.validate(receiver.url + one.path, changed, one.signature)
    texts = [one.form["Body"] for one in receiver.received if "Body" in one.form]
    assert texts == [*bodies, "START"]
    reports = [one.form for one in receiver.received if "MessageStatus" in one.form]
    assert [form["MessageStatus"] for form in reports] == ["sent", "delivered"]
    assert {form["MessageSid"] for form in reports} == {sent.sid}


def test_the_product_takes_what_twilio_signs_and_nothing_forged(tmp_path: Path) -> None:
    """A STOP with the validator's signature counts; forged ones get 403 and store nothing."""
    with running_demo(tmp_path) as demo:
        number, phone = demo.number("long_code"), "+12025550177"
        demo.carrier.type_heard(phone, number, "Hello")
        demo.shown(phone, number)
        forge_webhooks(demo, phone, number)
        assert demo.product.standing(phone, number)["state"] == "opted_in"
        demo.process.stop()
        before = count_rows(demo.data / "consentry.db", TABLES)
    assert before["messages"] == 2
    assert before[ABOUT_PEOPLE] > 0
    with running_demo(tmp_path) as demo:
        forge_webhooks(demo, phone, number)
        demo.process.stop()
        assert count_rows(demo.data / "consentry.db", TABLES) == before
    with running_demo(tmp_path) as demo:
        url, form = inbound(demo, phone, number)
        assert post(url, form, sign(demo, url, form)).status_code == 200
        assert demo.product.standing(phone, number)["state"] == "opted_out"


def inbound(demo: Demo, phone: str, number: str) -> tuple[str, dict[str, str]]:
    """Write an inbound webhook as Twilio would: its address and its form."""
    form = {
        "MessageSid": "SM" + "f" * 32,
        "SmsSid": "SM" + "f" * 32,
        "SmsMessageSid": "SM" + "f" * 32,
        "AccountSid": demo.told["twilio_account_sid"],
        "From": phone,
        "To": number,
        "Body": "STOP",
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
    }
    return f"{demo.product.url}/carriers/simulated/inbound", form


def sign(demo: Demo, url: str, form: dict[str, str], token: str | None = None) -> str:
    """Sign with Twilio's own code."""
    secret = token or demo.told["twilio_auth_token"]
    return str(RequestValidator(secret).compute_signature(url, form))


def post(url: str, form: dict[str, str], signature: str | None) -> requests.Response:
    """Post a webhook."""
    headers = {} if signature is None else {SIGNATURE: signature}
    return requests.post(url, data=form, headers=headers, timeout=WAIT_SECONDS)


def forge_webhooks(demo: Demo, phone: str, number: str) -> None:
    """Post texts and reports that the account's token has not signed; each is refused."""
    url, form = inbound(demo, phone, number)
    good = sign(demo, url, form)
    other = f"{demo.product.url}/carriers/simulated/status"
    forged = [
        post(url, form, None),
        post(url, form, ""),
        post(url, form, "not base64 at all"),
        post(url, form, sign(demo, url, form, "f" * 32)),
        post(url, form, good.swapcase()),
        post(url, {**form, "Body": "START"}, good),
        post(url, {**form, "From": "+14155550142"}, good),
        post(url, {**form, "Extra": ""}, good),
        post(f"{url}?again=1", form, good),
        post(other, {**form, "MessageStatus": "delivered"}, good),
    ]
    assert [answer.status_code for answer in forged] == [403] * len(forged)
    assert {answer.json()["code"] for answer in forged} == {"forged_webhook"}
    body = urlencode([*form.items(), ("Body", "START")])
    twice = requests.post(
        url,
        data=body,
        headers={SIGNATURE: good, "Content-Type": "application/x-www-form-urlencoded"},
        timeout=WAIT_SECONDS,
    )
    assert twice.status_code == 403
