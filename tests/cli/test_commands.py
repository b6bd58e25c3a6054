"""The command line, as a user or a script calls it: real processes, a real database."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from action_world import Put
from consent_world import consent
from consentry.clock import SystemClock, SystemIds
from consentry.domain.policy import Policy
from consentry.domain.standing import ConsentLevel
from databases import open_database
from zones_now import zone_where_it_is

pytestmark = pytest.mark.integration
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Call `consentry` in an empty folder with a database of its own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSENTRY_")}
    environment["CONSENTRY_DATABASE"] = f"sqlite:///{tmp_path / 'c.db'}"

    def call(*words: str, stdin: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "consentry", *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=240,
            cwd=tmp_path,
            env=environment,
            check=False,
        )
        assert done.returncode == code, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done

    return call


def set_up(run: Run) -> None:
    """Set up a brand, a carrier account and a long code."""
    run("brand", "add", "Retalé", "--id", "retale")
    run("carrier", "add", "twilio", "--account", f"AC{'1' * 32}", "--token", "12345")
    run(
        "sender", "add", "+1 415 555 0100", "--kind", "long_code", "--brand", "retale",
        "--carrier", "twilio",
    )  # fmt: skip


def test_read_prints_a_line_of_json_for_each_line_of_input(run: Run) -> None:
    """Texts on standard input come back in order, each with what both readers say."""
    texts = ["STOP", "STOP.", "stop by the shop tomorrow", "Start", "HELP", "\ud800 stop", ""]
    done = run("read", stdin="".join(json.dumps(text) + "\n" for text in texts))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["text"] for line in lines] == texts
    assert set(lines[0]) == {"text", "carrier", "legal", "tier", "rule"}
    assert [line["carrier"] for line in lines][:5] == ["opt_out", "none", "none", "opt_in", "help"]
    assert [line["legal"] for line in lines][:4] == ["opt_out", "opt_out", "none", "none"]


def test_read_takes_texts_as_arguments_for_a_kind_of_sender(run: Run) -> None:
    """YES brings back on a long code and not on a toll-free number."""
    long_code = json.loads(run("read", "YES", "--json").stdout)
    toll_free = json.loads(run("read", "YES", "--kind", "toll_free", "--json").stdout)
    assert (long_code["carrier"], toll_free["carrier"]) == ("opt_in", "none")


def test_read_refuses_a_line_that_is_no_json_string(run: Run) -> None:
    """A line that is not a JSON string ends with exit code 2 and the line's number."""
    done = run("read", stdin='"fine"\n{"not": "a string"}\n', code=2)
    assert "line 2" in done.stderr


def test_the_way_of_the_readme_works(run: Run) -> None:
    """Brand, carrier, sender, key, check, opt-out, history: each command does its part."""
    set_up(run)
    listed = json.loads(run("sender", "list", "--json").stdout)
    assert [sender["number"] for sender in listed] == ["+14155550100"]
    key = json.loads(run("key", "create", "backend", "--scope", "check", "--json").stdout)
    assert key["secret"] not in run("key", "list").stdout
    account = json.loads(
        run("key", "create", "shop", "--twilio", "--brand", "retale", "--json").stdout
    )
    assert account["brands"] == ["retale"]
    assert re.fullmatch("AC[0-9a-f]{32}", account["account_sid"])
    assert re.fullmatch("[0-9a-f]{32}", account["auth_token"])
    assert account["scopes"] == ["send", "read", "consent"]
    listed = run("key", "list", "--json").stdout
    assert account["account_sid"] in listed
    assert account["auth_token"] not in listed
    checked = json.loads(run("check", "+14155550100", "(415) 555-0142", "--json").stdout)
    assert (checked["decision"], checked["reason"]) == ("deny", "no_consent")
    asked = ("--reason", "asked by phone", "--verbatim", "no more", "--received-at", "2026-01-05")
    told = run("opt-out", "+14155550142", *asked).stdout
    assert "The law asked for it by the end of 2026-01-16, which was too late" in told
    assert "LATE" in run("opt-outs", "--late").stdout
    checked = json.loads(run("check", "+14155550100", "+14155550142", "--json").stdout)
    assert checked["reason"] == "suppressed"
    assert "asked by phone" in run("history", "+14155550142").stdout
    refused = run("send", "+14155550100", "+14155550142", "hello", code=1)
    assert "not sent, suppressed" in refused.stderr
    assert "suppressed: hello" in run("history", "+14155550142").stdout
    run("check", "+14155550100", "+14155550142", "--exit-code", code=1)
    past = run("check", "+14155550100", "+14155550142", "--at", "2020-01-01").stdout
    assert "by rule purpose/" in past
    assert "does not reach back" in past
    again = [
        json.loads(line) for line in run("replay", "+14155550142", "--json").stdout.split("\n")[:-1]
    ]
    assert [(one["kind"], one["same"]) for one in again] == [("send_refused", True)]
    assert "1 decided again, 0 of them otherwise" in run("replay", "+14155550142").stdout
    revoked = json.loads(run("key", "revoke", key["id"], "--json").stdout)
    assert revoked == {"id": key["id"], "revoked": True}


