"""Settings: what is read, what wins, and what a wrong value says."""

from pathlib import Path

import pytest

from consentry.setting_list import SETTINGS
from consentry.setting_values import SettingError
from consentry.settings import read_settings

pytestmark = pytest.mark.unit
NOWHERE = Path("there-is-no-such-file.toml")


def test_defaults_are_enough() -> None:
    """With nothing set, every setting has its documented default."""
    settings = read_settings({}, NOWHERE)
    assert settings.database == "sqlite:///var/consentry.db"
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.public_url is None


def test_environment_wins_over_file_wins_over_default(tmp_path: Path) -> None:
    """The environment is asked first, then consentry.toml, then the default."""
    file = tmp_path / "consentry.toml"
    file.write_text('port = 9000\nhost = "0.0.0.0"\n', encoding="utf-8")
    settings = read_settings({"CONSENTRY_PORT": "9001"}, file)
    assert (settings.host, settings.port) == ("0.0.0.0", 9001)  # noqa: S104 - nothing listens


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE", "mysql://x"),
        ("DATABASE", "sqlite:///"),
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("PORT", "²"),
        ("PORT", "many"),
        ("PUBLIC_URL", "sms.example.org"),
        ("PUBLIC_URL", "https://sms.example.org/"),
        ("DEFAULT_REGION", "usa"),
        ("REVOCATION_REACH", "everybody"),
        ("CONVERSATION_WINDOW_HOURS", "1.5"),
        ("SESSION_HOURS", "0"),
        ("SIGN_IN_LINK_MINUTES", "-5"),
        ("SIGN_IN_TRIES", "0"),
        ("SIGN_IN_TRIES_PER_ADDRESS", "many"),
        ("SIGN_IN_WINDOW_MINUTES", "1.5"),
        ("OIDC_ISSUER", "idp.example.org"),
        ("OIDC_ISSUER", "http://idp.example.org"),
        ("OIDC_ISSUER", "https://idp.example.org/?tenant=1"),
        ("OIDC_LABEL", " "),
        ("OIDC_ADMISSION", "everybody"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_names_setting_value_and_what_is_allowed(name: str, value: str) -> None:
    """Each wrong value is refused with the setting, the value, and what is allowed."""
    with pytest.raises(SettingError) as refused:
        read_settings({f"CONSENTRY_{name}": value}, NOWHERE)
    assert f"CONSENTRY_{name}" in str(refused.value)
    assert repr(value) in str(refused.value)
    assert "Allowed:" in str(refused.value)


def test_a_short_secret_is_refused_without_being_shown() -> None:
    """A secret key that is too short is refused, and its value is not printed."""
    with pytest.raises(SettingError) as refused:
        read_settings({"CONSENTRY_SECRET_KEY": "hunter2"}, NOWHERE)
    assert "hunter2" not in str(refused.value)
    assert "at least 32" in str(refused.value)


@pytest.mark.parametrize("text", ["prot = 1\n", "port = = 1\n", 'port = "x"\n'])
def test_a_wrong_file_is_named(tmp_path: Path, text: str) -> None:
    """An unknown name, broken TOML and a wrong value in the file are each told."""
    file = tmp_path / "consentry.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingError, match=r"consentry\.toml|CONSENTRY_PORT"):
        read_settings({}, file)


def test_every_default_is_allowed() -> None:
    """Every default passes its own reader, and every setting has a help text."""
    for setting in SETTINGS:
        setting.read(setting.name, setting.default)
        assert setting.help.endswith(".")
