"""Whatever can be written is read back the same."""

import asyncio
import itertools
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_world import Database, customer, entry, message, queued, write

from consentry.domain.microseconds import from_microseconds, to_microseconds
from consentry.ports import Change, Page

pytestmark = pytest.mark.property

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
"""Any text but lone surrogates, which no encoding can carry: NUL, quotes, emoji, any script."""


numbers = itertools.count()


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(bodies=st.lists(TEXTS, max_size=5))
def test_any_text_comes_back_as_it_was(database: Database, bodies: list[str]) -> None:
    """Bodies and names, and what is no number at all, survive the way into columns and back.

    A column of PostgreSQL cannot hold NUL, so no number has one here; texts and names do.
    """
    texts = [(next(numbers), body) for body in bodies]
    named = {n: f"{n}{body}".replace("\x00", "") for n, body in texts}

    async def write_and_read() -> None:
        store = database.open()
        change = Change(
            entries=tuple(entry(n, named[n], text=body) for n, body in texts),
            messages=tuple(message(n, named[n], body=body) for n, body in texts),
            records=tuple(customer(n, body, named[n]) for n, body in texts),
        )
        await store.submit(write(change))
        for place, (n, _) in enumerate(texts):
            assert await store.read_message(f"msg_{n:05d}") == change.messages[place]
            assert await store.read_entries(named[n], Page()) == [change.entries[place]]
            assert await store.read_profiles(named[n]) == [change.records[place]]
            await store.submit(write(queued(n, recipient=named[n], sender=named[n])))
        assert {sender for sender, _ in await store.next_due()} >= set(named.values())
        await store.close()

    asyncio.run(write_and_read())


@given(microseconds=st.integers(-(10**15), 2 * 10**17), hours=st.integers(-14, 14))
def test_any_time_comes_back_as_it_was(microseconds: int, hours: int) -> None:
    """A time of any zone keeps its instant to the microsecond, before 1970 too."""
    time = from_microseconds(microseconds)
    assert time.tzinfo is UTC
    assert to_microseconds(time.astimezone(timezone(timedelta(hours=hours)))) == microseconds
