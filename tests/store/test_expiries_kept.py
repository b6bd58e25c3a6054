"""Consents that run out soon: listed in order, by pages, and only while they still will."""

from datetime import timedelta

import pytest
from store_world import ANN, BOB, START, entry, write

from consentry.domain.standing import Consent, ConsentLevel, ConsentState
from consentry.ports import Change, ExpiringFilter, Expiry, Page, Store

pytestmark = pytest.mark.integration

WANTED = ExpiringFilter(START, START + timedelta(days=30))
EVE = "+14165550103"


def given(
    number: int,
    recipient: str,
    program: str = "deals",
    *,
    days: float = 1,
    state: ConsentState = ConsentState.ACTIVE,
) -> Change:
    """Give a consent that ends some days after the start."""
    ends = START + timedelta(days=days)
    consent = Consent(
        program, state, ConsentLevel.EXPRESS, START, START, f"ent_{number}", expires_at=ends
    )
    return Change(
        entries=(entry(number, recipient, consent),), records=(Expiry(recipient, program, ends),)
    )


async def listed(
    store: Store, wanted: ExpiringFilter = WANTED, page: Page | None = None
) -> tuple[list[tuple[str, str]], str | None]:
    """List who runs out, with what."""
    found = await store.read_expiring(wanted, page or Page())
    return [(item.recipient, item.consent.program) for item in found.items], found.next


async def test_what_runs_out_first_comes_first(store: Store) -> None:
    """From the first moment of the time to before its end, by pages, of some programs or all."""
    for change in (
        given(1, ANN, days=20),
        given(2, BOB, days=0),
        given(3, EVE, "news é", days=20),
        given(4, BOB, "news", days=30),
        given(5, ANN, "news", days=29.9),
        given(6, EVE, days=-1),
    ):
        await store.submit(write(change))
    whole = [(BOB, "deals"), (ANN, "deals"), (EVE, "news é"), (ANN, "news")]
    assert await listed(store) == (whole, None)
    first, after = await listed(store, page=Page(limit=3))
    assert first == whole[:3]
    assert await listed(store, page=Page(limit=3, before=after)) == (whole[3:], None)
    of_news = ExpiringFilter(WANTED.since, WANTED.until, ("news", "other"))
    assert await listed(store, of_news) == ([(ANN, "news")], None)
    assert await listed(store, ExpiringFilter(WANTED.since, WANTED.until, ())) == ([], None)


async def test_only_what_is_active_runs_out(store: Store) -> None:
    """One that was withdrawn, waits, or was renewed is not listed."""
    for number, state in enumerate(ConsentState, 1):
        await store.submit(write(given(number, f"+1415555010{number}", state=state)))
    active = list(ConsentState).index(ConsentState.ACTIVE) + 1
    assert await listed(store) == ([(f"+1415555010{active}", "deals")], None)
    await store.submit(write(given(9, f"+1415555010{active}", days=300)))
    assert await listed(store) == ([], None)


@pytest.mark.parametrize("cursor", ["", "zz", "00", b"x\ny\nz".hex(), b"1\n\x00\nz".hex(), "ff"])
async def test_a_cursor_that_is_none_of_ours_leads_nowhere(store: Store, cursor: str) -> None:
    """Nothing is listed behind it."""
    await store.submit(write(given(1, ANN)))
    assert await listed(store, page=Page(before=cursor)) == ([], None)
