"""Twilio's Advanced Opt-Out from end to end: the simulator tells, the product's carrier reads."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from carrier_world import (
    ACCOUNT,
    LONG_CODE,
    OTHER_LONG_CODE,
    PHONE,
    SERVICE,
    TOLL_FREE,
    Received,
    World,
    eventually,
    running_world,
    service,
)

from consentry.carriers.twilio.settings import build_twilio
from consentry.domain.keywords import read_carrier
from consentry.domain.messages import MessageStatus
from consentry.domain.reading import BlockLayer, CarrierWord
from consentry.domain.reading import SenderKind as Kind
from consentry.ports import (
    Accepted,
    CarrierAccount,
    InboundText,
    OutboundText,
    StatusReport,
    Submission,
    WebhookRequest,
)
from consentry.simulator import Sender, SenderKind
from consentry.simulator.values import AdvancedOptOut

pytestmark = pytest.mark.integration

OWN = AdvancedOptOut(
    opt_out=("Adios", "STOP"),
    opt_in=("Vuelta",),
    help=("Ayuda",),
    opt_out_answer="Se acabó.",
    opt_in_answer="De nuevo con nosotros.",
    help_answer="Llama al 555.",
)


class Open:
    """Implements `ports.Fence`."""

    is_open = True


@pytest.fixture
def world() -> Iterator[World]:
    """Two long codes and a toll-free number in a service with words of its own."""
    with running_world(senders=(), services=(service(advanced_opt_out=OWN),)) as world:
        for number, kind in (
            (LONG_CODE, SenderKind.LONG_CODE),
            (OTHER_LONG_CODE, SenderKind.LONG_CODE),
            (TOLL_FREE, SenderKind.TOLL_FREE),
        ):
            sender = Sender(number, kind, None, SERVICE, base(world) + "/carriers/main/inbound")
            answer = world.post("/api/senders", {**as_body(sender)})
            assert answer.status_code == 201, answer.text
        yield world


def as_body(sender: Sender) -> dict[str, str]:
    """Write a sender as the simulator's own interface takes it."""
    return {
        "number": sender.number,
        "kind": sender.kind.value,
        "messaging_service_sid": sender.messaging_service_sid or "",
        "inbound_url": sender.inbound_url or "",
    }


def base(world: World) -> str:
    """Where the product would be."""
    return f"http://127.0.0.1:{world.receiver.port}"


def account(world: World) -> CarrierAccount:
    """The product's account with the simulated Twilio."""
    return CarrierAccount("main", "twilio", ACCOUNT.sid, ACCOUNT.token, world.url)


def read_texts(world: World) -> list[InboundText]:
    """Read the texts that were posted, by the product's carrier."""
    carrier = build_twilio(account(world), base(world))
    posted = [one for one in list(world.receiver.received) if "/inbound" in one.path]
    return [text for one in posted for text in carrier.read_inbound(as_request(world, one))]


def read_reports(world: World) -> list[StatusReport]:
    """Read the reports that were posted, by the product's carrier."""
    carrier = build_twilio(account(world), base(world))
    posted = [one for one in list(world.receiver.received) if "/status" in one.path]
    return [report for one in posted for report in carrier.read_status(as_request(world, one))]


def as_request(world: World, posted: Received) -> WebhookRequest:
    """Give what was posted as the product's door gets it."""
    headers = {name.lower(): value for name, value in posted.headers.items()}
    return WebhookRequest(
        base(world) + posted.path, headers, posted.body, received_at=datetime.now(UTC)
    )


def send(world: World, body: str) -> Submission:
    """Send by the product's carrier, through the service."""

    async def submit() -> Submission:
        carrier = build_twilio(account(world), base(world))
        try:
            text = OutboundText("msg_1", PHONE, LONG_CODE, body, messaging_service_sid=SERVICE)
            return await carrier.submit(text, Open())
        finally:
            await carrier.close()

    return asyncio.run(submit())


def test_words_that_only_the_service_knows_are_told_to_the_product(world: World) -> None:
    """The verdict of each text is in its webhook, and is what the product goes by."""
    for word in ("adios", "Vuelta", "AYUDA", "QUIT"):
        world.type(word)
    eventually(lambda: len(read_texts(world)) == 4)
    texts = read_texts(world)
    assert [text.opt_out_type for text in texts] == ["STOP", "START", "HELP", None]
    readings = [
        read_carrier(
            text.body,
            carrier="twilio",
            kind=Kind.LONG_CODE,
            at=datetime.now(UTC),
            opt_out_type=text.opt_out_type,
        )
        for text in texts[:3]
    ]
    assert [(reading.word, reading.layers) for reading in readings] == [
        (CarrierWord.OPT_OUT, (BlockLayer.PROVIDER,)),
        (CarrierWord.OPT_IN, (BlockLayer.PROVIDER,)),
        (CarrierWord.HELP, ()),
    ]
    carrier = [body for origin, body in world.shown() if origin == "carrier"]
    assert carrier == ["Se acabó.", "De nuevo con nosotros.", "Llama al 555."]


def test_a_text_through_the_service_is_taken_and_refused_by_its_report(world: World) -> None:
    """201, then 21610 in the report: the product learns there that the person opted out."""
    world.type("Adios", to=OTHER_LONG_CODE)
    taken = send(world, "Hello")
    assert isinstance(taken, Accepted)
    assert taken.status is MessageStatus.SENDING
    eventually(lambda: any(report.opted_out for report in read_reports(world)))
    last = read_reports(world)[-1]
    assert (last.carrier_message_id, last.message) == (taken.carrier_message_id, "msg_1")
    assert (last.status, last.error_code, last.sender) == (MessageStatus.FAILED, "21610", LONG_CODE)
    assert "Hello" not in [body for _, body in world.shown()]

    world.type("Vuelta", to=LONG_CODE)
    again = send(world, "Welcome back")
    assert isinstance(again, Accepted)
    eventually(lambda: read_reports(world)[-1].status is MessageStatus.DELIVERED)
    assert world.shown()[-1] == ("sender", "Welcome back")


def test_on_a_toll_free_number_the_network_and_the_service_both_block(world: World) -> None:
    """STOP is told as the service's verdict; the product knows that the network acted, too."""
    world.type("STOP", to=TOLL_FREE)
    eventually(lambda: len(read_texts(world)) == 1)
    [text] = read_texts(world)
    reading = read_carrier(
        text.body,
        carrier="twilio",
        kind=Kind.TOLL_FREE,
        at=datetime.now(UTC),
        opt_out_type=text.opt_out_type,
    )
    assert set(reading.layers) == {BlockLayer.NETWORK, BlockLayer.PROVIDER}
    assert {layer for _, _, layer in world.blocks()} == {"network", "provider"}
