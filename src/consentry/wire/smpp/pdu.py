"""Frames: what goes over the connection, one after the other (section 3.2)."""

import struct
from enum import IntEnum
from typing import Final

import msgspec

HEADER_BYTES: Final = 16
PDU_BYTES_MAX: Final = 70_000
"""A message_payload has up to 65,535 octets; nothing that may come is much longer."""

SEQUENCE_MAX: Final = 0x7FFFFFFF
_RESPONSE: Final = 0x80000000
_HEADER: Final = struct.Struct(">IIII")


class Command(IntEnum):
    """What a frame asks for (5.1.2.1); the answer to it has the highest bit set."""

    GENERIC_NACK = 0x80000000
    BIND_TRANSMITTER = 0x00000002
    BIND_TRANSMITTER_RESP = 0x80000002
    SUBMIT_SM = 0x00000004
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM = 0x00000005
    DELIVER_SM_RESP = 0x80000005
    UNBIND = 0x00000006
    UNBIND_RESP = 0x80000006
    BIND_TRANSCEIVER = 0x00000009
    BIND_TRANSCEIVER_RESP = 0x80000009
    OUTBIND = 0x0000000B
    ENQUIRE_LINK = 0x00000015
    ENQUIRE_LINK_RESP = 0x80000015
    ALERT_NOTIFICATION = 0x00000102
    DATA_SM = 0x00000103
    DATA_SM_RESP = 0x80000103


class Status(IntEnum):
    """The codes of an answer that the program itself says or asks for (5.1.3)."""

    OK = 0x00
    INVALID_COMMAND_LENGTH = 0x02
    INVALID_COMMAND_ID = 0x03
    BIND_FAILED = 0x0D
    INVALID_PASSWORD = 0x0E
    INVALID_SYSTEM_ID = 0x0F
    MESSAGE_QUEUE_FULL = 0x14
    THROTTLED = 0x58
    TEMPORARY_FAILURE = 0x64


class PDU(msgspec.Struct, frozen=True):
    """One frame. `command` and `status` are numbers, because a peer may send any."""

    command: int
    sequence: int
    status: int = Status.OK
    body: bytes = b""

    @property
    def is_response(self) -> bool:
        """Tell whether it answers a request; generic_nack does too."""
        return self.command & _RESPONSE != 0

    def answer(self, status: int = Status.OK, body: bytes = b"") -> "PDU":
        """Write the answer to a request; one with an error has no body (3.2)."""
        return PDU(self.command | _RESPONSE, self.sequence, status, b"" if status else body)


class FrameError(ValueError):
    """The length of a frame cannot be: where the next one begins is not known any more."""


class BodyError(ValueError):
    """The body of a frame cannot be read; the next frame can."""


def encode_pdu(pdu: PDU) -> bytes:
    """Write a frame."""
    length = HEADER_BYTES + len(pdu.body)
    return _HEADER.pack(length, pdu.command, pdu.status, pdu.sequence) + pdu.body


class FrameReader:
    """Cuts what comes in pieces into frames."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._octets = bytearray()

    def read(self, octets: bytes) -> list[PDU]:
        """Take a piece and give the frames that are whole by now; raises `FrameError`.

        Frames before the one that cannot be are given first: the error comes at the next call.
        """
        self._octets += octets
        frames: list[PDU] = []
        while len(self._octets) >= HEADER_BYTES:
            length, command, status, sequence = _HEADER.unpack_from(self._octets)
            if not HEADER_BYTES <= length <= PDU_BYTES_MAX:
                if frames:
                    break
                raise FrameError(f"A frame says that it has {length} octets.")
            if len(self._octets) < length:
                break
            body = bytes(self._octets[HEADER_BYTES:length])
            del self._octets[:length]
            frames.append(PDU(command, sequence, status, body))
        return frames
