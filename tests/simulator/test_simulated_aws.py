"""The simulator as AWS: judged by AWS's own library, and read by the product's carrier."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError
from botocore.session import get_session
from carrier_world import (
    LONG_CODE,
    OTHER_LONG_CODE,
    PHONE,
    SHORT_CODE,
    TOLL_FREE,
    WAIT_SECONDS,
    DatedClock,
    Receiver,
    World,
    build_client,
    eventually,
    running_receiver,
)

from consentry.carriers.aws.settings import build_aws
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    CarrierAccount,
    CarrierBlock,
    CarrierEvent,
    Forged,
    Handshake,
    InboundText,
    KeyMissing,
    StatusReport,
    WebhookRequest,
)
from consentry.simulator import Account, Sender, SenderKind, SimulatorConfig
from consentry.simulator import running_simulator as start_simulator
from consentry.simulator.aws.dialect import make_key_id
from consentry.simulator.aws.keywords import AWS_KEYWORDS
from consentry.wire.sigv4 import SigningKey, sign_request

pytestmark = pytest.mark.integration

ACCOUNT = Account("arn:aws:sns:us-east-1:000000000001:texts", "simulated-secret")
KEY_ID = make_key_id(ACCOUNT)
SENDERS = (
    (LONG_CODE, SenderKind.LONG_CODE),
    (OTHER_LONG_CODE, SenderKind.LONG_CODE),
    (TOLL_FREE, SenderKind.TOLL_FREE),
    (SHORT_CODE, SenderKind.SHORT_CODE),
)


@dataclass
class AWSWorld(World):
    """A simulated AWS, AWS's own library, and an account of the product."""

    library: Any
    account: CarrierAccount

    def send_text(self, body: str = "Hello", sender: str = LONG_CODE, **more: Any) -> str:
        """Send by AWS's own library."""
        answer = self.library.send_text_message(
            DestinationPhoneNumber=PHONE,
            OriginationIdentity=sender,
            MessageBody=body,
            ConfigurationSetName="texts",
            Context={"message": "msg_1", "sender": sender},
            **more,
        )
        return str(answer["MessageId"])

    def refuse(self, sender: str = LONG_CODE) -> tuple[str, str]:
        """Say what refuses a text: exception and reason."""
        with pytest.raises(ClientError) as told:
            self.send_text(sender=sender)
        answer = told.value.response
        return answer["Error"]["Code"], answer.get("Reason", "")

    def list_opted_out(self) -> list[str]:
        """List who is on the opt-out list, by AWS's own library."""
        answer = self.library.describe_opted_out_numbers(OptOutListName="Default")
        return [one["OptedOutNumber"] for one in answer["OptedOutNumbers"]]

    def list_pending(self) -> list[str]:
        """List what is still to be posted."""
        posted = self.get("/api/webhooks").json()["webhooks"]
        return [one["sid"] for one in posted if one["outcome"] == "pending"]

    def read(self) -> list[CarrierEvent]:
        """Read all that was posted, by the product's carrier."""
        return asyncio.run(self._read())

    async def _read(self) -> list[CarrierEvent]:
        carrier = build_aws(self.account, "https://texts.example.com")
        events: list[CarrierEvent] = []
        try:
            for posted in list(self.receiver.received):
                headers = {name.lower(): value for name, value in posted.headers.items()}
                now = datetime.now(UTC)
                request = WebhookRequest(posted.path, headers, posted.body, received_at=now)
                try:
                    events += carrier.read_inbound(request)
                except KeyMissing as missing:
                    await missing.fetch()
                    events += carrier.read_inbound(request)
        finally:
            await carrier.close()
        return events


@contextmanager
def running_aws(clock: DatedClock | None = None, **config: object) -> Iterator[AWSWorld]:
    """Start a simulated AWS that reports to a receiver."""
    with running_receiver() as receiver:
        settings = SimulatorConfig(
            accounts=(ACCOUNT,),
            carrier="aws",
            senders=tuple(
                Sender(number, kind, inbound_url=receiver.url) for number, kind in SENDERS
            ),
            receipt_delay_seconds=0.005,
            **config,
        )
        with start_simulator(settings, clock) as url:
            yield build_world(url, receiver)


