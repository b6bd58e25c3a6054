"""SMPP's delivery receipts, as vendors write them."""

import pytest

from consentry.wire.smpp.fields import Tag
from consentry.wire.smpp.receipts import DeliveryReceipt, State, claims_receipt, read_receipt
from consentry.wire.smpp.requests import Address, ShortMessage
from fuzzing import make_inputs

pytestmark = pytest.mark.unit

USUAL = (
    b"id:7220bb6bd0be98fa sub:001 dlvrd:001 submit date:2611300213 done date:2611300214 "
    b"stat:DELIVRD err:000 text:id:1 stat:UNDELIV"
)


def receipt(sentence: bytes, esm_class: int = 4, tagged: dict[int, bytes] | None = None) -> object:
    """Read what a vendor sends."""
    message = ShortMessage(Address(), Address(), sentence, esm_class=esm_class, tagged=tagged or {})
    return read_receipt(message)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (USUAL, DeliveryReceipt("7220bb6bd0be98fa", State.DELIVERED, None)),
        (b"id:12 stat:UNDELIV err:075 text:", DeliveryReceipt("12", State.UNDELIVERABLE, "075")),
        (b"ID:12 STAT:rejectd ERR:45A", DeliveryReceipt("12", State.REJECTED, "45A")),
        (b"id: 12 stat: EXPIRED err: 1", DeliveryReceipt("12", State.EXPIRED, "1")),
        (b"id:12 submitdate:180122 stat:ACCEPTD", DeliveryReceipt("12", State.ACCEPTED, None)),
        (b"id:12 stat:WHATEVER", DeliveryReceipt("12", None, None)),
        (b"id:12", DeliveryReceipt("12", None, None)),
        (b"stat:DELIVRD", None),
        (b"STOP", None),
        (b"", None),
    ],
)
def test_the_usual_sentence_is_read(sentence: bytes, expected: object) -> None:
    """Id, state and error, in any case and spacing; the quoted text cannot say anything."""
    assert receipt(sentence) == expected


def test_tagged_values_go_before_the_sentence() -> None:
    """The id, state and network's error have fields of their own."""
    tagged = {
        Tag.RECEIPTED_MESSAGE_ID: b"abc\0",
        Tag.MESSAGE_STATE: b"\x05",
        Tag.NETWORK_ERROR_CODE: b"\x03\x04\x56",
    }
    assert receipt(b"", tagged=tagged) == DeliveryReceipt("abc", State.UNDELIVERABLE, "1110")
    assert receipt(b"id:x stat:DELIVRD err:007", tagged=tagged) == DeliveryReceipt(
        "abc", State.UNDELIVERABLE, "007"
    )


@pytest.mark.parametrize(
    ("number", "state"), [(b"\0", State.SCHEDULED), (b"\x08", State.REJECTED), (b"\x63", None)]
)
def test_states_have_numbers(number: bytes, state: State | None) -> None:
    """The states of the specification by their numbers, and none for another."""
    assert receipt(b"id:1", tagged={Tag.MESSAGE_STATE: number}) == DeliveryReceipt("1", state, None)


@pytest.mark.parametrize(
    ("esm_class", "tags", "claims"),
    [
        (0x00, (), False),
        (0x04, (), True),
        (0x20, (), True),
        (0x44, (), True),
        (0x08, (), False),
        (0x40, (), False),
        (0x00, (Tag.RECEIPTED_MESSAGE_ID, Tag.MESSAGE_STATE), True),
        (0x00, (Tag.RECEIPTED_MESSAGE_ID,), False),
    ],
)
def test_only_the_peer_can_say_that_it_is_a_receipt(
    esm_class: int, tags: tuple[Tag, ...], *, claims: bool
) -> None:
    """The class or the fields say so; a sentence that a person can type does not."""
    tagged = dict.fromkeys(tags, b"\2")
    message = ShortMessage(Address(), Address(), USUAL, esm_class=esm_class, tagged=tagged)
    assert claims_receipt(message) is claims


@pytest.mark.fuzz
@pytest.mark.no_cover
def test_all_receipts_are_receipts_or_none() -> None:
    """Whatever the sentence is, it names a text or it does not."""
    for octets in make_inputs((USUAL,), seed=4):
        read = receipt(octets)
        assert read is None or isinstance(read, DeliveryReceipt)
