"""The list of all settings: name, default, help, and who reads the value."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

import msgspec

from consentry.domain.policy import OPT_IN_HOURS_MAX, OPT_IN_HOURS_MIN, RevocationReach
from consentry.domain.rules.rows import RulesProfile
from consentry.ports import DeferredAnswer, MetricsAccess, RefusedAnswer
from consentry.setting_values import (
    read_database,
    read_day,
    read_endpoint,
    read_hour,
    read_issuer,
    read_label,
    read_level,
    read_number,
    read_one_of,
    read_optional,
    read_origin,
    read_private_networks,
    read_region,
    read_replica,
    read_secret,
    read_text,
    read_url,
)


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
        read_database,
    ),
    Setting("host", "127.0.0.1", "The address to listen on.", read_text),
    Setting("port", "8000", "The port to listen on; 0 takes a free one.", read_number(0, 65535)),
    Setting(
        "public_url",
        "",
        "The URL under which carriers reach this server; it is part of what they sign. "
        "Empty: taken from each request.",
        read_url,
    ),
    Setting(
        "secret_key",
        "",
        "Keys the hashes of API keys; at least 32 characters. "
        "Empty: made once and kept beside a SQLite database; with PostgreSQL it must be set.",
        read_secret,
    ),
    Setting(
        "older_secret_keys",
        "",
        "Secret keys of before, between spaces, or file:PATH with one a line: API keys and "
        "accounts that were made with them go on to work until you take them out.",
        read_optional,
    ),
    Setting(
        "text_keys",
        "",
        "Keys that texts are sealed with in the database, the newest first, between spaces; or "
        "file:PATH with one a line. The word plain in front: open, and seal no more. Made by "
        "consentry text-key new. Empty: texts are not sealed.",
        read_optional,
    ),
    Setting(
        "erasure_keys",
        "",
        "Keys of the hashes by which it stays known that somebody who was erased had said no: the "
        "newest first, between spaces; or file:PATH with one a line. Made by consentry erasure-key "
        "new. Empty: derived from the secret key.",
        read_optional,
    ),
    Setting(
        "key_requests_per_second",
        "0",
        "How many requests a second one API key may make of each process; more are answered 429, "
        "and nothing of them is done. 0 is no limit.",
        read_number(0, 1_000_000),
    ),
    Setting(
        "key_failures_per_minute",
        "300",
        "How many requests a minute one address may make of each process with no good API key, "
        "before it is answered 429. Good keys are let in all the same. 0 is no limit.",
        read_number(0, 1_000_000),
    ),
    Setting(
        "default_region",
        "US",
        "The country of phone numbers that are written without a country code.",
        read_region,
    ),
    Setting(
        "conversation_window_hours",
        "24",
        "How long after a person's text a program may answer without naming a purpose.",
        read_number(0, 24 * 365),
    ),
    Setting(
        "revocation_reach",
        "brand",
        "How far an opt-out goes beyond its conversation: sender, brand or all.",
        read_one_of(RevocationReach),
    ),
    Setting(
        "scope_question",
        "off",
        "Whether our own confirmation of an opt-out asks which program to keep, where two or more "
        "were active: on or off. Silence keeps none.",
        read_one_of(Switch),
    ),
    Setting(
        "rules_profile",
        "per-state",
        "Hours and caps of marketing: per-state, the law of each place; national-safe or strict, "
        "the law and narrower hours; off, conversations only and no marketing at all.",
        read_one_of(RulesProfile),
    ),
    Setting(
        "us_26_67_since",
        "",
        "The first day of the amended US rule of revocation (FCC 26-67), for example 2027-04-01. "
        "Empty: not known yet, and it is off.",
        read_day,
    ),
    Setting(
        "opt_in_hours",
        "48",
        "How many hours a person has to answer a double opt-in; then it counts as expired.",
        read_number(OPT_IN_HOURS_MIN, OPT_IN_HOURS_MAX),
    ),
    Setting(
        "reconcile_grace_seconds",
        "60",
        "How long to wait before the carrier's list is asked about a text without an answer.",
        read_number(0, 86400),
    ),
    Setting(
        "reconcile_hour",
        "3",
        "The hour (UTC, 0 to 23) from which on carriers are compared with our ledger, once a day; "
        "off: only when somebody asks for it.",
        read_hour,
    ),
    Setting(
        "retention_hour",
        "off",
        "The hour (UTC, 0 to 23) from which on records that were kept long enough are destroyed, "
        "once a day; off: only by hand (consentry retention).",
        read_hour,
    ),
    Setting(
        "drift_grace_minutes",
        "15",
        "How old a carrier's evidence must be to count as drift: what is newer may be under way.",
        read_number(0, 24 * 60),
    ),
    Setting(
        "shutdown_grace_seconds",
        "25",
        "How long a server that is told to end may take to finish requests, and texts that are "
        "with a carrier. Give it less than your platform waits before it kills.",
        read_number(4, 3600),
    ),
    Setting(
        "session_hours",
        "12",
        "How many hours after signing in an agent must sign in again.",
        read_number(1, 24 * 30),
    ),
    Setting(
        "sign_in_link_minutes",
        "60",
        "How many minutes a sign-in link is good.",
        read_number(1, 7 * 24 * 60),
    ),
    Setting(
        "sign_in_tries",
        "10",
        "How many times a password may be tried for one email within the window.",
        read_number(1, 1000),
    ),
    Setting(
        "sign_in_tries_per_address",
        "50",
        "How many times one address may try to sign in within the window.",
        read_number(1, 100_000),
    ),
    Setting(
        "sign_in_window_minutes",
        "15",
        "The window in which tries to sign in are counted.",
        read_number(1, 24 * 60),
    ),
    Setting(
        "opt_in_tries",
        "5",
        "How many times the opt-in form is taken for one phone number within the window.",
        read_number(1, 1000),
    ),
    Setting(
        "opt_in_tries_per_address",
        "30",
        "How many times one address may send the opt-in form within the window.",
        read_number(1, 100_000),
    ),
    Setting(
        "opt_in_window_minutes",
        "60",
        "The window in which opt-in forms are counted.",
        read_number(1, 24 * 60),
    ),
    Setting(
        "oidc_issuer",
        "",
        "The OpenID Connect provider through which agents may sign in: its issuer URL. "
        "Empty: none. Needs the extra: pip install 'consentry[oidc]'.",
        read_issuer,
    ),
    Setting("oidc_client_id", "", "The client id that the provider gave us.", read_optional),
    Setting(
        "oidc_client_secret",
        "",
        "The client secret that the provider gave us. Empty: a public client, PKCE alone.",
        read_optional,
    ),
    Setting(
        "oidc_label", "Single sign-on", "What the button at the sign-in page says.", read_label
    ),
    Setting(
        "oidc_admission",
        "known",
        "Whom the provider lets in: known, agents who were added before; without_access, "
        "others too, who become agents without access until an admin gives them a role.",
        read_one_of(OIDCAdmission),
    ),
    Setting("log_level", "info", "debug, info, warning or error.", read_level),
    Setting(
        "log_format",
        "auto",
        "How the log is written on standard error: json, a JSON object a line; text, for people; "
        "auto, text on a terminal and json elsewhere.",
        read_one_of(LogFormat),
    ),
    Setting(
        "log_numbers",
        "masked",
        "How phone numbers stand in the log: masked (+14***0100), or full. Full puts personal "
        "data wherever the log is sent and kept: for a search that needs it, then back to masked.",
        read_one_of(LogNumbers),
    ),
    Setting(
        "metrics_access",
        "key",
        "Who may read /metrics: key, a key with the scope metrics; loopback, also programs on this "
        "machine that come through no proxy; open, everybody who reaches the port.",
        read_one_of(MetricsAccess),
    ),
    Setting(
        "twilio_quiet_hours",
        "schedule",
        "What the Twilio-compatible door answers outside the hours for texts: schedule, 201 and "
        "the text waits; refuse, 400 with Twilio's code 30610.",
        read_one_of(DeferredAnswer),
    ),
    Setting(
        "twilio_refusals",
        "at_once",
        "How the Twilio-compatible door refuses a text by a messaging service: at_once, 400 with "
        "the code; by_callback, 201 as Twilio does, then failed with the code.",
        read_one_of(RefusedAnswer),
    ),
    Setting(
        "twilio_pass_through",
        "off",
        "Whether the Twilio-compatible door hands on to Twilio what is not about messages, such as "
        "calls and numbers: on, or off, where all of that is answered 20404.",
        read_one_of(Switch),
    ),
    Setting(
        "ready_lag_seconds",
        "10",
        "After how many seconds of waiting to be written /readyz says that the writer is stuck.",
        read_number(1, 600),
    ),
    Setting(
        "traces_endpoint",
        "",
        "The collector that traces are sent to by OTLP over HTTP, for example "
        "http://127.0.0.1:4318. Empty: none. Needs the extra: pip install 'consentry[otel]'.",
        read_url,
    ),
    Setting(
        "traces_percent",
        "100",
        "How many of a hundred traces are kept; a caller's own traceparent decides for itself.",
        read_number(0, 100),
    ),
    Setting(
        "defer_jitter_seconds",
        "900",
        "Marketing that waited for the hours of the person's place leaves up to so many seconds "
        "after they open, each text at its own second; never after they close.",
        read_number(0, 4 * 3600),
    ),
    Setting(
        "defer_ttl_hours",
        "72",
        "Marketing that has to wait and names no time to live is given up so many hours after the "
        "time at which it might have left.",
        read_number(1, 30 * 24),
    ),
    Setting(
        "replica",
        "",
        "A streaming replica of the PostgreSQL database, postgresql://USER@HOST/DATABASE: `scrub` "
        "and `snapshot` read there. What it has not heard yet is not in the answers. Empty: none.",
        read_replica,
    ),
    Setting(
        "ledger_origin",
        "",
        "The name of the ledger's log in its checkpoints, for example texts.example.com/ledger. "
        "Empty: the host of public_url, else consentry.local, and /ledger.",
        read_origin,
    ),
    Setting(
        "ledger_key",
        "",
        "The secret that the key of the ledger's checkpoints is made of; at least 32 characters. "
        "Empty: made once and kept beside a SQLite database; with PostgreSQL made of secret_key.",
        read_secret,
    ),
    Setting(
        "ledger_push",
        "",
        "Where the newest checkpoint of the ledger is kept too: a folder, or git:FOLDER for a "
        "commit each, pushed where the repository has a remote. Empty: nowhere.",
        read_optional,
    ),
    Setting(
        "ledger_push_minutes",
        "10",
        "How often a new checkpoint is kept there, in minutes.",
        read_number(1, 60 * 24),
    ),
    Setting(
        "ledger_timestamp_url",
        "",
        "The timestamp authority (RFC 3161) that stamps checkpoints of the ledger. Empty: none.",
        read_endpoint,
    ),
    Setting(
        "ledger_timestamp_minutes",
        "60",
        "How often a new checkpoint is stamped at most, in minutes.",
        read_number(1, 60 * 24 * 30),
    ),
    Setting(
        "webhook_private_networks",
        "",
        "Networks that programs are told in although they are not public, with commas between "
        "them, for example 127.0.0.0/8,10.20.0.0/16. Empty: none, so only public addresses.",
        read_private_networks,
    ),
    Setting(
        "webhook_failed_days",
        "30",
        "How many days what programs could not be told is kept, to be looked at and replayed.",
        read_number(1, 3650),
    ),
)
