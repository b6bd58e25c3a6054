"""Reviews of unclear texts: shown to commands, listed, counted, answered."""

import pytest
from store_world import ANN, BOB, OTHER_SENDER, SENDER, START, ask, entry, submit_together, write

from consentry.domain.directory import Purpose
from consentry.domain.entries import Actor, ActorKind, fold
from consentry.domain.keywords import read_legal
from consentry.domain.review import ReviewAnswer, ReviewCase, ReviewState
from consentry.domain.standing import Review, Unclear
from consentry.ports import Change, Needs, Page, ReviewFilter, Store

pytestmark = pytest.mark.integration


def review(number: int, recipient: str = ANN, **fields: object) -> ReviewCase:
    """Make a review; later numbers were opened later."""
    held = Unclear(
        f"rev_{number:05}",
        f"msg_{number:05}",
        f"ent_{number:05}",
        START,
        read_legal("no"),
        Purpose.MARKETING,
    )
    values: dict[str, object] = {
        "id": held.id,
        "recipient": recipient,
        "sender": SENDER,
        "unclear": held,
    }
    return ReviewCase(**(values | fields))  # type: ignore[arg-type]


def answered(number: int, recipient: str = ANN) -> ReviewCase:
    """Make a review that somebody answered."""
    return review(
        number,
        recipient,
        state=ReviewState.ANSWERED,
        answer=ReviewAnswer.KEEP,
        settled_at=START,
        settled_by=Actor(ActorKind.AGENT, "agt_1"),
        note="Nothing é 🙂 \x00.",
    )


async def test_a_command_is_shown_the_review_that_it_asks_for(store: Store) -> None:
    """Stored, and changed in the same batch; another is asked for in vain, and not unasked."""
    look = ask(lambda facts: facts.review("rev_00001"), Needs(reviews=("rev_00001",)))
    assert await store.submit(look) is None
    _, seen = await submit_together(store, write(Change(records=(review(1), review(2, BOB)))), look)
    assert seen == review(1) == await store.submit(look)
    _, seen = await submit_together(store, write(Change(records=(answered(1),))), look)
    assert seen == answered(1) == await store.submit(look)
    unasked = ask(lambda facts: facts.review("rev_00001"), Needs())
    with pytest.raises(LookupError, match="the review"):
        await store.submit(unasked)


async def test_reviews_are_listed_by_each_filter_and_page(store: Store) -> None:
    """Newest first; each filter alone and together, from behind a cursor; counted while open."""
    kept = [review(n, ANN if n % 2 else BOB) for n in range(1, 7)]
    kept[1] = answered(2, BOB)
    kept[2] = review(3, sender=OTHER_SENDER)
    assert await store.count_reviews() == 0
    await store.submit(write(Change(records=tuple(kept))))

    async def numbers(page: Page | None = None, **wanted: object) -> list[int]:
        found = await store.read_reviews(ReviewFilter(**wanted), page or Page())  # type: ignore[arg-type]
        assert all(one == kept[int(one.id[4:]) - 1] for one in found)
        return [int(one.id[4:]) for one in found]

    assert await numbers() == [6, 5, 4, 3, 2, 1]
    assert await numbers(Page(limit=2, before="rev_00005")) == [4, 3]
    assert await numbers(state=ReviewState.OPEN) == [6, 5, 4, 3, 1]
    assert await numbers(Page(2, "rev_00004"), state=ReviewState.OPEN) == [3, 1]
    assert await numbers(recipient=BOB) == [6, 4, 2]
    assert await numbers(recipient=BOB, state=ReviewState.ANSWERED) == [2]
    assert await numbers(senders=(OTHER_SENDER, "+1")) == [3]
    assert await numbers(state=ReviewState.OPEN, senders=()) == []
    assert await store.count_reviews() == 5
    assert await store.count_reviews((OTHER_SENDER,)) == 1
    assert await store.count_reviews(()) == 0


async def test_a_review_is_found_by_its_id(store: Store) -> None:
    """As it is now; another id finds nothing."""
    assert await store.read_review("rev_00001") is None
    await store.submit(write(Change(records=(review(1),))))
    assert await store.read_review("rev_00001") == review(1)
    await store.submit(write(Change(records=(answered(1),))))
    assert await store.read_review("rev_00001") == answered(1)


async def test_the_standing_keeps_what_is_to_be_reviewed(store: Store) -> None:
    """As its entries tell, until one of them takes it away."""
    held = Review(SENDER, (review(1).unclear,))
    opened, over = entry(1, pieces=(held,)), entry(2, pieces=(Review(SENDER),))
    await store.submit(write(Change(entries=(opened,))))
    assert await store.read_standing(ANN) == fold([opened])
    assert (await store.read_standing(ANN)).reviews == (held,)
    await store.submit(write(Change(entries=(over,))))
    assert (await store.read_standing(ANN)).reviews == ()
