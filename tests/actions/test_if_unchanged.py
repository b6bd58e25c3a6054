"""A change that was made up before somebody else's is told, and made only on a second look."""

import msgspec
import pytest

from action_world import AGENT, World
from consent_world import LONG, PROMO
from consentry.actions.administer import SaveBrand, SaveProgram, SaveSender
from consentry.actions.if_unchanged import IfUnchanged, Setting
from consentry.actions.keep_agents import SaveAgent
from consentry.domain.agents import Agent, Role
from consentry.domain.directory import Brand, Program, Purpose, Sender
from consentry.domain.reading import SenderKind
from consentry.ports import Rejected
from memory_store import START

pytestmark = pytest.mark.unit

ADA = Agent("", "ada@example.org", "Ada", Role.ADMIN, START)
Command = SaveBrand | SaveSender | SaveProgram | SaveAgent


def save(setting: Setting) -> Command:
    match setting:
        case Brand():
            return SaveBrand(setting, AGENT)
        case Sender():
            return SaveSender(setting, AGENT)
        case Program():
            return SaveProgram(setting, AGENT)
        case Agent():
            return SaveAgent(setting, AGENT)


@pytest.fixture
def world() -> World:
    """A company with Ada as its admin."""
    world = World()
    world.store.run(SaveAgent(ADA))
    return world


def stored(world: World) -> dict[str, tuple[Setting, Setting, Setting]]:
    """Give each kind of setting: as it is, as one admin changes it, as another does."""
    directory = world.store.directory()
    brand, sender = directory.brands["acme"], directory.senders[LONG.number]
    program = directory.programs[PROMO.id]
    (agent,) = world.store.agents.values()
    replace = msgspec.structs.replace
    return {
        "brand": (brand, replace(brand, name="One"), replace(brand, name="Two")),
        "sender": (sender, replace(sender, enabled=False), replace(sender, carrier="other")),
        "program": (program, replace(program, name="One"), replace(program, name="Two")),
        "agent": (agent, replace(agent, name="One"), replace(agent, name="Two")),
    }


@pytest.mark.parametrize("kind", ["brand", "sender", "program", "agent"])
def test_who_did_not_see_the_change_does_not_undo_it(world: World, kind: str) -> None:
    """The first change stands, the second is refused, and passes once the first was seen."""
    seen, first, second = stored(world)[kind]
    assert world.store.run(IfUnchanged(save(first), seen)) == first
    entries = len(world.store.entries)
    with pytest.raises(Rejected, match="Look at what it is now") as refused:
        world.store.run(IfUnchanged(save(second), seen))
    assert (refused.value.code, refused.value.status) == ("changed_meanwhile", 409)
    assert stored(world)[kind][0] == first
    assert len(world.store.entries) == entries
    assert world.store.run(IfUnchanged(save(second), first)) == second


@pytest.mark.parametrize(
    "setting",
    [
        Brand("", "Newco"),
        Sender("44444", SenderKind.SHORT_CODE, "acme", "twilio-1"),
        Program("", "acme", Purpose.MARKETING, "New"),
        Agent("", "bob@example.org", "Bob", Role.AGENT, START),
    ],
)
def test_what_is_new_is_saved(world: World, setting: Setting) -> None:
    """A new setting was never seen."""
    saved = world.store.run(IfUnchanged(save(setting), None))
    assert type(saved) is type(setting)


def test_what_is_there_is_not_written_over_as_new(world: World) -> None:
    """A number that is set up already keeps its settings."""
    again = msgspec.structs.replace(LONG, carrier="other")
    with pytest.raises(Rejected, match="already") as refused:
        world.store.run(IfUnchanged(save(again), None))
    assert refused.value.code == "already_exists"
    assert world.store.directory().senders[LONG.number] == LONG
