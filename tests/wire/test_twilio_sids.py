"""Twilio's names for our messages."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentry.clock import SystemIds
from consentry.wire.twilio_sids import NoSid, build_message_sid, last_id_of, parse_message_sid

pytestmark = pytest.mark.unit


@pytest.mark.property
@given(st.integers(0, 2**128 - 1), st.sampled_from(["SM", "MM"]))
def test_a_sid_and_its_message_are_one(number: int, kind: str) -> None:
    """Every sid of Twilio's shape names one id, and that id has the sid again."""
    sid = f"{kind}{number:032x}"
    message_id = parse_message_sid(sid)
    assert message_id is not None
    assert build_message_sid(message_id, media=kind == "MM") == sid


def test_ids_as_they_are_made_have_sids() -> None:
    """What the product gives its messages can be named, and found again by the name."""
    made = [SystemIds().new("msg") for _ in range(100)]
    sids = [build_message_sid(message_id) for message_id in made]
    assert [parse_message_sid(sid) for sid in sids] == made
    assert all(len(sid) == 34 and sid.startswith("SM") for sid in sids)


def test_a_known_pair() -> None:
    """The bits are the same in both bases; upper and lower case of a sid name the same message."""
    assert build_message_sid("msg_7ZZZZZZZZZZZZZZZZZZZZZZZZZ", media=2) == "MM" + "f" * 32
    assert build_message_sid("msg_00000000000000000000000010") == "SM" + "0" * 30 + "20"
    assert parse_message_sid("SM" + "F" * 32) == "msg_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"


@pytest.mark.parametrize(
    "message_id",
    [
        "",
        "msg_",
        "ent_01K9ZV00000000000000000000",
        "msg_01K9ZV0000000000000000000",
        "msg_01K9ZV000000000000000000000",
        "msg_01K9ZV0000000000000000000U",
        "msg_01k9zv00000000000000000000",
        "msg_80000000000000000000000000",
    ],
)
def test_what_is_no_id_has_no_sid(message_id: str) -> None:
    """Another prefix, another length, another alphabet or more than 128 bits is an error."""
    with pytest.raises(NoSid, match="not the id of a message"):
        build_message_sid(message_id)


@pytest.mark.parametrize(
    "sid",
    [
        "",
        "SM",
        "SM" + "0" * 31,
        "SM" + "0" * 33,
        "XX" + "0" * 32,
        "SM" + "g" * 32,
        "SM" + "0" * 32 + "\n",
    ],
)
def test_what_cannot_be_ours_is_nobodys(sid: str) -> None:
    """A sid of another shape names no message."""
    assert parse_message_sid(sid) is None


def test_the_last_id_of_a_moment() -> None:
    """What is made in that millisecond is no later, what is made after it is; times have ends."""
    before = datetime.now(UTC)
    made = SystemIds().new("msg")
    after = datetime.now(UTC) + timedelta(milliseconds=1)
    assert last_id_of(before - timedelta(milliseconds=1)) < made <= last_id_of(after)
    ends = [datetime.min.replace(tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)]
    assert {last_id_of(end) for end in ends} == {"msg_0000000000ZZZZZZZZZZZZZZZZ"}
    assert last_id_of(datetime.max.replace(tzinfo=UTC)) < "msg_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"
