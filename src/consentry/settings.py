"""Settings: what the operator chose, read once from the environment and a file.

`CONSENTRY_*` variables win over `consentry.toml` (the same names in lower case without the
prefix), which wins over the defaults.
"""

import os
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from consentry.domain.policy import RevocationReach
from consentry.domain.rules.rows import RulesProfile
from consentry.ports import DeferredAnswer, MetricsAccess, RefusedAnswer
from consentry.setting_list import SETTINGS, LogFormat, LogNumbers, OIDCAdmission, Switch
from consentry.setting_values import POSTGRES, SettingError, read_database
from consentry.wire.public_address import PrivateNetworks


class Settings(msgspec.Struct, frozen=True):
    """What the operator chose; `SETTINGS` says what each means."""

    database: str
    host: str
    port: int
    public_url: str | None
    secret_key: str | None
    older_secret_keys: str | None
    text_keys: str | None
    key_requests_per_second: int
    key_failures_per_minute: int
    erasure_keys: str | None
    default_region: str | None
    conversation_window_hours: int
    revocation_reach: RevocationReach
    scope_question: Switch
    opt_in_hours: int
    reconcile_grace_seconds: int
    reconcile_hour: int | None
    retention_hour: int | None
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
    replica: str | None
    ledger_origin: str | None
    ledger_key: str | None
    ledger_push: str | None
    ledger_push_minutes: int
    ledger_timestamp_url: str | None
    ledger_timestamp_minutes: int
    webhook_private_networks: PrivateNetworks
    webhook_failed_days: int

    @property
    def is_postgres(self) -> bool:
        """Tell whether the database is PostgreSQL."""
        return self.database.startswith(POSTGRES)

    @property
    def database_path(self) -> Path:
        """The file of a SQLite database."""
        return Path(self.database.removeprefix("sqlite:///"))


SETTINGS_FILE: Final = Path("consentry.toml")
"""What is read of the folder that a command runs in."""


def read_settings(
    environment: Mapping[str, str] | None = None, file: Path = SETTINGS_FILE
) -> Settings:
    """Read all settings; raises `SettingError` naming the setting, the value, what is allowed."""
    chosen = dict(os.environ if environment is None else environment)
    written = read_written(file)
    values = {}
    for setting in SETTINGS:
        value = chosen.get(setting.variable, written.get(setting.name, setting.default))
        values[setting.name] = setting.read(setting.name, value)
    return msgspec.convert(values, Settings)


def on_database(settings: Settings, database: str) -> Settings:
    """Take the settings with another database; raises `SettingError` where it is none."""
    return msgspec.structs.replace(settings, database=read_database("database", database))


def read_written(file: Path) -> dict[str, str]:
    """Read what a settings file says; raises `SettingError` where it cannot be read."""
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
