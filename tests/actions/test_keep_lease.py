"""Processes keep leases in the store, know of each other, and agree on one that leads."""

import pytest

from consentry.actions.keep_lease import EndLease, Lease, RenewLease, name_of
from memory_store import MemoryStore

pytestmark = pytest.mark.unit


def renew(store: MemoryStore, process: str, **how: object) -> Lease:
    """Renew a lease that is there."""
    lease = store.run(RenewLease(process, **how))  # type: ignore[arg-type]
    assert lease is not None
    assert store.processes[process] == lease.process
    return lease


def join(store: MemoryStore, process: str, **how: object) -> Lease:
    """Take the first lease."""
    return renew(store, process, is_new=True, **how)


def others(lease: Lease) -> list[str]:
    """Name the others that live."""
    return [process.id for process in lease.others]


def leaders(store: MemoryStore) -> list[str]:
    """Name those that lead."""
    return [process.id for process in store.processes.values() if process.leads]


def test_the_first_leads_and_the_next_know_it() -> None:
    """One leads as long as it lives, whoever comes."""
    store = MemoryStore()
    assert join(store, "b").process.leads
    second = join(store, "a")
    assert (second.process.leads, others(second)) == (False, ["b"])
    assert others(renew(store, "b")) == ["a"]
    assert leaders(store) == ["b"]


def test_each_renewal_shows() -> None:
    """The beats go up, so that whoever watches sees that the process lives."""
    store = MemoryStore()
    assert [join(store, "a").process.beats, renew(store, "a").process.beats] == [1, 2]


def test_a_newcomer_is_known_when_all_others_have_seen_it() -> None:
    """Those who came before must have renewed their leases since; those who came later know it."""
    store = MemoryStore()
    assert join(store, "a").is_known
    join(store, "b")
    assert not join(store, "c").is_known
    renew(store, "a")
    assert not renew(store, "c").is_known
    assert renew(store, "b").is_known
    assert renew(store, "c").is_known
    join(store, "d")
    assert renew(store, "c").is_known


def test_a_lease_whose_beats_stood_still_is_ended_by_who_watched_it() -> None:
    """And another one leads at once; who renewed it meanwhile keeps it."""
    store = MemoryStore()
    join(store, "a")
    join(store, "b")
    assert others(renew(store, "b", dead=(("a", 7),))) == ["a"]
    ended = renew(store, "b", dead=(("a", 1), ("gone", 1)))
    assert (others(ended), ended.process.leads, list(store.processes)) == ([], True, ["b"])


def test_who_was_taken_for_dead_is_told() -> None:
    """It has no lease any more, and must come again as somebody new."""
    store = MemoryStore()
    join(store, "a")
    join(store, "b")
    renew(store, "b", dead=(("a", 1),))
    assert store.run(RenewLease("a")) is None
    assert others(join(store, "a.2")) == ["b"]
    assert leaders(store) == ["b"]


def test_who_comes_alone_or_knows_that_one_has_ended_need_not_watch_it() -> None:
    """What surely runs no more is ended at once, whatever its beats."""
    store = MemoryStore()
    join(store, "a")
    join(store, "b")
    assert others(join(store, "c", gone=("a", "nobody"))) == ["b"]
    assert others(join(store, "d", is_alone=True)) == []
    assert leaders(store) == ["d"]


def test_the_home_stays_as_it_was_at_the_start() -> None:
    """Others look there whether the process has ended."""
    store = MemoryStore()
    assert join(store, "a", home="here").process.home == "here"
    assert renew(store, "a").process.home == "here"


def test_after_it_was_taken_for_dead_a_process_adds_to_its_name() -> None:
    """The name it was started under stays in front."""
    assert (name_of("a"), name_of("a.2")) == ("a", "a")


def test_coming_twice_is_coming_once() -> None:
    """The answer to the first may have been lost on its way."""
    store = MemoryStore()
    join(store, "a")
    assert join(store, "a").process.beats == 2


def test_who_ends_in_order_is_gone_at_once() -> None:
    """And once more is no harm."""
    store = MemoryStore()
    join(store, "a")
    join(store, "b")
    store.run(EndLease("a"))
    store.run(EndLease("a"))
    assert renew(store, "b").process.leads
    assert list(store.processes) == ["b"]
