"""Our side of SMPP against a foreign SMSC: binding, sending, hearing, and what goes wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import msgspec
import pytest
from carrier_loopback import OPEN, Gate
from recording_intake import RecordingIntake

from consentry.carriers.smpp.settings import SMPPCarrier
from consentry.domain.messages import MessageStatus
from consentry.ports import (
    Accepted,
    CarrierAccount,
    CarrierRefusal,
    CarrierUnreachable,
    InboundText,
    OutboundText,
    StatusReport,
    Unanswered,
    Withheld,
)
from foreign_smsc import PASSWORD, SYSTEM_ID, ForeignSMSC, foreign_smsc

pytestmark = pytest.mark.integration

PERSON, OURS = "+12125550142", "+14155550100"
TEXT = OutboundText("msg_1", PERSON, OURS, "Hello")


@dataclass
class Scene:
    """A foreign SMSC, an account of ours with it, and who takes what comes."""

    smsc: ForeignSMSC
    carrier: SMPPCarrier
    intake: RecordingIntake


@asynccontextmanager
async def scene(
    running: ForeignSMSC | None = None, *, secret: str = PASSWORD, **more: str
) -> AsyncIterator[Scene]:
    """Keep an account's link to an SMSC, one that runs or a new one, as long as the block."""
    async with AsyncExitStack() as until:
        smsc = running or await until.enter_async_context(foreign_smsc())
        account = CarrierAccount("main", "smpp", SYSTEM_ID, secret, smsc.url, more=more)
        made = Scene(smsc, SMPPCarrier(account), RecordingIntake())
        keeping = asyncio.create_task(made.carrier.link.keep(made.intake))
        try:
            yield made
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping


async def test_it_binds_and_takes_leave() -> None:
    """A transceiver of version 3.4 binds with its type, and unbinds at the end."""
    async with foreign_smsc() as smsc:
        async with scene(smsc, system_type="WWW") as made:
            assert await smsc.next("bind") == {
                "kind": "bind_transceiver",
                "status": 0,
                "system_type": "WWW",
                "version": 0x34,
            }
            assert await made.carrier.link.wait_bound(60) is not None
        await smsc.next("unbind")
        await smsc.next("close")


async def test_a_short_text_goes_out_as_one() -> None:
    """Numbers are international, the alphabet is GSM, a receipt is asked for, the id is kept."""
    async with scene() as made:
        answer = await made.carrier.submit(TEXT, OPEN)
        assert answer == Accepted("A1")
        assert await made.smsc.next("submit") == {
            "answer": 0,
            "id": "A1",
            "source": ["14155550100", 1, 1],
            "destination": ["12125550142", 1, 1],
            "coding": 0,
            "esm_class": 0,
            "receipt": 1,
            "parts": [],
            "text": "Hello",
        }


@pytest.mark.parametrize(
    ("body", "parts", "coding"),
    [("Wörth {it}: €" * 30, 4, 0), ("Почему 😀 " * 20, 3, 8)],
    ids=["gsm7", "ucs2"],
)
async def test_a_long_text_goes_out_in_parts(body: str, parts: int, coding: int) -> None:
    """The foreign codec reads the text out of the parts; only the last asks for a receipt."""
    async with scene() as made:
        text = msgspec.structs.replace(TEXT, body=body)
        assert await made.carrier.submit(text, OPEN) == Accepted(f"A{parts}")
        seen = [await made.smsc.next("submit") for _ in range(parts)]
        assert "".join(part["text"] for part in seen) == body
        heads = [bytes.fromhex(part["parts"][0]) for part in seen]
        assert {head[0] for head in heads} <= set(range(256))
        assert [head[-2:] for head in heads] == [bytes((parts, n)) for n in range(1, parts + 1)]
        assert len({head[:-1] for head in heads}) == 1
        assert [part["receipt"] for part in seen] == [0] * (parts - 1) + [1]
        assert {(part["coding"], part["esm_class"]) for part in seen} == {(coding, 0x40)}


async def test_senders_of_all_kinds_are_written() -> None:
    """A short code has the network's kind, a name is alphanumeric."""
    async with scene() as made:
        for sender in ("55555", "Retale"):
            await made.carrier.submit(msgspec.structs.replace(TEXT, sender=sender), OPEN)
        assert (await made.smsc.next("submit"))["source"] == ["55555", 3, 0]
        assert (await made.smsc.next("submit"))["source"] == ["Retale", 5, 0]