def test_send_says_until_when_marketing_waits(run: Run, tmp_path: Path) -> None:
    """Where it is night a text is scheduled with its time and the reason, as JSON too."""
    set_up(run)
    offers = ("--brand", "retale", "--purpose", "marketing", "--id", "offers")
    run("program", "add", "Offers", *offers)
    written = consent("offers", level=ConsentLevel.EXPRESS_WRITTEN)
    asyncio.run(put(tmp_path / "c.db", Put("+14155550142", (written,))))
    run("place", "set", "+14155550142", "--zone", zone_where_it_is(2))
    asked = ("send", "+14155550100", "+14155550142", "Half off", "--program", "offers")
    assert re.match(r"scheduled as msg_\w+, not before .* \(quiet_hours\): ", run(*asked).stdout)
    sent = json.loads(run(*asked, "--json").stdout)
    assert (sent["status"], sent["decision"]["decision"]) == ("scheduled", "defer")
    listed = run("history", "+14155550142").stdout
    assert listed.count("send_deferred") == 2


async def put(file: Path, command: Put) -> None:
    """Carry a command out on a database that no command has open."""
    store = open_database(file, clock=SystemClock(), ids=SystemIds(), policy=Policy())
    await store.submit(command)
    await store.close()


def test_a_program_is_given_to_a_sender_and_taken_away(run: Run) -> None:
    """Both by one command; an address that cannot be called, or no such sender, is said."""
    set_up(run)
    url = "http://127.0.0.1:5000/sms#rc=1"
    asked = ("sender", "pass-on", "+14155550100")
    assert url in run(*asked, url, "--account", "AC1").stdout
    (shown,) = json.loads(run("sender", "list", "--json").stdout)
    assert (shown["inbound_url"], shown["inbound_account"]) == (url, "AC1")
    assert "must be 0 to 5" in run(*asked, "http://a.example#rc=9", code=1).stderr
    assert "passed on to nobody" in run(*asked).stdout
    (shown,) = json.loads(run("sender", "list", "--json").stdout)
    assert (shown["inbound_url"], shown["inbound_account"]) == (None, None)
    assert "no sender" in run("sender", "pass-on", "+14155550199", url, code=1).stderr


def test_what_people_are_told_of_a_program_is_changed(run: Run) -> None:
    """It is set up with what is known, shown, changed and switched off; "" empties a text."""
    run("brand", "add", "Retalé", "--id", "retale")
    offers = ("--brand", "retale", "--purpose", "marketing", "--id", "offers")
    run("program", "add", "Offers", *offers, "--frequency", "weekly", "--one-time")
    asked = ("--terms-url", "https://retale.example/t", "--frequency", "", "--off")
    changed = json.loads(run("program", "change", "offers", *asked, "--json").stdout)
    assert (changed["frequency"], changed["recurring"], changed["enabled"]) == (None, False, False)
    assert "https://retale.example/t" in run("program", "show", "offers").stdout
    assert "off" in run("program", "list").stdout
    assert "program list" in run("program", "show", "other", code=1).stderr


def test_rules_are_explained_where_somebody_is(run: Run) -> None:
    """A place that is set moves the hours; the rows are told for people and for programs."""
    asked = ("rules", "explain", "+14155550142", "--at", "2026-07-07T00:30:00Z")
    assert "Open for marketing" in run(*asked).stdout
    placed = run("place", "set", "+14155550142", "--postal-code", "33101", "--reason", "moved")
    assert "By postal code: US, US-FL; America/New_York." in placed.stdout
    told = run(*asked).stdout
    assert "Closed for marketing at 2026-07-07 00:30 UTC: opens 2026-07-07 12:00 UTC" in told
    assert "At most 3 in 24 hours from one brand (us-fl)." in told
    explained = json.loads(run(*asked, "--json").stdout)
    assert (explained["is_open"], explained["until"]) == (False, "2026-07-07T12:00:00Z")
    assert "any time" in run(*asked, "--purpose", "informational").stdout
    run("place", "set", "+14155550142", "--clear")
    assert "--zone" in run("place", "set", "+14155550142", code=2).stderr
    shown = json.loads(run("place", "show", "+14155550142", "--json").stdout)
    assert (shown["postal_code"], shown["whereabouts"]["by"]) == (None, "prefix")
    assert "us-ri-saturday" in run("rules", "list").stdout
    assert len(json.loads(run("rules", "list", "--json").stdout)["rows"]) > 25


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("place", "set", "+14155550142", "--zone", "Mars/Base"), "America/Denver"),
        (("check", "+14155550100", "call me"), "number"),
        (("check", "+14155550100", "+14155550142", "--at", "yesterday"), "RFC 3339|2026-"),
        (
            ("sender", "add", "12", "--kind", "short_code", "--brand", "x", "--carrier", "y"),
            "carrier",
        ),
        (("carrier", "add", "pigeon", "--account", "x", "--token", "y"), "twilio"),
        (("carrier", "add", "signalwire", "--account", "x", "--token", "y"), "needs --base-url"),
        (("carrier", "test", "nobody"), "carrier list"),
        (("key", "revoke", "key_nobody"), "key list"),
        (("serve", "--workers", "4"), "one process"),
        (("backup", "/proc/copy.db"), "/proc/copy.db.part cannot be used"),
    ],
)
def test_bad_use_is_told_in_a_sentence(run: Run, words: tuple[str, ...], told: str) -> None:
    """Bad use ends with 1 or 2 and a sentence that says what to do, never a traceback."""
    is_bad_use = words[0] in {"check", "serve"} or words[:2] == ("carrier", "add")
    done = run(*words, code=2 if is_bad_use else 1)
    assert re.search(told, done.stderr)


