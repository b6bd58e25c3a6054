"""What a grant must show before it counts; the tag by hand; what brings a person back."""

import msgspec
import pytest

from consent_world import DIRECTORY, LONG, PROMO, SHORT, TOLL_FREE, after
from consentry.domain.directory import Sender
from consentry.domain.entries import Evidence, Medium
from consentry.domain.intake import decide_tag, missing_evidence, way_back
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    Block,
    BlockState,
    Cause,
    ConsentLevel,
    Standing,
    Tag,
)
from memory_store import START

pytestmark = pytest.mark.unit

WRITTEN, EXPRESS = ConsentLevel.EXPRESS_WRITTEN, ConsentLevel.EXPRESS
BRAND = DIRECTORY.brands["acme"]
CALL_TO_ACTION = "Get Deals from Acme by text from (415) 555-0100. Reply STOP to end."


# --- Evidence ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "evidence", "missing"),
    [
        (EXPRESS, Evidence(Medium.WEB), []),
        (EXPRESS, Evidence(Medium.TEXT, verbatim="JOIN"), []),
        (EXPRESS, Evidence(Medium.TEXT), ["verbatim"]),
        (EXPRESS, Evidence(Medium.TEXT, verbatim="  "), ["verbatim"]),
        (WRITTEN, Evidence(Medium.WEB, call_to_action=CALL_TO_ACTION), []),
        (WRITTEN, Evidence(Medium.WEB), ["as it was shown"]),
        (WRITTEN, Evidence(Medium.WEB, call_to_action=" "), ["as it was shown"]),
        (WRITTEN, Evidence(Medium.PHONE, call_to_action=CALL_TO_ACTION), ["in writing"]),
        (WRITTEN, Evidence(Medium.VERBAL, call_to_action=CALL_TO_ACTION), ["in writing"]),
        (
            WRITTEN,
            Evidence(Medium.TEXT, call_to_action="Texts!"),
            ["verbatim", "seller, Acme", "program, Deals", "number that texts, +14155550100"],
        ),
    ],
)
def test_a_grant_shows_what_its_level_needs(
    level: ConsentLevel, evidence: Evidence, missing: list[str]
) -> None:
    """Express written: in writing, the wording kept, naming seller, number and program (I3)."""
    found = missing_evidence(level, evidence, PROMO, BRAND, senders=(LONG, SHORT))
    assert len(found) == len(missing)
    assert all(part in whole for part, whole in zip(missing, found, strict=True))


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
    evidence = Evidence(Medium.WEB, call_to_action=f"Acme Deals {shown}")
    missing = missing_evidence(WRITTEN, evidence, PROMO, BRAND, senders=(sender,))
    assert (missing == ()) is named


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
