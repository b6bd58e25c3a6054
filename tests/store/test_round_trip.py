"""Whatever can be written is read back the same."""

import asyncio
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_world import SQLiteDatabase, customer, entry, message, queued, write

from consentry.ports import Change, Page
from consentry.store.rows import from_microseconds, to_microseconds

pytestmark = pytest.mark.property

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
"""Any text but lone surrogates, which no encoding can carry: NUL, quotes, emoji, any script."""


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(bodies=st.lists(TEXTS, max_size=5, unique=True))
def test_any_text_comes_back_as_it_was(
    database: SQLiteDatabase, tmp_path_factory: pytest.TempPathFactory, bodies: list[str]
) -> None:
    """Bodies, names and even numbers survive the way into columns and indexes and back."""

    async def write_and_read() -> None:
        store = type(database)(tmp_path_factory.mktemp("texts")).open()
        change = Change(
            entries=tuple(entry(n, body, text=body) for n, body in enumerate(bodies)),
            messages=tuple(message(n, body, body=body) for n, body in enumerate(bodies)),
            records=tuple(customer(n, body, body) for n, body in enumerate(bodies)),
        )
        await store.submit(write(change))
        for n, body in enumerate(bodies):
            assert await store.read_message(f"msg_{n:05d}") == change.messages[n]
            assert await store.read_entries(body, Page()) == [change.entries[n]]
            assert await store.read_profiles(body) == [change.records[n]]
            await store.submit(write(queued(n, recipient=body, sender=body)))
        assert {sender for sender, _ in await store.next_due()} == set(bodies)
        await store.close()

    asyncio.run(write_and_read())


@given(microseconds=st.integers(-(10**15), 2 * 10**17), hours=st.integers(-14, 14))
def test_any_time_comes_back_as_it_was(microseconds: int, hours: int) -> None:
    """A time of any zone keeps its instant to the microsecond, before 1970 too."""
    time = from_microseconds(microseconds)
    assert time.tzinfo is UTC
    assert to_microseconds(time.astimezone(timezone(timedelta(hours=hours)))) == microseconds
