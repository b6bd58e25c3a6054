"""`consentry erase`, `retention`, `customer export`, `db compact`, as they are typed."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from consentry.actions.receive_message import ReceiveMessage
from consentry.clock import SystemClock, SystemIds
from consentry.domain.policy import Policy
from consentry.ports import InboundText
from consentry.store.sqlite.store import SQLiteStore

pytestmark = pytest.mark.integration

PERSON = "+14155550142"


async def _receive(file: Path, *bodies: str) -> None:
    clock = SystemClock()
    store = SQLiteStore.open(file, clock=clock, ids=SystemIds(), policy=Policy())
    for number, body in enumerate(bodies):
        text = InboundText(f"SM{number}", PERSON, "+14155550100", body)
        await store.submit(ReceiveMessage("twilio", "twilio", text, clock.now()))
    await store.close()


def _call(folder: Path, *words: str, code: int = 0) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSENTRY_")}
    environment["CONSENTRY_DATABASE"] = f"sqlite:///{folder / 'c.db'}"
    done = subprocess.run(
        [sys.executable, "-m", "consentry", *words],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=folder,
        env=environment,
        check=False,
    )
    assert done.returncode == code, (words, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stdout if code == 0 else done.stderr


def test_somebody_is_told_what_is_held_and_erased(tmp_path: Path) -> None:
    """Export, retention, dry run, erasure with --yes, and a file without a trace of them."""
    asyncio.run(_receive(tmp_path / "c.db", "my wedding is in Ravenna", "STOP"))
    [profile] = json.loads(_call(tmp_path, "customer", "list", "--json"))
    taken = _call(tmp_path, "customer", "export", profile["id"], "--out", "held.json", "--json")
    assert json.loads(taken)["rows"] > 0
    held = tmp_path / "held.json"
    assert "Ravenna" in held.read_text()
    assert held.stat().st_mode & 0o077 == 0
    held.unlink()
    assert "Numbers looked at: 1. Would destroy the records of 0" in _call(tmp_path, "retention")
    _call(tmp_path, "ledger", "checkpoint")
    words = ("erase", PERSON, "--reason", "asked by mail")
    assert "say --yes" in _call(tmp_path, *words, code=2)
    assert _call(tmp_path, *words, "--dry-run").startswith("Would destroy: ")
    done = _call(tmp_path, *words, "--yes")
    assert done.startswith("Destroyed: ")
    assert "stays known, by a keyed hash" in done
    verified = _call(tmp_path, "ledger", "verify")
    assert "of them erased" in verified
    assert "bytes before" in _call(tmp_path, "db", "compact")
    for file in tmp_path.iterdir():
        assert b"Ravenna" not in file.read_bytes(), file
        assert PERSON.encode() not in file.read_bytes(), file
    checked = json.loads(_call(tmp_path, "check", "+14155550100", PERSON, "--json"))
    assert checked["decision"] == "deny"
    key = json.loads(_call(tmp_path, "erasure-key", "new", "--json"))
    assert key["key"].startswith("cek_")
