"""What was seen, taken along, noted and read: each as the audit words it."""

import pytest

from action_world import AGENT, World
from consent_world import LONG, OTHER_PERSON, PERSON
from consentry.actions.add_note import AddNote
from consentry.actions.mark_conversation import MarkConversation
from consentry.actions.record_audit import RecordExport, RecordImport, RecordView
from consentry.domain.entries import AUDIT_KINDS, NOBODY, EntryKind
from consentry.ports import ConversationMark, Rejected

pytestmark = pytest.mark.unit


def test_a_look_at_a_customer_is_in_the_history_of_each_number() -> None:
    """One entry a number; a customer without one is recorded under nobody."""
    world = World()
    world.store.run(RecordView("cus_1", (PERSON, OTHER_PERSON), AGENT))
    world.store.run(RecordView("cus_2", (), AGENT))
    seen = [(e.kind, e.recipient, e.text, e.actor) for e in world.store.entries]
    assert seen == [
        (EntryKind.CUSTOMER_VIEWED, PERSON, "customer cus_1", AGENT),
        (EntryKind.CUSTOMER_VIEWED, OTHER_PERSON, "customer cus_1", AGENT),
        (EntryKind.CUSTOMER_VIEWED, NOBODY, "customer cus_2", AGENT),
    ]
    assert world.store.standings == {}


def test_lists_in_and_out_are_told_with_their_part_and_size() -> None:
    """What, which part, how many rows."""
    world = World()
    world.store.run(RecordExport("opt-outs", "search 415", 1234, AGENT))
    world.store.run(RecordImport("opt-outs", "", 1, AGENT))
    told = [(e.kind, e.recipient, e.text) for e in world.store.entries]
    assert told == [
        (EntryKind.EXPORTED, NOBODY, "opt-outs (search 415): 1,234 rows"),
        (EntryKind.IMPORTED, NOBODY, "opt-outs: 1 row"),
    ]
    assert {e.kind for e in world.store.entries} <= set(AUDIT_KINDS)


def test_a_note_is_in_the_history_of_the_person() -> None:
    """As typed, without the space around, and about a conversation where it is about one."""
    world = World()
    noted = world.store.run(AddNote(PERSON, " Prefers mornings.\n", AGENT, LONG.number))
    assert world.store.entries == [noted]
    assert (noted.kind, noted.recipient, noted.sender, noted.text, noted.actor) == (
        EntryKind.NOTE_ADDED,
        PERSON,
        LONG.number,
        "Prefers mornings.",
        AGENT,
    )
    assert world.standing() == world.standing(OTHER_PERSON)


@pytest.mark.parametrize(
    ("text", "code"), [("", "note_empty"), (" \n", "note_empty"), ("x" * 5001, "note_too_long")]
)
def test_a_note_that_says_nothing_or_too_much_is_refused(text: str, code: str) -> None:
    """Nothing is written."""
    world = World()
    with pytest.raises(Rejected) as rejected:
        world.store.run(AddNote(PERSON, text, AGENT))
    assert (rejected.value.code, rejected.value.status) == (code, 422)
    assert world.store.entries == []


def test_marks_only_move_on() -> None:
    """Who saw less takes nothing back; what is done was read; a repeat writes nothing."""
    world = World()
    number = LONG.number
    world.store.run(MarkConversation(PERSON, number, read="msg_2"))
    world.store.run(MarkConversation(PERSON, number, read="msg_1"))
    assert world.store.marks == {
        (PERSON, number): ConversationMark(PERSON, number, read="msg_2"),
    }
    moved = world.store.run(MarkConversation(PERSON, number, done="msg_3"))
    assert moved == ConversationMark(PERSON, number, read="msg_3", done="msg_3")
    assert world.store.run(MarkConversation(PERSON, number, read="msg_2", done="msg_2")) == moved
    assert world.store.run(MarkConversation(PERSON, number)) == moved
    assert world.store.run(MarkConversation(OTHER_PERSON, number)) == ConversationMark(
        OTHER_PERSON, number
    )
    assert world.store.entries == []
