"""Named wordings are judged before they are kept, and what changed is in the audit."""

import msgspec
import pytest

from action_world import AGENT, World
from consent_world import DIRECTORY
from consentry.actions.keep_templates import DeleteTemplate, SaveTemplate, judge_wording
from consentry.domain.entries import EntryKind
from consentry.domain.templates import Template
from consentry.domain.wording_lint import WordingKind
from consentry.ports import Rejected
from memory_store import START

pytestmark = pytest.mark.unit

NEW = Template(
    "",
    "acme",
    "Friday sale",
    WordingKind.MARKETING,
    "{brand}: 20% off on Friday. Reply STOP to opt out.",
    START,
    START,
)


def test_a_wording_is_kept_under_a_new_id_and_changed() -> None:
    """The time it was made stays; the audit says what it was and what it is."""
    world = World()
    made = world.store.run(SaveTemplate(NEW, AGENT))
    assert made.id.startswith("tpl")
    assert world.last_entry(EntryKind.SETTING_CHANGED).actor == AGENT
    world.clock.advance(seconds=60)
    changed = msgspec.structs.replace(made, name="Saturday sale")
    saved = world.store.run(SaveTemplate(changed, AGENT, made))
    assert (saved.created_at, saved.updated_at) == (made.created_at, world.clock.now())
    assert world.last_entry(EntryKind.SETTING_CHANGED).text == (
        "template Saturday sale changed: name Friday sale → Saturday sale"
    )
    assert world.store.templates == {made.id: saved}


def test_a_deleted_wording_stays_marked() -> None:
    """Once: the first time stays."""
    world = World()
    made = world.store.run(SaveTemplate(NEW))
    gone = world.store.run(DeleteTemplate(made, AGENT))
    assert gone.deleted_at == world.clock.now()
    world.clock.advance(seconds=60)
    assert world.store.run(DeleteTemplate(gone, AGENT)) == gone
    assert world.last_entry(EntryKind.SETTING_CHANGED).text == "template Friday sale deleted"


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"brand": "none"}, "unknown_brand", "Add it first"),
        ({"name": " "}, "name_missing", "at most 200 characters"),
        ({"name": "n" * 201}, "name_missing", "at most 200 characters"),
        ({"body": " "}, "wording_invalid", "1 to 2000 characters"),
        ({"body": "x" * 2001}, "wording_invalid", "1 to 2000 characters"),
        ({"body": "20% off. Reply STOP to opt out."}, "wording_invalid", "does not say who texts"),
        ({"body": "{brand}: 20% off."}, "wording_invalid", "does not tell how to stop"),
    ],
)
def test_what_may_not_go_out_is_not_kept(change: dict[str, str], code: str, said: str) -> None:
    """The refusal says what is wrong and what to write."""
    world = World()
    with pytest.raises(Rejected) as refused:
        world.store.run(SaveTemplate(msgspec.structs.replace(NEW, **change)))
    assert refused.value.code == code
    assert said in str(refused.value)
    assert world.store.templates == {}


def test_a_warning_keeps_nothing_from_being_saved() -> None:
    """It is for the company to weigh; the judgement has the size with the name filled in."""
    body = "{brand}: see bit.ly/x on Friday. Reply STOP to opt out."
    brand = DIRECTORY.brands["acme"]
    judged = judge_wording(NEW.kind, body, brand, today=START.date())
    assert [one.rule for one in judged.findings] == ["no_short_link"]
    assert judged.errors == ()
    assert judged.filled == "Acme: see bit.ly/x on Friday. Reply STOP to opt out."
    assert (judged.size.segments, judged.size.characters) == (1, len(judged.filled))
    World().store.run(SaveTemplate(msgspec.structs.replace(NEW, body=body)))
