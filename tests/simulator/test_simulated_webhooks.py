"""Webhooks: signed so that Twilio's validator agrees, in order, retried as asked."""

import time

import pytest
from carrier_world import (
    ACCOUNT,
    LONG_CODE,
    PHONE,
    Answer,
    World,
    eventually,
    running_receiver,
    running_world,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator, get_signature_algorithm

from consentry.simulator import Account, Sender, SenderKind, SimulatorConfig, running_simulator
from consentry.wire.twilio_form import (
    InboundMessage,
    parse_form,
    parse_inbound_message,
    parse_status_callback,
)

pytestmark = pytest.mark.integration


def test_every_signature_is_valid_and_none_forged_is(world: World) -> None:
    """Twilio's validator accepts what was sent, and nothing that differs in any way."""
    world.type("Hi é 👍 + 100 % & more")
    sid = world.send().sid
    eventually(lambda: world.receiver.statuses(sid) == ["sent", "delivered"])
    validator = RequestValidator(ACCOUNT.token)
    for one in world.receiver.received:
        signature = one.headers["X-Twilio-Signature"]
        url = world.receiver.url
        assert validator.validate(url, one.params, signature)
        assert not validator.validate(url, {**one.params, "Body": "forged"}, signature)
        assert not validator.validate(url + "x", one.params, signature)
        assert not RequestValidator("other").validate(url, one.params, signature)


def test_the_newer_signature() -> None:
    """An account can sign with HMAC-SHA256, named in the settings header."""
    account = Account(ACCOUNT.sid, ACCOUNT.token, "HMAC_SHA256")
    with running_receiver() as receiver:
        sender = Sender(LONG_CODE, SenderKind.LONG_CODE, inbound_url=receiver.url)
        config = SimulatorConfig(accounts=(account,), senders=(sender,))
        with running_simulator(config) as url:
            World(url, receiver, None).type("Hi")
            eventually(lambda: len(receiver.received) == 1)
    one = receiver.received[0]
    algorithm = get_signature_algorithm(one.headers["X-Twilio-Webhooks-Signature-Settings"])
    assert algorithm == "HMAC_SHA256"
    signature = one.headers["X-Twilio-Signature"]
    assert RequestValidator(account.token).validate(receiver.url, one.params, signature, algorithm)


def test_an_inbound_webhook_says_what_twilio_says(world: World) -> None:
    """The form holds the documented parameters, and our reader reads it."""
    typed = world.type("Hi there")
    eventually(lambda: len(world.receiver.received) == 1)
    form = world.receiver.received[0].params
    assert form["MessageSid"] == form["SmsSid"] == form["SmsMessageSid"] == typed["message"]["sid"]
    assert (form["SmsStatus"], form["NumMedia"], form["ApiVersion"]) == (
        "received",
        "0",
        "2010-04-01",
    )
    message = parse_inbound_message(parse_form(world.receiver.received[0].body))
    assert message == InboundMessage(form["MessageSid"], ACCOUNT.sid, PHONE, LONG_CODE, "Hi there")


def test_pictures_are_passed_on(world: World) -> None:
    """A text with a picture carries its address and type."""
    media = [{"url": "https://example.com/a.png", "content_type": "image/png"}]
    body = {"to": LONG_CODE, "media": media}
    assert world.post(f"/api/handsets/{PHONE}/messages", body).status_code == 201
    eventually(lambda: len(world.receiver.received) == 1)
    form = world.receiver.received[0].params
    assert (form["NumMedia"], form["MediaUrl0"]) == ("1", "https://example.com/a.png")
    assert form["MediaContentType0"] == "image/png"
    assert form["MessageSid"].startswith("MM")


def test_reports_come_in_order(world: World) -> None:
    """sent, then delivered, each with its own token; the first status has no report."""
    sid = world.send().sid
    eventually(lambda: world.receiver.statuses(sid) == ["sent", "delivered"])
    tokens = [one.headers["I-Twilio-Idempotency-Token"] for one in world.receiver.received]
    assert len(set(tokens)) == 2
    report = parse_status_callback(parse_form(world.receiver.received[1].body))
    assert report.error_code is None
    assert report.raw_dlr_done_at is not None


def test_texts_of_a_phone_keep_their_order(world: World) -> None:
    """However slow the server is with one, the next waits for it."""
    world.receiver.answers = [Answer(delay_seconds=0.2), Answer(delay_seconds=0.1)]
    for number in range(6):
        world.type(f"Text {number}")
    eventually(lambda: len(world.receiver.forms()) == 6)
    assert [form["Body"] for form in world.receiver.forms()] == [f"Text {n}" for n in range(6)]


@pytest.mark.parametrize(
    ("overrides", "answers", "attempts", "outcome"),
    [
        ("", [Answer(500)], 1, "failed"),
        ("#rc=2&rp=ct,rt", [Answer(503)], 1, "failed"),
        ("#rc=2&rp=5xx", [Answer(503), Answer(200)], 2, "acknowledged"),
        ("#rc=1&rp=5xx", [Answer(500), Answer(502), Answer(200)], 2, "failed"),
        ("#rc=2&rp=5xx", [Answer(403)], 1, "failed"),
        ("#rc=1&rp=4xx", [Answer(404), Answer(200)], 2, "acknowledged"),
        ("#rc=1&rp=rt&rt=100", [Answer(delay_seconds=0.4), Answer(200)], 2, "acknowledged"),
        ("#rc=1&rp=5xx&rt=100", [Answer(delay_seconds=0.4)], 1, "failed"),
    ],
)
def test_retries_are_those_of_the_address(
    overrides: str, answers: list[Answer], attempts: int, outcome: str
) -> None:
    """A failed webhook is tried again as its fragment says, with one token throughout."""
    with running_world(overrides=overrides) as world:
        world.receiver.answers = list(answers)
        sid = world.type("Hi")["message"]["sid"]

        def webhook() -> dict:
            return world.get("/api/webhooks", {"sid": sid}).json()["webhooks"][0]

        eventually(lambda: webhook()["outcome"] != "pending")
        assert webhook()["outcome"] == outcome
        assert len(webhook()["attempts"]) == attempts
        tokens = {one.headers["I-Twilio-Idempotency-Token"] for one in world.receiver.received}
        assert tokens == {webhook()["token"]}
        assert len(world.receiver.received) == attempts


@pytest.mark.parametrize("host", ["127.0.0.1:1", "a..b"])
def test_a_dead_server_is_tried_again(host: str) -> None:
    """Where nobody listens, or no host can be, attempts are counted as connection failures."""
    url = f"http://{host}/#rc=1&rp=ct"
    dead = Sender(LONG_CODE, SenderKind.LONG_CODE, inbound_url=url)
    with running_world(senders=(dead,)) as world:
        sid = world.type("Hi")["message"]["sid"]

        def webhook() -> dict:
            return world.get("/api/webhooks", {"sid": sid}).json()["webhooks"][0]

        eventually(lambda: webhook()["outcome"] == "failed")
        assert [attempt["cause"] for attempt in webhook()["attempts"]] == ["ct", "ct"]


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (Answer(body=b"<Response><Message>Hi back</Message></Response>"), ["Hi back"]),
        (Answer(body=b"<Response/>"), []),
        (Answer(body=b""), []),
        (Answer(body=b"plain words", content_type="text/plain"), ["plain words"]),
        (Answer(body=b'{"ok":true}', content_type="application/json"), []),
        (Answer(body=b"<broken"), []),
    ],
)
def test_twiml_is_shown_on_the_handset(world: World, answer: Answer, shown: list[str]) -> None:
    """What the webhook answers in TwiML arrives as the sender's text; anything else does not."""
    world.receiver.answers = [answer]
    sid = world.type("Hi")["message"]["sid"]

    def outcome() -> str:
        return world.get("/api/webhooks", {"sid": sid}).json()["webhooks"][0]["outcome"]

    eventually(lambda: outcome() == "acknowledged")
    assert [body for origin, body in world.shown() if origin == "sender"] == shown
    replies = [m for m in world.client.messages.list() if m.direction == "outbound-reply"]
    assert len(replies) == len(shown)


