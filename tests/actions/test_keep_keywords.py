"""Words of campaigns: what may be set up, and what is refused."""

import msgspec
import pytest

from action_world import World
from consent_world import FOREIGN, LONG, NEWS, PROMO, SECOND
from consentry.actions.administer import SaveBrand, SaveProgram
from consentry.actions.keep_keywords import RemoveKeyword, SaveKeyword
from consentry.actions.save_call_to_action import SaveCallToAction
from consentry.domain.calls_to_action import CallMedium, Wording
from consentry.domain.campaign_keywords import CampaignKeyword
from consentry.domain.directory import Brand
from consentry.domain.entries import EntryKind
from consentry.ports import Rejected

pytestmark = pytest.mark.unit


def world_with_poster(world: World | None = None, keyword: str = "JOIN") -> World:
    """A company whose poster tells people to text a word."""
    world = world or World()
    wording = Wording("Deals", keyword=keyword)
    world.store.run(SaveCallToAction("poster", PROMO.id, CallMedium.KEYWORD, "en", wording))
    return world


def test_a_word_is_kept_and_told_in_the_audit() -> None:
    """In capitals; saving it again changes what it asks for, and nothing twice."""
    world = world_with_poster()
    saved = world.store.run(SaveKeyword("join", LONG.number, PROMO.id, "poster"))
    assert saved == CampaignKeyword.at(LONG.number, "JOIN", PROMO.id, "poster")
    assert world.store.directory().keywords == {saved.id: saved}
    told = world.last_entry(EntryKind.SETTING_CHANGED)
    assert told.text is not None
    assert told.text.startswith(f"keyword JOIN at {LONG.number}")
    count = len(world.store.entries)
    world.store.run(SaveKeyword("JOIN", LONG.number, PROMO.id, "poster"))
    assert len(world.store.entries) == count


def test_a_word_that_is_saved_asks_whoever_texts_it() -> None:
    """From the next text on, until it is taken away."""
    world = world_with_poster()
    world.store.run(SaveKeyword("JOIN", LONG.number, PROMO.id, "poster"))
    world.receive("join")
    assert world.standing().consent(PROMO.id) is not None
    removed = world.store.run(RemoveKeyword("join", LONG.number))
    assert removed.removed_at == world.clock.now()
    assert world.store.directory().keywords == {}
    world.receive("join", recipient="+14155550177")
    assert world.standing("+14155550177").consent(PROMO.id) is None
    with pytest.raises(Rejected) as rejected:
        world.store.run(RemoveKeyword("join", LONG.number))
    assert rejected.value.code == "not_found"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (SaveKeyword("STOP", LONG.number, NEWS.id), "keyword_invalid"),
        (SaveKeyword("NEWS", "+19995550100", NEWS.id), "sender_not_set_up"),
        (SaveKeyword("NEWS", LONG.number, "gone"), "unknown_program"),
        (SaveKeyword("NEWS", LONG.number, LONG.conversation), "conversation_is_built_in"),
        (SaveKeyword("NEWS", FOREIGN.number, NEWS.id), "keyword_invalid"),
        (SaveKeyword("DEALS", LONG.number, PROMO.id), "keyword_invalid"),
        (SaveKeyword("DEALS", LONG.number, PROMO.id, "gone"), "unknown_call_to_action"),
        (SaveKeyword("NEWS", LONG.number, NEWS.id, "poster"), "unknown_call_to_action"),
        (SaveKeyword("DEALS", LONG.number, PROMO.id, "poster"), "keyword_invalid"),
        (SaveKeyword("", LONG.number, NEWS.id), "keyword_invalid"),
    ],
)
def test_what_cannot_ask_is_refused(asked: SaveKeyword, code: str) -> None:
    """The poster says JOIN, so no other word can go with it."""
    world = world_with_poster()
    with pytest.raises(Rejected) as rejected:
        world.store.run(asked)
    assert rejected.value.code == code
    assert world.store.directory().keywords == {}


def test_a_poster_that_names_another_seller_by_now_is_refused() -> None:
    """Whoever texts the word was shown a wording that is not true any more."""
    world = world_with_poster()
    world.store.run(SaveBrand(Brand("acme", "Newco")))
    with pytest.raises(Rejected, match="lacks something"):
        world.store.run(SaveKeyword("JOIN", LONG.number, PROMO.id, "poster"))


def test_a_program_of_one_sender_has_its_words_there() -> None:
    """Elsewhere it could not ask."""
    world = World()
    world.store.run(SaveProgram(msgspec.structs.replace(NEWS, sender=LONG.number)))
    world.store.run(SaveKeyword("NEWS", LONG.number, NEWS.id))
    with pytest.raises(Rejected, match="does not text over"):
        world.store.run(SaveKeyword("NEWS", SECOND.number, NEWS.id))
