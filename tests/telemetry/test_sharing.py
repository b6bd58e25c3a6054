"""Several processes of one server: each tells of all, and no sum ever falls."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from consentry.domain.messages import MessageStatus
from consentry.ports import Vitals
from consentry.telemetry.sharing import Sharing
from consentry.telemetry.tallies import Tallies

pytestmark = pytest.mark.unit


class Writing:
    """A store of which only the writing is looked at."""

    def __init__(self, waiting: int = 0, lag_seconds: float = 0.0, dropped: int = 0) -> None:
        self.told = Vitals(waiting, lag_seconds, dropped)

    def vitals(self) -> Vitals:
        return self.told


def worker(folder: Path | None, name: str, store: Any = None) -> tuple[Tallies, Sharing]:
    """Make a process's tallies and its share in the folder."""
    tallies = Tallies()
    return tallies, Sharing(tallies, store or Writing(), folder, name)


def test_counts_and_distributions_of_all_processes_are_added_up(tmp_path: Path) -> None:
    """Each process tells the same sums, its own counted once and as they are now."""
    (one, first), (two, second) = worker(tmp_path, "1"), worker(tmp_path, "2")
    for tallies, times in ((one, 3), (two, 5)):
        for _ in range(times):
            tallies.note_receipt(MessageStatus.DELIVERED)
            tallies.note_batch(2, 0.01, Counter({("opted_out", ""): 1}), is_durable=True)
    first.publish()
    second.publish()
    one.note_receipt(MessageStatus.FAILED)
    for sharing, failed in ((first, 1), (second, 0)):
        snapshot = sharing.add_up().snapshot
        receipts = dict(snapshot.counters["consentry_receipts_total"])
        assert receipts[("delivered",)] == 8
        assert receipts.get(("failed",), 0) == failed
        [(_, sizes)] = snapshot.distributions["consentry_batch_commands"]
        assert (sum(sizes.counts), sizes.total) == (8, 16.0)


def test_the_longest_lag_and_all_that_waits_are_told(tmp_path: Path) -> None:
    """An alarm must not depend on which process was asked."""
    _, healthy = worker(tmp_path, "1", Writing(2, 0.1, 1))
    _, stuck = worker(tmp_path, "2", Writing(300, 12.0, 4))
    stuck.publish()
    assert healthy.add_up().vitals == Vitals(302, 12.0, 5)


def test_what_an_ended_process_counted_stays_and_its_waiting_does_not(tmp_path: Path) -> None:
    """A counter that falls looks like a restart of everything."""

    async def live_and_end(sharing: Sharing) -> None:
        publishing = asyncio.create_task(sharing.keep_publishing())
        await asyncio.sleep(0.01)
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)

    ended, sharing = worker(tmp_path, "1", Writing(9, 3.0, 2))
    ended.note_receipt(MessageStatus.DELIVERED)
    asyncio.run(live_and_end(sharing))
    _, survivor = worker(tmp_path, "2")
    told = survivor.add_up()
    assert dict(told.snapshot.counters["consentry_receipts_total"]) == {("delivered",): 1}
    assert told.vitals == Vitals(0, 0.0, 2)


async def test_one_process_alone_tells_of_itself() -> None:
    """Without a folder there is nothing to write and nobody to read."""
    tallies, sharing = worker(None, "")
    tallies.note_receipt(MessageStatus.DELIVERED)
    sharing.publish()
    await sharing.keep_publishing()
    assert dict(sharing.add_up().snapshot.counters["consentry_receipts_total"]) == {
        ("delivered",): 1
    }


def test_a_folder_that_is_gone_is_told_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Metrics are not worth an outage."""
    _, sharing = worker(tmp_path / "gone", "1")
    sharing.publish()
    assert [record.getMessage() for record in caplog.records] == ["tallies_not_shared"]
    assert sharing.add_up().vitals == Vitals(0, 0.0, 0)
