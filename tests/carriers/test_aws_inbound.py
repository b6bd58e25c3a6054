"""What SNS posts: believed only where SNS signed it for a topic of ours, just now."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from carrier_loopback import Loopback, Misbehaviour, Reply, http, loopback
from carrier_table import JSON_TYPE, NOW, json_body
from tables.aws import (
    ACCOUNT,
    CERTIFICATE_URL,
    PERSON,
    SENDER,
    SUBSCRIPTION,
    TOPIC,
    make_certificate,
    make_key,
    notification,
    sign_fields,
    text_message,
)

from consentry.carriers.aws.certificates import FAILED_FOR, KEPT_MAX, Certificates, SNSClient
from consentry.carriers.aws.inbound import AWSWebhooks
from consentry.carriers.aws.settings import build_aws
from consentry.carriers.shared.way_out import WayOut
from consentry.ports import (
    CarrierUnreachable,
    Forged,
    Handshake,
    InboundText,
    KeyMissing,
    WebhookRequest,
)
from consentry.wire.sns import RSACertificate

PEM = make_certificate(make_key("sns"))
URL = "https://texts.example.com/carriers/main/inbound"


def post(
    fields: dict[str, Any], *, at: datetime = NOW, url: str = CERTIFICATE_URL
) -> WebhookRequest:
    """Write a signed request."""
    body = json_body(sign_fields(fields, make_key("sns"), url))
    return WebhookRequest(URL, {"content-type": JSON_TYPE}, body, received_at=at)


def reader(pem: bytes = PEM, **more: str) -> AWSWebhooks:
    """A reader that has the certificate already."""
    kept = Certificates()
    kept.keep(CERTIFICATE_URL, RSACertificate(pem))
    account = msgspec.structs.replace(ACCOUNT, more={**ACCOUNT.more, **more})
    return AWSWebhooks(account, SNSClient(WayOut(), kept), kept)


@pytest.mark.unit
def test_a_topic_that_is_not_ours_is_forged() -> None:
    """Anybody with an account of AWS can have SNS sign and post here: the topic decides."""
    theirs = notification(text_message(), TopicArn="arn:aws:sns:us-east-1:999999999999:theirs")
    with pytest.raises(Forged, match="another topic"):
        reader().read_inbound(post(theirs))


@pytest.mark.unit
def test_events_may_have_a_topic_of_their_own() -> None:
    """Both topics are ours then, at either address."""
    other = "arn:aws:sns:us-east-1:123456789012:events"
    both = reader(event_topic=other)
    assert len(both.read_inbound(post(notification(text_message(), TopicArn=other)))) == 1
    assert len(both.read_status(post(notification(text_message())))) == 1


@pytest.mark.unit
def test_what_is_delivered_raw_is_not_signed() -> None:
    """It is refused, and the reason says what to set at the subscription."""
    headers = {"content-type": JSON_TYPE, "x-amz-sns-rawdelivery": "true"}
    raw = WebhookRequest(URL, headers, json_body(text_message()), received_at=NOW)
    with pytest.raises(Forged, match="raw message delivery off"):
        reader().read_inbound(raw)


@pytest.mark.unit
@pytest.mark.parametrize("days", [-400, 400])
def test_a_certificate_signs_nothing_outside_its_time(days: int) -> None:
    """What was signed with one that has run out, or is not valid yet, is not believed."""
    request = post(notification(text_message()), at=NOW + timedelta(days=days))
    with pytest.raises(Forged, match="not valid now"):
        reader().read_inbound(request)


@pytest.mark.unit
def test_the_end_of_a_subscription_is_told_to_operators(caplog: pytest.LogCaptureFixture) -> None:
    """From then on no STOP comes: nothing is stored, and the log says so."""
    fields = {**SUBSCRIPTION, "Type": "UnsubscribeConfirmation"}
    with caplog.at_level(logging.ERROR):
        assert reader().read_inbound(post(fields)) == ()
    assert "sns_unsubscribed" in caplog.text


@asynccontextmanager
async def sns(*replies: Reply) -> AsyncIterator[tuple[AWSWebhooks, SNSClient, Loopback]]:
    """Run what stands for SNS, and a reader that knows no certificate yet."""
    kept = Certificates()
    async with loopback(replies) as server:
        way_out = WayOut(wait_seconds=0.01)
        client = SNSClient(way_out, kept)
        account = msgspec.structs.replace(ACCOUNT, more={"sns_base_url": server.url})
        try:
            yield AWSWebhooks(account, client, kept), client, server
        finally:
            await client.close()


def certificate_url(server: Loopback) -> str:
    """Where the stand-in has its certificate."""
    return f"{server.url}/SimpleNotificationService-1.pem"


@pytest.mark.integration
async def test_a_certificate_is_fetched_once_and_kept() -> None:
    """The reader asks for it, and believes once it is there; the next text needs no request."""
    async with sns(http(200, PEM)) as (webhooks, _, server):
        request = post(notification(text_message()), url=certificate_url(server))
        with pytest.raises(KeyMissing) as missing:
            webhooks.read_inbound(request)
        await missing.value.fetch()
        [text] = webhooks.read_inbound(request)
        await missing.value.fetch()
    assert isinstance(text, InboundText)
    assert (text.recipient, text.sender) == (PERSON, SENDER)
    assert [seen.target for seen in server.seen] == ["/SimpleNotificationService-1.pem"]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (http(404), "HTTP 404"),
        (http(302, location="https://evil.example.com/x.pem"), "HTTP 302"),
        (http(200, b"<html>"), "not a certificate"),
        (Misbehaviour.CLOSE, "could not be asked"),
    ],
)
async def test_what_gave_no_certificate_is_not_asked_again_at_once(reply: Reply, why: str) -> None:
    """Anybody can name such an address: the carrier is told to come again, for it will."""
    async with sns(reply) as (webhooks, _, server):
        url = certificate_url(server)

        async def fetch(at: datetime) -> None:
            with pytest.raises(KeyMissing) as missing:
                webhooks.read_inbound(post(notification(text_message()), url=url, at=at))
            await missing.value.fetch()

        with pytest.raises(CarrierUnreachable, match=why):
            await fetch(NOW)
        asked = len(server.seen)
        with pytest.raises(CarrierUnreachable, match="just now"):
            await fetch(NOW + FAILED_FOR / 2)
        assert len(server.seen) == asked
        server.answer(http(200, PEM))
        await fetch_again(webhooks, url)


async def fetch_again(webhooks: AWSWebhooks, url: str) -> None:
    """After a while it is asked again, and the text is read."""
    request = post(notification(text_message()), url=url, at=NOW + 2 * FAILED_FOR)
    with pytest.raises(KeyMissing) as missing:
        webhooks.read_inbound(request)
    await missing.value.fetch()
    assert len(webhooks.read_inbound(request)) == 1


@pytest.mark.unit
def test_only_so_many_certificates_are_kept() -> None:
    """Whoever names address after address fills no memory."""
    kept, certificate = Certificates(), RSACertificate(PEM)
    for number in range(KEPT_MAX + 1):
        kept.keep(str(number), certificate)
        kept.note_failure(f"failed {number}", NOW)
    assert kept.find("0") is None
    assert kept.find(str(KEPT_MAX)) is certificate
    assert not kept.has_failed("failed 0", NOW)
    assert kept.has_failed(f"failed {KEPT_MAX}", NOW)


@pytest.mark.integration
async def test_a_subscription_is_confirmed_by_fetching_its_address() -> None:
    """The handshake of the reader is what the carrier answers."""
    async with sns(http(200, b"<ConfirmSubscriptionResponse/>"), http(403)) as (_, _, server):
        kept_url = certificate_url(server)
        subscribe_url = f"{server.url}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=1"
        fields = {**SUBSCRIPTION, "SubscribeURL": subscribe_url}
        account = msgspec.structs.replace(ACCOUNT, more={"sns_base_url": server.url})
        carrier = build_aws(account, "https://texts.example.com")
        kept = Certificates()
        kept.keep(kept_url, RSACertificate(PEM))
        webhooks = AWSWebhooks(account, SNSClient(WayOut(), kept), kept)
        assert webhooks.read_inbound(post(fields, url=kept_url)) == (Handshake(subscribe_url),)
        await carrier.confirm(Handshake(subscribe_url))
        with pytest.raises(CarrierUnreachable, match="Request confirmation"):
            await carrier.confirm(Handshake(subscribe_url))
        await carrier.close()
    assert server.seen[0].query["Action"] == ["ConfirmSubscription"]


@pytest.mark.unit
def test_a_published_example_is_read() -> None:
    """The example of AWS's page on two-way texts, word for word."""
    example = json.loads(
        '{"originationNumber":"+14255550182","destinationNumber":"+12125550101",'
        '"messageKeyword":"JOIN","messageBody":"EXAMPLE",'
        '"inboundMessageId":"cae173d2-66b9-564c-8309-21f858e9fb84",'
        '"previousPublishedMessageId":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}'
    )
    assert reader().read_inbound(post(notification(example))) == (
        InboundText(
            "cae173d2-66b9-564c-8309-21f858e9fb84",
            "+14255550182",
            "+12125550101",
            "EXAMPLE",
            sent_at=datetime(2026, 5, 1, 11, 59, 58, 123000, tzinfo=UTC),
            opt_out_type="JOIN",
        ),
    )
