"""What an SMSC delivers: durable before it is answered, in order, whole; no opt-out is lost."""

import asyncio

import pytest
from carrier_loopback import OPEN
from smpp_scene import OURS, PERSON, TEXT, Scene, scene

from consentry.carriers.smpp import inbound
from consentry.carriers.smpp.reassembly import GROUPS_MAX
from consentry.domain.messages import MessageStatus
from consentry.ports import Accepted, CarrierEvent, InboundText, StatusReport
from consentry.wire.smpp.fields import Tag
from consentry.wire.smpp.pdu import PDU, Command
from consentry.wire.smpp.requests import Address
from consentry.wire.smpp.texts import EncodedText, encode_text
from scripted_smsc import PERSON as PERSON_ADDRESS
from scripted_smsc import accept

pytestmark = pytest.mark.integration

OK, TEMPORARY = 0, 0x64
RECEIPT = 4


async def deliver(made: Scene, body: bytes, **more: object) -> int:
    """Deliver something, and give the status it was answered with."""
    return (await made.smsc.deliver(body, **more)).status


def parts_of(body: str, reference: int = 7) -> EncodedText:
    """A text in its parts."""
    return encode_text(body, reference)


async def deliver_part(made: Scene, text: EncodedText, number: int, **more: object) -> int:
    """Deliver one part, counted from 1."""
    return await deliver(
        made,
        text.parts[number - 1],
        esm_class=text.esm_class,
        data_coding=text.data_coding,
        **more,
    )


# --- Opt-outs and what is under way ------------------------------------------------------------


async def test_a_stop_that_waits_for_a_text_of_ours_does_not_stop_its_answer() -> None:
    """The answer that a STOP waits for comes by the same connection, and is read meanwhile."""
    async with scene(lambda pdu: None if pdu.command == Command.SUBMIT_SM else accept(pdu)) as made:
        ours = asyncio.create_task(made.carrier.submit(TEXT, OPEN))
        await made.smsc.until(lambda: made.smsc.count(Command.SUBMIT_SM))

        async def wait_quiet(_event: CarrierEvent) -> None:
            await asyncio.shield(ours)

        made.intake.before = wait_quiet
        stop = asyncio.create_task(deliver(made, b"STOP"))
        await asyncio.sleep(0.05)
        assert not stop.done()
        [submit] = [pdu for pdu in made.smsc.seen if pdu.command == Command.SUBMIT_SM]
        made.smsc.write(accept(submit) or submit)
        assert await stop == OK
        assert isinstance(ours.result(), Accepted)


async def test_texts_of_one_person_are_taken_in_their_order() -> None:
    """A slow STOP is not overtaken by the START behind it; somebody else is not held up."""
    async with scene() as made:
        go = asyncio.Event()

        async def wait(event: CarrierEvent) -> None:
            if isinstance(event, InboundText) and event.body == "STOP":
                await go.wait()

        made.intake.before = wait
        stop = asyncio.create_task(deliver(made, b"STOP"))
        await asyncio.sleep(0.02)
        start = asyncio.create_task(deliver(made, b"START"))
        await asyncio.sleep(0.02)
        assert await deliver(made, b"Hi", source=Address("12125550143", 1, 1)) == OK
        go.set()
        assert [await stop, await start] == [OK, OK]
        assert made.intake.bodies == ["Hi", "STOP", "START"]


async def test_whatever_goes_wrong_the_text_is_asked_for_again() -> None:
    """A fault of ours is answered as temporary, for an opt-out may be in the text."""
    async with scene() as made:

        async def fail(_event: CarrierEvent) -> None:
            raise RuntimeError("a fault")

        made.intake.before = fail
        assert await deliver(made, b"STOP") == TEMPORARY
        made.intake.before = None
        assert await deliver(made, b"STOP") == OK


async def test_more_at_once_than_can_be_held_is_asked_for_again() -> None:
    """Beyond a bound nothing is begun; what was begun is answered in the end."""
    async with scene() as made:
        go = asyncio.Event()

        async def wait(_event: CarrierEvent) -> None:
            await go.wait()

        made.intake.before = wait
        held = [asyncio.create_task(deliver(made, b"Hi")) for _ in range(inbound.AT_ONCE_MAX)]
        await asyncio.sleep(0)
        assert await deliver(made, b"One more") == TEMPORARY
        go.set()
        assert set(await asyncio.gather(*held)) == {OK}


async def test_what_has_come_is_taken_before_leave_is_taken() -> None:
    """A text under way when the link ends is made durable and answered before the unbind."""
    async with scene(limits={"close_seconds": 60.0}) as made:
        begun = asyncio.Event()

        async def take_time(_event: CarrierEvent) -> None:
            begun.set()
            await asyncio.sleep(0.1)

        made.intake.before = take_time
        stop = asyncio.create_task(deliver(made, b"STOP"))
        await begun.wait()
    assert await stop == OK
    assert made.intake.bodies == ["STOP"]
    kinds = [pdu.command for pdu in made.smsc.seen]
    assert kinds.index(Command.DELIVER_SM_RESP) < kinds.index(Command.UNBIND)


