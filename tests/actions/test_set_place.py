"""Where a recipient is: set by somebody, kept in the ledger, taken back."""

import pytest

from action_world import AGENT, World
from consent_world import PERSON
from consentry.actions.set_place import SetPlace
from consentry.domain.entries import AUDIT_KINDS, EntryKind
from consentry.domain.standing import Place
from consentry.ports import Rejected

pytestmark = pytest.mark.unit


def test_a_place_is_kept_with_who_set_it_and_why() -> None:
    """The entry has the actor and the reason, the standing the place, and the audit lists it."""
    world = World()
    place = world.store.run(SetPlace(PERSON, AGENT, "America/Denver", "80202", "moved"))
    (entry,) = world.store.entries
    assert (entry.kind, entry.actor, entry.reason) == (EntryKind.PLACE_CHANGED, AGENT, "moved")
    assert entry.text == "America/Denver, 80202"
    assert place == Place("America/Denver", "80202", world.clock.now(), entry.id)
    assert world.standing().place == place
    assert entry.kind in AUDIT_KINDS


def test_the_same_place_again_changes_nothing_and_none_takes_it_back() -> None:
    """A repeat leaves no entry and the first time; both left out lets the number tell again."""
    world = World()
    first = world.store.run(SetPlace(PERSON, AGENT, postal_code="k1a0b1"))
    assert world.store.run(SetPlace(PERSON, AGENT, postal_code="K1A0B1")) == first
    assert len(world.store.entries) == 1
    world.store.run(SetPlace(PERSON, AGENT))
    assert world.standing().place is None
    assert world.store.run(SetPlace(PERSON, AGENT)) == Place()
    assert len(world.store.entries) == 2
    last = world.store.entries[-1]
    assert (last.reason, last.text) == (None, "by its number")


@pytest.mark.parametrize(
    ("zone", "postal_code", "told"),
    [("Mars/Base", None, "America/Denver"), (None, "00000", "time zone")],
)
def test_what_is_no_place_is_refused(zone: str | None, postal_code: str | None, told: str) -> None:
    """A zone that no database has and a code that leads nowhere are refused, with what to do."""
    world = World()
    with pytest.raises(Rejected, match=told) as refused:
        world.store.run(SetPlace(PERSON, AGENT, zone, postal_code))
    assert (refused.value.code, refused.value.status) == ("invalid_place", 422)
    assert world.store.entries == []


def test_a_stop_keeps_the_place() -> None:
    """Opting out and back in leaves where the person is."""
    world = World()
    world.store.run(SetPlace(PERSON, AGENT, "America/Denver"))
    world.receive("STOP")
    place = world.standing().place
    assert place is not None
    assert place.zone == "America/Denver"
