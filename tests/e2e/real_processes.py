"""Real processes for the end-to-end tests: each is told where to stop, and stops by itself too.

A process that a test starts must not outlive the test run, not even one that is killed. So beside
each process stands a sitter, which holds the other end of a pipe of ours: when we are gone, the
pipe closes and the sitter ends the process.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_SECONDS_MAX = 60.0
"""A start takes one to two seconds of work; a machine that many share takes its time."""

STOP_SECONDS_MAX = 60.0
"""What does not end by then never will."""

_STOP_SECONDS_PROMISED = 5.0
_STOPS_MAX = 3.0
_PROCESSES = Path("/proc")
_SITTER = """
import os, signal, sys, time
sys.stdin.read()
try:
    os.kill(int(sys.argv[1]), signal.SIGTERM)
    time.sleep(8)
    os.kill(int(sys.argv[1]), signal.SIGKILL)
except ProcessLookupError:
    pass
"""


@dataclass(frozen=True)
class Running:
    """A process that has said its first line, a JSON object, and where it writes its errors."""

    process: "subprocess.Popen[str]"
    told: dict[str, Any]
    errors: Path
    errors_from: int
    start_seconds: float

    @property
    def stop_seconds_promised(self) -> float:
        """How long it may take to end: five seconds, where the machine is as quick as others.

        One that is slow to start it may be as slow to end it, though that is far less work.
        """
        return max(_STOP_SECONDS_PROMISED, _STOPS_MAX * self.start_seconds)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> float:
        """Ask it to end, and tell how many seconds it took; it must end well."""
        began = time.monotonic()
        self.process.send_signal(how)
        try:
            code = self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end in {STOP_SECONDS_MAX} s: {self.said()}") from None
        assert code == 0, f"it ended with {code}: {self.said()}"
        return time.monotonic() - began

    def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()
        self.process.wait(STOP_SECONDS_MAX)

    def log(self) -> str:
        """Read all that was written there since it was started, by whoever writes there too."""
        return self.errors.read_bytes()[self.errors_from :].decode()

    def said(self) -> str:
        """Read what it wrote on standard error."""
        return self.errors.read_text(encoding="utf-8", errors="replace")[-4000:]


@contextmanager
def running(
    *words: str, folder: Path, settings: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Start `consentry WORDS` in a folder; whatever happens then, it is gone at the end."""
    began, errors = time.monotonic(), folder / f"{words[0]}.errors"
    errors_from = errors.stat().st_size if errors.exists() else 0
    process = _start(words, folder, settings or {}, errors)
    sitter = subprocess.Popen(
        [sys.executable, "-S", "-c", _SITTER, str(process.pid)], stdin=subprocess.PIPE
    )
    try:
        told = _read_first_line(process, errors)
        yield Running(process, told, errors, errors_from, time.monotonic() - began)
    finally:
        sitter.kill()
        sitter.communicate()
        if process.poll() is None:
            process.kill()
        process.communicate()


def clean_environment() -> dict[str, str]:
    """Take our own environment without settings of ours that a developer may have."""
    return {name: value for name, value in os.environ.items() if "CONSENTRY_" not in name}


def read_descendants(pid: int) -> set[int]:
    """List the processes below one, where the system shows them."""
    parents = {}
    for status in _PROCESSES.glob("[0-9]*/stat"):
        try:
            fields = status.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(status.parent.name)] = int(fields[1])
    found, left = set[int](), {pid}
    while left:
        left = {child for child, parent in parents.items() if parent in left}
        found |= left
    return found


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not collected does not."""
    try:
        stat = (_PROCESSES / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def _start(
    words: Sequence[str], folder: Path, settings: Mapping[str, str], errors: Path
) -> "subprocess.Popen[str]":
    folder.mkdir(parents=True, exist_ok=True)
    with errors.open("a", encoding="utf-8") as told:
        return subprocess.Popen(
            [sys.executable, "-m", "consentry", *words],
            cwd=folder,
            env={**clean_environment(), **settings},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
            encoding="utf-8",
        )


def _read_first_line(process: "subprocess.Popen[str]", errors: Path) -> dict[str, Any]:
    impatience = threading.Timer(START_SECONDS_MAX, process.kill)
    impatience.start()
    try:
        line = process.stdout.readline() if process.stdout else ""
    finally:
        impatience.cancel()
        impatience.join()
    assert line, f"it said nothing: {errors.read_text(encoding='utf-8', errors='replace')}"
    told: dict[str, Any] = json.loads(line)
    return told
