"""`consentry ledger` through what happens to a ledger: a changed key, a restore, damage."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consentry.cli.app import app
from consentry.ports import LogDamaged
from consentry.setting_values import SettingError

pytestmark = pytest.mark.integration


class Operator:
    """Types commands in a folder, on a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "c.db"
        self._runner = CliRunner(env={"CONSENTRY_DATABASE": f"sqlite:///{self.file}"})

    def types(self, *words: str, code: int = 0, key: str | None = None) -> str:
        """Type a command, signing with a key of the settings or the one in the folder."""
        env = {"CONSENTRY_LEDGER_KEY": key}
        done = self._runner.invoke(app, list(words), env=env, catch_exceptions=False)
        assert done.exit_code == code, (words, done.output)
        return done.stdout

    def keeps(self, name: str, key: str | None = None) -> str:
        """Sign a checkpoint, keep it elsewhere, and give the file's path."""
        file = self.folder / name
        file.write_text(self.types("ledger", "checkpoint", key=key), encoding="utf-8")
        return str(file)

    def harms(self, sql: str) -> None:
        """Change the database behind the program's back."""
        with closing(sqlite3.connect(self.file)) as connection:
            connection.execute(sql)
            connection.commit()


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """Somebody at a new database."""
    return Operator(tmp_path)


def test_a_ledger_goes_on_with_another_key(operator: Operator) -> None:
    """The new key signs, the old one stays known, and each checkpoint is held by its own."""
    first, second = "a" * 40, "b" * 40
    operator.types("brand", "add", "Acme", "--id", "acme", key=first)
    before = operator.keeps("before", key=first)
    operator.types("brand", "add", "Bell", "--id", "bell", key=second)
    after = operator.keeps("after", key=second)
    listed = json.loads(operator.types("ledger", "keys", "--json", key=second))
    old, new = (one["verifier_key"] for one in listed)
    assert old != new
    held = ("ledger", "verify", "--against", before, "--against", after)
    assert "The ledger is whole" in operator.types(*held, key=second)
    assert "whole" in operator.types(*held, "--key", old, "--key", new, key=second)
    for alone in (old, new):
        told = operator.types(*held, "--key", alone, key=second, code=1)
        assert "is not signed by a key of the log" in told


def test_a_backup_that_is_restored_verifies(operator: Operator) -> None:
    """Against checkpoints up to it; one of what came later shows that something was lost."""
    operator.types("brand", "add", "Acme", "--id", "acme")
    before = operator.keeps("before")
    backup = str(operator.folder / "backup.db")
    operator.types("backup", backup)
    operator.types("brand", "add", "Bell", "--id", "bell")
    after = operator.keeps("after")
    operator.types("restore", backup, "--force")
    assert "The ledger is whole" in operator.types("ledger", "verify", "--against", before)
    told = operator.types("ledger", "verify", "--against", after, code=1)
    assert "is of a larger tree than the ledger has now" in told
    operator.types("brand", "add", "Bell", "--id", "bell")
    again = operator.keeps("again")
    assert "whole" in operator.types("ledger", "verify", "--against", before, "--against", again)


def test_a_damaged_log_is_told_in_a_sentence(operator: Operator) -> None:
    """Whatever one asks of it; `ledger verify` names what was damaged."""
    operator.types("brand", "add", "Acme", "--id", "acme")
    operator.keeps("before")
    operator.harms("DELETE FROM log_checkpoints")
    operator.keeps("again")
    operator.harms("DELETE FROM log_head")
    for words in (("keys",), ("checkpoint",), ("consistency", "0"), ("proof", "ent_1")):
        with pytest.raises(LogDamaged, match=r"log_head .*`consentry ledger verify`"):
            operator.types("ledger", *words)
    assert "Restore the table log_head" in operator.types("ledger", "verify", code=1)


@pytest.mark.parametrize("content", [b"cut", b"\xff" * 64, None])
def test_a_key_that_was_damaged_signs_nothing(operator: Operator, content: bytes | None) -> None:
    """One cut off, garbled, or no file: what it would sign, anybody could."""
    operator.types("brand", "add", "Acme", "--id", "acme")
    file = operator.folder / "ledger.key"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(SettingError, match=r"ledger\.key .*your own copy"):
        operator.types("ledger", "checkpoint")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """There is a file in its place."""
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match="cannot be made"):
        Operator(tmp_path / "file" / "data").types("brand", "list")
