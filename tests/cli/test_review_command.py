"""`consentry review` beside servers: what waits is listed and answered, and teaches the reader."""

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


async def _receive(file: Path, body: str) -> None:
    clock = SystemClock()
    store = SQLiteStore.open(file, clock=clock, ids=SystemIds(), policy=Policy())
    text = InboundText("SM1", "+14155550142", "+14155550100", body)
    await store.submit(ReceiveMessage("twilio", "twilio", text, clock.now()))
    await store.close()


def _call(folder: Path, *words: str, code: int = 0) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSENTRY_")}
    environment["CONSENTRY_DATABASE"] = f"sqlite:///{folder / 'c.db'}"
    done = subprocess.run(
        [sys.executable, "-m", "consentry", "review", *words],
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


def test_what_waits_is_listed_answered_and_taken_along(tmp_path: Path) -> None:
    """A table for people and JSON for programs; an answer twice is refused; the lesson is CSV."""
    asyncio.run(_receive(tmp_path / "c.db", 'who "is", this'))
    shown = json.loads(_call(tmp_path, "list", "--json"))
    review = shown["case"]["id"]
    assert shown["text"] == 'who "is", this'
    assert review in _call(tmp_path, "list")
    assert "no review 'rev_1'" in _call(tmp_path, "answer", "rev_1", "keep", code=1)
    told = _call(tmp_path, "answer", review, "wrong_number", "--note", "she said so")
    assert told == f"{review} is answered: wrong_number.\n"
    assert "answered already" in _call(tmp_path, "answer", review, "keep", code=1)
    assert "Nothing waits" in _call(tmp_path, "list")
    assert "wrong_number" in _call(tmp_path, "list", "--all")
    lines = _call(tmp_path, "test-cases").splitlines()
    assert lines[1:] == ['"who ""is"", this","und","wrong_number","phrase","review"']
