"""What every command opens: the log, the secret key, the database; and links to sign in by.

It knows nothing of servers, so a command that only looks something up starts without them.
"""

import logging
import os
import secrets
import shlex
import stat
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from consentry.actions.keep_agents import SaveAgent
from consentry.actions.sign_in import MakeSignInLink, hash_sign_in_secret, sign_in_path
from consentry.clock import SystemClock, SystemIds
from consentry.domain.agents import Agent, Role
from consentry.domain.policy import Policy
from consentry.ports import (
    UNMEASURED,
    Clock,
    Everybody,
    EvidenceMaking,
    Measuring,
    NoteSigner,
    Store,
)
from consentry.setting_list import LogFormat, LogNumbers, Switch
from consentry.setting_values import SECRET_CHARACTERS_MIN, SettingError
from consentry.settings import SETTINGS_FILE, Settings, read_written
from consentry.store.postgres.address import AddressError
from consentry.store.sealing import TextKey, read_text_key, use_text_keys
from consentry.store.sqlite.store import SQLiteStore
from consentry.telemetry.logs import set_up_logging
from consentry.wire import keyed_hash
from consentry.wire.keyed_hash import HashKeys
from consentry.wire.signed_note import (
    Tree,
    derive_verifier_key,
    sign_note,
    write_tree,
    write_verifier_key,
)
from consentry.wire.webhook_address import inbound_path
from consentry.witnessing.places import Places

_EVERY_ADDRESS: Final = ("0.0.0.0", "::")  # noqa: S104 - what the settings may say, to be shown
_NAMES_OF_SECRETS: Final = ("_key", "_keys", "_secret", "_secrets")
_PLAIN: Final = "plain"
_MENDING: Final = "Bring the file back from your own copy, readable for this program alone."
_FILE: Final = "file:"
_OF_OTHERS: Final = 0o077
_log = logging.getLogger(__name__)
FIRST_ADMIN_EMAIL: Final = "admin@localhost"
_LOGGED_AS_JSON: Final = {LogFormat.AUTO: None, LogFormat.JSON: True, LogFormat.TEXT: False}


def start_logging(settings: Settings) -> None:
    """Send this process's log where and how the settings say."""
    set_up_logging(
        settings.log_level,
        as_json=_LOGGED_AS_JSON[settings.log_format],
        shows_numbers=settings.log_numbers is LogNumbers.FULL,
        secrets=list_secrets(settings),
    )


def list_secrets(settings: Settings) -> tuple[str, ...]:
    """List what may stand in no log: the words of every key and secret, the database's password.

    A setting holds one where its name says so, a new one too.
    """
    named = (
        str(value)
        for name, value in msgspec.structs.asdict(settings).items()
        if name.endswith(_NAMES_OF_SECRETS) and value is not None
    )
    found = [word for value in named for word in value.replace(",", " ").split()]
    parts = urlsplit(settings.database)
    found += [value for name, value in parse_qsl(parts.query) if name == "password"]
    if parts.password:
        found += [parts.password, unquote(parts.password)]
    return tuple(dict.fromkeys(found))


def build_policy(settings: Settings) -> Policy:
    """Take from the settings what decisions depend on."""
    return Policy(
        revocation_reach=settings.revocation_reach,
        conversation_window_hours=settings.conversation_window_hours,
        scope_question=settings.scope_question is Switch.ON,
        rules_profile=settings.rules_profile,
        us_26_67_since=settings.us_26_67_since,
        opt_in_hours=settings.opt_in_hours,
        defer_jitter_seconds=settings.defer_jitter_seconds,
        defer_ttl_hours=settings.defer_ttl_hours,
    )


def open_store(
    settings: Settings, measuring: Measuring = UNMEASURED, *, keeps_log: bool = False
) -> Store:
    """Open the database, and bring its tables up to date.

    The text keys of the settings are this process's from here on. `keeps_log`: entries are put into
    the ledger's log, and checkpoints signed. A server does so; what other commands write, it finds.
    """
    keys, seals = read_text_keys(settings)
    use_text_keys(keys, seals=seals)
    signer = read_ledger_signer(settings) if keeps_log else None
    if settings.is_postgres:
        return _open_postgres(settings, measuring, signer)
    path = settings.database_path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError(
            f"CONSENTRY_DATABASE names {path}, whose folder cannot be made ({error})."
        ) from error
    return SQLiteStore.open(
        path,
        clock=SystemClock(),
        ids=SystemIds(),
        policy=build_policy(settings),
        measuring=measuring,
        signer=signer,
        hash_keys=read_hash_keys(settings),
    )