def build_world(url: str, receiver: Receiver) -> AWSWorld:
    """Point AWS's own library and the product's account at a simulator."""
    library = get_session().create_client(
        "pinpoint-sms-voice-v2",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=ACCOUNT.token,
    )
    account = CarrierAccount(
        id="main",
        kind="aws",
        account=ACCOUNT.sid,
        secret="",
        base_url=url,
        key_id=KEY_ID,
        key_secret=ACCOUNT.token,
        more={"sns_base_url": url, "opt_in_keywords": "START,UNSTOP"},
    )
    return AWSWorld(url, receiver, build_client(url), library, account)


@pytest.fixture(scope="module")
def started() -> Iterator[AWSWorld]:
    """One simulated AWS for all tests that leave nothing behind."""
    with running_aws() as world:
        yield world


@pytest.fixture
def aws(started: AWSWorld) -> Iterator[AWSWorld]:
    """That one, with an empty list and nothing posted yet."""
    started.receiver.received.clear()
    yield started
    for number in (LONG_CODE, TOLL_FREE, SHORT_CODE):
        started.type("START", to=number)
    requests.delete(started.url + "/api/faults", timeout=WAIT_SECONDS)
    eventually(lambda: not started.blocks() and not started.list_pending())


def test_a_sent_text_arrives_and_its_events_tell_of_it(aws: AWSWorld) -> None:
    """Sent by AWS's library, shown on the phone, and every event read by the product's carrier."""
    sid = aws.send_text("Your order has left.")
    assert aws.shown()[-1] == ("sender", "Your order has left.")
    eventually(lambda: len(aws.receiver.received) == 2)
    assert aws.read() == [
        StatusReport(sid, PHONE, LONG_CODE, status, message="msg_1")
        for status in (MessageStatus.SENT, MessageStatus.DELIVERED)
    ]


@pytest.mark.parametrize("body", ["STOP", "stop texting me", "Remove me!", "td", "Opt-out please"])
def test_a_text_that_begins_with_a_word_opts_out_of_all_numbers(aws: AWSWorld, body: str) -> None:
    """The list holds for every number that uses it; AWS answers, and tells by which word."""
    aws.type(body)
    assert aws.shown()[-1] == (
        "carrier",
        "You are now opted out and will no longer receive messages.",
    )
    reason = "DESTINATION_PHONE_NUMBER_OPTED_OUT"
    assert aws.refuse() == aws.refuse(OTHER_LONG_CODE) == ("ConflictException", reason)
    assert aws.list_opted_out() == [PHONE]
    eventually(lambda: len(aws.receiver.received) == 1)
    [text] = aws.read()
    assert isinstance(text, InboundText)
    word = next(w for w in ("STOP", "REMOVE", "TD", "OPT-OUT") if body.upper().startswith(w))
    assert (text.body, text.opt_out_type) == (body, word)


@pytest.mark.parametrize("body", ["Endorsement attached", "stopping by", "please stop", "tdx"])
def test_other_beginnings_are_ordinary(aws: AWSWorld, body: str) -> None:
    """A word must be whole at the beginning."""
    aws.type(body)
    assert aws.list_opted_out() == []
    eventually(lambda: len(aws.receiver.received) == 1)
    [text] = aws.read()
    assert isinstance(text, InboundText)
    assert (text.opt_out_type or "").startswith("KEYWORD_")


def test_start_comes_back_where_it_is_set_so(aws: AWSWorld) -> None:
    """This account has set START to opt in, and says so to the product."""
    aws.type("STOP")
    aws.type("Start")
    assert aws.list_opted_out() == []
    aws.send_text("Welcome back")
    eventually(lambda: len(aws.receiver.received) == 4)
    texts = [event for event in aws.read() if isinstance(event, InboundText)]
    assert [text.opt_out_type for text in texts] == ["STOP", "OPT_IN"]


