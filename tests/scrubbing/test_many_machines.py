"""One scrub by a Ray cluster on this machine: what one process answers, row for row.

To begin a cluster takes as long as many other tests, so `.ci/run` has this tried, and
`CONSENTRY_TRY_MANY_MACHINES=1`.
"""

import asyncio
import csv
import os
from pathlib import Path

import pytest
from scrub_world import KEYS, World

from consent_world import LONG
from consentry.domain.directory import Purpose
from consentry.domain.gate import Request
from consentry.domain.many_answers import ManyAnswers
from consentry.domain.policy import Policy
from consentry.scrubbing.many_machines import answer_over
from consentry.scrubbing.ray_machines import HERE, RayMachines
from consentry.scrubbing.run import Scrub, answer_from, scrub_list
from consentry.scrubbing.snapshot import Snapshot, write_snapshot
from memory_store import START

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        "CONSENTRY_TRY_MANY_MACHINES" not in os.environ,
        reason="NOT TRIED: set CONSENTRY_TRY_MANY_MACHINES=1",
    ),
    # Of what Ray leaves open when its processes are gone: none of it is ours.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def test_a_cluster_answers_as_one_process(tmp_path: Path) -> None:
    """Three thousand people in eight buckets, ten thousand rows."""
    world = World(3_000, seed=5)
    world.erase(every=50)
    asyncio.run(write_snapshot(world, tmp_path / "all", Policy(), START, buckets=8))
    rows = [("id", "phone"), *((str(n), text) for n, text in enumerate(world.list_rows(10_000)))]
    with (tmp_path / "in.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    snapshot = Snapshot(tmp_path / "all", KEYS)
    request = Request(None, LONG.number, Purpose.MARKETING)
    ways = {
        "one": answer_from(world),
        "many": answer_over(snapshot, RayMachines(HERE, processes=2)),
    }
    for name, way in ways.items():
        plan = Scrub(tmp_path / "in.csv", tmp_path / f"{name}.csv", request, region="US")
        many = ManyAnswers(request, snapshot.directory, Policy(), START)
        asyncio.run(scrub_list(plan, many, way))
    assert (tmp_path / "many.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
