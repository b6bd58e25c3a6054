"""`consentry ledger`, as an operator uses it: in processes of its own, on a file."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration


def call(folder: Path, *words: str, code: int = 0) -> str:
    """Call a command on the folder's database; give what it says."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CONSENTRY_")}
    environment["CONSENTRY_DATABASE"] = f"sqlite:///{folder / 'c.db'}"
    environment["CONSENTRY_PUBLIC_URL"] = "https://texts.example.com"
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
    return done.stdout if code in {0, 1} and done.stdout else done.stderr


def test_a_ledger_is_signed_kept_and_held_against_what_was_kept(tmp_path: Path) -> None:
    """What commands write gets in; checkpoints are kept in a folder and a git repository, never
    written over; a row that is changed behind the program's back is found and named. A database
    that is not there is not called whole.
    """
    assert "nothing was verified" in call(tmp_path, "ledger", "verify", code=2)
    assert "nothing to sign" in call(tmp_path, "ledger", "checkpoint", code=1)
    call(tmp_path, "brand", "add", "Acme", "--id", "acme")
    call(tmp_path, "brand", "add", "Bell", "--id", "bell")
    told = call(tmp_path, "ledger", "verify")
    assert "entries are not in the log yet" in told
    kept, git = tmp_path / "kept", tmp_path / "git"
    note = call(tmp_path, "ledger", "checkpoint", "--push", str(kept), "--push-git", str(git))
    origin, size, *_ = note.split("\n")
    assert origin == "texts.example.com/ledger"
    file = kept / f"checkpoint-{size}"
    assert file.read_text() == (kept / "latest").read_text() == note
    again = ("--push", str(kept), "--push-git", str(git), "--json")
    assert json.loads(call(tmp_path, "ledger", "checkpoint", *again))["note"] == note
    log = subprocess.run(
        ["git", "-C", str(git), "log", "--format=%s"], capture_output=True, text=True, check=True
    )
    assert log.stdout == f"Keep the checkpoint of {size} entries\n"
    key = json.loads(call(tmp_path, "ledger", "keys", "--json"))[0]["verifier_key"]
    held = ("--against", str(file), "--key", key)
    assert "The ledger is whole" in call(tmp_path, "ledger", "verify", *held)
    growth = json.loads(call(tmp_path, "ledger", "consistency", "1", "--json"))
    assert (growth["old"], growth["new"]) == (1, int(size))

    entry = change_one(tmp_path / "c.db")
    assert json.loads(call(tmp_path, "ledger", "proof", entry, "--json"))["leaf"] == 1
    told = call(tmp_path, "ledger", "verify", *held, code=1)
    assert f"Entry {entry} was changed" in told
    assert "The ledger is NOT whole: 1 finding" in told
    found = json.loads(call(tmp_path, "ledger", "verify", "--json", code=1))
    assert [(f["problem"], f["leaf"]) for f in found["findings"]] == [("changed", 1)]
    file.write_text(note.replace("ledger", "other", 1))
    assert "of another ledger" in call(
        tmp_path, "ledger", "checkpoint", "--push", str(kept), code=1
    )
    change(tmp_path / "c.db", "DELETE FROM log_head")
    assert "The ledger's log is damaged" in call(tmp_path, "ledger", "keys", code=1)


def change_one(file: Path) -> str:
    """Change the second entry as somebody who owns the file can; give its id."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DROP TRIGGER entries_are_never_changed")
        (entry,) = connection.execute("SELECT id FROM entries WHERE seq = 2").fetchone()
    change(file, "UPDATE entries SET value = replace(value, '20', '19') WHERE seq = 2")
    return str(entry)


def change(file: Path, sql: str) -> None:
    """Change the database behind the program's back."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(sql)
        connection.commit()


def test_bad_use_is_told(tmp_path: Path) -> None:
    """What is no checkpoint or key ends with 2."""
    assert "cannot be read as a checkpoint" in call(
        tmp_path, "ledger", "verify", "--against", "nothing", code=2
    )
    assert "no key to verify with" in call(tmp_path, "ledger", "verify", "--key", "x", code=2)
