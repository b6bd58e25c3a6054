"""The servers that are measured: each in a process of its own, stopped by that process."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Final

import msgspec

from consentry.cli.bench.databases import Database
from consentry.cli.bench.plan import StoreKind
from consentry.cli.bench.requests import build_health_check
from consentry.hosting import bind

_START_SECONDS: Final = 20.0
_STOP_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.002
_SECRET_KEY: Final = "a-key-of-the-bench-that-opens-nothing-else"  # noqa: S105 - as it says
_THIS_PROGRAM: Final = {"PYTHONPATH": str(Path(__file__).parents[3])}
"""Servers run what measures them, whatever else is installed."""

OK: Final = 200


class ServerFailed(Exception):
    """A server did not start or ended early; what it said is in the message."""


class Running(msgspec.Struct, frozen=True):
    """A server that answers: where, and which process it is.

    `database` is the process of the database server behind it, where there is one.
    """

    port: int
    pid: int
    database: int | None = None


def environment_of(database: Database) -> dict[str, str]:
    """Give a server settings of its own, and none of the person's who measures."""
    settings = _THIS_PROGRAM | {
        "CONSENTRY_DATABASE": database.url,
        "CONSENTRY_HOST": "127.0.0.1",
        "CONSENTRY_PORT": "0",
        "CONSENTRY_LOG_LEVEL": "warning",
    }
    if database.store is StoreKind.POSTGRESQL:
        # Beside a file there is one; a server has to be told.
        settings["CONSENTRY_SECRET_KEY"] = _SECRET_KEY
    return settings


@contextmanager
def run_product(database: Database, *, workers: int = 1) -> Iterator[Running]:
    """Run `consentry serve`."""
    arguments = ["-m", "consentry", "serve", "--port", "0", "--json", "--workers", str(workers)]
    with _run(arguments, environment_of(database), database.folder) as running:
        yield msgspec.structs.replace(running, database=database.server_pid)


@contextmanager
def run_variant(kind: str, database: Database) -> Iterator[Running]:
    """Run a variant of the product for comparison: `bare` or `commit_each`."""
    arguments = ["-m", "consentry.cli.bench.variants", kind]
    with _run(arguments, environment_of(database), database.folder) as running:
        yield msgspec.structs.replace(running, database=database.server_pid)


@contextmanager
def run_part(name: str, folder: Path) -> Iterator[Running]:
    """Run a server of the bench's own: `bare_asgi` or `carrier`."""
    with _run(["-m", f"consentry.cli.bench.{name}"], _THIS_PROGRAM, folder) as running:
        yield running


def find_port() -> int:
    """Find a port that nobody listens on."""
    listener = bind("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    listener.close()
    return port


@contextmanager
def _run(arguments: list[str], environment: Mapping[str, str], folder: Path) -> Iterator[Running]:
    """Run a server that prints its URL as JSON when it answers."""
    with run_process(arguments, environment, folder) as process:
        line = process.stdout.readline() if process.stdout is not None else b""
        if not line:
            raise ServerFailed(f"{' '.join(arguments)} ended without an answer; it said why above.")
        port = int(json.loads(line)["url"].rpartition(":")[2])
        wait_for_answer(port, process, build_health_check(port))
        yield Running(port, process.pid)


@contextmanager
def run_process(
    arguments: list[str], environment: Mapping[str, str], folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python program in a folder, and stop it by its process."""
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(  # noqa: S603 - this interpreter, with our own arguments
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        env=dict(environment),
        cwd=folder,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def wait_for_answer(port: int, process: subprocess.Popen[bytes], request: bytes) -> None:
    """Ask until the answer is 200; raises `ServerFailed` where that takes too long."""
    last_chance = time.perf_counter() + _START_SECONDS
    while process.poll() is None and time.perf_counter() < last_chance:
        if ask(port, request) == OK:
            return
        time.sleep(_POLL_SECONDS)
    raise ServerFailed(f"The server on port {port} does not answer.")


def ask(port: int, request: bytes) -> int | None:
    """Send one request on a connection of its own; return the status, None without an answer."""
    try:
        with socket.create_connection(("127.0.0.1", port), _ANSWER_SECONDS) as connection:
            connection.sendall(request)
            answer = connection.recv(65536)
    except OSError:
        return None
    return int(answer[9:12]) if answer[9:12].isdigit() else None


def fetch(port: int, request: bytes) -> dict[str, object]:
    """Send one request and decode its answer, which must be 200."""
    return msgspec.json.decode(fetch_body(port, request), type=dict[str, object])


def fetch_body(port: int, request: bytes) -> bytes:
    """Send one request and give the body of its answer, which must be 200."""
    with socket.create_connection(("127.0.0.1", port), _ANSWER_SECONDS) as connection:
        connection.sendall(request)
        answer = HTTPResponse(connection)
        answer.begin()
        body = answer.read()
    if answer.status != OK:
        raise ServerFailed(f"The server on port {port} answers {answer.status}: {body[:400]!r}.")
    return body


def measure_start_seconds(database: Database, request: Callable[[int], bytes]) -> float:
    """Measure from starting `consentry serve` to its first 200; `request` is built for a port."""
    port = find_port()
    arguments = ["-m", "consentry", "serve", "--port", str(port), "--json"]
    began = time.perf_counter()
    with run_process(arguments, environment_of(database), database.folder) as process:
        wait_for_answer(port, process, request(port))
        return time.perf_counter() - began


def read_memory_mebibytes(pid: int) -> float | None:
    """Read how much memory a process holds (its resident set); None where nobody tells."""
    ps = shutil.which("ps")
    if ps is None:
        return _read_status_mebibytes(Path(f"/proc/{pid}/status"))
    told = subprocess.run(  # noqa: S603 - the system's own ps
        [ps, "-o", "rss=", "-p", str(pid)], check=True, capture_output=True, text=True
    )
    return int(told.stdout) / 1024


def _read_status_mebibytes(status: Path) -> float | None:
    lines = status.read_text(encoding="ascii").splitlines() if status.is_file() else []
    found = [line for line in lines if line.startswith("VmRSS:")]
    return int(found[0].split()[1]) / 1024 if found else None
