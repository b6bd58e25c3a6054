"""What processes have computed and what memory they hold, as the system tells it (Linux)."""

import os
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PROC: Final = Path("/proc")


def list_family(pid: int) -> list[int]:
    """List a process and all that came from it and still run."""
    family = [pid]
    for member in family:
        family += _list_children(member)
    return family


def list_workers(pid: int) -> list[int]:
    """List the processes that serve: those that a server started, or the server itself."""
    return [child for child in _list_children(pid) if _serves(child)] or [pid]


def _list_children(pid: int) -> list[int]:
    try:
        threads = list((_PROC / str(pid) / "task").iterdir())
    except OSError:
        # It has ended since it was listed: a server of PostgreSQL's comes and goes.
        return []
    return [int(child) for one in threads for child in _read(one / "children").split()]


def _serves(pid: int) -> bool:
    """Tell a worker from what Python's multiprocessing runs to look after its resources."""
    return b"resource_tracker" not in _read(_PROC / str(pid) / "cmdline")


def read_processor_seconds(pid: int) -> float | None:
    """Read how long a process has computed so far, with all that came from it; None elsewhere.

    What a child that has ended computed counts for the process that waited for it.
    """
    family = [_read_ticks(member) for member in list_family(pid)]
    if family[0] is None:
        return None
    return sum(ticks or 0 for ticks in family) / _TICKS


def _read_ticks(pid: int) -> int | None:
    fields = _read(_PROC / str(pid) / "stat").rpartition(b")")[2].split()
    return sum(map(int, fields[11:15])) if fields else None


def read_own_mebibytes(pid: int) -> float | None:
    """Read the memory that is a process's own, a shared page counted by its share (PSS).

    Without the pages of a database that is mapped to be read: the system keeps those as long as
    it has room, as it does for every file that is read, and takes them back at any time.
    """
    kilobytes, counts = 0, True
    lines = _read(_PROC / str(pid) / "smaps").splitlines()
    for line in lines:
        if b"-" in line.partition(b" ")[0]:
            counts = not line.endswith(b".db")
        elif counts and line.startswith(b"Pss:"):
            kilobytes += int(line.split()[1])
    return kilobytes / 1024 if lines else None


def _read(file: Path) -> bytes:
    """Read a file of /proc; nothing where there is none, or its process is gone."""
    try:
        return file.read_bytes()
    except OSError:
        return b""
