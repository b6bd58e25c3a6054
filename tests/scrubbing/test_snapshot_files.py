"""Everybody in files: a list is answered from them as beside the database, in one or in parts."""

import asyncio
import csv
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from scrub_world import KEYS, World

from consent_world import LONG
from consentry.domain.directory import Purpose
from consentry.domain.gate import Request
from consentry.domain.many_answers import ManyAnswers
from consentry.domain.policy import Policy
from consentry.domain.rules.rows import RulesProfile
from consentry.scrubbing.engine import ListError
from consentry.scrubbing.many_machines import Work, answer_bucket, answer_over
from consentry.scrubbing.run import Answering, Scrub, Scrubbed, answer_from, scrub_list
from consentry.scrubbing.snapshot import Snapshot, write_snapshot
from memory_store import START

pytestmark = pytest.mark.integration

POLICY = Policy(rules_profile=RulesProfile.NATIONAL_SAFE)
QUESTIONS = (
    Request(None, LONG.number),
    Request(None, LONG.number, Purpose.INFORMATIONAL),
    Request(None, LONG.number, Purpose.MARKETING),
)


class OneByOne:
    """Implements `Machines` by itself."""

    def run(self, works: Sequence[Work]) -> None:
        """Run one after the other."""
        for work in works:
            answer_bucket(work)


class Made(msgspec.Struct):
    """A world of which some were erased, its snapshot, and a list of its people."""

    world: World
    folder: Path
    list: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Make two thousand people in seven buckets."""
    folder = tmp_path_factory.mktemp("snapshot")
    world = World(2_000, seed=11)
    world.erase(every=20)
    asyncio.run(write_snapshot(world, folder / "all", POLICY, START, buckets=7))
    rows = [("id", "phone"), *((str(n), text) for n, text in enumerate(world.list_rows(3_000)))]
    with (folder / "in.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return Made(world, folder / "all", folder / "in.csv")


async def scrub(made: Made, out: Path, request: Request, answering: Answering) -> Scrubbed:
    """Scrub the list."""
    many = ManyAnswers(request, made.world.directory, POLICY, START)
    return await scrub_list(Scrub(made.list, out, request, region="US"), many, answering)


@pytest.mark.parametrize("request_", QUESTIONS)
async def test_it_is_answered_as_beside_the_database(
    request_: Request, made: Made, tmp_path: Path
) -> None:
    """From the whole snapshot, and bucket by bucket, byte for byte."""
    snapshot = Snapshot(made.folder, KEYS)
    ways = {
        "database": answer_from(made.world),
        "snapshot": answer_from(snapshot),
        "machines": answer_over(snapshot, OneByOne()),
    }
    told = {
        name: await scrub(made, tmp_path / f"{name}.csv", request_, way)
        for name, way in ways.items()
    }
    written = {name: (tmp_path / f"{name}.csv").read_bytes() for name in ways}
    assert written["snapshot"] == written["database"]
    assert written["machines"] == written["database"]
    assert told["machines"].counts == told["snapshot"].counts == told["database"].counts
    assert told["machines"].standings == len(made.world.standings)


async def test_its_manifest_says_what_it_is_of(made: Made) -> None:
    """When, by which policy, how many people, and that only its owner may read it."""
    manifest = Snapshot(made.folder, KEYS).manifest
    assert (manifest.as_of, manifest.policy) == (START, POLICY)
    assert manifest.standings == sum(part.rows for part in manifest.parts)
    assert len(manifest.parts) == 7
    assert min(part.rows for part in manifest.parts) > 100
    assert manifest.erasure_keys == KEYS.ids
    assert made.folder.stat().st_mode & 0o077 == 0
    again = Snapshot(made.folder, KEYS)
    assert sorted(await again.read_erased()) == sorted(await made.world.read_erased())


async def test_a_changed_file_is_refused(made: Made, tmp_path: Path) -> None:
    """A part, or what is set up, that is not what the manifest hashed."""
    folder = tmp_path / "copy"
    await write_snapshot(World(50, seed=2), folder, POLICY, START + timedelta(days=1), buckets=2)
    part = folder / "part-0001.parquet"
    part.write_bytes(part.read_bytes() + b" ")
    with pytest.raises(ListError, match="manifest"):
        await scrub(made, tmp_path / "out.csv", QUESTIONS[0], answer_from(Snapshot(folder)))
    assert not (tmp_path / "out.csv").exists()
    (folder / "directory.json").write_bytes(b"{}")
    with pytest.raises(ListError, match="manifest"):
        Snapshot(folder)
    manifest = (folder / "manifest.json").read_bytes()
    for wrong, said in (
        (manifest.replace(b'"format":1', b'"format":2'), "another version"),
        (b"{}", "no snapshot"),
    ):
        (folder / "manifest.json").write_bytes(wrong)
        with pytest.raises(ListError, match=said):
            Snapshot(folder)
    with pytest.raises(ListError, match="cannot be read"):
        Snapshot(tmp_path / "none")


async def test_without_the_key_of_who_was_erased_nobody_is_answered(
    made: Made, tmp_path: Path
) -> None:
    """They would be taken for strangers."""
    with pytest.raises(ListError, match="not at hand"):
        await scrub(made, tmp_path / "out.csv", QUESTIONS[0], answer_from(Snapshot(made.folder)))


async def test_it_is_whole_or_not_there(made: Made, tmp_path: Path) -> None:
    """One that is there is never written over, and one that fails leaves nothing."""
    with pytest.raises(ListError, match="there already"):
        await write_snapshot(made.world, made.folder, POLICY, START)
    with pytest.raises(ListError, match="no folder"):
        await write_snapshot(made.world, tmp_path / "a" / "b", POLICY, START)