# --- What cannot be read, and who cannot be told -------------------------------------------------


async def test_a_body_that_cannot_be_read_is_said_to_be_none() -> None:
    """The length is wrong, whatever the class; the session lives."""
    async with scene() as made:
        for command in (Command.DELIVER_SM, Command.DATA_SM):
            assert (await made.smsc.ask(command, b"\0\1")).status == 0x02
        assert await deliver(made, b"Hi") == OK


@pytest.mark.parametrize(
    ("source", "country_code", "status", "recipient"),
    [
        (Address("12125550142", 1, 1), "", OK, PERSON),
        (Address("+12125550142", 0, 0), "", OK, PERSON),
        (Address("12125550142", 0, 1), "", OK, PERSON),
        (Address("2125550142", 0, 1), "1", OK, PERSON),
        (Address("2125550142", 2, 1), "1", OK, PERSON),
        (Address("12125550142", 1, 1), "1", OK, PERSON),
        (Address("447700900123", 1, 1), "1", OK, "+447700900123"),
        (Address("2125550142", 0, 1), "", TEMPORARY, None),
        (Address("VERIZON", 5, 0), "", OK, None),
        (Address("12125550142", 5, 0), "", OK, None),
        (Address("7726", 3, 0), "", OK, None),
        (Address("", 0, 0), "", OK, None),
        (Address("00000000000", 1, 1), "", OK, None),
    ],
)
async def test_people_are_told_by_their_numbers(
    source: Address, country_code: str, status: int, recipient: str | None
) -> None:
    """In E.164; one without its country is asked for again; who is no person is not kept."""
    more = {"country_code": country_code}
    async with scene(more=more) as made:
        assert await deliver(made, b"STOP", source=source) == status
        told = [e.recipient for e in made.intake.events if isinstance(e, InboundText)]
        assert told == ([] if recipient is None else [recipient])


@pytest.mark.parametrize(
    ("destination", "sender"),
    [
        (Address("14155550100", 1, 1), OURS),
        (Address("14155550100", 0, 0), OURS),
        (Address("4155550100", 2, 1), OURS),
        (Address("55555", 3, 0), "55555"),
        (Address("Retale", 5, 0), "Retale"),
        (Address("099999999999", 1, 1), "+099999999999"),
    ],
)
async def test_our_numbers_are_told_too(destination: Address, sender: str) -> None:
    """E.164, short codes and names; one that cannot be is kept as it is, with the text."""
    async with scene(more={"country_code": "1"}) as made:
        assert await deliver(made, b"STOP", destination=destination) == OK
        assert [e.sender for e in made.intake.events if isinstance(e, InboundText)] == [sender]


# --- Parts ---------------------------------------------------------------------------------------

LONG = "The first of what I want to say is long. " * 8 + "Bye"


async def test_a_long_text_is_durable_before_any_of_its_parts_is_answered() -> None:
    """The parts come in any order, without waiting for each other's answers."""
    async with scene(inbox={"hold_seconds": 60.0}) as made:
        text = parts_of(LONG)
        early = [asyncio.create_task(deliver_part(made, text, n)) for n in (3, 1)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in early)
        assert await deliver_part(made, text, 2) == OK
        assert set(await asyncio.gather(*early)) == {OK}
        assert made.intake.bodies == [LONG]


async def test_parts_by_tagged_values_and_long_references() -> None:
    """sar_ values join the parts as a header does."""
    async with scene() as made:
        halves = [(1, b"It is "), (2, b"over")]
        sent = [
            deliver(
                made,
                half,
                tagged={
                    Tag.SAR_MESSAGE_REFERENCE: b"\x12\x34",
                    Tag.SAR_TOTAL_SEGMENTS: b"\2",
                    Tag.SAR_SEGMENT_NUMBER: bytes((number,)),
                },
            )
            for number, half in halves
        ]
        assert await asyncio.gather(*sent) == [OK, OK]
        assert made.intake.bodies == ["It is over"]


async def test_an_smsc_that_waits_for_each_answer_gets_it() -> None:
    """The answer to a part is not held for longer than a moment; the text still becomes whole."""
    async with scene(inbox={"hold_seconds": 0.05}) as made:
        text = parts_of(LONG)
        assert [await deliver_part(made, text, n) for n in (1, 2, 3)] == [OK, OK, OK]
        assert made.intake.bodies == [LONG]


