"""A conversation that was put away by mistake comes back."""

import pytest

from action_world import World
from consent_world import LONG, PERSON
from consentry.actions.mark_conversation import MarkConversation, ReopenConversation
from consentry.ports import ConversationMark

pytestmark = pytest.mark.unit


def marks(world: World) -> ConversationMark | None:
    """Look at the mark."""
    return world.store.marks.get((PERSON, LONG.number))


def test_reopening_takes_back_that_it_is_done_and_nothing_else() -> None:
    """It was read all the same; one that is open, or was never looked at, stays as it is."""
    world = World()
    reopen = ReopenConversation(PERSON, LONG.number)
    world.store.run(reopen)
    assert marks(world) is None
    world.store.run(MarkConversation(PERSON, LONG.number, done="msg_7"))
    world.store.run(reopen)
    assert marks(world) == ConversationMark(PERSON, LONG.number, read="msg_7")
    world.store.run(reopen)
    assert marks(world) == ConversationMark(PERSON, LONG.number, read="msg_7")
