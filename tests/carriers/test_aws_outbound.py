"""Sending by AWS's API and reading its opt-out list, beside AWS's own library."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError
from botocore.session import get_session
from carrier_loopback import OPEN, Gate, Loopback, Misbehaviour, Reply, http, loopback
from tables.aws import ACCOUNT, ID, PERSON, SENDER

from consentry.carriers.aws.block_list import AWSBlockList
from consentry.carriers.aws.certificates import SNSClient
from consentry.carriers.aws.errors import TABLE as CODES
from consentry.carriers.aws.outbound import AWSRequests, read_region, read_s3_uris
from consentry.carriers.aws.settings import AWS, build_aws
from consentry.carriers.shared.way_out import WayOut
from consentry.ports import (
    CarrierBlock,
    CarrierRefusal,
    CarrierUnreachable,
    NoList,
    OutboundText,
    Unanswered,
    Withheld,
)
from consentry.wire.sigv4 import SigningKey, sign_request

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
TEXT = OutboundText("msg_1", PERSON, SENDER, "We open at 9 \u2013 bring \u201cthe form\u201d")
LIST = "PinpointSMSVoiceV2.DescribeOptedOutNumbers"


class StoppedClock:
    """Implements `ports.Clock`."""

    def now(self) -> datetime:
        """It is always noon."""
        return NOW

    def monotonic(self) -> float:
        """No time passes."""
        return 0.0


@asynccontextmanager
async def aws(*replies: Reply, **more: str) -> AsyncIterator[tuple[AWSRequests, Loopback]]:
    """Run the requests of an account against a server that answers by a script."""
    async with loopback(replies) as server:
        account = msgspec.structs.replace(ACCOUNT, base_url=server.url, more=more)
        patience = 2.0 if Misbehaviour.HANG in replies else 10.0
        requests = AWSRequests(
            account,
            way_out=WayOut(total_seconds=patience, wait_seconds=0.01),
            sns=SNSClient(WayOut()),
            clock=StoppedClock(),
            wait_seconds=0.01,
        )
        try:
            yield requests, server
        finally:
            await requests.close()


@pytest.fixture(scope="module")
def library() -> Any:
    """AWS's own library, for an account of the tests."""
    return get_session()


def call(library: Any, url: str, operation: str, **asked: Any) -> dict[str, Any]:
    """Ask by AWS's own library."""
    client = library.create_client(
        "pinpoint-sms-voice-v2",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="fictitious-secret",
    )
    try:
        answer: dict[str, Any] = getattr(client, operation)(**asked)
    finally:
        client.close()
    return answer


@pytest.mark.integration
async def test_a_text_is_sent_as_awss_own_library_sends_it(library: Any) -> None:
    """Operation, type, address and body are the same, and so is what the answer is read as."""
    answer = http(200, json.dumps({"MessageId": ID}).encode())
    async with aws(answer, configuration_set="texts") as (requests, server):
        assert await requests.submit(TEXT, OPEN)
        said = await asyncio.to_thread(
            call,
            library,
            server.url,
            "send_text_message",
            DestinationPhoneNumber=PERSON,
            OriginationIdentity=SENDER,
            MessageBody=TEXT.body,
            ConfigurationSetName="texts",
            Context={"message": "msg_1", "sender": SENDER},
        )
    ours, theirs = server.seen
    assert said["MessageId"] == ID
    assert json.loads(ours.body) == json.loads(theirs.body)
    for name in ("content-type", "x-amz-target"):
        assert ours.headers[name] == theirs.headers[name]
    assert (ours.method, ours.target) == (theirs.method, theirs.target)


@pytest.mark.integration
async def test_awss_own_library_reads_the_refusal_that_opts_out(library: Any) -> None:
    """What we take for "opted out" is what AWS's library calls so."""
    reason = "DESTINATION_PHONE_NUMBER_OPTED_OUT"
    body = {"__type": "ConflictException", "Message": "Opted out", "Reason": reason}
    async with aws(http(400, json.dumps(body).encode())) as (requests, server):
        refusal = await requests.submit(TEXT, OPEN)
        with pytest.raises(ClientError) as told:
            await asyncio.to_thread(
                call, library, server.url, "send_text_message", DestinationPhoneNumber=PERSON
            )
    assert told.value.response["Error"]["Code"] == "ConflictException"
    assert told.value.response["Reason"] == reason
    assert isinstance(refusal, CarrierRefusal)
    assert (refusal.opted_out, refusal.permanent, refusal.code) == (True, True, reason)


