"""`consentry doctor`: what is wrong with an installation, and what to do."""

import json
import logging
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consentry.cli.app import app
from consentry.opening import list_exposed, warn_of_exposed
from consentry.settings import read_settings
from consentry.store.sealing import use_text_keys

SECRET = "s" * 40


def call(folder: Path, *words: str, code: int, keys: str = "") -> str:
    """Type a command on the database of a folder."""
    env = {"CONSENTRY_DATABASE": f"sqlite:///{folder}/c.db", "CONSENTRY_TEXT_KEYS": keys}
    try:
        done = CliRunner(env=env).invoke(app, list(words), catch_exceptions=False)
    finally:
        # The keys of a process are those of all tests that run in it.
        use_text_keys(())
    assert done.exit_code == code, done.output
    return done.stdout or done.stderr


@pytest.mark.integration
def test_what_is_wrong_is_told_with_what_to_do(tmp_path: Path) -> None:
    """A file that others may open, a text key that is gone; nothing where nothing is wrong."""
    assert "There is no database" in call(tmp_path, "doctor", code=2)
    assert not list(tmp_path.iterdir())
    call(tmp_path, "brand", "add", "Acme", code=0)
    assert call(tmp_path, "doctor", code=0) == "Nothing is wrong.\n"

    (tmp_path / "secret.key").chmod(0o644)
    told = call(tmp_path, "doctor", code=1)
    assert f"(mode 0644). Run: chmod 600 {tmp_path}/secret.key" in told
    (tmp_path / "secret.key").chmod(0o600)
    key = call(tmp_path, "text-key", "new", code=0).strip()
    call(tmp_path, "brand", "add", "Bell", code=0, keys=key)
    [found] = json.loads(call(tmp_path, "doctor", "--json", code=1))["found"]
    assert found["code"] == "text_sealed"
    assert "CONSENTRY_TEXT_KEYS" in found["detail"]
    assert call(tmp_path, "doctor", code=0, keys=key) == "Nothing is wrong.\n"


@pytest.mark.unit
def test_every_file_with_secrets_is_looked_at(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Keys beside the database, those that settings name, the database, settings with secrets."""
    named = [tmp_path / name for name in ("text keys", "erasure", "older", "secret.key", "c.db")]
    toml = tmp_path / "consentry.toml"
    toml.write_text(f'secret_key = "{SECRET}"\n', encoding="utf-8")
    for file in named:
        file.touch()
    files = [*named, toml]
    environment = {
        "CONSENTRY_DATABASE": f"sqlite:///{tmp_path}/c.db",
        "CONSENTRY_TEXT_KEYS": f"file:{tmp_path}/text keys",
        "CONSENTRY_ERASURE_KEYS": f"file:{tmp_path}/erasure",
        "CONSENTRY_OLDER_SECRET_KEYS": f"file:{tmp_path}/older",
    }
    settings = read_settings(environment, toml)
    for mode, is_told in ((0o600, False), (0o400, False), (0o640, True), (0o604, True)):
        for file in files:
            file.chmod(mode)
        found = list_exposed(settings, toml)
        assert {one.path for one in found} == (set(files) if is_told else set())
        assert {one.mode for one in found} <= {mode}
    assert f"chmod 600 '{tmp_path}/text keys'" in found[0].sentence
    with caplog.at_level(logging.WARNING):
        warn_of_exposed(settings)
    assert [r.message for r in caplog.records] == ["secrets_exposed"] * len(named)
    # Without a secret anybody may read how a server is set up, and what is elsewhere is no file.
    toml.write_text('port = "8000"\ntext_keys = "file:keys"\n', encoding="utf-8")
    assert toml not in {one.path for one in list_exposed(settings, toml)}
    elsewhere = read_settings({"CONSENTRY_DATABASE": "postgresql://me@db/c"}, tmp_path / "none")
    assert list_exposed(elsewhere, tmp_path / "none") == []


@pytest.mark.unit
def test_what_another_owns_is_theirs_to_guard(tmp_path: Path) -> None:
    """A secret that is mounted for us to read: nobody here could change who may open it."""
    mounted = Path("/etc/hosts")
    if os.geteuid() == 0:
        mounted = tmp_path / "text-keys"
        mounted.touch()
        mounted.chmod(0o444)
        os.chown(mounted, 65_534, -1)
    environment = {
        "CONSENTRY_DATABASE": f"sqlite:///{tmp_path}/c.db",
        "CONSENTRY_TEXT_KEYS": f"file:{mounted}",
    }
    assert mounted.stat().st_mode & 0o044
    assert list_exposed(read_settings(environment, tmp_path / "none"), tmp_path / "none") == []