def test_a_reply_to_who_opted_out_does_not_arrive(world: World) -> None:
    """Even an answer to STOP itself is held back by the block."""
    world.receiver.answers = [Answer(body=b"<Response><Message>Wait!</Message></Response>")]
    world.type("STOP")

    def failed() -> list:
        return [m for m in world.client.messages.list() if m.error_code == 21610]

    eventually(lambda: len(failed()) == 1)
    assert all(origin != "sender" for origin, _ in world.shown())


def test_orders_tell_what_came_first(world: World) -> None:
    """A message accepted after a STOP was acknowledged can be told from one before it."""
    before = world.send("before").sid
    sid = world.type("Hi")["message"]["sid"]

    def webhook() -> dict:
        return world.get("/api/webhooks", {"sid": sid}).json()["webhooks"][0]

    eventually(lambda: webhook()["acknowledged_order"] is not None)
    after = world.send("after").sid
    listed = world.get("/api/messages").json()["messages"]
    order = {message["sid"]: message["accepted_order"] for message in listed}
    assert order[before] < webhook()["acknowledged_order"] < order[after]


def test_many_phones_at_once_lose_nothing(world: World) -> None:
    """Texts of 250 phones are all passed on, each once, without waiting for one another."""
    world.receiver.answers = [Answer(delay_seconds=0.5)]
    began = time.monotonic()
    for number in range(250):
        world.type(f"Text {number}", phone=f"+1415556{number:04}")
    eventually(lambda: len(world.receiver.received) == 250)
    assert time.monotonic() - began < 8
    assert len({one.params["MessageSid"] for one in world.receiver.received}) == 250


@given(text=st.text(min_size=1, max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_arrives_as_typed(shared_world: World, text: str) -> None:
    """Whatever can be typed reaches the server unchanged; only NUL is refused."""
    received = shared_world.receiver.received
    received.clear()
    body = {"to": LONG_CODE, "body": text}
    answer = shared_world.post(f"/api/handsets/{PHONE}/messages", body)
    if "\0" in text:
        assert answer.status_code == 400
        return
    assert answer.status_code == 201
    eventually(lambda: len(received) == 1)
    assert received[0].params["Body"] == text
