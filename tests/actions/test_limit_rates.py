"""Buckets: so many at once, so many a second, each name by itself, and a bounded memory."""

import pytest

from consentry.actions.limit_rates import NAMES_MAX, RateLimit

pytestmark = pytest.mark.unit


def test_a_burst_passes_and_then_so_many_a_second() -> None:
    """Two seconds' worth at once; then each waits for its turn, and is told how long."""
    limit = RateLimit(5.0)
    assert [limit.take("key_1", 100.0) for _ in range(10)] == [0] * 10
    assert limit.take("key_1", 100.0) == 1
    assert limit.take("key_1", 100.19) == 1
    assert limit.take("key_1", 100.21) == 0
    assert limit.take("key_1", 100.21) == 1
    assert limit.take("key_2", 100.21) == 0


def test_who_is_turned_away_loses_nothing_by_asking() -> None:
    """A refused request takes no token, however often it is made."""
    limit = RateLimit(1 / 60, burst=1)
    assert limit.take("a", 0.0) == 0
    assert [limit.take("a", float(second)) for second in (1, 20, 40)] == [59, 40, 20]
    assert limit.take("a", 60.0) == 0


def test_names_are_forgotten_when_there_are_too_many() -> None:
    """Those first whose bucket is full again; who waits is remembered as long as there is room."""
    limit = RateLimit(1.0, burst=1)
    for number in range(NAMES_MAX - 1):
        limit.take(f"old-{number}", 0.0)
    limit.take("waiting", 9.5)
    assert limit.take("new", 10.0) == 0
    assert limit.take("waiting", 10.0) == 1
    for number in range(NAMES_MAX):
        limit.take(f"flood-{number}", 10.0)
    assert limit.take("one more", 10.0) == 0
