"""The keys that hash the numbers of who is erased, as settings have them."""

from pathlib import Path

import pytest

from consentry.opening import read_hash_keys
from consentry.setting_values import SettingError
from consentry.settings import read_settings
from consentry.wire.keyed_hash import KEY_BYTES, derive_hash_key, read_hash_key, write_hash_key

pytestmark = pytest.mark.unit

NEW, OLD = write_hash_key(b"n" * KEY_BYTES), write_hash_key(b"o" * KEY_BYTES)
SECRET = "a secret key of at least 32 characters"


def read(keys: str = "", **more: str) -> tuple[str, ...]:
    """Read the ids of the keys, the newest first."""
    settings = read_settings({"CONSENTRY_ERASURE_KEYS": keys, **more}, Path("nowhere.toml"))
    return read_hash_keys(settings).ids


def test_the_secret_key_gives_one_that_stands_behind_those_of_the_setting(tmp_path: Path) -> None:
    """So who was erased before the setting was used is found all the same."""
    derived = derive_hash_key(SECRET).id
    assert read(CONSENTRY_SECRET_KEY=SECRET) == (derived,)
    both = read(f"{NEW} {OLD}", CONSENTRY_SECRET_KEY=SECRET)
    assert both == (read_hash_key(NEW).id, read_hash_key(OLD).id, derived)
    file = tmp_path / "keys"
    file.write_text(f"{OLD}  # of 2025\n")
    assert read(f"file:{file}", CONSENTRY_SECRET_KEY=SECRET)[0] == read_hash_key(OLD).id


def test_without_a_secret_key_one_is_made_beside_sqlite_and_none_for_postgresql(
    tmp_path: Path,
) -> None:
    """Made once, so that it is the same at the next start."""
    file = f"sqlite:///{tmp_path}/consentry.db"
    assert read(CONSENTRY_DATABASE=file) == read(CONSENTRY_DATABASE=file)
    assert read(CONSENTRY_DATABASE="postgresql://u@127.0.0.1/db") == ()


@pytest.mark.parametrize("wrong", ["plain", NEW[:-1], NEW.replace("cek_", "ctk_"), "file:/nowhere"])
def test_what_is_no_key_is_refused_without_being_shown(wrong: str) -> None:
    """The setting is named, and what makes a key; the key itself stands in no message."""
    with pytest.raises(SettingError, match="CONSENTRY_ERASURE_KEYS") as refused:
        read(wrong, CONSENTRY_SECRET_KEY=SECRET)
    assert NEW[4:-1] not in str(refused.value)
