"""Calls to action are made in versions, and only whole ones."""

import hashlib

import msgspec
import pytest

from action_world import AGENT, World
from consent_world import LONG, NEWS, PROMO
from consentry.actions.administer import SaveBrand
from consentry.actions.save_call_to_action import SaveCallToAction
from consentry.domain.calls_to_action import CallMedium, Wording
from consentry.domain.directory import Brand
from consentry.domain.entries import EntryKind
from consentry.ports import Rejected
from memory_store import START

pytestmark = pytest.mark.unit

DEALS = SaveCallToAction("", PROMO.id, CallMedium.WEB, "en", Wording(" Deals by text "), by=AGENT)


def changed(**fields: object) -> SaveCallToAction:
    """Take the same call to action with other fields; those of the wording by their names."""
    wording = {k: v for k, v in fields.items() if k in Wording.__struct_fields__}
    rest = {k: v for k, v in fields.items() if k not in wording}
    return msgspec.structs.replace(
        DEALS, wording=msgspec.structs.replace(DEALS.wording, **wording), **rest
    )


def test_a_change_is_a_new_version_and_the_old_ones_stay() -> None:
    """Numbered from 1, each with the hash of its own HTML; the directory holds the newest."""
    world = World()
    first = world.store.run(DEALS)
    assert (first.version, first.created_at, first.made_by) == (1, START, "agent agent-1")
    assert first.id.startswith("cta_")
    assert first.sha256 == hashlib.sha256(first.html.encode()).hexdigest()
    assert first.wording.heading == "Deals by text"
    second = world.store.run(changed(id=first.id, heading="Deals for you"))
    assert second.version == 2
    assert second.sha256 != first.sha256
    assert world.store.directory().calls_to_action == {first.id: second}
    assert world.store.calls_to_action == {(first.id, 1): first, (first.id, 2): second}
    entry = world.last_entry(EntryKind.SETTING_CHANGED)
    assert "call to action Deals for you changed: version 1 → 2" in (entry.text or "")
    assert "<section" not in (entry.text or "")


def test_the_same_again_is_no_new_version() -> None:
    """Only what is shown counts: once the brand has another name the same wording is new."""
    world = World()
    first = world.store.run(changed(id="deals"))
    told = len(world.store.entries)
    assert world.store.run(changed(id="deals")) == first
    assert len(world.store.entries) == told
    world.store.run(SaveBrand(Brand("acme", "Newco")))
    second = world.store.run(changed(id="deals"))
    assert second.version == 2
    assert "Newco" in second.text


@pytest.mark.parametrize(
    ("fields", "code", "told"),
    [
        ({"program": "no-such"}, "unknown_program", "Add it first"),
        ({"program": LONG.conversation}, "conversation_is_built_in", "contact-page"),
        ({"locale": "la"}, "wording_invalid", "en, es"),
        ({"locale": "en_US"}, "wording_invalid", "es-MX"),
        ({"locale": 'en-"x'}, "wording_invalid", "es-MX"),
        ({"heading": " "}, "wording_invalid", "1 to 100"),
        ({"heading": "x" * 101}, "wording_invalid", "1 to 100"),
        ({"heading": "a\0b"}, "wording_invalid", "NUL"),
        ({"frequency": "x" * 201}, "wording_invalid", "at most 200"),
        ({"terms": "javascript:alert(1)"}, "wording_invalid", "web address"),
        ({"medium": CallMedium.KEYWORD}, "wording_invalid", "JOIN"),
        ({"medium": CallMedium.KEYWORD, "keyword": "JOIN US"}, "wording_invalid", "one word"),
        ({"medium": CallMedium.KEYWORD, "keyword": "Stop"}, "wording_invalid", "an opt-out"),
        ({"medium": CallMedium.VERBAL}, "call_to_action_incomplete", "in writing"),
        ({"text": "Acme Deals, STOP, HELP"}, "call_to_action_incomplete", "automated means"),
        ({"id": "../x"}, "wording_invalid", "letters"),
    ],
)
def test_what_cannot_be_asked_with_is_refused(
    fields: dict[str, object], code: str, told: str
) -> None:
    """The refusal says what to do, and nothing is kept."""
    world = World()
    with pytest.raises(Rejected, match=told) as refused:
        world.store.run(changed(**fields))
    assert refused.value.code == code
    assert world.store.calls_to_action == {}


def test_what_people_consented_to_stays() -> None:
    """Neither program nor medium of a call to action changes: that would be another one."""
    world = World()
    world.store.run(changed(id="deals"))
    for other in ({"program": NEWS.id}, {"medium": CallMedium.PAPER}):
        with pytest.raises(Rejected, match="new call to action") as refused:
            world.store.run(changed(id="deals", **other))
        assert refused.value.code == "already_exists"


def test_a_spoken_one_is_good_for_information() -> None:
    """What is said aloud gives consent to information, not to marketing."""
    spoken = changed(program=NEWS.id, medium=CallMedium.VERBAL)
    assert World().store.run(spoken).text.startswith("By saying yes I agree that Acme")
    keyed = changed(medium=CallMedium.KEYWORD, keyword=" JOIN ")
    assert World().store.run(keyed).wording.keyword == "JOIN"
