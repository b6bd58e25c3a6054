"""What bodies are made of: octets, texts that end with a zero, and tagged values (3.1)."""

from collections.abc import Mapping
from enum import IntEnum

from consentry.wire.smpp.pdu import BodyError


class Tag(IntEnum):
    """Optional parameters that are read or written (5.3.2)."""

    RECEIPTED_MESSAGE_ID = 0x001E
    SAR_MESSAGE_REFERENCE = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_NUMBER = 0x020F
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


class BodyReader:
    """Reads a body from its beginning to its end."""

    def __init__(self, body: bytes) -> None:
        """Begin at the beginning."""
        self._body = body
        self._at = 0

    def octet(self, name: str) -> int:
        """Read a number of one octet; raises `BodyError`."""
        return self.octets(name, 1)[0]

    def octets(self, name: str, count: int) -> bytes:
        """Read so many octets; raises `BodyError`."""
        end = self._at + count
        if end > len(self._body):
            raise BodyError(f"It ends in the middle of {name}.")
        octets, self._at = self._body[self._at : end], end
        return octets

    def text(self, name: str) -> str:
        """Read a text that ends with a zero; raises `BodyError`.

        The protocol says ASCII; what else comes is kept, octet by octet.
        """
        end = self._body.find(0, self._at)
        if end < 0:
            raise BodyError(f"{name} has no end.")
        octets, self._at = self._body[self._at : end], end + 1
        return octets.decode("latin-1")

    def tagged(self) -> dict[int, bytes]:
        """Read what is left as tagged values; of two with one tag the first counts.

        A value that is cut off is left out: what stands before it was said all the same.
        """
        values: dict[int, bytes] = {}
        while self._at + 4 <= len(self._body):
            tag = int.from_bytes(self._body[self._at : self._at + 2], "big")
            length = int.from_bytes(self._body[self._at + 2 : self._at + 4], "big")
            begin, end = self._at + 4, self._at + 4 + length
            if end > len(self._body):
                break
            values.setdefault(tag, self._body[begin:end])
            self._at = end
        return values


def write_text(name: str, text: str, octets_max: int) -> bytes:
    """Write a text with its zero, at most `octets_max` with it; raises ValueError."""
    octets = text.encode("latin-1", "replace")
    if b"\0" in octets or len(octets) >= octets_max:
        raise ValueError(f"{name} is too long: at most {octets_max - 1} characters go into it.")
    return octets + b"\0"


def write_tagged(values: Mapping[int, bytes]) -> bytes:
    """Write tagged values."""
    return b"".join(
        tag.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value
        for tag, value in values.items()
    )
