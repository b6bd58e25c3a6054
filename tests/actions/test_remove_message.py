"""Hiding a text from programs: the words or all of it, with a note, and nothing lost."""

import pytest

from action_world import KEY, World
from consent_world import PERSON
from consentry.actions.remove_message import RemoveMessage
from consentry.domain.entries import EntryKind
from consentry.domain.messages import Removal
from consentry.ports import Rejected

pytestmark = pytest.mark.unit


def remove(message: str, removal: Removal) -> RemoveMessage:
    """Hide a text in the name of a key."""
    return RemoveMessage(message, PERSON, removal, KEY)


def test_a_removed_text_is_marked_and_kept() -> None:
    """The mark and a note with the program's name are new; words and ledger are as they were."""
    world = World()
    world.receive("Hello")
    sent = world.sent("Your code is 1234")
    before = list(world.store.entries)
    world.clock.advance(seconds=1)
    redacted = world.store.run(remove(sent.id, Removal.BODY))
    assert redacted.removal is Removal.BODY
    assert redacted.body == "Your code is 1234"
    deleted = world.store.run(remove(sent.id, Removal.WHOLE))
    assert deleted.removal is Removal.WHOLE
    assert world.store.entries[: len(before)] == before
    notes = world.store.entries[len(before) :]
    assert [(note.kind, note.actor, note.message) for note in notes] == [
        (EntryKind.NOTE_ADDED, KEY, sent.id)
    ] * 2
    assert all("1234" not in (note.text or "") for note in notes)


def test_removing_again_changes_nothing() -> None:
    """What is deleted stays deleted when it is deleted or redacted again, without another note."""
    world = World()
    world.receive("Hello")
    sent = world.sent("Hi")
    deleted = world.store.run(remove(sent.id, Removal.WHOLE))
    before = list(world.store.entries)
    for removal in Removal:
        assert world.store.run(remove(sent.id, removal)) == deleted
    assert world.store.entries == before


def test_a_text_under_way_is_not_removed() -> None:
    """A queued text and one that is with the carrier are refused, and so is an unknown one."""
    world = World()
    world.receive("Hello")
    for message in (world.send("Queued").message, "msg_unknown"):
        assert message is not None
        with pytest.raises(Rejected) as refused:
            world.store.run(remove(message, Removal.WHOLE))
        assert refused.value.code == ("not_found" if "unknown" in message else "not_settled")
    world.claim()
    sending = next(iter(m for m in world.store.messages.values() if m.body == "Queued"))
    with pytest.raises(Rejected, match="under way"):
        world.store.run(remove(sending.id, Removal.BODY))
