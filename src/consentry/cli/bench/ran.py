"""Commands that are run from their start to their end, as people run them."""

import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from consentry.cli.bench.databases import SQLiteDatabase
from consentry.cli.bench.servers import ServerFailed, environment_of

_POLL_SECONDS: Final = 0.1


class Ran(msgspec.Struct, frozen=True):
    """One run: how long it took, the most memory of all its processes, and what it said.

    `busy_seconds` is the processor's time of all of them.
    """

    seconds: float
    busy_seconds: float
    mebibytes: float
    told: dict[str, object]


def run_whole(words: list[str], database: SQLiteDatabase) -> Ran:
    """Run a command from its start to its end, and see how much memory its processes take."""
    began, busy_before = time.perf_counter(), _busy_seconds()
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "consentry", *words],
        env=environment_of(database),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=database.folder,
    ) as process:
        most = 0.0
        while process.poll() is None:
            most = max(most, _read_mebibytes(process.pid))
            time.sleep(_POLL_SECONDS)
        seconds = time.perf_counter() - began
        said, failed = process.communicate()
    if process.returncode != 0:
        raise ServerFailed(f"{' '.join(words)} failed: {failed.decode(errors='replace')}")
    return Ran(seconds, _busy_seconds() - busy_before, most, json.loads(said))


def _busy_seconds() -> float:
    """Tell the processor's time of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _read_mebibytes(pid: int) -> float:
    """Add up the resident sets of a process and all below it; 0 where the system does not tell."""
    try:
        kilobytes = 4 * int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    return kilobytes / 1024 + sum(_read_mebibytes(int(child)) for child in below)


def show_busy(runs: list[Ran]) -> str:
    """Say how long runs took, and how long they kept a processor busy."""
    busy = statistics.median(ran.busy_seconds for ran in runs)
    seconds = statistics.median(ran.seconds for ran in runs)
    return f"{seconds:.1f} s, {busy:.1f} s of a processor"
