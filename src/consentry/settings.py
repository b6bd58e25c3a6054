"""Settings: one list with name, default and help, read once from the environment and a file.

`CONSENTRY_*` variables win over `consentry.toml` (the same names in lower case without the
prefix), which wins over the defaults.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import urlsplit

import msgspec

from consentry.domain.policy import OPT_IN_HOURS_MAX, OPT_IN_HOURS_MIN, RevocationReach
from consentry.domain.rules.rows import RulesProfile
from consentry.ports import DeferredAnswer, MetricsAccess, RefusedAnswer

_POSTGRES: Final = ("postgresql://", "postgres://")


class SettingError(Exception):
    """A wrong setting: the message names it, its value, and what is allowed."""


class OIDCAdmission(StrEnum):
    """Whom sign-in through an identity provider lets in."""

    KNOWN = "known"
    WITHOUT_ACCESS = "without_access"


class LogFormat(StrEnum):
    """How the lines of the log are written."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"


class Switch(StrEnum):
    """Whether something is done."""

    ON = "on"
    OFF = "off"


class LogNumbers(StrEnum):
    """How phone numbers stand in the log."""

    MASKED = "masked"
    FULL = "full"


class Settings(msgspec.Struct, frozen=True):
    """What the operator chose; `SETTINGS` says what each means."""

    database: str
    host: str
    port: int
    public_url: str | None
    secret_key: str | None
    default_region: str | None
    conversation_window_hours: int
    revocation_reach: RevocationReach
    scope_question: Switch
    opt_in_hours: int
    reconcile_grace_seconds: int
    reconcile_hour: int | None
    drift_grace_minutes: int
    shutdown_grace_seconds: int
    session_hours: int
    sign_in_link_minutes: int
    sign_in_tries: int
    sign_in_tries_per_address: int
    sign_in_window_minutes: int
    opt_in_tries: int
    opt_in_tries_per_address: int
    opt_in_window_minutes: int
    oidc_issuer: str | None
    oidc_client_id: str | None
    oidc_client_secret: str | None
    oidc_label: str
    oidc_admission: OIDCAdmission
    log_level: str
    log_format: LogFormat
    log_numbers: LogNumbers
    metrics_access: MetricsAccess
    twilio_quiet_hours: DeferredAnswer
    twilio_refusals: RefusedAnswer
    twilio_pass_through: Switch
    ready_lag_seconds: int
    traces_endpoint: str | None
    traces_percent: int
    rules_profile: RulesProfile
    us_26_67_since: date | None
    defer_jitter_seconds: int
    defer_ttl_hours: int

    @property
    def is_postgres(self) -> bool:
        """Tell whether the database is PostgreSQL."""
        return self.database.startswith(_POSTGRES)

    @property
    def database_path(self) -> Path:
        """The file of a SQLite database."""
        return Path(self.database.removeprefix("sqlite:///"))


def _refuse(name: str, value: str, allowed: str) -> NoReturn:
    variable = f"CONSENTRY_{name.upper()}"
    raise SettingError(f"{variable} is {value!r}, which is not allowed. Allowed: {allowed}.")


def _read_database(name: str, value: str) -> str:
    if value.startswith("sqlite:///") and len(value) > len("sqlite:///"):
        return value
    if value.startswith(_POSTGRES):
        return value
    # What stands before the @ may be a password.
    shown = f"…@{value.rpartition('@')[2]}" if "@" in value else value
    _refuse(
        name,
        shown,
        "sqlite:///PATH, for example sqlite:///var/consentry.db; "
        "postgresql://USER@HOST/DATABASE, for example postgresql://consentry@db.example.org/consentry",
    )


def _read_number(lowest: int, highest: int) -> Callable[[str, str], int]:
    def read(name: str, value: str) -> int:
        if value.isascii() and value.isdigit() and lowest <= int(value) <= highest:
            return int(value)
        _refuse(name, value, f"a whole number from {lowest} to {highest}")

    return read


def _read_url(name: str, value: str) -> str | None:
    if not value:
        return None
    if value.startswith(("http://", "https://")) and not value.endswith("/"):
        return value
    _refuse(name, value, "a URL such as https://sms.example.org, without a slash at its end")


def _read_region(name: str, value: str) -> str | None:
    if not value:
        return None
    if len(value) == 2 and value.isascii() and value.isalpha() and value.isupper():
        return value
    _refuse(name, value, "an ISO 3166 country code of two capital letters, for example US")


def _read_one_of(choices: type[StrEnum]) -> Callable[[str, str], StrEnum]:
    def read(name: str, value: str) -> StrEnum:
        try:
            return choices(value)
        except ValueError:
            _refuse(name, value, ", ".join(choices))

    return read


def _read_hour(name: str, value: str) -> int | None:
    if value == "off":
        return None
    if value.isascii() and value.isdigit() and int(value) < 24:
        return int(value)
    _refuse(name, value, "an hour from 0 to 23, or off")


def _read_day(name: str, value: str) -> date | None:
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        _refuse(name, value, "a day such as 2027-04-01")


