"""`scrub`: a list at the command line, on a database with people in it."""

import asyncio
import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consentry.actions.receive_message import ReceiveMessage
from consentry.cli.app import app
from consentry.clock import SystemClock
from consentry.opening import open_store
from consentry.ports import InboundText
from consentry.settings import Settings, read_settings

pytestmark = pytest.mark.integration
SENDER, PERSON, STOPPED = "+14155550100", "+14155550142", "+14155550143"
ASKED = ("--sender", SENDER, "--purpose", "conversational")


async def write_to_us(settings: Settings) -> None:
    """Let the person text the sender, which is consent to a conversation."""
    store = open_store(settings)
    text = InboundText(carrier_message_id="1", recipient=PERSON, sender=SENDER, body="Hello")
    (carrier,) = await store.read_carriers()
    await store.submit(ReceiveMessage(carrier.id, "twilio", text, SystemClock().now()))
    await store.close()


@pytest.fixture
def runner(tmp_path: Path) -> CliRunner:
    """Run commands on a database with a sender and two people."""
    runner = CliRunner(env={"CONSENTRY_DATABASE": f"sqlite:///{tmp_path / 'c.db'}"})
    for words in (
        ("brand", "add", "Acme", "--id", "acme"),
        ("carrier", "add", "twilio", "--account", f"AC{'1' * 32}", "--token", "12345"),
        ("sender", "add", SENDER, "--kind", "long_code", "--brand", "acme", "--carrier", "twilio"),
        ("opt-out", STOPPED, "--reason", "by phone"),
    ):
        done = runner.invoke(app, list(words))
        assert done.exit_code == 0, (words, done.output)
    database = {"CONSENTRY_DATABASE": str(runner.env["CONSENTRY_DATABASE"])}
    asyncio.run(write_to_us(read_settings(database, tmp_path / "none.toml")))
    rows = [("name", "phone"), ("Ann", "(415) 555-0142"), ("Bob", STOPPED), ("Cy", "none")]
    with (tmp_path / "in.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return runner


def test_every_row_is_told_of(runner: CliRunner, tmp_path: Path) -> None:
    """As `check` answers each, with a summary for people and JSON for programs."""
    words = ["scrub", str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), *ASKED]
    done = runner.invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "deny      invalid_number  1" in done.output
    assert "3 of 3 rows" in done.output
    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o600
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    assert [row[0] for row in rows] == ["Ann", "Bob", "Cy"]
    for row, number in zip(rows, (PERSON, STOPPED), strict=False):
        answer = runner.invoke(app, ["check", SENDER, number, *ASKED[2:], "--json"])
        told = json.loads(answer.output)
        assert row[2:4] == [told["decision"], told.get("reason") or ""]
        assert row[5] == number
    kept = json.loads(runner.invoke(app, [*words, "--keep", "allowed", "--json"]).stdout)
    assert (kept["rows"], kept["parsed"], kept["standings"]) == (3, 1, 2)
    allowed = [one["rows"] for one in kept["counts"] if one["decision"] == "allow"]
    assert allowed == [kept["rows_written"]] == [1]


def test_a_snapshot_is_made_and_answered_from(runner: CliRunner, tmp_path: Path) -> None:
    """The same rows as from the database, as of the snapshot, with its checkpoint beside them."""
    words = ["scrub", str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), *ASKED]
    assert runner.invoke(app, words).exit_code == 0
    expected = (tmp_path / "out.csv").read_bytes()
    folder = str(tmp_path / "all")
    made = json.loads(runner.invoke(app, ["snapshot", folder, "--buckets", "3", "--json"]).stdout)
    assert (made["standings"], len(made["parts"])) == (2, 3)
    assert made["checkpoint"]["size"] > 4
    told = json.loads(runner.invoke(app, [*words, "--snapshot", folder, "--json"]).stdout)
    assert (told["as_of"], told["checkpoint"]) == (made["as_of"], made["checkpoint"])
    assert (tmp_path / "out.csv").read_bytes() == expected
    assert runner.invoke(app, ["snapshot", folder]).exit_code == 2
    assert runner.invoke(app, [*words, "--ray", "local"]).exit_code == 2


def test_what_cannot_be_answered_ends_with_2(runner: CliRunner, tmp_path: Path) -> None:
    """A sender, program or column that is not there is named, and nothing is written."""
    files = [str(tmp_path / "in.csv"), str(tmp_path / "out.csv")]
    for words, said in (
        (("--sender", "+14155550199"), "There is no sender"),
        (("--sender", SENDER, "--program", "x"), "There is no program"),
        ((*ASKED, "--number-column", "x"), "has no column"),
    ):
        done = runner.invoke(app, ["scrub", *files, *words])
        assert (done.exit_code, said in done.output) == (2, True), done.output
    assert not (tmp_path / "out.csv").exists()
    for words in (["scrub", files[0], "/proc/out.csv", *ASKED], ["snapshot", "/proc/all"]):
        done = runner.invoke(app, words)
        assert (done.exit_code, "/proc/" in done.output) == (2, True), done.output
        assert "cannot be used" in done.output