def _open_postgres(settings: Settings, measuring: Measuring, signer: NoteSigner | None) -> Store:
    # Imported only where it is used: the driver takes as long as all of SQLite's side.
    from consentry.store.postgres.store import PostgresStore  # noqa: PLC0415

    try:
        return PostgresStore.open(
            settings.database,
            clock=SystemClock(),
            ids=SystemIds(),
            policy=build_policy(settings),
            measuring=measuring,
            signer=signer,
            hash_keys=read_hash_keys(settings),
        )
    except AddressError as error:
        raise SettingError(f"CONSENTRY_DATABASE is not allowed: {error}.") from error


def open_everybody(settings: Settings) -> AbstractAsyncContextManager[Everybody]:
    """Read all standings as of now: of the replica where the settings name one."""
    if not settings.is_postgres:
        from consentry.store.sqlite import everybody as of_file  # noqa: PLC0415 - for few commands

        return of_file.open_everybody(settings.database_path, hash_keys=read_hash_keys(settings))
    # Imported only where it is used: the driver takes as long as all of SQLite's side.
    from consentry.store.postgres import everybody as of_server  # noqa: PLC0415 - see above

    return of_server.open_everybody(
        settings.replica or settings.database, hash_keys=read_hash_keys(settings)
    )


def read_secret_key(settings: Settings) -> str:
    """Take the secret key of the settings, else the one kept beside a SQLite database.

    Nothing secret is kept in a database: who can read it could then sign in. So beside one that
    several hosts share there is no place for it.
    """
    if settings.secret_key is not None:
        return settings.secret_key
    if settings.is_postgres:
        raise SettingError(
            "CONSENTRY_SECRET_KEY is not set, and with PostgreSQL it must be: every process needs "
            "the same. Make one with: openssl rand -hex 32"
        )
    return _keep_secret(settings.database_path.with_name("secret.key"))


def _keep_secret(file: Path) -> str:
    """Read a secret from its file, made where there is none; raises `SettingError`.

    One that was cut off is refused: with another key nobody's sign-in or hash is known, and what is
    signed is signed by a key that anybody can guess.
    """
    try:
        if not file.exists():
            _write_secret(file, secrets.token_urlsafe(48))
        secret = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"The key in {file} can be neither read nor made ({error}). {_MENDING}"
        ) from error
    if len(secret) < SECRET_CHARACTERS_MIN:
        raise SettingError(
            f"The key in {file} has {len(secret)} characters, and at least {SECRET_CHARACTERS_MIN} "
            f"were written. {_MENDING}"
        )
    return secret


class LedgerSigner:
    """Signs the checkpoints of the ledger's log; implements `NoteSigner`."""

    def __init__(self, origin: str, secret: str) -> None:
        """Sign in this name, with the key that is derived from a secret."""
        self.origin = origin
        self._private_key = sha256(b"consentry ledger key\n" + secret.encode()).digest()

    def verifier_key(self) -> str:
        """The public half, as verifiers take it."""
        return write_verifier_key(derive_verifier_key(self.origin, self._private_key))

    def sign(self, tree: Tree) -> str:
        """Write a signed note that says what the tree is."""
        return self.sign_text(write_tree(tree))

    def sign_text(self, text: str) -> str:
        """Sign a text as a note, whose first line says what it is."""
        return sign_note(text, self.origin, self._private_key)


def read_ledger_signer(settings: Settings) -> LedgerSigner:
    """Take the ledger's key of the settings, else the one kept beside a SQLite database.

    With PostgreSQL it is else derived from the secret key.
    """
    secret = settings.ledger_key
    if secret is None and settings.is_postgres:
        # Every process must sign with the same key: they share this secret already.
        secret = read_secret_key(settings)
    if secret is None:
        secret = _keep_secret(settings.database_path.with_name("ledger.key"))
    return LedgerSigner(name_ledger(settings), secret)


