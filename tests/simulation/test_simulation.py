"""The simulation itself: it repeats exactly, finds nothing, and its disk forgets as it should."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import apsw
import pytest
from simulated_disk import Faults, SimulatedDisk, SimulatedFile

pytestmark = pytest.mark.property

HERE = Path(__file__).parent
SEEDS = 24


def simulate(*arguments: str, hash_seed: str = "0") -> dict[str, Any]:
    """Run the command as `make simulate` does, in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(HERE / "simulate.py"), "--json", *arguments],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def test_a_seed_is_repeated_exactly() -> None:
    """Two processes that hash differently do the same at the same times."""
    first, again = (simulate("--seed", "11", hash_seed=seed) for seed in ("1", "2"))
    assert first["trace"] == again["trace"]
    assert first["trace"] != simulate("--seed", "12")["trace"]


def test_no_seed_violates_an_invariant() -> None:
    """Some dozens of worlds, with crashes, torn sectors and lost answers in them."""
    told = simulate("--seeds", str(SEEDS), "--processes", "1")
    assert told["failed"] == {}
    counts = told["counts"]
    for fault in ("power lost", "process killed", "sector lost at a crash", "text lost on its way"):
        assert counts[fault] > 0
    assert counts["did ReceiveMessage"] > SEEDS
    assert counts["text handed over"] > SEEDS
    assert told["middle"]["recipient"] >= 200
    assert told["middle"]["agent"] >= 10
    assert told["middle"]["import"] >= 4


def disk() -> tuple[SimulatedDisk, SimulatedFile]:
    """Open a file on an empty disk that fails nowhere by itself."""
    made = SimulatedDisk({}, Faults(random.Random(1), Counter()))
    return made, SimulatedFile(made, "/file")


def test_the_disk_keeps_what_was_synced_and_no_more_than_was_written() -> None:
    """After each of many crashes every sector is the synced one, or the one written after it."""
    lost = kept = 0
    for seed in range(200):
        made = SimulatedDisk({}, Faults(random.Random(seed), Counter()))
        file = SimulatedFile(made, "/file")
        file.xWrite(b"a" * 2048, 0)
        file.xSync(0)
        file.xWrite(b"b" * 1024, 512)
        made.lose_power()
        made.start_again()
        found = SimulatedFile(made, "/file").xRead(2048, 0)
        sectors = [found[place : place + 512] for place in range(0, 2048, 512)]
        assert (sectors[0], sectors[3]) == (b"a" * 512, b"a" * 512)
        assert all(sector in (b"a" * 512, b"b" * 512) for sector in sectors)
        lost += sum(sector == b"a" * 512 for sector in sectors[1:3])
        kept += sum(sector == b"b" * 512 for sector in sectors[1:3])
    assert lost > 0
    assert kept > 0


def test_the_disk_answers_nothing_once_its_power_is_gone() -> None:
    """Whatever runs on for a moment can write nothing any more."""
    made, file = disk()
    file.xWrite(b"a", 0)
    made.lose_power()
    with pytest.raises(apsw.IOError, match="power"):
        file.xWrite(b"b", 0)


def test_a_full_disk_lets_a_file_be_changed_but_not_grow() -> None:
    """What was there already has its room."""
    made, file = disk()
    file.xWrite(b"aaaa", 0)
    made.faults.full = True
    file.xWrite(b"bb", 0)
    with pytest.raises(apsw.FullError):
        file.xWrite(b"cc", 3)
    assert file.xRead(4, 0) == b"bbaa"