@pytest.mark.unit
def test_every_reason_of_the_table_is_one_of_awss(library: Any) -> None:
    """Codes are written as AWS's service model has them, and only one opts out."""
    model = library.get_service_model("pinpoint-sms-voice-v2")
    known = {shape for shape in model.shape_names if shape.endswith("Exception")}
    for name in ("Conflict", "AccessDenied", "Validation", "ServiceQuotaExceeded"):
        known |= set(model.shape_for(f"{name}ExceptionReason").enum)
    of_the_protocol = {
        "ServiceUnavailableException", "InvalidSignatureException", "RequestExpired",
        "UnrecognizedClientException", "IncompleteSignature", "MissingAuthenticationToken",
        "MEDIA_NOT_IN_S3",
    }  # fmt: skip
    assert set(CODES.rows) - known == of_the_protocol
    opted_out = {code for code, row in CODES.rows.items() if row.opted_out}
    assert opted_out == {"DESTINATION_PHONE_NUMBER_OPTED_OUT"}


@pytest.mark.integration
async def test_a_request_is_signed_for_its_region_now() -> None:
    """By the access key, with the time of the clock, over every header that is sent for it."""
    answer = http(200, b'{"MessageId": "1"}')
    async with aws(answer) as (requests, server):
        await requests.submit(TEXT, OPEN)
    [seen] = server.seen
    key = SigningKey("AKIDEXAMPLE", "fictitious-secret", "us-east-1", "sms-voice")
    given = {name: seen.headers[name] for name in ("content-type", "x-amz-target")}
    signed = sign_request(key, "POST", f"{server.url}/", headers=given, body=seen.body, at=NOW)
    assert signed.items() <= seen.headers.items()
    assert "20261130/us-east-1/sms-voice/aws4_request" in signed["authorization"]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("base_url", "topic", "region"),
    [
        ("https://sms-voice.eu-west-1.amazonaws.com", "arn:aws:sns:us-east-1:1:t", "eu-west-1"),
        ("https://sms-voice.cn-north-1.amazonaws.com.cn", "", "cn-north-1"),
        ("http://127.0.0.1:9", "arn:aws:sns:ap-south-1:1:t", "ap-south-1"),
        ("http://127.0.0.1:9", "nonsense", ""),
    ],
)
def test_the_region_is_the_addresss_else_the_topics(base_url: str, topic: str, region: str) -> None:
    """Where something stands for AWS, its address has no region."""
    account = msgspec.structs.replace(ACCOUNT, base_url=base_url, account=topic)
    assert read_region(account) == region


@pytest.mark.unit
def test_the_region_must_be_named() -> None:
    """An account cannot be set up with the address that stands for every region's."""
    account = msgspec.structs.replace(ACCOUNT, base_url=AWS.base_url)
    assert [field.name for field in AWS.list_missing(account)] == ["base_url"]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("url", "uri"),
    [
        ("https://pictures.s3.us-east-1.amazonaws.com/a/b.png", "s3://pictures/a/b.png"),
        ("https://pictures.s3.amazonaws.com/b.png", "s3://pictures/b.png"),
        ("https://my.pictures.s3-eu-west-1.amazonaws.com/b.png", "s3://my.pictures/b.png"),
        ("https://pictures.s3.amazonaws.com/b.png?X-Amz-Signature=1", None),
        ("https://media.example.com/b.png", None),
        ("https://evil.example.com/pictures.s3.amazonaws.com/b.png", None),
    ],
)
def test_pictures_must_lie_in_s3(url: str, uri: str | None) -> None:
    """AWS fetches media from S3 and from nowhere else, one for each text."""
    assert read_s3_uris((url,)) == (None if uri is None else [uri])
    assert read_s3_uris((url, url)) is None


@pytest.mark.integration
async def test_a_picture_that_aws_cannot_fetch_is_refused_before_it_is_asked() -> None:
    """A text without its picture would be another text: nothing is sent."""
    async with aws(http(200)) as (requests, server):
        text = msgspec.structs.replace(TEXT, media=("https://media.example.com/a.png",))
        refusal = await requests.submit(text, OPEN)
    assert isinstance(refusal, CarrierRefusal)
    assert (refusal.code, refusal.permanent, refusal.opted_out) == ("MEDIA_NOT_IN_S3", True, False)
    assert server.seen == []