def build_evidence_maker(
    store: Store, settings: Settings, clock: Clock, tell: Callable[[str], None] | None = None
) -> EvidenceMaking:
    """Build what makes bundles of evidence; `tell` is called with each step that begins."""
    # Imported where they are used, so that other commands start without them.
    from consentry.evidence.making import EvidenceMaker  # noqa: PLC0415 - see above
    from consentry.evidence.proving import LedgerProver  # noqa: PLC0415 - see above

    prover = LedgerProver(store, read_ledger_signer(settings))
    policy, hash_keys = build_policy(settings), read_hash_keys(settings)
    return EvidenceMaker(store, prover, clock, policy, hash_keys=hash_keys, tell=tell)


def name_ledger(settings: Settings) -> str:
    """Name the ledger's log, and its key: as the settings say, else by the public address."""
    if settings.ledger_origin is not None:
        return settings.ledger_origin
    host = urlsplit(settings.public_url or "").netloc
    return f"{host or 'consentry.local'}/ledger"


def read_older_secret_keys(settings: Settings) -> tuple[str, ...]:
    """Read the secret keys of before: what hangs on them goes on to work."""
    older = tuple(_read_words(settings.older_secret_keys or "", "CONSENTRY_OLDER_SECRET_KEYS"))
    for number, key in enumerate(older, 1):
        if len(key) < SECRET_CHARACTERS_MIN:
            raise SettingError(
                f"CONSENTRY_OLDER_SECRET_KEYS: its {number}. key has {len(key)} characters. "
                f"Allowed: at least {SECRET_CHARACTERS_MIN}."
            )
    return older


def _write_secret(file: Path, secret: str) -> None:
    """Write it whole and readable by the owner alone, also if two processes start at once.

    It is on the disk before anything is hashed or signed with it: a host that loses its power must
    not come back with the hashes alone.
    """
    # Imported here: only a first start needs it.
    from consentry.store.sqlite.backing_up import bring_to_disk  # noqa: PLC0415 - see above

    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(secret + "\n", encoding="ascii")
    bring_to_disk(draft)
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    with suppress(OSError):
        # Some networks' folders cannot be asked for that.
        bring_to_disk(file.parent)


def read_text_keys(settings: Settings) -> tuple[tuple[TextKey, ...], bool]:
    """Read the keys of texts, the newest first, and whether new texts are sealed with it."""
    words = _read_words(settings.text_keys or "")
    seals = words[:1] != [_PLAIN]
    try:
        keys = tuple(read_text_key(word) for word in (words if seals else words[1:]))
    except ValueError as error:
        raise SettingError(
            f"CONSENTRY_TEXT_KEYS is not allowed: {error} Make one with: consentry text-key new"
        ) from error
    return keys, seals


def read_hash_keys(settings: Settings) -> HashKeys:
    """Read the keys that hash the numbers of who is erased, the newest first.

    Those of the settings, and behind them the one that is derived from the secret key.
    """
    try:
        words = _read_words(settings.erasure_keys or "", "CONSENTRY_ERASURE_KEYS")
        keys = [keyed_hash.read_hash_key(word) for word in words]
    except ValueError as error:
        raise SettingError(
            f"CONSENTRY_ERASURE_KEYS is not allowed: {error} Make one with: "
            "consentry erasure-key new"
        ) from error
    if settings.secret_key is not None or not settings.is_postgres:
        keys.append(keyed_hash.derive_hash_key(read_secret_key(settings)))
    keys += map(keyed_hash.derive_hash_key, read_older_secret_keys(settings))
    return HashKeys(keys)


def _read_words(written: str, setting: str = "CONSENTRY_TEXT_KEYS") -> list[str]:
    """Read what stands in the setting, or in the file that it names."""
    if not written.startswith(_FILE):
        return written.split()
    file = Path(written.removeprefix(_FILE))
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"{setting} names the file {file}, which cannot be read ({error})."
        ) from error
    return [word for line in lines for word in line.partition("#")[0].split()]


