"""The review queue in the console: what waits, behind what, its answers, and what they teach."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from lists_world import (
    ACME_ONLY,
    ADMIN,
    ANN,
    BOB,
    COMPLIANCE,
    FOREIGN,
    LONG,
    OTHER_ONLY,
    World,
    open_world,
)

from consentry.domain.consent import PairState, pair_state
from consentry.domain.entries import EntryKind
from consentry.domain.labelled_texts import parse_labelled_texts
from consentry.domain.review import ReviewAnswer, ReviewCase, ReviewState
from consentry.ports import Page, ReviewFilter

pytestmark = pytest.mark.integration

PAGE = "/console/review"
ANSWER = f"{PAGE}/answer"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Open the console on a new database."""
    async with open_world(tmp_path) as world:
        yield world


async def unclear(world: World, body: str = "who is this", person: str = ANN) -> ReviewCase:
    """Have somebody text something unclear."""
    await world.text(body, person)
    (case, *_) = await world.store.read_reviews(ReviewFilter(), Page())
    return case


async def test_nothing_waits(world: World) -> None:
    """The page says what will be here, and there is no number in the rail."""
    page = await world.get(PAGE)
    assert page.status_code == 200
    assert "Nothing waits" in page.text
    assert "to be reviewed</span>" not in page.text
    assert (await world.get(PAGE, ADMIN, state="nonsense")).status_code == 404


async def test_what_waits_is_shown_with_what_went_before(world: World) -> None:
    """The person, their text verbatim, ours before it, how it was read; counted in the rail."""
    await world.customer("Ann <b>", ANN)
    await world.text("Hello")
    await unclear(world, "who is this <3")
    page = (await world.get(PAGE)).text
    for shown in (
        "Ann &lt;b&gt;",
        "who is this &lt;3",
        "Hello",
        "Nobody had texted them",
        "rule <code>",
    ):
        assert shown in page, shown
    for key in "obwn":
        assert f'data-key="{key}"' in page
    assert '<span class="waits">1<span' in page
    assert '<span class="waits">1<span' in (await world.get("/console/opt-outs")).text


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (ReviewAnswer.OPT_OUT, PairState.OPTED_OUT),
        (ReviewAnswer.OPT_OUT_BRAND, PairState.OPTED_OUT),
        (ReviewAnswer.WRONG_NUMBER, PairState.OPTED_OUT),
        (ReviewAnswer.KEEP, PairState.OPTED_IN),
    ],
)
async def test_each_answer_is_taken(world: World, answer: ReviewAnswer, state: PairState) -> None:
    """By who may record consent; it is in force, in the audit, and off the list."""
    case = await unclear(world)
    form = {"review": case.id, "answer": answer, "note": " said so "}
    done = await world.post(ANSWER, ACME_ONLY, **form)
    assert (done.status_code, done.headers["location"]) == (303, PAGE)
    sender = (await world.store.read_directory()).senders[LONG]
    assert pair_state(await world.store.read_standing(ANN), sender) is state
    entry = (await world.audit())[0]
    assert (entry.kind, entry.reason, entry.text) == (
        EntryKind.REVIEW_ANSWERED,
        str(answer),
        "who is this",
    )
    assert entry.evidence is not None
    assert entry.evidence.note == "said so"
    assert "Nothing waits" in (await world.get(PAGE)).text
    answered = (await world.get(PAGE, ADMIN, state="answered")).text
    assert "“said so”" in answered
    may_change = answer is ReviewAnswer.KEEP
    assert ('data-key="o"' in answered) is may_change
    assert 'data-key="n"' not in answered


async def test_what_was_kept_is_made_an_opt_out_later(world: World) -> None:
    """From the list of answered ones, and back to it; a second time it is refused in its place."""
    case = await unclear(world)
    await world.post(ANSWER, ADMIN, review=case.id, answer="keep")
    path = f"{ANSWER}?state=answered"
    done = await world.post(path, COMPLIANCE, review=case.id, answer="opt_out")
    assert done.headers["location"] == f"{PAGE}?state=answered"
    again = await world.post(path, ADMIN, review=case.id, answer="keep")
    assert again.status_code == 409
    assert "answered already" in again.text