@pytest.mark.integration
async def test_in_doubt_it_is_unanswered_and_too_late_is_not_written() -> None:
    """There is one request and no verdict; and none at all where the fence is closed."""
    async with aws(Misbehaviour.CLOSE) as (requests, server):
        assert isinstance(await requests.submit(TEXT, OPEN), Unanswered)
        assert len(server.seen) == 1
        assert isinstance(await requests.submit(TEXT, Gate(open=False)), Withheld)
        assert len(server.seen) == 1


@pytest.mark.integration
async def test_there_is_no_list_of_texts() -> None:
    """Looking for one is no use, and it says so."""
    async with aws(http(200)) as (requests, server):
        with pytest.raises(NoList, match="event"):
            await requests.find(TEXT, since=NOW)
    assert server.seen == []


THROTTLED = http(400, b'{"__type": "ThrottlingException", "Message": "Rate exceeded"}')


@pytest.mark.integration
async def test_the_probe_asks_for_a_line_of_the_opt_out_list() -> None:
    """It is harmless, waits where it was too much, and tells what AWS says of a wrong key."""
    wrong = http(403, b'{"__type": "UnrecognizedClientException", "message": "No such key"}')
    async with aws(THROTTLED, http(200, b"{}"), wrong) as (requests, server):
        await requests.probe()
        with pytest.raises(CarrierUnreachable, match="No such key"):
            await requests.probe()
    assert [seen.headers["x-amz-target"] for seen in server.seen] == [LIST] * 3
    assert json.loads(server.seen[0].body) == {"OptOutListName": "Default", "MaxResults": 1}


def listed(*numbers: dict[str, Any], token: str | None = None) -> bytes:
    """A page of the opt-out list."""
    page = {"OptOutListName": "mine", "OptedOutNumbers": numbers, "NextToken": token}
    return http(200, json.dumps({k: v for k, v in page.items() if v is not None}).encode())


@pytest.mark.integration
async def test_the_opt_out_list_is_read_page_by_page(library: Any) -> None:
    """Who is on it, since when, and by whom, as AWS's own library reads the same pages."""
    first = {"OptedOutNumber": PERSON, "OptedOutTimestamp": 1779364800.5, "EndUserOptedOut": True}
    second = {"OptedOutNumber": "+12125550143", "EndUserOptedOut": False}
    odd = {"OptedOutNumber": "nobody", "OptedOutTimestamp": 1e300}
    far = {"OptedOutNumber": "+12125550144", "OptedOutTimestamp": 1e300}
    pages = (listed(first, second, token="more"), listed(odd, far))
    async with aws(*pages, opt_out_list="mine") as (requests, server):
        blocks = [block async for block in AWSBlockList(requests).read((SENDER,))]
        server.answer(*pages)
        theirs = await asyncio.to_thread(
            call, library, server.url, "describe_opted_out_numbers", OptOutListName="mine"
        )
    at = datetime(2026, 5, 21, 12, 0, 0, 500000, tzinfo=UTC)
    assert blocks == [
        CarrierBlock(PERSON, None, at, "AWS opt-out list mine, by the person"),
        CarrierBlock("+12125550143", None, None, "AWS opt-out list mine, by the account"),
        CarrierBlock("+12125550144", None, None, "AWS opt-out list mine, by the account"),
    ]
    assert theirs["OptedOutNumbers"][0]["OptedOutTimestamp"] == at
    assert json.loads(server.seen[1].body)["NextToken"] == "more"
    assert server.seen[2].headers["x-amz-target"] == LIST


@pytest.mark.integration
@pytest.mark.parametrize("reply", [THROTTLED, http(200, b"<html>"), Misbehaviour.CLOSE, http(400)])
async def test_a_list_that_cannot_be_had_is_told(reply: Reply) -> None:
    """Half a list is none: whoever compares must know."""
    async with aws(listed({"OptedOutNumber": PERSON}, token="more"), reply) as (requests, _):
        with pytest.raises(CarrierUnreachable):
            _ = [block async for block in AWSBlockList(requests).read(())]


@pytest.mark.unit
async def test_it_is_built_whole() -> None:
    """The account's carrier has the list, and no history: AWS keeps no texts."""
    carrier = build_aws(ACCOUNT, "https://texts.example.com")
    assert (carrier.history, carrier.link) == (None, None)
    assert carrier.block_list is not None
    await carrier.close()
