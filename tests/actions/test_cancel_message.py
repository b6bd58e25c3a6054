"""A program takes a text back: only while it waits, and the ledger says who did."""

import pytest

from action_world import KEY, World
from consent_world import PERSON
from consentry.actions.cancel_message import CANCELED_BY_PROGRAM, CancelMessage
from consentry.domain.entries import EntryKind
from consentry.domain.messages import MessageStatus
from consentry.ports import Rejected

pytestmark = pytest.mark.unit


def cancel(message: str | None) -> CancelMessage:
    """Take a text back in the name of a key."""
    assert message is not None
    return CancelMessage(message, PERSON, KEY)


def test_a_waiting_text_is_canceled_and_never_leaves() -> None:
    """It is canceled, nothing of it is claimed, and the entry names the program."""
    world = World()
    world.receive("Hello")
    sent = world.send("Wait")
    message = world.store.run(cancel(sent.message))
    assert message.status is MessageStatus.CANCELED
    assert message.error_code == CANCELED_BY_PROGRAM
    assert sent.message not in {work.message.id for work in world.claim()}
    entry = world.last_entry(EntryKind.JOB_CANCELED)
    assert (entry.actor, entry.message) == (KEY, sent.message)


def test_what_is_with_the_carrier_or_unknown_is_not_canceled() -> None:
    """A claimed text, one that was sent and one that never was are refused, and nothing changes."""
    world = World()
    world.receive("Hello")
    claimed = world.send("Claimed").message
    world.claim()
    sent = world.sent("Sent").id
    before = list(world.store.entries)
    for message in (claimed, sent, "msg_unknown"):
        with pytest.raises(Rejected) as refused:
            world.store.run(cancel(message))
        assert refused.value.code == "not_cancelable"
    assert world.store.entries == before
