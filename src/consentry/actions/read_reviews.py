"""Reviews with the texts that they are about, and what the answered ones teach a reader."""

from typing import Final

import msgspec

from consentry.domain.labelled_texts import LabelledText
from consentry.domain.reading import LegalMeaning, Tier
from consentry.domain.review import ReviewAnswer, ReviewCase, ReviewState
from consentry.ports import Page, ReviewFilter, Store

PART: Final = "review"
"""The part of a set of labelled texts that test cases from reviews are in."""

_MEANINGS: Final = {
    ReviewAnswer.OPT_OUT: LegalMeaning.OPT_OUT,
    ReviewAnswer.OPT_OUT_BRAND: LegalMeaning.OPT_OUT,
    ReviewAnswer.WRONG_NUMBER: LegalMeaning.WRONG_NUMBER,
    ReviewAnswer.KEEP: LegalMeaning.NONE,
}


class ReviewedText(msgspec.Struct, frozen=True):
    """A review and its text verbatim; None where that is there no more."""

    case: ReviewCase
    text: str | None


class OfferedCases(msgspec.Struct, frozen=True):
    """A page of test cases; `next` is the review behind which the next page begins."""

    items: list[LabelledText]
    next: str | None = None


async def read_reviewed(store: Store, wanted: ReviewFilter, page: Page) -> list[ReviewedText]:
    """List reviews with their texts, newest first; raises `StoreUnavailable`."""
    return await add_texts(store, await store.read_reviews(wanted, page))


async def add_texts(store: Store, cases: list[ReviewCase]) -> list[ReviewedText]:
    """Put the texts beside the reviews."""
    messages = await store.read_messages_by_id([case.unclear.message for case in cases])
    found = [(case, messages.get(case.unclear.message)) for case in cases]
    return [ReviewedText(case, None if text is None else text.body) for case, text in found]


async def read_test_cases(
    store: Store, page: Page, senders: tuple[str, ...] | None = None
) -> OfferedCases:
    """List what answered reviews teach, newest first: each text with what it was taken for.

    Texts that are there no more teach nothing, so a page may hold fewer than asked for.
    """
    wanted = ReviewFilter(state=ReviewState.ANSWERED, senders=senders)
    more = Page(limit=page.limit + 1, before=page.before)
    found = await read_reviewed(store, wanted, more)
    shown = found[: page.limit]
    cases = [label(one) for one in shown]
    following = shown[-1].case.id if len(found) > page.limit else None
    return OfferedCases([case for case in cases if case is not None], following)


def label(reviewed: ReviewedText) -> LabelledText | None:
    """Label a text with what it was taken for; None where there is nothing to be labelled."""
    answer = reviewed.case.answer
    if answer is None or reviewed.text is None:
        return None
    meaning = _MEANINGS[answer]
    tier = Tier.NONE if meaning is LegalMeaning.NONE else Tier.PHRASE
    return LabelledText(
        text=reviewed.text,
        expected=meaning,
        language=reviewed.case.language,
        tier=tier,
        part=PART,
    )
