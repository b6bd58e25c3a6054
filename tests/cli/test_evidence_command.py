"""`consentry evidence`: a bundle from the command line."""

import asyncio
import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from consentry.evidence.verifier import check
from evidence_world import PERSON, Story, open_store
from memory_store import FakeClock

pytestmark = pytest.mark.integration


async def tell(path: Path) -> None:
    """Tell the story on a database."""
    clock = FakeClock()
    store = open_store(str(path), clock)
    try:
        await Story(store, clock).tell()
    finally:
        await store.close()


def test_a_bundle_is_written_told_of_and_good(tmp_path: Path) -> None:
    """It says what is in it and what is missing, and replaces an older file as a whole."""
    asyncio.run(tell(tmp_path / "c.db"))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSENTRY_")}
    environment["CONSENTRY_DATABASE"] = f"sqlite:///{tmp_path / 'c.db'}"

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "consentry", "evidence", PERSON, *words]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=240, check=False
        )

    out = tmp_path / "evidence.zip"
    out.write_bytes(b"older")
    told = run("--out", str(out), "--until", "2026-11-30T00:00:00Z", "--json")
    assert told.returncode == 0, told.stderr
    shown = json.loads(told.stdout)
    assert shown["sha256"] == sha256(out.read_bytes()).hexdigest()
    assert shown["entries"] == shown["proved"] > 20
    assert any("IP address" in gap for gap in shown["gaps"])
    assert check.verify(out, {}).problems == []
    assert [path.name for path in tmp_path.glob("*evidence*")] == ["evidence.zip"]
    nowhere = run("--out", str(tmp_path / "no" / "evidence.zip"))
    assert (nowhere.returncode, "There is no folder" in nowhere.stderr) == (2, True)
    folder = run("--out", str(tmp_path))
    assert (folder.returncode, "is a folder" in folder.stderr) == (2, True)
    other = run("--out", str(out), "--sender", "+19995550100")
    assert (other.returncode, "There is no sender" in other.stderr) == (1, True)
