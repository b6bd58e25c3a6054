"""What a grant must show before it counts; the tag by hand; what brings a person back."""

from typing import Any

import msgspec
import pytest

from consent_world import DIRECTORY, LONG, NEWS, PROMO, SHORT, TOLL_FREE, after
from consentry.domain.call_to_action_words import TABLE as WORDS
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.directory import Sender
from consentry.domain.entries import Actor, ActorKind, Box, Entry, EntryKind, Evidence, Medium
from consentry.domain.intake import decide_tag, missing_evidence, missing_in_grant, way_back
from consentry.domain.named_number import names_number
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    Block,
    BlockState,
    Cause,
    ConsentLevel,
    Standing,
    Tag,
)
from consentry.domain.written_consent import (
    Granting,
    gather_evidence,
    judge_written,
    look_up,
    with_words,
)
from memory_store import START

pytestmark = pytest.mark.unit

WRITTEN, EXPRESS = ConsentLevel.EXPRESS_WRITTEN, ConsentLevel.EXPRESS
BRAND = DIRECTORY.brands["acme"]
CALL_TO_ACTION = (
    "Get Deals from Acme by text from (415) 555-0100: marketing texts, sent by automated means. "
    "Consent is not a condition of purchase. Reply STOP to end."
)
ON_A_FORM = Evidence(
    Medium.WEB,
    call_to_action=CALL_TO_ACTION,
    action="ticked the box and sent the form",
    box=Box.UNTICKED,
    apart=True,
)


# --- Evidence ---------------------------------------------------------------------------------


def granting(evidence: Evidence, *, is_ours: bool = False) -> Granting:
    """Hold evidence against the program of a brand with two senders."""
    return Granting(evidence, BRAND, PROMO, (LONG, SHORT), is_ours)


def unmet(evidence: Evidence, *, is_ours: bool = False) -> set[str]:
    """Name the items that evidence does not show."""
    judged = judge_written(granting(evidence, is_ours=is_ours))
    return {item.id for item in judged if not item.is_met}


OF_THE_WORDING = {"seller", "program", "number", "marketing", "automated", "no_condition"}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, set()),
        ({"box": Box.NONE}, set()),
        ({"medium": Medium.PAPER, "action": "signed"}, set()),
        ({"medium": Medium.TEXT, "verbatim": "JOIN", "action": None, "box": None}, set()),
        ({"medium": Medium.TEXT}, {"signature"}),
        ({"medium": Medium.PHONE}, {"in_writing"}),
        ({"medium": Medium.VERBAL}, {"in_writing"}),
        ({"call_to_action": None}, {"wording", *OF_THE_WORDING}),
        ({"call_to_action": " "}, {"wording", *OF_THE_WORDING}),
        ({"call_to_action": "Texts!"}, OF_THE_WORDING),
        ({"action": " "}, {"signature"}),
        ({"box": None}, {"box"}),
        ({"box": Box.PRE_TICKED}, {"box"}),
        ({"apart": None}, {"apart"}),
        ({"apart": False}, {"apart"}),
    ],
)
def test_express_written_consent_needs_every_item(
    changes: dict[str, object], found: set[str]
) -> None:
    """In writing, signed, naming seller, number and program, saying what it is, apart, unticked."""
    assert unmet(msgspec.structs.replace(ON_A_FORM, **changes)) == found


@pytest.mark.parametrize("words", ["automated", "no_condition", "marketing"])
def test_what_the_wording_must_say_may_be_said_in_any_language_there_is(words: str) -> None:
    """Each phrase of each language is enough, and without any the item is missing."""
    fields = {"automated": "automated", "no_condition": "condition", "marketing": "marketing"}
    for language in WORDS.languages:
        for phrase in getattr(language.says, fields[words]):
            shown = msgspec.structs.replace(ON_A_FORM, call_to_action=f"… {phrase.upper()} …")
            assert words not in unmet(shown)


