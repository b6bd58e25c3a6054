"""`consentry webhook`: set up, tried, changed, replayed and taken away at the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from consentry.cli.app import app
from loopback_program import Says, program_in_a_thread

pytestmark = pytest.mark.integration

LOOPBACK = {"CONSENTRY_WEBHOOK_PRIVATE_NETWORKS": "127.0.0.0/8"}
Call = Callable[..., str]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Run `consentry webhook` on a database of its own; give what it prints, or why it ended."""

    def run(*words: str, code: int = 0, group: str = "webhook", **settings: str) -> str:
        database = {"CONSENTRY_DATABASE": f"sqlite:///{tmp_path / 'c.db'}"}
        ran = CliRunner(env={**database, **settings}).invoke(app, [group, *words])
        assert ran.exit_code == code, (words, ran.output, ran.exception)
        return ran.output or str(ran.exception)

    return run


def add(call: Call, url: str) -> dict[str, Any]:
    """Set a webhook up for blocks."""
    made: dict[str, Any] = json.loads(
        call("add", url, "--event", "block.changed", "--json", **LOOPBACK)
    )
    return made


def test_a_webhook_is_set_up_and_tried(call: Call) -> None:
    """Its program believes the test; a network that nobody named is not posted to."""
    with program_in_a_thread() as program:
        refused = call("add", f"{program.url}/x", code=1)
        assert "CONSENTRY_WEBHOOK_PRIVATE_NETWORKS" in refused
        made = add(call, f"{program.url}/x")
        assert call("test", made["id"], **LOOPBACK) == "Taken, with HTTP 200.\n"
        assert program.heard[0].open_event(made["secret"])["type"] == "webhook.test"
        program.says = lambda _heard: Says(500)
        told = call("test", made["id"], code=1, **LOOPBACK)
        assert told == "Not taken. It answered with HTTP 500.\n"
        new = json.loads(call("rotate-secret", made["id"], "--json"))["secret"]
        assert new.startswith("whsec_")
        assert new != made["secret"]


def test_what_happens_while_no_server_runs_waits_to_be_told(call: Call) -> None:
    """It is listed with when it is due; only what failed is replayed."""
    webhook = add(call, "http://127.0.0.1:9/x")["id"]
    call("+14155550142", "--reason", "asked by phone", group="opt-out")
    waiting = json.loads(call("events", webhook, "--waiting", "--json"))
    assert {(one["event"], one["attempts"]) for one in waiting} == {("block.changed", 0)}
    assert waiting[0]["id"] in call("events", "--waiting")
    assert "Nothing failed" in call("events")
    assert "waits for its next try" in call("replay", waiting[0]["id"], code=1)
    words = ("replay", webhook, "--since", "2026-01-01T00:00:00Z")
    assert call(*words) == "0 deliveries are tried anew by the server.\n"


def test_a_webhook_is_changed_listed_and_taken_away(call: Call) -> None:
    """What is not named stays."""
    webhook = add(call, "http://127.0.0.1:9/x")["id"]
    words = ("change", webhook, "--off", "--all-events", "--description", "Shop")
    assert "is changed and off" in call(*words, **LOOPBACK)
    (listed,) = json.loads(call("list", "--json"))
    assert (listed["enabled"], listed["description"]) == (False, "Shop")
    assert "nothing told yet" in call("list")
    assert "events       all" in call("show", webhook)
    assert json.loads(call("show", webhook, "--json"))["last"] is None
    assert "switched off" in call("replay", webhook, code=1)
    assert "is told nothing more" in call("remove", webhook)
    assert "There is no webhook" in call("show", webhook, code=1)
    assert "No webhook yet" in call("list")


@pytest.mark.parametrize(
    "words",
    [
        ("add", "https://shop.example", "--event", "consent.given"),
        ("change", "whk_1", "--event", "block.changed", "--all-events"),
        ("replay", "evt_1", "--since", "2026-01-01T00:00:00Z"),
        ("replay", "whk_1", "--until", "soon"),
    ],
)
def test_bad_use_ends_with_2(call: Call, words: tuple[str, ...]) -> None:
    """Before anything is done."""
    call(*words, code=2)
