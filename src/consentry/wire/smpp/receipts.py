"""Delivery receipts: the state of a text, by tagged values or the usual sentence (appendix B)."""

import re
from enum import StrEnum
from typing import Final

import msgspec

from consentry.wire.smpp.fields import Tag
from consentry.wire.smpp.requests import ShortMessage
from consentry.wire.smpp.texts import decode_octets

_KIND_MASK: Final = 0x3C
_RECEIPT_KINDS: Final = frozenset({0x04, 0x20})
_PAIR: Final = re.compile(r"(?:^|\s)(id|stat|err):\s*([^\s:]+)", re.IGNORECASE)
_QUOTE: Final = re.compile(r"\stext:", re.IGNORECASE)
_KEY_LENGTH: Final = 5
_SENTENCE_BYTES_MAX: Final = 1000


class State(StrEnum):
    """What a receipt says of a text (5.2.28), by the beginning of its name in the sentence."""

    SCHEDULED = "SCHED"
    EN_ROUTE = "ENROU"
    DELIVERED = "DELIV"
    EXPIRED = "EXPIR"
    DELETED = "DELET"
    UNDELIVERABLE = "UNDEL"
    ACCEPTED = "ACCEP"
    UNKNOWN = "UNKNO"
    REJECTED = "REJEC"
    SKIPPED = "SKIPP"
    FAILED = "FAILE"


_BY_NUMBER: Final = dict(enumerate(tuple(State)[:-1]))
_BY_NAME: Final = {state.value: state for state in State}


class DeliveryReceipt(msgspec.Struct, frozen=True):
    """A receipt. `message_id` is as the peer writes it; None: a state or code that says nothing."""

    message_id: str
    state: State | None
    error: str | None


def claims_receipt(message: ShortMessage) -> bool:
    """Tell whether a message says of itself that it is a receipt.

    A sentence that looks like one proves nothing: a person can type it.
    """
    tagged = message.tagged
    has_values = Tag.RECEIPTED_MESSAGE_ID in tagged and Tag.MESSAGE_STATE in tagged
    return message.esm_class & _KIND_MASK in _RECEIPT_KINDS or has_values


def read_receipt(message: ShortMessage) -> DeliveryReceipt | None:
    """Read a receipt; None where it names no text. Tagged values go before the sentence."""
    octets = message.octets[:_SENTENCE_BYTES_MAX]
    said = _read_sentence(decode_octets(octets, message.data_coding))
    named = message.tagged.get(Tag.RECEIPTED_MESSAGE_ID, b"").partition(b"\0")[0]
    message_id = named.decode("latin-1").strip() or said.get("id", "")
    if not message_id:
        return None
    state = _read_state(message.tagged.get(Tag.MESSAGE_STATE, b""), said.get("stat", ""))
    network = message.tagged.get(Tag.NETWORK_ERROR_CODE, b"")
    error = said.get("err", "")
    if not error and len(network) == 3:
        error = str(int.from_bytes(network[1:], "big"))
    return DeliveryReceipt(message_id, state, error if error.strip("0") else None)


def _read_sentence(sentence: str) -> dict[str, str]:
    """Read the pairs before the quoted text, which may hold anything."""
    told = _QUOTE.split(sentence, maxsplit=1)[0]
    pairs: dict[str, str] = {}
    for key, value in _PAIR.findall(told):
        pairs.setdefault(key.lower(), value)
    return pairs


def _read_state(number: bytes, name: str) -> State | None:
    if len(number) == 1 and number[0] in _BY_NUMBER:
        return _BY_NUMBER[number[0]]
    return _BY_NAME.get(name[:_KEY_LENGTH].upper())
