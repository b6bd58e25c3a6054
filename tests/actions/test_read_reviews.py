"""Reviews with their texts, and what answered ones teach the reader."""

import msgspec
import pytest

from action_world import AGENT, World
from consent_world import LONG, SECOND
from consentry.actions.answer_review import AnswerReview
from consentry.actions.read_reviews import label, read_reviewed, read_test_cases
from consentry.domain.labelled_texts import (
    LabelledText,
    parse_labelled_texts,
    render_labelled_texts,
)
from consentry.domain.reading import LegalMeaning, Tier
from consentry.domain.review import ReviewAnswer, ReviewState
from consentry.ports import Page, ReviewFilter

pytestmark = pytest.mark.unit

TAKEN_FOR = (
    ("who is this", ReviewAnswer.KEEP, LegalMeaning.NONE, Tier.NONE),
    ("not interested", ReviewAnswer.OPT_OUT, LegalMeaning.OPT_OUT, Tier.PHRASE),
    ("remove", ReviewAnswer.OPT_OUT_BRAND, LegalMeaning.OPT_OUT, Tier.PHRASE),
    ('who, "this"', ReviewAnswer.WRONG_NUMBER, LegalMeaning.WRONG_NUMBER, Tier.PHRASE),
)


def reviewed() -> World:
    """Have people write unclear texts, and each answered in another way; one is left open."""
    world = World()
    for count, (body, answer, _, _) in enumerate(TAKEN_FOR):
        world.receive(body, recipient=f"+1415555020{count}")
        case = list(world.store.reviews.values())[-1]
        world.store.run(AnswerReview(case, answer, AGENT))
    world.receive("exit", SECOND, recipient="+14155550209")
    return world


async def test_reviews_are_read_with_their_texts() -> None:
    """Newest first, word for word; a text that was erased is missing."""
    world = reviewed()
    found = await read_reviewed(world.store, ReviewFilter(), Page(limit=2))  # type: ignore[arg-type]
    assert [one.text for one in found] == ["exit", 'who, "this"']
    del world.store.messages[found[0].case.unclear.message]
    wanted = ReviewFilter(state=ReviewState.OPEN)
    (left,) = await read_reviewed(world.store, wanted, Page())  # type: ignore[arg-type]
    assert left.text is None


async def test_answered_reviews_are_test_cases() -> None:
    """Each text with what it was taken for, page by page, in the form that the reader measures."""
    world = reviewed()
    first = await read_test_cases(world.store, Page(limit=3))  # type: ignore[arg-type]
    rest = await read_test_cases(world.store, Page(limit=3, before=first.next))  # type: ignore[arg-type]
    assert rest.next is None
    cases = [*first.items, *rest.items]
    assert cases == [
        LabelledText(text=body, expected=meaning, language="und", tier=tier, part="review")
        for body, _, meaning, tier in reversed(TAKEN_FOR)
    ]
    written = parse_labelled_texts(render_labelled_texts(cases))
    assert [(c.text, c.expected, c.tier) for c in written] == [
        (c.text, c.expected, c.tier) for c in cases
    ]


async def test_what_is_erased_or_not_answered_teaches_nothing() -> None:
    """Nor does what another brand's people wrote, for who does not see it."""
    world = reviewed()
    (newest,) = await read_reviewed(world.store, ReviewFilter(), Page(limit=1))  # type: ignore[arg-type]
    assert label(newest) is None
    answered = msgspec.structs.replace(newest.case, answer=ReviewAnswer.KEEP)
    assert label(msgspec.structs.replace(newest, case=answered)) is not None
    assert label(msgspec.structs.replace(newest, case=answered, text=None)) is None
    world.store.messages.clear()
    gone = await read_test_cases(world.store, Page())  # type: ignore[arg-type]
    assert (gone.items, gone.next) == ([], None)
    others = await read_test_cases(reviewed().store, Page(), (SECOND.number,))  # type: ignore[arg-type]
    assert others.items == []
    ours = await read_test_cases(reviewed().store, Page(), (LONG.number,))  # type: ignore[arg-type]
    assert len(ours.items) == len(TAKEN_FOR)