def test_a_wrong_setting_ends_with_2(tmp_path: Path) -> None:
    """A wrong setting is named before anything else happens."""
    done = subprocess.run(
        [sys.executable, "-m", "consentry", "key", "list"],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=tmp_path,
        env={**os.environ, "CONSENTRY_PORT": "high"},
        check=False,
    )
    assert done.returncode == 2
    assert "CONSENTRY_PORT is 'high'" in done.stderr


def test_a_second_server_on_a_database_is_refused(run: Run, tmp_path: Path) -> None:
    """Two servers on one SQLite database are told apart: the second says so and ends with 1."""
    environment = {**os.environ, "CONSENTRY_DATABASE": f"sqlite:///{tmp_path / 'c.db'}"}
    first = subprocess.Popen(
        [sys.executable, "-m", "consentry", "serve", "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    assert first.stdout is not None
    try:
        first.stdout.readline()
        refused = run("serve", "--port", "0", code=1)
        assert "Another server runs on" in refused.stderr
        run("key", "list")
    finally:
        first.terminate()
        first.wait(240)
        first.stdout.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.db", "ledger.key", "secret.key"]


def test_init_writes_every_setting_once(run: Run, tmp_path: Path) -> None:
    """`init` writes a file with all settings commented out, and does not overwrite one."""
    run("init")
    written = (tmp_path / "consentry.toml").read_text(encoding="utf-8")
    assert '# public_url = ""' in written
    run("init", code=1)


def test_every_command_has_help_with_an_example() -> None:
    """Each command's --help has an example that begins with its own name."""
    reference = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
    sections = reference.read_text(encoding="utf-8").split("\n## `")[1:]
    assert len(sections) > 20
    for section in sections:
        name = section.split("`", 1)[0]
        assert f"Example: {name}" in " ".join(section.split()), name


def test_a_sender_of_an_smsc_has_nothing_to_paste(run: Run) -> None:
    """SMPP posts no webhooks: no address is told, and the command says who connects."""
    run("brand", "add", "Retalé", "--id", "retale")
    run("carrier", "add", "smpp", "--account", "us", "--token", "ours", "--set", "country_code=1")
    asked = ("sender", "add", "+14155550100", "--kind", "long_code", "--brand", "retale")
    told = run(*asked, "--carrier", "smpp").stdout
    assert "connects to its carrier by itself" in told
    assert "webhook" not in told


def test_a_call_to_action_is_made_shown_and_drawn(run: Run) -> None:
    """Its version, checklist and hash, the HTML byte for byte, and a code that leads to it."""
    set_up(run)
    run("program", "add", "Offers", "--brand", "retale", "--purpose", "marketing", "--id", "offers")
    words = ("call-to-action", "add", "Offers by text", "--program", "offers", "--id", "web")
    made = json.loads(run(*words, "--json").stdout)
    assert (made["id"], made["version"]) == ("web", 1)
    shown = run("call-to-action", "show", "web").stdout
    assert made["sha256"] in shown
    assert "[x] It names the seller, Retalé." in shown
    assert run("call-to-action", "show", "web", "--html").stdout == made["html"]
    drawn = run("call-to-action", "qr", "web", "--out", "web.svg").stdout
    assert drawn == "Wrote web.svg; it leads to http://127.0.0.1:8000/opt-in/web\n"
    assert "Offers by text" in run("call-to-action", "list").stdout
    for wrong, code in ((("show", "web", "--version", "9"), 1), (("qr", "x", "--out", "x.gif"), 2)):
        assert run("call-to-action", *wrong, code=code).stderr.startswith("consentry: ")


def test_texts_are_sealed_by_commands(run: Run, tmp_path: Path) -> None:
    """A key is made, put into the settings, used for what is there; and nothing shows it again."""
    run("brand", "add", "Acme", "--id", "acme")
    made = json.loads(run("text-key", "new", "--json").stdout)
    settings = tmp_path / "consentry.toml"
    settings.write_text(f'text_keys = "{made["key"]}"\n', encoding="utf-8")
    done = run("text-key", "rotate", "--compact", "--json")
    assert json.loads(done.stdout) == {"looked_at": 1, "written": 1, "key": made["id"]}
    listed = run("text-key", "list")
    assert re.search(rf"{made['id']} +yes +yes +1\n", listed.stdout)
    assert made["key"] not in done.stdout + done.stderr + listed.stdout + listed.stderr
