"""What a program that works for some brands sees, and that the gate answers it the same."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent_world import (
    AT_NOON,
    DIRECTORY,
    FOREIGN,
    FOREIGN_PROMO,
    LONG,
    NEWS,
    PERSON,
    POLICY,
    PROMO,
    SENDERS,
    SERVICE_A,
    consent,
    hear,
    minute,
    text,
)
from consentry.domain.brand_view import BrandView
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.campaign_keywords import CampaignKeyword
from consentry.domain.directory import Directory, Purpose
from consentry.domain.entries import NOBODY, Actor, ActorKind, Entry, EntryKind, fold
from consentry.domain.gate import Door, Facts, Request, decide
from consentry.domain.in_force import InForce, hold_whole
from consentry.domain.standing import (
    EVERYTHING,
    Cause,
    Piece,
    Review,
    Solicited,
    Standing,
    Suppression,
    Tag,
    Thread,
    apply_pieces,
)
from memory_store import START

ACME = BrandView(DIRECTORY, {"acme"})
OTHER = BrandView(DIRECTORY, {"other"})
AGENT = Actor(ActorKind.AGENT, "agt_1")

words = st.sampled_from(
    ["Hello", "STOP", "START", "stop texting me", "who is this", "wrong number"]
)
told = st.tuples(words, st.sampled_from(SENDERS))
listed = st.sampled_from(["acme", "other", EVERYTHING]).map(
    lambda scope: Suppression(scope, Cause.AGENT, START, "ent", by_person=False)
)
asked = st.builds(
    Request,
    recipient=st.just(PERSON),
    sender=st.sampled_from([sender.number for sender in SENDERS]),
    purpose=st.sampled_from([None, *Purpose]),
    program=st.sampled_from([None, PROMO.id, NEWS.id, FOREIGN_PROMO.id]),
    door=st.sampled_from(Door),
)


def entry(*pieces: Piece, **fields: object) -> Entry:
    """Make an entry about the person."""
    values: dict[str, object] = {
        "id": "ent_1",
        "recipient": PERSON,
        "kind": EntryKind.OPTED_OUT,
        "at": START,
        "recorded_at": START,
        "actor": AGENT,
        "text": "their words",
        "pieces": pieces,
    }
    return Entry(**(values | fields))  # type: ignore[arg-type]


def live(life: list[tuple[str, object]], lists: list[Suppression]) -> Standing:
    """Give the standing after texts to several brands, and what the company listed."""
    standing = apply_pieces(Standing(place=AT_NOON), tuple(lists))
    for count, (body, sender) in enumerate(life):
        assert isinstance(sender, type(LONG))
        read = text(body, sender, at=minute(count))
        standing, _ = hear(standing, read, sender, entry=f"ent{count}")
    return standing


@pytest.mark.property
@settings(max_examples=150)
@given(st.lists(told, max_size=5), st.lists(listed, max_size=2), asked)
def test_the_gate_answers_for_a_brand_of_its_own_as_for_all(
    life: list[tuple[str, object]], lists: list[Suppression], request: Request
) -> None:
    """Whatever was said to whom: asked from a brand's own sender, about nothing of another's."""
    standing = live(life, lists)
    for view, brand in ((ACME, "acme"), (OTHER, "other")):
        if DIRECTORY.senders[request.sender].brand != brand:
            continue
        if request.program is not None and not view.sees_program(request.program):
            continue
        whole = decide(request, Facts(DIRECTORY, standing), POLICY, minute(10))
        narrow = Facts(view.directory, view.narrow_standing(standing))
        assert decide(request, narrow, POLICY, minute(10)) == whole


@pytest.mark.property
@settings(max_examples=100)
@given(st.lists(told, max_size=5), st.lists(listed, max_size=2))
def test_entries_lead_to_what_stands(
    life: list[tuple[str, object]], lists: list[Suppression]
) -> None:
    """Folding what is seen of the entries gives what is seen of the standing, but for the tag."""
    standing = apply_pieces(Standing(), tuple(lists))
    entries = [entry(piece) for piece in lists]
    for count, (body, sender) in enumerate(life):
        assert isinstance(sender, type(LONG))
        read = text(body, sender, at=minute(count))
        standing, moved = hear(standing, read, sender, entry=f"ent{count}")
        entries.append(entry(*moved.pieces, sender=sender.number))
    for view in (ACME, OTHER):
        seen = [one for one in map(view.narrow_entry, entries) if one is not None]
        folded = msgspec.structs.replace(fold(seen), sms_tag=standing.sms_tag)
        assert folded == view.narrow_standing(standing)


@pytest.mark.unit
def test_another_brand_is_not_there() -> None:
    """Its senders, programs, calls to action and words are those of nobody."""
    call = CallToAction(
        "ads", 1, FOREIGN_PROMO.id, CallMedium.WEB, "en", Wording("Ads"), "", "", "", START
    )
    word = CampaignKeyword("k", "ADS", FOREIGN.number, FOREIGN_PROMO.id)
    directory = msgspec.structs.replace(
        DIRECTORY, calls_to_action={"ads": call}, keywords={"k": word}
    )
    acme = BrandView(directory, {"acme"}).directory
    assert list(acme.brands) == ["acme"]
    assert FOREIGN.number not in acme.senders
    assert sorted(acme.programs) == ["news", "promo"]
    assert (acme.calls_to_action, acme.keywords) == ({}, {})
    other = BrandView(directory, {"other"}).directory
    assert (list(other.senders), list(other.keywords)) == ([FOREIGN.number], ["k"])
    assert list(other.calls_to_action) == ["ads"]
    assert BrandView(directory, set()).directory == Directory()


@pytest.mark.unit
def test_what_stands_with_another_brand_is_not_seen() -> None:
    """Threads, reviews and counts go by whose they are; where a number is, is nobody's."""
    standing = apply_pieces(
        Standing(),
        (
            AT_NOON,
            Tag(sms=True),
            Thread(sender=LONG.number),
            Thread(sender=FOREIGN.number),
            Review(FOREIGN.number, ()),
            Solicited("other"),
            Solicited("acme"),
            consent(FOREIGN_PROMO.id),
            consent(SERVICE_A.conversation),
            consent("gone"),
        ),
    )
    seen = ACME.narrow_standing(standing)
    assert [thread.sender for thread in seen.threads] == [LONG.number]
    assert [solicited.brand for solicited in seen.solicited] == ["acme"]
    assert [c.program for c in seen.consents] == [SERVICE_A.conversation]
    assert (seen.place, seen.sms_tag) == (AT_NOON, True)