def test_on_toll_free_numbers_the_network_keeps_opt_outs(aws: AWSWorld) -> None:
    """It answers STOP itself, is not on AWS's list, and a text fails later."""
    aws.type("CANCEL", to=TOLL_FREE)
    assert aws.blocks() == set()
    aws.type("stop", to=TOLL_FREE)
    assert aws.shown(TOLL_FREE)[-1][1].startswith('NETWORK MSG: You replied with the word "stop"')
    assert aws.blocks() == {(TOLL_FREE, PHONE, "network")}
    assert aws.list_opted_out() == []
    sid = aws.send_text(sender=TOLL_FREE)
    eventually(lambda: len(aws.receiver.received) == 3)
    assert aws.read()[-1] == StatusReport(
        sid,
        PHONE,
        TOLL_FREE,
        MessageStatus.UNDELIVERED,
        error_code="TEXT_CARRIER_BLOCKED",
        message="msg_1",
    )


def test_the_product_reads_the_opt_out_list(aws: AWSWorld) -> None:
    """Who is on it, and that it was their own word."""
    aws.type("quit", to=SHORT_CODE)

    async def read() -> list[CarrierBlock]:
        carrier = build_aws(aws.account, "https://texts.example.com")
        assert carrier.block_list is not None
        try:
            await carrier.probe()
            return [block async for block in carrier.block_list.read((SHORT_CODE,))]
        finally:
            await carrier.close()

    [block] = asyncio.run(read())
    assert (block.recipient, block.evidence) == (PHONE, "AWS opt-out list Default, by the person")
    assert block.blocked_at is not None
    assert abs(datetime.now(UTC) - block.blocked_at) < timedelta(minutes=1)


def test_a_subscription_is_confirmed_by_whoever_fetches_its_address(aws: AWSWorld) -> None:
    """The product reads the question, and says yes by its carrier."""
    assert aws.post("/api/subscriptions", {"url": aws.receiver.url}).status_code == 201
    assert aws.post("/api/subscriptions", {"url": "nowhere"}).status_code == 400
    eventually(lambda: len(aws.receiver.received) == 1)
    [handshake] = aws.read()
    assert isinstance(handshake, Handshake)

    async def confirm() -> None:
        carrier = build_aws(aws.account, "https://texts.example.com")
        await carrier.confirm(handshake)
        await carrier.close()

    [before] = aws.get("/api/subscriptions").json()["subscriptions"]
    asyncio.run(confirm())
    [after] = aws.get("/api/subscriptions").json()["subscriptions"]
    assert (before["confirmed"], after["confirmed"]) == (False, True)
    wrong = aws.get("/", {"Action": "ConfirmSubscription", "Token": "guessed"})
    assert wrong.status_code == 400
    assert aws.get("/").url.endswith("/handsets")


def test_what_another_simulator_signs_is_forged(aws: AWSWorld) -> None:
    """Its certificate is not at the address that the account names for SNS."""
    aws.type("STOP")
    eventually(lambda: len(aws.receiver.received) == 1)
    [posted] = aws.receiver.received
    body = json.loads(posted.body)
    for changed in ({**body, "SigningCertURL": "http://127.0.0.1:9/x"}, {**body, "Message": "{}"}):
        posted.body = json.dumps(changed).encode()
        with pytest.raises(Forged):
            aws.read()


@pytest.mark.parametrize(
    ("key_id", "secret", "code"),
    [
        ("AKIANOBODY", ACCOUNT.token, "UnrecognizedClientException"),
        (KEY_ID, "wrong", "InvalidSignatureException"),
    ],
)
def test_a_wrong_key_is_refused(aws: AWSWorld, key_id: str, secret: str, code: str) -> None:
    """Who is asked for by nobody known, or signs wrongly, is told so."""
    signing = SigningKey(key_id, secret, "us-east-1", "sms-voice")
    assert call(aws.url, "DescribeOptedOutNumbers", signing=signing)["__type"] == code
    late = datetime.now(UTC) - timedelta(minutes=6)
    assert (
        call(aws.url, "DescribeOptedOutNumbers", at=late)["__type"] == "InvalidSignatureException"
    )


SIGNING = SigningKey(KEY_ID, ACCOUNT.token, "us-east-1", "sms-voice")


