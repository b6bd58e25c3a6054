"""The commands about agents, as whoever runs the server calls them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.integration
Run = Callable[..., subprocess.CompletedProcess[str]]
PASSWORD = "correct horse battery"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Call `consentry agent` in an empty folder with a database of its own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSENTRY_")}
    environment["CONSENTRY_DATABASE"] = f"sqlite:///{tmp_path / 'c.db'}"
    environment["CONSENTRY_PORT"] = "8123"

    def call(
        *words: str, stdin: str = "", code: int = 0, public_url: str = ""
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "consentry", *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=240,
            cwd=tmp_path,
            env={**environment, "CONSENTRY_PUBLIC_URL": public_url},
            check=False,
        )
        assert done.returncode == code, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done

    return call


def test_an_agent_is_added_and_gets_a_link(run: Run) -> None:
    """The link leads to where the server is reached; nothing of the secret or a hash is listed."""
    run("brand", "add", "Retalé", "--id", "retale")
    told = run("agent", "add", "Ada@Example.org", "--name", "Ada", "--role", "admin").stdout
    assert "Agent ada@example.org is added." in told
    assert "http://127.0.0.1:8123/console/sign-in?token=" in told
    words = ("agent", "add", "eva@example.org", "--name", "Eva", "--brand", "retale")
    made = json.loads(run(*words, "--json", public_url="https://sms.example.org").stdout)
    assert made["sign_in_link"].startswith("https://sms.example.org/console/sign-in?token=")
    assert (made["role"], made["brands"]) == ("agent", ["retale"])
    assert (made["has_password"], made["is_bound"]) == (False, False)
    listed = json.loads(run("agent", "list", "--json").stdout)
    assert [agent["email"] for agent in listed] == ["ada@example.org", "eva@example.org"]
    assert {"password_hash", "epoch", "sign_in_link"}.isdisjoint(listed[0])
    table = run("agent", "list").stdout
    assert "eva@example.org" in table
    assert "every brand" in table


def test_an_agent_changes_and_is_disabled(run: Run) -> None:
    """What is not named stays; the last admin stays admin; who is disabled gets no link."""
    run("brand", "add", "Retalé", "--id", "retale")
    run("agent", "add", "ada@example.org", "--name", "Ada", "--role", "admin")
    run("agent", "add", "eva@example.org", "--name", "Eva", "--role", "none")
    words = ("agent", "change", "EVA@example.org", "--role", "compliance", "--brand", "retale")
    changed = json.loads(run(*words, "--json").stdout)
    assert (changed["role"], changed["brands"], changed["name"]) == (
        "compliance",
        ["retale"],
        "Eva",
    )
    again = run("agent", "change", "eva@example.org", "--name", "Eve", "--every-brand", "--json")
    assert (json.loads(again.stdout)["name"], json.loads(again.stdout)["brands"]) == ("Eve", [])
    both = ("agent", "change", "eva@example.org", "--brand", "retale", "--every-brand")
    assert "not both" in run(*both, code=2).stderr
    assert "only admin" in run("agent", "disable", "ada@example.org", code=1).stderr
    assert "is disabled" in run("agent", "disable", "eva@example.org").stdout
    assert "is disabled" in run("agent", "link", "eva@example.org", code=1).stderr
    assert "may sign in again" in run("agent", "enable", "eva@example.org").stdout
    link = json.loads(run("agent", "link", "eva@example.org", "--json").stdout)
    assert link["minutes"] == 60
    assert "within 60 minutes" in run("agent", "link", "eva@example.org").stdout


@pytest.mark.parametrize(
    ("words", "stdin", "expected"),
    [
        ("add ada --name Ada", "", (1, "no email address")),
        ("add a@x.example --name A --brand none", "", (1, "no brand 'none'")),
        ("add a@x.example --name A --role boss", "", (2, "boss")),
        ("add a@x.example --name A --password-stdin", "short\n", (2, "at least 12")),
        ("link none@x.example", "", (1, "no agent 'none@x.example'")),
        ("password none@x.example", PASSWORD, (1, "no agent")),
        ("sessions none@x.example", "", (1, "no agent")),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(
    run: Run, words: str, stdin: str, expected: tuple[int, str]
) -> None:
    """With exit code 1 or 2, and nothing is added."""
    code, told = expected
    assert told in run("agent", *words.split(), stdin=stdin, code=code).stderr
    assert run("agent", "list", "--json").stdout.strip() == "[]"


def test_passwords_come_from_standard_input(run: Run) -> None:
    """At the start or later; they can be taken away, and are printed nowhere."""
    words = ("agent", "add", "ada@example.org", "--name", "Ada", "--password-stdin", "--json")
    added = run(*words, stdin=PASSWORD + "\n")
    assert json.loads(added.stdout)["has_password"] is True
    removed = run("agent", "password", "ada@example.org", "--remove", "--json")
    assert json.loads(removed.stdout)["has_password"] is False
    changed = run("agent", "password", "ada@example.org", stdin="another good one\n")
    assert "has a new password" in changed.stdout
    assert "other than your name" in run(
        "agent", "password", "ada@example.org", stdin="ada@example.org\n", code=2
    ).stderr  # fmt: skip
    for done in (added, removed, changed):
        assert "argon2" not in done.stdout
        assert PASSWORD not in done.stdout


def test_a_server_prints_a_link_for_its_first_admin(run: Run, tmp_path: Path) -> None:
    """There is one from the start; the link signs in once, and the session is listed and ended."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSENTRY_")}
    environment["CONSENTRY_DATABASE"] = f"sqlite:///{tmp_path / 'c.db'}"
    with subprocess.Popen(
        [sys.executable, "-m", "consentry", "serve", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=tmp_path,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            told = json.loads(server.stdout.readline())
            with httpx.Client() as browser:
                assert browser.get(told["console_link"]).status_code == 303
                assert browser.get(f"{told['url']}/console").status_code == 200
                words = ("agent", "sessions", "admin@localhost", "--revoke", "--json")
                (session,) = json.loads(run(*words).stdout)["sessions"]
                assert session["address"] == "127.0.0.1"
                assert browser.get(f"{told['url']}/console").status_code == 303
                assert browser.get(told["console_link"]).status_code == 401
        finally:
            server.terminate()
    listed = json.loads(run("agent", "list", "--json").stdout)
    assert [(a["email"], a["role"]) for a in listed] == [("admin@localhost", "admin")]


def test_sessions_are_listed_and_ended(run: Run) -> None:
    """Nobody has signed in yet: the list is empty, and ending all is told."""
    run("agent", "add", "ada@example.org", "--name", "Ada")
    assert "signed in nowhere" in run("agent", "sessions", "ada@example.org").stdout
    ended = run("agent", "sessions", "ada@example.org", "--revoke")
    assert "have ended" in ended.stdout
    shown = json.loads(run("agent", "sessions", "ada@example.org", "--revoke", "--json").stdout)
    assert shown == {"sessions": [], "revoked": True}
