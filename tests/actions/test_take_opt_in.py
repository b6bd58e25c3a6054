"""A form that was filled in, decided by what is shown and set up at that moment."""

import msgspec
import pytest

from action_world import World
from consent_world import DIRECTORY, LONG, NEWS, PERSON, PROMO, SHORT
from consentry.actions.administer import SaveBrand, SaveProgram
from consentry.actions.save_call_to_action import SaveCallToAction
from consentry.actions.take_opt_in import FilledIn, TakeOptIn, codes_asked, find_level
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.directory import Brand, Directory, Program, Sender
from consentry.domain.entries import Actor, ActorKind, EntryKind
from consentry.domain.reading import SenderKind
from consentry.domain.standing import ConsentLevel
from consentry.ports import Rejected

pytestmark = pytest.mark.unit

FILLED = FilledIn(PERSON, name="Ann", ip="192.0.2.1")


def set_up(world: World, program: Program = PROMO, heading: str = "Deals") -> CallToAction:
    """Set up a page, or a new version of it."""
    asked = SaveCallToAction("deals", program.id, CallMedium.WEB, "en", Wording(heading))
    return world.store.run(asked)


@pytest.mark.parametrize(
    ("program", "level"),
    [(PROMO, ConsentLevel.EXPRESS_WRITTEN), (NEWS, ConsentLevel.EXPRESS)],
)
def test_a_form_asks_for_what_its_program_needs(program: Program, level: ConsentLevel) -> None:
    """Express written for marketing, express for information; the person is who did it."""
    world = World()
    call = set_up(world, program)
    recorded = world.store.run(TakeOptIn(call, FILLED))
    consent = world.store.standing(PERSON).consent(program.id)
    assert consent is not None
    assert consent.level is level
    entry = world.last_entry(EntryKind.CONSENT_REQUESTED)
    assert (entry.id, entry.actor) == (recorded.entry, Actor(ActorKind.PERSON, PERSON))
    assert entry.evidence is not None
    assert entry.evidence.call_to_action_version == "deals/1"


def test_a_version_that_is_not_shown_any_more_asks_for_nothing() -> None:
    """Another version came meanwhile, or it is not of this directory at all."""
    world = World()
    first = set_up(world)
    set_up(world, heading="Better deals")
    for call in (first, msgspec.structs.replace(first, id="other")):
        with pytest.raises(Rejected) as refused:
            world.store.run(TakeOptIn(call, FILLED))
        assert refused.value.code == "call_to_action_outdated"


def test_a_closed_one_asks_for_nothing() -> None:
    """The brand is called otherwise by now, so the form names a seller that there is not."""
    world = World()
    call = set_up(world)
    world.store.run(SaveBrand(Brand("acme", "Newco")))
    with pytest.raises(Rejected) as refused:
        world.store.run(TakeOptIn(call, FILLED))
    assert refused.value.code == "call_to_action_closed"


def test_a_form_is_open_while_its_program_is() -> None:
    """A program that is off or gone, or another medium, gives no consent by form."""
    world = World()
    call = set_up(world)
    assert find_level(call, world.store.directory()) is ConsentLevel.EXPRESS_WRITTEN
    assert find_level(call, Directory()) is None
    spoken = msgspec.structs.replace(call, medium=CallMedium.VERBAL)
    assert find_level(spoken, world.store.directory()) is None
    named = Sender("ACME", SenderKind.ALPHANUMERIC, "acme", "twilio-1")
    for senders in ({}, {"ACME": named}):
        silent = msgspec.structs.replace(DIRECTORY, senders=senders)
        assert find_level(call, silent) is None
    world.store.run(SaveProgram(msgspec.structs.replace(PROMO, enabled=False)))
    assert find_level(call, world.store.directory()) is None


def test_a_form_texts_only_where_its_program_has_numbers() -> None:
    """By calling codes; short codes are where the company is, anywhere if that is unknown."""
    british = msgspec.structs.replace(LONG, number="+442071838750")
    for senders, region, codes in (
        ((LONG,), "GB", {"+1"}),
        ((LONG, british), None, {"+1", "+44"}),
        ((SHORT,), "MX", {"+52"}),
        ((LONG, SHORT), None, set()),
    ):
        directory = msgspec.structs.replace(DIRECTORY, senders={s.number: s for s in senders})
        assert codes_asked(PROMO, directory, region) == codes
