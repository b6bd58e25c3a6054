"""SMPP's frames against a foreign codec, and a foreign client against an SMSC by our codec."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib import consts
from smpplib import smpp as foreign
from smpplib.client import Client, SimpleSequenceGenerator
from smpplib.gsm import gsm_encode, make_parts

from consentry.carriers.smpp.reassembly import Group
from consentry.wire.gsm7 import encode_gsm7
from consentry.wire.smpp.pdu import PDU, Command, FrameReader, encode_pdu
from consentry.wire.smpp.requests import (
    Address,
    Bind,
    ShortMessage,
    decode_short_message,
    encode_bind,
    encode_short_message,
)
from consentry.wire.smpp.texts import encode_text, read_text
from scripted_smsc import scripted_smsc

pytestmark = [pytest.mark.integration]

NOBODY = SimpleSequenceGenerator()
digits = st.from_regex(r"[0-9]{1,15}", fullmatch=True)
# Their table has a backtick for `§`, and takes a backtick for it.
letters = st.text(st.sampled_from('@£$¥èùÇ\nΔ_ΦΩÆß!"#¤%019AZÄÖÜ¿azäöñà^{}\\[~]|€'), max_size=150)


@given(letters)
def test_they_write_the_gsm_alphabet_as_we_do(text: str) -> None:
    """Every letter has the same octets, extended ones too."""
    assert encode_gsm7(text) == gsm_encode(text)


@given(digits, digits, st.binary(min_size=1, max_size=254), st.sampled_from([0, 3, 8]))
def test_they_read_what_we_write(source: str, target: str, octets: bytes, coding: int) -> None:
    """A submit_sm of ours has the same fields to them."""
    message = ShortMessage(
        Address(source, 1, 1),
        Address(target, 1, 1),
        octets,
        esm_class=64,
        data_coding=coding,
        registered_delivery=1,
    )
    octets_of_it = encode_pdu(PDU(Command.SUBMIT_SM, 77, body=encode_short_message(message)))
    read = foreign.parse_pdu(octets_of_it, client=NOBODY, allow_unknown_opt_params=True)
    assert (read.command, read.sequence, read.length) == ("submit_sm", 77, len(octets_of_it))
    assert (read.source_addr, read.destination_addr) == (source.encode(), target.encode())
    assert (read.source_addr_ton, read.dest_addr_npi) == (1, 1)
    assert (read.esm_class, read.data_coding, read.registered_delivery) == (64, coding, 1)
    assert read.short_message == octets


@given(digits, digits, st.binary(max_size=254))
def test_we_read_what_they_write(source: str, target: str, octets: bytes) -> None:
    """A deliver_sm of theirs has the same fields to us."""
    written = foreign.make_pdu(
        "deliver_sm",
        client=NOBODY,
        source_addr_ton=1,
        source_addr=source,
        dest_addr_ton=5,
        destination_addr=target,
        short_message=octets,
        data_coding=8,
        esm_class=4,
    )
    written.sequence = 9
    [pdu] = FrameReader().read(written.generate())
    assert (pdu.command, pdu.sequence, pdu.status) == (Command.DELIVER_SM, 9, 0)
    read = decode_short_message(pdu.body)
    assert (read.source.digits, read.destination.digits) == (source, target)
    assert (read.source.ton, read.destination.ton) == (1, 5)
    assert (read.octets, read.data_coding, read.esm_class) == (octets, 8, 4)


def test_they_read_our_bind() -> None:
    """Who binds, with what, and as which version."""
    bind = Bind("me", "secret", "WWW", Address("^1415", 1, 1))
    octets = encode_pdu(PDU(Command.BIND_TRANSCEIVER, 1, body=encode_bind(bind)))
    read = foreign.parse_pdu(octets, client=NOBODY)
    assert (read.command, read.interface_version) == ("bind_transceiver", 0x34)
    assert (read.system_id, read.password) == (b"me", b"secret")
    assert (read.system_type, read.address_range) == (b"WWW", b"^1415")


TEXTS = ("Hello", "x" * 400, "Прекратите " * 20)


def run_client(port: int) -> list[str]:
    """Bind, send texts, hear what is delivered, be asked and ask, and take leave; in a thread."""
    heard: list[str] = []
    client = Client("127.0.0.1", port, allow_unknown_opt_params=True)
    client.set_message_sent_handler(lambda pdu: heard.append(pdu.message_id.decode()))
    client.set_message_received_handler(lambda pdu: heard.append(pdu.short_message.decode()))
    client.connect()
    client.bind_transceiver(system_id="them", password="theirs")
    for text in TEXTS:
        parts, coding, esm_class = make_parts(text)
        for part in parts:
            client.send_message(
                source_addr_ton=1,
                source_addr="14155550100",
                dest_addr_ton=1,
                destination_addr="12125550142",
                short_message=part,
                data_coding=coding,
                esm_class=esm_class,
            )
            client.read_once()
    client.send_pdu(foreign.make_pdu("enquire_link", client=client))
    # The answer, what was delivered, and the other side's own question.
    for _ in range(3):
        client.read_once()
    client.unbind()
    client.disconnect()
    return heard


async def test_a_foreign_client_talks_to_an_smsc_by_our_codec() -> None:
    """It binds, its texts of all lengths and alphabets are read, and it reads what is delivered."""
    async with scripted_smsc() as smsc:
        client = asyncio.create_task(asyncio.to_thread(run_client, smsc.port))
        await smsc.until(lambda: smsc.count(Command.ENQUIRE_LINK))
        answered = await smsc.deliver(b"STOP")
        assert (answered.command, answered.status) == (Command.DELIVER_SM_RESP, 0)
        assert (await smsc.ask(Command.ENQUIRE_LINK)).command == Command.ENQUIRE_LINK_RESP
        heard = await client
        assert heard[-1] == "STOP"
        assert heard[:-1] == [f"M{number}" for number in range(*heard_ids(smsc.seen))]
        read: list[str] = []
        group: Group | None = None
        for message in smsc.texts():
            body, part = read_text(message)
            if part is None:
                read.append(body)
                continue
            group = group or Group(("", ""), part.total)
            group.parts[part.number] = body
            if group.is_whole:
                read.append(group.text)
                group = None
        assert tuple(read) == TEXTS
        assert smsc.count(Command.UNBIND) == 1


def heard_ids(seen: list[PDU]) -> tuple[int, int]:
    """The numbers of the frames with texts: they follow each other."""
    numbers = [pdu.sequence for pdu in seen if pdu.command == Command.SUBMIT_SM]
    return numbers[0], numbers[-1] + 1


def test_their_parts_are_ours() -> None:
    """A long text of plain letters is cut where they cut it, under the same kind of header."""
    parts, coding, esm_class = make_parts("x" * 400, consts.SMPP_ENCODING_DEFAULT)
    ours = encode_text("x" * 400, parts[0][3])
    assert (list(ours.parts), ours.data_coding, ours.esm_class) == (parts, coding, esm_class)