async def test_a_form_that_does_not_fit_is_refused_in_its_place(world: World) -> None:
    """No answer, or a note that is too long; nothing was done."""
    case = await unclear(world)
    for form in ({"answer": "perhaps"}, {"answer": "keep", "note": "x" * 501}):
        told = await world.post(ANSWER, ADMIN, review=case.id, **form)
        assert told.status_code == 422
        assert 'role="alert"' in told.text
    assert (await world.post(ANSWER, ADMIN, review="rev_none", answer="keep")).status_code == 404
    assert await world.store.count_reviews() == 1


async def test_the_persons_own_word_ends_it(world: World) -> None:
    """It is listed among those, without anything to press."""
    await unclear(world)
    await world.text("STOP")
    assert "Nothing waits" in (await world.get(PAGE)).text
    ended = (await world.get(PAGE, ADMIN, state="ended")).text
    assert "who is this" in ended
    assert "data-key=" not in ended
    assert "who is this" in (await world.get(PAGE, ADMIN, state="any")).text


async def test_agents_see_the_brands_they_work_for(world: World) -> None:
    """The list, the number in the rail, the answer and the test cases are held to them."""
    case = await unclear(world)
    await world.text("who is this", BOB, FOREIGN)
    theirs = (await world.get(PAGE, OTHER_ONLY)).text
    assert case.id not in theirs
    assert '<span class="waits">1<span' in theirs
    assert (await world.post(ANSWER, OTHER_ONLY, review=case.id, answer="keep")).status_code == 404
    assert '<span class="waits">2<span' in (await world.get(PAGE)).text


async def test_answers_are_taken_along_as_test_cases(world: World) -> None:
    """A file that `reader evaluate` reads; who took it is in the audit."""
    for person, body, answer in ((ANN, "who is this", "keep"), (BOB, "not interested", "opt_out")):
        case = await unclear(world, body, person)
        await world.post(ANSWER, ADMIN, review=case.id, answer=answer)
    taken = await world.get(f"{PAGE}/test-cases.csv", COMPLIANCE)
    rows = parse_labelled_texts(taken.text)
    assert [(row.text, row.expected) for row in rows] == [
        ("not interested", "opt_out"),
        ("who is this", "none"),
    ]
    assert (await world.audit())[0].kind is EntryKind.EXPORTED


async def test_a_long_list_has_pages(world: World) -> None:
    """Twenty on each; the older ones behind a link."""
    for number in range(21):
        await world.text("who is this", f"+1415555{number:04}")
    page = (await world.get(PAGE)).text
    assert page.count("data-item ") == 20
    older = page.split("before=")[1].split('"')[0]
    rest = (await world.get(PAGE, ADMIN, state="open", before=older)).text
    assert rest.count("data-item ") == 1
    assert "Newest" in rest


async def test_the_customer_page_tells_of_the_review(world: World) -> None:
    """The card says why it is held, the timeline what was done; the inbox shows it in a word."""
    person = await world.customer("Ann", ANN)
    case = await unclear(world)
    page = (await world.get(f"/console/customers/{person.id}")).text
    assert "may be an opt-out" in page
    assert "Answer it in the review queue" in page
    assert "only direct replies pass" in page
    assert "Held for review" in (await world.get("/console")).text
    await world.post(ANSWER, ADMIN, review=case.id, answer="wrong_number", note="she said so")
    page = (await world.get(f"/console/customers/{person.id}")).text
    assert "it is a wrong number" in page
    history = (await world.get(f"/console/customers/{person.id}/consent")).text
    assert "it is a wrong number" in history
    (kept,) = await world.store.read_reviews(ReviewFilter(state=ReviewState.ANSWERED), Page())
    assert kept.answer is ReviewAnswer.WRONG_NUMBER
