"""Asking, granting, withdrawing and bringing in consents by the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

PERSON = "+14155550142"
LIST = f"number,date,note\n{PERSON},2026-11-01,Form 1\n+14155550143,,Form 2\n{PERSON},,\nnobody,,\n"


def test_a_list_is_counted_brought_in_and_changes_nothing_again(tmp_path: Path) -> None:
    """Dry run and run count the same; who withdrew is told of and left alone."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSENTRY_")}
    environment["CONSENTRY_DATABASE"] = f"sqlite:///{tmp_path / 'c.db'}"

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "consentry", *words]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=240,
            cwd=tmp_path,
            env=environment,
            check=False,
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    (tmp_path / "signed.csv").write_text(LIST, encoding="utf-8")
    run("brand", "add", "Acme", "--id", "acme")
    run("carrier", "add", "twilio", "--account", f"AC{'1' * 32}", "--token", "12345")
    sender = ("+14155550100", "--kind", "long_code", "--brand", "acme", "--carrier", "twilio")
    run("sender", "add", *sender)
    run("program", "add", "News", "--id", "news", "--brand", "acme", "--purpose", "informational")
    told = ("--program", "news", "--reason", "asked by phone")
    run("consent", "revoke", "+14155550143", *told)
    bring_in = ("consent", "import", "signed.csv", "--program", "news")
    counts = {"asked": 1, "known": 0, "withdrew": 1, "held": 0, "repeated": 1, "unreadable": 1}
    dry = json.loads(run(*bring_in, "--dry-run", "--json"))
    assert dry == {"import": None, "dry_run": True, **counts}
    done = json.loads(run(*bring_in, "--json"))
    assert {name: done[name] for name in counts} == counts
    again = run(*bring_in)
    assert "line 3: A revocation stands" in again
    asked = json.loads(run("consent", "request", PERSON, *told, "--json"))
    assert (asked["state"], asked["message"]) == ("pending", None)
    assert "Asked already" in asked["note"]
