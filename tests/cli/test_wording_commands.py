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


def test_a_packet_is_written_and_what_is_left_to_do_is_told(
    runner: CliRunner, tmp_path: Path
) -> None:
    """1 while something is missing or wrong, 0 when it can be handed in; the files are there."""
    account = ["carrier", "add", "twilio", "--account", f"AC{'1' * 32}", "--token", "12345"]
    assert runner.invoke(app, account).exit_code == 0
    words = ["--kind", "long_code", "--brand", "retale", "--carrier", "twilio"]
    assert runner.invoke(app, ["sender", "add", "+14155550100", *words]).exit_code == 0
    out = tmp_path / "packet"
    register = ["register", "10dlc", "+1 415 555 0100", "--out", str(out)]
    first = runner.invoke(app, register)
    assert first.exit_code == 1
    assert "missing: MessageSamples." in first.output
    assert "[flow_links_terms; Twilio error 30909" in first.output
    assert sorted(path.name for path in out.iterdir()) == [
        "opt-in.html",
        "opt-in.svg",
        "packet.json",
        "packet.md",
    ]
    pages = [f"--{page}-url=https://retale.example/{page}" for page in ("terms", "privacy")]
    program = [
        "program",
        "add",
        "Offers",
        "--id",
        "offers",
        "--brand",
        "retale",
        "--purpose",
        "marketing",
        *pages,
    ]
    assert runner.invoke(app, program).exit_code == 0
    assert runner.invoke(app, ["template", "add", "x", SALE, "--kind", "marketing"]).exit_code == 0
    named = ["Offers by text", "--program", "offers"]
    assert runner.invoke(app, ["call-to-action", "add", *named]).exit_code == 0
    given = ["--set", "BrandRegistrationSid=BN1", "--set", "UsAppToPersonUsecase=MARKETING"]
    done = runner.invoke(app, [*register, *given, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert (told["missing"], told["kind"]) == ([], "10dlc")
    assert runner.invoke(app, [*register, "--set", "BusinessName"]).exit_code == 2
    wrong = runner.invoke(app, ["register", "toll-free", "+14155550100", "--out", str(out)])
    assert wrong.exit_code != 0