def _read_secret(name: str, value: str) -> str | None:
    if not value:
        return None
    if len(value) >= 32:
        return value
    variable = f"CONSENTRY_{name.upper()}"
    raise SettingError(f"{variable} has {len(value)} characters. Allowed: at least 32.")


def _read_level(name: str, value: str) -> str:
    levels = ("debug", "info", "warning", "error")
    if value in levels:
        return value
    _refuse(name, value, ", ".join(levels))


def _read_issuer(name: str, value: str) -> str | None:
    if not value:
        return None
    parts = urlsplit(value)
    is_local = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if (parts.scheme == "https" or is_local) and parts.hostname and not parts.query:
        return value
    _refuse(name, value, "the provider's https:// URL, as it stands in its own documents")


def _read_optional(_name: str, value: str) -> str | None:
    return value or None


def _read_label(name: str, value: str) -> str:
    if 0 < len(value.strip()) <= 60:
        return value.strip()
    _refuse(name, value, "1 to 60 characters")


def _read_text(_name: str, value: str) -> str:
    return value


class Setting(msgspec.Struct, frozen=True):
    """One setting: its name in `consentry.toml`, default, help, and who reads its value."""

    name: str
    default: str
    help: str
    read: Callable[[str, str], object]

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"CONSENTRY_{self.name.upper()}"


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "database",
        "sqlite:///var/consentry.db",
        "Where everything is kept: sqlite:///PATH, or postgresql://USER@HOST/DATABASE.",
        _read_database,
    ),
    Setting("host", "127.0.0.1", "The address to listen on.", _read_text),
    Setting("port", "8000", "The port to listen on; 0 takes a free one.", _read_number(0, 65535)),
    Setting(
        "public_url",
        "",
        "The URL under which carriers reach this server; it is part of what they sign. "
        "Empty: taken from each request.",
        _read_url,
    ),
    Setting(
        "secret_key",
        "",
        "Keys the hashes of API keys; at least 32 characters. "
        "Empty: made once and kept beside a SQLite database; with PostgreSQL it must be set.",
        _read_secret,
    ),
    Setting(
        "default_region",
        "US",
        "The country of phone numbers that are written without a country code.",
        _read_region,
    ),
    Setting(
        "conversation_window_hours",
        "24",
        "How long after a person's text a program may answer without naming a purpose.",
        _read_number(0, 24 * 365),
    ),
    Setting(
        "revocation_reach",
        "brand",
        "How far an opt-out goes beyond its conversation: sender, brand or all.",
        _read_one_of(RevocationReach),
    ),
    Setting(
        "scope_question",
        "off",
        "Whether our own confirmation of an opt-out asks which program to keep, where two or more "
        "were active: on or off. Silence keeps none.",
        _read_one_of(Switch),
    ),
    Setting(
        "rules_profile",
        "per-state",
        "Hours and caps of marketing: per-state, the law of each place; national-safe or strict, "
        "the law and narrower hours; off, conversations only and no marketing at all.",
        _read_one_of(RulesProfile),
    ),
    Setting(
        "us_26_67_since",
        "",
        "The first day of the amended US rule of revocation (FCC 26-67), for example 2027-04-01. "
        "Empty: not known yet, and it is off.",
        _read_day,
    ),
    Setting(
        "opt_in_hours",
        "48",
        "How many hours a person has to answer a double opt-in; then it counts as expired.",
        _read_number(OPT_IN_HOURS_MIN, OPT_IN_HOURS_MAX),
    ),
    Setting(
        "reconcile_grace_seconds",
        "60",
        "How long to wait before the carrier's list is asked about a text without an answer.",
        _read_number(0, 86400),
    ),
    Setting(
        "reconcile_hour",
        "3",
        "The hour (UTC, 0 to 23) from which on carriers are compared with our ledger, once a day; "
        "off: only when somebody asks for it.",
        _read_hour,
    ),
    Setting(
        "drift_grace_minutes",
        "15",
        "How old a carrier's evidence must be to count as drift: what is newer may be under way.",
        _read_number(0, 24 * 60),
    ),
    Setting(
        "shutdown_grace_seconds",
        "25",
        "How long a server that is told to end may take to finish requests, and texts that are "
        "with a carrier. Give it less than your platform waits before it kills.",
        _read_number(4, 3600),
    ),
    Setting(
        "session_hours",
        "12",
        "How many hours after signing in an agent must sign in again.",
        _read_number(1, 24 * 30),
    ),
    Setting(
        "sign_in_link_minutes",
        "60",
        "How many minutes a sign-in link is good.",
        _read_number(1, 7 * 24 * 60),
    ),
    Setting(
        "sign_in_tries",
        "10",
        "How many times a password may be tried for one email within the window.",
        _read_number(1, 1000),
    ),
    Setting(
        "sign_in_tries_per_address",
        "50",
        "How many times one address may try to sign in within the window.",
        _read_number(1, 100_000),
    ),
    Setting(
        "sign_in_window_minutes",
        "15",
        "The window in which tries to sign in are counted.",
        _read_number(1, 24 * 60),
    ),
    Setting(
        "opt_in_tries",
        "5",
        "How many times the opt-in form is taken for one phone number within the window.",
        _read_number(1, 1000),
    ),
    Setting(
        "opt_in_tries_per_address",
        "30",
        "How many times one address may send the opt-in form within the window.",
        _read_number(1, 100_000),
    ),
    Setting(
        "opt_in_window_minutes",
        "60",
        "The window in which opt-in forms are counted.",
        _read_number(1, 24 * 60),
    ),
    Setting(
        "oidc_issuer",
        "",
        "The OpenID Connect provider through which agents may sign in: its issuer URL. "
        "Empty: none. Needs the extra: pip install 'consentry[oidc]'.",
        _read_issuer,
    ),
    Setting("oidc_client_id", "", "The client id that the provider gave us.", _read_optional),
    Setting(
        "oidc_client_secret",
        "",
        "The client secret that the provider gave us. Empty: a public client, PKCE alone.",
        _read_optional,
    ),
    Setting(
        "oidc_label", "Single sign-on", "What the button at the sign-in page says.", _read_label
    ),
    Setting(
        "oidc_admission",
        "known",
        "Whom the provider lets in: known, agents who were added before; without_access, "
        "others too, who become agents without access until an admin gives them a role.",
        _read_one_of(OIDCAdmission),
    ),
    Setting("log_level", "info", "debug, info, warning or error.", _read_level),
    Setting(
        "log_format",
        "auto",
        "How the log is written on standard error: json, a JSON object a line; text, for people; "
        "auto, text on a terminal and json elsewhere.",
        _read_one_of(LogFormat),
    ),
    Setting(
        "log_numbers",
        "masked",
        "How phone numbers stand in the log: masked (+14***0100), or full. Full puts personal "
        "data wherever the log is sent and kept: for a search that needs it, then back to masked.",
        _read_one_of(LogNumbers),
    ),
    Setting(
        "metrics_access",
        "key",
        "Who may read /metrics: key, a key with the scope metrics; loopback, also programs on this "
        "machine that come through no proxy; open, everybody who reaches the port.",
        _read_one_of(MetricsAccess),
    ),
    Setting(
        "twilio_quiet_hours",
        "schedule",
        "What the Twilio-compatible door answers outside the hours for texts: schedule, 201 and "
        "the text waits; refuse, 400 with Twilio's code 30610.",
        _read_one_of(DeferredAnswer),
    ),
    Setting(
        "twilio_refusals",
        "at_once",
        "How the Twilio-compatible door refuses a text by a messaging service: at_once, 400 with "
        "the code; by_callback, 201 as Twilio does, then failed with the code.",
        _read_one_of(RefusedAnswer),
    ),
    Setting(
        "twilio_pass_through",
        "off",
        "Whether the Twilio-compatible door hands on to Twilio what is not about messages, such as "
        "calls and numbers: on, or off, where all of that is answered 20404.",
        _read_one_of(Switch),
    ),
    Setting(
        "ready_lag_seconds",
        "10",
        "After how many seconds of waiting to be written /readyz says that the writer is stuck.",
        _read_number(1, 600),
    ),
    Setting(
        "traces_endpoint",
        "",
        "The collector that traces are sent to by OTLP over HTTP, for example "
        "http://127.0.0.1:4318. Empty: none. Needs the extra: pip install 'consentry[otel]'.",
        _read_url,
    ),
    Setting(
        "traces_percent",
        "100",
        "How many of a hundred traces are kept; a caller's own traceparent decides for itself.",
        _read_number(0, 100),
    ),
    Setting(
        "defer_jitter_seconds",
        "900",
        "Marketing that waited for the hours of the person's place leaves up to so many seconds "
        "after they open, each text at its own second; never after they close.",
        _read_number(0, 4 * 3600),
    ),
    Setting(
        "defer_ttl_hours",
        "72",
        "Marketing that has to wait and names no time to live is given up so many hours after the "
        "time at which it might have left.",
        _read_number(1, 30 * 24),
    ),
)


def read_settings(
    environment: Mapping[str, str] | None = None, file: Path = Path("consentry.toml")
) -> Settings:
    """Read all settings; raises `SettingError` naming the setting, the value, what is allowed."""
    chosen = dict(os.environ if environment is None else environment)
    written = _read_file(file)
    values = {}
    for setting in SETTINGS:
        value = chosen.get(setting.variable, written.get(setting.name, setting.default))
        values[setting.name] = setting.read(setting.name, value)
    return msgspec.convert(values, Settings)


def on_database(settings: Settings, database: str) -> Settings:
    """Take the settings with another database; raises `SettingError` where it is none."""
    return msgspec.structs.replace(settings, database=_read_database("database", database))


def _read_file(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    try:
        written = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{file} cannot be read: {error}. Mend it or remove it.") from error
    known = {setting.name for setting in SETTINGS}
    for name in written:
        if name not in known:
            raise SettingError(
                f"{file} has an unknown setting {name!r}. Known: {', '.join(sorted(known))}."
            )
    return {name: str(value) for name, value in written.items()}
