"""`consentry reconcile` where it cannot do what was asked: a sentence and an exit code."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration
Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Call `consentry` in an empty folder; gives what it printed, errors too."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSENTRY_")}
    environment["CONSENTRY_DATABASE"] = f"sqlite:///{tmp_path / 'c.db'}"

    def call(*words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "consentry", *words],
            capture_output=True,
            text=True,
            timeout=240,
            cwd=tmp_path,
            env=environment,
            check=False,
        )
        assert done.returncode == code, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    return call


def test_what_cannot_be_done_is_said(run: Run) -> None:
    """No account, none of that name, none that can be asked, no such drift, no reason, both."""
    assert "No carrier account can be asked" in run("reconcile", code=1)
    assert "no carrier account 'other'" in run("reconcile", "other", code=1)
    assert "No drift is open." in run("reconcile", "--list", "--exit-code")
    assert "--reason" in run("reconcile", "--apply", "drf_1", code=2)
    both = ("--apply", "drf_1", "--dismiss", "drf_1", "--reason", "x")
    assert "not both" in run("reconcile", *both, code=2)
    unknown = run("reconcile", "--dismiss", "drf_1", "--reason", "x", code=1)
    assert "no drift or report 'drf_1'" in unknown


def test_an_account_that_cannot_be_reached_is_a_failed_comparison(run: Run) -> None:
    """It says why, and nothing is concluded from it."""
    run("brand", "add", "Retalé", "--id", "retale")
    account = ("--account", f"AC{'1' * 32}", "--token", "12345")
    run("carrier", "add", "twilio", *account, "--base-url", "http://127.0.0.1:9")
    sender = ("--kind", "long_code", "--brand", "retale", "--carrier", "twilio")
    run("sender", "add", "+14155550100", *sender)
    told = run("reconcile", "twilio")
    assert "twilio could not be compared" in told
    assert "No drift is open." in told
    assert "no time" in run("reconcile", "twilio", "--since", "yesterday", code=2)
