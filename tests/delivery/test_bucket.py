"""The token bucket and the sharing of slots, for any rate, demand and time."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentry.delivery.bucket import TokenBucket
from consentry.delivery.shares import divide
from consentry.delivery.slots import share_slots

pytestmark = pytest.mark.property

rates = st.floats(0.01, 500)
gaps = st.lists(st.floats(0, 10), min_size=1, max_size=60)


def full(rate: float, at: float) -> TokenBucket:
    """A bucket with as much as it holds."""
    burst = max(1.0, rate)
    return TokenBucket.empty(rate, burst, -math.inf).refill(rate, burst, at)


@given(rates, gaps)
def test_a_greedy_sender_keeps_its_rate(rate: float, gaps: list[float]) -> None:
    """However it asks, it gets no more than the burst and its rate times the time."""
    bucket, now, taken = full(rate, 0.0), 0.0, 0
    for gap in gaps:
        now += gap
        bucket = bucket.refill(rate, max(1.0, rate), now)
        taken += bucket.whole
        bucket = bucket.take(bucket.whole)
        assert 0 <= bucket.tokens < 1
        assert taken <= max(1.0, rate) + rate * now + 1e-6


@given(rates, st.floats(0, 1e6))
def test_the_next_token_comes_when_it_was_promised(rate: float, start: float) -> None:
    """After the seconds named one text may go, and not noticeably before."""
    bucket = full(rate, start)
    empty = bucket.take(bucket.whole)
    wait = empty.seconds_to_next
    assert 0 < wait <= 1 / rate
    assert empty.refill(rate, max(1.0, rate), start + wait * 1.001).whole >= 1
    assert empty.refill(rate, max(1.0, rate), start + wait * 0.9).whole == 0


@given(rates, rates, st.floats(0, 100), st.floats(0, 100))
def test_time_that_turns_back_adds_nothing(
    rate: float, other: float, first: float, second: float
) -> None:
    """Refilling twice is refilling once, whatever the order of times and a change of rate."""
    bucket = TokenBucket.empty(rate, max(1.0, rate), 0.0).refill(rate, max(1.0, rate), first)
    again = bucket.refill(rate, max(1.0, rate), second).refill(
        other, max(1.0, other), min(first, second)
    )
    assert again.tokens <= max(1.0, other)
    assert again.at == max(first, second)
    assert again.tokens <= rate * max(first, second) + 1e-6


@given(rates)
def test_a_sender_can_always_send_one(rate: float) -> None:
    """However slow, the bucket holds one text."""
    assert full(rate, 0.0).whole >= 1
    assert full(rate, 0.0).seconds_to_next == 0.0


@given(rates, st.sets(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=40))
def test_all_shares_together_are_the_rate(rate: float, processes: set[str]) -> None:
    """However many share a sender, they send its rate and hold one bucket, and each can send."""
    shares = [divide("+1", rate, process=one, processes=processes) for one in processes]
    given = [share for share in shares if share is not None]
    assert sum(share.rate for share in given) == pytest.approx(rate)
    assert sum(share.burst for share in given) == pytest.approx(max(1.0, rate))
    assert all(share.burst >= 1 for share in given)


def test_slow_senders_are_spread_over_all_processes() -> None:
    """Each has one process, and when one process goes the others keep what they have."""
    processes = {f"prc_{number}" for number in range(5)}
    numbers = [f"+1415555{number:04}" for number in range(200)]

    def owners(alive: set[str]) -> dict[str, str]:
        return {
            number: one
            for number in numbers
            for one in alive
            if divide(number, 1.0, process=one, processes=alive) is not None
        }

    before, after = owners(processes), owners(processes - {"prc_3"})
    assert len(before) == len(after) == len(numbers)
    assert min(Counter(before.values()).values()) > 20
    moved = {number for number in numbers if before[number] != after[number]}
    assert moved == {number for number in numbers if before[number] == "prc_3"}


senders = st.sampled_from(["+1", "+2", "+3", "+4"])
counts = st.dictionaries(senders, st.integers(0, 30))


@given(counts, counts, st.integers(-2, 60))
def test_slots_are_shared_fairly_and_not_wasted(
    wanted: dict[str, int], busy: dict[str, int], free: int
) -> None:
    """All free slots are used that somebody wants; nobody is ahead of one who still wants."""
    granted = dict(share_slots(wanted, busy, free))
    assert sum(granted.values()) == max(0, min(free, sum(wanted.values())))
    assert all(0 < count <= wanted[sender] for sender, count in granted.items())
    used = {sender: busy.get(sender, 0) + granted.get(sender, 0) for sender in wanted}
    unsatisfied = [s for s in wanted if granted.get(s, 0) < wanted[s]]
    for sender, count in granted.items():
        assert all(used[sender] <= used[other] + 1 for other in unsatisfied), (sender, count)
