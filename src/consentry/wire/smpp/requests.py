"""The bodies of requests and answers: bind, submit_sm, deliver_sm, data_sm (section 4)."""

from collections.abc import Mapping
from typing import Final

import msgspec

from consentry.wire.smpp.fields import BodyReader, Tag, write_tagged, write_text

VERSION: Final = 0x34
SHORT_MESSAGE_BYTES_MAX: Final = 254
_ADDRESS_BYTES: Final = 21
_MESSAGE_ID_BYTES: Final = 65


class Address(msgspec.Struct, frozen=True):
    """A number or name, its kind (`ton`: 1 international, 3 network, 5 alphanumeric) and plan."""

    digits: str = ""
    ton: int = 0
    npi: int = 0


class Bind(msgspec.Struct, frozen=True):
    """Who binds. The protocol has 8 octets for a password; vendors give longer ones."""

    system_id: str
    password: str
    system_type: str = ""
    address_range: Address = Address()


class ShortMessage(msgspec.Struct, frozen=True):
    """A text on its way, as submit_sm, deliver_sm and data_sm carry it."""

    source: Address
    destination: Address
    message: bytes
    esm_class: int = 0
    data_coding: int = 0
    registered_delivery: int = 0
    service_type: str = ""
    tagged: Mapping[int, bytes] = {}

    @property
    def octets(self) -> bytes:
        """The text's octets, wherever they stand: the short message, else the payload."""
        return self.message or self.tagged.get(Tag.MESSAGE_PAYLOAD, b"")


def encode_bind(bind: Bind) -> bytes:
    """Write the body of a bind (4.1); raises ValueError where something is too long."""
    return b"".join(
        (
            write_text("The system id", bind.system_id, 65),
            write_text("The password", bind.password, 65),
            write_text("The system type", bind.system_type, 13),
            bytes((VERSION, bind.address_range.ton, bind.address_range.npi)),
            write_text("The address range", bind.address_range.digits, 41),
        )
    )


def encode_short_message(message: ShortMessage) -> bytes:
    """Write the body of submit_sm or deliver_sm (4.4.1, 4.6.1); raises ValueError.

    Too long for the short message, the text goes into the payload.
    """
    short, tagged = message.message, dict(message.tagged)
    if len(short) > SHORT_MESSAGE_BYTES_MAX:
        short, tagged = b"", {Tag.MESSAGE_PAYLOAD: short, **tagged}
    return b"".join(
        (
            write_text("The service type", message.service_type, 6),
            _write_address(message.source),
            _write_address(message.destination),
            # Protocol, priority, no time of delivery, no validity of its own.
            bytes((message.esm_class, 0, 0, 0, 0)),
            bytes((message.registered_delivery, 0, message.data_coding, 0, len(short))),
            short,
            write_tagged(tagged),
        )
    )


def decode_short_message(body: bytes) -> ShortMessage:
    """Read the body of submit_sm or deliver_sm; raises `BodyError`."""
    reader = BodyReader(body)
    service_type = reader.text("the service type")
    source, destination = _read_address(reader), _read_address(reader)
    esm_class, _, _ = reader.octets("the classes", 3)
    reader.text("the time of delivery")
    reader.text("the validity")
    registered_delivery, _, data_coding, _, length = reader.octets("the options", 5)
    message = reader.octets("the text", length)
    return ShortMessage(
        source=source,
        destination=destination,
        message=message,
        esm_class=esm_class,
        data_coding=data_coding,
        registered_delivery=registered_delivery,
        service_type=service_type,
        tagged=reader.tagged(),
    )


def decode_data_message(body: bytes) -> ShortMessage:
    """Read the body of data_sm (4.7.1), whose text is always a payload; raises `BodyError`."""
    reader = BodyReader(body)
    service_type = reader.text("the service type")
    source, destination = _read_address(reader), _read_address(reader)
    esm_class, registered_delivery, data_coding = reader.octets("the options", 3)
    return ShortMessage(
        source=source,
        destination=destination,
        message=b"",
        esm_class=esm_class,
        data_coding=data_coding,
        registered_delivery=registered_delivery,
        service_type=service_type,
        tagged=reader.tagged(),
    )


def encode_message_id(message_id: str) -> bytes:
    """Write the body of an answer that names a text."""
    return write_text("The message id", message_id, _MESSAGE_ID_BYTES)


def decode_message_id(body: bytes) -> str:
    """Read the id out of submit_sm_resp; some leave the body or its zero away."""
    return body.partition(b"\0")[0].decode("latin-1").strip()


def _write_address(address: Address) -> bytes:
    return bytes((address.ton, address.npi)) + write_text(
        "The address", address.digits, _ADDRESS_BYTES
    )


def _read_address(reader: BodyReader) -> Address:
    ton, npi = reader.octet("the kind of number"), reader.octet("the numbering plan")
    return Address(reader.text("the address"), ton, npi)