def test_a_call_to_action_of_ours_is_known_to_stand_apart_and_unticked() -> None:
    """Its version was checked before it was shown; what the person did must still be told."""
    bare = msgspec.structs.replace(ON_A_FORM, box=None, apart=None)
    assert unmet(bare, is_ours=True) == set()
    assert unmet(msgspec.structs.replace(bare, action=None), is_ours=True) == {"signature"}
    assert unmet(msgspec.structs.replace(bare, box=Box.PRE_TICKED), is_ours=True) == {"box"}


def test_a_version_of_our_call_to_action_is_known() -> None:
    """The newest or an older one, of this program; the words of the newest need not be repeated."""
    call = CallToAction(
        "cta", 2, PROMO.id, CallMedium.WEB, "en", Wording("Deals"), "Deals", "<p>", "", START
    )
    directory = msgspec.structs.replace(DIRECTORY, calls_to_action={call.id: call})
    for version, known in (
        ("cta/2", True),
        ("cta/1", True),
        ("cta/3", False),
        ("cta/0", False),
        ("cta/x", False),
        ("cta/" + "9" * 5000, False),
        ("cta", False),
        ("other/2", False),
        (None, False),
    ):
        named = Evidence(Medium.WEB, call_to_action_version=version)
        assert look_up(directory, PROMO, named).is_ours is known
        assert not look_up(directory, NEWS, named).is_ours
        filled = with_words(directory, named)
        words = (filled.call_to_action, filled.locale)
        assert words == (("Deals", "en") if version == "cta/2" else (None, None))
    worded = Evidence(Medium.WEB, call_to_action="Mine", call_to_action_version="cta/2")
    assert with_words(directory, worded) == worded


def test_an_answer_is_the_signature_of_the_request_before_it() -> None:
    """Words of the request, signature of the YES; an older grant is no part of it."""
    asked = msgspec.structs.replace(ON_A_FORM, action=None, box=None)
    yes = Evidence(Medium.TEXT, verbatim="YES")
    entries = [
        told(yes, EntryKind.CONSENT_GRANTED),
        told(asked, EntryKind.CONSENT_REQUESTED),
        told(Evidence(Medium.PAPER), EntryKind.CONSENT_REQUESTED),
        told(None, EntryKind.CONSENT_GRANTED),
        told(asked, EntryKind.CONSENT_GRANTED, program=NEWS.id, superseded=True),
        told(yes, EntryKind.CONSENT_GRANTED, program=None),
    ]
    ((program, (entry, shown)),) = gather_evidence(entries).items()
    assert (program, entry) == (PROMO.id, entries[0])
    assert unmet(shown) == set()
    alone = gather_evidence([entries[0], told(asked, EntryKind.CONSENT_GRANTED)])
    assert alone[PROMO.id][1] == yes


def told(evidence: Evidence | None, kind: EntryKind, **changes: Any) -> Entry:
    """Make an entry of a program."""
    actor = Actor(ActorKind.SYSTEM)
    entry = Entry(
        "ent", "+14155550142", kind, START, START, actor, program=PROMO.id, evidence=evidence
    )
    return msgspec.structs.replace(entry, **changes)


def test_every_item_says_what_to_add_and_where_it_comes_from() -> None:
    """What is missing is told in the words of the row, with names and numbers filled in."""
    for item in judge_written(granting(Evidence(Medium.PHONE))):
        assert item.says
        assert item.source
        assert "{" not in item.missing + item.says
        assert item.where in item.missing
    told = "; ".join(missing_in_grant(WRITTEN, granting(Evidence(Medium.WEB))))
    for part in ("seller, Acme", "program, Deals", "+14155550100 or 55555", "evidence.apart"):
        assert part in told


