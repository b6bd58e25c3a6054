"""`lint` and `template`: judged at the command line, with an exit code for programs."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consentry.cli.app import app

pytestmark = pytest.mark.integration
SALE = "{brand}: 20% off on Friday. Reply STOP to opt out."


@pytest.fixture
def runner(tmp_path: Path) -> CliRunner:
    """Run commands on a database of their own, with one brand in it."""
    runner = CliRunner(env={"CONSENTRY_DATABASE": f"sqlite:///{tmp_path / 'c.db'}"})
    made = runner.invoke(app, ["brand", "add", "Retalé", "--id", "retale"])
    assert made.exit_code == 0, made.output
    return runner


def test_lint_tells_errors_by_its_exit_code(runner: CliRunner) -> None:
    """0 for a wording that may go out, 1 for one that may not; JSON for programs."""
    fine = runner.invoke(app, ["lint", SALE, "--kind", "marketing"])
    assert (fine.exit_code, "Nothing is wrong" in fine.output) == (0, True)
    wrong = runner.invoke(app, ["lint", "20% off", "--kind", "marketing", "--brand", "retale"])
    assert wrong.exit_code == 1
    assert "error: It does not say who texts." in wrong.output
    read = runner.invoke(app, ["lint", "--kind", "marketing", "--json"], input="20% off\n")
    assert read.exit_code == 1
    rules = [one["rule"] for one in json.loads(read.output)["findings"]]
    assert rules == ["names_brand", "tells_how_to_stop"]


def test_lint_needs_to_know_the_brand_and_the_program(runner: CliRunner) -> None:
    """Where several brands are set up one must be named; what is not there ends with 2."""
    words = ["lint", SALE, "--kind", "marketing"]
    assert runner.invoke(app, [*words, "--brand", "none"]).exit_code == 2
    assert runner.invoke(app, [*words, "--program", "none"]).exit_code == 2
    runner.invoke(app, ["brand", "add", "Other", "--id", "other"])
    assert runner.invoke(app, words).exit_code == 2


def test_wordings_are_kept_and_listed(runner: CliRunner) -> None:
    """Under an id of one's own, which changes it; one that may not go out is refused."""
    words = ["template", "add", "Friday sale", SALE, "--kind", "marketing", "--id", "friday"]
    assert runner.invoke(app, words).exit_code == 0
    words[2] = "Sale"
    assert runner.invoke(app, words).exit_code == 0
    (kept,) = json.loads(runner.invoke(app, ["template", "list", "--json"]).output)
    assert (kept["id"], kept["name"], kept["kind"]) == ("friday", "Sale", "marketing")
    assert "friday" in runner.invoke(app, ["template", "list"]).output
    refused = runner.invoke(app, ["template", "add", "x", "20% off", "--kind", "marketing"])
    assert refused.exit_code != 0