async def test_a_persons_text_comes_in() -> None:
    """STOP by deliver_sm is taken before it is answered, and answered with 0."""
    async with scene() as made:
        await made.smsc.next("bind")
        made.smsc.deliver("STOP", name="stop")
        assert await made.smsc.next("answer") == {
            "name": "stop", "command": "deliver_sm_resp", "status": 0,
        }  # fmt: skip
        [text] = made.intake.events
        assert isinstance(text, InboundText)
        assert (text.recipient, text.sender, text.body) == (PERSON, OURS, "STOP")


@pytest.mark.parametrize("body", ["¿Qué? {ñ} €", "Прекратите 😀", "x" * 160])
async def test_texts_of_all_alphabets_come_in(body: str) -> None:
    """What the foreign codec wrote is read, by the coding that it chose."""
    async with scene() as made:
        await made.smsc.next("bind")
        made.smsc.deliver(body)
        [text] = await made.intake.until(1)
        assert isinstance(text, InboundText)
        assert text.body == body


async def test_texts_come_in_payloads_and_by_data_sm() -> None:
    """message_payload is the text where the short message is empty; data_sm has only that."""
    async with scene() as made:
        await made.smsc.next("bind")
        made.smsc.deliver(message_payload="STOP " * 80)
        [text] = await made.intake.until(1)
        assert isinstance(text, InboundText)
        assert text.body == "STOP " * 80
        made.smsc.order(
            "data_sm",
            name="data",
            source_addr="12125550142",
            source_addr_ton=1,
            destination_addr="55555",
            message_payload="STOP",
        )
        answer = await made.smsc.next("answer")
        answer = answer if answer["name"] == "data" else await made.smsc.next("answer")
        assert answer == {"name": "data", "command": "data_sm_resp", "status": 0}
        stop = made.intake.events[1]
        assert isinstance(stop, InboundText)
        assert (stop.sender, stop.body) == ("55555", "STOP")


async def test_what_cannot_be_kept_is_delivered_again() -> None:
    """While nothing can be made durable the answer is a temporary error."""
    async with scene() as made:
        await made.smsc.next("bind")
        made.intake.is_away = True
        made.smsc.deliver("STOP")
        assert (await made.smsc.next("answer"))["status"] == 0x64
        made.intake.is_away = False
        made.smsc.deliver("STOP")
        assert (await made.smsc.next("answer"))["status"] == 0
        assert len(made.intake.events) == 1


async def test_a_receipt_comes_in() -> None:
    """The usual sentence says which text was delivered, and to whom."""
    async with scene() as made:
        accepted = await made.carrier.submit(TEXT, OPEN)
        assert isinstance(accepted, Accepted)
        made.smsc.deliver(
            f"id:{accepted.carrier_message_id} sub:001 dlvrd:001 submit date:2611300213 "
            "done date:2611300214 stat:DELIVRD err:000 text:Hello",
            esm_class=4,
        )
        assert (await made.smsc.next("answer"))["status"] == 0
        assert made.intake.events == [StatusReport("A1", PERSON, OURS, MessageStatus.DELIVERED)]


async def test_too_many_at_once_may_be_sent_later() -> None:
    """A throttled text is refused for the moment, and the next one waits a little."""
    async with scene() as made:
        await made.smsc.answer_next(0x58, 0x14)
        began = asyncio.get_running_loop().time()
        for code in ("0x00000058", "0x00000014"):
            refusal = await made.carrier.submit(TEXT, OPEN)
            assert isinstance(refusal, CarrierRefusal)
            assert (refusal.permanent, refusal.opted_out, refusal.code) == (False, False, code)
        assert await made.carrier.submit(TEXT, OPEN) == Accepted("A1")
        assert asyncio.get_running_loop().time() - began >= 2.0


async def test_a_part_that_must_wait_is_sent_on() -> None:
    """Once the first part was taken, a busy SMSC is asked again for the next one."""
    async with scene() as made:
        await made.smsc.answer_next(0, 0x58, 0)
        text = msgspec.structs.replace(TEXT, body="x" * 161)
        assert await made.carrier.submit(text, OPEN) == Accepted("A2")
        seen = [await made.smsc.next("submit") for _ in range(3)]
        assert seen[1]["text"] == seen[2]["text"] == "x" * 8


