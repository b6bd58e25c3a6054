"""What the store tells whoever measures it: each batch, and how the writing goes right now."""

import asyncio
from dataclasses import dataclass, field

import pytest
from store_world import ANN, Act, Database, entry, held, submit_together, tagged, write

from consentry.domain.entries import EntryKind
from consentry.ports import Change, EntryCounts, Facts, Needs, Store, Unmeasured, Vitals

pytestmark = pytest.mark.integration


@dataclass
class Batches(Unmeasured):
    """Keeps what it is told of batches."""

    told: list[tuple[int, dict[tuple[str, str], int], bool]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def note_batch(
        self, commands: int, seconds: float, entries: EntryCounts, *, is_durable: bool
    ) -> None:
        """Keep it, with the entries as they are now."""
        self.told.append((commands, dict(entries), is_durable))
        self.seconds.append(seconds)


def fail(_facts: Facts) -> tuple[None, Change]:
    """Decide by breaking."""
    raise ZeroDivisionError


async def test_each_batch_is_told_with_what_it_wrote(database: Database) -> None:
    """How many commands shared a commit, how long it took, and the entries by kind and reason."""
    measured = Batches()
    store = database.open(measuring=measured)
    refused = entry(3, ANN, kind=EntryKind.SEND_REFUSED, reason="opted_out")
    await submit_together(
        store,
        write(Change(entries=(tagged(1), tagged(2)))),
        write(Change(entries=(refused,))),
        Act(fail, Needs()),
    )
    await store.close()
    held_up, together = sorted(measured.told, key=lambda told: told[0])
    assert held_up == (1, {}, True)
    written = {("opted_in", ""): 2, ("send_refused", "opted_out"): 1}
    assert together == (3, written, True)
    assert all(seconds > 0 for seconds in measured.seconds)


async def test_a_batch_begun_again_is_told_once(database: Database) -> None:
    """Where the rows of one command break a rule, its companions are counted once, it is not."""
    measured = Batches()
    store = database.open(measuring=measured)
    await store.submit(write(Change(entries=(tagged(1),))))
    outcomes = await submit_together(
        store, write(Change(entries=(tagged(2),))), write(Change(entries=(tagged(1),)))
    )
    await store.close()
    assert isinstance(outcomes[1], Exception)
    # Batches of several connections end in any order.
    assert measured.told.count((2, {("opted_in", ""): 1}, True)) == 1
    assert sum(sum(written.values()) for _, written, _ in measured.told) == 2


async def test_vitals_tell_what_waits_and_for_how_long(store: Store) -> None:
    """While the writer is held what waits is counted and grows older; then nothing waits."""
    async with held(store):
        waiting = asyncio.create_task(store.submit(write(Change(entries=(tagged(1),)))))
        await asyncio.sleep(0)
        early, late = store.vitals(), store.vitals()
    await waiting
    await store.submit(write(Change()))
    assert (early.waiting, early.dropped) == (2, 0)
    assert 0 < early.lag_seconds < late.lag_seconds
    assert await until_idle(store) == Vitals(0, 0.0, 0)


async def until_idle(store: Store) -> Vitals:
    """Give the writer's thread the moment it needs to say that it is done."""
    for _ in range(30_000):
        if store.vitals().waiting == 0 and store.vitals().lag_seconds == 0.0:
            break
        await asyncio.sleep(0.002)
    return store.vitals()
