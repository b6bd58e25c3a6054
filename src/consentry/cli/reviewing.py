"""Commands about texts that may be an opt-out: review list, answer, test-cases."""

import sys
from typing import Annotated

import typer

from consentry.actions.answer_review import AnswerReview, answer_review
from consentry.actions.read_reviews import ReviewedText, read_reviewed, read_test_cases
from consentry.cli.database import with_store
from consentry.cli.output import JSONFlag, print_json, print_table
from consentry.cli.outside import FromOutside
from consentry.domain.entries import Actor, ActorKind
from consentry.domain.labelled_texts import LabelledText, render_labelled_texts
from consentry.domain.review import ReviewAnswer, ReviewCase, ReviewState
from consentry.ports import Page, Rejected, ReviewFilter, Store
from consentry.settings import Settings

review_app = typer.Typer(help="Texts that may be an opt-out.", no_args_is_help=True)
_ACTOR = Actor(ActorKind.AGENT, "command line")
_LISTED = 1000
_SHOWN_CHARACTERS = 60


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(review_app, name="review")
    review_app.command("list")(list_reviews)
    review_app.command("answer")(answer)
    review_app.command("test-cases")(list_test_cases)


def list_reviews(
    *,
    every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    as_json: JSONFlag = False,
) -> None:
    """List the texts that wait to be reviewed, the newest first.

    Until one is answered, only direct replies to the person pass.

    Example: consentry review list
    """
    wanted = ReviewFilter(state=None if every else ReviewState.OPEN)
    page = Page(limit=_LISTED)
    found = with_store(lambda store, _settings: read_reviewed(store, wanted, page))
    if as_json:
        for reviewed in found:
            print_json(reviewed)
        return
    columns = ("review", "state", "recipient", "sender", "at (UTC)", "language", "text")
    print_table(columns, [_row(one) for one in found], empty="Nothing waits to be reviewed.")


def _row(reviewed: ReviewedText) -> tuple[str, ...]:
    case = reviewed.case
    return (
        case.id,
        str(case.answer or case.state),
        case.recipient,
        case.sender,
        case.unclear.at.strftime("%Y-%m-%d %H:%M"),
        case.language,
        (reviewed.text or "")[:_SHOWN_CHARACTERS],
    )


def answer(
    review: Annotated[str, typer.Argument(help="The review's id.")],
    what: Annotated[ReviewAnswer, typer.Argument(help="What the text was.")],
    *,
    note: Annotated[str | None, typer.Option(help="A note for colleagues.")] = None,
    as_json: JSONFlag = False,
) -> None:
    """Say what a text was: an opt-out, a wrong number, or an ordinary answer.

    An opt-out counts as the person's own word: only they can lift it. "keep" can be made stricter
    later.

    Example: consentry review answer rev_01KAPZ5V0Q3M9X8ZC4T2N6R7HD opt_out
    """

    async def run(store: Store, _settings: Settings) -> ReviewCase:
        case = await store.read_review(review)
        if case is None:
            told = f"There is no review {review!r}. List them: consentry review list"
            raise Rejected("not_found", told)
        return await answer_review(
            store, FromOutside(store), AnswerReview(case, what, _ACTOR, note)
        )

    case = with_store(run)
    if as_json:
        print_json(case)
    else:
        sys.stdout.write(f"{case.id} is answered: {case.answer}.\n")


def list_test_cases() -> None:
    """Print what answered reviews teach the reader, as a CSV file of labelled texts.

    Example: consentry review test-cases > reviewed.csv
    """

    async def run(store: Store, _settings: Settings) -> list[LabelledText]:
        cases: list[LabelledText] = []
        page = Page(limit=_LISTED)
        while True:
            found = await read_test_cases(store, page)
            cases += found.items
            if found.next is None:
                return cases
            page = Page(limit=_LISTED, before=found.next)

    sys.stdout.write(render_labelled_texts(with_store(run)))
