"""The list of opted-out numbers: what stands, since when, found by number, name, scope, cause."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_world import ANN, BOB, OTHER_SENDER, SENDER, START, customer, entry, write

from consentry.domain.directory import conversation_program
from consentry.domain.reading import BlockLayer
from consentry.domain.standing import (
    EVERYTHING,
    Block,
    BlockState,
    Cause,
    Consent,
    ConsentLevel,
    ConsentState,
    Piece,
    SMSPreference,
    Standing,
    Suppression,
)
from consentry.ports import Change, OptOutFilter, OptOutPage, Page, Store
from consentry.store.derived import row_of_standing
from consentry.store.opt_out_list import MARKS_LOOKED_AT_MAX, NAMED_MAX, NAMES_LOOKED_AT_MAX

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
EVE = "+14165550103"


def block(
    at: datetime,
    scope: str = SENDER,
    cause: Cause = Cause.KEYWORD,
    state: BlockState = BlockState.BLOCKED,
) -> Block:
    """Make a block that was reached at a time."""
    return Block(scope, BlockLayer.PROVIDER, state, cause, at, at, "ent_1")


def suppression(at: datetime, *, active: bool = True) -> Suppression:
    """Make a suppression of everything."""
    return Suppression(EVERYTHING, Cause.AGENT, at, "ent_1", active=active)


def withdrawn(at: datetime, program: str = conversation_program(SENDER)) -> Consent:
    """Make a withdrawn consent."""
    return Consent(program, ConsentState.REVOKED, ConsentLevel.IMPLIED, at, at, "ent_1")


async def put(store: Store, recipient: str, *pieces: Piece, number: int = 1) -> None:
    """Write pieces of a standing."""
    made = entry(number, recipient, *pieces, id=f"ent_{recipient}_{number}")
    await store.submit(write(Change(entries=(made,))))


async def listed(store: Store, **fields: object) -> list[str]:
    """List the recipients that a filter finds."""
    page = await store.read_opt_outs(OptOutFilter(**fields), Page())  # type: ignore[arg-type]
    assert page.next is None
    return [item.recipient for item in page.items]


async def test_the_newest_opt_out_that_stands_gives_the_place(store: Store) -> None:
    """What was lifted does not count; a number is listed once, with its customer."""
    await put(store, ANN, block(START), suppression(START + 3 * HOUR))
    await put(store, BOB, block(START + 2 * HOUR), suppression(START + 4 * HOUR, active=False))
    await put(store, EVE, block(START + 5 * HOUR, state=BlockState.OPEN))
    await store.submit(write(Change(records=(customer(2, "Ann", ANN), customer(1, "Al", ANN)))))
    ann, bob = (await store.read_opt_outs(OptOutFilter(), Page())).items
    assert (ann.recipient, ann.since) == (ANN, START + 3 * HOUR)
    assert (bob.recipient, bob.since) == (BOB, START + 2 * HOUR)
    assert ann.customer == customer(1, "Al", ANN)
    assert ann.standing == await store.read_standing(ANN)
    assert bob.customer is None


async def test_a_number_leaves_the_list_when_nothing_stands(store: Store) -> None:
    """And comes back with the next opt-out."""
    await put(store, ANN, block(START))
    assert await listed(store) == [ANN]
    await put(store, ANN, block(START + HOUR, state=BlockState.OPEN), number=2)
    assert await listed(store) == []
    await put(store, ANN, withdrawn(START + HOUR), number=3)
    assert await listed(store) == [ANN]


async def test_opt_outs_are_listed_page_by_page(store: Store) -> None:
    """Numbers that opted out at the same time are neither lost nor listed twice."""
    people = [f"+1415555{n:04}" for n in range(7)]
    for person in people:
        await put(store, person, block(START))
    found: list[str] = []
    before: str | None = None
    while before is not None or not found:
        page = await store.read_opt_outs(OptOutFilter(), Page(limit=2, before=before))
        found += [item.recipient for item in page.items]
        before = page.next
    assert found == people[::-1]
    for cursor in ("nonsense", "1:", ":", "²:x", f"{10**30}:x", "-:x"):
        page = await store.read_opt_outs(OptOutFilter(), Page(before=cursor))
        assert isinstance(page, OptOutPage)


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("416", [EVE]),
        ("+1 (415) 555", [BOB, ANN]),
        ("03", [EVE]),
        ("ann", [ANN]),
        ("LEE", [EVE, ANN]),
        ("  ", [EVE, BOB, ANN]),
        ("nobody", []),
        ("999", []),
    ],
)
async def test_opt_outs_are_found_by_number_and_name(
    store: Store, search: str, found: list[str]
) -> None:
    """Any part of the number, however it is written, or of a name of a customer who has it."""
    for hours, person in enumerate((ANN, BOB, EVE)):
        await put(store, person, block(START + hours * HOUR))
    named = (customer(1, "Ann Lee", ANN), customer(2, "Eve Lee", EVE), customer(3, "Kim Lee", "+1"))
    await store.submit(write(Change(records=named)))
    assert await listed(store, search=search) == found


async def test_opt_outs_are_found_by_scope_cause_and_time(store: Store) -> None:
    """One opt-out must be of the scope and of the cause; times are both inclusive."""
    await put(store, ANN, block(START, OTHER_SENDER), suppression(START + HOUR))
    await put(store, BOB, block(START + 2 * HOUR, SENDER, Cause.FREE_TEXT))
    await put(store, EVE, withdrawn(START + 3 * HOUR), withdrawn(START, "prg_1"))
    assert await listed(store, scopes=(SENDER,)) == [EVE, BOB]
    assert await listed(store, scopes=(OTHER_SENDER, EVERYTHING)) == [ANN]
    assert await listed(store, cause=Cause.FREE_TEXT) == [BOB]
    assert await listed(store, scopes=(OTHER_SENDER,), cause=Cause.AGENT) == []
    assert await listed(store, scopes=(EVERYTHING,), cause=Cause.AGENT) == [ANN]
    assert await listed(store, scopes=("prg_1",)) == []
    assert await listed(store, since=START + 2 * HOUR) == [EVE, BOB]
    assert await listed(store, until=START + 2 * HOUR) == [BOB, ANN]
    microsecond = timedelta(microseconds=1)
    assert await listed(store, since=START + 2 * HOUR + microsecond) == [EVE]
    assert await listed(store, until=START + 2 * HOUR - microsecond) == [ANN]


async def test_a_page_looks_at_only_so_many_numbers(store: Store) -> None:
    """A rare cause far back is found over several pages, none of which takes long."""
    many = MARKS_LOOKED_AT_MAX + 50
    await put(store, ANN, block(START - HOUR, cause=Cause.LEGAL))
    entries = tuple(entry(n, f"+1416{n:07}", block(START)) for n in range(2, many + 2))
    await store.submit(write(Change(entries=entries)))
    rare = OptOutFilter(cause=Cause.LEGAL)
    first = await store.read_opt_outs(rare, Page())
    assert first.items == []
    second = await store.read_opt_outs(rare, Page(before=first.next))
    assert [item.recipient for item in second.items] == [ANN]
    assert second.next is None


async def test_a_name_is_found_however_many_have_it(store: Store) -> None:
    """A rare name at once; a common one on the way along the list, page by page."""
    many = NAMES_LOOKED_AT_MAX + 50
    await put(store, ANN, block(START - HOUR))
    entries = tuple(entry(n, f"+1416{n:07}", block(START)) for n in range(2, many + 2))
    await store.submit(write(Change(entries=entries)))
    await store.submit(write(Change(records=(customer(1, "Al", ANN),))))
    assert await listed(store, search="al") == [ANN]
    same = tuple(customer(n, "Alan") for n in range(2, NAMED_MAX + 2))
    await store.submit(write(Change(records=same)))
    first = await store.read_opt_outs(OptOutFilter(search="al"), Page())
    assert first.items == []
    second = await store.read_opt_outs(OptOutFilter(search="al"), Page(before=first.next))
    assert [item.recipient for item in second.items] == [ANN]


TIMES = st.integers(0, 100).map(lambda hours: START + hours * HOUR)
PIECES = st.one_of(
    st.builds(block, TIMES, state=st.sampled_from(BlockState)),
    st.builds(suppression, TIMES, active=st.booleans()),
    st.builds(
        Consent,
        program=st.sampled_from([conversation_program(SENDER), "prg_1"]),
        state=st.sampled_from(ConsentState),
        level=st.just(ConsentLevel.EXPRESS),
        since=TIMES,
        changed_at=TIMES,
        entry=st.just("ent_1"),
        by_person=st.booleans(),
    ),
)


@pytest.mark.property
@given(pieces=st.lists(PIECES, max_size=6))
def test_a_number_is_listed_exactly_while_it_is_forbidden(pieces: list[Piece]) -> None:
    """What the list goes by and what the profile shows are one rule."""
    standing = Standing(
        blocks=tuple(p for p in pieces if isinstance(p, Block)),
        suppressions=tuple(p for p in pieces if isinstance(p, Suppression)),
        consents=tuple(p for p in pieces if isinstance(p, Consent)),
    )
    forbidden = standing.sms_preference is SMSPreference.FORBIDDEN
    at, marks, _ = row_of_standing(standing)
    assert (at is not None) == (marks is not None) == forbidden
