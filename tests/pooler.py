"""A real pgbouncer in transaction mode: each transaction gets another of a few connections."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from postgres_server import NOBODY, PostgresServer, end_with_parent

PORT = 6432
CONNECTIONS = 3
_START_SECONDS = 120.0
_PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def is_installed() -> bool:
    """Tell whether there is one here."""
    return _PROGRAM is not None


class Pooler:
    """Stands between its clients and a server, with fewer connections than clients."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = server.folder / "pooler"

    def url(self, database: str) -> str:
        """Say how to reach a database through it."""
        return f"postgresql://postgres@/{database}?host={self.folder}&port={PORT}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "users").write_text('"postgres" ""\n', encoding="ascii")
        (self.folder / "pgbouncer.ini").write_text(self._settings(), encoding="ascii")
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
        assert _PROGRAM is not None
        with (self._server.folder / "pooler.log").open("ab") as log:
            self._process = subprocess.Popen(
                [_PROGRAM, self.folder / "pgbouncer.ini"],
                stdout=log,
                stderr=log,
                preexec_fn=end_with_parent,  # noqa: PLW1509 - it runs nothing of Python that locks
                **self._server.as_nobody(),
            )
        last_chance = time.monotonic() + _START_SECONDS
        while not (self.folder / f".s.PGSQL.{PORT}").exists():
            assert self._process.poll() is None
            assert time.monotonic() < last_chance
            time.sleep(0.02)

    def _settings(self) -> str:
        return f"""[databases]
* = host={self._server.folder} port={self._server.port}

[pgbouncer]
pool_mode = transaction
default_pool_size = {CONNECTIONS}
listen_addr =
unix_socket_dir = {self.folder}
listen_port = {PORT}
auth_type = trust
auth_file = {self.folder / "users"}
"""

    def kill(self) -> None:
        """End it at once."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(_START_SECONDS)
        self._process = None
        (self.folder / f".s.PGSQL.{PORT}").unlink(missing_ok=True)

    def stop(self) -> None:
        """End it if it runs."""
        if self._process is not None:
            self.kill()


@contextmanager
def running_pooler(server: PostgresServer) -> Iterator[Pooler]:
    """Run a pooler before a server."""
    pooler = Pooler(server)
    pooler.start()
    try:
        yield pooler
    finally:
        pooler.stop()