@pytest.mark.parametrize(
    ("level", "evidence", "missing"),
    [
        (EXPRESS, Evidence(Medium.WEB), []),
        (EXPRESS, Evidence(Medium.TEXT, verbatim="JOIN"), []),
        (EXPRESS, Evidence(Medium.TEXT), ["verbatim"]),
        (EXPRESS, Evidence(Medium.TEXT, verbatim="  "), ["verbatim"]),
        (WRITTEN, Evidence(Medium.WEB, call_to_action=CALL_TO_ACTION), []),
        (WRITTEN, Evidence(Medium.PHONE, call_to_action=CALL_TO_ACTION), ["in writing"]),
        (WRITTEN, Evidence(Medium.TEXT, call_to_action=CALL_TO_ACTION), ["verbatim"]),
    ],
)
def test_before_a_person_is_asked_the_wording_must_be_whole(
    level: ConsentLevel, evidence: Evidence, missing: list[str]
) -> None:
    """What the person does is their answer by text, so that alone need not be shown before (I3)."""
    found = missing_evidence(level, evidence, PROMO, BRAND, senders=(LONG, SHORT))
    assert len(found) == len(missing)
    assert all(part in whole for part, whole in zip(missing, found, strict=True))


def test_an_unsigned_text_is_told_once() -> None:
    """What the person sent is the signature of a grant by text."""
    texted = msgspec.structs.replace(ON_A_FORM, medium=Medium.TEXT)
    (missing,) = missing_in_grant(WRITTEN, granting(texted))
    assert "verbatim" in missing
    assert missing_in_grant(EXPRESS, granting(Evidence(Medium.WEB))) == ()


@pytest.mark.parametrize(
    ("shown", "sender", "named"),
    [
        ("from +14155550100", LONG, True),
        ("from +1 (415) 555-0100.", LONG, True),
        ("from 415.555.0100", LONG, True),
        ("from 415 555 0101", LONG, False),
        ("from 555-0100", LONG, False),
        ("Text JOIN to 55555 (4 a month)", SHORT, True),
        ("call 5555555", SHORT, False),
        ("from +44 20 7946 0958", msgspec.structs.replace(LONG, number="+442079460958"), True),
        ("from 020 7946 0958", msgspec.structs.replace(LONG, number="+442079460958"), False),
        ("texts from ACME1.", msgspec.structs.replace(LONG, number="Acme1"), True),
    ],
)
def test_a_number_is_named_however_it_is_written(
    shown: str, sender: Sender, *, named: bool
) -> None:
    """With or without brackets, dashes and the North American country code; no part of another."""
    assert names_number(shown.casefold(), sender.number) is named


def test_without_a_sender_no_wording_names_its_number() -> None:
    """A brand that has no sender yet cannot have shown one."""
    evidence = Evidence(Medium.WEB, call_to_action=CALL_TO_ACTION)
    (missing,) = missing_evidence(WRITTEN, evidence, PROMO, BRAND)
    assert "one of its senders" in missing


# --- The tag, and the way back ----------------------------------------------------------------


def test_the_tag_is_refused_on_a_forbidden_number() -> None:
    """By hand the tag is set and removed, but never set while an opt-out stands."""
    assert decide_tag(Standing(), sms=True) == Tag(sms=True)
    assert decide_tag(after("Hello"), sms=False) == Tag(sms=False)
    assert decide_tag(after("STOP"), sms=True) is None
    assert decide_tag(after("STOP"), sms=False) == Tag(sms=False)


def test_the_way_back_names_who_blocks_and_what_to_text() -> None:
    """The carrier or the person's own word; the words that work for this kind of sender."""
    blocked = after("STOP").blocks
    assert way_back(LONG, blocked) == (
        "The carrier blocks +14155550100: the person must text START to +14155550100 to enable it."
    )
    ours = (Block("55555", BlockLayer.OURS, BlockState.BLOCKED, Cause.KEYWORD, START, START, "e"),)
    assert way_back(SHORT, ours).startswith("The person opted out of 55555")
    assert "START or UNSTOP" in way_back(TOLL_FREE, ())