def call(
    url: str,
    operation: str,
    *,
    signing: SigningKey = SIGNING,
    at: datetime | None = None,
    **asked: object,
) -> dict[str, Any]:
    """Ask by hand, at another time than now."""
    body = json.dumps({"OptOutListName": "Default", **asked}).encode()
    headers = {"X-Amz-Target": f"PinpointSMSVoiceV2.{operation}"}
    at = at or datetime.now(UTC)
    signed = sign_request(signing, "POST", f"{url}/", headers=headers, body=body, at=at)
    answer = requests.post(f"{url}/", data=body, headers=signed, timeout=WAIT_SECONDS)
    said: dict[str, Any] = answer.json()
    return said


@pytest.mark.parametrize(
    ("operation", "asked", "code"),
    [
        ("SendTextMessage", {}, "ValidationException"),
        ("SendTextMessage", {"DestinationPhoneNumber": PHONE}, "ValidationException"),
        (
            "SendTextMessage",
            {"DestinationPhoneNumber": PHONE, "MessageBody": "x", "OriginationIdentity": "+1"},
            "ResourceNotFoundException",
        ),
        ("DescribeOptedOutNumbers", {"MaxResults": 101}, "ValidationException"),
        ("DescribeOptedOutNumbers", {"NextToken": "x"}, "ValidationException"),
        ("DescribeOptedOutNumbers", {"OptOutListName": "none"}, "ResourceNotFoundException"),
        ("DeleteOptedOutNumber", {"OptedOutNumber": PHONE}, "ResourceNotFoundException"),
        ("ReleaseEverything", {}, "UnknownOperationException"),
    ],
)
def test_what_aws_would_not_take_is_refused(
    aws: AWSWorld, operation: str, asked: dict[str, object], code: str
) -> None:
    """With the exception that AWS has for it."""
    assert call(aws.url, operation, **asked)["__type"] == code


@pytest.mark.parametrize(
    ("kind", "code"),
    [("rate_limited", "ThrottlingException"), ("server_error", "ServiceUnavailableException")],
)
def test_faults_are_awss(aws: AWSWorld, kind: str, code: str) -> None:
    """Too many at once is a 400 with a name here, not a 429."""
    aws.fault(kind)
    asked = {"DestinationPhoneNumber": PHONE, "MessageBody": "x", "OriginationIdentity": LONG_CODE}
    assert call(aws.url, "SendTextMessage", **asked)["__type"] == code


def test_a_number_is_taken_off_once_in_thirty_days(tmp_path: Path) -> None:
    """AWS counts, also over a restart; the list can be paged meanwhile."""
    start = datetime(2026, 11, 1, tzinfo=UTC)
    state = str(tmp_path / "aws.jsonl")
    take_off = {"OptedOutNumber": PHONE}
    with running_aws(DatedClock(start), state_file=state) as aws:
        for number in (PHONE, "+14155550143"):
            assert call(aws.url, "PutOptedOutNumber", at=start, OptedOutNumber=number)
        first = call(aws.url, "DescribeOptedOutNumbers", at=start, MaxResults=1)
        token = first["NextToken"]
        second = call(aws.url, "DescribeOptedOutNumbers", at=start, NextToken=token)
        assert [len(page["OptedOutNumbers"]) for page in (first, second)] == [1, 1]
        assert "NextToken" not in second
        assert (
            call(aws.url, "DeleteOptedOutNumber", at=start, **take_off)["EndUserOptedOut"] is False
        )
        assert call(aws.url, "PutOptedOutNumber", at=start, **take_off)
        again = call(aws.url, "DeleteOptedOutNumber", at=start, **take_off)
        assert again["Reason"] == "PHONE_NUMBER_CANNOT_BE_OPTED_IN"
    for days, key in ((29, "Reason"), (31, "OptedOutNumber")):
        later = start + timedelta(days=days)
        with running_aws(DatedClock(later), state_file=state) as aws:
            assert key in call(aws.url, "DeleteOptedOutNumber", at=later, **take_off)


@pytest.mark.unit
def test_every_rule_of_aws_names_its_source() -> None:
    """Words are data with their page."""
    assert all(rule.source.startswith("AWS") and rule.words for rule in AWS_KEYWORDS.rules)