async def test_an_opt_out_in_the_beginning_is_durable_before_its_answer() -> None:
    """It does not wait for the rest; the whole text is taken too when it is there."""
    body = "Please stop texting me. " + "I have told you so, more than once. " * 6
    async with scene(inbox={"hold_seconds": 60.0}) as made:
        text = parts_of(body)
        assert await deliver_part(made, text, 1) == OK
        assert made.intake.bodies == [body[:153]]
        assert await deliver_part(made, text, 2) == OK
        assert made.intake.bodies == [body[:153], body]


async def test_an_opt_out_in_any_part_is_durable_before_its_answer() -> None:
    """Also where the first part went to another process; a lone word may be half a sentence."""
    body = "I have told you so, more than once, and now for the last time I say " * 3
    asking, word = f"{body[:153]}please stop texting me", f"{body[:153]}    stop    "
    for text, kept in ((asking, ["please stop texting me"]), (word, [])):
        async with scene(inbox={"hold_seconds": 0.02}) as made:
            assert await deliver_part(made, parts_of(text), 2) == OK
            assert made.intake.bodies == kept


async def test_what_does_not_become_whole_is_taken_as_it_is() -> None:
    """After a time, with a gap where a part is missing; kept trying until it is durable."""
    async with scene(
        inbox={"hold_seconds": 0.02, "wait_seconds": 0.2, "retry_seconds": 0.02}
    ) as made:
        text = parts_of(LONG)
        # Both at once: the time that the rest is waited for is short here.
        told = await asyncio.gather(*(deliver_part(made, text, n) for n in (1, 3)))
        assert told == [OK, OK]
        made.intake.is_away = True
        await asyncio.sleep(0.3)
        made.intake.is_away = False
        await made.intake.until(1)
        assert made.intake.bodies == [f"{LONG[:153]} … {LONG[306:]}"]


async def test_a_whole_text_that_cannot_be_kept_is_finished_when_its_part_comes_again() -> None:
    """The last part is asked for again; what was answered before is not lost."""
    async with scene(inbox={"hold_seconds": 0.02}) as made:
        text = parts_of("x" * 200)
        assert await deliver_part(made, text, 1) == OK
        made.intake.is_away = True
        assert await deliver_part(made, text, 2) == TEMPORARY
        made.intake.is_away = False
        assert await deliver_part(made, text, 2) == OK
        assert made.intake.bodies == ["x" * 200]


async def test_a_reference_that_comes_again_begins_another_text() -> None:
    """Another wording in the same place is another text: the older one is taken as it is."""
    async with scene(inbox={"hold_seconds": 0.02}) as made:
        old, new = parts_of("a" * 200), parts_of("b" * 200)
        assert await deliver_part(made, old, 1) == OK
        assert [await deliver_part(made, new, n) for n in (1, 2)] == [OK, OK]
        await made.intake.until(2)
        assert sorted(made.intake.bodies) == ["a" * 153, "b" * 200]


async def test_the_same_part_twice_is_one_part() -> None:
    """An answer that was lost makes a part come again."""
    async with scene(inbox={"hold_seconds": 0.02}) as made:
        text = parts_of("a" * 200)
        assert [await deliver_part(made, text, n) for n in (1, 1, 2)] == [OK, OK, OK]
        assert made.intake.bodies == ["a" * 200]


async def test_texts_that_are_not_whole_are_bounded() -> None:
    """The oldest is taken as it is when there are too many, and all are at the end."""
    async with scene(inbox={"hold_seconds": 0.0, "wait_seconds": 600.0}) as made:
        for number in range(GROUPS_MAX + 1):
            source = Address(f"1212{5550000 + number:07}", 1, 1)
            assert await deliver_part(made, parts_of("a" * 200), 1, source=source) == OK
        await made.intake.until(1)
        assert len(made.intake.events) == 1
    assert len(made.intake.events) == GROUPS_MAX + 1


# --- Repeats -------------------------------------------------------------------------------------


async def test_a_text_whose_answer_was_lost_is_known_when_it_comes_again() -> None:
    """It has the same name by the next connection, once; an opt-out has a new one each time."""
    async with scene(inbox={"settled_seconds": 60.0}) as made:
        for _ in range(2):
            assert await deliver(made, b"Hi") == OK
            assert await deliver(made, b"STOP") == OK
            before = made.smsc.connections
            made.smsc.drop()
            await made.smsc.until_bound(before + 1)
            assert await made.carrier.link.wait_bound(60) is not None
        assert await deliver(made, b"Hi") == OK
        assert await deliver(made, b"Hi") == OK
        names = [e.carrier_message_id for e in made.intake.events if isinstance(e, InboundText)]
        hi = [n for n, body in zip(names, made.intake.bodies, strict=True) if body == "Hi"]
        stops = [n for n, body in zip(names, made.intake.bodies, strict=True) if body == "STOP"]
        assert len(set(stops)) == 2
        assert hi[0] == hi[1] == hi[2] != hi[3]