@pytest.mark.unit
def test_an_entry_of_a_brand_is_seen_whole() -> None:
    """With its words, but for what it changed elsewhere."""
    ours, theirs = consent(PROMO.id), consent(FOREIGN_PROMO.id)
    for named in ({"sender": LONG.number}, {"program": NEWS.id}):
        told = entry(ours, theirs, Tag(sms=False), **named)
        assert ACME.narrow_entry(told) == entry(ours, Tag(sms=False), **named)
    listed = Suppression("acme", Cause.AGENT, START, "ent_1")
    assert ACME.narrow_entry(entry(listed)) == entry(listed)
    assert ACME.narrow_entry(entry(sender=LONG.number)) == entry(sender=LONG.number)


@pytest.mark.unit
def test_what_was_said_elsewhere_and_holds_here_is_left_bare() -> None:
    """When, and what it changed: not to whom, not in what words, not by whom."""
    ours, everything = consent(PROMO.id), Suppression(EVERYTHING, Cause.AGENT, START, "ent_1")
    bare = Entry(
        "ent_1", PERSON, EntryKind.OPTED_OUT, START, START, Actor(ActorKind.SYSTEM), pieces=(ours,)
    )
    told = entry(ours, consent(FOREIGN_PROMO.id), Tag(sms=False), sender=FOREIGN.number)
    assert ACME.narrow_entry(told) == bare
    crossed = entry(ours, sender=LONG.number, program=FOREIGN_PROMO.id)
    assert ACME.narrow_entry(crossed) == bare
    for_all = ACME.narrow_entry(entry(everything))
    assert for_all == msgspec.structs.replace(bare, pieces=(everything,))
    for_all = ACME.narrow_entry(entry(AT_NOON))
    assert for_all == msgspec.structs.replace(bare, pieces=(AT_NOON,))


@pytest.mark.unit
def test_an_entry_of_another_brand_is_not_there() -> None:
    """Nor is one that only moved the number's tag, or says nothing of any brand."""
    assert ACME.narrow_entry(entry(sender=FOREIGN.number)) is None
    assert ACME.narrow_entry(entry(consent(FOREIGN_PROMO.id), program=FOREIGN_PROMO.id)) is None
    assert ACME.narrow_entry(entry(Tag(sms=False), sender=FOREIGN.number)) is None
    assert ACME.narrow_entry(entry()) is None


@pytest.mark.unit
def test_what_was_set_up_is_told_for_a_brand() -> None:
    """What was in force for another brand is left out, and so is who changed it."""
    told = entry(
        recipient=NOBODY,
        kind=EntryKind.SETTING_CHANGED,
        text="Brand Other was changed",
        in_force=hold_whole(DIRECTORY, POLICY),
    )
    seen = ACME.narrow_entry(told)
    assert seen is not None
    assert seen.in_force == InForce(
        brands=(DIRECTORY.brands["acme"],),
        senders=tuple(sender for sender in SENDERS if sender.brand == "acme"),
        programs=(PROMO, NEWS),
        policy=POLICY,
        is_whole=True,
    )
    assert (seen.text, seen.actor) == (None, Actor(ActorKind.SYSTEM))
    assert ACME.narrow_entry(entry(recipient=NOBODY, kind=EntryKind.SIGNED_IN)) is None
