"""Answers to Idempotency-Keys are forgotten when they are old, and not before."""

from datetime import UTC, datetime, timedelta

import pytest

from consentry.actions.forget_answers import KEPT, ForgetAnswers, is_over
from consentry.ports import IdempotencyRecord
from memory_store import MemoryStore

pytestmark = pytest.mark.unit


def remember(store: MemoryStore, key: str, age: timedelta) -> tuple[str, str]:
    """Keep an answer that was given so long ago."""
    record = IdempotencyRecord("key_1", key, "f", 202, b"{}", store.clock.now() - age)
    store.idempotency[record.owner, record.key] = record
    return record.owner, record.key


def test_what_is_old_is_forgotten_and_the_rest_is_kept() -> None:
    """Also where it became young again since it was read: it was answered anew."""
    store = MemoryStore()
    old = remember(store, "old", KEPT + timedelta(seconds=1))
    young = remember(store, "young", KEPT)
    assert store.run(ForgetAnswers((old, young, ("key_1", "gone")))) == 1
    assert list(store.idempotency) == [young]


def test_nothing_is_forgotten_within_a_day_by_a_clock_that_is_a_day_ahead() -> None:
    """A repeat within 24 hours gets the first answer all the same."""
    answered_at = datetime(2026, 11, 29, tzinfo=UTC)
    day = timedelta(days=1)
    assert not is_over(answered_at, answered_at + day + day)
    assert is_over(answered_at, answered_at + day + day + timedelta(seconds=1))