async def test_a_text_whose_answer_has_arrived_is_another_text_when_it_comes_again() -> None:
    """The connection lived on after the answer: who writes the same again has written twice."""
    async with scene(inbox={"settled_seconds": 0.01}) as made:
        for times in (1, 2):
            assert await deliver(made, b"Hi") == OK
            await asyncio.sleep(0.03)
            made.smsc.drop()
            await made.smsc.until_bound(times + 1)
            assert await made.carrier.link.wait_bound(60) is not None
        names = {e.carrier_message_id for e in made.intake.events if isinstance(e, InboundText)}
        assert len(names) == 2


# --- Receipts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "status", "error", "opted_out"),
    [
        (b"id:7 stat:DELIVRD err:000", MessageStatus.DELIVERED, None, False),
        (b"id:7 stat:DELIVRD err:1110", MessageStatus.DELIVERED, None, False),
        (b"id:7 stat:UNDELIV err:045", MessageStatus.UNDELIVERED, "045", False),
        (b"id:7 stat:UNDELIV err:1110", MessageStatus.UNDELIVERED, "1110", True),
        (b"id:7 stat:REJECTD err:01110", MessageStatus.FAILED, "01110", True),
        (b"id:7 stat:EXPIRED", MessageStatus.UNDELIVERED, "EXPIRED", False),
        (b"id:7 stat:ENROUTE", MessageStatus.SENT, None, False),
        (b"id:7 stat:ODDITY", MessageStatus.SENT, None, False),
    ],
)
async def test_receipts_say_what_became_of_a_text(
    sentence: bytes, status: MessageStatus, error: str | None, *, opted_out: bool
) -> None:
    """States and errors; only a code that the operator named says that somebody opted out."""
    async with scene(more={"opted_out_codes": "0x456, 1110"}) as made:
        assert await deliver(made, sentence, esm_class=RECEIPT) == OK
        assert made.intake.events == [
            StatusReport("7", PERSON, OURS, status, error_code=error, opted_out=opted_out)
        ]


@pytest.mark.parametrize(
    ("ids", "answered", "receipted"),
    [("hex", "00002B67", "11111"), ("decimal", "11111", "2b67"), ("", "2B67", "2B67")],
)
async def test_ids_of_answers_and_receipts_are_brought_together(
    ids: str, answered: str, receipted: str
) -> None:
    """Vendors write the same number in two ways; the text is found by it."""

    def answer(pdu: PDU) -> PDU | None:
        is_text = pdu.command == Command.SUBMIT_SM
        return pdu.answer(body=answered.encode() + b"\0") if is_text else accept(pdu)

    async with scene(answer, more={"message_ids": ids}) as made:
        accepted = await made.carrier.submit(TEXT, OPEN)
        await deliver(made, f"id:{receipted} stat:DELIVRD".encode(), esm_class=RECEIPT)
        [report] = made.intake.events
        assert isinstance(accepted, Accepted)
        assert isinstance(report, StatusReport)
        assert report.carrier_message_id == accepted.carrier_message_id


async def test_an_id_that_is_no_number_stays_as_it_is() -> None:
    """Whatever the account says of ids, one that is none of the kind is taken as it is."""
    async with scene(more={"message_ids": "hex"}) as made:
        await deliver(made, b"id:x-1 stat:DELIVRD", esm_class=RECEIPT)
        assert [
            e.carrier_message_id for e in made.intake.events if isinstance(e, StatusReport)
        ] == ["x-1"]


@pytest.mark.parametrize(
    ("body", "kept"), [(b"STOP", ["STOP"]), (b"stat:DELIVRD", []), (b"Hello", [])]
)
async def test_what_calls_itself_a_receipt_and_is_none(body: bytes, kept: list[str]) -> None:
    """An opt-out in it counts; as an ordinary text it would count as consent, so it is none."""
    async with scene() as made:
        assert await deliver(made, body, esm_class=RECEIPT) == OK
        assert made.intake.bodies == kept


async def test_a_receipt_of_nobody_is_answered_and_let_go() -> None:
    """Without a person's number nothing can be said of anybody."""
    async with scene() as made:
        sentence = b"id:7 stat:DELIVRD"
        source = Address("NOBODY", 5, 0)
        assert await deliver(made, sentence, esm_class=RECEIPT, source=source) == OK
        assert made.intake.events == []


async def test_a_receipt_that_a_person_typed_is_a_text() -> None:
    """The wording proves nothing."""
    async with scene() as made:
        assert await deliver(made, b"id:7 stat:DELIVRD", source=PERSON_ADDRESS) == OK
        assert made.intake.bodies == ["id:7 stat:DELIVRD"]