async def test_a_text_that_broke_off_is_never_sent_again() -> None:
    """The second part is refused after the first was taken: that is a failure for good."""
    async with scene(vendor="flowroute") as made:
        await made.smsc.answer_next(0, 0x08, 0, 0x456)
        text = msgspec.structs.replace(TEXT, body="x" * 161)
        for code, opted_out in (("0x00000008", False), ("0x00000456", True)):
            refusal = await made.carrier.submit(text, OPEN)
            assert isinstance(refusal, CarrierRefusal)
            assert (refusal.permanent, refusal.opted_out, refusal.code) == (True, opted_out, code)
            assert refusal.text.startswith("1 of 2 parts were taken, so it is not sent again.")


async def test_a_connection_lost_in_mid_flight_leaves_the_text_unanswered() -> None:
    """It may have gone out; the link is bound anew and the next text goes by it."""
    async with scene() as made:
        await made.smsc.answer_next("drop")
        answer = await made.carrier.submit(TEXT, OPEN)
        assert isinstance(answer, Unanswered)
        await made.smsc.next("close")
        await made.smsc.next("bind")
        assert await made.carrier.submit(TEXT, OPEN) == Accepted("A1")


async def test_a_closed_fence_lets_nothing_through() -> None:
    """It is asked when it is the text's turn; closed, the SMSC sees nothing of the text."""
    async with scene() as made:
        closed = Gate(open=False)
        assert isinstance(await made.carrier.submit(TEXT, closed), Withheld)
        assert closed.asked == 1
        await made.carrier.submit(msgspec.structs.replace(TEXT, body="Second"), OPEN)
        assert (await made.smsc.next("submit"))["text"] == "Second"


async def test_without_a_session_nothing_is_sent() -> None:
    """A wrong password: the text may be sent later, and `carrier test` says why not now."""
    async with scene(secret="wrong") as made:
        assert (await made.smsc.next("bind"))["status"] == 0x0E
        refusal = await made.carrier.submit(TEXT, OPEN)
        assert isinstance(refusal, CarrierRefusal)
        assert (refusal.permanent, refusal.code) == (False, "unreachable")
        with pytest.raises(CarrierUnreachable, match=r"refused to bind \(0x0000000E\)"):
            await made.carrier.probe()


async def test_the_right_account_is_let_in() -> None:
    """`carrier test` binds as a transmitter and takes leave, beside the link that is kept."""
    async with scene() as made:
        assert (await made.smsc.next("bind"))["kind"] == "bind_transceiver"
        await made.carrier.probe()
        assert (await made.smsc.next("bind"))["kind"] == "bind_transmitter"
        await made.smsc.next("unbind")


async def test_both_ask_whether_the_other_is_there() -> None:
    """enquire_link goes out now and then, and one that comes in is answered."""
    async with scene(enquire_seconds="1") as made:
        await made.smsc.next("bind")
        await made.smsc.next("enquire_link")
        made.smsc.order("enquire_link", name="theirs")
        assert await made.smsc.next("answer") == {
            "name": "theirs", "command": "enquire_link_resp", "status": 0,
        }  # fmt: skip


async def test_unknown_requests_are_refused_and_the_session_lives() -> None:
    """generic_nack says that a command is not known; alert_notification is passed over."""
    async with scene() as made:
        await made.smsc.next("bind")
        made.smsc.order("query_sm", name="unknown", message_id="1")
        assert await made.smsc.next("answer") == {
            "name": "unknown", "command": "generic_nack", "status": 3,
        }  # fmt: skip
        made.smsc.order("alert_notification")
        made.smsc.deliver("Hi")
        assert (await made.smsc.next("answer"))["status"] == 0


async def test_a_stream_that_cannot_be_read_is_left_and_bound_anew() -> None:
    """After a frame of an impossible length the connection ends, and a new one begins."""
    async with scene() as made:
        await made.smsc.next("bind")
        made.smsc.order("raw", hex="ffffffff" + "00" * 12)
        await made.smsc.next("close")
        await made.smsc.next("bind")
