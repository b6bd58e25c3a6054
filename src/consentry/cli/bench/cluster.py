"""A PostgreSQL of our own: what the product is measured on, and pgbench for what it could do.

It listens on a socket file in a folder of ours and nowhere else, with fsync and synchronous
commit on. Product, hand-written service and pgbench all use this one server with its settings.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

_TABLE: Final = """
CREATE TABLE inbound (
    id bigserial PRIMARY KEY,
    recipient text NOT NULL,
    sender text NOT NULL,
    body text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
)
"""
_INSERT: Final = """\\set line random(2000000, 9999999)
INSERT INTO inbound (recipient, sender, body) VALUES ('+1212' || :line, '+14155550100', 'STOP');
"""
_SETTINGS: Final = (
    "listen_addresses=",
    "fsync=on",
    "synchronous_commit=on",
    "max_connections=300",
    "shared_buffers=512MB",
    "max_wal_size=4GB",
)
"""PostgreSQL's own, but for more memory, and checkpoints that lie further apart."""

_CEILINGS: Final = "ceilings"
"""The database in which pgbench works."""

_SCALE: Final = 10
_LONG_SECONDS: Final = 10.0
_RATE: Final = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_NOBODY: Final = 65534
_PROGRAMS: Final = ("initdb", "postgres", "psql", "pgbench")
_START_SECONDS: Final = 15.0
_STOP_SECONDS: Final = 10.0


class PostgresFailed(Exception):
    """PostgreSQL is there and does not work as expected; the message is its own."""


class Postgres(msgspec.Struct, frozen=True):
    """A running server: where its programs are, where its socket is, and which process it is."""

    programs: Path
    folder: Path
    pid: int

    def url(self, database: str) -> str:
        """Say how to reach a database, as the product's setting takes it."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def create(self, database: str) -> None:
        """Make an empty database."""
        self.execute("postgres", f"CREATE DATABASE {database}")

    def execute(self, database: str, *statements: str) -> str:
        """Run statements, each in a transaction of its own; return what they print."""
        commands = [part for statement in statements for part in ("--command", statement)]
        plain = ("--quiet", "--no-psqlrc", "--tuples-only", "--no-align", "-v", "ON_ERROR_STOP=1")
        return self._run("psql", *plain, *commands, database)

    def prepare(self) -> None:
        """Make the tables that pgbench reads and inserts into."""
        self.create(_CEILINGS)
        self.execute(_CEILINGS, _TABLE)
        self._run("pgbench", "--initialize", "--quiet", f"--scale={_SCALE}", _CEILINGS)
        (self.folder / "insert.sql").write_text(_INSERT, encoding="ascii")

    def insert_for(self, seconds: float, *, clients: int) -> float:
        """Insert single rows with so many clients; return transactions a second."""
        return self._load(seconds, clients, f"--file={self.folder / 'insert.sql'}")

    def select_for(self, seconds: float, *, clients: int) -> float:
        """Look single rows up (`pgbench -S`) with so many clients; return them a second."""
        return self._load(seconds, clients, "--select-only")

    def _load(self, seconds: float, clients: int, what: str) -> float:
        """Have pgbench load the database; once more, and longer, where it got nothing done.

        On a busy machine a second goes by until all clients are connected.
        """
        told = self._run_load(seconds, clients, what)
        found = _RATE.search(told)
        if found is None:
            told = self._run_load(_LONG_SECONDS, clients, what)
            found = _RATE.search(told)
        if found is None:
            raise PostgresFailed(f"pgbench named no rate: {told[-400:]}")
        return float(found[1])

    def _run_load(self, seconds: float, clients: int, what: str) -> str:
        return self._run(
            "pgbench",
            "--no-vacuum",
            f"--client={clients}",
            f"--jobs={min(2, clients)}",
            f"--time={max(1, round(seconds))}",
            "--protocol=prepared",
            what,
            _CEILINGS,
        )

    def _run(self, program: str, *arguments: str) -> str:
        connect = (f"--host={self.folder}", "--username=postgres")
        ended = subprocess.run(  # noqa: S603 - PostgreSQL's own programs
            [self.programs / program, *connect, *arguments],
            check=False,
            capture_output=True,
            text=True,
            env={},
        )
        if ended.returncode != 0:
            raise PostgresFailed(f"{program} failed: {ended.stderr.strip()[-400:]}")
        return ended.stdout


def find_postgres(bindir: Path | None) -> Path | None:
    """Find a folder that holds all of PostgreSQL's programs; the folder given wins."""
    found = shutil.which("pgbench")
    folders = [] if bindir is None else [bindir]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folders += [] if found is None else [Path(found).resolve().parent]
    for folder in folders:
        if all(os.access(folder / program, os.X_OK) for program in _PROGRAMS):
            return folder
    return None


@contextmanager
def run_postgres(programs: Path, folder: Path) -> Iterator[Postgres]:
    """Run a server on a new cluster in this folder, and stop it by its process.

    Raises `PostgresFailed` where it does not start.
    """
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        os.chown(folder, _NOBODY, _NOBODY)
    with (folder / "log").open("wb") as log:
        process = _start(programs, folder, log)
        try:
            server = Postgres(programs, folder, process.pid)
            _wait_until_up(server, process)
            server.prepare()
            yield server
        finally:
            _stop(process)


def _start(programs: Path, folder: Path, log: BinaryIO) -> subprocess.Popen[bytes]:
    data = folder / "data"
    user = _NOBODY if os.geteuid() == 0 else None
    groups: list[int] | None = [] if user is not None else None
    make = ("-D", data, "--username=postgres", "--auth=trust", "--no-sync", "--locale=C")
    subprocess.run(  # noqa: S603 - PostgreSQL's own program
        [programs / "initdb", "--encoding=UTF8", *make],
        check=False,
        stdout=log,
        stderr=log,
        env={},
        cwd=folder,
        user=user,
        group=user,
        extra_groups=groups,
    )
    chosen = [part for setting in _SETTINGS for part in ("-c", setting)]
    return subprocess.Popen(  # noqa: S603 - PostgreSQL's own program
        [programs / "postgres", "-D", data, "-k", folder, *chosen],
        stdout=log,
        stderr=log,
        env={},
        cwd=folder,
        user=user,
        group=user,
        extra_groups=groups,
    )


def _wait_until_up(server: Postgres, process: subprocess.Popen[bytes]) -> None:
    last_chance = time.perf_counter() + _START_SECONDS
    while process.poll() is None and time.perf_counter() < last_chance:
        try:
            server.execute("postgres", "SELECT 1")
        except PostgresFailed:
            time.sleep(0.1)
        else:
            return
    told = (server.folder / "log").read_text(encoding="utf-8", errors="replace").strip()
    last = told.splitlines()[-1] if told else "it said nothing"
    raise PostgresFailed(f"PostgreSQL did not start in {server.folder}: {last}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
