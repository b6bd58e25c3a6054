"""The keys that texts are sealed with, as settings have them."""

from pathlib import Path

import pytest

from consentry.opening import list_secrets, read_older_secret_keys, read_text_keys
from consentry.setting_list import SETTINGS
from consentry.setting_values import SettingError
from consentry.settings import read_settings
from consentry.store.sealing import KEY_BYTES, TextKey

pytestmark = pytest.mark.unit

NEW, OLD = TextKey(b"n" * KEY_BYTES), TextKey(b"o" * KEY_BYTES)


def read(written: str) -> tuple[list[str], bool]:
    """Read the setting: the ids of its keys, and whether the first of them seals."""
    settings = read_settings({"CONSENTRY_TEXT_KEYS": written}, Path("nowhere.toml"))
    keys, seals = read_text_keys(settings)
    return [key.id for key in keys], seals


def test_the_newest_key_comes_first() -> None:
    """Several keys stand between spaces; none is no key, and nothing is sealed with it."""
    assert read(f"{NEW.written}  {OLD.written}") == ([NEW.id, OLD.id], True)
    assert read("") == ([], True)


def test_sealing_is_turned_off_by_a_word() -> None:
    """The keys behind it open what is still sealed."""
    assert read(f"plain {OLD.written}") == ([OLD.id], False)


def test_keys_stand_in_a_file_too(tmp_path: Path) -> None:
    """One a line, with comments."""
    file = tmp_path / "text.keys"
    file.write_text(f"# of November\n{NEW.written} # newest\n\n{OLD.written}\n", encoding="utf-8")
    assert read(f"file:{file}") == ([NEW.id, OLD.id], True)


@pytest.mark.parametrize("written", ["hunter2-hunter2", f"{NEW.written}x", f"{NEW.written} plain"])
def test_a_wrong_key_is_refused_without_being_shown(written: str) -> None:
    """The error names the setting and how to make a key, and shows nothing of what was given."""
    with pytest.raises(SettingError, match=r"CONSENTRY_TEXT_KEYS.*text-key new") as refused:
        read(written)
    assert "hunter2" not in str(refused.value)
    assert NEW.written not in str(refused.value)


def test_every_secret_of_the_settings_is_kept_out_of_the_log() -> None:
    """Those of today by name, and whatever setting is called a key or a secret one day."""
    chosen = {
        "CONSENTRY_DATABASE": "postgresql://me:p%40ss-of-the-db@db.example/x?password=another-one",
        "CONSENTRY_TEXT_KEYS": f"{NEW.written} {OLD.written}",
    }
    for setting in SETTINGS:
        if setting.name.endswith(("_key", "_secret")) and setting.name != "ledger_key":
            chosen[setting.variable] = f"the-{setting.name}-that-nobody-may-read"
    found = list_secrets(read_settings(chosen, Path("nowhere.toml")))
    assert {"p@ss-of-the-db", "p%40ss-of-the-db", "another-one", NEW.written, OLD.written} <= {
        *found
    }
    assert {value for value in chosen.values() if value.startswith("the-")} <= {*found}


def test_secret_keys_of_before_are_read_and_a_short_one_is_refused() -> None:
    """The error says which one, and shows nothing of it."""
    two = f"{'a' * 32} {'b' * 40}"
    settings = read_settings({"CONSENTRY_OLDER_SECRET_KEYS": two}, Path("nowhere.toml"))
    assert read_older_secret_keys(settings) == ("a" * 32, "b" * 40)
    short = read_settings(
        {"CONSENTRY_OLDER_SECRET_KEYS": f"{'a' * 32} hunter2"}, Path("nowhere.toml")
    )
    with pytest.raises(SettingError, match=r"its 2\. key has 7 characters") as refused:
        read_older_secret_keys(short)
    assert "hunter2" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(SettingError, match=r"text\.keys"):
        read(f"file:{tmp_path}/text.keys")