class ExposedFile(msgspec.Struct, frozen=True):
    """A file with secrets that others than its owner may read or write; `mode` as in 0o644."""

    path: Path
    mode: int

    @property
    def sentence(self) -> str:
        """Say what is wrong, and what to do."""
        return (
            f"{self.path} holds secrets, and others than its owner may open it (mode "
            f"{self.mode:04o}). Run: chmod 600 {shlex.quote(str(self.path))}"
        )


def list_exposed(settings: Settings, file: Path = SETTINGS_FILE) -> list[ExposedFile]:
    """List our files with secrets that others may open: keys, the database, the settings.

    As ssh looks at its keys: whose file is another's, such as a secret that a container's engine
    mounts, has it guarded by them. Nothing where a file is not there: it is made for its owner.
    """
    names = (settings.text_keys, settings.erasure_keys, settings.older_secret_keys)
    files = [Path(name.removeprefix(_FILE)) for name in names if name and name.startswith(_FILE)]
    if not settings.is_postgres:
        database = settings.database_path
        beside = ("secret.key", "ledger.key", f"{database.name}-wal", f"{database.name}-shm")
        files += [database, *map(database.with_name, beside)]
    if holds_secrets(file):
        files.append(file)
    found = ((path, _read_mode(path)) for path in dict.fromkeys(files))
    return [ExposedFile(path, mode) for path, mode in found if mode & _OF_OTHERS]


def warn_of_exposed(settings: Settings) -> None:
    """Tell the log of files with secrets that others may open."""
    for exposed in list_exposed(settings):
        _log.warning("secrets_exposed", extra={"why": exposed.sentence})


def holds_secrets(file: Path) -> bool:
    """Tell whether a settings file says a secret: a key, or a database's password."""
    written = read_written(file)
    password = urlsplit(written.get("database", "")).password
    return bool(password) or any(
        value and not value.startswith(_FILE)
        for name, value in written.items()
        if name.endswith(_NAMES_OF_SECRETS)
    )


def _read_mode(path: Path) -> int:
    """Read who may open a file of ours; 0 where there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0
    return stat.S_IMODE(found.st_mode) if found.st_uid == os.geteuid() else 0


def name_places(settings: Settings) -> Places:
    """Tell where checkpoints of the ledger are kept, beside the database."""
    return Places(
        folder=settings.ledger_push,
        folder_seconds=settings.ledger_push_minutes * 60,
        authority=settings.ledger_timestamp_url,
        authority_seconds=settings.ledger_timestamp_minutes * 60,
    )


def webhook_url(settings: Settings, carrier_id: str, fragment: str) -> str:
    """The webhook URL to set at the carrier, with what it reads behind `#`."""
    base = settings.public_url or "https://YOUR-PUBLIC-HOST"
    return base + inbound_path(carrier_id, fragment)


async def find_admin(store: Store) -> Agent:
    """Find the first admin who can sign in; where there is none, make one."""
    agents = await store.read_agents()
    for agent in agents:
        if agent.role is Role.ADMIN and agent.disabled_at is None:
            return agent
    email = FIRST_ADMIN_EMAIL
    while any(agent.email == email for agent in agents):
        email = f"admin-{email}"
    return await store.submit(SaveAgent(Agent("", email, "Admin", Role.ADMIN, SystemClock().now())))


async def make_sign_in_link(
    store: Store, agent: Agent, settings: Settings, base_url: str | None = None
) -> str:
    """Make a link that signs an agent in once; the secret in it is kept nowhere."""
    secret = secrets.token_urlsafe(32)
    seconds = settings.sign_in_link_minutes * 60
    await store.submit(MakeSignInLink(agent.id, hash_sign_in_secret(secret), seconds))
    return f"{base_url or server_url(settings)}{sign_in_path(secret)}"


def server_url(settings: Settings) -> str:
    """The address under which people reach the server, as far as the settings tell."""
    if settings.public_url is not None:
        return settings.public_url
    host = "127.0.0.1" if settings.host in _EVERY_ADDRESS else settings.host
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{settings.port}"
