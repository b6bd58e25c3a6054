"""SMPP's frames and bodies: what is written is read, and what is broken is said."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentry.wire.smpp.fields import BodyReader, Tag, write_tagged
from consentry.wire.smpp.pdu import (
    PDU,
    PDU_BYTES_MAX,
    BodyError,
    Command,
    FrameError,
    FrameReader,
    Status,
    encode_pdu,
)
from consentry.wire.smpp.requests import (
    Address,
    Bind,
    ShortMessage,
    decode_data_message,
    decode_message_id,
    decode_short_message,
    encode_bind,
    encode_message_id,
    encode_short_message,
)
from fuzzing import fuzz

pytestmark = pytest.mark.property

words = st.integers(0, 0xFFFFFFFF)
pdus = st.builds(PDU, words, words, words, st.binary(max_size=300))
addresses = st.builds(
    Address, st.from_regex(r"[0-9A-Z]{0,20}", fullmatch=True), st.integers(0, 6), st.integers(0, 9)
)
messages = st.builds(
    ShortMessage,
    source=addresses,
    destination=addresses,
    message=st.binary(max_size=254),
    esm_class=st.integers(0, 255),
    data_coding=st.integers(0, 255),
    registered_delivery=st.integers(0, 255),
    service_type=st.sampled_from(["", "CMT", "USSD"]),
    tagged=st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=20), max_size=4),
)
SUBMIT = PDU(
    Command.SUBMIT_SM,
    7,
    body=encode_short_message(
        ShortMessage(
            Address("14155550100", 1, 1),
            Address("12125550142", 1, 1),
            b"Hello",
            registered_delivery=1,
            tagged={Tag.SAR_MESSAGE_REFERENCE: b"\x00\x07"},
        )
    ),
)


@given(st.lists(pdus, max_size=4), st.integers(1, 40))
def test_frames_come_out_of_any_pieces(frames: list[PDU], size: int) -> None:
    """However the connection cuts what was written, the same frames come out."""
    octets = b"".join(map(encode_pdu, frames))
    reader, read = FrameReader(), list[PDU]()
    for at in range(0, len(octets), size):
        read += reader.read(octets[at : at + size])
    assert read == frames


@pytest.mark.parametrize("length", [0, 15, PDU_BYTES_MAX + 1, 0xFFFFFFFF])
def test_a_frame_of_an_impossible_length_is_an_error(length: int) -> None:
    """The frames before it are given; then it is said, since nobody knows where the next begins."""
    good = encode_pdu(PDU(Command.ENQUIRE_LINK, 1))
    bad = length.to_bytes(4, "big") + bytes(12)
    reader = FrameReader()
    assert reader.read(good + bad) == [PDU(Command.ENQUIRE_LINK, 1)]
    with pytest.raises(FrameError, match=f"{length} octets"):
        reader.read(b"")


def test_an_answer_names_its_request() -> None:
    """It has the request's number and command, and no body where it says no."""
    request = PDU(Command.DELIVER_SM, 9, body=b"x")
    assert request.answer(body=b"\0") == PDU(Command.DELIVER_SM_RESP, 9, 0, b"\0")
    assert request.answer(Status.TEMPORARY_FAILURE, b"\0") == PDU(Command.DELIVER_SM_RESP, 9, 0x64)
    assert (request.is_response, request.answer().is_response) == (False, True)


@given(messages)
def test_a_text_written_is_read(message: ShortMessage) -> None:
    """Every field comes back as it was."""
    read = decode_short_message(encode_short_message(message))
    assert read == message


@given(messages, st.binary(min_size=255, max_size=400))
def test_a_long_text_goes_into_the_payload(message: ShortMessage, octets: bytes) -> None:
    """What does not fit the short message is the payload, before other tagged values."""
    tagged = {tag: v for tag, v in message.tagged.items() if tag != Tag.MESSAGE_PAYLOAD}
    long = ShortMessage(message.source, message.destination, octets, tagged=tagged)
    read = decode_short_message(encode_short_message(long))
    assert (read.message, read.octets) == (b"", octets)
    assert read.tagged == {Tag.MESSAGE_PAYLOAD: octets, **tagged}


def test_a_data_message_has_its_text_in_the_payload() -> None:
    """data_sm has fewer fields, and is the same text."""
    body = b"CMT\0\x01\x0112125550142\0\x03\x0055555\0\x04\x01\x08" + write_tagged(
        {Tag.MESSAGE_PAYLOAD: b"\0H\0i"}
    )
    read = decode_data_message(body)
    assert read.octets == b"\0H\0i"
    assert (read.service_type, read.esm_class, read.registered_delivery) == ("CMT", 4, 1)
    assert (read.source, read.destination) == (Address("12125550142", 1, 1), Address("55555", 3, 0))
    assert read.data_coding == 8


def test_a_bind_is_written_octet_by_octet() -> None:
    """System id, password, type, version 3.4, and the range of addresses."""
    bind = Bind("me", "secret", "SMPP", Address("^1415", 1, 1))
    assert encode_bind(bind) == b"me\0secret\0SMPP\0\x34\x01\x01^1415\0"


@pytest.mark.parametrize(
    "bind", [Bind("x" * 65, ""), Bind("", "y" * 65), Bind("", "", "z" * 13), Bind("a\0b", "")]
)
def test_what_does_not_fit_is_said(bind: Bind) -> None:
    """A field that is too long is an error of whoever set it up."""
    with pytest.raises(ValueError, match="is too long: at most"):
        encode_bind(bind)


def test_an_id_is_read_with_or_without_its_end() -> None:
    """Some peers leave the zero away, or the body."""
    assert decode_message_id(encode_message_id("3A7F")) == "3A7F"
    assert decode_message_id(b"3A7F") == "3A7F"
    assert decode_message_id(b"") == ""


@pytest.mark.parametrize("cut", [0, 3, 6, 20, 31, 33, 34, 38, 43])
def test_a_body_that_is_cut_is_an_error(cut: int) -> None:
    """Whichever field the body ends in, it is said that it ends there."""
    with pytest.raises(BodyError, match=r"It ends in the middle|has no end"):
        decode_short_message(SUBMIT.body[:cut])


def test_tagged_values_are_read_as_far_as_they_go() -> None:
    """The first of two counts; one that is cut off is left out, and so is what is no value."""
    octets = write_tagged({5: b"one"}) + write_tagged({5: b"two", 6: b"six"})
    assert BodyReader(octets).tagged() == {5: b"one", 6: b"six"}
    assert BodyReader(octets[:-1]).tagged() == {5: b"one"}
    assert BodyReader(octets + b"\0\x07").tagged() == {5: b"one", 6: b"six"}


@pytest.mark.fuzz
@pytest.mark.no_cover
def test_all_streams_are_frames_or_clean_errors() -> None:
    """Each gives frames whose bodies are read or refused; nothing else is raised, nothing hangs."""

    def read(octets: bytes) -> None:
        for pdu in FrameReader().read(octets):
            decode_message_id(pdu.body)
            decode = decode_data_message if pdu.command & 0x100 else decode_short_message
            message = decode(pdu.body)
            with suppress(ValueError):
                # What is longer than the protocol allows cannot be written.
                assert decode_short_message(encode_short_message(message)) == message

    deliver = PDU(Command.DELIVER_SM, 3, body=SUBMIT.body)
    data = PDU(Command.DATA_SM, 4, body=b"\0\1\0019\0\0\05\0\0\0\0\4\x24\0\1a")
    recorded = [encode_pdu(SUBMIT), encode_pdu(deliver) * 2, encode_pdu(data)]
    fuzz(read, recorded, clean=(FrameError, BodyError))
