"""Texts that may be an opt-out: listed, read, answered, and what they teach the reader."""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from consentry.actions.answer_review import AnswerReview, answer_review
from consentry.actions.read_reviews import (
    ReviewedText,
    add_texts,
    read_reviewed,
    read_test_cases,
)
from consentry.api.listing import Listing, next_cursor
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.parameters import (
    NOT_BLANK,
    PageQuery,
    PhoneText,
    id_in_path,
    page_after,
    read_number_wanted,
)
from consentry.api.problems import Problem
from consentry.domain.directory import Purpose
from consentry.domain.entries import Actor
from consentry.domain.reading import LegalMeaning, Tier
from consentry.domain.review import ReviewAnswer, ReviewCase, ReviewState
from consentry.ports import Page, ReviewFilter, Scope

Note = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=NOT_BLANK)]


class ReviewQuery(PageQuery, frozen=True, forbid_unknown_fields=True):
    """Which reviews to list; what is left out is any."""

    state: ReviewState | UnsetType = UNSET
    recipient: PhoneText | UnsetType = UNSET


class GivenAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the text was; `note` is for colleagues and kept in the audit."""

    answer: ReviewAnswer
    note: Note | None = None


class ReviewView(msgspec.Struct, frozen=True):
    """A text that may be an opt-out, and what became of it.

    `text` is verbatim, null where it is erased. `rule`, `tier`, `language` and `reader_version`
    say how it was read. `last_purpose` is that of our last text before it. `is_held_back`: only
    direct replies pass until it is answered.
    """

    id: str
    recipient: str
    sender: str
    state: ReviewState
    text: str | None
    message: str
    entry: str
    at: datetime
    language: str
    tier: Tier
    rule: str | None
    reader_version: str
    last_purpose: Purpose | None
    is_held_back: bool
    answer: ReviewAnswer | None
    settled_at: datetime | None
    settled_by: Actor | None
    note: str | None


class LabelledView(msgspec.Struct, frozen=True):
    """A text with what somebody took it for: a row of a labelled set for the reader."""

    text: str
    language: str
    expected: LegalMeaning
    tier: Tier | None


def view_review(reviewed: ReviewedText) -> ReviewView:
    """Show a review."""
    case = reviewed.case
    reading = case.unclear.reading
    return ReviewView(
        id=case.id,
        recipient=case.recipient,
        sender=case.sender,
        state=case.state,
        text=reviewed.text,
        message=case.unclear.message,
        entry=case.unclear.entry,
        at=case.unclear.at,
        language=case.language,
        tier=reading.tier,
        rule=reading.rule,
        reader_version=reading.version,
        last_purpose=case.unclear.after,
        is_held_back=case.state is ReviewState.OPEN,
        answer=case.answer,
        settled_at=case.settled_at,
        settled_by=case.settled_by,
        note=case.note,
    )


async def list_reviews(call: Call[None, ReviewQuery]) -> Answer:
    """List reviews, newest first."""
    query, services = call.query, call.services
    recipient = read_number_wanted(query.recipient, services.default_region)
    state = None if query.state is UNSET else query.state
    wanted = ReviewFilter(state=state, recipient=recipient)
    found = await read_reviewed(services.store, wanted, page_after(query))
    after = next_cursor(found, query, lambda reviewed: reviewed.case.id)
    return Answer(Listing([view_review(one) for one in found[: query.limit]], after))


async def read_review(call: Call[None, None]) -> Answer:
    """Show one review."""
    return Answer(await _view(call, await _find(call)))


async def answer(call: Call[GivenAnswer, None]) -> Answer:
    """Say what a text was."""
    command = AnswerReview(await _find(call), call.body.answer, call.actor, call.body.note)
    services = call.services
    return Answer(
        await _view(call, await answer_review(services.store, services.delivery, command))
    )


async def list_test_cases(call: Call[None, PageQuery]) -> Answer:
    """List what answered reviews teach."""
    query = call.query
    before = None if query.cursor is UNSET else query.cursor
    found = await read_test_cases(call.services.store, Page(query.limit, before))
    views = [LabelledView(c.text, c.language, c.expected, c.tier) for c in found.items]
    return Answer(Listing(views, found.next))


async def _view(call: Call[GivenAnswer, None] | Call[None, None], case: ReviewCase) -> ReviewView:
    (reviewed,) = await add_texts(call.services.store, [case])
    return view_review(reviewed)


async def _find(call: Call[GivenAnswer, None] | Call[None, None]) -> ReviewCase:
    case = await call.services.store.read_review(id_in_path(call))
    if case is None:
        raise Problem("not_found", f"There is no review {call.path['id']!a}. List them.")
    return case


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/v1/reviews",
        tag=Tag.REVIEWS,
        summary="Texts that may be an opt-out",
        description="Newest first. While one is open, texts that are no direct reply are refused "
        "with `paused_for_review`.",
        handler=list_reviews,
        scope=Scope.READ,
        for_brands=True,
        query=ReviewQuery,
        answers={200: Listing[ReviewView]},
        errors=("invalid_number",),
    ),
    Operation(
        method="GET",
        path="/v1/reviews/{id}",
        tag=Tag.REVIEWS,
        summary="One review",
        handler=read_review,
        scope=Scope.READ,
        for_brands=True,
        answers={200: ReviewView},
        errors=("not_found",),
    ),
    Operation(
        method="POST",
        path="/v1/reviews/{id}/answer",
        tag=Tag.REVIEWS,
        summary="Say what the text was",
        description="An opt-out or a wrong number counts as the person's own word, and only they "
        "can lift it; it is answered when nothing for them is under way any more. What was kept "
        "can be made stricter later.",
        handler=answer,
        scope=Scope.CONSENT,
        for_brands=True,
        body=GivenAnswer,
        answers={200: ReviewView},
        errors=("not_found", "already_settled", "opted_in_since"),
        example={"answer": "opt_out", "note": "They are quite clear."},
    ),
    Operation(
        method="GET",
        path="/v1/test-cases",
        tag=Tag.REVIEWS,
        summary="What answered reviews teach the reader",
        description="Each text with what it was taken for, newest answers first: rows for "
        "`consentry reader evaluate`. Texts that are erased are left out.",
        handler=list_test_cases,
        scope=Scope.READ,
        for_brands=True,
        query=PageQuery,
        answers={200: Listing[LabelledView]},
    ),
)
