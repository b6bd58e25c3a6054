"""The review queue: texts that may be an opt-out, with what went before, one key an answer."""

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from consentry.actions.answer_review import AnswerReview, answer_review
from consentry.actions.read_reviews import ReviewedText, add_texts, label, read_reviewed
from consentry.console.exports import Export, Row, send_export
from consentry.console.pages import Page, Visit
from consentry.console.review_words import REVIEW_AFTER, REVIEW_ANSWERS, REVIEW_STATES
from consentry.domain.agents import Permission
from consentry.domain.customers import Customer
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.labelled_texts import COLUMNS
from consentry.domain.messages import Message
from consentry.domain.review import ReviewAnswer, ReviewState
from consentry.ports import MessageFilter, Rejected, ReviewFilter
from consentry.ports import Page as ListPage

_ADDRESS: Final = "/console/review"
_ON_A_PAGE: Final = 20
_BEFORE: Final = 3
_IN_A_SLICE: Final = 200
_NOTE_CHARACTERS_MAX: Final = 500
_ANY: Final = "any"


class Shown(msgspec.Struct, frozen=True):
    """A review as it is shown: of whom, behind which texts (oldest first), and who settled it."""

    reviewed: ReviewedText
    customer: Customer | None
    before: tuple[Message, ...]
    settled_by: str


class Refusal(msgspec.Struct, frozen=True):
    """An answer that was not taken: of which review, and why."""

    review: str
    error: str


async def show_reviews(visit: Visit) -> Response:
    """List what waits, or what became of what waited."""
    return await _show(visit)


async def _show(visit: Visit, refusal: Refusal | None = None, status: int = 200) -> Response:
    state, before = visit.query("state") or ReviewState.OPEN, visit.query("before") or None
    senders, store = await visit.sender_scope(), visit.services.store
    if state not in {_ANY, *ReviewState}:
        return visit.missing("list of reviews")
    wanted = ReviewFilter(state=None if state == _ANY else ReviewState(state), senders=senders)
    page = ListPage(limit=_ON_A_PAGE + 1, before=before)
    found = await read_reviewed(store, wanted, page)
    shown = found[:_ON_A_PAGE]
    return visit.render(
        "review.html",
        status=status,
        rows=[await _describe(visit, one) for one in shown],
        state=state,
        states_of_review=REVIEW_STATES,
        answers=REVIEW_ANSWERS,
        after=REVIEW_AFTER,
        waiting_now=await store.count_reviews(senders),
        refusal=refusal,
        before=before,
        following=shown[-1].case.id if len(found) > _ON_A_PAGE else None,
    )


async def _describe(visit: Visit, reviewed: ReviewedText) -> Shown:
    case, store = reviewed.case, visit.services.store
    profiles = await store.read_profiles(case.recipient)
    talk = MessageFilter(recipient=case.recipient, sender=case.sender)
    texts = await store.read_messages(talk, ListPage(limit=_BEFORE, before=case.unclear.message))
    name = await _name(visit, case.settled_by)
    return Shown(reviewed, profiles[0] if profiles else None, tuple(reversed(texts)), name)


async def _name(visit: Visit, actor: Actor | None) -> str:
    """Name who settled it as colleagues know them."""
    if actor is None or actor.kind is ActorKind.PERSON:
        return "the person"
    for agent in await visit.services.store.read_agents():
        if agent.id == actor.id:
            return agent.name
    for key in await visit.services.store.read_keys():
        if key.id == actor.id:
            return f"{key.name}, by API"
    return actor.id or str(actor.kind)


async def take_answer(visit: Visit) -> Response:
    """Take what somebody says that a text was; an opt-out is in force before this is answered."""
    case = await visit.services.store.read_review(visit.field("review"))
    senders = await visit.sender_scope()
    if case is None or (senders is not None and case.sender not in senders):
        return visit.missing("review")
    what, note = visit.field("answer"), visit.field("note").strip()
    if what not in set(ReviewAnswer):
        return await _show(visit, Refusal(case.id, "Choose one of the answers."), 422)
    if len(note) > _NOTE_CHARACTERS_MAX:
        told = f"At most {_NOTE_CHARACTERS_MAX} characters fit into a note."
        return await _show(visit, Refusal(case.id, told), 422)
    command = AnswerReview(case, ReviewAnswer(what), visit.actor, note or None)
    try:
        await answer_review(visit.services.store, visit.services.delivery, command)
    except Rejected as rejected:
        return await _show(visit, Refusal(case.id, str(rejected)), rejected.status)
    state = visit.query("state")
    return visit.go(f"{_ADDRESS}?{urlencode({'state': state})}" if state else _ADDRESS)


async def export_test_cases(visit: Visit) -> Response:
    """Take along what answered reviews teach the reader."""
    day = visit.services.clock.now()
    export = Export(f"reviewed-{day:%Y-%m-%d}.csv", COLUMNS, "test cases from reviews", "")
    return send_export(visit, export, _read_all(visit, await visit.sender_scope()))


async def _read_all(visit: Visit, senders: tuple[str, ...] | None) -> AsyncIterator[list[Row]]:
    wanted = ReviewFilter(state=ReviewState.ANSWERED, senders=senders)
    before: str | None = None
    while True:
        page = ListPage(limit=_IN_A_SLICE, before=before)
        cases = await visit.services.store.read_reviews(wanted, page)
        labelled = [label(one) for one in await add_texts(visit.services.store, cases)]
        yield [
            (one.text, one.language, one.expected, one.tier or "", one.part)
            for one in labelled
            if one is not None
        ]
        if len(cases) < _IN_A_SLICE:
            return
        before = cases[-1].id


PAGES: Final = (
    Page(path="/review", view=show_reviews, permission=Permission.READ_CONVERSATIONS),
    Page(path="/review/test-cases.csv", view=export_test_cases, permission=Permission.EXPORT),
    Page(
        path="/review/answer",
        view=take_answer,
        permission=Permission.RECORD_CONSENT,
        method="POST",
    ),
)
