"""Keyword campaigns: who texts the word is asked for its program."""

import msgspec
import pytest

from action_world import World
from consent_world import DIRECTORY, LONG, NEWS, PROMO, SECOND, SHORT
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.campaign_keywords import CampaignKeyword
from consentry.domain.entries import ActorKind, EntryKind, Medium
from consentry.domain.gate import MessageKind
from consentry.domain.standing import ConsentLevel, ConsentState
from memory_store import START

pytestmark = pytest.mark.unit

POSTER = CallToAction(
    id="poster",
    version=1,
    program=PROMO.id,
    medium=CallMedium.KEYWORD,
    locale="en",
    wording=Wording("Deals", keyword="JOIN"),
    text="Text JOIN to +1 415-555-0100 for Deals, automated marketing texts from Acme. "
    "Consent is not a condition of purchase.",
    html="",
    sha256="",
    created_at=START,
)
JOIN = CampaignKeyword.at(LONG.number, "JOIN", PROMO.id, "poster")
NEWS_WORD = CampaignKeyword.at(LONG.number, "NEWS", NEWS.id)
BARE = CampaignKeyword.at(LONG.number, "DEALS", PROMO.id)


def world_of(*keywords: CampaignKeyword) -> World:
    """A company with campaigns."""
    directory = msgspec.structs.replace(
        DIRECTORY,
        calls_to_action={POSTER.id: POSTER},
        keywords={keyword.id: keyword for keyword in keywords},
    )
    return World(directory=directory)


def deliver(world: World) -> list[MessageKind]:
    """Let all that is due go to the carrier, and say what it was."""
    works = world.claim()
    for work in works:
        world.answer(work)
    return [work.message.kind for work in works]


def state_of(world: World, program: str = PROMO.id) -> ConsentState | None:
    """Where consent with a program stands."""
    consent = world.standing().consent(program)
    return None if consent is None else consent.state


def test_the_word_is_the_first_text_and_asks_for_the_program() -> None:
    """One text for one word: the question, and no initial reply beside it; then YES."""
    world = world_of(JOIN)
    world.receive(" join ")
    assert state_of(world, LONG.conversation) is ConsentState.ACTIVE
    asked = world.last_entry(EntryKind.CONSENT_REQUESTED)
    assert asked.actor.kind is ActorKind.PERSON
    assert asked.evidence is not None
    assert (asked.evidence.medium, asked.evidence.verbatim) == (Medium.TEXT, " join ")
    assert asked.evidence.call_to_action == POSTER.text
    assert deliver(world) == [MessageKind.OPT_IN_REQUEST]
    assert state_of(world) is ConsentState.PENDING
    world.receive("YES")
    consent = world.standing().consent(PROMO.id)
    assert consent is not None
    assert (consent.state, consent.level) == (ConsentState.ACTIVE, ConsentLevel.EXPRESS_WRITTEN)
    assert consent.call_to_action == "poster/1"
    world.receive("Thanks!")
    assert deliver(world) == [MessageKind.PROGRAM_CONFIRMATION]


@pytest.mark.parametrize("body", ["JOIN please", "I want to join", "JOIN!", "JOINT"])
def test_only_the_word_alone_counts(body: str) -> None:
    """The whole text, in any case."""
    world = world_of(JOIN)
    world.receive(body)
    assert state_of(world) is None


def test_the_word_counts_at_its_sender_alone() -> None:
    """Another number has its own campaigns."""
    world = world_of(JOIN)
    world.receive("JOIN", SECOND)
    assert state_of(world) is None


def test_nothing_comes_of_the_word_of_somebody_who_opted_out() -> None:
    """A plain text never opts in; the entry says why nothing was asked."""
    world = world_of(JOIN)
    world.receive("STOP")
    world.receive("JOIN")
    entry = world.last_entry(EntryKind.MESSAGE_RECEIVED)
    assert entry.reason is not None
    assert "opted out" in entry.reason
    assert state_of(world) is None
    assert deliver(world) == []
    world.receive("Hello?")
    assert world.last_entry(EntryKind.MESSAGE_RECEIVED).reason is None


def test_who_has_the_program_is_not_texted_again() -> None:
    """An entry tells of it; no text."""
    world = world_of(JOIN)
    world.receive("JOIN")
    deliver(world)
    world.receive("YES")
    deliver(world)
    world.receive("JOIN")
    assert deliver(world) == []
    entry = world.last_entry(EntryKind.CONSENT_REQUESTED)
    assert entry.pieces == ()
    assert entry.reason == "Texted JOIN. Consent is active already; nobody is asked."


def test_a_program_without_marketing_needs_no_wording() -> None:
    """The word and the question are enough for informational texts."""
    world = world_of(NEWS_WORD)
    world.receive("News")
    assert deliver(world) == [MessageKind.OPT_IN_REQUEST]


def test_a_campaign_that_lacks_what_marketing_needs_asks_nobody() -> None:
    """The text is taken in as any other, with its initial reply, and the lack is noted."""
    world = world_of(BARE)
    world.receive("DEALS")
    assert deliver(world) == [MessageKind.INITIAL_REPLY]
    entry = world.last_entry(EntryKind.CONSENT_REQUESTED)
    assert entry.reason is not None
    assert entry.reason.startswith("Not asked. Missing: evidence.call_to_action")


@pytest.mark.parametrize(
    "keyword",
    [
        msgspec.structs.replace(JOIN, program="gone"),
        msgspec.structs.replace(JOIN, program="off"),
    ],
)
def test_a_program_that_is_gone_or_off_asks_nobody(keyword: CampaignKeyword) -> None:
    """The word is then a text like any other."""
    off = msgspec.structs.replace(PROMO, id="off", enabled=False)
    directory = msgspec.structs.replace(
        DIRECTORY, programs={"off": off}, keywords={keyword.id: keyword}
    )
    world = World(directory=directory)
    world.receive("JOIN")
    assert deliver(world) == [MessageKind.INITIAL_REPLY]


def test_the_word_again_after_silence_is_a_new_act_of_the_person() -> None:
    """So they are asked again, once."""
    world = world_of(JOIN)
    world.receive("JOIN")
    deliver(world)
    world.receive("JOIN")
    assert deliver(world) == []
    world.clock.advance(hours=49)
    world.receive("JOIN")
    assert deliver(world) == [MessageKind.OPT_IN_REQUEST]


def test_a_short_code_has_campaigns_too() -> None:
    """Most campaigns are there."""
    world = world_of(CampaignKeyword.at(SHORT.number, "NEWS", NEWS.id))
    world.receive("NEWS", SHORT)
    assert deliver(world) == [MessageKind.OPT_IN_REQUEST]
    world.receive("YES", SHORT)
    assert state_of(world, NEWS.id) is ConsentState.ACTIVE


def test_a_carrier_that_takes_the_word_for_an_opt_in_changes_nothing_for_who_is_in() -> None:
    """Who is not opted out is asked; who is has their block lifted, and is asked nothing."""
    world = world_of(JOIN)
    world.receive("JOIN", opt_out_type="START")
    assert deliver(world) == [MessageKind.OPT_IN_REQUEST]
    other = world_of(JOIN)
    other.receive("STOP")
    other.receive("JOIN", opt_out_type="START")
    assert state_of(other, LONG.conversation) is ConsentState.ACTIVE
    assert state_of(other) is None
