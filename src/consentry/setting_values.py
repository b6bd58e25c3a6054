"""What a setting may be: how each kind of value is read, and what is said where it is wrong.

Each takes the setting's name and what was written, and raises `SettingError`.
"""

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Final, NoReturn
from urllib.parse import urlsplit

from consentry.wire.public_address import PrivateNetworks, read_networks
from consentry.wire.signed_note import is_key_name

POSTGRES: Final = ("postgresql://", "postgres://")
"""How the address of a PostgreSQL database begins."""


SECRET_CHARACTERS_MIN: Final = 32


class SettingError(Exception):
    """A wrong setting: the message names it, its value, and what is allowed."""


def _refuse(name: str, value: str, allowed: str) -> NoReturn:
    variable = f"CONSENTRY_{name.upper()}"
    raise SettingError(f"{variable} is {value!r}, which is not allowed. Allowed: {allowed}.")


def read_database(name: str, value: str) -> str:
    """Take the address of a SQLite file or of a PostgreSQL database."""
    if value.startswith("sqlite:///") and len(value) > len("sqlite:///"):
        return value
    if value.startswith(POSTGRES):
        return value
    _refuse(
        name,
        _without_password(value),
        "sqlite:///PATH, for example sqlite:///var/consentry.db; "
        "postgresql://USER@HOST/DATABASE, for example postgresql://consentry@db.example.org/consentry",
    )


def read_replica(name: str, value: str) -> str | None:
    """Take the address of a PostgreSQL database; empty is none."""
    if value and not value.startswith(POSTGRES):
        _refuse(name, _without_password(value), "postgresql://USER@HOST/DATABASE, or empty")
    return value or None


def _without_password(value: str) -> str:
    """Leave out what stands before the @: a password may."""
    return f"…@{value.rpartition('@')[2]}" if "@" in value else value


def read_number(lowest: int, highest: int) -> Callable[[str, str], int]:
    """Take whole numbers from one to another."""

    def read(name: str, value: str) -> int:
        if value.isascii() and value.isdigit() and lowest <= int(value) <= highest:
            return int(value)
        _refuse(name, value, f"a whole number from {lowest} to {highest}")

    return read


def read_url(name: str, value: str) -> str | None:
    """Take a URL; empty is none."""
    if not value:
        return None
    if value.startswith(("http://", "https://")) and not value.endswith("/"):
        return value
    _refuse(name, value, "a URL such as https://sms.example.org, without a slash at its end")


def read_endpoint(name: str, value: str) -> str | None:
    """Take an address that is asked; empty is none. It is taken exactly as it is written."""
    if not value or value.startswith(("http://", "https://")):
        return value or None
    _refuse(name, value, "a URL such as https://timestamp.example.com/tsr")


def read_region(name: str, value: str) -> str | None:
    """Take a country code; empty is none."""
    if not value:
        return None
    if len(value) == 2 and value.isascii() and value.isalpha() and value.isupper():
        return value
    _refuse(name, value, "an ISO 3166 country code of two capital letters, for example US")


def read_one_of(choices: type[StrEnum]) -> Callable[[str, str], StrEnum]:
    """Take one of these words."""

    def read(name: str, value: str) -> StrEnum:
        try:
            return choices(value)
        except ValueError:
            _refuse(name, value, ", ".join(choices))

    return read


def read_hour(name: str, value: str) -> int | None:
    """Take an hour of the day, or off."""
    if value == "off":
        return None
    if value.isascii() and value.isdigit() and int(value) < 24:
        return int(value)
    _refuse(name, value, "an hour from 0 to 23, or off")


def read_day(name: str, value: str) -> date | None:
    """Take a day; empty is none."""
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        _refuse(name, value, "a day such as 2027-04-01")


def read_secret(name: str, value: str) -> str | None:
    """Take a secret that is long enough; empty is none. It is never shown."""
    if not value:
        return None
    if len(value) >= SECRET_CHARACTERS_MIN:
        return value
    variable = f"CONSENTRY_{name.upper()}"
    raise SettingError(
        f"{variable} has {len(value)} characters. Allowed: at least {SECRET_CHARACTERS_MIN}."
    )


def read_level(name: str, value: str) -> str:
    """Take a level of the log."""
    levels = ("debug", "info", "warning", "error")
    if value in levels:
        return value
    _refuse(name, value, ", ".join(levels))


def read_issuer(name: str, value: str) -> str | None:
    """Take an identity provider's URL; empty is none."""
    if not value:
        return None
    parts = urlsplit(value)
    is_local = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if (parts.scheme == "https" or is_local) and parts.hostname and not parts.query:
        return value
    _refuse(name, value, "the provider's https:// URL, as it stands in its own documents")


def read_optional(_name: str, value: str) -> str | None:
    """Take anything; empty is none."""
    return value or None


def read_label(name: str, value: str) -> str:
    """Take a short label."""
    if 0 < len(value.strip()) <= 60:
        return value.strip()
    _refuse(name, value, "1 to 60 characters")


def read_origin(name: str, value: str) -> str | None:
    """Take the name of a log, as signed notes may have it; empty is none."""
    if not value or is_key_name(value):
        return value or None
    _refuse(name, value, "a name without white space and +, such as texts.example.com/ledger")


def read_private_networks(name: str, value: str) -> PrivateNetworks:
    """Take networks with commas between them; empty is none."""
    try:
        return read_networks(value)
    except ValueError as error:
        _refuse(name, value, f"networks such as 127.0.0.0/8,10.20.0.0/16 ({error})")


def read_text(_name: str, value: str) -> str:
    """Take anything."""
    return value
